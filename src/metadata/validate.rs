//! containerd's checks of names, labels and digests.

use super::Context;
use super::error::{Error, ErrorKind, Shown};
use super::fields::Label;

/// The longest identifier (`identifiers/validate.go`, `maxLength`).
const IDENTIFIER_BYTES_MAX: usize = 76;
/// The largest sum of a label's key and value (`labels/validate.go`, `maxSize`).
const LABEL_BYTES_MAX: usize = 4096;

/// The context's namespace (`namespaces.NamespaceRequired`).
pub(super) fn namespace<'a>(context: &Context<'a>) -> Result<&'a [u8], Error> {
    if context.namespace.is_empty() {
        return Err(Error::new(ErrorKind::FailedPrecondition, format_args!("namespace is required")));
    }
    identifier("namespace", context.namespace)?;
    Ok(context.namespace)
}

/// Whether a name is an identifier: 1 to 76 letters and digits, single `.`, `_` and `-` between them
/// (`identifiers.Validate`). Namespaces, containers and sandboxes are held to it; image names, snapshot keys,
/// lease ids (L16) and ingest references are not.
pub(super) fn identifier(what: &str, name: &[u8]) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::invalid(format_args!("{what}: an identifier must not be empty")));
    }
    if name.len() > IDENTIFIER_BYTES_MAX {
        let shown = Shown(name);
        let message = format_args!("{what}: identifier {shown} is longer than {IDENTIFIER_BYTES_MAX} bytes");
        return Err(Error::invalid(message));
    }
    let mut after_separator = true;
    for byte in name {
        let separates = matches!(byte, b'.' | b'_' | b'-');
        if separates && after_separator || !separates && !byte.is_ascii_alphanumeric() {
            return Err(malformed_identifier(what, name));
        }
        after_separator = separates;
    }
    if after_separator { Err(malformed_identifier(what, name)) } else { Ok(()) }
}

fn malformed_identifier(what: &str, name: &[u8]) -> Error {
    let shown = Shown(name);
    Error::invalid(format_args!(
        "{what}: identifier {shown} is not letters and digits with single . _ - between"
    ))
}

/// Whether each label stays within 4,096 bytes, key and value together (`labels.Validate`). Leases and sandboxes
/// do not ask (L16).
pub(super) fn labels(what: &str, labels: &[Label]) -> Result<(), Error> {
    labels.iter().try_for_each(|(key, value)| label(what, key, value))
}

/// The same for one label.
pub(super) fn label(what: &str, key: &[u8], value: &[u8]) -> Result<(), Error> {
    if key.len() + value.len() <= LABEL_BYTES_MAX {
        return Ok(());
    }
    // containerd shows ten bytes of the key.
    let shown = Shown(&key[..key.len().min(10)]);
    Err(Error::invalid(format_args!("{what}: label {shown} is larger than {LABEL_BYTES_MAX} bytes")))
}

/// Why a digest is refused; texts as in Go's digest package.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum BadDigest {
    #[error("invalid checksum digest format")]
    Format,
    #[error("invalid checksum digest length")]
    Length,
    #[error("unsupported digest algorithm")]
    Unsupported,
}

/// Whether a text is a digest as Go's `digest.Parse` takes it: `sha256:`, `sha384:` or `sha512:` and as many
/// lower-case hexadecimal digits as the algorithm gives. A well-formed digest of another algorithm is refused too,
/// with another text.
pub(super) fn digest(text: &[u8]) -> Result<(), BadDigest> {
    let colon = text.iter().position(|byte| *byte == b':').ok_or(BadDigest::Format)?;
    let (algorithm, encoded) = (&text[..colon], &text[colon + 1..]);
    if algorithm.is_empty() || encoded.is_empty() {
        return Err(BadDigest::Format);
    }
    let length = match algorithm {
        b"sha256" => 64,
        b"sha384" => 96,
        b"sha512" => 128,
        _ if has_algorithm_form(algorithm) && encoded.iter().all(is_encoded) => {
            return Err(BadDigest::Unsupported);
        }
        _ => return Err(BadDigest::Format),
    };
    if encoded.len() != length {
        return Err(BadDigest::Length);
    }
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_hexadecimal = encoded.iter().fold(true, |all, byte| all & is_digit(byte));
    if is_hexadecimal { Ok(()) } else { Err(BadDigest::Format) }
}

/// Lower-case letters and digits with single `+`, `.`, `_` and `-` between.
fn has_algorithm_form(algorithm: &[u8]) -> bool {
    let parts = algorithm.split(|byte| matches!(byte, b'+' | b'.' | b'_' | b'-'));
    parts.into_iter().all(|part| {
        !part.is_empty() && part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

fn is_encoded(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'_' | b'-')
}
