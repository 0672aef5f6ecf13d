//! The JSON form of a tree, as recorded results of the real containerd use it.
//!
//! An object is a bucket, a string a value. What is not plain text (not UTF-8, a byte below 0x20 or 0x7f, or a
//! text that itself begins with `base64:`) stands as `base64:` and standard base64, keys too. Keys and values
//! are kept exactly; sequence numbers are not part of the form and read as 0.
//!
//! ```text
//! {"v1": {"default": {"content": {"blob": {"sha256:..": {"size": "base64:gAE="}}}}}}
//! ```

use super::{Bucket, Builder, DEPTH_MAX, Entry, View};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

const BASE64_PREFIX: &str = "base64:";

/// Bytes as the text that stands for them in JSON.
pub fn encode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_plain(text) => Cow::Borrowed(text),
        _ => Cow::Owned(format!("{BASE64_PREFIX}{}", STANDARD.encode(bytes))),
    }
}

/// The bytes that a text in JSON stands for.
///
/// # Errors
/// The text begins with `base64:` and what follows is not standard base64.
pub fn decode(text: &str) -> Result<Vec<u8>, BadBase64> {
    match text.strip_prefix(BASE64_PREFIX) {
        Some(encoded) => STANDARD.decode(encoded).map_err(|_| BadBase64 { text: text.to_owned() }),
        None => Ok(text.as_bytes().to_vec()),
    }
}

/// A text that promises base64 and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` begins with base64: but is not standard base64")]
pub struct BadBase64 {
    text: String,
}

fn is_plain(text: &str) -> bool {
    !text.starts_with(BASE64_PREFIX) && !text.bytes().any(|byte| byte < 0x20 || byte == 0x7f)
}

/// Reads a tree from its JSON text.
///
/// # Errors
/// The text is not JSON of this form, gives a key twice in whatever spelling, or is too deep.
pub fn from_str(text: &str) -> Result<Bucket, serde_json::Error> {
    serde_json::from_str(text)
}

/// A tree as JSON text on one line, keys in the order of their bytes.
pub fn to_string(view: View<'_>) -> String {
    serde_json::to_string(&view).expect("a tree of strings always serialises")
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, entry) in self.iter() {
            match entry {
                Entry::Value(value) => map.serialize_entry(&encode(key), &encode(value))?,
                Entry::Bucket(below) => map.serialize_entry(&encode(key), &below)?,
            }
        }
        map.end()
    }
}

impl Serialize for Bucket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.view().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Bucket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bucket, D::Error> {
        let loose = deserializer.deserialize_map(LooseVisitor { level: 0 })?;
        let mut builder = Builder::new();
        build(&loose, &mut builder);
        Ok(builder.finish())
    }
}

/// A bucket while its keys may still come in any order.
type Loose = BTreeMap<Vec<u8>, LooseEntry>;

enum LooseEntry {
    Value(Vec<u8>),
    Bucket(Loose),
}

/// At most [`DEPTH_MAX`] levels deep, as the visitor below sees to.
fn build(loose: &Loose, builder: &mut Builder) {
    const IN_ORDER: &str = "the keys of a map are in order and there once";
    for (key, entry) in loose {
        match entry {
            LooseEntry::Value(value) => builder.put(key, value).expect(IN_ORDER),
            LooseEntry::Bucket(below) => {
                builder.open(key, 0).expect(IN_ORDER);
                build(below, builder);
                builder.close();
            }
        }
    }
}

struct LooseVisitor {
    level: usize,
}

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bucket: an object of strings and objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        let mut loose = Loose::new();
        while let Some(text) = map.next_key::<Cow<'de, str>>()? {
            let key = decode(&text).map_err(de::Error::custom)?;
            if key.is_empty() {
                return Err(de::Error::custom("an empty key: bbolt has none"));
            }
            let entry = map.next_value_seed(EntrySeed { level: self.level + 1 })?;
            if loose.insert(key, entry).is_some() {
                return Err(de::Error::custom(format_args!("the key `{text}` is given twice")));
            }
        }
        Ok(loose)
    }
}

struct EntrySeed {
    level: usize,
}

impl<'de> DeserializeSeed<'de> for EntrySeed {
    type Value = LooseEntry;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<LooseEntry, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EntrySeed {
    type Value = LooseEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value (a string) or a bucket (an object)")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<LooseEntry, E> {
        decode(text).map(LooseEntry::Value).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LooseEntry, A::Error> {
        if self.level > DEPTH_MAX {
            return Err(de::Error::custom(format_args!("buckets nested more than {DEPTH_MAX} levels deep")));
        }
        LooseVisitor { level: self.level }.visit_map(map).map(LooseEntry::Bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive_the_round_trip() {
        let mut tree = Bucket::new();
        for key in [&b"plain"[..], b"\xff", b"base64:", b"tab\t", b"\x7f", "ä".as_bytes()] {
            tree.put(&[], key, key).expect("a value");
            tree.create_bucket(&[], &[key, b"/"].concat()).expect("a bucket");
            tree.put(&[&[key, b"/"].concat()], key, b"").expect("a value");
        }
        assert_eq!(from_str(&to_string(tree.view())).expect("own output"), tree);
    }

    #[test]
    fn what_is_not_the_form_is_refused_with_the_reason() {
        let deep =
            |levels: usize| format!("{}{}", "{\"b\":".repeat(levels), "{}".to_owned() + &"}".repeat(levels));
        assert!(from_str(&deep(DEPTH_MAX)).is_ok());
        for (text, reason) in [
            (r#"{"a": "", "a": ""}"#, "given twice"),
            (r#"{"a": "", "base64:YQ==": {}}"#, "given twice"),
            (r#"{"a": "", "\u0061": {}}"#, "given twice"),
            (r#"{"a": 1}"#, "a value (a string) or a bucket"),
            (r#"{"a": null}"#, "a value (a string) or a bucket"),
            (r#"{"a": "base64:*"}"#, "not standard base64"),
            (r#"{"": ""}"#, "empty key"),
            (r#"[]"#, "a bucket"),
            (&deep(DEPTH_MAX + 1), "levels deep"),
        ] {
            let error = from_str(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
