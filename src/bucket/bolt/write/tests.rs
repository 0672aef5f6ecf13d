//! Every file is read back by the reader, taken apart page by page here, and opened by `nut`, which shares
//! nothing with either.

use super::*;
use crate::bucket::Builder;
use crate::bucket::bolt::{read, read_from};
use crate::generate::trees;
use arbitrary::Unstructured;
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};
use std::io::Cursor as Memory;

fn bytes_of(tree: &Bucket) -> Vec<u8> {
    let mut file = Memory::new(Vec::new());
    let written = write(tree, &mut file).expect("memory takes every tree that bbolt takes");
    let bytes = file.into_inner();
    assert_eq!(written, Written { bytes: bytes.len() as u64, ..count(tree.view()) });
    bytes
}

/// The buckets and values of a tree.
fn count(tree: View<'_>) -> Written {
    let (mut counted, mut pending) = (Written::default(), vec![tree]);
    while let Some(view) = pending.pop() {
        for (_, entry) in view.iter() {
            match entry {
                Entry::Value(_) => counted.values += 1,
                Entry::Bucket(below) => {
                    counted.buckets += 1;
                    pending.push(below);
                }
            }
        }
    }
    counted
}

/// What a file is made of.
#[derive(PartialEq, Eq, Debug, Default)]
struct Census {
    branches: usize,
    leaves: usize,
    inline: usize,
    /// Buckets with pages of their own, the root not among them.
    rooted: usize,
}

/// Takes a file apart and holds it to what bbolt's own check demands (every page is reached, once; pages and
/// keys are what their branch says), and to what bbolt's way of writing would give: no page longer than need
/// be, no branch with a single child, no empty leaf but a bucket's only one.
fn census(file: &[u8]) -> Census {
    let count = file.len() / PAGE_BYTES;
    assert_eq!(file.len(), count * PAGE_BYTES);
    let (root, end) = (page::u64_at(file, 32), page::u64_at(file, 56));
    assert_eq!(end, count as u64, "no page from the high-water mark on");
    assert_eq!(file[32..64], file[PAGE_BYTES + 32..PAGE_BYTES + 64], "both meta pages name one state");
    let mut used = vec![0; count];
    used[..3].fill(1);
    let mut census = Census::default();
    let mut pending: Vec<(u64, Option<&[u8]>)> = vec![(root, None)];
    while let Some((id, first_key)) = pending.pop() {
        let start = usize::try_from(id).expect("a page") * PAGE_BYTES;
        let header = Header::of(&file[start..]);
        assert_eq!(header.id, id);
        let length = (header.overflow as usize + 1) * PAGE_BYTES;
        let page = &file[start..start + length];
        used[start / PAGE_BYTES..(start + length) / PAGE_BYTES].iter_mut().for_each(|uses| *uses += 1);
        let kind = header.kind().expect("a branch or a leaf");
        let reach = page::measure(page, kind, header.count, length).expect("elements within the page");
        assert!(reach > length - PAGE_BYTES, "page {id} continues for nothing");
        assert!(page[reach..].iter().all(|byte| *byte == 0), "page {id} is not padded with zeros");
        let elements = usize::from(header.count);
        page::check_order(page, kind, elements, (None, None)).expect("keys in order");
        if let Some(first_key) = first_key {
            assert!(elements > 0 && &page[page::key_range(page, kind, 0)] == first_key, "page {id}");
        }
        for element in 0..elements {
            if kind == Kind::Branch {
                let key = &page[page::key_range(page, kind, element)];
                pending.push((page::child(page, element), Some(key)));
                continue;
            }
            let element = page::leaf_element(page, element);
            if element.is_bucket {
                let root = page::u64_at(&page[element.value.clone()], 0);
                if root == 0 {
                    census.inline += 1;
                } else {
                    assert_eq!(element.value.len(), BUCKET_HEADER_BYTES);
                    census.rooted += 1;
                    pending.push((root, None));
                }
            }
        }
        match kind {
            Kind::Branch => {
                assert!(elements > 1, "branch {id} leads to one page");
                census.branches += 1;
            }
            Kind::Leaf => census.leaves += 1,
        }
    }
    assert!(used.iter().all(|uses| *uses == 1), "pages unreachable or used twice: {used:?}");
    census
}

