//! Files built by hand, byte by byte, and files written by `nut`, an implementation of bbolt that shares
//! nothing with this one.

use super::*;
use crate::bucket::{DEPTH_MAX, View};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

mod live;

const PAGE_SIZES: [usize; 8] = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];
const BRANCH: u16 = 1;
const LEAF: u16 = 2;
const VALUE: u32 = 0;
const BUCKET: u32 = 1;

/// A leaf's element: flags, key, value.
type Element<'a> = (u32, &'a [u8], &'a [u8]);

/// A file under construction.
#[derive(Clone)]
struct Image {
    page_size: usize,
    bytes: Vec<u8>,
}

impl Image {
    /// A file of some pages, all of them free but the two meta pages, the freelist (2) and an empty root (3).
    fn new(page_size: usize, pages: usize) -> Image {
        let mut image = Image { page_size, bytes: vec![0; page_size * pages] };
        image.meta(0, 6, 3, 2);
        image.meta(1, 5, 3, 2);
        image.page(2, 0x10, 0, &[]);
        image.leaf(3, &[]);
        image
    }

    fn at(&mut self, page: usize, offset: usize) -> &mut [u8] {
        &mut self.bytes[page * self.page_size + offset..]
    }

    fn put(&mut self, page: usize, offset: usize, bytes: &[u8]) {
        self.at(page, offset)[..bytes.len()].copy_from_slice(bytes);
    }

    fn meta(&mut self, page: usize, transaction: u64, root: u64, freelist: u64) {
        let page_size = u32::try_from(self.page_size).expect("a small page");
        let mut meta = Vec::new();
        for number in [0xED0C_DAED, 2, page_size, 0] {
            meta.extend_from_slice(&u32::to_le_bytes(number));
        }
        let high_water = (self.bytes.len() / self.page_size) as u64;
        for number in [root, 9, freelist, high_water, transaction] {
            meta.extend_from_slice(&u64::to_le_bytes(number));
        }
        meta.extend_from_slice(&meta::fnv_1a(&meta).to_le_bytes());
        self.page(page, 4, 0, &meta);
    }

    /// A page's header and what follows it.
    fn page(&mut self, page: usize, flags: u16, count: usize, body: &[u8]) {
        let header = header(page, flags, count, body.len(), self.page_size);
        self.put(page, 0, &header);
        self.put(page, 16, body);
    }

