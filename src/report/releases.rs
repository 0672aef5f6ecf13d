//! What differs between two releases: for one database, and over generated ones.

use super::collect::{dying, write_culprits, write_dying};
use super::shell::quoted;
use super::{Interrupted, Show};
use crate::bucket::json;
use crate::diff::campaign::{Example, Plan, Tally};
use crate::diff::{
    Aspect, Class, Comparison, Difference, Effect, EndsDiffer, Errors, Fate, Named, Pair, compare, scenario,
};
use crate::engine::Culprit;
use crate::node::NodeRef;
use crate::reason::{Reasons, Words};
use crate::release::Release;
use crate::scenario::{alias, print, print_node_cut};
use crate::schema::{time, views};
use crate::situation::Situation;
use crate::text;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How many nodes of a class are listed for people.
const LISTED_MAX: usize = 20;

/// A comparison to be shown.
pub struct Report<'a> {
    /// What was found.
    pub comparison: &'a Comparison<'a>,
    /// What was said on standard error.
    pub warnings: &'a [String],
}

impl Report<'_> {
    fn releases(&self) -> [Release; 2] {
        let pair = self.comparison.pair;
        [pair.from.release, pair.to.release]
    }

    fn failing(&self) -> Vec<Release> {
        let Errors { from, to, .. } = &self.comparison.errors;
        let ends = self.releases().into_iter().zip([from, to]);
        ends.filter(|(_, error)| error.is_some()).map(|(release, _)| release).collect()
    }

    fn write_errors(&self, out: &mut dyn Write) -> io::Result<()> {
        let ([from, to], comparison) = (self.releases(), self.comparison);
        let Errors { from: from_error, to: to_error, class, culprits } = &comparison.errors;
        match (class, from_error) {
            (None, None) => {}
            (None, Some(error)) => {
                let error = alias::in_name(error.as_bytes());
                writeln!(out, "\nBoth collections fail and remove nothing: {error}")?;
            }
            (Some(class), _) => {
                write_class(out, *class)?;
                for (release, error) in [(from, from_error), (to, to_error)] {
                    let ends =
                        error.as_ref().map(|error| format!("fails: {}", alias::in_name(error.as_bytes())));
                    writeln!(out, "  {release}: the collection {}", ends.as_deref().unwrap_or("succeeds"))?;
                }
            }
        }
        // Mostly both stumble over the same.
        let sides = [&comparison.pair.from, &comparison.pair.to];
        let failing = sides.into_iter().zip(culprits).find(|(_, culprits)| !culprits.is_empty());
        if let Some((side, culprits)) = failing {
            write_culprits(out, side, culprits)?;
        }
        write_dying(out, &self.failing())?;
        for ends in &comparison.ends {
            write_class(out, ends.class)?;
            let EndsDiffer { kind, from: old, to: new, .. } = ends;
            writeln!(
                out,
                "  the failed collection ends for the collector {kind} with: {from} {old}, {to} {new}"
            )?;
        }
        Ok(())
    }

    fn write_summary(&self, out: &mut dyn Write) -> io::Result<()> {
        let ([from, to], comparison) = (self.releases(), self.comparison);
        let counted = |effect| text::counted(comparison.count(effect) as u64, "resource");
        if comparison.count(Effect::Kept) > 0 {
            writeln!(out, "{} that {from} would remove {to} keeps.", counted(Effect::Kept))?;
        }
        if comparison.count(Effect::Alike) > 0 {
            let count = counted(Effect::Alike);
            writeln!(out, "{count} that both keep, each for a reason of its own.")?;
        }
        match comparison.count(Effect::Removed) {
            0 if comparison.newly_fails() => {
                writeln!(out, "Nothing that {from} keeps would be removed by {to}: its collection fails.")
            }
            0 => {
                writeln!(out, "Nothing that {from} keeps would be removed by {to}.")?;
                let errors = &comparison.errors;
                if !comparison.differences.is_empty() || errors.from.is_some() || errors.to.is_some() {
                    return Ok(());
                }
                let same = text::counted(comparison.unchanged as u64, "resource");
                writeln!(
                    out,
                    "Nor is there anything that {to} keeps and {from} would remove: both do the same with {same}."
                )
            }
            _ => writeln!(out, "{} that {from} keeps would be removed by {to}.", counted(Effect::Removed)),
        }
    }
}

