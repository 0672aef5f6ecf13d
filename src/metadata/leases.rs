//! Leases (containerd's `metadata/leases.go`): what a client holds on to while nothing else does yet.
//!
//! ```text
//!   v1/NAMESPACE/leases/ID
//!   ├─ createdat   labels/KEY       containerd.io/gc.expire, containerd.io/gc.flat
//!   └─ content/DIGEST   images/NAME (from 2.0)   ingests/REF   snapshots/SNAPSHOTTER/KEY
//! ```
//!
//! Ids and labels are not checked (L16). An expiry is only a label; the daemon never looks whether a lease has
//! expired before it puts something into it.

use super::error::{Error, ErrorKind, Shown};
use super::fields::{self, Label, build_map, ordered};
use super::ingests::later;
use super::names::{CONTENT, CREATED_AT, IMAGES, INGESTS, LABELS, LEASES, SNAPSHOTS, V1};
use super::validate;
use super::{Context, Store};
use crate::bucket::{Builder, View};
use crate::instant::Instant;
use crate::schema::time;
use std::time::Duration;

/// What a lease holds (`leases.Resource`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Resource {
    /// `content`, `ingests`, `snapshots/SNAPSHOTTER`, from 2.0 `images`.
    pub kind: Vec<u8>,
    /// The digest, reference, key or name.
    pub id: Vec<u8>,
}

/// The value of a lease's `containerd.io/gc.expire` label that ends it after a while (`leases.WithExpiration`).
/// Whole seconds: what is below is cut, so that a lease may live up to a second less (L15).
pub fn expiration(now: Instant, after: Duration) -> Vec<u8> {
    let nanoseconds = u64::from(now.nanoseconds) + u64::from(after.subsec_nanos());
    let seconds = after.as_secs().saturating_add(nanoseconds / 1_000_000_000);
    let end = later(now, i64::try_from(seconds).unwrap_or(i64::MAX));
    time::format_rfc3339(Instant { nanoseconds: 0, ..end }).into_bytes()
}

impl Store {
    /// Creates a lease (`leaseManager.Create`).
    ///
    /// # Errors
    /// No id: a plain error. A malformed namespace: invalid argument. The id is taken: already exists.
    pub fn create_lease(&mut self, context: &Context<'_>, id: &[u8], labels: &[Label]) -> Result<(), Error> {
        if id.is_empty() {
            return Err(Error::unknown(format_args!("lease id must be provided")));
        }
        let namespace = validate::namespace(context)?;
        let leases = [V1, namespace, LEASES];
        self.refuse_taken(&leases, id, "lease")?;
        let mut builder = Builder::new();
        fields::put(&mut builder, CREATED_AT, &time::to_binary(context.now));
        build_map(&mut builder, LABELS, &ordered(labels))?;
        let lease = builder.finish();
        self.put_object(&leases, id, &lease)
    }

    /// Deletes a lease, whatever it holds and whoever uses it (`leaseManager.Delete`). A client that asks for the
    /// synchronous form waits for a collection afterwards, which is not done here.
    ///
    /// # Errors
    /// No such lease: not found.
    pub fn delete_lease(&mut self, context: &Context<'_>, id: &[u8]) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        self.delete_object(&[V1, namespace, LEASES], id, "lease")?;
        self.dirty.deletion();
        Ok(())
    }

    /// The ids of a namespace's leases (`leaseManager.List`).
    ///
    /// # Errors
    /// A malformed namespace: invalid argument.
    pub fn leases(&self, context: &Context<'_>) -> Result<Vec<Vec<u8>>, Error> {
        let leases = self.at(&[V1, validate::namespace(context)?, LEASES]);
        Ok(leases.into_iter().flat_map(View::buckets).map(|(id, _)| id.to_vec()).collect())
    }

