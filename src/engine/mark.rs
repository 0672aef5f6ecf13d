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
    let mut seen = vec![false; marks.nodes.len()];
    let mut is_expanded = vec![false; marks.nodes.len()];
    let mut reachable = vec![false; marks.nodes.len()];
    let mut found = Vec::new();
    if seen_when_pushed {
        grays.iter().for_each(|root| seen[root.index()] = true);
    }
    while let Some(id) = grays.pop() {
        // containerd looks a node up again that was pushed twice. By then all it refers to has been seen, so the
        // second look-up changes nothing and is left out.
        if std::mem::replace(&mut is_expanded[id.index()], true) {
            continue;
        }
        if started.faults.has(Fault::FlatHidesFull) {
            // The fault: visits are told apart without their flat bit.
            let plain = marks.nodes.retype(id, marks.nodes.get(id).resource_type.stripped());
            is_expanded.resize(marks.nodes.len(), false);
            if plain != id && std::mem::replace(&mut is_expanded[plain.index()], true) {
                continue;
            }
        }
        seen[id.index()] = true;
        found.clear();
        match references(started, marks, namespaces, id, &mut found) {
            Err(error) if !started.faults.has(Fault::ErrorSwallowed) => return Err(error),
            _ => {}
        }
        let plain = marks.nodes.retype(id, marks.nodes.get(id).resource_type.stripped());
        for colours in [&mut seen, &mut is_expanded, &mut reachable] {
            colours.resize(marks.nodes.len(), false);
        }
        for target in &found {
            if !seen[target.index()] {
                seen[target.index()] = seen_when_pushed;
                grays.push(*target);
            }
        }
        reachable[plain.index()] = true;
    }
    Ok(reachable)
}
