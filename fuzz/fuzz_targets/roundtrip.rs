//! Texts and trees to their forms and back: see `leasehold::fuzzing::roundtrip`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leasehold::fuzzing::roundtrip(bytes));
