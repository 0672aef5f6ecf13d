//! What became of a database: two copies of it, by the rules of one release at one instant.
//!
//! ```text
//!   BEFORE ─> judged, holders ──┐    came     only AFTER has it
//!                               ├──> went     only BEFORE has it: a collection, a client, or a loss
//!   AFTER ──> judged, holders ──┘    moved    nothing that held it before holds it now
//!                                    goes     was kept, and goes at the next collection
//!                                    changed  its record is another
//! ```
//!
//! The copies do not say what happened between them. A collection explains what it would remove of BEFORE at that
//! instant, and it alone what it would have removed already when the last record was written: what expired later may have
//! been deleted before by a client, as a file's own time may be that of its copying. What AFTER's roots still reach and AFTER does not have is lost; anything else was let go of, or deleted.

use super::judged::Named;
use crate::bucket::{Bucket, Entry, View, diff};
use crate::explain::{Holder, Network, Subject, Walk};
use crate::instant::Instant;
use crate::node::Node;
use crate::oracle::graph::NodeId;
use crate::oracle::{Defects, Judgement, Rule, judge};
use crate::release::Release;
use crate::schema::{time, views};
use crate::situation::Situation;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A copy, judged.
#[derive(Clone, Copy)]
pub struct Copy<'r, 'j, 'a> {
    /// The copy, under the release by which both are judged, and at one instant.
    pub situation: &'a Situation,
    /// What must be kept of it.
    pub judgement: &'j Judgement<'a>,
    /// Its relations.
    pub network: &'r Network<'j, 'a>,
    /// A collection fails, so that it removes nothing.
    pub fails: bool,
}

/// What holds an object, and by which rule it is a holder.
pub type By<'a> = (Subject<'a>, Rule);

/// A field of a record: the keys below its bucket.
pub type Field = Vec<Vec<u8>>;

