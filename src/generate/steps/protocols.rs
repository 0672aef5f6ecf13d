//! Client protocols, each under way for a client of its own, interleaved with everything else.
//!
//! A pull, as containerd's client does it: a lease, what is fetched written under it, labels that tie it together,
//! layers unpacked into a chain of snapshots, the image, the end of the lease. A start of a container. A prune.

use super::{Draft, line, names};
use crate::generate::profile::Habit;
use crate::scenario::{
    ContainerFields, DEFAULT_NAMESPACE, Expiry, ImageFields, Labels, Line, Name, NewSnapshot, SnapshotName,
    Step,
};
use arbitrary::Result;
use std::time::Duration;

/// Clients of protocols at the most.
const CLIENTS_MAX: u8 = 4;
/// Protocols under way at the most.
const SCRIPTS_MAX: usize = 3;
const DAY: Duration = Duration::from_secs(24 * 3_600);
const SNAPSHOTTER: &[u8] = b"overlayfs";

impl Draft<'_, '_> {
    /// A client begins one.
    pub(super) fn begin_protocol(&mut self) -> Result<()> {
        if self.scripts.len() >= SCRIPTS_MAX || self.clients >= CLIENTS_MAX {
            return self.put();
        }
        let client = vec![b'p', b'0' + self.clients];
        self.clients += 1;
        let is_other = self.has(Habit::Namespaces) && self.u.arbitrary()?;
        let namespace = if is_other { names::OTHER } else { DEFAULT_NAMESPACE };
        self.step(Step::Client { name: client.clone(), namespace: Some(namespace.to_vec()), lease: None });
        let steps = match self.u.int_in_range(0..=5u8)? {
            0 => self.start_container(&client)?,
            1 => self.prune(&client)?,
            2 => self.slow_writer(&client)?,
            3 => self.interrupted_build(&client)?,
            _ => self.pull(&client)?,
        };
        let lines = steps.into_iter().map(|step| Line { client: Some(client.clone()), ..line(step) });
        self.scripts.push(lines.collect());
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

    /// `client.Pull`: two layers, a config, a manifest.
    fn pull(&mut self, client: &[u8]) -> Result<Vec<Step>> {
        let first = self.u.int_in_range(0..=2usize)?;
        let blob = |index: usize| names::BLOBS[first + index].clone();
        let lease = [b"pull-", client].concat();
        let mut steps = vec![
            Step::LeaseCreate {
                lease: lease.clone(),
                expire: Some(Expiry::In(DAY)),
                flat: false,
                labels: Labels::new(),
            },
            Step::LeaseUse { lease: lease.clone() },
        ];
        let reference = [b"fetch-", client].concat();
        steps.push(Step::ContentOpen { reference: reference.clone(), expected: Some(blob(0)), size: None });
        steps.push(Step::ContentCommit { reference, digest: blob(0), size: None, labels: Labels::new() });
        for index in 1..=3 {
            steps.push(Step::ContentPut { digest: blob(index), size: None, labels: Labels::new() });
        }
        steps.push(Step::ContentLabel {
            digest: blob(0),
            replace: false,
            labels: labels(&[
                (b"containerd.io/gc.ref.content.config", &blob(1)),
                (b"containerd.io/gc.ref.content.l.0", &blob(2)),
                (b"containerd.io/gc.ref.content.l.1", &blob(3)),
            ]),
        });
        let mut parent: Option<Name> = None;
        for layer in 0..2usize {
            let extracted = snapshot(&[b"extract-", client].concat());
            let name = names::SNAPSHOTS[first + layer].to_vec();
            steps.push(Step::SnapshotPrepare(NewSnapshot {
                snapshot: extracted.clone(),
                parent: parent.clone(),
                labels: Labels::new(),
            }));
            steps.push(Step::SnapshotCommit {
                snapshot: extracted,
                name: name.clone(),
                parent: None,
                labels: Labels::new(),
            });
            parent = Some(name);
        }
        let top = parent.unwrap_or_default();
        steps.push(Step::ContentLabel {
            digest: blob(1),
            replace: false,
            labels: labels(&[(b"containerd.io/gc.ref.snapshot.overlayfs", &top)]),
        });
        steps.push(Step::ImageCreate {
            image: names::IMAGES[first].to_vec(),
            fields: ImageFields { target: Some(blob(0)), ..ImageFields::default() },
        });
        if self.release.rules().back_references {
            steps.push(self.extra_image(names::IMAGES[first]));
        }
        steps.push(Step::LeaseNone);
        steps.push(Step::LeaseDelete { lease, sync: self.u.ratio(1, 8)? });
        Ok(steps)
    }

    /// A second image that lives as long as the first (containerd #12667, from 2.3).
    fn extra_image(&self, image: &[u8]) -> Step {
        let labels = labels(&[(b"containerd.io/gc.bref.image", image)]);
        let expire = Some(Expiry::Ago(Duration::from_secs(1)));
        let fields =
            ImageFields { target: Some(names::BLOBS[0].clone()), expire, labels, ..ImageFields::default() };
        Step::ImageCreate { image: [b"extra-", image].concat(), fields }
    }

    /// A container with a snapshot of its own, and its end.
    fn start_container(&mut self, client: &[u8]) -> Result<Vec<Step>> {
        let lease = [b"start-", client].concat();
        let parent = self.snapshot_key()?;
        let key = [b"own-", client].concat();
        let container = client.to_vec();
        let fields = ContainerFields {
            image: Some(names::IMAGES[0].to_vec()),
            snapshotter: Some(SNAPSHOTTER.to_vec()),
            snapshot: Some(key.clone()),
            ..ContainerFields::default()
        };
        let own = snapshot(&key);
        Ok(vec![
            Step::LeaseCreate {
                lease: lease.clone(),
                expire: Some(Expiry::In(DAY)),
                flat: false,
                labels: Labels::new(),
            },
            Step::LeaseUse { lease: lease.clone() },
            Step::SnapshotPrepare(NewSnapshot {
                snapshot: own.clone(),
                parent: Some(parent),
                labels: Labels::new(),
            }),
            Step::ContainerCreate { container: container.clone(), fields },
            Step::LeaseNone,
            Step::LeaseDelete { lease, sync: false },
            Step::ContainerDelete { container },
            Step::SnapshotRemove { snapshot: own },
        ])
    }

    /// Layers lose their labels, then a fresh lease is deleted to wait for a collection.
    fn prune(&mut self, client: &[u8]) -> Result<Vec<Step>> {
        let lease = [b"prune-", client].concat();
        let digest = self.blob()?;
        Ok(vec![
            Step::ContentLabel {
                digest,
                replace: false,
                labels: labels(&[(b"containerd.io/gc.ref.content.l.0", b"")]),
            },
            Step::ImageDelete { image: self.name(&names::IMAGES, names::HOT)?, sync: false },
            Step::LeaseCreate { lease: lease.clone(), expire: None, flat: false, labels: Labels::new() },
            Step::LeaseDelete { lease, sync: true },
        ])
    }
}

fn snapshot(key: &[u8]) -> SnapshotName {
    SnapshotName { snapshotter: SNAPSHOTTER.to_vec(), key: key.to_vec() }
}

fn labels(labels: &[(&[u8], &[u8])]) -> Labels {
    labels.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}
