use super::campaign::{Example, Plan, examples, run, scenario};
use super::serve::serve;
use super::*;
use crate::bucket::Bucket;
use crate::campaign::{Patience, Stop};
use crate::conformance::run::results;
use crate::conformance::{Results, Row};
use crate::engine::Fault;
use crate::generate::profile::Swarm;
use crate::generate::seed::Seed;
use crate::generate::trees;
use crate::node::{Kind, Node};
use crate::oracle::Rule;
use crate::properties::known::Known;
use crate::release::Release;
use crate::replay;
use crate::scenario::{DEFAULT_NAMESPACE, parse, print};
use crate::simulate::campaign::{self, Numbers};
use crate::situation::Situation;
use crate::world::World;
use std::time::Duration;

const PATIENT: Duration = Duration::from_secs(60);
const IMPATIENT: Duration = Duration::from_millis(100);

fn seed() -> Seed {
    Seed::parse("child").expect("a seed")
}

fn no_tree(name: &str) -> Result<Bucket, String> {
    panic!("`{name}` has its own tree")
}

/// A drawn tree as a row.
fn drawn(number: u64, release: Release) -> Row {
    let case = trees::draw(&seed(), number);
    row("case".to_owned(), &Situation { release, ..case })
}

fn case(release: Release) -> Row {
    drawn(0, release)
}

/// A shell's loop over questions, with `line` as the variable.
fn each(answer: &str) -> CommandLine {
    CommandLine::parse(&format!("sh -c 'while read -r line; do {answer}; done'")).expect("a command")
}

fn command(text: &str) -> CommandLine {
    CommandLine::parse(text).expect("a command")
}

/// One that is waited for.
fn waited_for(command: CommandLine, limit: Duration) -> Child {
    Child::new(command, limit, Patience::default())
}

fn refused(command: CommandLine, limit: Duration) -> String {
    waited_for(command, limit).ask(&case(Release::V1_7Beta)).expect_err("no answer").to_string()
}

