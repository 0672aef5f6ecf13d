//! What a scenario file may cost, in one place. A text beyond any of these gets an error with its position.

use crate::bucket;
use std::time::Duration;

/// The longest file in bytes.
pub const FILE_BYTES_MAX: usize = 16 << 20;
/// The longest line in bytes, line break set aside.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// The greatest number of steps in a file.
pub const STEPS_MAX: usize = 100_000;
/// How often a step of a `together` block may happen at the most.
pub const MAY_MAX: u64 = 100;
/// The longest name, label or raw value in bytes: bbolt's longest key.
pub const NAME_BYTES_MAX: usize = bucket::KEY_BYTES_MAX;
/// The greatest number of keys in a raw path.
pub const PATH_KEYS_MAX: usize = bucket::DEPTH_MAX;
/// The longest duration: Go's, about 292 years.
pub const DURATION_MAX: Duration = Duration::from_nanos(i64::MAX.unsigned_abs());
/// The greatest number of errors that one pass reports.
pub const FLAWS_MAX: usize = 20;
/// The greatest number of characters of a wrong word that an error repeats.
pub const QUOTED_CHARACTERS_MAX: usize = 60;
