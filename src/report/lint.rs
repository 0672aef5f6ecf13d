//! What is wrong with a database.

use super::Show;
use super::saying::JsonNode;
use super::shell;
use crate::bucket::json;
use crate::instant::Instant;
use crate::lint::{Command, Counts, Finding, Lint, Object, Severity};
use crate::release::Release;
use crate::scenario::alias;
use crate::schema::time;
use crate::text;
use serde::Serialize;
use std::io::{self, Write};

/// How many findings of a sort are told to people.
const SHOWN_MAX: usize = 10;

/// All that was found.
pub struct Report<'a> {
    /// Whose rules count.
    pub release: Release,
    /// When it was asked.
    pub now: Instant,
    /// What standard error says beside.
    pub said: &'a [String],
    /// The findings, in order.
    pub findings: &'a [Finding],
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    lint: &'a str,
    severity: &'a str,
    node: JsonNode,
    text: &'a str,
    bytes: Option<u64>,
    releases: Vec<&'static str>,
    r#do: String,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    release: &'a str,
    now: String,
    findings: Vec<JsonFinding<'a>>,
    errors: usize,
    warnings: usize,
    notes: usize,
    said: &'a [String],
}

impl Report<'_> {
    fn json_node(&self, object: &Object) -> JsonNode {
        let [namespace, key] = [&object.namespace, &object.key].map(|bytes| json::encode(bytes).into_owned());
        let number = object.node_in(self.release).map(|node| node.resource_type.0);
        JsonNode { r#type: number, kind: object.subject.word(), namespace, key }
    }

    fn json_finding<'f>(&self, finding: &'f Finding) -> JsonFinding<'f> {
        JsonFinding {
            lint: finding.lint.name(),
            severity: finding.lint.severity().word(),
            node: self.json_node(&finding.object),
            text: &finding.text,
            bytes: finding.bytes,
            releases: finding.releases.iter().map(|release| release.name()).collect(),
            r#do: command(finding).unwrap_or_else(|| finding.lint.advice().to_owned()),
        }
    }

    /// The findings of one sort.
    fn write_sort(&self, lint: Lint, findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: {lint}: {}", lint.severity(), lint.sentence())?;
        let shown = &findings[..findings.len().min(SHOWN_MAX)];
        for finding in shown {
            let line = format!("  {}: {}", finding.object.name(), finding.text);
            writeln!(out, "{}", text::short_digests(&alias::in_text(&line)))?;
        }
        match findings.len() - shown.len() {
            0 => {}
            more => writeln!(out, "  ... and {} more: --json lists them all", text::count(more as u64))?,
        }
        if let Some(bytes) = bytes_of(findings).filter(|_| findings.len() > 1) {
            writeln!(out, "  {} in all", text::bytes(bytes))?;
        }
        writeln!(out, "  to do: {}", lint.advice())?;
        let mut commands: Vec<String> = shown.iter().filter_map(command).collect();
        commands.dedup();
        for command in commands {
            writeln!(out, "    {command}")?;
        }
        // Where they differ each says of which it speaks.
        let first = findings.first().map_or(&[][..], |finding| &finding.releases);
        let is_alike = findings.iter().all(|finding| finding.releases == first);
        if is_alike && first.len() < Release::ALL.len() {
            writeln!(out, "  only in {}", releases(first))?;
        }
        writeln!(out)
    }
}

/// What findings are about in all, where bytes are known.
fn bytes_of(findings: &[Finding]) -> Option<u64> {
    findings.iter().filter_map(|finding| finding.bytes).reduce(u64::saturating_add)
}

/// A finding's command, as a shell takes it.
fn command(finding: &Finding) -> Option<String> {
    let Command { namespace, words, names } = finding.command.as_ref()?;
    let [words, names] = [words, names].map(|all| all.iter().map(Vec::as_slice).collect::<Vec<_>>());
    Some(shell::ctr(namespace, &words, &names))
}

/// Releases as ranges: `all releases`, `2.2 to 2.4`, `1.6`.
fn releases(releases: &[Release]) -> String {
    if releases.len() == Release::ALL.len() {
        return "all releases".to_owned();
    }
    let ranges = Release::ALL.split(|release| !releases.contains(release)).filter(|range| !range.is_empty());
    let ranges = ranges.map(|range| match range {
        [one] => one.to_string(),
        [first, .., last] => format!("{first} to {last}"),
        [] => String::new(),
    });
    ranges.collect::<Vec<_>>().join(", ")
}

impl Show for Report<'_> {
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let Counts { errors, warnings, notes } = Counts::of(self.findings);
        let report = JsonReport {
            release: self.release.name(),
            now: time::format_rfc3339_nano(self.now),
            findings: self.findings.iter().map(|finding| self.json_finding(finding)).collect(),
            errors,
            warnings,
            notes,
            said: self.said,
        };
        serde_json::to_writer(&mut *out, &report)?;
        writeln!(out)
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for findings in self.findings.chunk_by(|left, right| left.lint == right.lint) {
            if let Some(first) = findings.first() {
                self.write_sort(first.lint, findings, out)?;
            }
        }
        let Counts { errors, warnings, notes } = Counts::of(self.findings);
        let [errors, warnings, notes] = [(errors, "error"), (warnings, "warning"), (notes, "note")]
            .map(|(number, thing)| text::counted(number as u64, thing));
        writeln!(out, "{errors}, {warnings}, {notes}")
    }
}

/// The table of all sorts of findings.
///
/// # Errors
/// The writer's.
pub fn write_list(out: &mut dyn Write) -> io::Result<()> {
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        for lint in Lint::ALL.iter().filter(|lint| lint.severity() == severity) {
            writeln!(out, "{severity}: {lint}, in {}", releases(&lint.releases()))?;
            writeln!(out, "  {}", lint.sentence())?;
            writeln!(out, "  to do: {}", lint.advice())?;
        }
    }
    Ok(())
}
