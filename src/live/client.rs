//! A client of the daemon: one call a step, with the requests that the world's client sends.

use super::Error;
use super::fit::{Fitted, Unable, content};
use super::messages::{map, mask, prepared, sent_container, sent_image, sent_resource, sent_sandbox, text};
use super::writer::{Writer, opening};
use crate::metadata::{self, Context, ErrorKind};
use crate::scenario::{Labels, Name, Step};
use crate::world::{World, sent};
use containerd_client::services::v1::containers_client::ContainersClient;
use containerd_client::services::v1::content_client::ContentClient;
use containerd_client::services::v1::images_client::ImagesClient;
use containerd_client::services::v1::leases_client::LeasesClient;
use containerd_client::services::v1::namespaces_client::NamespacesClient;
use containerd_client::services::v1::sandbox::store_client::StoreClient;
use containerd_client::services::v1::sandbox::{StoreCreateRequest, StoreDeleteRequest, StoreUpdateRequest};
use containerd_client::services::v1::snapshots::snapshots_client::SnapshotsClient;
use containerd_client::services::v1::snapshots::{
    self, CommitSnapshotRequest, PrepareSnapshotRequest, RemoveSnapshotRequest, UpdateSnapshotRequest,
    ViewSnapshotRequest,
};
use containerd_client::services::v1::version_client::VersionClient;
use containerd_client::services::v1::{
    AbortRequest, AddResourceRequest, Container, CreateContainerRequest, CreateImageRequest,
    CreateNamespaceRequest, CreateRequest, DeleteContainerRequest, DeleteContentRequest, DeleteImageRequest,
    DeleteNamespaceRequest, DeleteRequest, DeleteResourceRequest, Image, Info, Namespace,
    UpdateContainerRequest, UpdateImageRequest, UpdateNamespaceRequest, UpdateRequest,
};
use containerd_client::types::Descriptor;
use prost_types::FieldMask;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// A daemon that does not answer for so long is stuck.
const ANSWER: Duration = Duration::from_secs(10);
/// Where collections are asked for: what is made there is compared with nothing.
pub(super) const COLLECT_NAMESPACE: &str = "leasehold-collects";

/// What came of a call.
pub(super) enum Answer {
    /// The daemon did it.
    Done,
    /// The daemon refused it.
    Refused(Refused),
    /// It cannot be asked.
    Unable(Unable),
}

/// Why a daemon refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// containerd's kind of error; absent for one that the write side has not.
    pub kind: Option<ErrorKind>,
    /// The daemon's words.
    pub message: String,
}

/// A connection, with the writers that its clients hold open.
pub(super) struct Client {
    channel: Channel,
    writers: BTreeMap<(Option<Name>, Name), Writer>,
}

type Called = Result<(), Stop>;

/// Why a step is not done.
enum Stop {
    Refused(Status),
    Unable(Unable),
    /// A client's own error.
    Own(metadata::Error),
}

impl From<Status> for Stop {
    fn from(status: Status) -> Stop {
        Stop::Refused(status)
    }
}

impl From<metadata::Error> for Stop {
    fn from(error: metadata::Error) -> Stop {
        Stop::Own(error)
    }
}

