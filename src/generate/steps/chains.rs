//! What hangs on one thing alone: deep chains that nothing but a root label or one lease at their head holds, labels without
//! a value, a snapshot whose parent is another one by the time that it is finished, a namespace of one snapshot.

use super::large::{digest, numbered};
use super::{Draft, line, names};
use crate::generate::profile::Habit;
use crate::scenario::{DEFAULT_NAMESPACE, Labels, Name, NewSnapshot, RawValue, Resource, SnapshotName, Step};
use crate::schema::names as schema;
use arbitrary::Result;

/// Links of a chain at the most.
const LINKS_MAX: usize = 12;

impl Draft<'_, '_> {
    /// A chain, written from its foot or from its head, and what holds its head.
    pub(super) fn pinned_chain(&mut self) -> Result<()> {
        let links = self.u.int_in_range(4..=LINKS_MAX)?;
        if self.u.ratio(1, 3)? {
            return self.pinned_snapshots(links / 2);
        }
        let link = |at| {
            let labels = [(b"containerd.io/gc.ref.content.0".to_vec(), digest(at + 1))].into_iter().collect();
            Step::ContentPut { digest: digest(at), size: None, labels }
        };
        let mut puts: Vec<Step> = (0..links).map(link).collect();
        if self.u.arbitrary()? {
            puts.reverse();
        }
        puts.into_iter().for_each(|put| self.step(put));
        self.pin(Resource::Content(digest(0)))
    }

    fn pinned_snapshots(&mut self, links: usize) -> Result<()> {
        let snapshot = |key: Name| SnapshotName { snapshotter: b"overlayfs".to_vec(), key };
        for at in 0..links {
            self.extracted(&snapshot(numbered(at)), at.checked_sub(1).map(numbered));
        }
        self.pin(Resource::Snapshot(snapshot(numbered(links - 1))))
    }

    /// A snapshot is made as layers are: prepared and committed.
    fn extracted(&mut self, snapshot: &SnapshotName, parent: Option<Name>) {
        let extract = SnapshotName { key: b"extract".to_vec(), ..snapshot.clone() };
        let new = NewSnapshot { snapshot: extract.clone(), parent, labels: Labels::new() };
        self.step(Step::SnapshotPrepare(new));
        let name = snapshot.key.clone();
        self.step(Step::SnapshotCommit { snapshot: extract, name, parent: None, labels: Labels::new() });
    }

    /// What holds something and nothing else: a root label, a lease, or nothing at all.
    pub(super) fn pin(&mut self, resource: Resource) -> Result<()> {
        if !self.has(Habit::Chains) {
            return Ok(());
        }
        let labels: Labels = [(schema::GC_ROOT.to_vec(), b"now".to_vec())].into_iter().collect();
        match (self.u.int_in_range(0..=4u8)?, resource) {
            (0..=2, Resource::Content(digest)) => {
                self.step(Step::ContentLabel { digest, replace: false, labels });
            }
            (0..=2, Resource::Snapshot(snapshot)) => {
                self.step(Step::SnapshotLabel { snapshot, replace: false, labels });
            }
            (3, resource) => {
                let lease = names::LEASES[0].to_vec();
                let (labels, flat) = (Labels::new(), self.u.ratio(1, 4)?);
                self.step(Step::LeaseCreate { lease: lease.clone(), expire: None, flat, labels });
                self.step(Step::LeaseAdd { lease, resources: vec![resource] });
            }
            _ => {}
        }
        Ok(())
    }

    /// A label whose mere presence counts and that has no value, which no client can write, or one that says no.
    pub(super) fn empty_label(&mut self) -> Result<()> {
        let (object, label): (Vec<Name>, &[u8]) = match self.u.int_in_range(0..=4u8)? {
            0 => (vec![schema::CONTENT.into(), schema::BLOB.into(), self.blob()?], schema::GC_ROOT),
            1 => {
                let SnapshotName { snapshotter, key } = self.snapshot()?;
                (vec![schema::SNAPSHOTS.into(), snapshotter, key], schema::GC_ROOT)
            }
            2 => {
                self.lease_of_a_pair([(schema::GC_FLAT.to_vec(), b"false".to_vec())].into_iter().collect());
                return Ok(());
            }
            _ => {
                let lease = self.lease_of_a_pair(Labels::new());
                (vec![schema::LEASES.into(), lease], schema::GC_FLAT)
            }
        };
        let labels = [&object[..], &[schema::LABELS.to_vec()]].concat();
        let labels: Vec<&[u8]> = labels.iter().map(Vec::as_slice).collect();
        let bucket = self.path(&labels)?;
        let path = [&bucket[..], &[label.to_vec()]].concat();
        let value = RawValue::Bytes(Vec::new());
        self.steps(Step::RawBucket { path: bucket }, [Step::RawPut { path, value }]);
        Ok(())
    }

    /// A lease, and content that it alone holds, which refers to other content: what a flat lease does not hold.
    fn lease_of_a_pair(&mut self, labels: Labels) -> Name {
        let (lease, resources) = (names::LEASES[6].to_vec(), vec![self.pair()]);
        self.step(Step::LeaseCreate { lease: lease.clone(), expire: None, flat: false, labels });
        self.queue.push_back(line(Step::LeaseAdd { lease: lease.clone(), resources }));
        lease
    }

    /// Between the halves of a preparation its parent goes and comes back, as another snapshot of its name.
    pub(super) fn parent_made_anew(&mut self) -> Result<()> {
        let snapshotter = self.snapshotter()?;
        let [base, upper] = [&b"base"[..], b"upper"]
            .map(|key| SnapshotName { snapshotter: snapshotter.clone(), key: key.to_vec() });
        self.extracted(&base, None);
        let parent = Some(base.key.clone());
        let new = NewSnapshot { snapshot: upper.clone(), parent, labels: Labels::new() };
        self.step(Step::SnapshotPrepareBegin(new));
        self.step(Step::SnapshotRemove { snapshot: base.clone() });
        self.extracted(&base, None);
        self.step(Step::SnapshotFinish { snapshot: upper });
        Ok(())
    }

    /// A namespace of which nothing is left but a snapshot of one snapshotter, before or behind one without any.
    pub(super) fn namespace_of_one_snapshot(&mut self) -> Result<()> {
        let namespace = b"once".to_vec();
        let [gone, left] = if self.u.arbitrary()? { [0, 1] } else { [1, 0] }.map(|at: usize| SnapshotName {
            snapshotter: names::SNAPSHOTTERS[at].to_vec(),
            key: b"upper".to_vec(),
        });
        self.step(Step::NamespaceUse { namespace: namespace.clone() });
        for snapshot in [&gone, &left] {
            let new = NewSnapshot { snapshot: snapshot.clone(), parent: None, labels: Labels::new() };
            self.step(Step::SnapshotPrepare(new));
        }
        self.step(Step::SnapshotRemove { snapshot: gone });
        self.step(Step::NamespaceDelete { namespace });
        self.step(Step::NamespaceUse { namespace: DEFAULT_NAMESPACE.to_vec() });
        Ok(())
    }
}