impl Show for Report<'_> {
    /// The object of `diff SOURCE --json`.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let ([from, to], comparison) = (self.releases(), self.comparison);
        let differences = comparison.differences.iter().map(|difference| {
            json!({
                "kind": difference.node.kind.to_string(),
                "namespace": json::encode(&difference.node.namespace),
                "key": json::encode(&difference.node.key),
                "effect": effect_name(difference.effect),
                "class": difference.class.name(),
                "from": json_fate(&comparison.pair.from, difference, &difference.from),
                "to": json_fate(&comparison.pair.to, difference, &difference.to),
            })
        });
        let ends = comparison.ends.iter().map(|ends| {
            let (class, kind) = (ends.class.name(), ends.kind.to_string());
            json!({"class": class, "collector": kind, "from": ends.from.to_string(), "to": ends.to.to_string()})
        });
        let Errors { from: from_error, to: to_error, class, culprits } = &comparison.errors;
        let named = |(release, culprits): (Release, &Vec<Culprit>)| -> Vec<String> {
            culprits.iter().map(|culprit| text::node(release, culprit.node.as_ref())).collect()
        };
        let named: Vec<_> = [from, to].into_iter().zip(culprits).map(named).collect();
        let dies = dying(&self.failing());
        let has_failed = from_error.is_some() || to_error.is_some();
        let errors =
            has_failed.then(|| json!({"class": class.map(Class::name), "from": from_error, "to": to_error, "culprits": named, "dies": dies}));
        let report = json!({
            "from": from.name(),
            "to": to.name(),
            "now": time::format_rfc3339_nano(comparison.pair.from.now),
            "removed": comparison.count(Effect::Removed),
            "kept": comparison.count(Effect::Kept),
            "alike": comparison.count(Effect::Alike),
            "differences": differences.collect::<Vec<_>>(),
            "errors": errors,
            "ends": ends.collect::<Vec<_>>(),
            "unchanged": comparison.unchanged,
            "disagreements": comparison.disagreements,
            "warnings": self.warnings,
        });
        writeln!(out, "{report}")
    }

    /// The report for people: the nodes by the rule that differs, each with both reasons; last whether anything that
    /// is kept today would be removed.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let ([from, to], comparison) = (self.releases(), self.comparison);
        let now = time::format_rfc3339_nano(comparison.pair.from.now);
        writeln!(out, "A collection by containerd {to} instead of {from} at {now}")?;
        self.write_errors(out)?;
        let mut classes: BTreeMap<Class, Vec<&Difference<'_>>> = BTreeMap::new();
        for difference in &comparison.differences {
            classes.entry(difference.class).or_default().push(difference);
        }
        for (class, differences) in &classes {
            write_class(out, *class)?;
            write_differences(out, comparison.pair, differences, Reasons::First)?;
        }
        for disagreement in &comparison.disagreements {
            writeln!(out, "\n{}: {disagreement}", Class::Unexplained)?;
        }
        writeln!(out)?;
        self.write_summary(out)
    }
}

fn write_class(out: &mut dyn Write, class: Class) -> io::Result<()> {
    let since = class.since().map(|since| format!(" (from {since})")).unwrap_or_default();
    // Of 1.7.0-beta.1's defect the sentence itself says where it is.
    let since = if class == Class::SharedLoopVariable { String::new() } else { since };
    writeln!(out, "\n{class}: {}{since}", class.sentence())
}