#[test]
fn an_answer_is_read_and_the_process_goes_on() {
    let mut child = waited_for(
        command(r#"sh -c 'n=0; while read -r line; do n=$((n+1)); echo "{\"error\": \"$n\"}"; done'"#),
        PATIENT,
    );
    for count in 1..4 {
        let answer = child.ask(&case(Release::V1_7Beta)).expect("an answer");
        assert_eq!(answer.results.error, Some(Some(count.to_string())), "one process answers all");
    }
}

#[test]
fn whoever_gives_no_answer_is_told_apart() {
    for (child, limit, said) in [
        (command("/nowhere/to/be found"), PATIENT, "does not start"),
        (each("sleep 60"), IMPATIENT, "no answer within 0.1 s"),
        (command("sleep 60"), IMPATIENT, "no answer within 0.1 s"),
        (command("sh -c 'exit 3'"), PATIENT, "even of an empty database: exit status: 3"),
        (command("sh -c 'read -r line; kill -9 $$'"), PATIENT, "even of an empty database: signal: 9"),
        (command("sh -c 'exec >&-; exec sleep 60'"), PATIENT, "closed its output"),
        (
            command("sh -c 'sleep 60 & exit 3'"),
            PATIENT,
            "even of an empty database: exit status: 3; a process that it started kept its output open, and was killed",
        ),
        (
            command("sh -c 'read -r line; printf {; exit 3'"),
            PATIENT,
            "exit status: 3, in the middle of a line",
        ),
        (
            each("echo rubbish"),
            PATIENT,
            "no answer to the case: no JSON at byte 1: an answer is one JSON object",
        ),
        (each("echo []"), PATIENT, "no answer to the case: JSON, but no object"),
        (each(r#"echo "{\"error\": ""#), PATIENT, "the JSON ends too soon, at byte "),
        (each(r#"printf "{\"error\": null}""#), IMPATIENT, "wrote 15 bytes and no end of line within 0.1 s"),
        (each("echo {}"), PATIENT, "it has no field of a result; it said `{}`"),
        (each("echo"), PATIENT, "no answer to the case"),
        (each(r#"printf "\377\n""#), PATIENT, "no UTF-8 at byte 1"),
        (
            each(r#"echo "{\"name\": \"other\", \"error\": null}""#),
            PATIENT,
            "it is named `other`, the case `case`; it said `{\"name\"",
        ),
        (
            each(r#"echo "{\"error\": 7}""#),
            PATIENT,
            "its `error` is not a text, or null where there is no error, at byte",
        ),
        (each(r#"echo "{\"removed\": 7}""#), PATIENT, "its `removed` is not a list of nodes"),
    ] {
        let text = child.text().to_owned();
        let got = refused(child, limit);
        assert!(got.contains(said), "{text}: {got}");
    }
}

/// The time for an answer does not count the start of the program.
#[test]
fn a_child_may_take_longer_to_start_than_to_answer() {
    let slow = command(r#"sh -c 'sleep 0.4; while read -r line; do echo "{\"error\": null}"; done'"#);
    assert!(waited_for(slow, IMPATIENT).ask(&case(Release::V1_7Beta)).is_ok());
}

#[test]
fn a_child_that_failed_is_started_anew() {
    let once = r#"sh -c 'read -r line; echo "{\"error\": null}"'"#;
    let mut child = waited_for(command(once), PATIENT);
    let outcomes: Vec<bool> = (0..6).map(|_| child.ask(&case(Release::V1_7Beta)).is_ok()).collect();
    assert_eq!(outcomes, [true, false, true, false, true, false]);
}

#[test]
fn answers_that_nobody_asked_for_are_not_taken_for_later_ones() {
    let mut child = waited_for(command("yes {}"), PATIENT);
    for _ in 0..8 {
        assert!(child.ask(&case(Release::V1_7Beta)).is_err());
    }
    // This one answers and never reads; the questions do not pile up.
    let mut deaf =
        waited_for(command(r#"sh -c 'while echo "{\"error\": null}"; do sleep 0.01; done'"#), PATIENT);
    let large = Row { note: Some("x".repeat(1 << 20)), ..case(Release::V1_7Beta) };
    assert!((0..20).any(|_| deaf.ask(&large).is_err()));
}

/// Our own engine, asked without a process between.
fn answer(row: &Row, fault: Option<Fault>) -> Answer {
    let mut out = Vec::new();
    serve(row.to_json().as_bytes(), &mut out, None, fault).expect("it is served");
    Answer::parse(&String::from_utf8(out).expect("text")).expect("an answer")
}

#[test]
fn our_own_engine_agrees_with_itself_and_a_faulty_one_does_not() {
    let mut differences = 0;
    for release in Release::ALL {
        for number in 0..50 {
            let row = drawn(number, release);
            assert_eq!(
                Otherwise::of_answer(&row, release, DEFAULT_NAMESPACE, &answer(&row, None)),
                None,
                "case {number} under {release}"
            );
            differences += u32::from(
                Otherwise::of_answer(
                    &row,
                    release,
                    DEFAULT_NAMESPACE,
                    &answer(&row, Some(Fault::SweepSkips)),
                )
                .is_some(),
            );
        }
    }
    assert!(differences > 100, "{differences}");
}

#[test]
fn any_outcome_that_gos_map_order_can_give_is_right() {
    let mut unlike = 0;
    for number in 0..200 {
        let row = drawn(number, Release::V1_7Beta);
        let outcomes = row.collectors.iter().map(|collector| {
            let situation = row.situation(Release::V1_7Beta, Some(collector.resource_type));
            results(&situation, None)
        });
        let outcomes: Vec<_> = outcomes.collect();
        for outcome in &outcomes {
            unlike += u32::from(*outcome != outcomes[0]);
            let line = Answer { name: None, results: outcome.clone() }.to_json();
            let answer = Answer::parse(&line).expect("an answer");
            assert_eq!(
                Otherwise::of_answer(&row, Release::V1_7Beta, DEFAULT_NAMESPACE, &answer),
                None,
                "case {number}"
            );
        }
    }
    assert!(unlike > 0, "no case shows the loop variable");
}

#[test]
fn what_is_no_question_ends_serving_with_its_line() {
    let row = case(Release::V2_0).to_json();
    let unknown = row.replace("containerd 2.0", "containerd 9.9");
    for (input, said) in [
        (format!("{row}\nnonsense\n"), "line 2: not JSON"),
        (unknown.clone(), "line 1: row `case`: the version Some(\"containerd 9.9\") names no known release"),
    ] {
        let mut out = Vec::new();
        let error = serve(input.as_bytes(), &mut out, None, None).expect_err("no question");
        assert!(error.to_string().starts_with(said), "{error}");
    }
    let mut out = Vec::new();
    serve(unknown.as_bytes(), &mut out, Some(Release::V2_0), None).expect("the release is given");
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
}

fn cases(release: Release) -> campaign::Plan {
    campaign::Plan { seed: seed(), release, known: Known::as_shipped(release), swarm: Swarm::Drawn }
}

fn plan(command: CommandLine, count: u64, limit: Duration) -> Plan {
    Plan { drawn: cases(Release::V1_7Beta), cases: Numbers::first(count), until: None, command, limit }
}

#[test]
fn a_difference_is_made_small_and_its_scenario_holds_for_our_engine() {
    let plan = plan(each(r#"echo "{\"error\": null}""#), 60, PATIENT);
    let tally = run(&plan, &Stop::default(), &|_| {}).expect("it starts");
    assert_eq!((tally.cases, tally.asked), (60, tally.answered));
    assert_eq!(tally.compared.iter().collect::<Vec<_>>(), [(&"error", &tally.asked)]);
    let [Example { wrong: Wrong::Differs("error", Way::Missing), cases, number, small: Ok(small), .. }] =
        &examples(&plan, &tally, &Stop::default(), &|| ())[..]
    else {
        panic!("{:?}", tally.found)
    };
    assert!((1..60).contains(cases));
    let row = Row::parse(&small.row, no_tree).expect("a row");
    assert!(row.to_json().len() < 500, "{}", small.row);
    let written = print(&scenario(&plan, *number, small));
    let read = parse(written.as_bytes()).expect("a scenario");
    assert_eq!(replay::run(&read, None).failures, [], "{written}");
}

#[test]
fn a_child_that_keeps_failing_is_given_up_and_reported_as_what_it_does() {
    // Each of eight portions ends with its first case that hangs, or its third that fails otherwise.
    for (command, limit, wrong, failed, is_small) in [
        (each("sleep 60"), IMPATIENT, Wrong::Hung, 8, false),
        // Of an empty database it has an answer.
        (each("case $line in *v1*) exit 1;; *) echo;; esac"), PATIENT, Wrong::Died, 24, true),
        (each("echo rubbish"), PATIENT, Wrong::Rubbish, 24, true),
    ] {
        let plan = plan(command, 1000, limit);
        let tally = run(&plan, &Stop::default(), &|_| {}).expect("it starts");
        assert!(tally.has_stopped && tally.cases < 1000, "{tally:?}");
        assert_eq!((tally.answered, tally.found.len()), (0, 1));
        let example = &examples(&plan, &tally, &Stop::default(), &|| ())[0];
        let Example { wrong: found, cases, number, small, .. } = example;
        assert_eq!((*found, *cases, *number, small.is_ok()), (wrong, failed, 0, is_small));
    }
}

#[test]
fn rows_are_cases_that_read_back() {
    let mut out = Vec::new();
    let plan = cases(Release::V2_2);
    let numbers = Numbers { start: 3, end: 6, part: 0, parts: 1 };
    write_rows(&plan, numbers, &Stop::default(), &mut out, |_| {}).expect("a Vec takes all");
    let text = String::from_utf8(out).expect("text");
    let mut lines = text.lines();
    for number in 3..6 {
        let mut world = World::new(Release::V2_2);
        let steps = campaign::draw(&plan, number).lines;
        let collections = steps.iter().filter_map(|step| world.apply(step).collected);
        for (place, collected) in
            collections.filter(|collected| collected.cancel_at_root.is_none()).enumerate()
        {
            let row = Row::parse(lines.next().expect("a line"), no_tree).expect("a row");
            assert_eq!(row.name, format!("child/{number}.{place}"));
            assert_eq!(row.collectors, *collected.before.collectors);
            // Sequence numbers are left out, and nothing else.
            let changes = crate::bucket::diff(&collected.before.tree, &row.db);
            assert!(
                changes.iter().all(|change| change.before.is_some() && change.after.is_some()),
                "{changes:?}"
            );
            assert_eq!((row.now, row.version.as_deref()), (collected.before.now, Some("containerd 2.2")));
            assert!(row.expected.is_empty());
        }
    }
    assert_eq!(lines.next(), None);
}

/// What is said of every collection of some cases that a fault changes: what the child does, and what ours does; of more
/// cases until all is said that is asked for.
fn told(fault: Fault, release: Release, asked_for: [&str; 2]) -> String {
    let plan = cases(release);
    let mut told = String::new();
    for number in 0..1500 {
        if number >= 60 && asked_for.iter().all(|words| told.contains(words)) {
            break;
        }
        let mut world = World::new(release);
        for line in campaign::draw(&plan, number).lines {
            let Some(collected) = world.apply(&line).collected.filter(|collected| is_row(collected)) else {
                continue;
            };
            let row = row("case".to_owned(), &collected.before);
            if let Some(otherwise) =
                Otherwise::of_answer(&row, release, DEFAULT_NAMESPACE, &answer(&row, Some(fault)))
            {
                let ours = otherwise.explained(&collected).oracle;
                told.extend(otherwise.child.iter().chain(&ours).map(|line| format!("{line}\n")));
            }
        }
    }
    told
}

#[test]
fn the_cause_is_said_in_the_words_of_our_own_findings() {
    use Fault::*;
    use Release::{V1_7Beta, V2_2, V2_3, V2_4};
    for (fault, release, child, ours) in [
        (ExpiryInclusive, V1_7Beta, "has no root lease/", "live until 2026"),
        (LeaseExpiryIgnored, V1_7Beta, "has the root lease/", "expired 20"),
        (ImageTargetForgotten, V1_7Beta, "does not mark content/", " targets it"),
        (ParentForgotten, V1_7Beta, "does not follow the reference from snapshot/", " stands on it"),
        (FlatHidesFull, V1_7Beta, "removes ", "refers to it by gc.ref."),
        (SweepSkips, V1_7Beta, "does not remove ", "removes "),
        (DeadEdgeFails, V1_7Beta, "fails with `bucket not found`", "succeeds"),
        (ErrorSwallowed, V1_7Beta, "succeeds where ours fails with `Time.Unmarshal", " at ingest/"),
        (ActiveForgotten, V1_7Beta, "calls `remove ", "has it in use"),
        (RootLabelExact, V2_2, "has no root ", "pins it"),
        (
            BackReferencesForgotten,
            V2_2,
            "does not follow the reference from ",
            "takes it along by its gc.bref.",
        ),
        (ConditionsAnded, V2_3, "does not follow the reference from ", "whose condition `usedat"),
        (MissingUsedAtHolds, V2_3, "follows a reference from ", "does not hold: it has no time of use"),
        (
            EmptyReferenceIgnored,
            V1_7Beta,
            "does not follow the reference",
            "whose empty value counts, and is not",
        ),
        (SnapshotterSuffixNotCut, V1_7Beta, "follows a reference", "whose /lay is cut off, not this one"),
        (
            CollectorReferencesForgotten,
            V2_4,
            "does not follow the reference",
            "says its collector, and is not kept",
        ),
        (FlatSnapshotForgetsParent, V1_7Beta, " from snapshot-flat/", " stands on it, flat"),
        (SweepKeepsPartial, V1_7Beta, "fails as ours does, but deletes ", "and changes nothing"),
    ] {
        let told = told(fault, release, [child, ours]);
        assert!(told.contains(child) && told.contains(ours), "{fault}: no {child:?} or no {ours:?}\n{told}");
        assert!(!told.contains("differs in `"), "{fault}: something is said in no words\n{told}");
        assert!(!told.contains("type-34/"), "{fault}: a flat snapshot is named by its number\n{told}");
    }
}

#[test]
fn a_child_that_numbers_types_as_another_release_is_told_of_which_it_seems_to_be() {
    let asked = |release: Release, built_of: Release, is_odd: fn(&Node) -> bool| {
        let steps = "lease create pull\ncontent put a\nlease add pull content/a\ncontent open r\ngc\n";
        let scenario = parse(steps.as_bytes());
        let mut world = World::new(release);
        let lines = scenario.expect("a scenario").lines;
        let collected = lines.iter().find_map(|line| world.apply(line).collected).expect("a collection");
        let row = row("case".to_owned(), &collected.before);
        let mut results = results(&row.situation(release, None), None);
        let (roots, all) = (results.roots.iter_mut().flatten(), results.all.iter_mut().flatten());
        let marked = results.marked.iter_mut().flatten().flatten();
        for node in roots.chain(all).chain(marked).filter(|node| is_odd(node)) {
            node.resource_type = release.number_in(built_of, node.resource_type).expect("a number");
        }
        let answer = Answer { name: None, results };
        Otherwise::of_answer(&row, release, DEFAULT_NAMESPACE, &answer)
            .expect("a difference")
            .child
            .join("\n")
    };
    let told = asked(Release::V1_7, Release::V2_3, |_| true);
    assert!(told.contains("as containerd 2.0 to 2.4 does, not 1.7: it seems to be built of that"), "{told}");
    let told = asked(Release::V2_3, Release::V1_7, |_| true);
    assert!(told.contains(" does, not 2.3: it seems to be built of that"), "{told}");
    // One that differs is a mistake, not another release.
    let told = asked(Release::V2_3, Release::V1_7, |node| *node.key == *b"pull");
    assert!(!told.contains("seems to be built"), "{told}");
}

#[test]
fn every_field_is_said_in_words() {
    let row = case(Release::V1_7Beta);
    let ours = results(&row.situation(Release::V1_7Beta, None), None);
    let child = |change: &dyn Fn(&mut Results)| {
        let mut results = ours.clone();
        change(&mut results);
        let answer = Answer { name: None, results };
        Otherwise::of_answer(&row, Release::V1_7Beta, DEFAULT_NAMESPACE, &answer)
            .expect("a difference")
            .child
            .join("; ")
    };
    for (field, said, change) in [
        (
            "roots",
            "has no root ",
            &(|got: &mut Results| drop(got.roots.as_mut().unwrap().remove(0))) as &dyn Fn(&mut Results),
        ),
        ("roots", " in another order: ", &|got| got.roots.as_mut().unwrap().reverse()),
        ("roots", " once more", &|got| got.roots.as_mut().unwrap().extend_from_within(..1)),
        ("all", "does not list ", &|got| drop(got.all.as_mut().unwrap().pop())),
        ("refs", "does not look into ", &|got| drop(got.refs.as_mut().unwrap().remove(0))),
        ("marked", "does not mark ", &|got| drop(got.marked.as_mut().unwrap().as_mut().unwrap().pop())),
        ("marked", "fails to mark", &|got| got.marked = Some(None)),
        ("removed", "does not remove ", &|got| got.removed.as_mut().unwrap().clear()),
        ("error", "fails with `a\\x1b[31mb`", &|got| got.error = Some(Some("a\u{1b}[31mb".to_owned()))),
        ("db_after", "leaves the value 1 at v1/x, where ours leaves nothing", &|got| {
            got.after.as_mut().unwrap().put(&[b"v1"], b"x", b"1").unwrap();
        }),
    ] {
        let told = child(change);
        assert!(told.contains(said), "{field}: {told}");
    }
}

/// What is said of both sides if a child answers otherwise than ours in one field.
fn both_sides(text: &str, change: impl Fn(&mut Results)) -> String {
    let scenario = crate::scenario::parse(text.as_bytes()).expect("a scenario");
    let mut world = World::new(scenario.release);
    let last = scenario.lines.iter().filter_map(|line| world.apply(line).collected).last();
    let collected = last.expect("a collection");
    let row = row("case".to_owned(), &collected.before);
    let mut got = results(&row.situation(scenario.release, None), None);
    change(&mut got);
    let answer = Answer { name: None, results: got };
    let otherwise =
        Otherwise::of_answer(&row, scenario.release, DEFAULT_NAMESPACE, &answer).expect("a difference");
    let ours = otherwise.explained(&collected).oracle;
    format!("child {}\nours {}", otherwise.child.join("\n"), ours.join("\n"))
}

#[test]
fn what_a_child_leaves_or_calls_otherwise_is_said_with_what_ours_does_and_why() {
    let text = "release 2.1\ncontent put kept gc.root=x\ncontent put gone\n\
                collector declare type-16\ncollector list type-16 type-16/\"a\\x01b\"\ngc\n";
    let deleted = |got: &mut Results| {
        let after = got.after.as_mut().expect("told");
        let kept = crate::scenario::alias::digest_of("kept").expect("a name");
        after.delete_bucket(&[b"v1", b"default", b"content", b"blob"], &kept).expect("it is there");
    };
    let said = both_sides(text, deleted);
    assert_eq!(said, "child deletes content/kept\nours keeps   content/kept   gc.root pins it");
    let label = |got: &mut Results| {
        let kept = crate::scenario::alias::digest_of("kept").expect("a name");
        let path: [&[u8]; 6] = [b"v1", b"default", b"content", b"blob", &kept, b"labels"];
        got.after.as_mut().expect("told").delete(&path, b"containerd.io/gc.root").expect("it is there");
    };
    let said = both_sides(text, label);
    assert!(said.contains("ours keeps   content/kept   gc.root pins it\nleaves that as it was: "), "{said}");
    let calls = |got: &mut Results| got.calls.as_mut().expect("told").clear();
    let said = both_sides(text, calls);
    assert!(
        said.starts_with("child does not call `remove type-16/\"a\\x01b\"` of collector type-16"),
        "{said}"
    );
    assert!(said.contains("ours removes type-16/\"a\\x01b\"   nothing refers to it"), "{said}");
    let cancels = |got: &mut Results| {
        got.calls = got
            .calls
            .take()
            .map(|calls| calls.into_iter().map(|call| call.replace("finish", "cancel")).collect());
    };
    let said = both_sides(text, cancels);
    assert!(said.ends_with("ours finishes collector type-16, as the collection succeeds"), "{said}");
    let fails = |got: &mut Results| got.marked = Some(None);
    let said = both_sides(text, fails);
    assert_eq!(said, "child fails to mark\nours marks, as nothing that it meets calls for an error");
}

#[test]
fn a_snapshot_that_is_handed_to_removal_and_stays_is_said_to() {
    let text = "release 2.1\nsnapshot prepare \"over/lay\"/k\ngc\n";
    let said = both_sides(text, |got| got.removed.as_mut().expect("told").clear());
    let expected = "child does not hand to removal snapshot/\"over/lay\"/k\n\
                    ours hands to removal snapshot/\"over/lay\"/k   nothing refers to it; its bucket stays";
    assert_eq!(said, expected);
}

#[test]
fn a_scenario_of_a_finding_spells_a_snapshotter_with_a_slash_in_quotes() {
    let text = "release 2.1\nsnapshot prepare \"over/lay\"/k gc.root=x\ngc\n";
    let scenario = parse(text.as_bytes()).expect("a scenario");
    let mut world = World::new(scenario.release);
    let collected = scenario.lines.iter().filter_map(|line| world.apply(line).collected).last();
    let collected = collected.expect("a collection");
    let row = row("case".to_owned(), &collected.before);
    let mut got = results(&collected.before, None);
    got.marked = Some(Some(Vec::new()));
    let answer = Answer { name: None, results: got };
    let otherwise =
        Otherwise::of_answer(&row, scenario.release, DEFAULT_NAMESPACE, &answer).expect("a difference");
    let steps = otherwise.expectations(&collected, DEFAULT_NAMESPACE);
    let steps: Vec<String> = steps.iter().map(crate::scenario::print_step).collect();
    assert_eq!(steps, ["expect kept snapshot/\"over/lay\"/k"]);
}

/// Of two mistakes in one collection the one by which something is lost goes first.
#[test]
fn what_is_lost_is_told_before_what_is_not_there() {
    let text = "image create i target=none\ncontent put a gc.ref.content.0=@b\ncontent put b\n\
                lease create l\nlease add l content/a\ngc\n";
    let said = both_sides(text, |got| {
        let digest = |name| crate::scenario::alias::digest_of(name).expect("a name");
        let [none, b] = ["none", "b"].map(digest);
        got.roots.as_mut().expect("told").retain(|node| *node.key != *none);
        let marked = got.marked.as_mut().and_then(Option::as_mut).expect("told");
        marked.retain(|node| *node.key != *none && *node.key != *b);
        let content = Release::V1_7Beta.type_of(Kind::Content).expect("a type");
        got.removed.as_mut().expect("told").push(Node::new(content, DEFAULT_NAMESPACE, &b));
        let blobs: [&[u8]; 4] = [b"v1", DEFAULT_NAMESPACE, b"content", b"blob"];
        got.after.as_mut().expect("told").delete_bucket(&blobs, &b).expect("it is there");
    });
    let expected = "child does not mark content/b, and 1 more\nremoves content/b\nhas no root content/none\n\
                    ours keeps   content/b   content/a refers to it by gc.ref.content.0\n";
    assert!(said.starts_with(expected), "{said}");
}

/// Several mistakes of a child are several findings: what differs is told by the mistake, and not by what follows from it.
#[test]
fn the_cause_of_a_difference_is_the_rule_that_is_broken() {
    use Release::{V1_7Beta, V2_2};
    for (fault, release, rule) in [
        (Fault::ParentForgotten, V1_7Beta, Rule::Parent),
        (Fault::ImageTargetForgotten, V1_7Beta, Rule::Target),
        (Fault::ContainerSnapshotForgotten, V2_2, Rule::ContainerSnapshot),
    ] {
        let mut told = 0;
        for number in 0..60 {
            let row = drawn(number, release);
            let mut answer = answer(&row, Some(fault));
            // As a child answers that says no more than what is marked.
            let mut only_marked = Results::default();
            only_marked.marked = answer.results.marked.take();
            answer.results = only_marked;
            let Some(otherwise) = Otherwise::of_answer(&row, release, DEFAULT_NAMESPACE, &answer) else {
                continue;
            };
            let judged = otherwise.cause.expect("it is about a node").judged;
            assert_eq!(judged, Judged::Kept(rule), "case {number}, {fault}: {:?}", otherwise.child);
            told += 1;
        }
        assert!(told > 5, "{fault}: {told}");
    }
}

/// What is wrong with a record itself is said, though no field of the answer differs.
#[test]
fn a_record_that_is_not_in_order_differs_from_every_answer() {
    let mut row = drawn(0, Release::V2_2);
    let mut recorded = results(&row.situation(Release::V2_2, None), None);
    let marked = recorded.marked.as_mut().and_then(Option::as_mut).expect("marking succeeds");
    let content = Release::V2_2.type_of(Kind::Content).expect("a type");
    marked.extend([&b"more"[..], b"less"].map(|key| Node::new(content, b"default", key)));
    row.expected = vec![recorded.clone()];
    let mut told = Results::default();
    (told.error, told.after) = (recorded.error, recorded.after);
    let answer = Answer { name: None, results: told };
    let otherwise = Otherwise::of_answer(&row, Release::V2_2, DEFAULT_NAMESPACE, &answer);
    let child = otherwise.expect("it differs").child;
    assert!(child[0].contains("are not sorted"), "{child:?}");
}
