//! A node of a database as scenarios write it.

use crate::bucket::Bucket;
use crate::node::{Kind, NodeRef};
use crate::reason::Words;
use crate::release::Release;
use crate::schema::views;
use crate::text;

/// A node as `namespace/kind/key`. A snapshotter that has slashes itself stands in quotes, as scenarios write it, where the
/// database has it.
pub(super) fn node_in(tree: &Bucket, release: Release, node: NodeRef<'_>) -> String {
    let first = node.key.iter().position(|byte| *byte == b'/');
    let slash = views::snapshot_slash(tree, node.namespace, node.key);
    if release.kind_of(node.resource_type) != Kind::Snapshot || slash == first {
        return text::node(release, node);
    }
    // No namespace is called by the empty name, so that it is always told.
    let name = Words { release, tree, namespace: b"" }.plain(node);
    let flat = if release.is_flat(node.resource_type) { "-flat" } else { "" };
    name.replacen("/snapshot/", &format!("/snapshot{flat}/"), 1)
}
