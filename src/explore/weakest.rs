//! What a protocol's safety rests on, and what would make a broken one safe.
//!
//! ```text
//!   safe     without a lease, a label, a step; with an expiry that has passed  ──> explored again: still safe?
//!   broken   with a lease from the first step to the last, a lease held longer, a later expiry,
//!            a label more, two steps the other way round                       ──> explored again: safe now?
//! ```
//!
//! One thing is changed at a time, so that what two things do for each other is not seen.

use super::found::{Kind, Verdict};
use super::protocol::{NoProtocol, Protocol};
use super::{Explored, NotExplored, Search, explore};
use crate::node::Kind as NodeKind;
use crate::scenario::{
    Expiry, Labels, Line, Name, NodeName, Scenario, Step, print_label, print_node, print_step, print_value,
};
use std::time::Duration;

/// A protocol with one thing changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variant {
    /// What is changed.
    pub change: String,
    /// The lines that it is about, as numbers in the file.
    pub lines: Vec<usize>,
    /// A step or a label is left out, which other steps may need.
    pub is_part: bool,
    /// The protocol so changed.
    pub scenario: Scenario,
}

/// What became of a variant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Weighed {
    /// The variant.
    pub variant: Variant,
    /// What came of it.
    pub explored: Explored,
    /// A promise is never due in it that was due in the protocol: that it is safe says nothing.
    pub tests_less: bool,
}

impl Weighed {
    /// Whether it is safe; none if it was cut short.
    pub fn is_safe(&self) -> Option<bool> {
        match self.explored.found.verdict {
            Verdict::Safe => Some(true),
            Verdict::Broken(_) => Some(false),
            Verdict::Cut | Verdict::Stopped => None,
        }
    }

    /// Whether it breaks because another step cannot do without what was left out, so that nothing is learned.
    pub fn is_needed_by_steps(&self) -> bool {
        let by_steps =
            matches!(&self.explored.found.verdict, Verdict::Broken(broken) if broken.promise == Kind::Step);
        by_steps && self.variant.is_part
    }
}

/// Explores each variant of a protocol, of which it is known what came of it: whether it was safe. Ends early where the search
/// is asked to stop; `done` hears of each.
///
/// # Errors
/// The scenario is no protocol.
pub fn weigh(
    scenario: &Scenario,
    came: &Explored,
    was_safe: bool,
    search: &Search<'_>,
    done: &dyn Fn(),
) -> Result<Vec<Weighed>, NotExplored> {
    let mut weighed = Vec::new();
    for variant in if was_safe { less(scenario)? } else { more(scenario)? } {
        if search.stop.is_asked() {
            break;
        }
        match explore(&variant.scenario, search) {
            Ok(explored) => {
                let never_due = &came.found.untested.never_due;
                let tests_less =
                    explored.found.untested.never_due.iter().any(|line| !never_due.contains(line));
                weighed.push(Weighed { variant, explored, tests_less });
            }
            // What stands above the block, or the block itself, cannot do without it.
            Err(NotExplored::Before { .. } | NotExplored::NoProtocol(_)) => {}
        }
        done();
    }
    Ok(weighed)
}

/// How many variants there are.
///
/// # Errors
/// The scenario is no protocol.
pub fn count(scenario: &Scenario, was_safe: bool) -> Result<usize, NoProtocol> {
    Ok(if was_safe { less(scenario)? } else { more(scenario)? }.len())
}

