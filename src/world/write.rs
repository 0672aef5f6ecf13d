//! Steps of clients, as calls to the write side.

use super::actors::{HandleKey, undeclared};
use super::sent::{
    container_paths, image_update, label_paths, lease_labels, lease_resource, new_snapshot, slices,
    usual_size, whole_container, whole_image, whole_sandbox,
};
use super::{World, refused};
use crate::metadata::{Container, Context, Error, ErrorKind, Image, NewSnapshot, Prepared};
use crate::node::Kind;
use crate::scenario::{Labels, Name, SnapshotName, Step};
use std::sync::Arc;

impl World {
    /// One of the clients' steps. The match is total, so that a new step is asked for here if nobody else does it.
    pub(super) fn write(&mut self, client: Option<&Name>, step: &Step) -> Result<(), Error> {
        if self.is_hung {
            let message = "a collection that never ends has the metadata locked".to_owned();
            return Err(refused(ErrorKind::Deadlock, message));
        }
        let actors = Arc::clone(&self.actors);
        let actor = actors.get(client).ok_or_else(|| undeclared(client))?;
        let context = Context { namespace: &actor.namespace, lease: actor.lease.as_deref(), now: self.now };
        let store = &mut self.store;
        match step {
            Step::NamespaceCreate { namespace, labels } => {
                store.create_namespace(namespace, labels.as_slice())
            }
            Step::NamespaceLabel { namespace, labels } => {
                let mut labels = labels.as_slice().iter();
                labels.try_for_each(|(key, value)| store.set_namespace_label(namespace, key, value))
            }
            Step::NamespaceDelete { namespace } => store.delete_namespace(namespace),

            Step::ContentOpen { reference, expected, size } => {
                let opened =
                    store.open_writer(&context, reference, expected.as_deref(), size.unwrap_or_default());
                let key = handle(client, &context, b"", reference);
                Arc::make_mut(&mut self.handles).writers.insert(key, opened?);
                Ok(())
            }
            Step::ContentCommit { reference, digest, size, labels } => {
                self.commit_content(client, &context, reference, digest, *size, labels)
            }
            Step::ContentAbort { reference } => {
                store.abort(&context, reference)?;
                let key = handle(client, &context, b"", reference);
                // Who gives an ingest up closes the writer that he has of it.
                if self.handles.writers.contains_key(&key)
                    && let Some(mut writer) = Arc::make_mut(&mut self.handles).writers.remove(&key)
                {
                    store.close_writer(&mut writer);
                }
                Ok(())
            }
            Step::ContentPut { digest, size, labels } => {
                let size = size.unwrap_or_else(|| usual_size(store, digest));
                store.put_content(&context, digest, digest, size, labels.as_slice()).map(drop)
            }
            Step::ContentLabel { digest, replace, labels } => {
                let paths = label_paths(labels.as_slice(), *replace)?;
                store.update_content(&context, digest, labels.as_slice(), &slices(&paths))
            }
            Step::ContentDelete { digest } => store.delete_content(&context, digest),

            Step::SnapshotPrepare(new) => store.prepare(&context, &new_snapshot(new, false)),
            Step::SnapshotView(new) => store.prepare(&context, &new_snapshot(new, true)),
            Step::SnapshotPrepareBegin(new) => self.begin(client, &context, &new_snapshot(new, false)),
            Step::SnapshotViewBegin(new) => self.begin(client, &context, &new_snapshot(new, true)),
            Step::SnapshotFinish { snapshot } => self.finish(client, &context, snapshot),
            Step::SnapshotCommit { snapshot, name, parent, labels } => {
                let SnapshotName { snapshotter, key } = snapshot;
                store.commit_snapshot_on(
                    &context,
                    snapshotter,
                    name,
                    key,
                    parent.as_deref(),
                    labels.as_slice(),
                )
            }
            Step::SnapshotLabel { snapshot, replace, labels } => {
                let paths = label_paths(labels.as_slice(), *replace)?;
                let SnapshotName { snapshotter, key } = snapshot;
                store.update_snapshot(&context, snapshotter, key, labels.as_slice(), &slices(&paths))
            }
            Step::SnapshotRemove { snapshot } => {
                store.remove_snapshot(&context, &snapshot.snapshotter, &snapshot.key)
            }

            Step::ImageCreate { image, fields } => {
                let image = whole_image(store, &context, image, fields);
                store.create_image(&context, &image)
            }
            Step::ImageUpdate { image, replace, fields } => {
                let (image, paths) = image_update(store, &context, image, *replace, fields)?;
                store.update_image(&context, &image, &slices(&paths))
            }
            Step::ImageLabel { image, replace, labels } => {
                let paths = label_paths(labels.as_slice(), *replace)?;
                let labels = labels.as_slice().to_vec();
                let image = Image { name: image.clone(), labels, ..Image::default() };
                store.update_image(&context, &image, &slices(&paths))
            }
            Step::ImageDelete { image, .. } => store.delete_image(&context, image),

            Step::ContainerCreate { container, fields } => {
                store.create_container(&context, &whole_container(container, fields))
            }
            Step::ContainerUpdate { container, replace, fields } => {
                let paths = container_paths(*replace, fields)?;
                store.update_container(&context, &whole_container(container, fields), &slices(&paths))
            }
            Step::ContainerLabel { container, replace, labels } => {
                let paths = label_paths(labels.as_slice(), *replace)?;
                let labels = labels.as_slice().to_vec();
                let container = Container { id: container.clone(), labels, ..Container::default() };
                store.update_container(&context, &container, &slices(&paths))
            }
            Step::ContainerDelete { container } => store.delete_container(&context, container),

            Step::LeaseCreate { lease, expire, flat, labels } => {
                let labels = lease_labels(&context, expire.as_ref(), *flat, labels);
                store.create_lease(&context, lease, &labels)
            }
            Step::LeaseAdd { lease, resources } => resources.iter().try_for_each(|resource| {
                let (kind, id) = lease_resource(resource);
                store.add_resource(&context, lease, &kind, id)
            }),
            Step::LeaseDrop { lease, resources } => resources.iter().try_for_each(|resource| {
                let (kind, id) = lease_resource(resource);
                store.delete_resource(&context, lease, &kind, id)
            }),
            Step::LeaseDelete { lease, .. } => store.delete_lease(&context, lease),

            Step::SandboxCreate { sandbox, labels } => {
                store.create_sandbox(&context, &whole_sandbox(sandbox, labels))
            }
            Step::SandboxLabel { sandbox, replace, labels } => {
                let paths = label_paths(labels.as_slice(), *replace)?;
                store.update_sandbox(&context, &whole_sandbox(sandbox, labels), &slices(&paths))
            }
            Step::SandboxDelete { sandbox } => store.delete_sandbox(&context, sandbox),

            Step::StreamOpen { stream } => self.open_stream(&context, stream),
            Step::StreamClose { stream } => {
                let release = store.release;
                if release.type_of(Kind::Stream).is_none() {
                    return Err(refused(ErrorKind::NotImplemented, format!("streams in {release}")));
                }
                self.streams.close(&actor.namespace, stream)
            }
            Step::Client { .. }
            | Step::Release(_)
            | Step::Crash
            | Step::Look(_)
            | Step::Together
            | Step::Always(_)
            | Step::End
            | Step::Now(_)
            | Step::Advance(_)
            | Step::Scheduler(_)
            | Step::NamespaceUse { .. }
            | Step::ContentPolicy(_)
            | Step::LeaseUse { .. }
            | Step::LeaseNone
            | Step::CollectorDeclare { .. }
            | Step::CollectorList { .. }
            | Step::CollectorForget { .. }
            | Step::CollectorActive { .. }
            | Step::CollectorLeased { .. }
            | Step::CollectorBackReference { .. }
            | Step::CollectorReferences { .. }
            | Step::CollectorFail { .. }
            | Step::CollectorHeal { .. }
            | Step::RawPut { .. }
            | Step::RawBucket { .. }
            | Step::RawDelete { .. }
            | Step::RawSequence { .. }
            | Step::Gc { .. }
            | Step::Cleanup
            | Step::Expect(_) => unreachable!("this is no step of the write side"),
        }
    }

