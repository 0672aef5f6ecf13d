//! Answers that were wrong, or were not given: what a signal ends, what copies do not tell, what a reason is.

use super::program::{folder, leasehold_in, said, text};
use leasehold::bucket::{Bucket, bolt};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

const FIRST: &str =
    "release 2.1\ncontent put held\nlease create pull expire=+1h\nlease add pull content/held\n";

/// Two copies as databases, AFTER with a time of its own as `cp` gives it.
fn copied(after: &str, seconds: u64) -> (TempDir, [String; 2]) {
    let here = folder(&[("before.scenario", FIRST), ("after.scenario", &(FIRST.to_owned() + after))]);
    let paths = ["before", "after"].map(|name| {
        let made = leasehold_in(here.path(), &["export", &format!("{name}.scenario"), &format!("{name}.db")]);
        assert!(made.status.success(), "{}", said(&made));
        here.path().join(format!("{name}.db")).display().to_string()
    });
    // The clock at which scenarios begin.
    let at = std::time::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + seconds);
    let file = fs::File::options().append(true).open(&paths[1]).expect("a copy");
    file.set_modified(at).expect("a time that can be set");
    (here, paths)
}

/// The time of a file is that of its copying: what expired since the last record may have been deleted before.
#[test]
fn what_expired_after_the_last_record_of_a_copy_may_have_been_deleted_by_a_client() {
    const LONG_AFTER: u64 = 3 * 3600;
    let (here, [before, after]) = copied("lease delete pull sync\n", LONG_AFTER);
    let told = text(&leasehold_in(here.path(), &["diff", &before, &after, "--release", "2.1"]).stdout);
    let expired = "a collection removes it: expired 2026-01-01T01:00:00Z";
    let both = format!("{expired}; or a client deleted it before that");
    assert!(told.lines().any(|line| line.contains("lease/pull") && line.ends_with(&both)), "{told}");
    let json = leasehold_in(here.path(), &["diff", &before, &after, "--release", "2.1", "--json"]);
    let report: Value = serde_json::from_slice(&json.stdout).expect("one object");
    assert_eq!(report["went"][0]["why"], "collected-or-deleted", "{report}");
    // Something was written after it expired, so that a collection had its time.
    let (here, [before, after]) =
        copied("lease delete pull sync\nadvance 2h\ncontent put late\n", LONG_AFTER);
    let told = text(&leasehold_in(here.path(), &["diff", &before, &after, "--release", "2.1"]).stdout);
    assert!(told.lines().any(|line| line.contains("lease/pull") && line.ends_with(expired)), "{told}");
}

/// So many steps that no command comes to its end.
fn long() -> String {
    (0..40_000).map(|blob| format!("content put blob{blob} gc.root=1\ngc\n")).collect()
}

fn begun(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.current_dir(folder).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program runs")
}

fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success(), "it ended of itself");
}

/// Ended once it had time to begin; a busy machine gives it more.
fn ended(folder: &Path, arguments: &[&str], by: &str) -> Output {
    ended_in(folder, arguments, by, |_| true)
}

/// The same for a command that must have come somewhere before: on a slow machine it is given longer.
fn ended_in(folder: &Path, arguments: &[&str], by: &str, is_far: impl Fn(&Output) -> bool) -> Output {
    use std::os::unix::process::ExitStatusExt;
    for seconds in [1, 5, 20, 60] {
        let child = begun(folder, arguments);
        sleep(Duration::from_secs(seconds));
        signal(&child, by);
        let output = child.wait_with_output().expect("it ends");
        if output.status.signal().is_none() && is_far(&output) {
            return output;
        }
    }
    panic!("{arguments:?} ends without a word");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder");
    entries.map(|entry| entry.expect("an entry").file_name().display().to_string()).collect()
}

#[cfg(unix)]
#[test]
fn a_command_that_a_signal_ends_says_so() {
    let here = folder(&[("long.scenario", &long())]);
    for (arguments, by, code, told) in [
        (&["collect", "long.scenario"][..], "INT", 130, "leasehold: ended by ^C\n"),
        (&["graph", "long.scenario", "--svg", "new.svg"], "TERM", 143, "leasehold: ended by SIGTERM\n"),
        (&["export", "long.scenario", "new.db"], "INT", 130, "leasehold: ended by ^C\n"),
        (&["diff", "long.scenario", "long.scenario"], "TERM", 143, "leasehold: ended by SIGTERM\n"),
    ] {
        let output = ended(here.path(), arguments, by);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.ends_with(told), "{arguments:?}: {said}");
    }
    assert_eq!(names(here.path()), ["long.scenario"]);
    let output = ended(here.path(), &["simulate", "--cases", "100000000"], "TERM");
    assert_eq!(output.status.code(), Some(143), "{}", said(&output));
}

/// A file is written beside its place, and does not stay there.
#[cfg(unix)]
#[test]
fn an_export_that_is_ended_leaves_no_file() {
    static VALUE: [u8; 1 << 20] = [7; 1 << 20];
    let labels: [&[u8]; 5] = [b"v1", b"default", b"leases", b"large", b"labels"];
    for mebibytes in [64, 256, 768] {
        let here = folder(&[]);
        let mut tree = Bucket::new();
        tree.create_path(&labels).expect("buckets");
        for number in 0..mebibytes {
            tree.put(&labels, format!("label{number}").as_bytes(), &VALUE).expect("a value");
        }
        bolt::create(&here.path().join("meta.db"), &tree).expect("a new file");
        let mut child = begun(here.path(), &["export", "meta.db", "new.db"]);
        while !names(here.path()).iter().any(|name| name.starts_with(".leasehold-")) {
            if child.try_wait().expect("it can be waited for").is_some() {
                break;
            }
        }
        // Where it has ended by now, a larger one has not.
        let _sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        let output = child.wait_with_output().expect("it ends");
        if output.status.code() == Some(0) {
            continue;
        }
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{said}");
        assert!(said.contains("leasehold: ended by ^C: new.db is not written\n"), "{said}");
        assert_eq!(names(here.path()), ["meta.db"]);
        return;
    }
    panic!("no export is slow enough");
}