/// The protocol with one thing less.
fn less(scenario: &Scenario) -> Result<Vec<Variant>, NoProtocol> {
    let block = block(scenario)?;
    let mut variants = Vec::new();
    for (client, lease) in leases(&scenario.lines[block.clone()]) {
        let is_about = |line: &Line| line.client.as_ref() == client && lease_of(&line.step) == Some(lease);
        let lines = scenario.lines.iter().filter(|line| is_about(line)).map(|line| line.number).collect();
        let mut fewer = scenario.clone();
        fewer.lines.retain(|line| !is_about(line));
        let change = format!("without lease {}", print_value(lease));
        variants.push(Variant { change, lines, is_part: false, scenario: fewer });
    }
    for at in (0..block.end).filter(|at| *at + 1 != block.start) {
        let line = &scenario.lines[at];
        if line.may.is_some() || is_declared(&line.step) {
            continue;
        }
        let with = |change: String, step: Option<Step>, is_part: bool| {
            let mut changed = scenario.clone();
            match step {
                Some(step) => changed.lines[at].step = step,
                None => drop(changed.lines.remove(at)),
            }
            Variant { change, lines: vec![line.number], is_part, scenario: changed }
        };
        if let Some(step) = expired(&line.step) {
            variants.push(with("with an expiry that has passed".to_owned(), Some(step), false));
        }
        let labels = line.step.clone().labels_mut().map(std::mem::take).unwrap_or_default();
        for (key, value) in labels.as_slice().iter().filter(|(_, value)| !value.is_empty()) {
            let mut step = line.step.clone();
            if let Some(labels) = step.labels_mut() {
                labels.remove(key);
            }
            let change = format!("without label {}={}", print_label(key), print_value(value));
            variants.push(with(change, Some(step), true));
        }
        // A lease that is not made is one without which all of its steps are.
        if !matches!(line.step, Step::LeaseCreate { .. }) {
            variants.push(with(format!("without step `{}`", print_step(&line.step)), None, true));
        }
    }
    Ok(variants)
}

/// The protocol with one thing more.
fn more(scenario: &Scenario) -> Result<Vec<Variant>, NoProtocol> {
    let block = block(scenario)?;
    let protocol = Protocol::of(scenario)?;
    let mut variants = Vec::new();
    for thread in protocol.threads.iter().filter(|thread| thread.may.is_none()) {
        let client = thread.client;
        let own: Vec<usize> = block.clone().filter(|at| is_step_of(&scenario.lines[*at], client)).collect();
        let (Some(first), Some(last)) = (own.first().copied(), own.last().copied()) else { continue };
        variants.push(under_lease(scenario, client, first, last));
        for at in &own {
            let line = &scenario.lines[*at];
            if let Step::LeaseDelete { .. } = line.step
                && *at != last
            {
                let mut later = scenario.clone();
                let line = later.lines.remove(*at);
                let change = format!("with `{}` as the last step of its client", print_step(&line.step));
                let lines = vec![line.number];
                later.lines.insert(last, line);
                variants.push(Variant { change, lines, is_part: false, scenario: later });
            }
            if let Some(step) = lasting(&line.step) {
                let mut longer = scenario.clone();
                longer.lines[*at].step = step;
                let change = "with an expiry a year later".to_owned();
                variants.push(Variant { change, lines: vec![line.number], is_part: false, scenario: longer });
            }
        }
        for pair in own.windows(2) {
            let mut swapped = scenario.clone();
            swapped.lines.swap(pair[0], pair[1]);
            let [first, second] = [pair[0], pair[1]].map(|at| &scenario.lines[at]);
            let change = format!("with `{}` before `{}`", print_step(&second.step), print_step(&first.step));
            let lines = vec![first.number, second.number];
            variants.push(Variant { change, lines, is_part: false, scenario: swapped });
        }
    }
    for at in block {
        variants.extend(promised(scenario).into_iter().filter_map(|node| referring(scenario, at, &node)));
    }
    Ok(variants)
}

/// Whether a line is no client's doing: what must hold, who acts, by which rules, and what of plugins.
fn is_declared(step: &Step) -> bool {
    matches!(step, Step::Always(_) | Step::Release(_) | Step::Client { .. } | Step::CollectorDeclare { .. })
}

/// Where the block's lines stand.
fn block(scenario: &Scenario) -> Result<std::ops::Range<usize>, NoProtocol> {
    let place = |step: &Step| scenario.lines.iter().position(|line| line.step == *step);
    match (place(&Step::Together), place(&Step::End)) {
        (Some(first), Some(last)) => Ok(first + 1..last),
        _ => Err(NoProtocol::NoBlock),
    }
}

fn is_step_of(line: &Line, client: Option<&Name>) -> bool {
    line.may.is_none() && line.client.as_ref() == client && !matches!(line.step, Step::Always(_))
}

