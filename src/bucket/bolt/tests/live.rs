//! A daemon that commits at every moment of a reading, one write at a time.

use super::*;
use crate::bucket::Entry;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

const PAGE_BYTES: usize = 512;

/// Bytes that are written at once.
#[derive(Clone)]
struct Write {
    offset: usize,
    bytes: Vec<u8>,
}

impl Write {
    fn apply(&self, file: &mut Vec<u8>) {
        let end = self.offset + self.bytes.len();
        file.resize(file.len().max(end), 0);
        file[self.offset..end].copy_from_slice(&self.bytes);
    }
}

/// Where the pages of a tree stand, by their flags and content.
type Placed = BTreeMap<(u16, Vec<u8>), Vec<Range<u64>>>;

/// Commits as bbolt does: what a transaction does not change keeps its page, and what it changes goes to free pages, to
/// those first that the transaction before has freed, so that they are used again as soon as may be.
struct Daemon {
    transaction: u64,
    placed: Placed,
    free: BTreeSet<u64>,
    /// Freed by the newest transaction, and so free for the next.
    freed: Vec<u64>,
    /// Freed by the one before the transaction that is being made.
    fresh: Vec<u64>,
    high_water: u64,
    /// Where the list of free pages stands, in a file that has one.
    freelist: Option<Range<u64>>,
    /// What the transaction that is being made has not placed again, and what it has written.
    before: Placed,
    writes: Vec<Write>,
}

impl Daemon {
    fn new(has_freelist: bool) -> Daemon {
        Daemon {
            transaction: 1,
            placed: Placed::new(),
            free: BTreeSet::new(),
            freed: Vec::new(),
            fresh: Vec::new(),
            high_water: 2,
            freelist: has_freelist.then_some(2..2),
            before: Placed::new(),
            writes: Vec::new(),
        }
    }

    /// Everything that a transaction writes, in order, the meta page last.
    fn commit(&mut self, tree: &Bucket) -> Vec<Write> {
        self.transaction += 1;
        self.fresh = std::mem::take(&mut self.freed);
        self.free.extend(&self.fresh);
        self.before = std::mem::take(&mut self.placed);
        let root = self.bucket(tree.view());
        self.freed.extend(std::mem::take(&mut self.before).into_values().flatten().flatten());
        if let Some(old) = self.freelist.take() {
            self.freed.extend(old);
            let run = self.allocate((self.free.len() + self.freed.len()) * 8);
            let listed: BTreeSet<u64> = self.free.iter().chain(&self.freed).copied().collect();
            let body: Vec<u8> = listed.iter().flat_map(|id| id.to_le_bytes()).collect();
            self.write(&run, 0x10, listed.len(), &body);
            self.freelist = Some(run);
        }
        self.writes.sort_by_key(|write| write.offset);
        let pages = usize::try_from(self.high_water).expect("a small file");
        let mut image = Image { page_size: PAGE_BYTES, bytes: vec![0; pages * PAGE_BYTES] };
        let page = usize::from(self.transaction % 2 == 1);
        let freelist = self.freelist.as_ref().map_or(u64::MAX, |run| run.start);
        image.meta(page, self.transaction, root, freelist);
        let offset = page * PAGE_BYTES;
        let (first, second) = image.bytes[offset..offset + PAGE_BYTES].split_at(60);
        self.writes.push(Write { offset, bytes: first.to_vec() });
        self.writes.push(Write { offset: offset + first.len(), bytes: second.to_vec() });
        std::mem::take(&mut self.writes)
    }

    /// Places the pages of a bucket, and gives its root. Where pages end depends on their keys, so that few change.
    fn bucket(&mut self, view: View<'_>) -> u64 {
        let mut elements = Vec::new();
        for (key, entry) in view.iter() {
            elements.push(match entry {
                Entry::Value(value) => (VALUE, key, value.to_vec()),
                Entry::Bucket(below) => (BUCKET, key, self.sub_bucket(below)),
            });
        }
        if elements.is_empty() {
            return self.place(LEAF, 0, Vec::new());
        }
        let begins_at = |key: &[u8], row: u32| (meta::fnv_1a(key) / 3u64.pow(row)).is_multiple_of(3);
        let mut row: Vec<(&[u8], u64)> = Vec::new();
        for part in elements.chunk_by(|_, (_, key, _)| !begins_at(key, 0)) {
            let part: Vec<Element<'_>> =
                part.iter().map(|(flags, key, value)| (*flags, *key, &value[..])).collect();
            row.push((part[0].1, self.place(LEAF, part.len(), leaf_body(&part))));
        }
        for above in 1.. {
            if row.len() == 1 {
                break;
            }
            let mut parts: Vec<_> = row.chunk_by(|_, (key, _)| !begins_at(key, above)).collect();
            if parts.len() == row.len() {
                parts = vec![&row];
            }
            row = parts
                .into_iter()
                .map(|part| (part[0].0, self.place(BRANCH, part.len(), branch_body(part))))
                .collect();
        }
        row[0].1
    }

