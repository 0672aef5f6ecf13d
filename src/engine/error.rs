//! Why a collection fails.

use crate::bucket::Refusal;
use crate::schema::time::BinaryError;

/// Why a collection failed; prints as containerd's error.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The context was cancelled while roots were sent (`scanRoots`).
    #[error("context canceled")]
    Canceled,
    /// An ingest's `expireat` does not decode (`readExpireAt`).
    #[error(transparent)]
    ExpireAt(#[from] BinaryError),
    /// The key of a node of snapshot type has no slash (`references`, `remove`).
    #[error("invalid snapshot gc key {}", String::from_utf8_lossy(.0))]
    InvalidSnapshotKey(Box<[u8]>),
    /// bbolt refused a removal.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request made the call fail.
    #[error("injected")]
    Injected,
    /// The sweep failed (`DB.GarbageCollect`).
    #[error("failed to scan and remove: {0}")]
    ScanAndRemove(Box<Error>),
}
