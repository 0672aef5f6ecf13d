//! The snapshotters behind the daemon: snapshots with parents, in memory, served as proxy plugins over one socket.
//!
//! The daemon's metadata keeps its own names for snapshots; what it asks of a backend is only that a parent is a committed
//! snapshot, that a name is taken once, and that a parent stays while it has children.

use super::compare::snapshot_line;
use containerd_client::services::v1::snapshots::{
    CleanupRequest, CommitSnapshotRequest, Info, Kind, ListSnapshotsRequest, ListSnapshotsResponse,
    MountsRequest, MountsResponse, PrepareSnapshotRequest, PrepareSnapshotResponse, RemoveSnapshotRequest,
    StatSnapshotRequest, StatSnapshotResponse, UpdateSnapshotRequest, UpdateSnapshotResponse, UsageRequest,
    UsageResponse, ViewSnapshotRequest, ViewSnapshotResponse,
};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::net::UnixListener;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::server::Grpc;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// Snapshots by snapshotter and name.
type Snapshots = BTreeMap<(String, String), Info>;

/// The service that containerd's proxy plugins ask (`containerd.services.snapshots.v1.Snapshots`).
#[derive(Clone, Default)]
pub(super) struct Backend {
    snapshots: Arc<Mutex<Snapshots>>,
}

impl Backend {
    /// What there is, as the comparison has it.
    pub(super) fn stored(&self) -> Vec<String> {
        let snapshots = self.snapshots();
        let line = |((snapshotter, name), info): (&(String, String), &Info)| {
            let kind = match info.kind() {
                Kind::View => "view",
                Kind::Active => "active",
                Kind::Committed => "committed",
                Kind::Unknown => "unknown",
            };
            snapshot_line(snapshotter.as_bytes(), name.as_bytes(), kind, info.parent.as_bytes())
        };
        snapshots.iter().map(line).collect()
    }

    fn snapshots(&self) -> MutexGuard<'_, Snapshots> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn prepare(&self, kind: Kind, request: PrepareSnapshotRequest) -> Result<(), Status> {
        let mut snapshots = self.snapshots();
        let PrepareSnapshotRequest { snapshotter, key, parent, labels } = request;
        if !parent.is_empty() {
            let parent = snapshots.get(&(snapshotter.clone(), parent.clone()));
            let parent = parent.ok_or_else(|| Status::not_found("parent"))?;
            if parent.kind() != Kind::Committed {
                return Err(Status::invalid_argument("the parent is not committed"));
            }
        }
        if snapshots.contains_key(&(snapshotter.clone(), key.clone())) {
            return Err(Status::already_exists(key));
        }
        let info = Info { name: key.clone(), parent, kind: kind.into(), labels, ..Info::default() };
        snapshots.insert((snapshotter, key), info);
        Ok(())
    }

    fn commit(&self, request: CommitSnapshotRequest) -> Result<(), Status> {
        let mut snapshots = self.snapshots();
        let CommitSnapshotRequest { snapshotter, name, key, labels } = request;
        let active = snapshots.get(&(snapshotter.clone(), key.clone()));
        let active = active.ok_or_else(|| Status::not_found(key.clone()))?;
        if active.kind() != Kind::Active {
            return Err(Status::failed_precondition("not an active snapshot"));
        }
        if snapshots.contains_key(&(snapshotter.clone(), name.clone())) {
            return Err(Status::already_exists(name));
        }
        let Some(active) = snapshots.remove(&(snapshotter.clone(), key)) else { return Ok(()) };
        let committed = Info { name: name.clone(), kind: Kind::Committed.into(), labels, ..active };
        snapshots.insert((snapshotter, name), committed);
        Ok(())
    }

    fn remove(&self, request: RemoveSnapshotRequest) -> Result<(), Status> {
        let mut snapshots = self.snapshots();
        let RemoveSnapshotRequest { snapshotter, key } = request;
        let is_child =
            |(place, info): (&(String, String), &Info)| place.0 == snapshotter && info.parent == key;
        if snapshots.iter().any(is_child) {
            return Err(Status::failed_precondition("the snapshot has children"));
        }
        match snapshots.remove(&(snapshotter, key.clone())) {
            Some(_) => Ok(()),
            None => Err(Status::not_found(key)),
        }
    }

    fn stat(&self, snapshotter: String, key: String) -> Result<Info, Status> {
        let info = self.snapshots().get(&(snapshotter, key.clone())).cloned();
        info.ok_or_else(|| Status::not_found(key))
    }

    fn update(&self, request: UpdateSnapshotRequest) -> Result<Info, Status> {
        let wanted = request.info.unwrap_or_default();
        let mut snapshots = self.snapshots();
        let info = snapshots.get_mut(&(request.snapshotter, wanted.name.clone()));
        let info = info.ok_or_else(|| Status::not_found(wanted.name))?;
        // Which labels a backend has matters to nobody here.
        info.labels = wanted.labels;
        Ok(info.clone())
    }

    fn list(&self, request: &ListSnapshotsRequest) -> ListSnapshotsResponse {
        let snapshots = self.snapshots();
        let own = snapshots.iter().filter(|((snapshotter, _), _)| *snapshotter == request.snapshotter);
        ListSnapshotsResponse { info: own.map(|(_, info)| info.clone()).collect() }
    }
}

