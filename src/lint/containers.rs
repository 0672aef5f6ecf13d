//! Containers: whether what they run on is there.

use super::finding::{Findings, Object, Subject};
use super::lints::Lint;
use super::namespace::Namespace;
use crate::bucket::View;
use crate::node::Kind;
use crate::schema::names;
use crate::text;

/// Looks at the containers of a namespace.
pub(super) fn lint(namespace: Namespace<'_>, findings: &mut Findings) {
    for (id, container) in namespace.containers().buckets() {
        let object = || Object::node(Kind::Container, namespace.name, id);
        let field = |name| field(container, name);
        if let Some(key) = field(names::SNAPSHOT_KEY) {
            let snapshotter = field(names::SNAPSHOTTER).unwrap_or_default();
            let snapshots = namespace.view.at(&[names::SNAPSHOTS, snapshotter]);
            let name = Object::snapshot(b"", snapshotter, key).in_text();
            let missing = match snapshots {
                None => Some((
                    Lint::ContainerSnapshotterUnknown,
                    format!("snapshotter {} has nothing here, and so no {name}", text::name(snapshotter)),
                )),
                Some(snapshots) if snapshots.bucket(key).is_none() => {
                    Some((Lint::ContainerSnapshotMissing, format!("{name} is missing")))
                }
                Some(_) => None,
            };
            if let Some((lint, text)) = missing {
                findings.add(lint, object(), text).ctr(namespace.name, &[b"containers", b"rm"], &[id]);
            }
        }
        if let Some(sandbox) = field(b"sandboxid").filter(|sandbox| !namespace.has_sandbox(sandbox)) {
            let text = format!("{} is missing", Object::of(Subject::Sandbox, b"", sandbox).in_text());
            findings.add(Lint::ContainerSandboxMissing, object(), text);
        }
        if let Some(image) = field(b"image").filter(|image| !namespace.has(Kind::Image, image)) {
            let text = format!("{} is missing", Object::node(Kind::Image, b"", image).in_text());
            findings.add(Lint::ContainerImageMissing, object(), text);
        }
    }
}

/// A field that says something.
fn field<'t>(container: View<'t>, name: &[u8]) -> Option<&'t [u8]> {
    container.get(name).filter(|value| !value.is_empty())
}