    /// What a client wrote has this digest. The writer stays with the client where the commit fails.
    fn commit_content(
        &mut self,
        client: Option<&Name>,
        context: &Context<'_>,
        reference: &Name,
        digest: &Name,
        size: Option<i64>,
        labels: &Labels,
    ) -> Result<(), Error> {
        let key = handle(client, context, b"", reference);
        let handles = Arc::make_mut(&mut self.handles);
        let Some(writer) = handles.writers.get_mut(&key) else {
            let shown = reference.escape_ascii();
            return Err(refused(
                ErrorKind::NotFound,
                format!("this client has no writer of reference \"{shown}\""),
            ));
        };
        if writer.is_open() {
            let announced = Some(writer.size).filter(|announced| *announced > 0);
            let written = size.or(announced).unwrap_or_else(|| usual_size(&self.store, digest));
            self.store.write(writer, digest, written)?;
        }
        // A writer on shared content is asked for the digest that the client says, any other for the one announced.
        let expected = match writer.expected.is_empty() || writer.is_shared() {
            true => digest.clone(),
            false => writer.expected.to_vec(),
        };
        let committed = self.store.commit_writer(
            context,
            writer,
            size.unwrap_or_default(),
            Some(&expected),
            labels.as_slice(),
        );
        if committed.as_ref().err().is_none_or(|error| error.kind == ErrorKind::AlreadyExists) {
            handles.writers.remove(&key);
        }
        committed
    }