/// How many buckets bbolt would store inline, and how many not.
fn inline_and_rooted(tree: View<'_>) -> (usize, usize) {
    let (mut counts, mut pending) = ((0, 0), vec![tree]);
    while let Some(view) = pending.pop() {
        for (_, below) in view.buckets() {
            let bytes: usize = below
                .iter()
                .map(|(key, entry)| 16 + key.len() + entry.value().unwrap_or_default().len())
                .sum();
            match below.buckets().next() {
                None if 16 + bytes <= 4096 / 4 => counts.0 += 1,
                _ => counts.1 += 1,
            }
            pending.push(below);
        }
    }
    counts
}

/// Writes a tree and reads it back.
fn check(tree: &Bucket) -> Census {
    let bytes = bytes_of(tree);
    let census = census(&bytes);
    assert_eq!((census.inline, census.rooted), inline_and_rooted(tree.view()));
    assert_eq!(&read_from(&bytes[..]).expect("a sound file").tree, tree);
    census
}

/// A tree that `nut` reads, less the values beside the outermost buckets, which it does not show.
fn by_nut(db: &nut::DB) -> Bucket {
    let transaction = db.begin_tx().expect("nut begins");
    transaction.check_sync().expect("nut's check finds nothing");
    let mut builder = Builder::new();
    let each = |key: &[u8], bucket: Option<&nut::Bucket>| -> Result<(), nut::Error> {
        if let Some(bucket) = bucket {
            take_bucket(key, bucket, &mut builder);
        }
        Ok(())
    };
    transaction.for_each(Box::new(each)).expect("nut lists");
    builder.finish()
}

fn take_bucket(key: &[u8], bucket: &nut::Bucket, builder: &mut Builder) {
    builder.open(key, bucket.sequence()).expect("keys in order");
    let each = |key: &[u8], value: Option<&[u8]>| -> Result<(), nut::Error> {
        match bucket.try_bucket(key)? {
            Some(below) => take_bucket(key, below, builder),
            None => builder.put(key, value.unwrap_or_default()).expect("keys in order"),
        }
        Ok(())
    };
    bucket.for_each(Box::new(each)).expect("nut lists");
    builder.close();
}

/// A tree whose buckets and values are of sizes around all limits of the format.
fn drawn(rng: &mut ChaCha8Rng) -> Bucket {
    let mut builder = Builder::new();
    grow(rng, &mut builder, 0);
    let mut tree = builder.finish();
    tree.set_sequence(&[], rng.random_range(0..3)).expect("the root");
    tree
}

fn grow(rng: &mut ChaCha8Rng, builder: &mut Builder, level: usize) {
    let entries = [0, 1, 3, 30, 150][rng.random_range(0..5 - level)];
    // Of one bucket, most values are alike, as in real ones.
    let usual = [0, 1, 30, 300, 960, 980][rng.random_range(0..6)];
    for entry in 0..entries {
        let mut key = format!("{entry:04}").into_bytes();
        key.resize(4 + [0, 1, 60, 500][rng.random_range(0..4)], b'k');
        if level < 4 && rng.random_range(0..4) == 0 {
            let sequence = if rng.random_range(0..2) == 0 { 0 } else { rng.random() };
            builder.open(&key, sequence).expect("keys in order");
            grow(rng, builder, level + 1);
            builder.close();
            continue;
        }
        let length = match rng.random_range(0..40) {
            0 => rng.random_range(3900..4200),
            1 => rng.random_range(8000..20_000),
            2..10 => rng.random_range(0..=usual),
            _ => usual,
        };
        builder.put(&key, &vec![b'v'; length]).expect("keys in order");
    }
}