    fn sub_bucket(&mut self, view: View<'_>) -> Vec<u8> {
        let values: Option<Vec<_>> =
            view.iter().map(|(key, entry)| Some((VALUE, key, entry.value()?))).collect();
        match values.map(|values| inline(view.sequence(), &values)) {
            Some(bytes) if bytes.len() < 100 => bytes,
            _ => rooted(self.bucket(view), view.sequence()),
        }
    }

    fn place(&mut self, flags: u16, count: usize, body: Vec<u8>) -> u64 {
        let page = (flags, body);
        let kept = self.before.get_mut(&page).and_then(Vec::pop);
        let run = kept.unwrap_or_else(|| {
            let run = self.allocate(page.1.len());
            self.write(&run, flags, count, &page.1);
            run
        });
        let id = run.start;
        self.placed.entry(page).or_default().push(run);
        id
    }

    fn allocate(&mut self, body: usize) -> Range<u64> {
        let count = (16 + body).div_ceil(PAGE_BYTES) as u64;
        let fits = |first: &u64| (*first..first + count).all(|page| self.free.contains(&page));
        let first = self.fresh.iter().chain(&self.free).copied().find(fits).unwrap_or(self.high_water);
        self.high_water = self.high_water.max(first + count);
        (first..first + count).for_each(|page| {
            self.free.remove(&page);
        });
        first..first + count
    }

    /// Writes a page, each half at a time.
    fn write(&mut self, run: &Range<u64>, flags: u16, count: usize, body: &[u8]) {
        let (id, pages) = (usize::try_from(run.start).expect("a small file"), run.clone().count());
        let mut bytes = [&header(id, flags, count, pages * PAGE_BYTES - 16, PAGE_BYTES), body].concat();
        bytes.resize(pages * PAGE_BYTES, 0);
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let offset = id * PAGE_BYTES;
        self.writes.push(Write { offset, bytes: first.to_vec() });
        self.writes.push(Write { offset: offset + first.len(), bytes: second.to_vec() });
    }
}

/// Changes something here and there, as clients do.
fn change(rng: &mut ChaCha8Rng, tree: &mut Bucket) {
    for _ in 0..rng.random_range(1..6) {
        let kind = [b'k', rng.random_range(b'0'..b'5')];
        let object = format!("object{}", rng.random_range(0..40));
        let (kind, object) = (&kind[..], object.as_bytes());
        // What is there already, or was never, is left as it is.
        let _there = tree.create_bucket(&[], kind);
        let _there = tree.create_bucket(&[kind], object);
        let field = [b'f', rng.random_range(b'0'..=b'9')];
        let outcome = match rng.random_range(0..40) {
            0 if rng.random_range(0..20) == 0 => tree.delete_bucket(&[], kind),
            1..4 => tree.delete_bucket(&[kind], object),
            4..6 => tree.put(&[kind, object], &field, &vec![b'v'; rng.random_range(500..2500)]),
            6..9 => tree.create_bucket(&[kind, object], b"labels"),
            9..13 => tree.put(&[kind, object, b"labels"], &field, &rng.random::<[u8; 32]>()),
            13..17 => tree.delete(&[kind, object], &field),
            _ => tree.put(&[kind, object], &field, &rng.random::<[u8; 16]>()),
        };
        let _refused = outcome;
    }
}

/// A file that a daemon writes to, and everything that it held.
struct History {
    file: Vec<u8>,
    /// The transaction that the file holds.
    first: u64,
    /// The trees from that one on.
    trees: Vec<Bucket>,
    /// What the transactions after it write.
    commits: Vec<Vec<Write>>,
}