    fn begin(
        &mut self,
        client: Option<&Name>,
        context: &Context<'_>,
        new: &NewSnapshot<'_>,
    ) -> Result<(), Error> {
        match self.store.prepare_begin(context, new)? {
            Prepared::Exists(error) => Err(error),
            Prepared::Begun(preparation) => {
                let key = handle(client, context, new.snapshotter, new.key);
                Arc::make_mut(&mut self.handles).preparations.entry(key).or_default().push(preparation);
                Ok(())
            }
        }
    }

    fn finish(
        &mut self,
        client: Option<&Name>,
        context: &Context<'_>,
        snapshot: &SnapshotName,
    ) -> Result<(), Error> {
        let SnapshotName { snapshotter, key } = snapshot;
        let handle = handle(client, context, snapshotter, key);
        let preparations = &mut Arc::make_mut(&mut self.handles).preparations;
        let Some(begun) = preparations.get_mut(&handle) else {
            let shown = key.escape_ascii();
            return Err(refused(ErrorKind::NotFound, format!("this client began no snapshot \"{shown}\"")));
        };
        let preparation = begun.remove(0);
        if begun.is_empty() {
            preparations.remove(&handle);
        }
        self.store.prepare_finish(preparation)
    }

    fn open_stream(&mut self, context: &Context<'_>, stream: &[u8]) -> Result<(), Error> {
        let release = self.store.release;
        let number = release.type_of(Kind::Stream);
        if self.collectors.iter().any(|collector| Some(collector.resource_type) == number) {
            let message = "a declared collector stands for the streams".to_owned();
            return Err(refused(ErrorKind::FailedPrecondition, message));
        }
        self.streams.register(context, release, stream)?;
        self.has_streams = true;
        Ok(())
    }
}

fn handle(client: Option<&Name>, context: &Context<'_>, snapshotter: &[u8], key: &[u8]) -> HandleKey {
    (client.cloned(), context.namespace.to_vec(), snapshotter.to_vec(), key.to_vec())
}
