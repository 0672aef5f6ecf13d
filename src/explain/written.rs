//! Where in the database a root or a reference is written.

use super::explanation::Hop;
use super::network::{Network, Subject};
use crate::node::{Kind, Node};
use crate::oracle::{Holder, Rule};
use crate::release::Release;
use crate::schema::{names, views};

/// Keys from the database's root down.
type Place = Vec<Vec<u8>>;

impl Hop<'_> {
    /// Where it is written: a field, or the bucket that has it. None of what only collectors say.
    pub fn place(&self, network: &Network<'_, '_>, release: Release) -> Option<Place> {
        let of =
            |node: &Node| views::place_of(release.kind_of(node.resource_type), &node.namespace, &node.key);
        let from = match self.from {
            None => of(&self.to),
            Some(Subject::Node(id)) => of(&network.graph().node(id)),
            Some(Subject::Holder(holder)) => match holder {
                Holder::Lease { namespace, id } => views::place_of(Kind::Lease, namespace, id),
                Holder::Image { namespace, name } => views::place_of(Kind::Image, namespace, name),
                Holder::Container { namespace, id } => views::place_of(Kind::Container, namespace, id),
                Holder::Sandbox { .. } | Holder::Collector { .. } | Holder::Itself => None,
            },
        };
        let labels = [names::LABELS, self.label.unwrap_or_default()];
        let below: Vec<&[u8]> = match self.rule {
            Rule::LeaseHolds => {
                // As an object lies below its namespace, a lease lists it below itself.
                let held = of(&self.to)?;
                let held: Vec<&[u8]> = held[2..].iter().map(Vec::as_slice).collect();
                return Some(joined(from?, &without_folder(&held)));
            }
            Rule::Target => vec![names::TARGET, names::DIGEST],
            Rule::ContainerSnapshot => vec![names::SNAPSHOT_KEY],
            Rule::Parent => vec![names::PARENT],
            Rule::Expected => vec![names::EXPECTED],
            Rule::LiveLease | Rule::UnexpiredImage | Rule::ActiveIngest | Rule::Container => Vec::new(),
            Rule::BackReference => return Some(joined(of(&self.to)?, &labels)),
            Rule::RootLabel
            | Rule::ContentLabel
            | Rule::SnapshotLabel
            | Rule::ImageLabel
            | Rule::CollectorLabel
            | Rule::Condition => labels.to_vec(),
            Rule::CollectorLeased
            | Rule::CollectorActive
            | Rule::CollectorBackReference
            | Rule::CollectorReference => return None,
        };
        Some(joined(from?, &below))
    }
}

/// A lease lists blobs and ingests without the folder `content` or below it alone: `content/DIGEST`, `ingests/REF`.
fn without_folder<'k>(held: &[&'k [u8]]) -> Vec<&'k [u8]> {
    match held {
        [names::CONTENT, names::BLOB, digest] => vec![names::CONTENT, digest],
        [names::CONTENT, names::INGESTS, reference] => vec![names::INGESTS, reference],
        other => other.to_vec(),
    }
}

fn joined(mut place: Place, below: &[&[u8]]) -> Place {
    place.extend(below.iter().map(|key| key.to_vec()));
    place
}