/// Why an object is not there any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why<'a> {
    /// A collection removes it from BEFORE.
    Collected,
    /// The same, but only since an instant after all that the records of both tell: a client may have been first.
    CollectedOrDeleted,
    /// That held it before and does not now: a collection can have taken it, or a client.
    LetGo(By<'a>),
    /// A client deleted it: it was kept for its own sake, or no collection removes its kind.
    Deleted,
    /// That reaches it still.
    Lost(By<'a>),
}

/// What differs.
#[derive(Default, Debug)]
pub struct Changes<'a> {
    /// What only AFTER has, with what holds it there, if anything does.
    pub came: Vec<(Named, Option<By<'a>>)>,
    /// What only BEFORE has.
    pub went: Vec<(Named, Why<'a>)>,
    /// What is kept in both and has no holder in common: one of those before, and one of those now.
    pub moved: Vec<(Named, By<'a>, By<'a>)>,
    /// What BEFORE keeps and a collection would remove from AFTER.
    pub goes: Vec<Named>,
    /// What both have with different records: the fields.
    pub changed: Vec<(Named, Vec<Field>)>,
    /// How many are in both, and no different.
    pub unchanged: u64,
    /// A bucket of AFTER has counted less far than it had in BEFORE.
    pub is_backwards: bool,
}

impl Changes<'_> {
    /// Whether both have objects, and no one of them is in both.
    pub fn has_nothing_in_common(&self) -> bool {
        let shared = self.moved.len() + self.goes.len() + self.changed.len();
        shared == 0 && self.unchanged == 0 && !self.came.is_empty() && !self.went.is_empty()
    }

    /// Whether something is gone that is still needed.
    pub fn is_loss(&self) -> bool {
        self.went.iter().any(|(_, why)| matches!(why, Why::Lost(_)))
    }
}

/// Compares two copies. Everything is in the order of kinds, namespaces and keys.
pub fn compare<'a>(before: Copy<'_, '_, 'a>, after: Copy<'_, '_, 'a>) -> Changes<'a> {
    let [mine, yours] = [before, after].map(|copy| objects(&copy.situation.tree));
    let held = held(before, after);
    let [gone_before, gone_after] =
        [before, after].map(|copy| removed(copy.judgement, copy.situation.release));
    let is_collected = |named: &Named| !before.fails && gone_before.contains(named);
    let has_gone = mine.iter().any(|named| is_collected(named) && !yours.contains(named));
    let long_gone = if has_gone { long_gone(before, after) } else { None };
    let may_be_deleted =
        |named: &Named| long_gone.as_ref().is_some_and(|long_gone| !long_gone.contains(named));
    let (mut fields, is_backwards) = fields(&before.situation.tree, &after.situation.tree);
    let mut changes = Changes { is_backwards, ..Changes::default() };
    for named in mine.union(&yours) {
        let [old, new] = [before, after].map(|copy| copy.find(named));
        let by_before = old.and_then(|id| held.before[id as usize]);
        let by_after = new.and_then(|id| held.after[id as usize]);
        let change = named.clone();
        match (mine.contains(named), yours.contains(named)) {
            (false, _) => changes.came.push((change, by_after)),
            (true, false) => {
                let is_root = old.is_some_and(|id| held.is_root[id as usize]);
                let why = match (by_after, by_before) {
                    (Some(by), _) => Why::Lost(by),
                    _ if is_collected(named) && may_be_deleted(named) => Why::CollectedOrDeleted,
                    _ if is_collected(named) => Why::Collected,
                    (None, Some(by)) if !is_root => Why::LetGo(by),
                    _ => Why::Deleted,
                };
                changes.went.push((change, why));
            }
            (true, true) => {
                let fields = fields.remove(named).unwrap_or_default();
                let goes = !after.fails && gone_after.contains(named) && !gone_before.contains(named);
                let is_same = new.is_some_and(|id| held.is_same[id as usize]);
                let moved = by_before.zip(by_after).filter(|_| !is_same);
                changes.unchanged += u64::from(fields.is_empty() && !goes && moved.is_none());
                if goes {
                    changes.goes.push(change.clone());
                }
                if let Some((old, new)) = moved {
                    changes.moved.push((change.clone(), old, new));
                }
                if !fields.is_empty() {
                    changes.changed.push((change, fields));
                }
            }
        }
    }
    changes
}

impl Copy<'_, '_, '_> {
    fn find(&self, named: &Named) -> Option<NodeId> {
        let number = self.situation.release.type_of(named.kind)?;
        self.network.graph().find(Node::new(number, &named.namespace, &named.key).as_ref())
    }
}

fn objects(tree: &Bucket) -> BTreeSet<Named> {
    let objects = views::objects(tree);
    objects
        .map(|(kind, namespace, key)| Named { kind, namespace: namespace.into(), key: key.into() })
        .collect()
}

/// What a collection would remove.
fn removed(judgement: &Judgement<'_>, release: Release) -> BTreeSet<Named> {
    let removed = judgement.resources().filter(|resource| !resource.is_kept());
    let named = |node: &Node| Named {
        kind: release.kind_of(node.resource_type),
        namespace: node.namespace.clone(),
        key: node.key.clone(),
    };
    removed.map(|resource| named(&resource.node())).collect()
}

/// What a collection would have removed from BEFORE when the last record of both was written; none where nothing has
/// passed since.
fn long_gone<'a>(before: Copy<'_, '_, 'a>, after: Copy<'_, '_, 'a>) -> Option<BTreeSet<Named>> {
    let trees = [&before.situation.tree, &after.situation.tree];
    let written = trees.into_iter().filter_map(last_written).max();
    let now = written.filter(|written| *written < before.situation.now)?;
    let situation = Situation { now, ..before.situation.clone() };
    let release = situation.release;
    Some(removed(&judge(&situation, Defects::as_shipped(release)), release))
}

/// The latest time that a daemon put into a record.
fn last_written(tree: &Bucket) -> Option<Instant> {
    let records = tree.view().walk((), |(), _| ());
    let times = records.flat_map(|((), record)| [record.get(b"createdat"), record.get(b"updatedat")]);
    times.flatten().filter_map(|written| time::from_binary(written).ok()).max()
}

