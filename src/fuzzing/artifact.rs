//! The scenario beside a fuzzer's artifact.
//!
//! libFuzzer writes the input at which a target stops as `crash-SHA1`, SHA-1 of the input, below the prefix that it
//! was started with. The body writes `crash-SHA1.scenario` to the same place before it stops, and never over a file
//! that exists: the artifact means something to one version of one target, the scenario to everybody.
//!
//! A panic inside engine or oracle leaves the whole input as a scenario; a finding leaves a small one. Outside a fuzzer
//! nothing is written.

use super::target::Target;
use crate::release::Release;
use crate::scenario::{Scenario, print};
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::panic;
use std::sync::Once;

thread_local! {
    /// What runs: for the panic's hook.
    static RUNNING: RefCell<Option<(&'static Target, Vec<u8>)>> = const { RefCell::new(None) };
    static RELEASE: Cell<Release> = const { Cell::new(Release::V1_7Beta) };
}

/// Takes note of what runs, so that a panic anywhere in it leaves its scenario. The input must have been understood: a panic
/// in a panic's hook would say nothing.
pub(super) fn watch(target: &'static Target, bytes: &[u8]) {
    static HOOK: Once = Once::new();
    if !cfg!(fuzzing) {
        return;
    }
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            let running = RUNNING.with_borrow_mut(Option::take);
            if let Some((target, bytes)) = running
                && let Ok(scenario) = target.scenario(&bytes, RELEASE.get())
            {
                eprintln!("{}", leave(target, &bytes, &scenario));
            }
            previous(panicked);
        }));
    });
    RUNNING.set(Some((target, bytes.to_owned())));
}

/// Takes note of the release under which a case runs.
pub(super) fn watch_release(release: Release) {
    RELEASE.set(release);
}

/// Writes a scenario beside the artifact of an input, under a fuzzer; gives its text, where it is, and how to see it again.
pub(super) fn leave(target: &Target, bytes: &[u8], scenario: &Scenario) -> String {
    RUNNING.set(None);
    let text = print(scenario);
    let Some(path) = path(bytes) else { return text };
    // One that is there already has been left by an earlier run of the same input.
    match File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            let fault = target.fuzzed_fault().map(|fault| format!(" --fault {fault}")).unwrap_or_default();
            format!("{text}\nthe scenario is in {path}\nagain: leasehold replay --step{fault} {path}\n")
        }
        Err(error) => format!("{text}\nthe scenario is not written to {path}: {error}\n"),
    }
}

/// Where the scenario of an input belongs; nowhere outside a fuzzer, and while the fuzzer makes an input smaller.
fn path(bytes: &[u8]) -> Option<String> {
    if !cfg!(fuzzing) {
        return None;
    }
    let mut prefix = String::new();
    for argument in std::env::args() {
        if let Some(given) = argument.strip_prefix("-artifact_prefix=") {
            prefix = given.to_owned();
        }
        if let Some(given) = argument.strip_prefix("-exact_artifact_path=") {
            return Some(format!("{given}.scenario"));
        }
        if argument.starts_with("-minimize_crash") {
            return None;
        }
    }
    Some(format!("{prefix}crash-{}.scenario", sha1_text(bytes)))
}

fn sha1_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for word in sha1(bytes) {
        write!(text, "{word:08x}").expect("a string takes all that is written");
    }
    text
}

/// SHA-1 (FIPS 180-4): only to give the file the name that libFuzzer gives its own.
fn sha1(bytes: &[u8]) -> [u32; 5] {
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64) + if padded.len() % 64 > 56 { 64 } else { 0 } - 8, 0);
    padded.extend((bytes.len() as u64 * 8).to_be_bytes());
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks_exact(64) {
        let mut words = [0u32; 80];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes(bytes.try_into().expect("four bytes"));
        }
        for at in 16..80 {
            words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.into_iter().enumerate() {
            let (mixed, constant) = match at / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6u32),
            };
            let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e);
            let next = next.wrapping_add(constant).wrapping_add(word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard's own examples, and every length around a block's end.
    #[test]
    fn the_names_of_artifacts_are_those_of_libfuzzer() {
        assert_eq!(sha1_text(b""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(sha1_text(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(sha1_text(two_blocks), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        let lengths: Vec<[u32; 5]> = (0..200).map(|length| sha1(&vec![b'a'; length])).collect();
        assert!(lengths.iter().enumerate().all(|(at, hash)| !lengths[..at].contains(hash)));
        assert_eq!(sha1_text(&[b'a'; 1_000_000]), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    }
}
