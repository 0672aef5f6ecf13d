//! A bucket and all below it as one row of bytes, for who hashes it.
//!
//! ```text
//!   bucket = sequence u64 | entry* | end            value     = as in a packed body
//!                                                   left out  = key length u32, left-out bit | key
//!                                                   sub-bucket = key length u32, top bit | key | bucket
//! ```

use super::View;
use super::cursor::Entries;
use super::packed::{self, Slot};

/// No entry begins so: keys are shorter.
const END: [u8; 4] = [0xff; 4];
const BUCKET: u32 = 1 << 31;
const LEFT_OUT: u32 = 1 << 30;

impl View<'_> {
    /// Appends the content to `bytes`: equal contents give equal bytes, different ones different bytes. Of a value that
    /// `leaves_out`, which is told the key of the bucket around it, its own key and the value, only the key is written.
    pub fn write_less(self, bytes: &mut Vec<u8>, mut leaves_out: impl FnMut(&[u8], &[u8], &[u8]) -> bool) {
        bytes.extend_from_slice(&self.sequence().to_le_bytes());
        let mut around: Vec<(&[u8], Entries<'_>)> = Vec::with_capacity(8);
        around.push((b"", Entries::new(self)));
        while let Some((key, entries)) = around.last_mut() {
            match entries.write_values(bytes, |name, value| leaves_out(key, name, value)) {
                None => {
                    bytes.extend_from_slice(&END);
                    around.pop();
                }
                Some((name, None)) => write_key(bytes, name, LEFT_OUT),
                Some((name, Some(below))) => {
                    write_key(bytes, name, BUCKET);
                    bytes.extend_from_slice(&below.sequence().to_le_bytes());
                    around.push((name, Entries::new(below)));
                }
            }
        }
    }
}

impl<'a> Entries<'a> {
    /// Appends the values up to the next sub-bucket or left-out value, and gives that.
    fn write_values(
        &mut self,
        bytes: &mut Vec<u8>,
        mut leaves_out: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Option<(&'a [u8], Option<View<'a>>)> {
        if let Entries::Packed { body, next } = self {
            // Values beside each other are one piece of the body.
            let start = *next;
            let mut is_plain = |slot: &Slot<'_>| !slot.is_bucket && !leaves_out(slot.key, slot.rest);
            let mut there = body.slot(start);
            while let Some(slot) = there.filter(|slot| is_plain(slot)) {
                *next = slot.end;
                there = body.slot(*next);
            }
            bytes.extend_from_slice(&body.bytes()[start..*next]);
            let slot = there?;
            *next = slot.end;
            return Some((slot.key, slot.entry().bucket()));
        }
        loop {
            match self.next()? {
                (key, super::Entry::Bucket(below)) => return Some((key, Some(below))),
                (key, super::Entry::Value(value)) if leaves_out(key, value) => return Some((key, None)),
                (key, super::Entry::Value(value)) => packed::write_entry(bytes, false, key, value),
            }
        }
    }
}

fn write_key(bytes: &mut Vec<u8>, key: &[u8], mark: u32) {
    let length = u32::try_from(key.len()).expect("keys are far below 4 GiB");
    bytes.extend_from_slice(&(length | mark).to_le_bytes());
    bytes.extend_from_slice(key);
}
