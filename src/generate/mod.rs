//! Cases from bytes: the same bytes give the same case, whether a seed or a fuzzer wrote them.
//!
//! ```text
//!   seed ──> bytes ──┐
//!   fuzzer's bytes ──┴─> profile ──> steps      clients that do something
//!                              └───> trees      a database at once, valid or not
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | `seed` | what a seed means: the bytes of each case |
//! | `profile` | which habits the clients of a case have |
//! | `steps` | clients' steps, with a collection now and then |
//! | `trees`, `written` | a database drawn at once, and the same as steps |
//!
//! This room runs nothing and checks nothing.

pub mod profile;
pub mod seed;
pub mod steps;
pub mod trees;
pub mod written;
