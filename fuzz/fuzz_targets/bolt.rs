//! The bytes of a database file: see `leasehold::fuzzing::bolt`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leasehold::fuzzing::bolt(bytes));