    fn leaf(&mut self, page: usize, elements: &[Element<'_>]) {
        self.page(page, LEAF, elements.len(), &leaf_body(elements));
    }

    fn branch(&mut self, page: usize, children: &[(&[u8], u64)]) {
        self.page(page, BRANCH, children.len(), &branch_body(children));
    }

    fn read(&self) -> Result<Opened, BoltError> {
        read_from(&self.bytes[..])
    }

    fn tree(&self) -> Bucket {
        self.read().expect("a sound file").tree
    }

    /// The message for this file.
    fn complaint(&self) -> String {
        self.read().expect_err("a damaged file").to_string()
    }
}

fn header(page: usize, flags: u16, count: usize, body: usize, page_size: usize) -> Vec<u8> {
    let overflow = u32::try_from((16 + body).div_ceil(page_size) - 1).expect("a short page");
    let count = u16::try_from(count).expect("few elements");
    [&(page as u64).to_le_bytes()[..], &flags.to_le_bytes(), &count.to_le_bytes(), &overflow.to_le_bytes()]
        .concat()
}

fn leaf_body(elements: &[Element<'_>]) -> Vec<u8> {
    let mut body = vec![0; elements.len() * 16];
    for (index, (flags, key, value)) in elements.iter().enumerate() {
        let position = body.len() - index * 16;
        put_numbers(&mut body[index * 16..], &[*flags as usize, position, key.len(), value.len()]);
        body.extend_from_slice(key);
        body.extend_from_slice(value);
    }
    body
}

fn branch_body(children: &[(&[u8], u64)]) -> Vec<u8> {
    let mut body = vec![0; children.len() * 16];
    for (index, (key, child)) in children.iter().enumerate() {
        let position = body.len() - index * 16;
        put_numbers(&mut body[index * 16..], &[position, key.len()]);
        body[index * 16 + 8..index * 16 + 16].copy_from_slice(&child.to_le_bytes());
        body.extend_from_slice(key);
    }
    body
}

fn put_numbers(target: &mut [u8], numbers: &[usize]) {
    for (index, number) in numbers.iter().enumerate() {
        let number = u32::try_from(*number).expect("a small number");
        target[index * 4..index * 4 + 4].copy_from_slice(&number.to_le_bytes());
    }
}

/// The value of a sub-bucket with pages of its own.
fn rooted(page: u64, sequence: u64) -> Vec<u8> {
    [page.to_le_bytes(), sequence.to_le_bytes()].concat()
}

/// The value of a sub-bucket that stands inline.
fn inline(sequence: u64, elements: &[Element<'_>]) -> Vec<u8> {
    let header = header(0, LEAF, elements.len(), 0, 512);
    [rooted(0, sequence), header, leaf_body(elements)].concat()
}

/// A tree of two levels of pages, a sub-bucket with its own page and one inline.
fn sample(page_size: usize) -> Image {
    let mut image = Image::new(page_size, 8);
    image.meta(0, 6, 4, 2);
    image.branch(4, &[(b"a", 5), (b"m", 6)]);
    let inline = inline(2, &[(VALUE, b"size", b"\x80\x01"), (VALUE, b"unit", b"")]);
    image.leaf(5, &[(VALUE, b"a", b"1"), (BUCKET, b"b", &inline), (VALUE, b"c", b"3")]);
    image.leaf(6, &[(BUCKET, b"m", &rooted(7, 77)), (VALUE, b"z", b"26")]);
    image.leaf(7, &[(VALUE, b"deep", b"below")]);
    image
}

fn sample_tree() -> Bucket {
    let mut tree = Bucket::new();
    for (key, value) in [(b"a", &b"1"[..]), (b"c", b"3"), (b"z", b"26")] {
        tree.put(&[], key, value).expect("a value");
    }
    tree.create_bucket(&[], b"b").expect("a bucket");
    tree.put(&[b"b"], b"size", b"\x80\x01").expect("a value");
    tree.put(&[b"b"], b"unit", b"").expect("a value");
    tree.create_bucket(&[], b"m").expect("a bucket");
    tree.put(&[b"m"], b"deep", b"below").expect("a value");
    for (path, sequence) in [(&[][..], 9), (&[&b"b"[..]], 2), (&[b"m"], 77)] {
        tree.set_sequence(path, sequence).expect("a bucket");
    }
    tree
}

#[test]
fn four_pages_are_a_database_at_every_page_size() {
    for page_size in PAGE_SIZES {
        let mut image = Image::new(page_size, 4);
        let mut empty = Bucket::new();
        empty.set_sequence(&[], 9).expect("the root");
        let expected = Opened {
            tree: empty,
            page_size: 0,
            transaction: 6,
            meta_page: 0,
            has_freelist: true,
            lost: None,
            oddities: Vec::new(),
        };
        let page_size = u32::try_from(page_size).expect("a small page");
        assert_eq!(image.read().expect("a sound file"), Opened { page_size, ..expected });
        image.leaf(3, &[(BUCKET, b"b", &inline(4, &[(VALUE, b"k", b"v")]))]);
        let tree = image.tree();
        let bucket = tree.bucket(b"b").expect("the inline bucket");
        assert_eq!((bucket.get(b"k"), bucket.sequence()), (Some(&b"v"[..]), 4));
    }
}

#[test]
fn branches_and_buckets_inline_and_not_become_one_tree() {
    for page_size in PAGE_SIZES {
        assert_eq!(sample(page_size).tree(), sample_tree());
    }
}

#[test]
fn a_file_without_a_freelist_says_so() {
    let mut image = sample(4096);
    image.meta(0, 6, 4, u64::MAX);
    let opened = image.read().expect("a sound file");
    assert!(!opened.has_freelist);
    assert_eq!(opened.tree, sample_tree());
}

/// bbolt writes the meta pages in turn, and makes a file as long as its meta page says before it writes that.
#[test]
fn meta_pages_that_do_not_follow_one_another_and_a_short_file_are_odd() {
    let oddities = |image: &Image| image.read().expect("a sound file").oddities;
    assert_eq!(oddities(&sample(4096)), []);
    for older in [6, 4, 0] {
        let mut image = sample(4096);
        image.meta(1, older, 3, 2);
        assert_eq!(oddities(&image), [FileOddity::Apart { newest: 6, older }]);
    }
    let mut image = Image::new(4096, 6);
    image.bytes.truncate(5 * 4096 + 1);
    let length = image.bytes.len() as u64;
    assert_eq!(oddities(&image), [FileOddity::Short { length, pages: 6, page_size: 4096 }]);
}

#[test]
fn the_newer_meta_page_counts_and_either_may_be_damaged() {
    for page_size in PAGE_SIZES {
        let mut image = sample(page_size);
        image.meta(1, 7, 3, 2);
        assert_eq!(image.read().map(|opened| (opened.transaction, opened.meta_page)).ok(), Some((7, 1)));
        assert!(image.tree().view().is_empty());
        let mut damaged = image.clone();
        damaged.put(1, 70, b"\xff");
        assert_eq!(damaged.tree(), sample_tree());
        let lost = damaged.read().expect("a sound file").lost.expect("the newer one").to_string();
        assert!(lost.starts_with("meta page 1 has the checksum 0x"), "{lost}");
        assert!(lost.ends_with(": transaction 6 is shown, and 7, if it was committed, is lost"), "{lost}");
        // The older one is no loss.
        let mut damaged = image.clone();
        damaged.put(0, 32, b"\xff");
        assert_eq!(damaged.read().expect("a sound file").lost, None);
        // With the first page goes the page size, so that the second has to be looked for.
        for offset in [16, 20, 24, 79] {
            let mut damaged = image.clone();
            damaged.at(0, 0)[offset] ^= 0x10;
            assert!(damaged.tree().view().is_empty(), "{page_size} {offset}");
        }
        image.at(0, 0)[..page_size].fill(0);
        assert!(image.tree().view().is_empty());
    }
}

#[test]
fn without_a_usable_meta_page_the_message_says_what_each_lacks() {
    let mut image = sample(512);
    image.at(0, 0)[79] ^= 1;
    image.at(1, 0)[20] = 3;
    let complaint = image.complaint();
    assert!(complaint.starts_with("has no usable meta page: page 0 has the checksum 0x"), "{complaint}");
    assert!(complaint.ends_with(", page 1 is of format version 3, not 2"), "{complaint}");
    let mut image = sample(4096);
    image.page_size = 4000;
    image.meta(0, 6, 4, 2);
    image.bytes.truncate(4096);
    assert_eq!(
        image.complaint(),
        "has no usable meta page: page 0 gives a page size of 4000 bytes, not a power of two from 512 to 65536, \
         page 1 does not have bbolt's magic number"
    );
    let mut image = sample(512);
    image.put(1, 24, &[0, 4]);
    let sum = meta::fnv_1a(&image.bytes[512 + 16..512 + 72]);
    image.put(1, 72, &sum.to_le_bytes());
    image.at(0, 0)[..512].fill(0);
    assert_eq!(
        image.complaint(),
        "has no usable meta page: page 0 does not have bbolt's magic number, \
         page 1 gives a page size of 1024 bytes, with which it would stand elsewhere"
    );
    // The checksum leaves the header out, and readers differ on whether such a page counts.
    let mut image = sample(4096);
    image.at(0, 0)[14] = 1;
    let expected =
        "page 0: is the newest meta page, but its header is damaged (flags 0x0004, overflow 65536)";
    assert_eq!(image.complaint(), expected);
    image.meta(1, 7, 4, 2);
    assert_eq!(image.tree(), sample_tree());
}

#[test]
fn pages_that_continue_hold_large_values_and_many_elements() {
    let large: Vec<u8> = (0..20_000u32).map(|number| number.to_le_bytes()[0]).collect();
    let keys: Vec<[u8; 2]> = (0..3000u16).map(u16::to_be_bytes).collect();
    for page_size in [512, 4096] {
        let mut image = Image::new(page_size, 300);
        image.leaf(3, &[(BUCKET, b"many", &rooted(100, 0)), (VALUE, b"large", &large)]);
        assert_eq!(
            image.complaint(),
            "page 3: element 1 has a key that does not come after the one before it"
        );
        image.leaf(3, &[(VALUE, b"large", &large), (BUCKET, b"many", &rooted(100, 0))]);
        let elements: Vec<Element<'_>> = keys.iter().map(|key| (VALUE, &key[..], &key[..])).collect();
        image.leaf(100, &elements);
        let tree = image.tree();
        assert_eq!(tree.get(b"large"), Some(&large[..]));
        let many = tree.bucket(b"many").expect("a bucket");
        assert!(many.iter().map(|(key, _)| key).eq(keys.iter().map(|key| &key[..])));
        assert_eq!(many.get(&keys[2999]), Some(&keys[2999][..]));
    }
}

/// One alteration a line of the sample, and what is then said of which page.
#[test]
fn each_kind_of_damage_is_named_with_its_page() {
    type Alter = fn(&mut Image);
    let table: &[(Alter, &str)] = &[
        (|i| i.meta(0, 6, 1, 2), "page 1: is a meta page and cannot be part of a bucket or list free pages"),
        (|i| i.meta(0, 6, 8, 2), "page 8: lies beyond the high-water mark, page 8"),
        (|i| i.meta(0, 6, u64::MAX, 2), "page 18446744073709551615: lies beyond the high-water mark, page 8"),
        (|i| i.bytes.truncate(7 * 512 + 511), "page 7: lies beyond the end of the file (4095 bytes)"),
        (|i| i.put(7, 0, &[6]), "page 7: calls itself page 6"),
        (|i| i.put(7, 8, &[3]), "page 7: is neither a branch nor a leaf (flags 0x0003)"),
        (|i| i.put(7, 8, &[0x10]), "page 7: is neither a branch nor a leaf (flags 0x0010)"),
        (|i| i.put(7, 12, &[1]), "page 7: continues for 1 more pages, beyond page 7, the last one"),
        (|i| i.put(6, 12, &[1]), "page 7: is used twice (the second time as part of page 7)"),
        (
            |i| i.branch(4, &[(b"a", 5), (b"m", 5)]),
            "page 5: is used twice (the second time as part of page 5)",
        ),
        (|i| i.branch(4, &[(b"a", 4)]), "page 4: is used twice (the second time as part of page 4)"),
        (
            |i| i.leaf(6, &[(BUCKET, b"m", &rooted(4, 0))]),
            "page 4: is used twice (the second time as part of page 4)",
        ),
        (|i| i.branch(4, &[]), "page 4: is a branch without a child"),
        (|i| i.put(7, 10, &[200]), "page 7: has 200 elements, more than fit into it"),
        (|i| i.put(7, 16 + 12, &[0, 2]), "page 7: element 0 ends at byte 548, outside the page's 512 bytes"),
        (|i| i.put(7, 16 + 4, &[0xff; 4]), "page 7: element 0 ends at byte 4294967320, outside"),
        (|i| i.put(7, 16 + 8, &[0]), "page 7: element 0 has a key of 0 bytes, not 1 to 32768"),
        (|i| i.put(7, 16 + 8, &[1, 0x80]), "page 7: element 0 has a key of 32769 bytes, not 1 to 32768"),
        (
            |i| i.put(7, 16 + 12, &[0xff; 4]),
            "page 7: element 0 has a value of 4294967295 bytes, more than 67108864",
        ),
        (
            |i| i.leaf(7, &[(VALUE, b"k", b""), (VALUE, b"k", b"")]),
            "page 7: element 1 has a key that does not come after the one before it",
        ),
        (
            |i| i.branch(4, &[(b"m", 5), (b"a", 6)]),
            "page 4: element 1 has a key that does not come after the one before it",
        ),
        (
            |i| i.branch(4, &[(b"aa", 5), (b"m", 6)]),
            "page 5: its first key is below the key of the branch that leads to it",
        ),
        (
            |i| i.branch(4, &[(b"a", 5), (b"c", 6)]),
            "page 5: its last key is not below the next key of the branch that leads to it",
        ),
        (
            |i| i.leaf(6, &[(BUCKET, b"m", &[7; 15])]),
            "page 6: element 0 is a bucket of 15 bytes, which is too few",
        ),
        (
            |i| i.leaf(6, &[(BUCKET, b"m", &[0; 31])]),
            "page 6: element 0 is a bucket of 31 bytes, which is too few",
        ),
        (
            |i| i.leaf(6, &[(BUCKET, b"m", &[0; 32])]),
            "page 6, in a bucket stored inline: is neither a branch nor a leaf (flags 0x0000)",
        ),
        (
            |i| i.leaf(6, &[(BUCKET, b"m", &inline(0, &[(VALUE, b"b", b""), (VALUE, b"a", b"")]))]),
            "page 6, in a bucket stored inline: element 1 has a key that does not come after the one before it",
        ),
        (
            |i| {
                let mut bucket = inline(0, &[(VALUE, b"b", b"")]);
                bucket.pop();
                i.leaf(6, &[(BUCKET, b"m", &bucket)]);
            },
            "page 6, in a bucket stored inline: element 0 ends at byte 33, outside the page's 32 bytes",
        ),
        (|i| i.meta(0, 6, 4, 5), "page 5: should list the free pages and does not (flags 0x0002)"),
        (|i| i.page(2, 0x10, 1, &[7, 0, 0, 0, 0, 0, 0, 0]), "page 7: is in use and listed as free"),
        (|i| i.page(2, 0x10, 1, &[1, 0, 0, 0, 0, 0, 0, 0]), "page 2: lists page 1 as free, out of order"),
        (
            |i| i.page(2, 0x10, 2, &[90, 0, 0, 0, 0, 0, 0, 0, 90, 0, 0, 0, 0, 0, 0, 0]),
            "page 2: lists page 90 as free, out of order",
        ),
        (
            |i| {
                i.bytes.resize(20 * 512, 0);
                i.meta(0, 6, 4, 2);
                i.put(7, 12, &[3]);
            },
            "page 7: continues for 3 more pages, while all that stands in it needs 1 in all",
        ),
        (|i| i.page(2, 0x10, 63, &[]), "page 2: lists more free pages than the 62 for which it has room"),
        (
            |i| i.page(2, 0x10, 0xFFFF, &[62, 0, 0, 0, 0, 0, 0, 0]),
            "page 2: lists more free pages than the 61 for which it has room",
        ),
        (
            |i| i.page(2, 0x10, 0xFFFF, &[1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]),
            "page 5: is in use and listed as free",
        ),
    ];
    for (alter, expected) in table {
        let mut image = sample(512);
        alter(&mut image);
        let complaint = image.complaint();
        assert!(complaint.starts_with(expected), "{complaint}\nis not\n{expected}");
    }
}

#[test]
fn keys_stay_within_the_branches_above_the_nearest_one() {
    let mut image = Image::new(512, 9);
    image.meta(0, 6, 4, 2);
    image.branch(4, &[(b"a", 5), (b"m", 8)]);
    image.branch(5, &[(b"a", 6), (b"c", 7)]);
    image.leaf(6, &[(VALUE, b"a", b"")]);
    image.leaf(7, &[(VALUE, b"c", b"")]);
    image.leaf(8, &[(VALUE, b"m", b"")]);
    assert_eq!(image.tree().view().iter().count(), 3);
    image.leaf(7, &[(VALUE, b"n", b"")]);
    let expected = "page 7: its last key is not below the next key of the branch that leads to it";
    assert!(image.complaint().starts_with(expected));
    // The bound ends with the bucket: a sub-bucket's keys are its own.
    image.leaf(7, &[(BUCKET, b"c", &inline(0, &[(VALUE, b"zz", b"")]))]);
    assert_eq!(image.tree().bucket(b"c").map(|bucket| bucket.iter().count()), Some(1));
}

#[test]
fn depth_is_limited() {
    let nested = |levels: usize| {
        let mut image = Image::new(16_384, 4);
        let bucket = (1..levels).fold(inline(0, &[]), |below, _| inline(0, &[(BUCKET, b"b", &below)]));
        image.leaf(3, &[(BUCKET, b"b", &bucket)]);
        image
    };
    let tree = nested(DEPTH_MAX).tree();
    assert!(tree.view().at(&[&b"b"[..]; DEPTH_MAX]).is_some_and(View::is_empty));
    let expected = "page 3, in a bucket stored inline: has buckets nested more than 100 levels deep";
    assert_eq!(nested(DEPTH_MAX + 1).complaint(), expected);

    let chain = |branches: u64| {
        let mut image = Image::new(512, 100);
        for page in 3..3 + branches {
            image.branch(usize::try_from(page).expect("few pages"), &[(b"k", page + 1)]);
        }
        image.leaf(usize::try_from(3 + branches).expect("few pages"), &[(VALUE, b"k", b"v")]);
        image
    };
    assert_eq!(chain(64).tree().get(b"k"), Some(&b"v"[..]));
    assert_eq!(chain(65).complaint(), "page 68: lies more than 64 pages below the root of its bucket");
}

/// A thousand elements share one run of bytes: small on disk, large as a tree.
#[test]
fn elements_that_share_their_bytes_cannot_fill_the_memory() {
    let mut image = Image::new(65_536, 4);
    let mut body = vec![b'k'; 65_536 - 16];
    for index in 0..1000 {
        let position = 16_000 - index * 16;
        put_numbers(&mut body[index * 16..], &[0, position, index + 1, 40_000]);
    }
    image.page(3, LEAF, 1000, &body);
    let expected =
        "page 3: the elements up to here add up to more than 114032 bytes, twice as many as their pages have";
    assert_eq!(image.complaint(), expected);
}

#[test]
fn where_only_the_newest_tree_is_damaged_the_one_before_it_is_named() {
    let mut image = sample(512);
    image.put(7, 8, &[0]);
    let expected = "page 7: is neither a branch nor a leaf (flags 0x0000) (transaction 6; that before it, 5 of meta page 1, \
                    is whole)";
    assert_eq!(image.complaint(), expected);
    image.put(3, 8, &[0]);
    assert_eq!(image.complaint(), "page 7: is neither a branch nor a leaf (flags 0x0000)");
}

/// A file of which most is a hole.
struct Sparse {
    bytes: Vec<u8>,
    length: u64,
}

impl Source for Sparse {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let filled = self.bytes[..].read_at(offset, buffer)?;
        buffer[filled..].fill(0);
        Ok(buffer.len())
    }
}

/// A database whose file is extended by a hole, which one alteration claims.
fn extended(length: u64, alter: fn(&mut Image)) -> String {
    let mut image = Image::new(4096, 5);
    image.meta(0, 6, 3, 2);
    image.leaf(3, &[(VALUE, b"k", b"v")]);
    alter(&mut image);
    image.put(0, 56, &(length / 4096).to_le_bytes());
    let sum = meta::fnv_1a(&image.bytes[16..72]);
    image.put(0, 72, &sum.to_le_bytes());
    let began = Instant::now();
    let sparse = Sparse { bytes: image.bytes, length };
    let complaint = read_from(&sparse).expect_err("nothing is there").to_string();
    assert!(began.elapsed() < Duration::from_secs(2), "{complaint}");
    complaint
}

#[test]
fn what_a_file_only_claims_takes_neither_time_nor_memory() {
    const TERABYTES: u64 = 1 << 44;
    let complaint = extended(1 << 32, |image| {
        image.put(3, 12, &(1u32 << 19).to_le_bytes());
        image.put(3, 16 + 12, &((1u32 << 31) - 2).to_le_bytes());
    });
    assert_eq!(complaint, "page 3: element 0 has a value of 2147483646 bytes, more than 67108864");
    let complaint = extended(1 << 32, |image| {
        image.put(3, 12, &(15_000u32).to_le_bytes());
        image.put(3, 16 + 12, &(60_000_000u32).to_le_bytes());
    });
    assert!(complaint.starts_with("page 3: claims 60000033 bytes, too many of them zeros"), "{complaint}");
    let complaint = extended(TERABYTES, |image| image.put(3, 12, &(u32::MAX - 9).to_le_bytes()));
    let expected = "page 3: continues for 4294967286 more pages, while all that stands in it needs 1 in all";
    assert_eq!(complaint, expected);
    let complaint = extended(TERABYTES, |image| {
        image.put(2, 10, &[0xff, 0xff]);
        image.put(2, 12, &(u32::MAX - 9).to_le_bytes());
        image.put(2, 16, &(1u64 << 40).to_le_bytes());
    });
    assert_eq!(complaint, "page 2: lists page 0 as free, out of order");
    // A table of elements of which nothing is there.
    let complaint = extended(TERABYTES, |image| {
        image.put(3, 10, &[0xff, 0xff]);
        image.put(3, 12, &[0, 4]);
    });
    assert_eq!(complaint, "page 3: element 1 has a key of 0 bytes, not 1 to 32768");
}

/// Every transaction has its number in every bucket: what is read must be one transaction's.
#[test]
fn what_is_read_while_somebody_writes_is_one_transaction() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("live.db");
    let mut db = nut::DBBuilder::new(&path).build().expect("nut creates a file");
    let mut write = |round: u64| {
        let mut tx = db.begin_rw_tx().expect("nut begins");
        for name in 0..40u8 {
            let mut bucket = tx.create_bucket_if_not_exists(&[b'b', name]).expect("nut creates");
            for key in 0..30u8 {
                bucket.put(&[b'k', key], round.to_le_bytes().repeat(20)).expect("nut puts");
            }
        }
        tx.commit().expect("nut commits");
    };
    write(0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut answers, mut rounds) = (0, std::collections::BTreeSet::new());
            while !done.load(Ordering::Relaxed) {
                let tree = read_within(&path, WAIT).expect("there are moments without a commit").tree;
                let mut values =
                    tree.view().buckets().flat_map(|(_, bucket)| bucket.iter().map(|(_, entry)| entry));
                let first = values.next().expect("a value");
                assert!(values.all(|entry| entry == first), "two transactions");
                rounds.insert(first.value().expect("a value").to_vec());
                answers += 1;
            }
            (answers, rounds.len())
        });
        for round in 1..150 {
            write(round);
            thread::sleep(Duration::from_millis(round % 4));
        }
        done.store(true, Ordering::Relaxed);
        let (answers, rounds) = reader.join().expect("no wrong answer");
        assert!(answers > 10 && rounds > 5, "{answers} answers, {rounds} transactions");
    });
}

