//! Rare bursts of one thing, up to a thousand: chains that are deep, buckets that are wide and lose entries again.

use super::{Draft, line, names};
use crate::generate::profile::Habit;
use crate::scenario::{
    ContainerFields, DEFAULT_NAMESPACE, ImageFields, Labels, Name, NewSnapshot, Resource, SnapshotName, Step,
    alias,
};
use arbitrary::Result;

/// The largest burst; sizes are log-uniform, so that most are far smaller.
const SIZE_MAX: usize = 1000;

impl Draft<'_, '_> {
    /// One burst, of which a case has one at most.
    pub(super) fn burst(&mut self) -> Result<()> {
        if self.has_burst {
            return self.put();
        }
        self.has_burst = true;
        let power = self.u.int_in_range(1..=10u32)?;
        let size = self.u.int_in_range(1 << (power - 1)..=1usize << power)?.min(SIZE_MAX);
        if self.has(Habit::Chains) && self.u.ratio(1, 4)? {
            return self.many_images(size);
        }
        match self.u.int_in_range(0..=5u8)? {
            0 => self.chain_of_parents(size / 2 + 1)?,
            1 => self.chain_of_references(size)?,
            2 => self.siblings(size)?,
            3 => self.many_labels(size)?,
            4 => self.many_entries(size)?,
            _ => self.long_label(size * 8)?,
        }
        Ok(())
    }

    /// Each snapshot stands on the one before it; a label or a lease may hold the last.
    fn chain_of_parents(&mut self, size: usize) -> Result<()> {
        let snapshot = |key: Name| SnapshotName { snapshotter: b"native".to_vec(), key };
        for at in 0..size {
            let parent = at.checked_sub(1).map(numbered);
            let extract = snapshot(b"extract".to_vec());
            let new = NewSnapshot { snapshot: extract.clone(), parent, labels: Labels::new() };
            self.step(Step::SnapshotPrepare(new));
            let (name, labels) = (numbered(at), Labels::new());
            self.step(Step::SnapshotCommit { snapshot: extract, name, parent: None, labels });
        }
        self.pin(Resource::Snapshot(snapshot(numbered(size - 1))))
    }

    /// Each blob refers to the next; a label or a lease may hold the first.
    fn chain_of_references(&mut self, size: usize) -> Result<()> {
        for at in 0..size {
            let labels = [(b"containerd.io/gc.ref.content.0".to_vec(), digest(at + 1))].into_iter().collect();
            self.step(Step::ContentPut { digest: digest(at), size: None, labels });
        }
        self.pin(Resource::Content(digest(0)))
    }

    /// Images of one target, of which some go again.
    fn many_images(&mut self, size: usize) -> Result<()> {
        for at in 0..size {
            let fields = ImageFields { target: Some(digest(0)), ..ImageFields::default() };
            self.step(Step::ImageCreate { image: numbered(at), fields });
        }
        let apart = self.u.int_in_range(1..=4usize)?;
        for at in (0..size).step_by(apart) {
            self.queue.push_back(line(Step::ImageDelete { image: numbered(at), sync: false }));
        }
        Ok(())
    }

    /// Blobs, of which some go and some come back, so that their bucket is wide and loses entries.
    fn siblings(&mut self, size: usize) -> Result<()> {
        let put = |at| Step::ContentPut { digest: digest(at), size: None, labels: Labels::new() };
        (0..size).for_each(|at| self.step(put(at)));
        let (gone, back) = (self.u.int_in_range(1..=4usize)?, self.u.int_in_range(2..=9usize)?);
        for at in (0..size).step_by(gone) {
            self.step(Step::ContentDelete { digest: digest(at) });
        }
        (0..size).step_by(gone * back).for_each(|at| self.step(put(at)));
        Ok(())
    }

    /// One blob with so many references, of which some are kept by nothing else.
    fn many_labels(&mut self, size: usize) -> Result<()> {
        let label = |at| (format!("containerd.io/gc.ref.content.{at}").into_bytes(), digest(at));
        let labels = (0..size).map(label).collect();
        let blob = names::BLOBS[0].clone();
        self.step(Step::ContentPut { digest: blob.clone(), size: None, labels });
        self.pin(Resource::Content(blob))?;
        for _ in 0..3 {
            let digest = digest(self.u.choose_index(size)?);
            self.queue.push_back(line(Step::ContentPut { digest, size: None, labels: Labels::new() }));
        }
        Ok(())
    }

    /// One lease with so many entries, of which some are dropped.
    fn many_entries(&mut self, size: usize) -> Result<()> {
        let lease = names::LEASES[0].to_vec();
        let held = |at: usize| Resource::Content(digest(at));
        self.step(Step::LeaseCreate {
            lease: lease.clone(),
            expire: None,
            flat: false,
            labels: Labels::new(),
        });
        self.step(Step::LeaseAdd { lease: lease.clone(), resources: (0..size).map(held).collect() });
        let apart = self.u.int_in_range(1..=4usize)?;
        let resources = (0..size).step_by(apart).map(held).collect();
        self.queue.push_back(line(Step::LeaseDrop { lease, resources }));
        Ok(())
    }

    /// A label of so many bytes: from 4,096 on, key and value together, most requests are refused.
    fn long_label(&mut self, size: usize) -> Result<()> {
        let labels: Labels = [(b"note".to_vec(), vec![b'x'; size])].into_iter().collect();
        let step = match self.u.int_in_range(0..=3u8)? {
            0 => Step::ContentPut { digest: names::BLOBS[0].clone(), size: None, labels },
            1 => Step::LeaseCreate { lease: names::LEASES[0].to_vec(), expire: None, flat: false, labels },
            2 => Step::SandboxCreate { sandbox: b"pod".to_vec(), labels },
            _ => Step::ContainerCreate {
                container: names::CONTAINERS[0].to_vec(),
                fields: ContainerFields { spec: Some(vec![b'x'; size]), ..ContainerFields::default() },
            },
        };
        self.step(step);
        Ok(())
    }

    /// Namespaces that sort before, between and behind what has a fixed name, and two that are long and nearly alike.
    pub(super) fn any_namespace(&mut self) -> Result<Name> {
        const NAMESPACES: [&[u8]; 9] = [
            DEFAULT_NAMESPACE,
            names::OTHER,
            b"a",
            b"content",
            b"v1",
            b"version",
            b"zz",
            names::LONG[0],
            names::LONG[1],
        ];
        Ok(self.u.choose(&NAMESPACES)?.to_vec())
    }
}

pub(super) fn numbered(at: usize) -> Name {
    format!("n{at}").into_bytes()
}

pub(super) fn digest(at: usize) -> Name {
    alias::digest_of(&format!("n{at}")).expect("a letter and digits are a name")
}
