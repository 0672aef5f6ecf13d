//! What differs between two releases: for one database, and over generated ones.

use super::text;
use crate::bucket::json;
use crate::diff::campaign::{Aspect, Example, Found, Plan, Tally};
use crate::diff::{Class, Comparison, Difference, Effect, Fate, compare, scenario};
use crate::node::{Node, NodeRef};
use crate::oracle::{By, End, Failure, Holder, Reason, Rule};
use crate::release::Release;
use crate::scenario::print;
use crate::schema::time;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How many nodes of a class are listed for people.
const LISTED_MAX: usize = 20;

/// A comparison to be shown.
pub struct Report<'a> {
    /// What was found.
    pub comparison: &'a Comparison<'a>,
}

impl Report<'_> {
    fn releases(&self) -> [Release; 2] {
        let pair = self.comparison.pair;
        [pair.from.release, pair.to.release]
    }

    /// The object of `diff SOURCE --json`.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let ([from, to], comparison) = (self.releases(), self.comparison);
        let differences = comparison.differences.iter().map(|difference| {
            json!({
                "kind": difference.kind.to_string(),
                "namespace": json::encode(&difference.namespace),
                "key": json::encode(&difference.key),
                "effect": effect_name(difference.effect),
                "class": difference.class.name(),
                "from": json_fate(from, &difference.from),
                "to": json_fate(to, &difference.to),
            })
        });
        let ends = comparison.ends.iter().map(|ends| {
            let (class, kind) = (ends.class.name(), ends.kind.to_string());
            json!({"class": class, "collector": kind, "from": end_name(ends.from), "to": end_name(ends.to)})
        });
        let errors = match (&comparison.errors, &comparison.common_error) {
            (Some(errors), _) => {
                json!({"class": errors.class.name(), "from": errors.from, "to": errors.to})
            }
            (None, Some(error)) => json!({"class": null, "from": error, "to": error}),
            (None, None) => Value::Null,
        };
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
            "disagreements": comparison.disagreements,
        });
        writeln!(out, "{report}")
    }

    /// The report for people: the nodes by the rule that differs, each with both reasons; last whether anything that
    /// is kept today would be removed.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
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
            write_differences(out, [from, to], differences)?;
        }
        for disagreement in &comparison.disagreements {
            writeln!(out, "\n{}: {disagreement}", Class::Unexplained)?;
        }
        writeln!(out)?;
        self.write_summary(out)
    }

    fn write_errors(&self, out: &mut dyn Write) -> io::Result<()> {
        let ([from, to], comparison) = (self.releases(), self.comparison);
        if let Some(error) = &comparison.common_error {
            writeln!(out, "\nBoth collections fail and remove nothing: {}", text::name(error.as_bytes()))?;
        }
        if let Some(errors) = &comparison.errors {
            write_class(out, errors.class)?;
            for (release, error) in [(from, &errors.from), (to, &errors.to)] {
                let ends = error.as_ref().map(|error| format!("fails: {}", text::name(error.as_bytes())));
                writeln!(out, "  {release}: the collection {}", ends.as_deref().unwrap_or("succeeds"))?;
            }
        }
        for ends in &comparison.ends {
            write_class(out, ends.class)?;
            let (kind, old, new) = (ends.kind, end_name(ends.from), end_name(ends.to));
            writeln!(
                out,
                "  the failed collection ends for the collector {kind} with: {from} {old}, {to} {new}"
            )?;
        }
        Ok(())
    }

    fn write_summary(&self, out: &mut dyn Write) -> io::Result<()> {
        let ([from, to], comparison) = (self.releases(), self.comparison);
        let counted = |effect| resources(comparison.count(effect));
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
            0 => writeln!(out, "Nothing that {from} keeps would be removed by {to}."),
            _ => writeln!(out, "{} that {from} keeps would be removed by {to}.", counted(Effect::Removed)),
        }
    }
}

fn resources(count: usize) -> String {
    let noun = if count == 1 { "resource" } else { "resources" };
    format!("{} {noun}", text::count(count as u64))
}

fn write_class(out: &mut dyn Write, class: Class) -> io::Result<()> {
    let since = class.since().map(|since| format!(" (from {since})")).unwrap_or_default();
    // Of the seed's defect the sentence itself says where it is.
    let since = if class == Class::SharedLoopVariable { String::new() } else { since };
    writeln!(out, "\n{class}: {}{since}", class.sentence())
}

