//! Why an object is kept, what alone holds it, and until when.
//!
//! ```text
//!   oracle's relations ──> Network ──┬─> reach   what is kept, and what would be without something
//!   roots, references      vertices  ├─> paths   from which roots, and by which shortest chains
//!   with their times       and arcs  ├─> alone   without what it would go
//!                                    ├─> until   the first instant at which it goes if only time passes
//!                                    └─> without what goes with it, and with all of its roots
//! ```
//!
//! [`Explanation`] answers for one object, [`Digest`] for all holders at once. Both ask the oracle's relations only;
//! whether the engine does the same is for `properties` to say. To take an object *out* is to delete it: what it refers
//! to is then not kept by it any more, while those that name it go on naming it.

mod alone;
mod digest;
mod dominators;
mod drawing;
mod explanation;
mod find;
mod freed;
mod holders;
mod holdings;
mod network;
mod paths;
mod reach;
mod until;
mod without;
mod written;

pub use digest::{Digest, Held, Holding, Next};
pub use drawing::{Drawing, Fate, Group, LeftOut, Line, Object, ObjectId};
pub use explanation::{Explainer, Explanation, Hop, State};
pub use find::{Found, Thing, all_in, all_of, find, near};
pub use holders::{Holder, Walk};
pub use network::{Network, Subject};

#[cfg(test)]
mod tests;
