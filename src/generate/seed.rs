//! Seeds: how a text and a case's number become random numbers.
//!
//! A seed is any text of 1 to 64 bytes. The ChaCha8 key of a campaign is folded from the text: beginning with 32 zero
//! bytes, each block of 32 bytes of (length of the text as one byte, then the text, padded with zeros) is xored into
//! the key, and the key becomes the first 32 bytes of ChaCha8 under it. Case i draws from ChaCha8 under that key,
//! stream number i. So a case depends on the text and its number alone, never on threads or on other cases.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// The longest seed in bytes.
pub const SEED_BYTES_MAX: usize = 64;

/// A campaign's seed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seed {
    text: String,
    key: [u8; 32],
}

/// A text that is no seed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a seed is a text of 1 to {SEED_BYTES_MAX} bytes, this one has {bytes}")]
pub struct SeedError {
    bytes: usize,
}

impl Seed {
    /// The seed of a text.
    ///
    /// # Errors
    /// The text is empty or longer than [`SEED_BYTES_MAX`].
    pub fn parse(text: &str) -> Result<Seed, SeedError> {
        let length =
            u8::try_from(text.len()).ok().filter(|length| (1..=SEED_BYTES_MAX).contains(&(*length).into()));
        let length = length.ok_or(SeedError { bytes: text.len() })?;
        let mut key = [0; 32];
        for block in [&[length], text.as_bytes()].concat().chunks(32) {
            key.iter_mut().zip(block).for_each(|(key, byte)| *key ^= byte);
            ChaCha8Rng::from_seed(key).fill_bytes(&mut key);
        }
        Ok(Seed { text: text.to_owned(), key })
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The random numbers of a case.
    pub fn case(&self, number: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream(number);
        rng
    }

    /// The first bytes of a case's random numbers, from which generators draw.
    pub fn case_bytes(&self, number: u64, bytes: &mut [u8]) {
        self.case(number).fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another stream would change what every published seed means.
    #[test]
    fn the_stream_of_a_seed_never_changes() {
        let seed = Seed::parse("leasehold").expect("a seed");
        let first = |number| seed.case(number).next_u64();
        assert_eq!([first(0), first(1)], [FIRST, SECOND]);
        assert_ne!(first(0), Seed::parse("leasehole").expect("a seed").case(0).next_u64());
        let long = "x".repeat(SEED_BYTES_MAX);
        assert!(Seed::parse(&long).is_ok());
        assert_eq!(Seed::parse(&(long + "x")), Err(SeedError { bytes: 65 }));
        assert_eq!(Seed::parse(""), Err(SeedError { bytes: 0 }));
    }

    const FIRST: u64 = 7_915_886_103_916_160_700;
    const SECOND: u64 = 2_891_426_623_942_019_696;
}