fn write_differences(
    out: &mut dyn Write,
    [from, to]: [Release; 2],
    differences: &[&Difference<'_>],
) -> io::Result<()> {
    let row = |difference: &&Difference<'_>| {
        let Difference { kind, namespace, key, .. } = difference;
        let node = format!("{}/{kind}/{}", text::name(namespace), text::name(key));
        let verb = match difference.effect {
            Effect::Removed => "  removed",
            Effect::Kept => "  kept",
            Effect::Alike => "  alike",
        };
        let reason = |release, fate| format!("{release}: {}", fate_in_words(release, fate));
        [verb.to_owned(), node, reason(from, &difference.from), reason(to, &difference.to)]
    };
    let rows: Vec<[String; 4]> = differences.iter().take(LISTED_MAX).map(row).collect();
    text::write_columns(out, &rows, &[false; 4])?;
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
}

impl CasesReport<'_> {
    /// The object of `diff --cases --json`: the same bytes for the same campaign on any machine.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let CasesReport { plan, tally, examples } = self;
        let classes = tally.classes.iter().map(|(class, found)| {
            let aspects = found.aspects.iter();
            let aspects: serde_json::Map<String, Value> =
                aspects.map(|(aspect, count)| (aspect_name(*aspect).to_owned(), json!(count))).collect();
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
                "cases": found.cases,
                "shows": aspects,
                "example": example,
            })
        });
        let report = json!({
            "seed": plan.seed.text(),
            "from": plan.from.name(),
            "to": plan.to.name(),
            "cases": tally.cases,
            "differing": tally.differing,
            "unopenable": tally.unopenable,
            "classes": classes.collect::<Vec<_>>(),
        });
        writeln!(out, "{report}")
    }

    /// The report for people: each class with its counts and its example as a scenario.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let CasesReport { plan, tally, examples } = self;
        let Plan { from, to, .. } = plan;
        let (seed, cases) = (plan.seed.text(), text::count(tally.cases));
        let differing = text::count(tally.differing);
        writeln!(out, "containerd {from} and {to}, seed {seed:?}: {differing} of {cases} cases differ")?;
        if tally.unopenable > 0 {
            writeln!(
                out,
                "{} cases are databases that a daemon does not open",
                text::count(tally.unopenable)
            )?;
        }
        for (class, found) in &tally.classes {
            write_class(out, *class)?;
            writeln!(out, "  {}", counts(*from, *to, found))?;
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
                writeln!(out, "again: leasehold diff --seed {seed:?} --cases {cases} --from {from} --to {to}")
            }
            1 => writeln!(out, "1 class of difference, explained"),
            count => writeln!(out, "{count} classes of difference, all explained"),
        }
    }
}

fn counts(from: Release, to: Release, found: &Found) -> String {
    let aspects = found.aspects.iter().map(|(aspect, count)| {
        let count = text::count(*count);
        match aspect {
            Aspect::Node(Effect::Removed) => format!("{count} kept by {from} and removed by {to}"),
            Aspect::Node(Effect::Kept) => format!("{count} removed by {from} and kept by {to}"),
            Aspect::Node(Effect::Alike) => format!("{count} kept by both, each for a reason of its own"),
            Aspect::Errors => format!("{count} with another error"),
            Aspect::Ends => format!("{count} collectors with another last call"),
            Aspect::Disagreement => format!("{count} where collector and oracle disagree"),
        }
    });
    let noun = if found.cases == 1 { "case" } else { "cases" };
    format!("{} {noun}: {}", text::count(found.cases), aspects.collect::<Vec<_>>().join(", "))
}

/// Both reasons, then the scenario.
fn write_example(out: &mut dyn Write, class: Class, example: &Example) -> io::Result<()> {
    let comparison = compare(&example.pair);
    let differences: Vec<&Difference<'_>> =
        comparison.differences.iter().filter(|difference| difference.class == class).collect();
    write_differences(out, [example.pair.from.release, example.pair.to.release], &differences)?;
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

fn end_name(end: End) -> &'static str {
    match end {
        End::Finish => "finish",
        End::Cancel => "cancel",
        End::Nothing => "nothing",
    }
}

fn json_fate(release: Release, fate: &Fate<'_>) -> Value {
    let name = match fate {
        Fate::Kept(_) => "kept",
        Fate::Removed(_) => "removed",
        Fate::Spared(_) => "spared",
        Fate::NotSwept => "not-swept",
    };
    json!({"fate": name, "reason": fate_in_words(release, fate)})
}

/// What a release does with a node, and why.
fn fate_in_words(release: Release, fate: &Fate<'_>) -> String {
    match fate {
        Fate::Kept(reason) => reason_in_words(release, reason),
        Fate::Removed(failures) => failures_in_words(release, failures),
        Fate::Spared(failures) => {
            format!("stays, as the collection fails ({})", failures_in_words(release, failures))
        }
        Fate::NotSwept => format!("stays, not swept by {release}"),
    }
}

