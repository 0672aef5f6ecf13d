//! How containerd lays its objects out in buckets: version 1 of its schema.
//!
//! ```text
//! v1                                                        the only bucket that a collection reads
//! ├─ version                                                varint: 3 in 1.x, 4 from 2.0
//! └─ NAMESPACE
//!    ├─ labels/KEY
//!    ├─ leases/ID
//!    │  ├─ createdat                                        Go's binary time, as every ...at
//!    │  ├─ labels/KEY                                       containerd.io/gc.expire, gc.flat
//!    │  ├─ content/DIGEST   snapshots/SNAPSHOTTER/KEY   ingests/REF   images/NAME (from 2.0)
//!    ├─ images/NAME
//!    │  ├─ createdat  updatedat  labels/KEY
//!    │  └─ target/{digest, mediatype, size}                 size: varint
//!    ├─ content
//!    │  ├─ blob/DIGEST/{createdat, updatedat, size, labels/KEY}
//!    │  └─ ingests/REF/{ref, expireat, expected}
//!    ├─ containers/ID/{image, snapshotter, snapshotKey, labels/KEY, ...}
//!    ├─ snapshots/SNAPSHOTTER/KEY/{name, parent, createdat, updatedat, children/KEY, labels/KEY}
//!    └─ sandboxes/ID/labels/KEY                             from 2.0; before, NAMESPACE/sandboxes at the root
//! ```
//!
//! `names` has the words, `label_keys` those that are nearly one of a label's; `time`, `duration` and `varint` read and write values as Go does. This room knows nothing of what is kept.

pub mod duration;
pub mod label_keys;
pub mod names;
pub mod shape;
pub mod time;
pub mod varint;
pub mod views;
