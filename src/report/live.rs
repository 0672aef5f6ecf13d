//! What a real daemon does otherwise, for people and machines.

use super::{Interrupted, Show};
use crate::campaign;
use crate::live::fit::Unable;
use crate::live::{Difference, Front, Live, Ran, Said};
use crate::properties::steps::refused as refused_by;
use crate::scenario::{Line, Scenario, Text, alias, print_line};
use crate::text;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What came of some scenarios.
#[derive(Clone, Default)]
pub struct Tally {
    /// How many.
    pub scenarios: u64,
    /// Steps that the daemon did.
    pub steps: u64,
    /// Collections that were compared.
    pub collections: u64,
    /// Steps that neither did.
    pub unable: BTreeMap<Unable, u64>,
    /// Steps of which a service did something else.
    pub in_front: BTreeMap<Front, u64>,
    /// Scenarios for whose expiries the machine was too slow.
    pub late: u64,
    /// How many scenarios differ.
    pub differ: u64,
    /// What differs: of each sort how many, and the first.
    pub found: BTreeMap<String, (u64, Found)>,
}

/// A scenario that a daemon does otherwise.
#[derive(Clone)]
pub struct Found {
    /// Where it is from.
    pub source: String,
    /// Its steps.
    pub lines: Vec<Line>,
    /// What differs.
    pub difference: Difference,
}

impl Tally {
    /// What came of one.
    pub fn of(source: String, lines: Vec<Line>, ran: Ran) -> Tally {
        let Ran { steps, collections, unable, in_front, is_late, difference } = ran;
        let found: BTreeMap<_, _> = difference
            .map(|difference| (difference.sort(&lines), (1, Found { source, lines, difference })))
            .into_iter()
            .collect();
        let (late, differ) = (u64::from(is_late), found.len() as u64);
        Tally { scenarios: 1, steps, collections, unable, in_front, late, differ, found }
    }
}

impl campaign::Tally for Tally {
    fn plus(mut self, later: Tally) -> Tally {
        self.scenarios += later.scenarios;
        self.steps += later.steps;
        self.collections += later.collections;
        for (unable, count) in later.unable {
            *self.unable.entry(unable).or_default() += count;
        }
        for (front, count) in later.in_front {
            *self.in_front.entry(front).or_default() += count;
        }
        self.late += later.late;
        self.differ += later.differ;
        for (sort, (count, first)) in later.found {
            self.found.entry(sort).or_insert((0, first)).0 += count;
        }
        self
    }
}

/// Scenarios that differ in one way.
pub struct Finding {
    /// How many.
    pub count: u64,
    /// The first, made small.
    pub found: Found,
    /// The small one, as a file.
    pub scenario: String,
    /// Where it was written.
    pub file: Option<String>,
}

/// The whole.
pub struct Report<'a> {
    /// Who was asked.
    pub live: &'a Live,
    /// What came of it.
    pub tally: &'a Tally,
    /// The findings, small.
    pub findings: &'a [Finding],
    /// How far it came, if it was interrupted.
    pub interrupted: Option<Interrupted>,
}

/// Differences of databases that are shown of one finding.
const SHOWN_MAX: usize = 8;

/// A finding as a scenario that can be run again.
pub fn scenario(found: &Found, live: &Live) -> Scenario {
    let mut head =
        vec![format!("containerd {} does otherwise than the rules of {}.", live.version, live.release)];
    head.push(format!("From {}.", found.source));
    head.extend(sentences(&found.difference));
    // What a step printed in the world says nothing of the daemon.
    let lines = found.lines.iter().map(|line| Line { expected: None, ..line.clone() }).collect();
    let head = head
        .iter()
        .flat_map(|line| line.lines())
        .flat_map(|line| Text::lines(&alias::in_line(line)))
        .collect();
    Scenario { head, release: live.release, lines, tail: Vec::new() }
}

fn sentences(difference: &Difference) -> Vec<String> {
    match &difference.said {
        Said::Refusal { ours, theirs } => {
            let ours =
                ours.as_ref().map_or_else(|| "done".to_owned(), |(_, message)| format!("refused: {message}"));
            let theirs = theirs.as_ref().map_or_else(
                || "done".to_owned(),
                |refused| {
                    let kind = refused
                        .kind
                        .map_or_else(|| "another kind".to_owned(), |kind| refused_by(kind).name().to_owned());
                    format!("refused ({kind}): {}", refused.message)
                },
            );
            vec![format!("ours: {ours}"), format!("containerd: {theirs}")]
        }
        Said::Backends { ours, theirs } => {
            let line = |who: &str, things: &[String]| {
                (!things.is_empty())
                    .then(|| format!("only {who} has behind its database: {}", things.join("; ")))
            };
            [line("ours", ours), line("containerd", theirs)].into_iter().flatten().collect()
        }
        Said::Databases(differs) => {
            let mut lines: Vec<String> = differs
                .iter()
                .take(SHOWN_MAX)
                .map(|differs| {
                    format!(
                        "{}: ours has {}, containerd {}",
                        path(&differs.path),
                        differs.ours,
                        differs.theirs
                    )
                })
                .collect();
            if differs.len() > SHOWN_MAX {
                lines.push(format!("and {} more", text::count((differs.len() - SHOWN_MAX) as u64)));
            }
            lines
        }
    }
}