    /// Puts a resource into a lease (`leaseManager.AddResource`). The resource need not exist.
    ///
    /// # Errors
    /// No such lease: not found. A digest that is none, or a kind with too few or too many slashes: invalid
    /// argument. Another kind: not implemented.
    pub fn add_resource(
        &mut self,
        context: &Context<'_>,
        lease: &[u8],
        kind: &[u8],
        id: &[u8],
    ) -> Result<(), Error> {
        let path = self.resource_bucket(context, lease, kind, id)?;
        if self.at(&path).is_some() {
            return self.put_entry(&path, id);
        }
        self.update(|store| store.put_entry(&path, id))
    }

    /// Takes a resource out of a lease (`leaseManager.DeleteResource`); one that it does not hold is no error, and
    /// wants a collection all the same.
    ///
    /// # Errors
    /// As `add_resource`.
    pub fn delete_resource(
        &mut self,
        context: &Context<'_>,
        lease: &[u8],
        kind: &[u8],
        id: &[u8],
    ) -> Result<(), Error> {
        let path = self.resource_bucket(context, lease, kind, id)?;
        if self.at(&path).is_some() {
            self.tree.delete(&path, id)?;
        }
        self.dirty.deletion();
        Ok(())
    }

    /// What a lease holds, content first, from 2.0 then images, then ingests and snapshots
    /// (`leaseManager.ListResources`).
    ///
    /// # Errors
    /// No such lease: not found.
    pub fn resources(&self, context: &Context<'_>, lease: &[u8]) -> Result<Vec<Resource>, Error> {
        let namespace = validate::namespace(context)?;
        let Some(there) = self.at(&[V1, namespace, LEASES, lease]) else {
            return Err(Error::not_found("lease", lease));
        };
        let mut resources = Vec::new();
        let images = self.leases_images().then_some(IMAGES);
        for kind in [Some(CONTENT), images, Some(INGESTS)].into_iter().flatten() {
            let entries = there.bucket(kind).into_iter().flat_map(View::iter);
            resources.extend(entries.map(|(id, _)| Resource { kind: kind.to_vec(), id: id.to_vec() }));
        }
        let snapshotters = there.bucket(SNAPSHOTS).into_iter().flat_map(View::buckets);
        for (snapshotter, entries) in snapshotters {
            let kind = [SNAPSHOTS, snapshotter].join(&b'/');
            resources.extend(entries.iter().map(|(id, _)| Resource { kind: kind.clone(), id: id.to_vec() }));
        }
        Ok(resources)
    }

    /// The path of the bucket in which a lease that exists holds a resource, whether there is one yet or not.
    fn resource_bucket<'p>(
        &self,
        context: &Context<'p>,
        lease: &'p [u8],
        kind: &'p [u8],
        id: &[u8],
    ) -> Result<Vec<&'p [u8]>, Error> {
        let mut path = vec![V1, validate::namespace(context)?, LEASES, lease];
        if self.at(&path).is_none() {
            return Err(Error::not_found("lease", lease));
        }
        path.extend(self.parse_resource(kind, id)?.into_iter().flatten());
        Ok(path)
    }

    /// The buckets below a lease in which a resource stands (`parseLeaseResource`): one, and for snapshots the
    /// snapshotter's.
    fn parse_resource<'k>(&self, kind: &'k [u8], id: &[u8]) -> Result<[Option<&'k [u8]>; 2], Error> {
        let mut parts = kind.split(|byte| *byte == b'/');
        let first = parts.next().unwrap_or_default();
        let (second, third) = (parts.next(), parts.next());
        let invalid = || Err(Error::invalid(format_args!("resource type {}", Shown(kind))));
        match first {
            b"content" | b"ingests" | b"images" if first != IMAGES || self.leases_images() => {
                if second.is_some() {
                    return invalid();
                }
                if first == CONTENT {
                    validate::digest(id).map_err(|reason| {
                        Error::invalid(format_args!("content resource {}: {reason}", Shown(id)))
                    })?;
                }
                Ok([Some(first), None])
            }
            b"snapshots" if second.is_some() && third.is_none() => Ok([Some(first), second]),
            b"snapshots" => invalid(),
            _ => {
                let shown = Shown(kind);
                Err(Error::new(ErrorKind::NotImplemented, format_args!("resource type {shown}")))
            }
        }
    }
}