/// A database that somebody writes to: from a given read on, other bytes are there.
struct Written {
    images: Vec<Image>,
    reads: AtomicUsize,
    /// The number of reads after which the next image stands there.
    pace: usize,
}

impl Source for Written {
    fn length(&self) -> io::Result<u64> {
        self.images[0].bytes[..].length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let now = self.reads.fetch_add(1, Ordering::Relaxed) / self.pace;
        self.images[now.min(self.images.len() - 1)].bytes[..].read_at(offset, buffer)
    }
}

#[test]
fn a_database_that_is_written_to_is_read_again_and_then_given_up() {
    // Transaction n has its number as the only value; the meta pages take turns.
    let at = |transaction: u64| {
        let mut image = Image::new(512, 4);
        image.meta(0, transaction & !1, 3, 2);
        image.meta(1, (transaction - 1) | 1, 3, 2);
        image.leaf(3, &[(VALUE, b"transaction", &transaction.to_le_bytes())]);
        image
    };
    let images: Vec<Image> = (6..40).map(at).collect();
    // Two reads for the meta pages, two for the pages, two for the meta pages again.
    let whole = 6;
    let written =
        |images: &[Image], pace| Written { images: images.to_vec(), reads: AtomicUsize::new(0), pace };
    let always = written(&images, whole - 1);
    let error = read_from(&always).expect_err("never at rest").to_string();
    assert!(error.starts_with("the database was written to faster than it could be read, for "), "{error}");
    assert!(error.contains("when the daemon is quieter") && !error.contains("copy"), "{error}");
    assert!(always.reads.load(Ordering::Relaxed) <= whole);

    let once = written(&images[..2], 3);
    let opened = read_live(&once, WAIT).expect("at rest the second time");
    assert_eq!(opened.transaction, 7);
    assert_eq!(opened.tree.get(b"transaction"), Some(&7u64.to_le_bytes()[..]));

    // What looks like damage meanwhile is none; what still does at rest is.
    let mut torn = images.clone();
    torn.iter_mut().for_each(|image| image.put(3, 8, &[0]));
    let torn_once = written(&[torn[0].clone(), images[1].clone()], 4);
    assert_eq!(read_live(&torn_once, WAIT).expect("at rest the second time").transaction, 7);
    assert!(matches!(read_from(&written(&torn, 5)), Err(BoltError::Changed(_))));
    let torn_at_rest = written(&torn[..1], 1);
    let expected = "page 3: is neither a branch nor a leaf (flags 0x0000)";
    assert_eq!(read_from(&torn_at_rest).expect_err("damage").to_string(), expected);
}

