//! The body of each fuzz target, as a function of bytes.
//!
//! The targets in `fuzz/` are glue: they hand their bytes over and nothing else, so that stable Rust replays every
//! corpus in `cargo test`. A body panics with the sentence of what does not hold.

use crate::engine::{NoFault, Request};
use crate::oracle::Defects;
use crate::release::Release;
use crate::simulate::check::check;
use crate::simulate::trees;
use arbitrary::Unstructured;

/// engine(tree) = oracle(tree), for any tree and every release: marked set, removals, tree, errors and collectors.
pub fn tree(bytes: &[u8]) {
    let Ok(case) = trees::case(&mut Unstructured::new(bytes)) else { return };
    for release in Release::ALL {
        let request = Request {
            collectors: &case.collectors,
            release,
            last_iterated: case.last_iterated,
            ..Request::new(&case.tree, case.now)
        };
        let (_, findings) = check(&request, Defects::as_shipped(release), NoFault);
        assert!(findings.is_empty(), "{release}: {findings:?}\n{case:#?}");
    }
}