/// One bucket, `b`, with values under keys in order.
fn one_bucket(entries: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Bucket {
    let mut builder = Builder::new();
    builder.open(b"b", 7).expect("the first key");
    for (key, value) in entries {
        builder.put(&key, &value).expect("keys in order");
    }
    builder.close();
    builder.finish()
}

#[test]
fn an_empty_tree_is_four_pages() {
    let bytes = bytes_of(&Bucket::new());
    assert_eq!(bytes.len(), 4 * PAGE_BYTES);
    assert_eq!(census(&bytes), Census { leaves: 1, ..Census::default() });
    let opened = read_from(&bytes[..]).expect("a sound file");
    assert_eq!((opened.page_size, opened.transaction, opened.meta_page), (4096, 1, 1));
    assert!(opened.has_freelist && opened.tree.view().is_empty());
}

#[test]
fn either_meta_page_is_enough() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let tree = drawn(&mut rng);
    for meta_page in 0..2 {
        let mut bytes = bytes_of(&tree);
        bytes[meta_page * PAGE_BYTES..][..PAGE_BYTES].fill(0xff);
        let opened = read_from(&bytes[..]).expect("the other meta page");
        assert_eq!((opened.meta_page, opened.transaction), (1 - meta_page as u64, 1 - meta_page as u64));
        assert_eq!(opened.tree, tree);
    }
}

#[test]
fn drawn_trees_come_back_with_their_sequences() {
    let mut sum = Census::default();
    for seed in 0..300 {
        let census = check(&drawn(&mut ChaCha8Rng::seed_from_u64(seed)));
        sum.branches += census.branches;
        sum.leaves += census.leaves;
        sum.inline += census.inline;
        sum.rooted += census.rooted;
    }
    assert!(sum.branches > 1000 && sum.inline > 1000 && sum.rooted > 1000, "{sum:?}");
}

#[test]
fn the_simulations_trees_come_back() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut bytes = [0; trees::CASE_BYTES];
    for _ in 0..500 {
        rng.fill_bytes(&mut bytes);
        let mut tree = trees::case(&mut Unstructured::new(&bytes)).expect("any bytes make a case").tree;
        tree.set_sequence(&[], rng.random()).expect("the root");
        check(&tree);
    }
}

#[test]
fn nut_opens_checks_and_reads_what_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.db");
    for seed in 0..40 {
        let mut tree = drawn(&mut ChaCha8Rng::seed_from_u64(seed));
        let values: Vec<Vec<u8>> = tree
            .view()
            .iter()
            .filter(|(_, entry)| entry.value().is_some())
            .map(|(key, _)| key.to_vec())
            .collect();
        for key in values {
            tree.delete(&[], &key).expect("a value");
        }
        tree.set_sequence(&[], 0).expect("the root");
        create(&path, &tree).expect("a new file");
        let db = nut::DBBuilder::new(&path).build().expect("nut opens");
        assert_eq!(by_nut(&db), tree, "seed {seed}");
        drop(db);
        fs::remove_file(&path).expect("the file");
    }
}

