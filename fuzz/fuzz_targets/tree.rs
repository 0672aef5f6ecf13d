//! Any tree, valid or not, through engine and oracle: see `leasehold::fuzzing::tree`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leasehold::fuzzing::tree(bytes));
