//! A child that numbers its types as another release does.
//!
//! ```text
//!   ours, 1.7     5/default/pull  6/default/upload      lease, ingest
//!   the child     6/default/pull  7/default/upload      the same by the numbers of 2.0, where an image is 5
//! ```
//!
//! Each such node differs, and none of it says why. Where all of them are ours once they are renumbered, that is said.

use crate::conformance::Results;
use crate::node::Node;
use crate::release::Release;
use crate::text;
use std::collections::BTreeSet;

/// The releases whose numbers an answer has, in words that follow `the child`; none where they are this release's, or
/// where nothing tells.
pub(super) fn other_release(release: Release, expected: &Results, got: &Results) -> Option<String> {
    let [ours, theirs] = [expected, got].map(nodes);
    let mut strange = theirs.difference(&ours).peekable();
    strange.peek()?;
    let strange: Vec<&&Node> = strange.collect();
    let renumbered = |from: Release, node: &Node| {
        let resource_type = from.number_in(release, node.resource_type)?;
        Some(Node { resource_type, ..node.clone() })
    };
    let explains = |other: &Release| {
        let is_ours = |node: &Node| renumbered(*other, node).is_some_and(|node| ours.contains(&node));
        // What has this release's number has that one's, too: the numbers are all of one release.
        let stays = |node: &Node| renumbered(*other, node).is_some_and(|renumbered| renumbered == *node);
        strange.iter().all(|node| is_ours(node)) && theirs.intersection(&ours).all(|node| stays(node))
    };
    let others = Release::ALL.iter().filter(|other| **other != release && explains(other));
    let others: Vec<&str> = others.map(|other| other.name()).collect();
    let named = match &others[..] {
        [] => return None,
        [one] => (*one).to_owned(),
        [first, .., last] => format!("{first} to {last}"),
    };
    let count = text::counted(strange.len() as u64, "object");
    Some(format!(
        "numbers the types of {count} as containerd {named} does, not {release}: it seems to be built of that (--release)"
    ))
}

/// The nodes of an answer, by their numbers.
fn nodes(results: &Results) -> BTreeSet<&Node> {
    let lists = [&results.roots, &results.all, &results.removed].into_iter().flatten();
    lists.chain(results.marked.iter().flatten()).flatten().collect()
}
