//! Database files: see `leasehold::fuzzing::bolt`. Inputs are mutated inside their pages, and their checksums stay right.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|bytes: &[u8]| leasehold::fuzzing::bolt(bytes));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // One mutation in eight is the fuzzer's own.
    if seed & 7 == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let file = leasehold::fuzzing::mutate_bolt(&data[..size], max_size, seed);
    data[..file.len()].copy_from_slice(&file);
    file.len()
});