/// A disk that fails at its k-th read.
struct Failing<'a> {
    bytes: &'a [u8],
    reads_left: AtomicUsize,
}

impl Source for Failing<'_> {
    fn length(&self) -> io::Result<u64> {
        self.bytes.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.reads_left.load(Ordering::Relaxed);
        let left = left.checked_sub(1).ok_or(io::Error::other("bad sector"))?;
        self.reads_left.store(left, Ordering::Relaxed);
        // Also as slow as a disk may be.
        let length = buffer.len().min(100);
        self.bytes.read_at(offset, &mut buffer[..length])
    }
}

#[test]
fn a_disk_that_fails_at_any_read_is_reported() {
    let image = sample(512);
    let mut failures = 0;
    for reads_left in 0.. {
        let source = Failing { bytes: &image.bytes, reads_left: AtomicUsize::new(reads_left) };
        match read_from(&source) {
            Ok(opened) => {
                assert_eq!(opened.tree, sample_tree());
                break;
            }
            Err(BoltError::Read { error, .. }) => assert_eq!(error.to_string(), "bad sector"),
            Err(other) => panic!("{other}"),
        }
        failures += 1;
    }
    assert!(failures > 20, "{failures}");
}

#[test]
fn what_is_no_database_is_told_plainly() {
    let folder = tempfile::tempdir().expect("a folder");
    let complaint = |path: &Path| read(path).expect_err("no database").to_string();
    let file = |bytes: &[u8]| {
        let path = folder.path().join("file");
        fs::write(&path, bytes).expect("a file");
        complaint(&path)
    };
    assert_eq!(file(b""), "is empty");
    assert_eq!(file(&[0x81; 5]), "is too short to be a bbolt database (5 bytes)");
    assert_eq!(file(&[0x81; 80]), "is not a bbolt database (no page has bbolt's magic number)");
    assert_eq!(file(b"hello"), "is not a bbolt database but a text");
    assert_eq!(file(&[0; 1 << 20]), "begins with zeros, where a bbolt database has its meta pages");
    assert_eq!(file(b"\x1f\x8b\x08"), "is packed with gzip: unpack it first");
    assert_eq!(complaint(folder.path()), "is a directory, not a bbolt database");
    assert_eq!(complaint(&folder.path().join("none")), "no such file");
    assert_eq!(
        complaint(&folder.path().join("file/below")),
        "no such file: something that is no folder stands where the path has one"
    );
    let denied = BoltError::of_open(io::ErrorKind::PermissionDenied.into()).to_string();
    assert!(denied.starts_with("permission denied"), "{denied}");
    #[cfg(unix)]
    {
        let path = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        assert_eq!(complaint(&path), "is a socket, not a regular file");
        assert_eq!(complaint(Path::new("/dev/null")), "is a device, not a regular file");
    }
}

