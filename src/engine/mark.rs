//! Tricolor marking (containerd's `gc.Tricolor`): everything reachable from the roots.

use super::context::Context;
use super::decisions::{Decisions, NodeMap};
use super::error::Error;
use super::nodes::NodeId;
use super::references::references;

/// By number: whether a node is marked. A flat visit marks the plain node, and every bit above 0x1F is stripped.
///
/// Grey nodes stand on a stack, popped from its end. Nodes are equal only with their whole type, so a flat and a
/// full visit of one object are two, and both count.
///
/// # Errors
/// The first error of a reference lookup.
pub(super) fn mark<D: Decisions>(context: &mut Context<'_, D>, roots: &[NodeId]) -> Result<Vec<bool>, Error> {
    let decisions = context.started.decisions;
    let seen_when_pushed = context.started.rules.seen_when_pushed;
    let mut grays = roots.to_vec();
    // About as many nodes are met by references.
    let mut colours = Vec::with_capacity(2 * context.marks.nodes.len());
    colours.resize(context.marks.nodes.len(), Colour::default());
    let mut found = Vec::new();
    if seen_when_pushed {
        grays.iter().for_each(|root| colours[root.index()].is_seen = true);
    }
    while let Some(id) = grays.pop() {
        let resource_type = context.marks.nodes.type_of(id);
        let visited = context.marks.nodes.retype(id, decisions.key_in(NodeMap::Seen, resource_type));
        colours.resize(context.marks.nodes.len(), Colour::default());
        // containerd looks a node up again that was pushed twice. By then all it refers to has been seen, so the
        // second look-up changes nothing and is left out.
        if std::mem::replace(&mut colours[visited.index()].is_expanded, true) {
            continue;
        }
        colours[id.index()].is_seen = true;
        found.clear();
        references(context, id, &mut found)?;
        let plain = context.marks.nodes.retype(id, resource_type.stripped());
        colours.resize(context.marks.nodes.len(), Colour::default());
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