fn path(keys: &[Vec<u8>]) -> String {
    keys.iter().map(|key| text::name(key)).collect::<Vec<_>>().join("/")
}

impl Show for Report<'_> {
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let left_out: Vec<Value> = self.tally.unable.iter().map(|(unable, steps)| {
            json!({"why": unable.name(), "sentence": unable.sentence(), "steps": steps})
        }).collect();
        let known: Vec<Value> = self
            .tally
            .in_front
            .iter()
            .map(|(front, steps)| json!({"what": front.name(), "sentence": front.sentence(), "steps": steps}))
            .collect();
        let findings: Vec<Value> = self.findings.iter().map(|Finding { count, found, scenario, file }| {
            let mut finding = json!({
                "scenarios": count,
                "source": found.source,
                "step": found.lines.get(found.difference.step).map(print_line),
                "file": file,
                "scenario": scenario,
            });
            match &found.difference.said {
                Said::Refusal { ours, theirs } => {
                    finding["ours"] = json!(ours.as_ref().map(|(_, message)| message));
                    finding["theirs"] = json!(theirs.as_ref().map(|refused| &refused.message));
                }
                Said::Backends { ours, theirs } => {
                    finding["ours"] = json!(ours);
                    finding["theirs"] = json!(theirs);
                }
                Said::Databases(differs) => {
                    let differs = differs.iter().map(|differs| {
                        json!({"path": path(&differs.path), "ours": differs.ours.to_string(), "theirs": differs.theirs.to_string()})
                    });
                    finding["databases"] = differs.collect();
                }
            }
            finding
        }).collect();
        let Tally { scenarios, steps, collections, late, differ, .. } = *self.tally;
        let mut report = json!({
            "containerd": self.live.version,
            "release": self.live.release.name(),
            "scenarios": scenarios,
            "steps": steps,
            "collections": collections,
            "left_out": left_out,
            "known": known,
            "alike": scenarios - differ - late,
            "late": late,
            "differ": differ,
            "findings": findings,
        });
        Interrupted::add_to(self.interrupted, &mut report);
        writeln!(out, "{report}")
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { live, tally, findings, interrupted } = *self;
        writeln!(out, "containerd {}, by the rules of {}", text::line(&live.version), live.release)?;
        for Finding { count, found, scenario, file } in findings {
            let differs = if *count == 1 {
                "differs".to_owned()
            } else {
                format!("{} differ, as", text::count(*count))
            };
            writeln!(out, "\n{differs}: {}", found.source)?;
            for line in scenario.lines() {
                writeln!(out, "  {}", alias::in_line(line))?;
            }
            if let Some(file) = file {
                writeln!(out, "written to {}", text::line(file))?;
            }
        }
        let (steps, collections) =
            (text::counted(tally.steps, "step"), text::counted(tally.collections, "collection"));
        writeln!(
            out,
            "\n{}: {steps} and {collections} compared",
            text::counted(tally.scenarios, "scenario")
        )?;
        if !tally.unable.is_empty() {
            writeln!(out, "left out on both sides:")?;
            let rows: Vec<[String; 2]> = tally
                .unable
                .iter()
                .map(|(unable, steps)| [text::count(*steps), unable.sentence().to_owned()])
                .collect();
            text::write_columns(out, &rows, &[true, false])?;
        }
        for (front, steps) in &tally.in_front {
            writeln!(out, "known, {}: {}", text::counted(*steps, "step"), front.sentence())?;
        }
        Interrupted::write(interrupted, out)?;
        let Tally { late, differ, .. } = *tally;
        if late > 0 {
            let late = text::counted(late, "scenario");
            writeln!(
                out,
                "not compared: {late}, as the machine was too slow for the moments that are waited for"
            )?;
        }
        writeln!(
            out,
            "{} alike, {} differ",
            text::count(tally.scenarios - differ - late),
            text::count(differ)
        )
    }
}
