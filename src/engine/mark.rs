//! Tricolor marking (containerd's `gc.Tricolor`): everything reachable from the roots.

use super::collect::{Marks, Started};
use super::faults::{Fault, Faults};
use super::namespaces::Namespaces;
use super::nodes::NodeId;
use super::references::references;

/// By number: whether a node is marked. A flat visit marks the plain node, and every bit above 0x1F is stripped.
///
/// Grey nodes stand on a stack, popped from its end. Nodes are equal only with their whole type, so a flat and a
/// full visit of one object are two, and both count.
///
/// # Errors
/// The first error of a reference lookup.
pub(super) fn mark<F: Faults>(
    started: &Started<'_, F>,
    marks: &mut Marks,
    namespaces: &Namespaces<'_>,
    roots: &[NodeId],
) -> Result<Vec<bool>, String> {
    let seen_when_pushed = started.rules.seen_when_pushed;
    let mut grays = roots.to_vec();
    // About as many nodes are met by references.
    let mut colours = Vec::with_capacity(2 * marks.nodes.len());
    colours.resize(marks.nodes.len(), Colour::default());
    let mut found = Vec::new();
    if seen_when_pushed {
        grays.iter().for_each(|root| colours[root.index()].is_seen = true);
    }
    while let Some(id) = grays.pop() {
        // containerd looks a node up again that was pushed twice. By then all it refers to has been seen, so the
        // second look-up changes nothing and is left out.
        if std::mem::replace(&mut colours[id.index()].is_expanded, true) {
            continue;
        }
        if started.faults.has(Fault::FlatHidesFull) {
            // The fault: visits are told apart without their flat bit.
            let plain = marks.nodes.retype(id, marks.nodes.get(id).resource_type.stripped());
            colours.resize(marks.nodes.len(), Colour::default());
            if plain != id && std::mem::replace(&mut colours[plain.index()].is_expanded, true) {
                continue;
            }
        }
        colours[id.index()].is_seen = true;
        found.clear();
        match references(started, marks, namespaces, id, &mut found) {
            Err(error) if !started.faults.has(Fault::ErrorSwallowed) => return Err(error),
            _ => {}
        }
        let plain = marks.nodes.retype(id, marks.nodes.get(id).resource_type.stripped());
        colours.resize(marks.nodes.len(), Colour::default());
        for target in &found {
            let Colour { is_seen, .. } = &mut colours[target.index()];
            if !*is_seen {
                *is_seen = seen_when_pushed;
                grays.push(*target);
            }
        }
        colours[plain.index()].is_reachable = true;
    }
    Ok(colours.into_iter().map(|colour| colour.is_reachable).collect())
}

/// What is known of a node.
#[derive(Clone, Copy, Default)]
struct Colour {
    is_seen: bool,
    is_expanded: bool,
    is_reachable: bool,
}