/// A file written by nut in several transactions, with deletions in between, and the tree that it holds.
fn written_by_nut(path: &Path, seed: u64) -> Bucket {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut tree = Bucket::new();
    let mut db = nut::DBBuilder::new(path).build().expect("nut creates a file");
    for round in 0..3u64 {
        let mut tx = db.begin_rw_tx().expect("nut begins");
        for name in [&b"small"[..], b"wide", b"deep", b"large"] {
            let mut bucket = tx.create_bucket_if_not_exists(name).expect("nut creates");
            if tree.bucket(name).is_none() {
                tree.create_bucket(&[], name).expect("a bucket");
            }
            fill(&mut rng, round, name, &mut bucket, &mut tree);
        }
        tx.commit().expect("nut commits");
    }
    tree
}

fn fill(rng: &mut ChaCha8Rng, round: u64, name: &[u8], bucket: &mut nut::Bucket, tree: &mut Bucket) {
    let mut put = |bucket: &mut nut::Bucket, path: &[&[u8]], key: &[u8], value: Vec<u8>| {
        tree.put(path, key, &value).expect("a value");
        bucket.put(key, value).expect("nut puts");
    };
    match name {
        b"small" => put(bucket, &[name], b"round", round.to_string().into_bytes()),
        b"wide" => {
            for _ in 0..3000 {
                let key = rng.random_range(0..9000u32).to_string();
                put(bucket, &[name], key.as_bytes(), key.repeat(7).into_bytes());
            }
            for number in (0..9000u32).step_by(2) {
                let key = number.to_string();
                if tree.bucket(name).is_some_and(|wide| wide.get(key.as_bytes()).is_some()) {
                    tree.delete(&[name], key.as_bytes()).expect("a value is deleted");
                    bucket.delete(key.as_bytes()).expect("nut deletes");
                }
            }
        }
        b"large" => {
            let length = rng.random_range(5000..50_000);
            put(bucket, &[name], format!("large-{round}").as_bytes(), vec![b'v'; length]);
        }
        _ => {
            // Objects with labels, some of which stand inline and some do not.
            for number in 0..40u32 {
                let object = format!("object-{round}-{number}");
                tree.create_bucket(&[name], object.as_bytes()).expect("a bucket");
                tree.create_bucket(&[name, object.as_bytes()], b"labels").expect("a bucket");
                tree.set_sequence(&[name, object.as_bytes()], u64::from(number)).expect("a bucket");
                let below = bucket.create_bucket(object.as_bytes()).expect("nut creates");
                below.set_sequence(u64::from(number)).expect("nut sets");
                let labels = below.create_bucket(b"labels").expect("nut creates");
                for label in 0..rng.random_range(0..60u32) {
                    let key = format!("gc.ref.content.{label}");
                    let value = object.repeat(2);
                    let path = [name, object.as_bytes(), b"labels"];
                    tree.put(&path, key.as_bytes(), value.as_bytes()).expect("a value");
                    labels.put(key.as_bytes(), value.into_bytes()).expect("nut puts");
                }
            }
        }
    }
}

