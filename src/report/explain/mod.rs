//! Why an object is kept or goes, for people and machines.
//!
//! ```text
//!   k8s.io/content/sha256:2af60de8   8.0 MiB   kept, by 1 root         the title
//!     image/web:1  -target->  content/sha256:64aaa797  -l.0->  it      chains
//!   Each of ... alone holds it ...                                     freed
//!   What does not hold it, although it looks so: ...                   reasons
//!   To let go of it: ctr -n k8s.io images rm web:1                     commands
//! ```

mod chains;
mod commands;
mod freed;
mod json;
mod reasons;

pub(super) use chains::relation;

use super::Show;
use super::saying::Saying;
use crate::bucket::Bucket;
use crate::explain::{Explanation, Found, State, Thing};
use crate::node::{Kind, Node, ResourceType};
use crate::schema::views;
use crate::text;
use std::io::{self, Write};

/// How many of a list are told to people.
const LISTED_MAX: usize = 10;
/// How many chains are shown.
const CHAINS_SHOWN_MAX: usize = 5;
/// How many objects that a name may mean are.
const ROWS_MAX: usize = 40;

/// The explanation of one object.
pub struct NodeReport<'r, 'j, 'a> {
    /// What it is said with.
    pub saying: Saying<'r, 'j, 'a>,
    /// What was asked about.
    pub found: &'r Found,
    /// The answer.
    pub explanation: &'r Explanation<'a>,
}

impl Show for NodeReport<'_, '_, '_> {
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_object(out)
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.saying.write_error(out)?;
        self.write_title(out)?;
        self.write_chains(out)?;
        self.write_alone(out)?;
        self.write_until(out)?;
        self.write_bytes(out)?;
        self.write_failures(out)?;
        self.write_named_by(out)?;
        self.write_commands(out)
    }
}

impl NodeReport<'_, '_, '_> {
    /// Whether it is a snapshot that no collection finds: it looks behind the key's first slash.
    fn has_bucket_that_stays(&self) -> bool {
        let Found { namespace, thing: Thing::Node(Kind::Snapshot), key } = self.found else { return false };
        let slash = views::snapshot_slash(&self.saying.situation.tree, namespace, key);
        slash != key.iter().position(|byte| *byte == b'/')
    }

    /// `k8s.io/content/sha256:...   8.0 MiB   kept, by 3 roots`
    fn write_title(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { state, roots, .. } = self.explanation;
        let release = self.saying.situation.release;
        let size = self.saying.size(self.node().as_ref());
        let size = size.map(|bytes| format!("   {}", text::bytes(bytes))).unwrap_or_default();
        let state = match state {
            State::Kept => {
                format!("kept, by {} {}", text::count(*roots as u64), plural(*roots, "root", "roots"))
            }
            State::Removed if self.saying.error.is_some() => {
                "would go, if the collection did not fail".to_owned()
            }
            State::Removed if self.has_bucket_that_stays() => {
                "is handed to removal at the next collection, and its bucket stays: its snapshotter's name has a slash".to_owned()
            }
            State::Removed => "goes at the next collection".to_owned(),
            State::Unswept => match self.found.thing {
                Thing::Collector => "a plugin of the daemon: it is no object of the database".to_owned(),
                Thing::Node(kind) if self.is_silent() => {
                    format!("stays: the collector of {kind} fails to start, so that nothing of it is listed")
                }
                thing => format!("stays until a client deletes it: containerd {release} collects no {thing}"),
            },
            State::Missing => match self.explanation.named_by.len() {
                0 => "missing: there is no such object".to_owned(),
                _ => "missing: there is no such object, though it is named".to_owned(),
            },
        };
        let name = self.found.name_in(&self.saying.situation.tree);
        writeln!(out, "{name}{size}   {state}")?;
        match self.saying.folder(self.node().as_ref()) {
            Some(folder) => writeln!(out, "Its files are in {} of the root folder.", text::name(&folder)),
            None => Ok(()),
        }
    }

    /// Whether it is what a collector lists that fails to start.
    fn is_silent(&self) -> bool {
        let Saying { situation, .. } = self.saying;
        let of_kind = |kind| situation.collector(kind).is_some_and(|collector| collector.start_error);
        matches!(self.found.thing, Thing::Node(kind) if of_kind(kind))
    }

    fn write_listed(
        &self,
        out: &mut dyn Write,
        names: impl ExactSizeIterator<Item = String>,
    ) -> io::Result<()> {
        let count = names.len();
        for name in names.take(LISTED_MAX) {
            writeln!(out, "  {name}")?;
        }
        match count.saturating_sub(LISTED_MAX) {
            0 => Ok(()),
            more => writeln!(out, "  ... and {} more: --json lists them all", text::count(more as u64)),
        }
    }

    fn namespace(&self) -> &[u8] {
        &self.found.namespace
    }

    fn node(&self) -> Node {
        let Found { namespace, key, .. } = self.found;
        let number = |kind| self.saying.situation.release.type_of(kind);
        let resource_type = self.kind().and_then(number).unwrap_or(ResourceType(0));
        Node::new(resource_type, namespace, key)
    }

    fn kind(&self) -> Option<Kind> {
        if let Thing::Node(kind) = self.found.thing { Some(kind) } else { None }
    }
}

fn plural<'w>(count: usize, one: &'w str, many: &'w str) -> &'w str {
    if count == 1 { one } else { many }
}

/// The objects that a name may mean, one a line.
///
/// # Errors
/// The writer's.
pub fn write_found(found: &[Found], tree: &Bucket, out: &mut dyn Write) -> io::Result<()> {
    for found in found.iter().take(ROWS_MAX) {
        writeln!(out, "  {}", found.name_in(tree))?;
    }
    match found.len().saturating_sub(ROWS_MAX) {
        0 => Ok(()),
        more => writeln!(out, "  ... and {} more: --json lists them all", text::count(more as u64)),
    }
}