/// The file is not only legible: another implementation goes on writing into it.
#[test]
fn nut_goes_on_writing_where_the_file_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.db");
    let key = |number: u32| format!("key {number:06}").into_bytes();
    let mut tree = one_bucket((0..12_000).map(|number| (key(number), number.to_le_bytes().repeat(20))));
    tree.create_bucket(&[], b"inline").expect("a bucket");
    tree.put(&[b"inline"], b"size", b"\x02").expect("a value");
    create(&path, &tree).expect("a new file");
    for round in 0..4u32 {
        let mut db = nut::DBBuilder::new(&path).build().expect("nut opens");
        {
            let mut transaction = db.begin_rw_tx().expect("nut begins");
            {
                let mut bucket = transaction.bucket_mut(b"b").expect("the bucket");
                for number in (round..12_000).step_by(7) {
                    let value = vec![b'w'; 10 + 90 * round as usize];
                    tree.put(&[b"b"], &key(number), &value).expect("a value");
                    bucket.put(&key(number), value).expect("nut puts");
                }
                for number in (round..12_000).step_by(5) {
                    if tree.bucket(b"b").is_some_and(|bucket| bucket.get(&key(number)).is_some()) {
                        tree.delete(&[b"b"], &key(number)).expect("a value");
                        bucket.delete(&key(number)).expect("nut deletes");
                    }
                }
            }
            let mut bucket = transaction.bucket_mut(b"inline").expect("the bucket");
            let grown = vec![b'x'; 500];
            tree.put(&[b"inline"], &key(round), &grown).expect("a value");
            bucket.put(&key(round), grown).expect("nut puts");
            drop(bucket);
            transaction.commit().expect("nut commits");
        }
        assert_eq!(by_nut(&db), tree, "round {round}");
        drop(db);
        assert_eq!(read(&path).expect("a sound file").tree, tree, "round {round}");
    }
}

#[test]
fn buckets_stand_inline_up_to_a_quarter_of_a_page() {
    // A page's header and an element with a key of one byte are 33 bytes.
    for (length, inline) in [(0, 1), (1024 - 33, 1), (1024 - 32, 0)] {
        let census = check(&one_bucket([(b"k".to_vec(), vec![b'v'; length])]));
        assert_eq!((census.inline, census.rooted), (inline, 1 - inline), "{length}");
    }
    let census = check(&one_bucket([]));
    assert_eq!((census.inline, census.leaves), (1, 1));
    // A sub-bucket, be it empty, keeps its parent from standing inline.
    let mut tree = one_bucket([]);
    tree.create_bucket(&[b"b"], b"c").expect("a bucket");
    let census = check(&tree);
    assert_eq!((census.inline, census.rooted), (1, 1));
}

#[test]
fn a_page_is_cut_only_where_it_overflows() {
    // Two elements of 2,040 bytes each, header included, fill a page to the byte.
    let entries =
        |last: usize| one_bucket([(b"a".to_vec(), vec![b'v'; 2040 - 17]), (b"b".to_vec(), vec![b'v'; last])]);
    assert_eq!(check(&entries(2040 - 17)).leaves, 2, "the root's and the bucket's");
    let census = check(&entries(2040 - 16));
    assert_eq!((census.leaves, census.branches), (3, 1));
    // The root is cut as well.
    let mut builder = Builder::new();
    for number in 0..1000u32 {
        builder.put(&number.to_be_bytes(), b"value").expect("keys in order");
    }
    let census = check(&builder.finish());
    assert_eq!((census.leaves, census.branches), (7, 1), "146 elements of 25 bytes on nine tenths of a page");
}

#[test]
fn wide_buckets_have_branches_above_branches() {
    let census =
        check(&one_bucket((0..60_000u32).map(|key| (key.to_be_bytes().to_vec(), b"value".to_vec()))));
    assert!(census.leaves > 400 && census.branches > 2, "{census:?}");
    // Keys longer than a page: two children a branch, whatever they need.
    for keys in [1, 2, 3, 4, 5, 6, 7, 33, 100] {
        let long = |number: u8| [&[number][..], &vec![b'k'; KEY_BYTES_MAX - 1]].concat();
        let census = check(&one_bucket((0..keys).map(|number| (long(number), Vec::new()))));
        assert_eq!(census.leaves, usize::from(keys) + 1);
        assert!(census.branches < usize::from(keys), "{census:?}");
    }
}

#[test]
fn large_values_continue_on_further_pages() {
    for length in [4062, 4063, 4064, 8159, 100_000, 5_000_000] {
        let value: Vec<u8> = (0..length).map(|place: u32| place.to_le_bytes()[0]).collect();
        check(&one_bucket([(b"k".to_vec(), value.clone())]));
        let small = |key: &[u8]| (key.to_vec(), b"small".to_vec());
        check(&one_bucket([small(b"a"), (b"k".to_vec(), value), small(b"x"), small(b"y")]));
    }
}

