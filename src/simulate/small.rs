//! A case made small while it still breaks the same property in the same way.
//!
//! A mark that is wrong of a node that does not exist tells little. Where a client could have made that node, the case is
//! first made worse by one step, so that something is lost, or left, in the end:
//!
//! ```text
//!   content put b gc.ref.content.0=@gone         content put b gc.ref.content.0=@gone
//!                                          ->    content put gone
//!   gc             gone is not marked            gc             gone was removed
//! ```

use super::run::{Broken, Mode, Sort, Thorough, run_for};
use crate::node::{Kind, Node, NodeRef};
use crate::oracle::judge;
use crate::properties::known::Known;
use crate::properties::panics::catching;
use crate::properties::property::{Property, When};
use crate::properties::steps::refused;
use crate::release::Release;
use crate::scenario::{Labels, Line, Name, NodeName, Outcome, Step, alias};
use crate::schema::views;
use crate::shrink::raw::creations;
use crate::shrink::{Shrunk, shrink};
use crate::world::{Fault, World};
use std::collections::BTreeSet;

/// A small case: its steps, the last one that which breaks the property, and what it breaks. What is refused is
/// marked so (`?`).
pub type Small = Shrunk<Vec<Line>, Broken>;

/// The case with everything left out that does not matter to a sort of finding, which it must show.
/// Where the sort costs nothing and the case, or the case with a step more, shows one that does, it shows that.
pub fn small(lines: Vec<Line>, release: Release, known: Known, sort: Sort, fault: Option<Fault>) -> Small {
    let thorough = match sort.property.when() {
        // Whatever is checked may panic.
        _ if sort.property == Property::Panic => Thorough::Always,
        When::Step | When::Promised | When::CleanUp | When::Each => Thorough::Never,
        When::SampledStep | When::Thorough => Thorough::Always,
    };
    let mode = Mode { release, known, thorough };
    let loss = Sort { is_loss: true, ..sort };
    let (lines, sort) = match worse(&lines, mode, sort, loss, fault) {
        Some(worse) => (worse, loss),
        None => (lines, sort),
    };
    let small = shrink(lines, u64::MAX, |mut lines| {
        let broken = run_for(&lines, mode, sort, fault)?;
        // Nothing behind that matters.
        lines.truncate(broken.line + 1);
        Some((lines, broken))
    });
    let small = small.expect("the case shows what it is shrunk for");
    Small { case: marked(small.case, release, fault), ..small }
}

/// A case that shows a loss: the given one, further on, or one with a step more.
fn worse(lines: &[Line], mode: Mode, sort: Sort, loss: Sort, fault: Option<Fault>) -> Option<Vec<Line>> {
    if sort.is_loss {
        return None;
    }
    let shows = |lines: &[Line]| run_for(lines, mode, loss, fault).is_some();
    if shows(lines) {
        return Some(lines.to_vec());
    }
    let at = run_for(lines, mode, sort, fault)?.line;
    let nodes = marked_wrongly(&lines[..=at], mode, fault);
    nodes.iter().flat_map(|node| with_node(lines, at, node, mode.release)).find(|lines| shows(lines))
}

/// The first nodes of which the last collection of some lines thinks otherwise than the oracle.
fn marked_wrongly(lines: &[Line], mode: Mode, fault: Option<Fault>) -> Vec<Node> {
    const NODES_MAX: usize = 16;
    let mut world = World::new(mode.release);
    let last = catching(|| lines.iter().filter_map(|line| world.apply_with(line, fault).collected).last());
    let Ok(Some(collected)) = last else { return Vec::new() };
    let judgement = judge(&collected.before, mode.known.defects);
    let marked = collected.outcome.marked().unwrap_or_default();
    let marked: BTreeSet<Node> = marked.into_iter().map(NodeRef::to_node).collect();
    let kept: BTreeSet<Node> = judgement.kept().into_iter().collect();
    marked.symmetric_difference(&kept).take(NODES_MAX).cloned().collect()
}

