//! Any labels, read by engine and oracle: see `leasehold::fuzzing::labels`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leasehold::fuzzing::labels(bytes));
