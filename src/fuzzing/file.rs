//! Database files for the target `bolt`: mutated inside their pages, so that they stay files.
//!
//! A fuzzer that changes bytes anywhere hardly ever gets past the meta pages, whose checksum it breaks, or moves every
//! page by a byte. Here bytes change in place, mostly where headers and elements are, pages take one another's place, and
//! the meta pages are summed up again.

use crate::bucket::bolt;
use crate::generate::trees;
use arbitrary::Unstructured;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use std::io::Cursor;

const HEADER_BYTES: usize = 16;
const MAGIC: [u8; 4] = [0xED, 0xDA, 0x0C, 0xED];
/// What the checksum of a meta page covers; it stands behind.
const SUMMED: std::ops::Range<usize> = HEADER_BYTES..72;
const META_BYTES: usize = 80;

/// A mutated database, for the fuzzer's custom mutator. Bytes that are none become one of a drawn tree.
pub fn mutate_bolt(bytes: &[u8], bytes_max: usize, seed: u32) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed.into());
    let Some(page) = page_bytes(bytes).filter(|_| !rng.random_ratio(1, 64)) else {
        return draw(&mut rng, bytes_max);
    };
    let mut mutated = bytes.to_owned();
    for _ in 0..rng.random_range(1..=4) {
        mutate(&mut rng, &mut mutated, page);
    }
    mutated.truncate(bytes_max);
    for meta in [0, page] {
        sum_up(&mut mutated, meta);
    }
    mutated
}

/// The size of a file's pages, by whichever meta page has one; none if it is no file.
fn page_bytes(bytes: &[u8]) -> Option<usize> {
    let is_meta = |at: &usize| bytes.get(at + HEADER_BYTES..at + HEADER_BYTES + 4) == Some(&MAGIC);
    let sizes = [0].into_iter().chain((9..=16).map(|power| 1 << power));
    sizes.filter(is_meta).find_map(|meta| {
        let size = bytes.get(meta + 24..meta + 28)?;
        let size = usize::try_from(u32::from_le_bytes(size.try_into().ok()?)).ok()?;
        (size.is_power_of_two() && (512..=65_536).contains(&size)).then_some(size)
    })
}

/// A new file; none if there is no room. A bucket with buckets takes a page of its own, so that fewer objects are tried.
fn draw(rng: &mut ChaCha8Rng, bytes_max: usize) -> Vec<u8> {
    let mut bytes = [0; 256];
    rng.fill_bytes(&mut bytes);
    for length in [256, 128, 64, 32, 16, 0] {
        let mut file = Cursor::new(Vec::new());
        let case = trees::case(&mut Unstructured::new(&bytes[..length]));
        let case = case.expect("drawing from too few bytes gives zeros");
        bolt::write(&case.tree, &mut file).expect("memory takes any file");
        if file.get_ref().len() <= bytes_max {
            return file.into_inner();
        }
    }
    Vec::new()
}

fn mutate(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>, page: usize) {
    if bytes.len() < META_BYTES {
        return;
    }
    let pages = bytes.len().div_ceil(page);
    // The first three are two metas and the list of free pages.
    let first = if pages > 3 && rng.random_ratio(3, 4) { 3 } else { 0 };
    let start = page * rng.random_range(first..pages);
    let end = bytes.len().min(start + page);
    // Headers and elements stand in front.
    let reach = if rng.random_ratio(3, 4) { end.min(start + 128) } else { end };
    let at = rng.random_range(start..reach);
    match rng.random_range(0..16) {
        0 => {
            let from = page * rng.random_range(0..pages);
            let taken = bytes[from..bytes.len().min(from + page)].to_owned();
            let length = taken.len().min(end - start);
            bytes[start..start + length].copy_from_slice(&taken[..length]);
        }
        // A page twice at the end, or the last bytes gone.
        1 if rng.random_ratio(1, 4) => bytes.extend_from_within(start..end),
        1 => bytes.truncate(bytes.len() - rng.random_range(0..bytes.len() / 4)),
        2..=5 => bytes[at] = rng.random(),
        6..=9 => bytes[at] ^= 1 << rng.random_range(0..8),
        _ => {
            // A number where numbers stand, most of them near those that mean something.
            let at = at & !1;
            let near = rng.random_range(0..=u64::try_from(pages).unwrap_or(u64::MAX) + 2);
            let numbers = [near, 0, 1, u64::MAX, u64::from(u32::MAX), near << 16, 16 * near, rng.random()];
            let number = numbers[rng.random_range(0..numbers.len())].to_le_bytes();
            let width = [2, 4, 8][rng.random_range(0..3)].min(bytes.len() - at);
            bytes[at..at + width].copy_from_slice(&number[..width]);
        }
    }
}

/// Gives a meta page the checksum of what it says.
fn sum_up(bytes: &mut [u8], meta: usize) {
    let Some(meta) = bytes.get_mut(meta..meta + META_BYTES) else { return };
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let sum = meta[SUMMED].iter().fold(0xcbf2_9ce4_8422_2325, step);
    meta[SUMMED.end..].copy_from_slice(&sum.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_mutated_databases_have_sound_meta_pages_and_many_can_be_read() {
        let mut file = mutate_bolt(b"", 1 << 16, 0);
        assert!(bolt::read_from(file.as_slice()).is_ok(), "what is no file becomes one");
        let (mut summed, mut read) = (0, 0);
        for seed in 1..=400 {
            let mutated = mutate_bolt(&file, 1 << 16, seed);
            assert!(mutated.len() <= 1 << 16);
            assert_eq!(mutated, mutate_bolt(&file, 1 << 16, seed), "the same seed gives the same file");
            match bolt::read_from(mutated.as_slice()) {
                Ok(_) => (summed, read, file) = (summed + 1, read + 1, mutated),
                Err(bolt::BoltError::Damaged { .. } | bolt::BoltError::NewestDamaged { .. }) => summed += 1,
                Err(_) => {}
            }
        }
        assert!(summed > 200 && read > 100, "{summed} with meta pages, {read} readable");
    }
}
