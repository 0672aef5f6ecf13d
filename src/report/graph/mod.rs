//! A database as a picture: for Graphviz, as an SVG, as one HTML page.
//!
//! ```text
//!   explain::Drawing ──> layout ──┬─> dot    what Graphviz places by itself
//!   what, and in which    where   ├─> svg    some hundred objects, drawn as they stand
//!   group                         └─> page   all of them, to be searched, filtered and asked
//! ```
//!
//! Names go into all of them as `explain` prints them: what a terminal would obey or not show is escaped by then, and the
//! marks of each language are escaped on top.

mod dot;
mod layout;
mod page;
mod svg;

pub use page::EXPLAINED_MAX;
pub use svg::DRAWN_MAX;

use super::end::End;
use super::explain::relation;
use super::saying::Saying;
use crate::explain::{Drawing, Fate, Group, LeftOut, Line, Object};
use crate::schema::time;
use crate::text;

/// A drawing with all that is said in it.
#[derive(Clone, Copy)]
pub struct GraphReport<'r, 'j, 'a> {
    /// What every explanation is said with.
    pub saying: Saying<'r, 'j, 'a>,
    /// What is drawn.
    pub drawing: &'r Drawing<'a>,
    /// The source, as its reader named it.
    pub source: &'r str,
}

/// The fates in the order of a legend: a class, and what is said of it.
const FATES: [(&str, &str); 5] = [
    ("kept", "kept: a root or a reference holds it"),
    ("until", "for a time: goes when something expires"),
    ("removed", "removed: goes at the next collection"),
    ("unswept", "unswept: no collection removes its kind"),
    ("missing", "missing: named, and not there"),
];

/// The place of a fate in the legend.
fn fate(fate: Fate) -> usize {
    match fate {
        Fate::Kept => 0,
        Fate::KeptUntil(_) => 1,
        Fate::Removed => 2,
        Fate::Unswept => 3,
        Fate::Missing => 4,
    }
}

impl<'a> GraphReport<'_, '_, 'a> {
    /// What the picture is of.
    fn title(&self) -> String {
        let around = self.drawing.around.map(|around| &self.drawing.objects[around as usize]);
        let around = around.map(|object| format!("{} in ", text::short_digests(&self.name(object))));
        format!("{}{}", around.unwrap_or_default(), self.source)
    }

    /// By whose rules, when, and what is left out.
    fn subtitle(&self) -> String {
        let situation = self.saying.situation;
        let mut said =
            format!("containerd {} at {}", situation.release, time::format_rfc3339_nano(situation.now));
        if self.saying.error.is_some() {
            said.push_str("; the collection fails: what would go goes once that is mended");
        }
        let LeftOut { above, below } = self.drawing.left_out;
        for (count, what) in [(above, "that hold it"), (below, "that it reaches")] {
            if count > 0 {
                said.push_str(&format!("; not drawn: {} {what}", text::counted(count, "more object")));
            }
        }
        said
    }

    /// An object's name, by which it is found again.
    fn name(&self, object: &Object<'_>) -> String {
        object.found.name_in(&self.saying.situation.tree)
    }

    /// An object's name within its namespace, with short digests.
    fn short(&self, object: &Object<'_>) -> String {
        let whole = self.name(object);
        let namespace = text::name(&object.found.namespace);
        let inside = whole.strip_prefix(&format!("{namespace}/")).unwrap_or(&whole);
        text::short_digests(inside)
    }

    /// The same with its namespace.
    fn whole(&self, object: &Object<'_>) -> String {
        text::short_digests(&self.name(object))
    }

    /// By group: whether it has a frame with its name, which names its namespace. What stands alone has none.
    fn framed(&self) -> Vec<bool> {
        let mut counts = vec![0_usize; self.drawing.groups.len()];
        self.drawing.objects.iter().for_each(|object| counts[object.group as usize] += 1);
        let groups = self.drawing.groups.iter().zip(counts);
        groups.map(|(group, count)| *group != Group::Around && count > 1).collect()
    }

    /// What becomes of an object, in words.
    fn fate_of(&self, object: &Object<'_>) -> String {
        match object.fate {
            Fate::KeptUntil(at) => format!("kept until {}", End::of(at).near(self.saying.situation.now)),
            _ if object.root.is_some() => {
                format!("{}, a root by itself", FATES[fate(object.fate)].0)
            }
            _ => FATES[fate(object.fate)].0.to_owned(),
        }
    }

    /// A relation in a word.
    fn word(&self, line: &Line<'_>) -> String {
        let later = if line.is_later { " (not yet)" } else { "" };
        relation(line.rule, line.label) + later
    }

    /// A group's name, and what it is: the beginning of what is said of it.
    fn group(&self, group: &Group) -> String {
        let of = |what: &str, namespace: &[u8]| format!("{}: {what}", text::name(namespace));
        match group {
            Group::Holder(holder) => text::short_digests(&self.name(&self.drawing.objects[*holder as usize])),
            Group::Shared(namespace) => of("held by several", namespace),
            Group::Removed(namespace) => of("goes at the next collection", namespace),
            Group::Missing(namespace) => of("named and missing", namespace),
            Group::Idle(namespace) => of("stays, and holds nothing", namespace),
            Group::Around => String::new(),
        }
    }
}
