//! Cases made small while they still show what they show.

pub mod trees;
