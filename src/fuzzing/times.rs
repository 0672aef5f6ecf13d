//! Times and durations, read twice.

use crate::go::Go;
use crate::oracle::times as other;
use crate::schema::{duration, time};

/// schema(text) = oracle(text) for RFC 3339 of earlier and later Go, binary times and durations, and parse(format(instant)) = instant.
///
/// The first byte says how the rest is read.
pub(super) fn times(bytes: &[u8]) {
    let Some((kind, text)) = bytes.split_first() else { return };
    match kind % 3 {
        0 => {
            let [earlier, read] = [Go::UpTo1_19, Go::From1_20].map(|go| {
                let read = time::parse_rfc3339_of(go, text).ok();
                assert_eq!(read, other::rfc3339(go, text), "Go {go}: {:?}", text.escape_ascii());
                read
            });
            // What a later one takes an earlier one took for the same.
            assert!(read.is_none() || read == earlier, "{:?}", text.escape_ascii());
            if let Some(instant) = read {
                let printed = time::format_rfc3339_nano(instant);
                // What Go accepts with an offset may lie in another year when printed in UTC.
                if printed.len() >= 20 && printed.as_bytes()[4] == b'-' && !printed.starts_with('-') {
                    assert_eq!(time::parse_rfc3339(printed.as_bytes()), Ok(instant), "{printed}");
                }
            }
        }
        1 => {
            let read = time::from_binary(text);
            match (&read, other::binary(text)) {
                (Ok(instant), Ok(expected)) => assert_eq!(*instant, expected),
                (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected.to_string()),
                (read, expected) => panic!("{read:?} and {expected:?} for {text:?}"),
            }
            if let Ok(instant) = read {
                assert_eq!(time::from_binary(&time::to_binary(instant)), Ok(instant));
            }
        }
        _ => assert_eq!(duration::parse(text), other::duration(text), "{:?}", text.escape_ascii()),
    }
}
