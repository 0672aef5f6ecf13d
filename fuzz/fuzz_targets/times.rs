//! Go's times, read twice: see `leasehold::fuzzing::times`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leasehold::fuzzing::times(bytes));
