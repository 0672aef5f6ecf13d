//! Streams (containerd's `plugins/streaming/manager.go`, from 1.7.0-beta.1): data channels that live in the daemon's
//! memory, and the collector that ends those whose lease is gone.
//!
//! A stream that was registered under a lease is held by that lease alone; any other is always active. During a
//! collection the manager is locked, from its start until it is finished or cancelled:
//!
//! ```text
//!   start (lock) ── all, active, leased, remove ──┬─ finish: removed streams end (unlock)
//!                                                 └─ cancel (unlock)
//! ```
//!
//! In 1.7.0-beta.1 (22, fixed in 1.7.0-rc.1) two roads end with the lock held for ever: a finish that has a stream to end
//! takes the lock a second time, and nobody cancels a collection whose marking failed. Here that is data: the manager
//! is *stuck*, and whoever needs it gets a deadlock.

use super::Context;
use super::error::{Error, ErrorKind, Shown};
use super::validate;
use crate::collector::{Active, Collector, Leased};
use crate::node::{Kind, Node};
use crate::release::Release;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The label that refers to streams: `containerd.io/gc.ref.stream`.
const REFERENCE_LABEL: &[u8] = b"stream";

/// The streams that a daemon holds, as a value. Cloning takes constant time.
#[derive(Clone, PartialEq, Eq, Debug, Default, Hash)]
pub struct Streams {
    /// Each stream with its lease, if it has one.
    streams: Arc<BTreeMap<Key, Option<Box<[u8]>>>>,
    lock: Lock,
}

/// Namespace and name.
type Key = (Box<[u8]>, Box<[u8]>);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
enum Lock {
    #[default]
    Free,
    /// A collection has it.
    Collecting,
    /// Nobody will give it free.
    Stuck,
}

impl Streams {
    /// Whether the manager's lock is held for ever.
    pub fn is_stuck(&self) -> bool {
        self.lock == Lock::Stuck
    }

    /// Every stream: namespace, name and lease.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8], Option<&[u8]>)> {
        self.streams.iter().map(|((namespace, name), lease)| (&**namespace, &**name, lease.as_deref()))
    }

    /// Registers a stream, under the lease in use if there is one (`streamManager.Register`). Whether that lease
    /// exists is not checked.
    ///
    /// # Errors
    /// The name is taken: already exists. The manager is stuck: deadlock; it is collecting: blocked. The release has
    /// no streams: not implemented.
    pub fn register(&mut self, context: &Context<'_>, release: Release, name: &[u8]) -> Result<(), Error> {
        if release.type_of(Kind::Stream).is_none() {
            return Err(Error::new(ErrorKind::NotImplemented, format_args!("streams in {release}")));
        }
        let namespace = validate::namespace(context)?;
        self.take(format_args!("registering stream {}", Shown(name)))?;
        let key = (namespace.into(), name.into());
        if self.streams.contains_key(&key) {
            return Err(Error::already_exists("stream", name));
        }
        let lease = context.lease.filter(|lease| !lease.is_empty()).map(Box::from);
        Arc::make_mut(&mut self.streams).insert(key, lease);
        Ok(())
    }

    /// Ends a stream (`managedStream.Close`); one that has ended is no error.
    ///
    /// # Errors
    /// The manager is stuck: deadlock; it is collecting: blocked.
    pub fn close(&mut self, namespace: &[u8], name: &[u8]) -> Result<(), Error> {
        self.take(format_args!("closing stream {}", Shown(name)))?;
        Arc::make_mut(&mut self.streams).remove(&(namespace.into(), name.into()));
        Ok(())
    }

    /// Starts a collection: locks the manager and gives its collector (`streamManager.StartCollection`); none where
    /// the release has no streams. containerd's order is that of Go's maps, so any; here it is that of the names.
    ///
    /// # Errors
    /// The manager is stuck: the daemon blocks here for ever, with its metadata locked, so that every write does.
    pub fn start(&mut self, release: Release) -> Result<Option<Collector>, Error> {
        let Some(resource_type) = release.type_of(Kind::Stream) else { return Ok(None) };
        self.take(format_args!("starting a collection of streams"))?;
        self.lock = Lock::Collecting;
        let mut collector = Collector::new(resource_type);
        collector.reference_label = REFERENCE_LABEL.to_vec();
        for ((namespace, name), lease) in self.streams.iter() {
            let node = Node::new(resource_type, namespace, name);
            match lease.clone() {
                None => {
                    collector.active.push(Active { for_namespace: namespace.clone(), node: node.clone() })
                }
                Some(lease) => {
                    let node = node.clone();
                    collector.leased.push(Leased { for_namespace: namespace.clone(), lease, node });
                }
            }
            collector.all.push(node);
        }
        Ok(Some(collector))
    }

    /// Finishes a collection that removed these nodes, and unlocks the manager (`collectionContext.Finish`).
    ///
    /// # Errors
    /// In 1.7.0-beta.1, where a stream is to be ended: deadlock, with that stream gone and the manager stuck (22). The
    /// metadata is not locked any more then: only the caller of the collection hangs, until the next one starts.
    pub fn finish<'n>(
        &mut self,
        release: Release,
        removed: impl IntoIterator<Item = &'n Node>,
    ) -> Result<(), Error> {
        if self.lock != Lock::Collecting {
            return Ok(());
        }
        for node in removed {
            let key = (node.namespace.clone(), node.key.clone());
            if !self.streams.contains_key(&key) {
                continue;
            }
            Arc::make_mut(&mut self.streams).remove(&key);
            if release == Release::V1_7Beta {
                self.lock = Lock::Stuck;
                let shown = Shown(&node.key);
                return Err(Error::new(
                    ErrorKind::Deadlock,
                    format_args!("finishing the collection of streams: closing {shown} retakes the lock"),
                ));
            }
        }
        self.lock = Lock::Free;
        Ok(())
    }

    /// Cancels a collection and unlocks the manager (`collectionContext.Cancel`).
    pub fn cancel(&mut self) {
        if self.lock == Lock::Collecting {
            self.lock = Lock::Free;
        }
    }

    /// A collection ended without finish or cancel, as in 1.7.0-beta.1 when marking fails (22): the manager is stuck.
    pub fn forgotten(&mut self) {
        if self.lock == Lock::Collecting {
            self.lock = Lock::Stuck;
        }
    }

    /// Whether the lock could be had.
    fn take(&self, what: std::fmt::Arguments<'_>) -> Result<(), Error> {
        match self.lock {
            Lock::Free => Ok(()),
            Lock::Collecting => Err(super::buckets::blocked(format_args!("{what} waits for a collection"))),
            Lock::Stuck => Err(Error::new(ErrorKind::Deadlock, what)),
        }
    }
}