impl History {
    fn of(seed: u64, has_freelist: bool, commits: usize) -> History {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut daemon, mut tree, mut file) = (Daemon::new(has_freelist), Bucket::new(), Vec::new());
        tree.set_sequence(&[], 9).expect("the root");
        let mut next = |file: &mut Vec<u8>| {
            let writes = daemon.commit(&tree);
            writes.iter().for_each(|write| write.apply(file));
            let opened = read_from(&file[..]).expect("a sound file");
            assert!(opened.tree == tree && opened.transaction == daemon.transaction);
            let committed = (tree.clone(), writes);
            change(&mut rng, &mut tree);
            committed
        };
        for _ in 0..300 {
            next(&mut file);
        }
        let mut history =
            History { first: 0, trees: vec![next(&mut file).0], file: file.clone(), commits: Vec::new() };
        for _ in 0..commits {
            let (tree, writes) = next(&mut file);
            history.trees.push(tree);
            history.commits.push(writes);
        }
        history.first = daemon.transaction - commits as u64;
        history
    }

    /// Reads the file while it is written to, until it rests, what is to be written before which read given. The
    /// outcome must be a tree that was committed. Gives its transaction and how many reads it took.
    fn read(&self, writes: impl IntoIterator<Item = (usize, Write)>) -> (u64, usize) {
        let live = Live {
            file: RefCell::new(self.file.clone()),
            writes: RefCell::new(writes.into_iter().collect()),
            reads: Cell::new(0),
        };
        let opened = read_live(&live, WAIT).expect("it comes to rest");
        self.check(&opened);
        (opened.transaction, live.reads.get())
    }

    fn check(&self, opened: &Opened) {
        let tree = usize::try_from(opened.transaction - self.first).expect("few transactions");
        assert!(opened.tree == self.trees[tree], "transaction {}", opened.transaction);
        assert_eq!(opened.lost, None);
    }
}

struct Live {
    file: RefCell<Vec<u8>>,
    /// Each before the read of that number.
    writes: RefCell<VecDeque<(usize, Write)>>,
    reads: Cell<usize>,
}

impl Source for Live {
    fn length(&self) -> io::Result<u64> {
        self.file.borrow()[..].length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reads.replace(self.reads.get() + 1);
        let mut writes = self.writes.borrow_mut();
        while let Some((_, write)) = writes.pop_front_if(|(before, _)| *before <= read) {
            write.apply(&mut self.file.borrow_mut());
        }
        self.file.borrow()[..].read_at(offset, buffer)
    }
}

fn histories(commits: usize) -> [History; 2] {
    [false, true].map(|has_freelist| History::of(7, has_freelist, commits))
}

#[test]
fn one_or_more_commits_at_any_read_give_a_tree_that_was_committed() {
    for history in histories(4) {
        let at_rest = history.read([]).1;
        // The first one ends the reading at rest with its last look, and the others come at any read after it.
        let first = history.commits[0].iter().map(|write| (at_rest - 1, write.clone()));
        let alone = history.read(first.clone()).1;
        for commits in 1..=3 {
            for read in at_rest..alone {
                let others = history.commits[1..=commits].concat().into_iter().map(|write| (read, write));
                let (transaction, reads) = history.read(first.clone().chain(others));
                assert!([1, 1 + commits as u64].contains(&(transaction - history.first)));
                // Of one commit only what it wrote is read besides, and the piece that was being read once more.
                let few = history.commits[1].len() + 30;
                assert!(
                    commits > 1 || reads <= alone + few,
                    "{read}: {reads} reads, {alone} without the commit"
                );
            }
        }
    }
}

#[test]
fn half_written_pages_and_meta_pages_at_any_read_are_none_of_an_answer() {
    for history in histories(4) {
        let writes = history.commits.concat();
        let at_rest = history.read([]).1;
        for pace in [1, 3, 10] {
            for first in 0..2 * at_rest {
                history.read((first..).step_by(pace).zip(writes.iter().cloned()));
            }
        }
    }
}

#[test]
fn commits_without_end_are_followed() {
    const COMMITS: usize = 60;
    for history in histories(COMMITS) {
        let (_, at_rest) = history.read([]);
        let mut followed = 0;
        for pace in 20..2 * at_rest {
            let commits = history.commits.iter().enumerate();
            let writes =
                commits.flat_map(|(n, writes)| writes.iter().map(move |write| (n * pace, write.clone())));
            let (transaction, _) = history.read(writes);
            // A reading takes so long that there was no time without a commit.
            let is_followed = transaction > history.first && transaction < history.first + COMMITS as u64;
            followed += usize::from(is_followed && pace < at_rest);
        }
        assert!(followed > at_rest / 2, "{followed} of {at_rest}");
    }
}

#[test]
fn one_attempt_is_right_or_refused() {
    for history in histories(1) {
        let mut refused = 0;
        for read in 0..history.read([]).1 {
            let writes = history.commits[0].iter().map(|write| (read, write.clone()));
            let live = Live {
                file: RefCell::new(history.file.clone()),
                writes: RefCell::new(writes.collect()),
                reads: Cell::new(0),
            };
            match read_from(&live) {
                Ok(opened) => history.check(&opened),
                Err(BoltError::Changed(_)) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(refused > 0);
    }
}