#[test]
fn what_nut_writes_is_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    for seed in 0..4 {
        let path = folder.path().join(format!("{seed}.db"));
        let tree = written_by_nut(&path, seed);
        let opened = read(&path).expect("a sound file");
        let counts: Vec<usize> = tree.view().buckets().map(|(_, bucket)| bucket.iter().count()).collect();
        assert_eq!(counts.len(), 4);
        assert!(counts[3] > 1000, "wide enough for branches: {counts:?}");
        assert!(opened.has_freelist);
        assert_eq!(opened.tree, tree);
    }
}

/// The meta page gives the end of the last page in use: cut anywhere before, some page is missing.
#[test]
fn a_file_cut_at_any_page_is_refused_or_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("whole.db");
    let tree = written_by_nut(&path, 5);
    let bytes = fs::read(&path).expect("the file");
    let page_size = read(&path).expect("a sound file").page_size as usize;
    let mut refused = 0;
    for pages in 1..bytes.len() / page_size {
        for length in [pages * page_size, pages * page_size - 1] {
            match read_from(&bytes[..length]) {
                // Only free pages were cut off.
                Ok(opened) => assert_eq!(opened.tree, tree, "{length}"),
                Err(error) => {
                    refused += 1;
                    let message = error.to_string();
                    assert!(
                        message.contains("end of the file") || message.contains("the last one"),
                        "{message}"
                    );
                }
            }
        }
    }
    assert!(refused > bytes.len() / page_size, "{refused} of {}", bytes.len() / page_size);
}

