//! Scenario texts: see `leasehold::fuzzing::scenario`. Inputs are mutated step by step, so that corpus entries and crashes
//! are replay files.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|bytes: &[u8]| leasehold::fuzzing::scenario(bytes));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // One mutation in eight is the fuzzer's own, so that the parser sees broken texts too.
    if seed & 7 == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let text = leasehold::fuzzing::mutate_scenario(&data[..size], max_size, seed);
    data[..text.len()].copy_from_slice(&text);
    text.len()
});