fn nested(levels: usize) -> Bucket {
    let mut builder = Builder::new();
    for level in 0..levels {
        builder.open(b"b", level as u64).expect("the first key");
    }
    for _ in 0..levels {
        builder.close();
    }
    builder.finish()
}

#[test]
fn buckets_are_written_to_the_deepest_level_and_no_deeper() {
    let census = check(&nested(DEPTH_MAX));
    assert_eq!((census.inline, census.rooted), (1, DEPTH_MAX - 1));
    let error = write(&nested(DEPTH_MAX + 1), &mut Memory::new(Vec::new())).expect_err("too deep");
    assert_eq!(error.to_string(), "cannot hold buckets nested more than 100 levels deep");
}

#[test]
fn keys_that_bbolt_does_not_take_are_named_and_leave_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.db");
    for (key, length) in [(Vec::new(), 0), (vec![b'k'; KEY_BYTES_MAX + 1], 32_769)] {
        let mut builder = Builder::new();
        builder.open(b"outer", 0).expect("the first key");
        builder.open(b"in\xffner", 0).expect("the first key");
        builder.put(&key, b"").expect("the first key");
        builder.close();
        builder.close();
        let error = create(&path, &builder.finish()).expect_err("no such key").to_string();
        let expected = format!(
            "cannot hold a key of {length} bytes, which bucket `outer/in\\xffner` has: bbolt takes 1 to 32768"
        );
        assert_eq!(error, expected);
        assert!(!path.exists());
    }
}

#[test]
fn what_stands_at_the_path_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file.db");
    let tree = one_bucket([(b"k".to_vec(), b"v".to_vec())]);
    let complaint = |path: &Path| create(path, &tree).expect_err("no new file").to_string();
    let exists = "exists already and is never written over: give a path at which nothing stands";
    fs::write(&path, b"precious").expect("a file");
    assert_eq!(complaint(&path), exists);
    assert_eq!(fs::read(&path).expect("the file"), b"precious");
    assert_eq!(complaint(folder.path()), exists);
    #[cfg(unix)]
    {
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &link).expect("a link");
        assert_eq!(complaint(&link), exists);
        assert!(!folder.path().join("nowhere").exists());
    }
    let complaint = complaint(&folder.path().join("no folder/file.db"));
    assert!(complaint.starts_with("cannot be created: "), "{complaint}");
}

/// A disk that is full after so many bytes.
struct Full {
    file: Memory<Vec<u8>>,
    bytes_left: usize,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.bytes_left);
        self.bytes_left -= taken;
        if taken == 0 {
            return Err(io::Error::other("disk full"));
        }
        self.file.write(&bytes[..taken])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Full {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

#[test]
fn a_disk_that_is_full_at_any_byte_is_reported_and_holds_no_database() {
    let tree = one_bucket((0..200u8).map(|key| (vec![key], vec![b'v'; 100])));
    let whole = bytes_of(&tree);
    let bytes_needed = whole.len() + 2 * PAGE_BYTES;
    for bytes_left in (0..bytes_needed).step_by(97).chain([bytes_needed - 1]) {
        let mut target = Full { file: Memory::new(Vec::new()), bytes_left };
        let error = write(&tree, &mut target).expect_err("the disk is full").to_string();
        assert_eq!(error, "cannot be written: disk full");
        // Until the first meta page is there, which comes last, nobody takes the file for a database.
        if bytes_left < whole.len() {
            assert!(read_from(&target.file.get_ref()[..]).is_err());
        }
    }
    let mut target = Full { file: Memory::new(Vec::new()), bytes_left: bytes_needed };
    write(&tree, &mut target).expect("exactly enough room");
    assert_eq!(target.file.into_inner(), whole);
}