impl Client {
    /// Connects to a daemon that is starting.
    pub(super) async fn connect(socket: &Path) -> Result<Client, Error> {
        let began = Instant::now();
        loop {
            let failed = match containerd_client::connect(socket).await {
                Ok(channel) => match VersionClient::new(channel.clone()).version(()).await {
                    Ok(_) => return Ok(Client { channel, writers: BTreeMap::new() }),
                    Err(status) => status.to_string(),
                },
                Err(error) => error.to_string(),
            };
            if began.elapsed() > ANSWER {
                return Err(Error::Daemon(format!("the daemon does not start: {failed}")));
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    /// Has the daemon write a blob and collect it. A content store that never had one fails to clean up: its walk over the
    /// blobs' folder, which is not there, ends before the ingests are looked at (`contentStore.garbageCollect`, seen with
    /// 1.6.20, 1.7.24 and 2.1.9).
    pub(super) async fn prepare(&mut self) -> Result<(), Error> {
        let failed = |status: Status| Error::Daemon(format!("the daemon takes no content: {status}"));
        let namespace = MetadataValue::from_static(COLLECT_NAMESPACE);
        let open = opening(b"first", String::new(), 0);
        let headers = |stream| with_headers(Request::new(stream), &namespace, None);
        let acting = (COLLECT_NAMESPACE.as_bytes(), None);
        let mut writer = Writer::open(self.channel.clone(), open, acting, headers).await.map_err(failed)?;
        writer.write(b"first").await.map_err(failed)?;
        writer.commit(0, String::new(), &Labels::new()).await.map_err(failed)?;
        match self.collect().await {
            Answer::Refused(refused) => {
                Err(Error::Daemon(format!("the daemon does not collect: {}", refused.message)))
            }
            Answer::Done | Answer::Unable(_) => Ok(()),
        }
    }

    /// Has the daemon collect, and waits for it: a lease is deleted with `sync`.
    pub(super) async fn collect(&mut self) -> Answer {
        let namespace = MetadataValue::from_static(COLLECT_NAMESPACE);
        let request = |message| with_headers(Request::new(message), &namespace, None);
        let mut leases = LeasesClient::new(self.channel.clone());
        let create = CreateRequest { id: "collect".to_owned(), ..CreateRequest::default() };
        if let Err(status) = leases.create(request(create)).await {
            return Answer::Refused(refused(&status));
        }
        let delete = DeleteRequest { id: "collect".to_owned(), sync: true };
        let mut request = Request::new(delete);
        request.set_timeout(ANSWER);
        match leases.delete(with_headers(request, &namespace, None)).await {
            Ok(_) => Answer::Done,
            Err(status) => Answer::Refused(refused(&status)),
        }
    }

    /// The digest that a client asks for in a commit: the one that its writer was opened for, else the one it says.
    pub(super) fn expected<'a>(
        &'a self,
        client: Option<&Name>,
        reference: &Name,
        digest: &'a Name,
    ) -> Option<&'a [u8]> {
        let writer = self.writers.get(&(client.cloned(), reference.clone()))?;
        Some(if writer.expected.is_empty() { digest } else { writer.expected.as_bytes() })
    }

    /// Does a step of a client, in the world as it is before it.
    pub(super) async fn apply(
        &mut self,
        world: &World,
        client: Option<&Name>,
        step: &Step,
        fitted: &Fitted,
    ) -> Answer {
        let Some((namespace, lease)) = world.acting(client) else { return Answer::Done };
        let called =
            tokio::time::timeout(ANSWER, self.call(world, client, (namespace, lease), step, fitted)).await;
        match called {
            Ok(Ok(())) => Answer::Done,
            Ok(Err(Stop::Refused(status))) => Answer::Refused(refused(&status)),
            Ok(Err(Stop::Own(error))) => {
                Answer::Refused(Refused { kind: Some(error.kind), message: error.message })
            }
            Ok(Err(Stop::Unable(unable))) => Answer::Unable(unable),
            Err(_) => {
                let message = format!("no answer for {} s", ANSWER.as_secs());
                Answer::Refused(Refused { kind: Some(ErrorKind::Deadlock), message })
            }
        }
    }

    async fn call(
        &mut self,
        world: &World,
        client: Option<&Name>,
        acting: (&[u8], Option<&[u8]>),
        step: &Step,
        fitted: &Fitted,
    ) -> Called {
        let (namespace, lease) = acting;
        let store = world.store();
        let context = &Context { namespace, lease, now: world.now() };
        let headers = (header(namespace)?, lease.map(header).transpose()?);
        // A macro and no closure: the messages are of many types.
        macro_rules! request {
            ($message:expr) => {
                with_headers(Request::new($message), &headers.0, headers.1.as_ref())
            };
        }
        let channel = || self.channel.clone();
        match step {
            Step::NamespaceCreate { namespace, labels } => {
                let namespace = Some(Namespace { name: text(namespace), labels: map(labels.as_slice()) });
                let create = CreateNamespaceRequest { namespace };
                NamespacesClient::new(channel()).create(request!(create)).await?;
            }
            Step::NamespaceLabel { namespace, labels } => {
                let paths =
                    labels.as_slice().iter().map(|(key, _)| format!("labels.{}", text(key))).collect();
                let namespace = Some(Namespace { name: text(namespace), labels: map(labels.as_slice()) });
                let update = UpdateNamespaceRequest { namespace, update_mask: Some(FieldMask { paths }) };
                NamespacesClient::new(channel()).update(request!(update)).await?;
            }
            Step::NamespaceDelete { namespace } => {
                let delete = DeleteNamespaceRequest { name: text(namespace) };
                NamespacesClient::new(channel()).delete(request!(delete)).await?;
            }

            Step::ContentOpen { reference, expected, size } => {
                let expected = expected.as_deref().map(text).unwrap_or_default();
                let open = opening(reference, expected, size.unwrap_or_default());
                let writer = Writer::open(channel(), open, acting, |stream| request!(stream)).await?;
                self.writers.insert((client.cloned(), reference.clone()), writer);
            }
            Step::ContentCommit { reference, digest, size, labels } => {
                let key = (client.cloned(), reference.clone());
                let opened =
                    self.writers.get(&key).map(|writer| (&writer.acting.0[..], writer.acting.1.as_deref()));
                if opened.is_some_and(|opened| opened != acting) {
                    return Err(Stop::Unable(Unable::Writer));
                }
                let Some(mut writer) = self.writers.remove(&key) else {
                    let message = "this client has no writer".to_owned();
                    return Err(Stop::Own(metadata::Error { kind: ErrorKind::NotFound, message }));
                };
                let written =
                    fitted.sizes.get(digest).map(|(name, size)| content(name, *size)).unwrap_or_default();
                writer.write(&written).await?;
                let expected = match writer.expected.is_empty() {
                    true => text(digest),
                    false => writer.expected.clone(),
                };
                writer.commit(size.unwrap_or_default(), expected, labels).await?;
            }
            Step::ContentAbort { reference } => {
                let abort = AbortRequest { r#ref: text(reference) };
                ContentClient::new(channel()).abort(request!(abort)).await?;
                // Who gives an ingest up closes the writer that he has of it.
                if let Some(writer) = self.writers.remove(&(client.cloned(), reference.clone())) {
                    writer.close().await;
                }
            }
            Step::ContentPut { digest, size, labels } => {
                let written =
                    fitted.sizes.get(digest).map(|(name, size)| content(name, *size)).unwrap_or_default();
                let total = size.unwrap_or_else(|| sent::usual_size(store, digest));
                let open = opening(digest, text(digest), total);
                let opened = Writer::open(channel(), open, acting, |stream| request!(stream)).await;
                // `content.WriteBlob` takes what is there for written.
                let mut writer = match opened {
                    Err(status) if status.code() == Code::AlreadyExists => return Ok(()),
                    opened => opened?,
                };
                writer.write(&written).await?;
                match writer.commit(total, text(digest), labels).await {
                    Err(status) if status.code() == Code::AlreadyExists => {}
                    committed => committed?,
                }
            }
            Step::ContentLabel { digest, replace, labels } => {
                let update_mask = mask(sent::label_paths(labels.as_slice(), *replace)?);
                let info = Info { digest: text(digest), labels: map(labels.as_slice()), ..Info::default() };
                let update = UpdateRequest { info: Some(info), update_mask };
                ContentClient::new(channel()).update(request!(update)).await?;
            }
            Step::ContentDelete { digest } => {
                let delete = DeleteContentRequest { digest: text(digest) };
                ContentClient::new(channel()).delete(request!(delete)).await?;
            }

            Step::SnapshotPrepare(new) => {
                let (snapshotter, key, parent, labels) = prepared(new);
                let prepare = PrepareSnapshotRequest { snapshotter, key, parent, labels };
                SnapshotsClient::new(channel()).prepare(request!(prepare)).await?;
            }
            Step::SnapshotView(new) => {
                let (snapshotter, key, parent, labels) = prepared(new);
                let view = ViewSnapshotRequest { snapshotter, key, parent, labels };
                SnapshotsClient::new(channel()).view(request!(view)).await?;
            }
            Step::SnapshotCommit { snapshot, name, parent: _, labels } => {
                let commit = CommitSnapshotRequest {
                    snapshotter: text(&snapshot.snapshotter),
                    name: text(name),
                    key: text(&snapshot.key),
                    labels: map(labels.as_slice()),
                };
                SnapshotsClient::new(channel()).commit(request!(commit)).await?;
            }
            Step::SnapshotLabel { snapshot, replace, labels } => {
                let update_mask = mask(sent::label_paths(labels.as_slice(), *replace)?);
                let labels = map(labels.as_slice());
                let info =
                    snapshots::Info { name: text(&snapshot.key), labels, ..snapshots::Info::default() };
                let snapshotter = text(&snapshot.snapshotter);
                let update = UpdateSnapshotRequest { snapshotter, info: Some(info), update_mask };
                SnapshotsClient::new(channel()).update(request!(update)).await?;
            }
            Step::SnapshotRemove { snapshot } => {
                let (snapshotter, key) = (text(&snapshot.snapshotter), text(&snapshot.key));
                let remove = RemoveSnapshotRequest { snapshotter, key };
                SnapshotsClient::new(channel()).remove(request!(remove)).await?;
            }

            Step::ImageCreate { image, fields } => {
                let image = Some(sent_image(sent::whole_image(store, context, image, fields)));
                let create = CreateImageRequest { image, source_date_epoch: None };
                ImagesClient::new(channel()).create(request!(create)).await?;
            }
            Step::ImageUpdate { image, replace, fields } => {
                let (image, paths) = sent::image_update(store, context, image, *replace, fields)?;
                let image = Some(sent_image(image));
                let update = UpdateImageRequest { image, update_mask: mask(paths), source_date_epoch: None };
                ImagesClient::new(channel()).update(request!(update)).await?;
            }
            Step::ImageLabel { image, replace, labels } => {
                let update_mask = mask(sent::label_paths(labels.as_slice(), *replace)?);
                let labels = map(labels.as_slice());
                // A daemon from 1.7 on dies of an update without a target; containerd's own client always sends one.
                let target = Some(Descriptor::default());
                let image = Image { name: text(image), labels, target, ..Image::default() };
                let update = UpdateImageRequest { image: Some(image), update_mask, source_date_epoch: None };
                ImagesClient::new(channel()).update(request!(update)).await?;
            }
            Step::ImageDelete { image, sync } => {
                let delete = DeleteImageRequest { name: text(image), sync: *sync, target: None };
                ImagesClient::new(channel()).delete(request!(delete)).await?;
            }

            Step::ContainerCreate { container, fields } => {
                let container = Some(sent_container(&sent::whole_container(container, fields)));
                let create = CreateContainerRequest { container };
                ContainersClient::new(channel()).create(request!(create)).await?;
            }
            Step::ContainerUpdate { container, replace, fields } => {
                let update_mask = mask(sent::container_paths(*replace, fields)?);
                let container = Some(sent_container(&sent::whole_container(container, fields)));
                let update = UpdateContainerRequest { container, update_mask };
                ContainersClient::new(channel()).update(request!(update)).await?;
            }
            Step::ContainerLabel { container, replace, labels } => {
                let update_mask = mask(sent::label_paths(labels.as_slice(), *replace)?);
                let labels = map(labels.as_slice());
                let container = Container { id: text(container), labels, ..Container::default() };
                let update = UpdateContainerRequest { container: Some(container), update_mask };
                ContainersClient::new(channel()).update(request!(update)).await?;
            }
            Step::ContainerDelete { container } => {
                let delete = DeleteContainerRequest { id: text(container) };
                ContainersClient::new(channel()).delete(request!(delete)).await?;
            }

            Step::LeaseCreate { lease, expire, flat, labels } => {
                let labels = map(&sent::lease_labels(context, expire.as_ref(), *flat, labels));
                let create = CreateRequest { id: text(lease), labels };
                LeasesClient::new(channel()).create(request!(create)).await?;
            }
            Step::LeaseAdd { lease, resources } => {
                for resource in resources {
                    let add = AddResourceRequest { id: text(lease), resource: Some(sent_resource(resource)) };
                    LeasesClient::new(channel()).add_resource(request!(add)).await?;
                }
            }
            Step::LeaseDrop { lease, resources } => {
                for resource in resources {
                    let drop =
                        DeleteResourceRequest { id: text(lease), resource: Some(sent_resource(resource)) };
                    LeasesClient::new(channel()).delete_resource(request!(drop)).await?;
                }
            }
            Step::LeaseDelete { lease, sync } => {
                let delete = DeleteRequest { id: text(lease), sync: *sync };
                LeasesClient::new(channel()).delete(request!(delete)).await?;
            }

            Step::SandboxCreate { sandbox, labels } => {
                let sandbox = Some(sent_sandbox(&sent::whole_sandbox(sandbox, labels)));
                let create = StoreCreateRequest { sandbox };
                StoreClient::new(channel()).create(request!(create)).await?;
            }
            Step::SandboxLabel { sandbox, replace, labels } => {
                let paths = sent::label_paths(labels.as_slice(), *replace)?;
                let sandbox = Some(sent_sandbox(&sent::whole_sandbox(sandbox, labels)));
                let fields = paths.iter().map(|path| text(path)).collect();
                let update = StoreUpdateRequest { sandbox, fields };
                StoreClient::new(channel()).update(request!(update)).await?;
            }
            Step::SandboxDelete { sandbox } => {
                let delete = StoreDeleteRequest { sandbox_id: text(sandbox) };
                StoreClient::new(channel()).delete(request!(delete)).await?;
            }
            // The others concern no daemon, or cannot be done by one; who fits scenarios knows them.
            _ => {}
        }
        Ok(())
    }
}

fn with_headers<M>(
    mut request: Request<M>,
    namespace: &MetadataValue<Ascii>,
    lease: Option<&MetadataValue<Ascii>>,
) -> Request<M> {
    let headers = request.metadata_mut();
    headers.insert("containerd-namespace", namespace.clone());
    if let Some(lease) = lease {
        headers.insert("containerd-lease", lease.clone());
    }
    request
}

/// What a header carries: what is neither empty nor trimmed on its way.
fn header(value: &[u8]) -> Result<MetadataValue<Ascii>, Stop> {
    let is_visible = !value.is_empty() && value.iter().all(u8::is_ascii_graphic);
    let value = if is_visible { MetadataValue::try_from(value).ok() } else { None };
    value.ok_or(Stop::Unable(Unable::Bytes))
}

/// The daemon's refusal in the write side's words (`errdefs.ToGRPC`).
fn refused(status: &Status) -> Refused {
    let kind = match status.code() {
        Code::NotFound => Some(ErrorKind::NotFound),
        Code::AlreadyExists => Some(ErrorKind::AlreadyExists),
        Code::FailedPrecondition => Some(ErrorKind::FailedPrecondition),
        Code::InvalidArgument => Some(ErrorKind::InvalidArgument),
        Code::Unimplemented => Some(ErrorKind::NotImplemented),
        Code::Unavailable => Some(ErrorKind::Unavailable),
        Code::Unknown => Some(ErrorKind::Unknown),
        _ => None,
    };
    Refused { kind, message: status.message().to_owned() }
}