fn write_differences(
    out: &mut dyn Write,
    pair: &Pair,
    differences: &[&Difference<'_>],
    reasons: Reasons,
) -> io::Result<()> {
    let row = |difference: &&Difference<'_>| {
        let verb = match difference.effect {
            Effect::Removed => "  removed",
            Effect::Kept => "  kept",
            Effect::Alike => "  alike",
        };
        let reason = |side: &Situation, fate| {
            let told = fate_in_words(side, difference, fate, reasons).replace('\n', "; ");
            format!("{}: {told}", side.release)
        };
        let (from, to) = (reason(&pair.from, &difference.from), reason(&pair.to, &difference.to));
        let name = difference.node.in_steps();
        let slash = views::snapshot_slash(&pair.from.tree, &difference.node.namespace, &name.key);
        [verb.to_owned(), print_node_cut(&name, slash), from, to]
    };
    let rows: Vec<[String; 4]> = differences.iter().take(LISTED_MAX).map(row).collect();
    text::write_columns(out, &rows, &[false; 4])?;
    let has_more = |difference: &&Difference<'_>| {
        [&difference.from, &difference.to].into_iter().any(|fate| match fate {
            Fate::Removed(failures) | Fate::Spared(failures) => failures.len() > 1,
            Fate::Kept(_) | Fate::NotSwept => false,
        })
    };
    if reasons == Reasons::First && differences.iter().take(LISTED_MAX).copied().any(|it| has_more(&it)) {
        writeln!(out, "  where there are more reasons, --json lists them all")?;
    }
    match differences.len().checked_sub(LISTED_MAX) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(out, "  ... and {} more: --json lists them all", text::count(more as u64)),
    }
}

/// A campaign to be shown.
pub struct CasesReport<'a> {
    /// What was to be compared.
    pub plan: &'a Plan,
    /// What came of it.
    pub tally: &'a Tally,
    /// An example of each class.
    pub examples: &'a BTreeMap<Class, Example>,
    /// How far it came, if it was interrupted.
    pub interrupted: Option<Interrupted>,
}

impl Show for CasesReport<'_> {
    /// The object of `diff --cases --json`: the same bytes for the same campaign on any machine.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let CasesReport { plan, tally, examples, interrupted } = self;
        let classes = tally.classes.iter().map(|(class, found)| {
            let aspects: serde_json::Map<String, Value> = aspects(tally, *class)
                .map(|(aspect, count)| (aspect_name(aspect).to_owned(), json!(count)))
                .collect();
            let example = examples.get(class).map(|example| {
                json!({
                    "case": example.number,
                    "shows": aspect_name(example.aspect),
                    "scenario": print(&scenario(*class, example)),
                })
            });
            json!({
                "class": class.name(),
                "since": class.since().map(Release::name),
                "cases": found.count,
                "shows": aspects,
                "example": example,
            })
        });
        let mut report = json!({
            "seed": plan.seed.text(),
            "from": plan.from.name(),
            "to": plan.to.name(),
            "cases": tally.cases,
            "differing": tally.differing,
            "unopenable": tally.unopenable,
            "classes": classes.collect::<Vec<_>>(),
        });
        Interrupted::add_to(*interrupted, &mut report);
        writeln!(out, "{report}")
    }

    /// The report for people: each class with its counts and its example as a scenario.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let CasesReport { plan, tally, examples, interrupted } = self;
        let Plan { from, to, .. } = plan;
        let (seed, cases) = (plan.seed.text(), text::counted(tally.cases, "case"));
        let (differing, differ) =
            (text::count(tally.differing), if tally.differing == 1 { "differs" } else { "differ" });
        writeln!(out, "containerd {from} and {to}, seed {seed:?}: {differing} of {cases} {differ}")?;
        if tally.unopenable > 0 {
            let cases = text::counted(tally.unopenable, "case");
            writeln!(out, "{cases} not compared: databases that a daemon does not open")?;
        }
        for class in tally.classes.keys() {
            write_class(out, *class)?;
            writeln!(out, "  {}", counts(plan, tally, *class))?;
            if let Some(example) = examples.get(class) {
                write_example(out, *class, example)?;
            }
        }
        writeln!(out)?;
        match tally.classes.len() {
            0 => writeln!(out, "no difference"),
            _ if tally.is_unexplained() => {
                let number = examples.get(&Class::Unexplained).map(|example| example.number);
                let cases = number.map_or(plan.cases, |number| number + 1);
                writeln!(out, "UNEXPLAINED differences")?;
                writeln!(
                    out,
                    "again: leasehold diff --seed {} --cases {cases} --from {from} --to {to}",
                    quoted(seed)
                )
            }
            1 => writeln!(out, "1 class of difference, explained"),
            count => writeln!(out, "{count} classes of difference, all explained"),
        }?;
        Interrupted::write(*interrupted, out)
    }
}

