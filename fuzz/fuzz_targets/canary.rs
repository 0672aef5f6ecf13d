//! Must crash within a minute: the target `tree` with a fault in the engine. If it does not, the fuzzer is blind.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leasehold::fuzzing::canary(bytes));
