//! `leasehold diff`: what two releases do with one database, or with generated ones; what became of a database.

use super::notes::Notes;
use super::source::{self, Look};
use super::values::{self, Now};
use super::{Ended, Failure, copies, interrupt, progress, version};
use crate::diff::{Pair, Unopenable, campaign, compare};
use crate::generate::seed::Seed;
use crate::go::Go;
use crate::release::Release;
use crate::report::Show as _;
use crate::report::releases::{CasesReport, Report};
use crate::text;
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tell what an upgrade or a downgrade of containerd would change, or what became of a database
///
/// Compares a collection by --from with one by --to: what one keeps and the other removes, each with both reasons,
/// grouped by the rule that differs. The database is only read; it is judged as each daemon has it after opening it.
/// With --cases generated databases are compared, and each kind of difference is shown with one small example.
///
/// Given two copies of one database, BEFORE and AFTER, by the rules of one release: what came, what went and why, what is
/// held by another than before, what goes now, and which records differ.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 nothing that --from keeps would be removed by --to, 1 something would, or a \
collection fails, or one of the daemons does not open the database, or a difference that no known rule explains (with --cases only the last); of two copies 0 nothing went that is \
needed, 1 something did, or AFTER's collection fails; 2 usage, 3 an input that cannot be read or an output that cannot be written.

Of two copies: `LOST` went although something that is kept in AFTER still refers to it (pull the image again, or delete what \
names it); `went` was removed by a collection, as its reason says, or was let go of, or deleted by a client; `came` is new; `moved` \
has no holder in common with before; `goes` was kept and is removed by the next collection; `changed` has other fields. Copies do \
not tell what happened between them: a collection explains what it would remove from BEFORE at --now, by default the moment at \
which the file AFTER was last written, so that what expired since does not count; what expired after all that the records of both \
tell may as well have been deleted by a client before, and that is said. A copy that was made while \
a daemon wrote is not safe to read: stop the daemon, or read the live file.

--json counts the resources: `removed` (only --to removes them), `kept` (only --from does), `alike` (both keep them, each \
for a reason of its own; these three are in `differences`, with all `reasons` of both), and `unchanged`, all others. `warnings` has what standard error \
says. Where a daemon does not open the database there are only `unopenable`, with its `release` and the `error`, and \
`warnings`. Of two copies: `came` (`after`: what holds it), `went` (`why`: collected, collected-or-deleted, let-go with what held it as `before`, deleted, lost \
with what refers to it as `after`; `reason` in words), `moved` (`before` and `after`), `goes` (`reason`), `changed` (`fields` as \
paths below the record), each a list of objects with `node` and `bytes`; `errors` of both collections, and `unchanged`. A name that is no UTF-8, has a control character, or begins so itself, is written as \"base64:...\".

Examples:
  leasehold diff /var/lib/containerd --from 1.7 --to 2.1
  leasehold diff meta.db --from 2.2 --to 2.1 --now 2026-01-31T12:00:00Z       a downgrade
  leasehold diff --cases 100000 --from 1.7 --to 2.0
  leasehold diff monday.db tuesday.db
  leasehold diff before.scenario after.scenario --release 2.1 --json | jq '.went[] | select(.why == \"lost\").node'"
)]
pub(super) struct Arguments {
    /// A meta.db, containerd's root folder, or a scenario file
    #[arg(value_name = "SOURCE", conflicts_with = "cases")]
    source: Option<PathBuf>,
    /// A later copy of the same: tell what became of it instead
    #[arg(value_name = "AFTER")]
    after: Option<PathBuf>,
    /// The release that runs today
    #[arg(long, value_name = "RELEASE", value_parser = Release::parse, conflicts_with = "after")]
    from: Option<Release>,
    /// The release that takes over
    #[arg(long, value_name = "RELEASE", value_parser = Release::parse, conflicts_with = "after")]
    to: Option<Release>,
    /// By whose rules two copies are compared; default: by the later one's version, or a scenario's
    #[arg(long, value_name = "RELEASE", value_parser = Release::parse, conflicts_with_all = ["from", "to", "cases"])]
    release: Option<Release>,
    /// Collect as if it were this time: 2026-01-31T12:00:00Z, or +24h or -90m from now; default: now, a scenario's
    /// clock, or of two copies when AFTER was last written
    #[arg(long, value_name = "TIME", value_parser = Now::parse, allow_hyphen_values = true, conflicts_with = "cases")]
    now: Option<Now>,
    /// What the daemon was built with, where that matters (1.6 and 1.7): Go up to 1.19 reads more texts as times.
    /// Where nothing is said, such texts are warned of
    #[arg(long, value_name = "GO", value_parser = Go::parse, conflicts_with = "cases")]
    go: Option<Go>,
    /// Try so long to read a database that a daemon writes to [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = values::parse_duration, allow_hyphen_values = true, conflicts_with = "cases")]
    wait: Option<Duration>,
    /// Compare so many generated databases instead
    #[arg(long, value_name = "N", value_parser = values::parse_cases, allow_negative_numbers = true)]
    cases: Option<u64>,
    /// The seed of the generated databases: any text of 1 to 64 bytes
    #[arg(long, default_value = "leasehold", value_parser = Seed::parse, conflicts_with = "source")]
    seed: Seed,
    /// One JSON object instead of the report
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Whether generated databases are compared, until ^C.
    pub(super) fn is_campaign(&self) -> bool {
        self.cases.is_some()
    }
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let Arguments { from, to, cases, .. } = *arguments;
    if let (Some(before), Some(after)) = (&arguments.source, &arguments.after) {
        let Arguments { now, release, go, wait, json, .. } = *arguments;
        return copies::compare([before, after], &Look { now, release, go, wait }, json, out);
    }
    let (Some(from), Some(to)) = (from, to) else {
        return Err(Failure::Usage(what_to_compare(arguments)));
    };
    if from == to {
        let same = format!("--from and --to are both by the rules of {from}: there is nothing to compare");
        return Err(Failure::Usage(same));
    }
    match (&arguments.source, cases) {
        (Some(path), _) => compare_source(arguments, path, [from, to], out),
        (None, Some(cases)) => compare_cases(arguments, cases, [from, to], out),
        (None, None) => Err(Failure::Usage(what_to_compare(arguments))),
    }
}