fn reason_in_words(release: Release, reason: &Reason<'_>) -> String {
    let flat = if release.is_flat(reason.reached_as) { ", flat" } else { "" };
    let object =
        |kind: &str, namespace, name| format!("{}/{kind}/{}", text::name(namespace), text::name(name));
    let verb = verb(reason.rule, reason.label);
    let words = match &reason.by {
        By::Root(Holder::Itself) => match reason.label {
            Some(label) => format!("pinned by {}", short_label(label)),
            None => reason.rule.name().to_owned(),
        },
        By::Root(Holder::Lease { namespace, id }) => format!("{} {verb}", object("lease", namespace, id)),
        By::Root(Holder::Image { namespace, name }) => format!("{} {verb}", object("image", namespace, name)),
        By::Root(Holder::Container { namespace, id }) => {
            format!("{} {verb}", object("container", namespace, id))
        }
        By::Root(Holder::Sandbox { namespace, id }) => format!("{} {verb}", object("sandbox", namespace, id)),
        By::Root(Holder::Collector { resource_type }) => {
            format!("collector {} has it in use", release.kind_of(*resource_type))
        }
        By::Node(by) => format!("{} {verb}", named(release, by)),
    };
    words + flat
}

fn failures_in_words(release: Release, failures: &[Failure<'_>]) -> String {
    match failures {
        [] => "nothing keeps it".to_owned(),
        [one] => failure_in_words(release, one),
        [first, rest @ ..] => format!("{}, and {} more", failure_in_words(release, first), rest.len()),
    }
}

fn failure_in_words(release: Release, failure: &Failure<'_>) -> String {
    let at = |at| time::format_rfc3339_nano(at);
    match failure {
        Failure::LeaseExpired { at: expiry }
        | Failure::ImageExpired { at: expiry }
        | Failure::IngestExpired { at: expiry } => format!("expired {}", at(*expiry)),
        Failure::HolderExpired { lease, at: expiry } => {
            format!("{} held it and expired {}", named(release, lease), at(*expiry))
        }
        Failure::IngestWithoutExpiry => "no expiry, and no lease holds it".to_owned(),
        Failure::IngestUndecodable { error } => format!("its expiry does not decode: {error}"),
        Failure::ConditionUnmet { by, label } => {
            format!("the condition of {} does not hold ({})", named(release, by), short_label(label))
        }
        Failure::ParentMissing { by, .. } => {
            format!("it refers back to {}, which does not exist", named(release, by))
        }
        Failure::ReferrerRemoved { by, rule, label } => {
            format!("{} {} and is not kept", named(release, by), verb(*rule, *label))
        }
        Failure::ReferrerNotFull { by, rule, label } => {
            format!("{} {}, but is only held flat", named(release, by), verb(*rule, *label))
        }
        Failure::ListedWithType { resource_type } => {
            format!("kept, but listed as type {}, which is never found marked", resource_type.0)
        }
    }
}

/// What a holder or a referring node does by a rule.
fn verb(rule: Rule, label: Option<&[u8]>) -> String {
    let by = label.map(|label| format!(" by {}", short_label(label))).unwrap_or_default();
    match rule {
        Rule::Target => "targets it".to_owned(),
        Rule::ContainerSnapshot => "runs on it".to_owned(),
        Rule::Parent => "stands on it".to_owned(),
        Rule::Expected => "is to become it".to_owned(),
        Rule::LeaseHolds | Rule::CollectorLeased => "holds it".to_owned(),
        Rule::BackReference | Rule::CollectorBackReference => format!("takes it along{by}"),
        Rule::LiveLease
        | Rule::UnexpiredImage
        | Rule::ActiveIngest
        | Rule::RootLabel
        | Rule::Container
        | Rule::CollectorActive
        | Rule::ContentLabel
        | Rule::SnapshotLabel
        | Rule::ImageLabel
        | Rule::CollectorLabel
        | Rule::Condition
        | Rule::CollectorReference => format!("refers to it{by}"),
    }
}

/// A node by its kind, however it is reached.
fn named(release: Release, node: &Node) -> String {
    let NodeRef { namespace, key, .. } = node.as_ref();
    format!("{}/{}/{}", text::name(namespace), release.kind_of(node.resource_type), text::name(key))
}

/// A label without what all of them begin with.
fn short_label(label: &[u8]) -> String {
    text::name(label.strip_prefix(b"containerd.io/").unwrap_or(label))
}