#[test]
fn corruption_gives_an_error_or_a_tree() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("whole.db");
    written_by_nut(&path, 6);
    let whole = fs::read(&path).expect("the file");
    let page_size = read(&path).expect("a sound file").page_size as usize;
    let pages = whole.len() / page_size;
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (mut trees, mut errors) = (0, 0);
    for _ in 0..600 {
        let mut bytes = whole.clone();
        let page = rng.random_range(0..pages) * page_size;
        match rng.random_range(0..5) {
            0 => bytes[page + rng.random_range(0..16)] ^= 1 << rng.random_range(0..8),
            1 => bytes[page + rng.random_range(16..256)] ^= 1 << rng.random_range(0..8),
            2 => {
                for _ in 0..50 {
                    let at = rng.random_range(0..bytes.len());
                    bytes[at] = rng.random_range(0..=255);
                }
            }
            3 => bytes.copy_within(page..page + page_size, rng.random_range(0..pages) * page_size),
            _ => bytes.truncate(rng.random_range(0..whole.len())),
        }
        match read_from(&bytes[..]) {
            Ok(_) => trees += 1,
            Err(_) => errors += 1,
        }
    }
    assert!(trees > 30 && errors > 200, "{trees} trees, {errors} errors");
}

/// A file as it is written, and its path, for readings that something else comes between.
fn file_of(tree: &Bucket) -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("meta.db");
    create(&path, tree).expect("a file");
    let bytes = fs::read(&path).expect("it is there");
    (folder, path, bytes)
}

