//! The bucket room against standard maps: see `leasehold::fuzzing::bucket`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leasehold::fuzzing::bucket(bytes));
