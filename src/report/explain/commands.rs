//! What an operator can do with containerd's own `ctr`: let go of what is kept, keep what goes.

use super::{CHAINS_SHOWN_MAX, NodeReport, plural};
use crate::explain::{Explanation, Found, Hop, State, Subject, Thing};
use crate::node::{Kind, Node};
use crate::oracle::{Holder, Rule};
use crate::report::shell;
use crate::scenario::print_label;
use crate::schema::{names, views};
use crate::text;
use std::io::{self, Write};

impl<'a> NodeReport<'_, '_, 'a> {
    /// What an operator can do with containerd's own `ctr`.
    pub(super) fn write_commands(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { state, chains, .. } = self.explanation;
        match state {
            State::Kept => {
                let mut commands: Vec<String> = Vec::new();
                let shown = &chains[..chains.len().min(CHAINS_SHOWN_MAX)];
                for chain in shown {
                    commands.extend(chain.first().and_then(|hop| self.release_command(hop)));
                }
                commands.dedup();
                if !commands.is_empty() {
                    writeln!(
                        out,
                        "To let go of it{}:",
                        if self.explanation.roots > 1 { ", all of" } else { "" }
                    )?;
                }
                self.write_listed(out, commands.into_iter())?;
                let more = self.explanation.roots - shown.len();
                if more > 0 {
                    let roots = plural(more, "more root", "more roots");
                    let more = text::count(more as u64);
                    writeln!(out, "  ... and then {more} {roots}: ask again when these are gone")?;
                }
                self.write_let_go(out)
            }
            State::Removed => match self.keep_command() {
                Some(command) => writeln!(out, "To keep it:\n  {command}"),
                None => Ok(()),
            },
            State::Unswept => {
                let Found { namespace, thing, key } = self.found;
                let of = match thing {
                    Thing::Node(Kind::Image) => "images",
                    Thing::Node(Kind::Container) => "containers",
                    Thing::Sandbox => "sandboxes",
                    _ => return Ok(()),
                };
                writeln!(out, "To delete it:\n  {}", removal(namespace, of, key))
            }
            State::Missing => Ok(()),
        }
    }

    /// How a root is let go of: a command, or what to do where there is none.
    fn release_command(&self, hop: &Hop<'a>) -> Option<String> {
        let of = |namespace: &[u8], of: &str, name: &[u8]| Some(removal(namespace, of, name));
        match hop.from {
            Some(Subject::Holder(Holder::Image { namespace, name })) => of(namespace, "images", name),
            Some(Subject::Holder(Holder::Container { namespace, id })) => of(namespace, "containers", id),
            Some(Subject::Holder(Holder::Sandbox { namespace, id })) => of(namespace, "sandboxes", id),
            Some(Subject::Holder(_)) => None,
            Some(Subject::Node(id)) => {
                let lease = self.saying.network.graph().node(id);
                of(&lease.namespace, "leases", &lease.key)
            }
            None => {
                let Node { namespace, key, .. } = &hop.to;
                match hop.rule {
                    Rule::UnexpiredImage => of(namespace, "images", key),
                    Rule::LiveLease => of(namespace, "leases", key),
                    Rule::Container => of(namespace, "containers", key),
                    Rule::ActiveIngest => Some(
                        "its client aborts it by a call (Content.Abort): there is no command of ctr for that"
                            .to_owned(),
                    ),
                    Rule::RootLabel => {
                        let label = hop.label.unwrap_or(names::GC_ROOT);
                        self.label_command(&hop.to, &[label, b"="].concat())
                    }
                    _ => None,
                }
            }
        }
    }

    /// The same of a node that goes, to be kept.
    fn keep_command(&self) -> Option<String> {
        let node = self.node();
        match self.kind()? {
            Kind::Content | Kind::Snapshot => {
                self.label_command(&node, &[names::GC_ROOT, b"=pinned"].concat())
            }
            Kind::Image => {
                let label = [names::GC_EXPIRE, b"="].concat();
                Some(shell::ctr(&node.namespace, &[b"images", b"label"], &[&node.key, &label]))
            }
            Kind::Ingest => Some(
                "its client adds it to a lease by a call (Leases.AddResource): there is no command of ctr for that"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// Sets a label, as `KEY=VALUE`.
    fn label_command(&self, node: &Node, label: &[u8]) -> Option<String> {
        // What stands before the first `=` is the key to `ctr`.
        if label.iter().filter(|byte| **byte == b'=').count() > 1 {
            return Some(format!(
                "a client takes {} away by a call: there is no command of ctr for a label with a `=`",
                print_label(label.strip_suffix(b"=").unwrap_or(label))
            ));
        }
        match self.saying.situation.release.kind_of(node.resource_type) {
            Kind::Content => Some(shell::ctr(&node.namespace, &[b"content", b"label"], &[&node.key, label])),
            Kind::Snapshot => {
                let tree = &self.saying.situation.tree;
                let slash = views::snapshot_slash(tree, &node.namespace, &node.key)?;
                let (snapshotter, key) = (&node.key[..slash], &node.key[slash + 1..]);
                let words: [&[u8]; 4] = [b"snapshots", b"--snapshotter", snapshotter, b"label"];
                Some(shell::ctr(&node.namespace, &words, &[key, label]))
            }
            _ => None,
        }
    }
}

/// The command that removes something.
fn removal(namespace: &[u8], of: &str, name: &[u8]) -> String {
    shell::ctr(namespace, &[of.as_bytes(), b"rm"], &[name])
}
