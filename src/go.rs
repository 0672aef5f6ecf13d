//! The Go that a daemon was built with, as far as it decides what a collection does.
//!
//! Labels with times are read by Go's `time.Parse`, and up to Go 1.19 that took more for a time than later ones do:
//! offsets of any size (`+25:00`, `+09:61`) or with signs in them (`+02:-0`), and a fraction in place of the seconds
//! (`12:30:,5Z`). A lease with such a `gc.expire` expires in a daemon that was built so, Debian's 1.6.20 for one, and
//! never in other builds of the same release.

use crate::release::Release;
use std::fmt;

/// Builds that read times alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Go {
    /// Go 1.19 and earlier.
    UpTo1_19,
    /// Go 1.20 and later, as the releases themselves are built today.
    #[default]
    From1_20,
}

impl Go {
    /// What builds a release that may have been built with this: from 2.0 on none was with Go up to 1.19.
    #[must_use]
    pub fn of(self, release: Release) -> Go {
        if self.may_build(release) { self } else { Go::default() }
    }

    /// Whether there can be builds of a release with this.
    pub fn may_build(self, release: Release) -> bool {
        self == Go::From1_20 || release < Release::V2_0
    }

    /// The builds for a version of Go, `1.19` or `go1.22.3`.
    ///
    /// # Errors
    /// The text is no version of Go 1, or of one that is far ahead.
    pub fn parse(text: &str) -> Result<Go, UnknownGo> {
        const PATCH_MAX: u32 = 99;
        let version = text.strip_prefix("go").unwrap_or(text);
        let number = |part: &str| {
            let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u32>().ok().filter(|number| is_number && number.to_string() == part)
        };
        let parts: Vec<Option<u32>> = version.split('.').map(number).collect();
        match parts[..] {
            [Some(1), Some(0..=19)] | [Some(1), Some(0..=19), Some(0..=PATCH_MAX)] => Ok(Go::UpTo1_19),
            [Some(1), Some(..=MINOR_MAX)] | [Some(1), Some(..=MINOR_MAX), Some(0..=PATCH_MAX)] => {
                Ok(Go::From1_20)
            }
            _ => Err(UnknownGo { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Go {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Go::UpTo1_19 => "1.19",
            Go::From1_20 => "1.20",
        })
    }
}

/// The newest minor version that is taken for one: there are two a year, 1.26 in 2026.
const MINOR_MAX: u32 = 39;

/// A text that is no version of Go.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{text}` is no version of Go from 1.0 to 1.{MINOR_MAX}: 1.19 stands for all up to it, 1.20 for all later ones"
)]
pub struct UnknownGo {
    /// What was asked for.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_up_to_1_19_read_alike_and_build_no_2_0() {
        for (text, go) in [
            ("1.19", Go::UpTo1_19),
            ("go1.19.8", Go::UpTo1_19),
            ("1.20", Go::From1_20),
            ("1.24.1", Go::From1_20),
            ("1.0", Go::UpTo1_19),
            ("1.39.99", Go::From1_20),
        ] {
            assert_eq!(Go::parse(text), Ok(go), "{text}");
            assert_eq!(Go::parse(&go.to_string()), Ok(go));
        }
        for text in [
            "", "1", "2.0", "1.x", "1.19.x", "v1.19", "1.9999", "1.40", "+1.20", "1.020", "1.20.1.1",
            "1.20.100",
        ] {
            assert!(Go::parse(text).is_err(), "{text}");
        }
        assert_eq!(Go::UpTo1_19.of(Release::V1_7), Go::UpTo1_19);
        assert_eq!(Go::UpTo1_19.of(Release::V2_0), Go::From1_20);
    }
}
