//! Everyday names for content.
//!
//! containerd knows content by digest. In a scenario `layer` stands for a digest that is computed from the name
//! and from which the name can be read back, so that no table is needed and printed nodes stay readable:
//!
//! ```text
//! layer  <->  sha256:6c61796572 00000000..0000 00006c68
//!                    the name   zeros to 28    marker     32 bytes in hexadecimal digits
//! ```
//!
//! The name stands first so that digests sort as their names do. No real SHA-256 is taken for a name, but with
//! a chance of less than one in 2^32. Messages speak of digests, as the daemon's do; people are shown them with names
//! ([`in_text`]), while JSON and databases keep the digests.

use crate::text;

const PREFIX: &str = "sha256:";
const MARKER: [u8; 4] = *b"\0\0lh";
/// The longest name in bytes.
pub const NAME_BYTES_MAX: usize = 28;
/// How many digits a digest has.
const DIGITS: usize = 2 * (NAME_BYTES_MAX + MARKER.len());

/// The digest of a name; absent if the name is empty, longer than [`NAME_BYTES_MAX`], or has a character other
/// than ASCII letters, digits and `-._+`.
pub fn digest_of(name: &str) -> Option<Vec<u8>> {
    is_name(name.as_bytes()).then(|| {
        let padding = std::iter::repeat_n(0, NAME_BYTES_MAX - name.len());
        let bytes = name.bytes().chain(padding).chain(MARKER);
        let digits = bytes
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| b"0123456789abcdef"[usize::from(digit)]);
        PREFIX.bytes().chain(digits).collect()
    })
}

/// The name whose digest this is.
pub fn name_of(digest: &[u8]) -> Option<String> {
    let digits = digest.strip_prefix(PREFIX.as_bytes())?;
    if digits.len() != DIGITS {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect();
    let bytes = bytes?;
    let padded = bytes.strip_suffix(&MARKER)?;
    let length = padded.iter().position(|byte| *byte == 0).unwrap_or(padded.len());
    let (name, padding) = padded.split_at(length);
    let whole = is_name(name) && padding.iter().all(|byte| *byte == 0);
    whole.then(|| name.iter().copied().map(char::from).collect())
}

/// A text for people: the name in place of every digest of one, as steps write it: `layer` where a digest is meant,
/// elsewhere `@layer`.
pub fn in_text(text: &str) -> String {
    /// Behind these words one is.
    const DIGEST_WORDS: [&str; 6] = ["content", "content-flat", "blob", "digest", "expected", "not"];
    let mut parts = text.split(PREFIX);
    let mut named = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digest = part.get(..DIGITS).map(|digits| format!("{PREFIX}{digits}"));
        match digest.and_then(|digest| name_of(digest.as_bytes())) {
            Some(name) => {
                let before = named.trim_end_matches(['"', '/', ' ']);
                let is_meant = DIGEST_WORDS.into_iter().any(|word| before.ends_with(word));
                named.extend([if is_meant { "" } else { "@" }, &name, &part[DIGITS..]]);
            }
            None => named.extend([PREFIX, part]),
        }
    }
    named
}

/// Bytes of any sort as [`text::name`] prints them, with names.
pub fn in_name(bytes: &[u8]) -> String {
    in_text(&text::name(bytes))
}

/// What others wrote as [`text::line`] prints it, with names.
pub fn in_line(words: impl AsRef<[u8]>) -> String {
    in_text(&text::line(words))
}

/// Capital digits are another digest: Go's parser refuses them.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn is_name(name: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._+".contains(byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.iter().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_from_its_digest() {
        for name in ["a", "layer", "l.0", "A-b_c+d.9", "0123456789012345678901234567"] {
            let digest = digest_of(name).unwrap();
            assert_eq!(digest.len(), PREFIX.len() + 64);
            assert_eq!(name_of(&digest).as_deref(), Some(name));
        }
        let layer = b"sha256:6c617965720000000000000000000000000000000000000000000000".to_vec();
        assert_eq!(digest_of("layer").unwrap(), [layer, b"00006c68".to_vec()].concat());
    }

    #[test]
    fn names_that_do_not_fit_have_no_digest() {
        for name in ["", "a/b", "a b", "a:b", "@a", "é", "01234567890123456789012345678"] {
            assert_eq!(digest_of(name), None, "{name}");
        }
    }

    #[test]
    fn only_digests_of_names_are_read_back() {
        let digest = digest_of("layer").unwrap();
        assert_eq!(name_of(b"sha256:"), None);
        assert_eq!(name_of(&digest[..digest.len() - 2]), None);
        assert_eq!(name_of(&digest.to_ascii_uppercase()), None);
        // One digit changed in the name may give another name; one changed behind it gives none.
        for at in PREFIX.len() + 12..digest.len() {
            let mut other = digest.clone();
            other[at] = if other[at] == b'1' { b'2' } else { b'1' };
            assert_eq!(name_of(&other), None, "{at}");
        }
    }

    #[test]
    fn a_text_has_names_in_place_of_digests() {
        let [layer, top] = ["layer", "top"].map(|name| String::from_utf8(digest_of(name).unwrap()).unwrap());
        let text = format!("content \"{layer}\": not found, {top}-{layer} sha256:{layer} content/{top}");
        assert_eq!(in_text(&text), "content \"layer\": not found, @top-@layer sha256:@layer content/top");
        for other in
            ["", "sha256:", &layer[..layer.len() - 1], &layer.replace("6c68", "6c69"), "sha256:\u{e9}"]
        {
            assert_eq!(in_text(other), other);
        }
    }

    #[test]
    fn digests_sort_as_their_names_do() {
        let mut names = ["b", "a", "ab", "layer-2", "layer-10", "B"];
        names.sort_unstable();
        assert!(names.is_sorted_by_key(|name| digest_of(name)));
    }
}
