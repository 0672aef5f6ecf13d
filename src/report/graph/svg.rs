//! An SVG, drawn without any other program: boxes in layers from left to right, arrows to what is kept.

use super::layout::{Cell, Frame, Layout, layout};
use super::{FATES, GraphReport, fate};
use crate::explain::{Group, Line, Object};
use crate::text;
use std::io::{self, Write};

/// How many objects can be looked at in one drawing.
pub const DRAWN_MAX: usize = 400;

const CELL: Cell = Cell { width: 336, height: 56, margin: 16, head: 22, gap: 22 };
/// A box inside its cell; the rest is for arrows.
const BOX: (u32, u32) = (216, 42);
/// Around all, and what stands above it.
const MARGIN: u32 = 24;
const HEAD: u32 = 84;
const WIDTH_MIN: u32 = 900;
/// With more relations their words would cover each other.
const WORDS_MAX: usize = 120;

/// Colours by fate, each with a mark of its own shape; the same in the dark.
const STYLE: &str = "
svg{background:#fff;font-family:ui-sans-serif,system-ui,sans-serif;font-size:11px;fill:#1d2530}
.title{font-size:17px;font-weight:600}.dim{fill:#5b6675}
.group{fill:#f6f8fa;stroke:#d4dae1}
.box{fill:#fff;stroke-width:1.5}.mark{stroke-width:1.5}
.line{fill:none;stroke:#8a95a3;stroke-width:1.1}.later{stroke-dasharray:4 3}
.word{font-size:9px;fill:#5b6675;paint-order:stroke;stroke:#fff;stroke-width:3px}
.kept{stroke:#0072b2;fill:#0072b2}.until{stroke:#b07a00;fill:#e69f00}.removed{stroke:#c44e00;fill:#c44e00}
.unswept{stroke:#00795a;fill:#00795a}.missing{stroke:#666;fill:none}
.box.until{stroke-dasharray:6 3}.box.missing{stroke-dasharray:2 3}.box.removed{stroke-width:2.5}
.box.kept,.box.until,.box.removed,.box.unswept,.box.missing{fill:#fff}.box.around{stroke-width:4px}
@media(prefers-color-scheme:dark){svg{background:#12161c;fill:#e4e9ef}.dim,.word{fill:#9aa7b5}.word{stroke:#12161c}
.group{fill:#1a2029;stroke:#323b47}.line{stroke:#6d7886}
.box.kept,.box.until,.box.removed,.box.unswept,.box.missing{fill:#12161c}
.kept{stroke:#56b4e9;fill:#56b4e9}.until{stroke:#e69f00}.removed{stroke:#ff8a4c;fill:#ff8a4c}
.unswept{stroke:#3fc79a;fill:#3fc79a}.missing{stroke:#aaa}}
";

/// The marks in a square of 12, by fate in the order of the legend.
const MARKS: [&str; 5] = [
    "<circle cx=\"6\" cy=\"6\" r=\"5\"/>",
    "<path d=\"M3 1h6l3 5l-3 5h-6l-3-5z\"/>",
    "<path d=\"M6 0l6 6l-6 6l-6-6z\"/>",
    "<path d=\"M1 1h10v10h-10z\"/>",
    "<path d=\"M6 1l5 10h-10z\"/>",
];

impl GraphReport<'_, '_, '_> {
    /// An SVG; see the module.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_svg(&self, out: &mut dyn Write) -> io::Result<()> {
        let layout = layout(self.drawing, CELL);
        let (width, height) = (layout.size.0.max(WIDTH_MIN) + 2 * MARGIN, layout.size.1 + HEAD + 2 * MARGIN);
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">"
        )?;
        let title = escaped(&self.title());
        writeln!(out, "<title>{title}</title>\n<style>{STYLE}</style>")?;
        writeln!(
            out,
            "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0l8 4l-8 4z\" fill=\"#8a95a3\"/></marker></defs>"
        )?;
        writeln!(out, "<text class=\"title\" x=\"{MARGIN}\" y=\"36\">{title}</text>")?;
        let subtitle = escaped(&self.subtitle());
        writeln!(out, "<text class=\"dim\" x=\"{MARGIN}\" y=\"55\">{subtitle}</text>")?;
        write_legend(out)?;
        writeln!(out, "<g transform=\"translate({MARGIN} {})\">", HEAD + MARGIN)?;
        let framed = self.framed();
        for ((group, frame), is_framed) in self.drawing.groups.iter().zip(&layout.frames).zip(&framed) {
            if *is_framed {
                self.draw_frame(group, *frame, out)?;
            }
        }
        for line in &self.drawing.lines {
            self.draw_line(line, &layout, out)?;
        }
        for (object, number) in self.drawing.objects.iter().zip(0..) {
            let is_around = self.drawing.around == Some(number);
            let place = layout.places[number as usize];
            self.draw_object(object, place, is_around, out)?;
            if !framed[object.group as usize] {
                let namespace = escaped(&cut(&text::name(&object.found.namespace), 44));
                let (x, y) = (place.0 + 2, i64::from(place.1) - 4);
                writeln!(out, "<text class=\"word\" x=\"{x}\" y=\"{y}\">{namespace}</text>")?;
            }
        }
        writeln!(out, "</g>\n</svg>")
    }

    fn draw_frame(&self, group: &Group, frame: Frame, out: &mut dyn Write) -> io::Result<()> {
        let Frame { x, y, width, height } = frame;
        let name = cut(&self.group(group), (width / 7) as usize);
        writeln!(
            out,
            "<rect class=\"group\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\"/><text class=\"dim\" x=\"{}\" y=\"{}\">{}</text>",
            x + 12,
            y + 18,
            escaped(&name)
        )
    }

    fn draw_object(
        &self,
        object: &Object<'_>,
        (x, y): (u32, u32),
        is_around: bool,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let place = fate(object.fate);
        let class = FATES[place].0;
        let size = object.bytes.map(|bytes| format!(" · {}", text::bytes(bytes))).unwrap_or_default();
        let said = format!("{}{size}", self.fate_of(object));
        let whole = format!("{}: {said}", self.name(object));
        let (width, height) = BOX;
        let around = if is_around { " around" } else { "" };
        writeln!(
            out,
            "<g transform=\"translate({x} {y})\"><title>{}</title><rect class=\"box {class}{around}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\
<g class=\"mark {class}\" transform=\"translate(9 15)\">{}</g><text x=\"29\" y=\"18\">{}</text><text class=\"dim\" x=\"29\" y=\"33\">{}</text></g>",
            escaped(&whole),
            MARKS[place],
            escaped(&cut(&self.short(object), 29)),
            escaped(&cut(&said, 32)),
        )
    }

    fn draw_line(&self, line: &Line<'_>, layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
        let [from, to] = [line.from, line.to].map(|end| layout.places[end as usize]);
        let (width, middle) = (BOX.0, BOX.1 / 2);
        let [start, end] = [(from.0 + width, from.1 + middle), (to.0, to.1 + middle)]
            .map(|(x, y)| (i64::from(x), i64::from(y)));
        // What stands to the left, or below in the same column, is reached around.
        let bend = ((end.0 - start.0).abs() / 2).clamp(36, 160);
        let later = if line.is_later { " later" } else { "" };
        let word = escaped(&self.word(line));
        let (x1, y1, x2, y2) = (start.0, start.1, end.0, end.1);
        writeln!(
            out,
            "<path class=\"line{later}\" marker-end=\"url(#arrow)\" d=\"M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}\"><title>{word}</title></path>",
            x1 + bend,
            x2 - bend
        )?;
        if self.drawing.lines.len() > WORDS_MAX || x2 <= x1 {
            return Ok(());
        }
        let word = escaped(&cut(&self.word(line), 24));
        let (x, y) = (x2 - 10, y2 - 5);
        writeln!(out, "<text class=\"word\" text-anchor=\"end\" x=\"{x}\" y=\"{y}\">{word}</text>")
    }
}

fn write_legend(out: &mut dyn Write) -> io::Result<()> {
    let mut x = MARGIN;
    for ((class, said), mark) in FATES.into_iter().zip(MARKS) {
        writeln!(
            out,
            "<g class=\"mark {class}\" transform=\"translate({x} 68)\">{mark}</g><text x=\"{}\" y=\"78\">{said}</text>",
            x + 18
        )?;
        x += 36 + size(said) * 6;
    }
    Ok(())
}

fn size(said: &str) -> u32 {
    u32::try_from(said.len()).unwrap_or(u32::MAX)
}

/// The beginning of a text, if it is longer than so many letters.
fn cut(text: &str, letters_max: usize) -> String {
    match text.char_indices().nth(letters_max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(letters_max - 1).chain(['…']).collect(),
    }
}

/// A text inside an element: marks escaped, and what no XML may have, as it is shown elsewhere.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push_str(&format!(r"\u{:04x}", u32::from(character))),
            _ => escaped.push(character),
        }
    }
    escaped
}
