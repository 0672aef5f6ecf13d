//! Generated clients, collections and all, through engine and oracle: see `leasehold::fuzzing::differential`.
#![no_main]

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leasehold::fuzzing::differential(bytes));