#[cfg(unix)]
#[test]
fn rows_that_are_ended_have_a_report_all_the_same() {
    let here = folder(&[]);
    let arguments = ["simulate", "--cases", "100000000", "--rows-out", "rows.jsonl"];
    let output = ended(here.path(), &arguments, "INT");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(text(&output.stderr).contains("rows.jsonl is not written"), "{}", said(&output));
    assert!(
        text(&output.stdout).ends_with("interrupted after 0 of 100,000,000 cases\n"),
        "{}",
        said(&output)
    );
    assert!(names(here.path()).is_empty());
    let output = ended(here.path(), &[&arguments[..], &["--json"]].concat(), "INT");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(report["interrupted"]["done"], 0, "{report}");
}

/// What was cut off did not pass, and what was not begun is among all.
#[cfg(unix)]
#[test]
fn a_replay_under_all_releases_that_is_ended_counts_those_it_left() {
    let scenario = format!("content put a\ngc\nexpect kept content/a\n{}", long());
    let here = folder(&[("long.scenario", &scenario)]);
    let arguments = ["replay", "--release", "all", "long.scenario"];
    let output = ended_in(here.path(), &arguments, "INT", |output| output.status.code() == Some(1));
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains(" fails under 1 of 8 releases: 1.6; 8 of them not replayed to the end, as ^C came\n"),
        "{told}"
    );
    assert!(told.contains(" of 640,024 steps\n"), "{told}");
}

#[cfg(unix)]
#[test]
fn an_exploration_that_is_ended_counts_what_it_did_not_begin() {
    let clients = ["a", "b", "c", "d", "e", "f"];
    let mut protocol = String::from("release 2.1\n");
    clients.iter().for_each(|client| protocol.push_str(&format!("client {client}\n")));
    protocol.push_str("\ntogether\n");
    for client in clients {
        (0..6)
            .for_each(|step| protocol.push_str(&format!("{client}: content put {client}{step} gc.root=1\n")));
    }
    protocol.push_str("may 2 gc\nalways present content/a0 when present content/a1\nend\n");
    let here = folder(&[("one.scenario", &protocol), ("two.scenario", &protocol)]);
    let arguments = ["explore", "one.scenario", "two.scenario", "--states-max", "4000000000", "--json"];
    let is_far = |output: &Output| text(&output.stdout).contains("\"verdict\"");
    let output = ended_in(here.path(), &arguments, "INT", is_far);
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(
        (&report["interrupted"], report["files"].as_array().map(Vec::len)),
        (&Value::from(2), Some(1))
    );
}

/// Whoever draws a database whose collection fails reads what makes it fail.
#[test]
fn a_graph_names_what_stops_the_collection() {
    let odd = "release 2.1\ncontent put a\ncontent open stuck\nraw put v1/default/content/ingests/stuck/expireat x\n";
    let here = folder(&[("odd.scenario", odd)]);
    for arguments in
        [&["graph", "odd.scenario", "--dot"][..], &["graph", "odd.scenario", "--html", "new.html"]]
    {
        let output = leasehold_in(here.path(), arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        for part in
            ["leasehold: The collection fails: ", "\n  stopped by  default/ingest/stuck\n", "\nTo mend it, "]
        {
            assert!(told.contains(part), "{part} in {told}");
        }
    }
}

#[test]
fn a_time_says_which_units_there_are() {
    let here = folder(&[("s.scenario", "release 2.1\ncontent put a\n")]);
    for (now, told) in [
        ("+1y", "weeks are the longest unit, a year is 365d: "),
        ("+3mo", "weeks are the longest unit, a year is 365d: "),
        ("+1.5d", "weeks and days are whole numbers, half a day is 12h: "),
        ("+1D", "units are lower case: w, d, h, m, s, ms, us and ns: "),
        ("-2x", "its unit is none of w, d, h, m, s, ms, us and ns: "),
    ] {
        let output = leasehold_in(here.path(), &["collect", "s.scenario", "--now", now]);
        assert_eq!(output.status.code(), Some(2), "{now}");
        assert!(text(&output.stderr).contains(told), "{now}: {}", text(&output.stderr));
    }
}

/// What another namespace has of the same name is no reason: nothing refers to this one.
#[test]
fn an_object_of_another_namespace_is_not_the_reason() {
    let scenario = "release 2.1\nnamespace create away\nclient other namespace=away\ncontent put layer\n\
                    other: content put layer\nother: lease create far\nother: lease add far content/layer\n";
    let here = folder(&[("s.scenario", scenario)]);
    let kept = "away/lease/far holds away/content/layer, not this one";
    let told = text(&leasehold_in(here.path(), &["collect", "s.scenario"]).stdout);
    assert!(told.contains(&format!("nothing refers to it; {kept}")), "{told}");
    let told = text(&leasehold_in(here.path(), &["explain", "s.scenario", "content/layer"]).stdout);
    assert!(told.contains("Nothing refers to it. Of another namespace's object of that name:\n"), "{told}");
    assert!(told.contains(kept) && !told.contains("Why nothing holds it"), "{told}");
}