/// What is lacking before there is anything to compare.
fn what_to_compare(arguments: &Arguments) -> String {
    let lacking = match arguments {
        Arguments { source: Some(_), release: Some(_), .. } => {
            "--release is for two copies, and AFTER is missing"
        }
        Arguments { source: Some(_), from: None, to: None, .. } => "one SOURCE alone is nothing to compare",
        Arguments { from: None, .. } => "--from RELEASE is missing",
        Arguments { to: None, .. } => "--to RELEASE is missing",
        _ => "SOURCE is missing",
    };
    format!(
        "{lacking}: give one SOURCE and two releases (--from 1.7 --to 2.1), two copies of a database (BEFORE AFTER), or --cases N and two releases"
    )
}

fn compare_source(
    arguments: &Arguments,
    path: &Path,
    [from, to]: [Release; 2],
    out: &mut dyn Write,
) -> Result<Ended, Failure> {
    let go = arguments.go;
    values::go_of(go, &[from, to])?;
    let mut notes = Notes::default();
    let situation = source::read(
        path,
        (!source::is_scenario(path)).then_some(from),
        arguments.now,
        go,
        arguments.wait,
        &mut notes,
    )?;
    let may_be_earlier = [from, to].into_iter().any(|release| Go::UpTo1_19.may_build(release));
    if go.is_none() && may_be_earlier && !source::is_scenario(path) {
        source::warn_of_times(&situation, &mut notes);
    }
    if source::is_scenario(path) {
        version::warn_of_rules(&[from, to], &mut notes);
    } else {
        version::warn(&situation.tree, &[from, to], true, &mut notes);
    }
    let comparing = progress::doing("comparing");
    // A daemon that does not start is what people ask for, and no fault of the input.
    let pair = match Pair::new(&situation, from, to) {
        Ok(pair) => pair,
        Err(unopenable) => {
            comparing.finish_and_clear();
            write_unopenable(arguments, [from, to], path, &unopenable, &notes, out)?;
            return Ok(Ended::WithFinding);
        }
    };
    let comparison = compare(&pair);
    comparing.finish_and_clear();
    let report = Report { comparison: &comparison, warnings: &notes.said };
    report.write(arguments.json, out)?;
    Ok(if comparison.is_finding() { Ended::WithFinding } else { Ended::Well })
}

/// Says which daemon does not open the database, and why.
fn write_unopenable(
    arguments: &Arguments,
    [from, to]: [Release; 2],
    path: &Path,
    unopenable: &Unopenable,
    notes: &Notes,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Unopenable { release, error } = unopenable;
    if arguments.json {
        let report = json!({
            "from": from.name(),
            "to": to.name(),
            "unopenable": {"release": release.name(), "error": text::line(error.to_string())},
            "warnings": notes.said,
        });
        return writeln!(out, "{report}");
    }
    writeln!(out, "{}: {}: nothing can be compared", text::path(path), text::line(unopenable.to_string()))
}

fn compare_cases(
    arguments: &Arguments,
    cases: u64,
    [from, to]: [Release; 2],
    out: &mut dyn Write,
) -> Result<Ended, Failure> {
    version::warn_of_rules(&[from, to], &mut Notes::default());
    let plan = campaign::Plan { seed: arguments.seed.clone(), cases, from, to };
    let progress = progress::bar(Some(cases), "cases");
    let stop = interrupt::stop();
    let tally = campaign::run(&plan, &stop, &|cases| progress.inc(cases));
    progress.finish_and_clear();
    let interrupted = interrupt::interrupted(&stop, tally.cases, Some(cases), "case");
    let examples = campaign::examples(&plan, &tally);
    let report = CasesReport { plan: &plan, tally: &tally, examples: &examples, interrupted };
    report.write(arguments.json, out)?;
    if tally.unopenable == cases {
        let none =
            "nothing was compared: none of these databases opens under both releases; give more --cases";
        return Err(Failure::Usage(none.to_owned()));
    }
    Ok(Ended::campaign(tally.is_unexplained(), interrupted))
}
