//! Promises: what must hold in every state, `always present content/layer when present image/main`.

use super::arguments::Arguments;
use super::data::{EachName, NodeName};
use super::form::{Slot, Slots};
use super::part::Part;
use super::quote::{Printed, print_node};
use super::table::changed;
use super::value::Valued;
use super::words::Snag;
use crate::named::named;
use arbitrary::{Result as Drawn, Unstructured};

named! {
    /// What can be true of a node in a state.
    pub enum State {}
    Present, "present" => "It is in the database.";
    Absent, "absent" => "It is not in the database.";
    Stored, "stored" => "The backend has it: a digest, an ingest, a snapshot.";
    NotStored, "not-stored" => "The backend does not have it.";
}

/// That something is true of each of these nodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// What is true.
    pub state: State,
    /// Of which nodes; at least one.
    pub nodes: Vec<NodeName>,
}

/// What must hold while something else does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Promise {
    /// What must hold.
    pub holds: Condition,
    /// While all of this does; always if absent.
    pub when: Option<Condition>,
}

impl Condition {
    fn read(state: Slot, nodes: Slot, arguments: &mut Arguments<'_>) -> Result<Condition, Snag> {
        let word = arguments.word(state)?;
        let state = State::parse(word.keyword().unwrap_or_default()).map_err(|unknown| {
            let there_are = format!("there are {}", unknown.known.join(", "));
            let snag = word.snag(format!("unknown condition `{word}`"));
            snag.suggest(&word.to_string(), unknown.known).or_hint(|| there_are)
        })?;
        let read = NodeName::value(nodes).read;
        let mut named = vec![read(arguments.word(nodes)?)?];
        while arguments.has_word() && !arguments.is_next(WHEN) {
            named.push(read(arguments.word(nodes)?)?);
        }
        Ok(Condition { state, nodes: named })
    }

    fn write(&self, out: &mut Printed) {
        out.word(self.state.name());
        self.nodes.iter().for_each(|node| out.word(print_node(node)));
    }

    fn draw(nodes: Slot, u: &mut Unstructured<'_>) -> Drawn<Condition> {
        let draw = NodeName::value(nodes).draw;
        let state = *u.choose(State::ALL)?;
        let count = u.int_in_range(1..=3)?;
        Ok(Condition { state, nodes: (0..count).map(|_| draw(u)).collect::<Drawn<_>>()? })
    }

    fn each_name(&mut self, nodes: Slot, each: EachName<'_>) {
        let each_name = NodeName::value(nodes).each_name;
        self.nodes.iter_mut().for_each(|node| each_name(node, each));
    }

    /// The same of one node less.
    fn simpler(&self) -> Vec<Condition> {
        let of = |nodes| Condition { state: self.state, nodes };
        let without = |at| of([&self.nodes[..at], &self.nodes[at + 1..]].concat());
        if self.nodes.len() > 1 { (0..self.nodes.len()).map(without).collect() } else { Vec::new() }
    }
}

const WHEN: &str = "when";

/// The slots of a promise: a state and nodes, and behind `when` the same once more.
fn slots(slots: &mut Slots) -> [Slot; 5] {
    std::array::from_fn(|_| slots.of_field())
}

impl Part for Promise {
    fn read(all: &mut Slots, arguments: &mut Arguments<'_>) -> Result<Promise, Snag> {
        let [state, nodes, when, other_state, other_nodes] = slots(all);
        let holds = Condition::read(state, nodes, arguments)?;
        let mut promise = Promise { holds, when: None };
        if arguments.is_next(WHEN) {
            arguments.word(when)?;
            promise.when = Some(Condition::read(other_state, other_nodes, arguments)?);
        }
        Ok(promise)
    }

    fn write(&self, all: &mut Slots, out: &mut Printed) {
        slots(all);
        self.holds.write(out);
        if let Some(when) = &self.when {
            out.word(WHEN);
            when.write(out);
        }
    }

    fn draw(all: &mut Slots, u: &mut Unstructured<'_>) -> Drawn<Promise> {
        let [_, nodes, ..] = slots(all);
        let holds = Condition::draw(nodes, u)?;
        let when = if u.arbitrary()? { Some(Condition::draw(nodes, u)?) } else { None };
        Ok(Promise { holds, when })
    }

    fn each_name(&mut self, all: &mut Slots, each: EachName<'_>) {
        let [_, nodes, ..] = slots(all);
        self.holds.each_name(nodes, each);
        self.when.iter_mut().for_each(|when| when.each_name(nodes, each));
    }

    fn simpler(&self, all: &mut Slots) -> Vec<Promise> {
        slots(all);
        let holds = changed(self, self.holds.simpler(), |promise, to| promise.holds = to);
        let whens = self.when.iter().flat_map(Condition::simpler).collect();
        [holds, changed(self, whens, |promise, to| promise.when = Some(to))].concat()
    }
}
