//! What is half done while others collect, clean up and restart the daemon: a preparation between its transactions, a writer on
//! content that another namespace gives up.

use super::{Draft, names};
use crate::scenario::{DEFAULT_NAMESPACE, Labels, NewSnapshot, SnapshotName, Step};
use arbitrary::Result;

const COLLECT: Step = Step::Gc { last: None, cancel_at_root: None };

impl Draft<'_, '_> {
    pub(super) fn unfinished(&mut self) -> Result<()> {
        if self.u.arbitrary()? { self.half_prepared() } else { self.expected_of_another() }
    }

    /// A preparation holds its snapshotter's clean-up back, and no other one; not beyond the daemon's life.
    fn half_prepared(&mut self) -> Result<()> {
        let snapshot = |snapshotter: &[u8], key: &[u8]| SnapshotName {
            snapshotter: snapshotter.to_vec(),
            key: key.to_vec(),
        };
        let prepare = |snapshot: &SnapshotName| NewSnapshot {
            snapshot: snapshot.clone(),
            parent: None,
            labels: Labels::new(),
        };
        let own = *self.u.choose(&names::SNAPSHOTTERS)?;
        let other = *self.u.choose(&[own, names::SNAPSHOTTERS[0]])?;
        let (half, gone) = (snapshot(own, b"half"), snapshot(other, b"gone"));
        let digest = names::BLOBS[names::STRAY + 3].clone();
        self.step(Step::SnapshotPrepareBegin(prepare(&half)));
        if self.u.arbitrary()? {
            self.step(Step::ContentPut { digest: digest.clone(), size: None, labels: Labels::new() });
            self.step(Step::ContentDelete { digest });
        }
        let dies = self.u.ratio(1, 3)?;
        if dies && self.u.arbitrary()? {
            self.step(Step::Crash);
        }
        self.step(Step::SnapshotPrepare(prepare(&gone)));
        if self.u.arbitrary()? {
            self.step(Step::SnapshotRemove { snapshot: gone });
        }
        if dies && self.u.arbitrary()? {
            self.step(Step::Crash);
        }
        self.step(COLLECT);
        self.step(Step::Cleanup);
        self.step(Step::SnapshotFinish { snapshot: half });
        self.step(Step::Cleanup);
        Ok(())
    }

    /// A writer, under a lease or none, waits for content that only another namespace has, and that goes there.
    fn expected_of_another(&mut self) -> Result<()> {
        let (digest, reference) = (names::BLOBS[names::STRAY + 2].clone(), b"waits".to_vec());
        let lease = names::LEASES[5].to_vec();
        let is_leased = self.u.arbitrary()?;
        let within = |namespace: &[u8]| Step::NamespaceUse { namespace: namespace.to_vec() };
        self.step(within(names::OTHER));
        self.step(Step::ContentPut { digest: digest.clone(), size: None, labels: Labels::new() });
        self.step(within(DEFAULT_NAMESPACE));
        if is_leased {
            let labels = Labels::new();
            self.step(Step::LeaseCreate { lease: lease.clone(), expire: None, flat: false, labels });
            self.step(Step::LeaseUse { lease });
        }
        let expected = Some(digest.clone());
        self.step(Step::ContentOpen { reference: reference.clone(), expected, size: None });
        if self.u.arbitrary()? {
            self.step(within(names::OTHER));
            self.step(Step::ContentDelete { digest: digest.clone() });
            self.step(within(DEFAULT_NAMESPACE));
        }
        self.step(COLLECT);
        self.step(Step::Cleanup);
        if self.u.ratio(3, 4)? {
            self.step(Step::ContentCommit { reference, digest, size: None, labels: Labels::new() });
        }
        if is_leased {
            self.step(Step::LeaseNone);
        }
        Ok(())
    }
}
