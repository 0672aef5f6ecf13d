//! A client's writer of content: a stream of calls, open for as long as its reference is locked.

use super::messages::{map, text};
use crate::scenario::{Labels, Name};
use containerd_client::services::v1::content_client::ContentClient;
use containerd_client::services::v1::{WriteAction, WriteContentRequest, WriteContentResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

/// A stream of `Content.Write`.
pub(super) struct Writer {
    requests: mpsc::Sender<WriteContentRequest>,
    answers: Streaming<WriteContentResponse>,
    pub(super) acting: (Name, Option<Name>),
    offset: i64,
    total: i64,
    pub(super) expected: String,
}

impl Writer {
    pub(super) async fn open(
        channel: Channel,
        open: WriteContentRequest,
        acting: (&[u8], Option<&[u8]>),
        with_headers: impl FnOnce(
            ReceiverStream<WriteContentRequest>,
        ) -> Request<ReceiverStream<WriteContentRequest>>,
    ) -> Result<Writer, Status> {
        let (requests, stream) = mpsc::channel(1);
        let (total, expected) = (open.total, open.expected.clone());
        requests.send(open).await.map_err(|_| Status::internal("the stream is closed"))?;
        let answers =
            ContentClient::new(channel).write(with_headers(ReceiverStream::new(stream))).await?.into_inner();
        let acting = (acting.0.to_vec(), acting.1.map(<[u8]>::to_vec));
        let mut writer = Writer { requests, answers, acting, offset: 0, total, expected };
        writer.offset = writer.answer().await?.offset;
        Ok(writer)
    }

    async fn answer(&mut self) -> Result<WriteContentResponse, Status> {
        let answer = self.answers.message().await?;
        answer.ok_or_else(|| Status::unknown("the daemon has closed the stream"))
    }

    async fn ask(&mut self, request: WriteContentRequest) -> Result<WriteContentResponse, Status> {
        // A stream that the daemon has closed says why when it is read.
        let _is_open = self.requests.send(request).await;
        self.answer().await
    }

    /// Writes what is not written yet.
    pub(super) async fn write(&mut self, data: &[u8]) -> Result<(), Status> {
        let from = usize::try_from(self.offset).unwrap_or_default();
        let data = data.get(from..).unwrap_or_default();
        if data.is_empty() {
            return Ok(());
        }
        let request = WriteContentRequest {
            action: WriteAction::Write.into(),
            offset: self.offset,
            data: data.to_vec(),
            ..WriteContentRequest::default()
        };
        self.offset = self.ask(request).await?.offset;
        Ok(())
    }

    pub(super) async fn commit(
        mut self,
        total: i64,
        expected: String,
        labels: &Labels,
    ) -> Result<(), Status> {
        let request = WriteContentRequest {
            action: WriteAction::Commit.into(),
            total: if total == 0 { self.total } else { total },
            offset: self.offset,
            expected,
            labels: map(labels.as_slice()),
            ..WriteContentRequest::default()
        };
        self.ask(request).await?;
        self.close().await;
        Ok(())
    }

    /// Ends the stream, and waits until the daemon has closed its writer.
    pub(super) async fn close(mut self) {
        drop(self.requests);
        while let Ok(Some(_)) = self.answers.message().await {}
    }
}

/// The first request: who opens it says what it knows.
pub(super) fn opening(reference: &[u8], expected: String, total: i64) -> WriteContentRequest {
    let action = WriteAction::Stat.into();
    WriteContentRequest { action, r#ref: text(reference), total, expected, ..WriteContentRequest::default() }
}
