//! Client protocols under way, their clients' steps interleaved with each other's and with everything else.
//!
//! They are those of `scenarios/protocols`, the blocks between `together` and `end`: each client's steps in their order, what
//! another client may do as a step of that one's. Collections, clean-ups, crashes and time come as in every case, and
//! promises are not asked. Two rows of steps that no one client does are built here.

use super::shipped::{Cast, SHIPPED};
use super::{Draft, line, names};
use crate::generate::profile::Habit;
use crate::scenario::{DEFAULT_NAMESPACE, Labels, Line, Name, NewSnapshot, SnapshotName, Step};
use arbitrary::Result;
use std::time::Duration;

/// No more protocols once there are so many clients.
const CLIENTS_MAX: u8 = 6;
/// Scripts under way at the most, one a client.
const SCRIPTS_MAX: usize = 4;
const DAY: Duration = Duration::from_secs(24 * 3_600);
const SNAPSHOTTER: &[u8] = b"overlayfs";

impl Draft<'_, '_> {
    /// Its clients begin one.
    pub(super) fn begin_protocol(&mut self) -> Result<()> {
        if self.scripts.len() >= SCRIPTS_MAX || self.clients >= CLIENTS_MAX {
            return self.put();
        }
        let is_other = self.has(Habit::Namespaces) && self.u.arbitrary()?;
        let namespace = if is_other { names::OTHER } else { DEFAULT_NAMESPACE };
        if self.u.ratio(2, 3)? {
            return self.begin_shipped(namespace);
        }
        let client = self.client(namespace);
        let steps =
            if self.u.arbitrary()? { self.slow_writer(&client)? } else { self.interrupted_build(&client)? };
        let lines = steps.into_iter().map(|step| Line { client: Some(client.clone()), ..line(step) });
        self.scripts.push(lines.collect());
        Ok(())
    }

    /// A new client.
    fn client(&mut self, namespace: &[u8]) -> Name {
        let name = vec![b'p', b'0' + self.clients];
        self.clients += 1;
        self.step(Step::Client { name: name.clone(), namespace: Some(namespace.to_vec()), lease: None });
        name
    }

    /// One of those that ship: what it begins with at once, then each of its clients in its own time.
    fn begin_shipped(&mut self, namespace: &[u8]) -> Result<()> {
        let shipped = &SHIPPED[self.u.choose_index(SHIPPED.len())?];
        let clients: Vec<Name> = shipped.clients.iter().map(|_| self.client(namespace)).collect();
        let first = self.u.int_in_range(0..=2usize)?;
        let cast = Cast::of(shipped, first, &clients);
        self.queue.extend(shipped.before.iter().map(|line| cast.played(line)));
        self.scripts.extend(
            shipped.scripts.iter().map(|script| script.iter().map(|line| cast.played(line)).collect()),
        );
        Ok(())
    }

    /// The next step of one of the protocols.
    pub(super) fn follow_script(&mut self) -> Result<()> {
        let at = self.u.choose_index(self.scripts.len())?;
        self.lines.extend(self.scripts[at].pop_front());
        // Now and then a client dies.
        if self.scripts[at].is_empty() || self.u.ratio(1, 48)? {
            self.scripts.remove(at);
        }
        Ok(())
    }

    /// Content that another namespace has too is committed so late that both are gone.
    fn slow_writer(&mut self, client: &[u8]) -> Result<Vec<Step>> {
        let (digest, reference) = (self.blob()?, [b"fetch-", client].concat());
        let namespace = self.any_namespace()?;
        let own = if namespace == DEFAULT_NAMESPACE { names::OTHER } else { DEFAULT_NAMESPACE };
        let labels = Labels::new;
        Ok(vec![
            Step::NamespaceUse { namespace },
            Step::ContentPut { digest: digest.clone(), size: None, labels: labels() },
            Step::NamespaceUse { namespace: own.to_vec() },
            Step::ContentOpen { reference: reference.clone(), expected: Some(digest.clone()), size: None },
            Step::Advance(DAY + Duration::from_secs(self.u.int_in_range(0..=1u64)?)),
            Step::Gc { last: None, cancel_at_root: None },
            Step::Cleanup,
            Step::ContentCommit { reference, digest, size: None, labels: labels() },
        ])
    }

    /// A build on a layer that stays ends in its middle, and somebody takes the layer away by name later.
    fn interrupted_build(&mut self, client: &[u8]) -> Result<Vec<Step>> {
        let (extract, base) =
            (snapshot(&[b"extract-", client].concat()), snapshot(&[b"base-", client].concat()));
        let on = |key: &SnapshotName, parent: Option<&SnapshotName>| {
            let parent = parent.map(|parent| parent.key.clone());
            Step::SnapshotPrepare(NewSnapshot { snapshot: key.clone(), parent, labels: Labels::new() })
        };
        let root = labels(&[(b"containerd.io/gc.root", b"now")]);
        Ok(vec![
            on(&extract, None),
            Step::SnapshotCommit {
                snapshot: extract.clone(),
                name: base.key.clone(),
                parent: None,
                labels: root,
            },
            on(&extract, Some(&base)),
            Step::Gc { last: None, cancel_at_root: None },
            Step::SnapshotRemove { snapshot: base },
        ])
    }
}

fn snapshot(key: &[u8]) -> SnapshotName {
    SnapshotName { snapshotter: SNAPSHOTTER.to_vec(), key: key.to_vec() }
}

fn labels(labels: &[(&[u8], &[u8])]) -> Labels {
    labels.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}