/// The lines with steps before one of them by which a client of its own makes a node, or a collector lists it, in several ways.
pub(crate) fn with_node(lines: &[Line], at: usize, node: &Node, release: Release) -> Vec<Vec<Line>> {
    let kind = release.kind_of(node.resource_type);
    let ways = match views::place_of(kind, &node.namespace, &node.key) {
        Some(place) => creations(place),
        None => {
            let listed =
                Step::CollectorList { collector: kind, nodes: vec![NodeName::of(release, node.as_ref())] };
            let declared = Step::CollectorDeclare { collector: kind, label: None };
            let mut ways = vec![vec![listed.clone()], vec![declared, listed]];
            // Where it is never listed it may still refer to what goes without it.
            if release.rules().collector_references {
                ways.push(with_reference(node, release, kind));
            }
            ways
        }
    };
    let clients: BTreeSet<&Name> = lines.iter().filter_map(|line| line.client.as_ref()).collect();
    let name = (0..).map(|number| format!("x{number}").into_bytes()).find(|name| !clients.contains(name));
    let name = name.unwrap_or_default();
    let namespace = Some(node.namespace.to_vec());
    let with = |steps: Vec<Step>| {
        let client = Step::Client { name: name.clone(), namespace: namespace.clone(), lease: None };
        let steps = steps.into_iter().map(|step| Line { client: Some(name.clone()), ..Line::new(step) });
        let mut more = lines.to_vec();
        more.splice(at..at, std::iter::once(Line::new(client)).chain(steps));
        more
    };
    ways.into_iter().map(with).collect()
}

/// Steps by which a node of a collector refers to content that nothing else keeps.
fn with_reference(node: &Node, release: Release, kind: Kind) -> Vec<Step> {
    let digest = alias::digest_of("referred").expect("letters");
    let to = NodeName::new(Some(node.namespace.to_vec()), Kind::Content, digest.clone());
    let from = NodeName::of(release, node.as_ref());
    vec![
        Step::ContentPut { digest, size: None, labels: Labels::new() },
        Step::CollectorReferences { collector: kind, from, to: vec![to] },
    ]
}