#[test]
fn what_refuses_a_file_counts_only_once_the_file_stands_still() {
    let (_folder, path, bytes) = file_of(&Bucket::new());
    let attempts = std::cell::Cell::new(0);
    let refuses_until = |last: usize| {
        attempts.set(0);
        let (attempts, path, bytes) = (&attempts, &path, &bytes);
        move |opened: Opened| {
            attempts.set(attempts.get() + 1);
            if attempts.get() >= last {
                return Ok(opened);
            }
            // Another copy, over this one.
            fs::write(path, bytes).expect("writable");
            Err("torn")
        }
    };
    assert!(matches!(read_as(&path, WAIT, refuses_until(4)), Ok(Ok(_))));
    assert_eq!(attempts.get(), 4);
    let began = Instant::now();
    let changes = read_as(&path, Duration::from_millis(200), refuses_until(usize::MAX));
    let changes = changes.expect_err("it never stands still").to_string();
    assert!(changes.contains("keeps changing") && changes.contains("(at last: torn)"), "{changes}");
    assert!(attempts.get() > 1 && began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // One that stands still is refused the first time.
    attempts.set(0);
    let refuses = |_: Opened| -> Result<(), &str> {
        attempts.set(attempts.get() + 1);
        Err("no")
    };
    assert!(matches!(read_as(&path, WAIT, refuses), Ok(Err("no"))));
    assert_eq!(attempts.get(), 1);
}

#[test]
fn a_file_over_which_copies_are_written_is_read_once_they_end() {
    let mut tree = Bucket::new();
    tree.create_bucket(&[], b"v1").expect("a bucket");
    for number in 0..2000u32 {
        tree.put(&[b"v1"], &number.to_be_bytes(), &[7; 100]).expect("a value");
    }
    let (_folder, path, bytes) = file_of(&tree);
    let half = bytes.len() / 2;
    std::thread::scope(|scope| {
        fs::write(&path, &bytes[..half]).expect("writable");
        scope.spawn(|| {
            for _ in 0..10 {
                std::thread::sleep(Duration::from_millis(20));
                fs::write(&path, &bytes[..half]).expect("writable");
            }
            fs::write(&path, &bytes).expect("writable");
        });
        assert_eq!(read_within(&path, WAIT).expect("it stands still in the end").tree, tree);
    });
}

/// A file is empty for a while whenever it is written over; who looks then has not seen a database that is empty.
#[test]
fn a_file_that_is_written_over_is_never_called_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, whole) = (folder.path().join("file"), folder.path().join("whole"));
    create(&whole, &Bucket::new()).expect("a database");
    let whole = fs::read(&whole).expect("the file");
    fs::write(&path, &whole).expect("a file");
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                fs::write(&path, b"").expect("the file");
                std::thread::sleep(Duration::from_millis(110));
                fs::write(&path, &whole).expect("the file");
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let empty = |_| {
            read_within(&path, Duration::from_millis(400))
                .is_err_and(|error| matches!(error, BoltError::Empty))
        };
        assert!(!(0..12).any(empty));
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    fs::write(&path, b"").expect("the file");
    assert!(matches!(read_within(&path, WAIT), Err(BoltError::Empty)));
}
