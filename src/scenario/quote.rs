//! How words are written: bare where that reads back as the same bytes, else in quotes.
//!
//! Content has its everyday name if it has one; labels of the collector `gc.` for `containerd.io/gc.`.

use super::alias::name_of;
use super::data::{Labels, NodeName, kind_of_word};
use crate::node::Kind;
use crate::text::is_shown;

/// A node as steps name it: `content/layer`, `other/lease/pull`.
pub fn print_node(node: &NodeName) -> String {
    print_node_cut(node, node.slash())
}

/// The same of a snapshot whose snapshotter ends before this slash of the key: one that has slashes itself stands in quotes.
pub fn print_node_cut(node: &NodeName, slash: Option<usize>) -> String {
    let named = match node.kind {
        Kind::Content => digest(&node.key),
        Kind::Snapshot => snapshot(&node.key, slash),
        _ => name(&node.key),
    };
    match &node.namespace {
        None => format!("{}/{named}", node.kind),
        Some(namespace) => {
            let is_kind = str::from_utf8(namespace).is_ok_and(|word| kind_of_word(word).is_some());
            let namespace = if is_kind { quoted(namespace) } else { key(namespace) };
            format!("{namespace}/{}/{named}", node.kind)
        }
    }
}

/// `SNAPSHOTTER/KEY`, each with quotes of its own where it needs them, and each may be a digest's name.
fn snapshot(bytes: &[u8], slash: Option<usize>) -> String {
    let Some((around, own)) = slash.map(|slash| (&bytes[..slash], &bytes[slash + 1..])) else {
        return name(bytes);
    };
    let is_named = |part: &[u8]| name_of(part).is_some();
    let is_of_parts = is_named(around) || is_named(own) || own.starts_with(b"@") || around.contains(&b'/');
    let whole = name(bytes);
    match is_of_parts || whole.starts_with('"') {
        true => format!("{}/{}", key(around), name(own)),
        false => whole,
    }
}

/// A path as raw edits name it.
pub fn print_path<K: AsRef<[u8]>>(keys: &[K]) -> String {
    let keys: Vec<String> = keys.iter().map(|bytes| key(bytes.as_ref())).collect();
    keys.join("/")
}

/// A value as labels have it, in short: `@layer`, `2h`, `"a b"`.
pub fn print_value(bytes: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 40;
    match bytes.get(..SHOWN_BYTES_MAX) {
        Some(start) if bytes.len() > SHOWN_BYTES_MAX && name_of(bytes).is_none() => {
            format!("{}... of {} bytes", name(start), bytes.len())
        }
        _ => name(bytes),
    }
}

/// Words with blanks between them, labels last.
#[derive(Default)]
pub(super) struct Printed {
    words: Vec<String>,
    labels: Vec<String>,
}

impl Printed {
    /// The line.
    pub(super) fn into_line(self) -> String {
        [self.words, self.labels].concat().join(" ")
    }

    /// Adds a word.
    pub(super) fn word(&mut self, word: impl Into<String>) {
        self.words.push(word.into());
    }

    /// Adds labels.
    pub(super) fn labels(&mut self, labels: &Labels) {
        for (key, value) in labels.as_slice() {
            // Nothing behind `=` is the empty value, which takes a label away.
            let value = if value.is_empty() { String::new() } else { name(value) };
            self.labels.push(format!("{}={value}", print_label(key)));
        }
    }
}

/// Exactly these bytes or `@NAME`.
pub(super) fn name(bytes: &[u8]) -> String {
    part(bytes, |_| true)
}

/// The same where a `/` would separate.
pub(super) fn key(bytes: &[u8]) -> String {
    part(bytes, |byte| byte != b'/')
}

fn part(bytes: &[u8], allowed: fn(u8) -> bool) -> String {
    match name_of(bytes) {
        Some(everyday) => format!("@{everyday}"),
        None => bare_or_quoted(bytes, allowed),
    }
}

/// Where a digest is meant, an everyday name needs no `@`, and only what has a `:` is a digest without quotes.
pub(super) fn digest(bytes: &[u8]) -> String {
    match name_of(bytes) {
        Some(everyday) => everyday,
        None if bytes.contains(&b':') => bare_or_quoted(bytes, |_| true),
        None => quoted(bytes),
    }
}

/// A label's key as steps write it: `gc.` for `containerd.io/gc.`, and in quotes what begins so without it.
pub fn print_label(key: &[u8]) -> String {
    let short = key.strip_prefix(b"containerd.io/").filter(|short| short.starts_with(b"gc."));
    if let Some(short) = short.filter(|short| is_plain(short)) {
        return bare_or_quoted(short, |_| true);
    }
    let separated = key.contains(&b'.') || key.contains(&b'/');
    if separated && !key.starts_with(b"gc.") { bare_or_quoted(key, |_| true) } else { quoted(key) }
}

pub(super) fn bare_or_quoted(bytes: &[u8], allowed: fn(u8) -> bool) -> String {
    let bare = is_plain(bytes) && bytes[0] != b'@' && bytes.iter().all(|byte| allowed(*byte));
    match str::from_utf8(bytes) {
        Ok(text) if bare => text.to_owned(),
        _ => quoted(bytes),
    }
}

/// Bytes that need no quotes. The parser takes more; these read well.
fn is_plain(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/:+@~,<>|".contains(byte);
    // Behind `as` stands what remembers the answer.
    !bytes.is_empty() && bytes != b"as" && bytes.iter().all(plain)
}

/// In quotes; letters and digits of any script as they are, if they are seen; other bytes beyond ASCII escaped.
pub fn quoted(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\r' => text.push_str("\\r"),
                ' ' => text.push(' '),
                _ if letter.is_ascii_graphic()
                    || (!letter.is_ascii() && letter.is_alphanumeric() && is_shown(letter)) =>
                {
                    text.push(letter);
                }
                _ => escape(&mut text, letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text.push('"');
    text
}

fn escape(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str(&format!("\\x{byte:02x}"));
    }
}
