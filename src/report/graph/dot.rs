//! For Graphviz, which places everything by itself. A node's id is its name as `explain` takes it.

use super::{FATES, GraphReport, fate};
use crate::explain::{Line, ObjectId};
use crate::text;
use std::io::{self, Write};

/// Shape, style, line and ground of each fate, in the order of the legend.
const LOOKS: [[&str; 4]; 5] = [
    ["box", "rounded,filled", "#0072b2", "#e5f1f8"],
    ["box", "rounded,filled,dashed", "#b07a00", "#fdf3dc"],
    ["octagon", "filled,bold", "#c44e00", "#fbe6da"],
    ["box", "filled", "#00795a", "#e0f3ec"],
    ["box", "dotted", "#666666", "#ffffff"],
];

impl GraphReport<'_, '_, '_> {
    /// A graph in Graphviz's language; see the module.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_dot(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "// {}\n// {}", self.title(), self.subtitle())?;
        writeln!(out, "digraph leasehold {{")?;
        writeln!(out, "  label={};", quoted(&format!("{}\n{}", self.title(), self.subtitle())))?;
        writeln!(
            out,
            "  rankdir=LR; node [fontname=\"sans-serif\" fontsize=10]; edge [fontname=\"sans-serif\" fontsize=8];"
        )?;
        let mut members: Vec<Vec<ObjectId>> = vec![Vec::new(); self.drawing.groups.len()];
        for (object, number) in self.drawing.objects.iter().zip(0..) {
            members[object.group as usize].push(number);
        }
        let framed = self.framed();
        for ((group, members), number) in self.drawing.groups.iter().zip(&members).zip(0..) {
            let is_framed = framed[number];
            if is_framed {
                writeln!(
                    out,
                    "  subgraph \"cluster_{number}\" {{\n    label={};",
                    quoted(&self.group(group))
                )?;
            }
            for member in members {
                self.dot_object(*member, is_framed, out)?;
            }
            if is_framed {
                writeln!(out, "  }}")?;
            }
        }
        for line in &self.drawing.lines {
            self.dot_line(line, out)?;
        }
        writeln!(out, "}}")
    }

    fn id(&self, object: ObjectId) -> String {
        quoted(&self.name(&self.drawing.objects[object as usize]))
    }

    fn dot_object(&self, number: ObjectId, is_framed: bool, out: &mut dyn Write) -> io::Result<()> {
        let object = &self.drawing.objects[number as usize];
        let [shape, style, line, ground] = LOOKS[fate(object.fate)];
        let size = object.bytes.map(|bytes| format!(", {}", text::bytes(bytes))).unwrap_or_default();
        let name = if is_framed { self.short(object) } else { self.whole(object) };
        let label = format!("{name}\n{}{size}", self.fate_of(object));
        let (id, label) = (self.id(number), quoted(&label));
        let class = FATES[fate(object.fate)].0;
        writeln!(
            out,
            "    {id} [label={label} class={class} shape={shape} style=\"{style}\" color=\"{line}\" fillcolor=\"{ground}\"];"
        )
    }

    fn dot_line(&self, line: &Line<'_>, out: &mut dyn Write) -> io::Result<()> {
        let style = if line.is_later { " style=dashed" } else { "" };
        let (from, to, word) = (self.id(line.from), self.id(line.to), quoted(&self.word(line)));
        writeln!(out, "  {from} -> {to} [label={word}{style}];")
    }
}

/// A text in quotes. In labels a backslash begins an escape, so each is doubled; a line's end is one of these escapes.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}