type Answer = http::Response<Body>;

/// One call without a stream.
async fn unary<M, N>(request: http::Request<Body>, answer: impl FnOnce(M) -> Result<N, Status>) -> Answer
where
    M: prost::Message + Default + 'static,
    N: prost::Message + Default + 'static,
{
    let mut answer = Some(answer);
    let service = service_fn(|request: Request<M>| {
        let answered = answer.take().map(|answer| answer(request.into_inner()));
        ready(answered.unwrap_or_else(|| Err(Status::internal("asked twice"))).map(Response::new))
    });
    Grpc::new(ProstCodec::<N, M>::default()).unary(service, request).await
}

impl Service<http::Request<Body>> for Backend {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let own = self.clone();
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            Ok(match method.as_str() {
                "Prepare" => {
                    unary(request, |asked: PrepareSnapshotRequest| {
                        own.prepare(Kind::Active, asked).map(|()| PrepareSnapshotResponse::default())
                    })
                    .await
                }
                "View" => {
                    unary(request, |asked: ViewSnapshotRequest| {
                        let ViewSnapshotRequest { snapshotter, key, parent, labels } = asked;
                        let asked = PrepareSnapshotRequest { snapshotter, key, parent, labels };
                        own.prepare(Kind::View, asked).map(|()| ViewSnapshotResponse::default())
                    })
                    .await
                }
                "Commit" => unary(request, |asked| own.commit(asked)).await,
                "Remove" => unary(request, |asked| own.remove(asked)).await,
                "Stat" => {
                    unary(request, |asked: StatSnapshotRequest| {
                        let info = own.stat(asked.snapshotter, asked.key)?;
                        Ok(StatSnapshotResponse { info: Some(info) })
                    })
                    .await
                }
                "Update" => {
                    unary(request, |asked| Ok(UpdateSnapshotResponse { info: Some(own.update(asked)?) }))
                        .await
                }
                "Usage" => {
                    unary(request, |asked: UsageRequest| {
                        own.stat(asked.snapshotter, asked.key).map(|_| UsageResponse::default())
                    })
                    .await
                }
                "Mounts" => {
                    unary(request, |asked: MountsRequest| {
                        own.stat(asked.snapshotter, asked.key).map(|_| MountsResponse::default())
                    })
                    .await
                }
                "Cleanup" => unary(request, |_: CleanupRequest| Ok(())).await,
                "List" => {
                    let service = service_fn(|request: Request<ListSnapshotsRequest>| {
                        let page = own.list(request.get_ref());
                        ready(Ok::<_, Status>(Response::new(tokio_stream::once(Ok::<_, Status>(page)))))
                    });
                    let codec = ProstCodec::<ListSnapshotsResponse, ListSnapshotsRequest>::default();
                    Grpc::new(codec).server_streaming(service, request).await
                }
                _ => Status::unimplemented(method).into_http(),
            })
        })
    }
}

/// Answers every connection, for as long as it is polled.
pub(super) async fn serve(backend: Backend, listener: UnixListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let backend = backend.clone();
        let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
            backend.clone().call(request.map(Body::new))
        });
        let connection =
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
        // A connection ends when its daemon does.
        tokio::spawn(async move { drop(connection.await) });
    }
}
