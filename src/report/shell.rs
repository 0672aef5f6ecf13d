//! Commands for people to paste.

use crate::text;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// A word as a shell takes it: plain where it is plain, else in quotes; where a terminal would not show what is in it, in
/// the quotes of POSIX 2024 (`$'\033'`), which stand for the same bytes.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let bytes = word.as_ref().as_encoded_bytes();
    let is_shown = |word: &&str| word.chars().all(text::is_shown);
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/+:@,=".contains(byte);
    match str::from_utf8(bytes).ok().filter(is_shown) {
        Some(word) if !word.is_empty() && bytes.iter().all(is_plain) => word.to_owned(),
        Some(word) => format!("'{}'", word.replace('\'', r"'\''")),
        None => {
            let escape = |byte: &u8| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                b' '..=b'~' => char::from(*byte).to_string(),
                _ => format!("\\{byte:03o}"),
            };
            format!("$'{}'", bytes.iter().map(escape).collect::<String>())
        }
    }
}

/// A command of containerd's own `ctr`: what to do in a namespace, and with what. `--` stands before a name that would be
/// taken for a flag: `ctr images rm --sync` deletes nothing, and says so to nobody.
pub fn ctr(namespace: &[u8], words: &[&[u8]], names: &[&[u8]]) -> String {
    if names.iter().chain([&namespace]).any(|name| name.contains(&0)) {
        return "# a name with a NUL byte is an argument of no program: only a client of containerd's API can give it".to_owned();
    }
    let begin: [&[u8]; 3] = [b"ctr", b"-n", namespace];
    let is_flag = names.iter().any(|name| name.starts_with(b"-"));
    let end: &[&[u8]] = if is_flag { &[b"--"] } else { &[] };
    let words = [&begin[..], words, end, names].concat();
    words.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Bytes as a shell takes them.
pub fn word(bytes: &[u8]) -> String {
    quoted(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_flag_stands_behind_two_dashes() {
        let of = |names: &[&[u8]]| ctr(b"default", &[b"images", b"rm"], names);
        assert_eq!(of(&[b"app", b"-rf"]), "ctr -n default images rm -- app -rf");
        assert_eq!(of(&[b"--sync"]), "ctr -n default images rm -- --sync");
        assert_eq!(of(&[b"my app"]), "ctr -n default images rm 'my app'");
    }

    #[test]
    fn no_command_gives_half_a_name() {
        assert!(ctr(b"default", &[b"leases", b"rm"], &[b"a\0b"]).starts_with("# "));
        assert!(ctr(b"a\0b", &[b"leases", b"rm"], &[b"a"]).starts_with("# "));
    }

    #[test]
    fn what_is_not_plain_is_quoted() {
        assert_eq!(quoted("a/b-c.scenario"), "a/b-c.scenario");
        assert_eq!(quoted("my file"), "'my file'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted("caf\u{e9}"), "'caf\u{e9}'");
        assert_eq!(quoted("it's\u{1b}[31m\\\n"), r"$'it\'s\033[31m\\\012'");
        assert_eq!(quoted("\u{202e}1"), r"$'\342\200\2561'");
        assert_eq!(quoted(""), "''");
    }
}