/// The lines with what is refused marked as such: by the daemon that may have a fault, or by one without, since both must
/// come as far as the last line. What becomes of that is said exactly, of the one without.
pub fn marked(mut lines: Vec<Line>, release: Release, fault: Option<Fault>) -> Vec<Line> {
    let (mut faulty, mut honest) = (World::new(release), World::new(release));
    let last = lines.len().saturating_sub(1);
    let guarded: BTreeSet<(Option<Name>, Name)> = lines
        .iter()
        .filter_map(|line| Some((line.client.clone(), line.guard.as_ref()?.word.clone())))
        .collect();
    for (at, line) in lines.iter_mut().enumerate() {
        let is_refused = catching(|| faulty.apply_with(line, fault).refused.is_some()).unwrap_or(false);
        let error = catching(|| honest.apply(line).refused).unwrap_or(None);
        line.outcome = match error {
            Some(error) if at == last && !line.step.prints() => Outcome::Refused(refused(error.kind)),
            None if at == last || !is_refused => Outcome::Accepted,
            _ => Outcome::Any,
        };
        // Of a step that says what must come of it nothing is remembered.
        let asks = |word: &Name| at < last && guarded.contains(&(line.client.clone(), word.clone()));
        if !matches!(line.step, Step::Look(_)) {
            match line.remembers.as_ref().is_some_and(asks) {
                true => line.outcome = Outcome::Any,
                false => line.remembers = None,
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine;
    use crate::oracle::Defect;
    use crate::properties::finding::Breach;
    use crate::scenario::{Scenario, parse, print, print_step};

    /// Only a step that may come out either way, or a look, says what is remembered by it.
    #[test]
    fn a_word_stays_where_a_guard_asks_for_it_and_the_rest_reads_back() {
        let text = "? content put x as mine\n? content put y as idle\nif mine content put z\n? content put x as last\ngc\n";
        let scenario = parse(text.as_bytes()).expect("a scenario");
        let lines = marked(scenario.lines.clone(), scenario.release, None);
        let printed = print(&Scenario { lines, ..scenario });
        let steps = "? content put x as mine\ncontent put y\nif mine content put z\ncontent put x\ngc\n";
        assert!(printed.ends_with(steps), "{printed}");
        parse(printed.as_bytes()).unwrap_or_else(|flaws| panic!("{flaws}"));
    }

    /// What is left of a case that shows no more than a wrong mark of a node that nobody made.
    fn small_of(text: &str, fault: engine::Fault) -> Small {
        let scenario = parse(text.as_bytes()).expect("a scenario");
        let (release, fault) = (scenario.release, Some(Fault::Collector(fault)));
        let known = Known::as_shipped(release);
        let sort = Sort { property: Property::Safety, known: Known::NONE, is_loss: false };
        small(scenario.lines, release, known, sort, fault)
    }

    #[test]
    fn a_mark_of_a_node_that_nobody_made_becomes_a_loss_by_a_step_more() {
        for (text, fault, made) in [
            (
                "release 2.4\nlease create l\ncollector declare stream\ncollector active stream stream/x1\n\
                 collector references stream stream/x1 content/d\ngc\n",
                engine::Fault::CollectorReferencesForgotten,
                "content put ",
            ),
            (
                "content put layer\nnamespace use other\ncontent open upload expect=layer\ngc\n",
                engine::Fault::IngestExpectedForgotten,
                "content put ",
            ),
            (
                "namespace use other\nlease create l\ncollector declare type-16\n\
                 collector leased type-16 other/type-16/x lease=l for=other\ngc\n",
                engine::Fault::LeasedForgotten,
                "collector list type-16 ",
            ),
        ] {
            let small = small_of(text, fault);
            let steps: Vec<String> = small.case.iter().map(|line| print_step(&line.step)).collect();
            assert!(small.seen.sort.is_loss, "{fault}: {steps:?}: {}", small.seen.finding);
            assert!(matches!(small.seen.finding.breach, Breach::Removed(_)), "{}", small.seen.finding);
            assert!(steps.iter().any(|step| step.starts_with(made)), "{fault}: {steps:?}");
        }
    }

    /// What a collector that does not start says of its resources is lost with it, and so is content that they refer to.
    #[test]
    fn a_collector_that_fails_to_start_loses_content() {
        let text = "release 2.4\ncollector declare stream label=content\nimage create i target=c gc.ref.content.0=@c\n\
                    collector fail stream start\ngc\n";
        let scenario = parse(text.as_bytes()).expect("a scenario");
        let sort = Sort {
            property: Property::Safety,
            known: Known {
                defects: [Defect::FailedStartLosesReferences].into_iter().collect(),
                ..Known::NONE
            },
            is_loss: false,
        };
        let small = small(scenario.lines, scenario.release, Known::NONE, sort, None);
        let steps: Vec<String> = small.case.iter().map(|line| print_step(&line.step)).collect();
        assert!(small.seen.sort.is_loss, "{steps:?}: {}", small.seen.finding);
        assert!(small.seen.finding.to_string().starts_with("content/"), "{}", small.seen.finding);
    }

    #[test]
    fn a_mark_of_what_nobody_can_make_stays_one() {
        let small = small_of(
            "release 2.1\nimage create i target=c\n\
             raw bucket v1/default/content/blob/@c/labels/\"containerd.io/gc.ref.content\"\ngc\n",
            engine::Fault::EmptyReferenceIgnored,
        );
        assert!(!small.seen.sort.is_loss, "{}", small.seen.finding);
    }
}
