//! What is asked of a collection.

use crate::situation::Situation;

/// A collection that is asked for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What is to be collected.
    pub situation: &'a Situation,
    /// The context is cancelled when the k-th root, from 1, is about to be sent.
    pub cancel_at_root: Option<usize>,
    /// The k-th call at a point, from 1, fails.
    pub fail_at: Option<(Point, usize)>,
}

impl<'a> Request<'a> {
    /// A collection that nothing disturbs.
    pub fn new(situation: &'a Situation) -> Request<'a> {
        Request { situation, cancel_at_root: None, fail_at: None }
    }
}

/// Where a call can be made to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    /// A node's references are looked up while marking.
    Lookup,
    /// A bucket is deleted while sweeping.
    Removal,
}

impl Point {
    /// What happens there.
    pub fn name(self) -> &'static str {
        match self {
            Point::Lookup => "lookup",
            Point::Removal => "removal",
        }
    }
}