/// The leases that clients work with in a block.
fn leases(block: &[Line]) -> Vec<(Option<&Name>, &Name)> {
    let mut leases = Vec::new();
    for line in block.iter().filter(|line| line.may.is_none()) {
        if let Some(lease) = lease_of(&line.step)
            && !leases.contains(&(line.client.as_ref(), lease))
        {
            leases.push((line.client.as_ref(), lease));
        }
    }
    leases
}

fn lease_of(step: &Step) -> Option<&Name> {
    match step {
        Step::LeaseCreate { lease, .. }
        | Step::LeaseUse { lease }
        | Step::LeaseAdd { lease, .. }
        | Step::LeaseDrop { lease, .. }
        | Step::LeaseDelete { lease, .. } => Some(lease),
        _ => None,
    }
}

fn expiry_mut(step: &mut Step) -> Option<&mut Option<Expiry>> {
    match step {
        Step::LeaseCreate { expire, .. } => Some(expire),
        Step::ImageCreate { fields, .. } | Step::ImageUpdate { fields, .. } => Some(&mut fields.expire),
        _ => None,
    }
}

/// The same with an expiry that has passed, where it has one.
fn expired(step: &Step) -> Option<Step> {
    let mut step = step.clone();
    let expiry = expiry_mut(&mut step)?.as_mut()?;
    *expiry = Expiry::Ago(Duration::from_secs(1));
    Some(step)
}

/// The same with an expiry that no exploration outlives, where it has one.
fn lasting(step: &Step) -> Option<Step> {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);
    let mut step = step.clone();
    let expiry = expiry_mut(&mut step)?.as_mut()?;
    *expiry = match expiry {
        Expiry::In(after) => Expiry::In(*after + YEAR),
        Expiry::Ago(_) | Expiry::Text(_) => Expiry::In(YEAR),
    };
    Some(step)
}

/// A client's steps under a lease of its own, from the first to the last.
fn under_lease(scenario: &Scenario, client: Option<&Name>, first: usize, last: usize) -> Variant {
    let lease = b"weakest".to_vec();
    let line = |step| Line { client: client.cloned(), ..Line::new(step) };
    let mut leased = scenario.clone();
    leased.lines.insert(last + 1, line(Step::LeaseDelete { lease: lease.clone(), sync: false }));
    let begin = [
        Step::LeaseCreate { lease: lease.clone(), expire: None, flat: false, labels: Labels::new() },
        Step::LeaseUse { lease },
    ];
    leased.lines.splice(first..first, begin.map(line));
    let who = client.map_or_else(|| "the unnamed client".to_owned(), |client| print_value(client));
    let change = format!("with all steps of {who} under a lease of its own that lasts until its end");
    let lines = vec![scenario.lines[first].number, scenario.lines[last].number];
    Variant { change, lines, is_part: false, scenario: leased }
}

/// The content that promises speak of.
fn promised(scenario: &Scenario) -> Vec<NodeName> {
    let mut nodes: Vec<NodeName> = Vec::new();
    for line in &scenario.lines {
        let Step::Always(promise) = &line.step else { continue };
        for node in &promise.holds.nodes {
            if node.kind == NodeKind::Content && !nodes.contains(node) {
                nodes.push(node.clone());
            }
        }
    }
    nodes
}

/// The protocol with a label more: what a line creates refers to content that is promised.
fn referring(scenario: &Scenario, at: usize, node: &NodeName) -> Option<Variant> {
    let line = &scenario.lines[at];
    let is_itself = match &line.step {
        Step::ContentPut { digest, .. } | Step::ContentCommit { digest, .. } => *digest == node.key,
        Step::ImageCreate { .. } | Step::SnapshotCommit { .. } => false,
        _ => return None,
    };
    let mut labelled = scenario.clone();
    let key = b"containerd.io/gc.ref.content.weakest".to_vec();
    let labels = labelled.lines[at].step.labels_mut()?;
    if is_itself || labels.as_slice().iter().any(|(_, value)| *value == node.key) {
        return None;
    }
    labels.insert(key, node.key.clone());
    let change = format!("with a label gc.ref.content that refers to {}", print_node(node));
    Some(Variant { change, lines: vec![line.number], is_part: false, scenario: labelled })
}