/// Who holds what in both copies.
struct Held<'a> {
    /// By node of BEFORE, and of AFTER: the first holder that reaches it.
    before: Vec<Option<By<'a>>>,
    after: Vec<Option<By<'a>>>,
    /// By node of BEFORE: it is a holder itself.
    is_root: Vec<bool>,
    /// By node of AFTER: a holder reaches it there that reached it before.
    is_same: Vec<bool>,
}

/// What a holder is in both copies: a pin is another one than the lease or image itself.
#[derive(PartialEq, Eq, Hash)]
enum Same<'a> {
    Node(Node, bool),
    Other(Subject<'a>),
}

fn same<'a>(copy: Copy<'_, '_, 'a>, holder: &Holder<'a>) -> Same<'a> {
    match holder.subject {
        Subject::Node(id) => Same::Node(copy.network.graph().node(id), holder.rule == Rule::RootLabel),
        subject @ Subject::Holder(_) => Same::Other(subject),
    }
}

fn held<'a>(before: Copy<'_, '_, 'a>, after: Copy<'_, '_, 'a>) -> Held<'a> {
    let [old, new] = [before, after].map(|copy| copy.network.graph().nodes());
    let mut held = Held {
        before: vec![None; old],
        after: vec![None; new],
        is_root: vec![false; old],
        is_same: vec![false; new],
    };
    let mut walk_before = Walk::new(before.network, before.situation.now);
    let mut walk_after = Walk::new(after.network, after.situation.now);
    let holders = walk_before.holders();
    // Only looked up, so that hash order shows nowhere.
    let places: HashMap<Same<'a>, usize> =
        holders.iter().enumerate().map(|(place, holder)| (same(before, holder), place)).collect();
    for holder in &holders {
        let by = (holder.subject, holder.rule);
        if let Subject::Node(id) = holder.subject
            && holder.rule != Rule::RootLabel
        {
            held.is_root[id as usize] = true;
        }
        walk_before.meet(holder, |id| {
            held.before[id as usize].get_or_insert(by);
        });
    }
    // By node of BEFORE: the last holder of AFTER under whose name it was met.
    let mut met = vec![None; old];
    for (number, holder) in walk_after.holders().iter().enumerate() {
        let earlier = places.get(&same(after, holder)).map(|place| &holders[*place]);
        if let Some(earlier) = earlier {
            walk_before.meet(earlier, |id| met[id as usize] = Some(number));
        }
        walk_after.meet(holder, |id| {
            held.after[id as usize].get_or_insert((holder.subject, holder.rule));
            let node = after.network.graph().node(id);
            let old = before.network.graph().find(node.as_ref());
            held.is_same[id as usize] |= old.is_some_and(|old| met[old as usize] == Some(number));
        });
    }
    held
}

/// The fields of the records that differ; and whether a bucket's sequence went back.
fn fields(before: &Bucket, after: &Bucket) -> (BTreeMap<Named, Vec<Field>>, bool) {
    let mut fields: BTreeMap<Named, Vec<Field>> = BTreeMap::new();
    let mut is_backwards = false;
    for change in diff(before, after) {
        let sequence = |entry: Option<Entry<'_>>| entry.and_then(Entry::bucket).map(View::sequence);
        is_backwards |=
            sequence(change.before).zip(sequence(change.after)).is_some_and(|(old, new)| new < old);
        let Some((kind, namespace, key)) = views::object_at(&change.path) else { continue };
        let depth = views::place_of(kind, namespace, &key).map_or(0, |place| place.len());
        let below = change.path.get(depth..).unwrap_or_default();
        if !below.is_empty() {
            let named = Named { kind, namespace: namespace.into(), key: key.into() };
            fields.entry(named).or_default().push(below.iter().map(|key| key.to_vec()).collect());
        }
    }
    (fields, is_backwards)
}