/// Where a class shows, and how often.
fn aspects(tally: &Tally, class: Class) -> impl Iterator<Item = (Aspect, u64)> {
    let own = tally.shown.iter().filter(move |((other, _), _)| *other == class);
    own.map(|((_, aspect), count)| (*aspect, *count))
}

fn counts(plan: &Plan, tally: &Tally, class: Class) -> String {
    let Plan { from, to, .. } = plan;
    let aspects = aspects(tally, class).map(|(aspect, count)| {
        let collectors = text::counted(count, "collector");
        let count = text::count(count);
        match aspect {
            Aspect::Node(Effect::Removed) => format!("{count} kept by {from} and removed by {to}"),
            Aspect::Node(Effect::Kept) => format!("{count} removed by {from} and kept by {to}"),
            Aspect::Node(Effect::Alike) => format!("{count} kept by both, each for a reason of its own"),
            Aspect::Errors => format!("{count} with another error"),
            Aspect::Ends => format!("{collectors} with another last call"),
            Aspect::Disagreement => format!("{count} where collector and oracle disagree"),
        }
    });
    let cases = tally.classes.get(&class).map_or(0, |found| found.count);
    format!("{}: {}", text::counted(cases, "case"), aspects.collect::<Vec<_>>().join(", "))
}

/// Both reasons, then the scenario.
fn write_example(out: &mut dyn Write, class: Class, example: &Example) -> io::Result<()> {
    let comparison = compare(&example.pair);
    let differences: Vec<&Difference<'_>> =
        comparison.differences.iter().filter(|difference| difference.class == class).collect();
    write_differences(out, &example.pair, &differences, Reasons::All)?;
    for disagreement in &comparison.disagreements {
        writeln!(out, "  {disagreement}")?;
    }
    writeln!(out, "  case {}, made small:", example.number)?;
    for line in print(&scenario(class, example)).lines() {
        match line {
            "" => writeln!(out)?,
            line => writeln!(out, "    {line}")?,
        }
    }
    Ok(())
}

fn effect_name(effect: Effect) -> &'static str {
    match effect {
        Effect::Removed => "removed",
        Effect::Kept => "kept",
        Effect::Alike => "alike",
    }
}

fn aspect_name(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Node(effect) => effect_name(effect),
        Aspect::Errors => "errors",
        Aspect::Ends => "ends",
        Aspect::Disagreement => "disagreements",
    }
}

fn json_fate(side: &Situation, difference: &Difference<'_>, fate: &Fate<'_>) -> Value {
    let name = match fate {
        Fate::Kept(_) => "kept",
        Fate::Removed(_) => "removed",
        Fate::Spared(_) => "spared",
        Fate::NotSwept => "not-swept",
    };
    let reason = fate_in_words(side, difference, fate, Reasons::First);
    let every = match fate {
        Fate::Spared(failures) => Fate::Removed(failures.clone()),
        fate => fate.clone(),
    };
    let every = fate_in_words(side, difference, &every, Reasons::All);
    json!({"fate": name, "reason": reason, "reasons": every.lines().collect::<Vec<_>>()})
}

/// What a release does with a node, and why.
fn fate_in_words(side: &Situation, difference: &Difference<'_>, fate: &Fate<'_>, reasons: Reasons) -> String {
    // Several namespaces stand in one list, so each is written out.
    let words = Words { release: side.release, tree: &side.tree, namespace: b"" };
    let Named { kind, namespace, key } = &difference.node;
    let Some(resource_type) = side.release.type_of(*kind) else {
        return format!("stays, not swept by {}", side.release);
    };
    let node = NodeRef { resource_type, namespace, key };
    match fate {
        Fate::Kept(reason) => words.reason(NodeRef { resource_type: reason.reached_as, ..node }, reason),
        Fate::Removed(failures) if reasons == Reasons::First => words.failures(node, failures),
        Fate::Removed(failures) => words.failures_told(node, failures, reasons),
        Fate::Spared(failures) => {
            let told = words.failures_told(node, failures, reasons);
            format!("stays, as the collection fails ({told})")
        }
        Fate::NotSwept => format!("stays, not swept by {}", side.release),
    }
}
