use super::*;
use crate::engine::Fault::ExpiryInclusive;
use crate::scenario::{generate, parse};
use arbitrary::Unstructured;

fn failures(text: &str) -> Vec<String> {
    let replayed = run(&parse(text.as_bytes()).unwrap(), None);
    replayed.failures.iter().map(|failure| format!("{}: {failure}", failure.line)).collect()
}

fn warned(text: &str) -> Vec<String> {
    let said = warnings(&parse(text.as_bytes()).unwrap(), None).into_iter();
    said.map(|warning| format!("{}: {warning}", warning.line)).collect()
}

/// A refusal for what a collection or another step has removed says so.
#[test]
fn a_step_that_finds_nothing_is_told_what_took_it() {
    for (steps, told) in [
        (
            "snapshot prepare overlayfs/x\ngc\nsnapshot commit overlayfs/x base\n",
            "snapshot/overlayfs/x was removed by `gc`, line 3: nothing refers to it",
        ),
        (
            "content put layer\ngc\ncontent label layer gc.root=x\n",
            "content/layer was removed by `gc`, line 3: nothing refers to it",
        ),
        // What held it before is told with the step that ended that.
        (
            "lease create l\nlease use l\ncontent put layer\nlease delete l\ngc\ncontent label layer gc.root=x\n",
            "content/layer was removed by `gc`, line 6: nothing refers to it (before `lease delete l`, line 5: lease/l holds it)",
        ),
        (
            "content put a\ncontent put b gc.root=1 gc.ref.content.0=@a\ncontent label b gc.ref.content.0=\ngc\nexpect kept content/a\n",
            "nothing refers to it (before `content label b gc.ref.content.0=`, line 4: content/b refers to it by gc.ref.content.0)",
        ),
        (
            "content put a\ncontent put b gc.root=1 gc.ref.content.0=@a\ncontent label b gc.ref.content.0=\ngc\nexpect present content/a\n",
            "removed by `gc`, line 5: nothing refers to it (before `content label b gc.ref.content.0=`, line 4: content/b",
        ),
        // That time went by is in the reason itself.
        (
            "lease create l expire=+1h\nlease add l content/a\ncontent put a\nadvance 2h\ngc\ncontent label a gc.root=x\n",
            "content/a was removed by `gc`, line 6: lease/l held it and expired 2026-01-01T01:00:00Z",
        ),
        // Not of what else the step names and the error only seems to: `a` is in "snapshot".
        (
            "snapshot prepare overlayfs/y\nsnapshot commit overlayfs/y a\nsnapshot prepare overlayfs/x\ngc\nsnapshot commit overlayfs/x a\n",
            "snapshot/overlayfs/x was removed by `gc`, line 5: nothing refers to it",
        ),
        (
            "lease create l\nlease delete l\nlease add l content/layer\n",
            "lease/l was removed by `lease delete l`, line 3",
        ),
    ] {
        let scenario = parse(format!("release 2.1\n{steps}").as_bytes()).expect("a scenario");
        let failures = run(&scenario, None).failures;
        let said = failures.first().expect("a refusal").to_string();
        assert!(said.contains(told), "{said}");
        assert_eq!(said.contains("(before"), told.contains("(before"), "{said}");
    }
}

/// To compare each with each took minutes, and hours where there were more.
#[test]
fn slips_are_told_among_tens_of_thousands_of_names() {
    let names =
        (0..20_000u64).map(|name| format!("{:x}-{name}-blob", name.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let names: Vec<String> = names.collect();
    let put: String = names
        .iter()
        .map(|name| format!("image create {name} target=layer\nlease create l{name}\n"))
        .collect();
    let one: String = names[..1000]
        .iter()
        .map(|name| format!("lease add lx image/{}\n", name.replace("blob", "blbo")))
        .collect();
    let said = warned(&format!("content put layer\nlease create lx\n{put}{one}"));
    assert_eq!(said.len(), 1000, "{:?}", said.last());
    assert!(said[0].ends_with(": nothing creates image/0-0-blbo; is image/0-0-blob meant?"), "{said:?}");
    let two = one.replace("blbo", "plop");
    let said = warned(&format!("content put layer\nlease create lx\n{put}{two}"));
    assert!(said[0].ends_with(": nothing creates image/0-0-plop; is image/0-0-blob meant?"), "{said:?}");
    let last = said.last().map(String::as_str).unwrap_or_default();
    assert!(
        last.contains(": from here on names that nothing has are only compared with what is one letter away"),
        "{last}"
    );
}

#[test]
fn a_scenario_that_holds_passes() {
    let text = "content put a
! not-found content delete b
? content delete b
gc
---
remove  content/a   nothing refers to it

expect removed content/a
cleanup
---
drop    content/a
";
    assert_eq!(failures(text), [""; 0]);
    let replayed = run(&parse(text.as_bytes()).unwrap(), None);
    assert_eq!((replayed.steps, replayed.collections, replayed.steps_cut), (6, 1, 0));
}

#[test]
fn a_guard_that_its_own_step_ends_does_not_keep_the_step_from_being_undone() {
    assert_eq!(failures("unless there ? content put a as there\nexpect present content/a"), [""; 0]);
}

/// What only may happen is passed over and breaks nothing.
#[test]
fn a_broken_promise_is_told_once_of_the_step_that_broke_it() {
    let text = "client a
together
a: content put layer
a: image create main target=layer
a: content delete layer
a: content put other
may gc
always present content/layer when present image/main
end
expect present content/other";
    let told = failures(text);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("5: `content delete layer` breaks `always present content/layer"),
        "{told:?}"
    );
}

#[test]
fn each_way_to_fail_is_told_with_its_line() {
    for (text, expected) in [
        ("content delete a", "1: `content delete a` is refused: content \"a\": not found"),
        ("! not-found content put a", "1: `content put a` succeeds, it must be refused: not-found"),
        (
            "! already-exists content delete a",
            "1: `content delete a` is refused with another error than already-exists: content",
        ),
        ("content put a\nexpect absent content/a", "2: `expect absent content/a`: content/a is there"),
        (
            "content put a\n\ngc\n---\nkeep    content/a\n",
            "3: `gc` prints something else (- expected, + printed)\n- keep    content/a\n+ remove  content/a   nothing",
        ),
        ("content put a", "1: the scenario asserts nothing"),
    ] {
        let failures = failures(text);
        assert!(failures[0].starts_with(expected), "{text}: {failures:?}");
    }
}

#[test]
fn an_unexpected_refusal_ends_the_replay_and_other_failures_do_not() {
    let refused = failures("content delete a\nexpect present content/a\nexpect present content/b");
    assert_eq!(refused.len(), 1);
    let unmet = failures("expect present content/a\nexpect present content/b");
    assert_eq!(unmet.len(), 2);
    let scenario = parse(b"content delete a\nexpect present content/a\ngc").unwrap();
    assert_eq!(run(&scenario, None).steps_cut, 2);
}

#[test]
fn every_node_of_an_expectation_that_does_not_hold_is_told() {
    let unmet =
        failures("content put a\ncontent put b gc.root=1\ngc\nexpect kept content/a content/b content/c");
    let expected = [
        "4: `expect kept content/a content/b content/c`: content/a was removed by the last collection: nothing refers to it",
        "4: `expect kept content/a content/b content/c`: content/c was not there before the last collection",
    ];
    assert_eq!(unmet, expected);
    assert_eq!(failures("expect kept content/a content/b").len(), 1);
}

#[test]
fn a_step_that_waits_for_another_counts_as_a_deadlock() {
    let text = "snapshot prepare o/gone\nsnapshot prepare-begin o/k\ngc\n! deadlock cleanup\nsnapshot finish o/k\ncleanup\n---\ndrop    snapshot/o/default/1/gone\n";
    assert_eq!(failures(text), [""; 0]);
}

#[test]
fn every_kind_of_refusal_can_be_expected() {
    for text in [
        "! not-found content delete a",
        "namespace create n\n! already-exists namespace create n",
        "content put a\n! failed-precondition namespace delete default",
        "! invalid-argument namespace create \"a b\"",
        "lease create l\n! not-implemented lease add l \"tasks\"/x",
        "content open r\n! unavailable content open r",
        "snapshot prepare-begin o/k\nsnapshot prepare o/j\nsnapshot remove o/j\ngc\n! deadlock cleanup",
        "! unknown lease create \"\"",
        "raw put x y\n! crash release 2.1",
    ] {
        assert_eq!(failures(text), [""; 0], "{text}");
    }
}

#[test]
fn a_mistake_of_the_collector_is_found_by_the_properties_alone() {
    let text = "lease create l expire=+1h\nadvance 1h\ngc\nexpect nothing x";
    assert_eq!(failures(text), [""; 0]);
    let replayed = run(&parse(text.as_bytes()).unwrap(), Some(ExpiryInclusive.into()));
    assert!(replayed.failures.iter().any(|failure| matches!(failure.problem, Problem::Found { .. })));
}

#[test]
fn a_cancelled_context_is_no_finding() {
    for release in crate::release::Release::ALL {
        let collector = if release.rules().collectors { "collector declare type-16\n" } else { "" };
        let text = format!(
            "release {release}\n{collector}lease create a\nlease create b\ncontent put x\ngc cancel-at-root=2\nexpect error \"context canceled\"\nexpect kept content/x\ngc cancel-at-root=3\nexpect removed content/x"
        );
        assert_eq!(failures(&text), [""; 0], "{release}");
    }
}

#[test]
fn the_state_of_a_scenario_is_the_one_before_its_trailing_collections() {
    let scenario = |text: &str| state(&parse(text.as_bytes()).unwrap(), Go::default(), &|| ());
    let text = "stream open s\ncontent put a\ngc\ncontent put b\n? gc last=stream\nexpect removed content/b\ncleanup\ngc";
    let state = scenario(text).unwrap();
    let is_there = |name| state.world.expects(None, &name).is_ok();
    let present =
        |name: &str| match &parse(format!("expect present {name}").as_bytes()).unwrap().lines[0].step {
            Step::Expect(assertion) => assertion.clone(),
            _ => panic!("no assertion"),
        };
    assert!(is_there(present("content/b")) && !is_there(present("content/a")));
    assert_eq!(state.last, Some(Kind::Stream));
    assert_eq!(scenario("gc").unwrap().world.store().tree, World::new(Default::default()).store().tree);
    let Err(failure) = scenario("content delete a\ngc") else { panic!("refused") };
    assert_eq!(failure.line, 1);
}

#[test]
fn only_blocks_change_when_output_is_written() {
    let text = "# A comment.\r\n   content   put a\n\n\tgc\n  ---\t\nold\nolder\n\n# Between.\nexpect   removed content/a\ngc\n---\n\n\ncleanup\n---";
    let replayed = run(&parse(text.as_bytes()).unwrap(), None);
    let new = updated(text.as_bytes(), &replayed.printed);
    let expected = "# A comment.\r\n   content   put a\n\n\tgc\n  ---\nremove  content/a   nothing refers to it\n\n# Between.\nexpect   removed content/a\ngc\n---\nnothing to keep or to remove\n\n\ncleanup\n---\ndrop    content/a\n";
    assert_eq!(String::from_utf8(new.clone()).unwrap(), expected);
    assert!(run(&parse(&new).unwrap(), None).failures.is_empty());
    // What holds is written as it was.
    let replayed = run(&parse(&new).unwrap(), None);
    assert_eq!(updated(&new, &replayed.printed), new);
}

#[test]
fn output_survives_any_bytes_in_names() {
    let text = "lease create \"a\\nb\\xff\"\nimage create \"\\x1b[0m\" target=x\nrelease 2.1\nsnapshot prepare \"over/lay\"/\"k k\"\ngc\n---\n";
    let replayed = run(&parse(text.as_bytes()).unwrap(), None);
    let new = updated(text.as_bytes(), &replayed.printed);
    let shown = String::from_utf8_lossy(&new).into_owned();
    assert!(run(&parse(&new).unwrap(), None).failures.is_empty(), "{shown}");
    assert!(shown.contains("keep    lease/\"a\\nb\\xff\""), "{shown}");
    assert!(shown.contains("nothing refers to it; its bucket stays"), "{shown}");
}

/// Whatever scenario: no property breaks, and what is printed can be written below and holds then.
#[test]
fn generated_scenarios_break_no_property_and_their_output_can_be_written() {
    let seed = crate::generate::seed::Seed::parse("replay").unwrap();
    let mut bytes = [0; 2048];
    let mut collections = 0;
    for number in 0..2_000 {
        seed.case_bytes(number, &mut bytes);
        let mut scenario = generate(&mut Unstructured::new(&bytes)).unwrap();
        for step in [Step::Gc { last: None, cancel_at_root: None }, Step::Cleanup] {
            scenario.lines.push(Line::new(step));
        }
        for line in &mut scenario.lines {
            let is_expected = matches!(line.step, Step::Expect(_));
            line.outcome = if is_expected { Outcome::Accepted } else { Outcome::Any };
            line.expected = line.step.prints().then(Vec::new);
        }
        let text = crate::scenario::print(&scenario).into_bytes();
        let scenario = parse(&text).unwrap();
        let replayed = run(&scenario, None);
        collections += replayed.collections;
        let found = replayed.failures.iter().find(|failure| matches!(failure.problem, Problem::Found { .. }));
        assert_eq!(found, None, "case {number}");
        let again = run(&parse(&updated(&text, &replayed.printed)).unwrap(), None);
        let printed = |failure: &&Failure| matches!(failure.problem, Problem::Printed { .. });
        assert_eq!(again.failures.iter().find(printed), None, "case {number}");
    }
    assert!(collections > 1_500, "{collections}");
}

/// What is said of the nodes that go, every reason of each.
fn removed(text: &str) -> String {
    let scenario = parse(text.as_bytes()).unwrap();
    let mut replay = Replay::new(&scenario, None).with_every_reason();
    let told: String = std::iter::from_fn(|| replay.step()).filter_map(|stepped| stepped.told).collect();
    told.split_once("remove").map(|(_, told)| told.to_owned()).expect("something goes")
}

#[test]
fn every_rule_that_failed_and_every_near_miss_is_said_the_nearest_first() {
    let told = removed(
        "release 2.1
content put layer
content put manifest gc.ref.content.0=@layer
lease create old expire=+1h
lease add old content/manifest
lease create flat flat gc.ref.content.0=@layer
lease add flat content/manifest
image create main target=other gc.ref.contents.x=@layer
namespace use away
lease create far
lease add far content/layer
namespace use default
advance 2h
gc
",
    );
    let lines: Vec<&str> = told.lines().map(str::trim).collect();
    let expected = [
        "content/layer      content/manifest refers to it by gc.ref.content.0, but lease/flat holds content/manifest only flat",
        "of content/manifest, which refers to it: lease/old held it and expired 2026-01-01T01:00:00Z",
        "lease/flat names it by gc.ref.content.0, which means nothing on a lease",
        "image/main names it by gc.ref.contents.x, which is no label that a collector reads",
        "away/lease/far holds away/content/layer, not this one",
    ];
    assert_eq!(lines[..5], expected, "{told}");
}

#[test]
fn what_a_rule_reads_is_no_near_miss_besides() {
    let told = removed(
        "release 2.3
snapshot prepare overlayfs/s gc.bref.content=@gone
snapshot prepare overlayfs/t
content put a gc.ref.snapshot.overlayfs=s gc.cond.snapshot.overlayfs=\"usedat<1h|t\"
image create main target=x expire=+1s gc.ref.content.0=@a gc.bref.content=@a
advance 1h
gc
",
    );
    assert!(!told.contains("means nothing"), "{told}");
    assert_eq!(told.matches("by gc.ref.content.0").count(), 1, "{told}");
    assert_eq!(told.matches("by gc.cond.snapshot.overlayfs").count(), 1, "{told}");
}

#[test]
fn a_collection_that_wrongly_fails_or_succeeds_is_said_with_the_object() {
    for (text, fault, said) in [
        (
            "image create main target=manifest\ngc\n",
            crate::engine::Fault::DeadEdgeFails,
            "the collection failed with `bucket not found` at content/manifest",
        ),
        (
            "content open bad\nraw put v1/default/content/ingests/bad/expireat \"\"\ngc\n",
            crate::engine::Fault::ErrorSwallowed,
            "must fail with `Time.UnmarshalBinary: no data` at ingest/bad",
        ),
    ] {
        let replayed = run(&parse(text.as_bytes()).unwrap(), Some(fault.into()));
        let failures: Vec<String> = replayed.failures.iter().map(ToString::to_string).collect();
        assert!(failures.iter().any(|failure| failure.contains(said)), "{failures:?}");
    }
}

#[test]
fn a_condition_is_said_as_it_is_written() {
    let told = removed(
        "release 2.3
snapshot prepare native/s
content put a gc.root=x gc.cond.snapshot.native=\"usedat<2h|s\"
gc
",
    );
    let said = "by gc.cond.snapshot.native, whose condition `usedat<2h` does not hold: it has no time of use";
    assert!(told.contains(said), "{told}");
}

/// What a fault is accused of, as failures.
fn accused(text: &str, fault: impl Into<Fault>) -> Vec<String> {
    let replayed = run(&parse(text.as_bytes()).unwrap(), Some(fault.into()));
    replayed.failures.iter().map(ToString::to_string).collect()
}

#[test]
fn a_finding_names_nodes_from_where_its_client_acts() {
    use crate::engine::Fault::SweepSkips;
    use crate::world::DaemonFault::DeletedFromAllLeases;
    let text = "content put a\ncontent put b\nnamespace create other\nnamespace use other\ngc\n";
    let said = accused(text, SweepSkips);
    assert!(said.iter().any(|said| said.contains(" default/content/b stays, ")), "{said:?}");
    let text = "namespace create other\nnamespace use other\ncontent put a\ncontent put b\ngc\n";
    let said = accused(text, SweepSkips);
    assert!(said.iter().any(|said| said.contains(": content/b stays, ")), "{said:?}");
    let frame = "namespace create other\nnamespace use other\nlease create l\ncontent put a\n\
                 lease add l content/a\ncontent delete a\n";
    let said = accused(frame, DeletedFromAllLeases);
    assert!(said.iter().any(|said| said.contains(" of lease/l, which ")), "{said:?}");
    let elsewhere = "namespace create other\nclient c namespace=other\nc: lease create l\nc: content put a\n\
                     c: lease add l content/a\nc: content delete a\n";
    let said = accused(elsewhere, DeletedFromAllLeases);
    assert!(said.iter().any(|said| said.contains(" of lease/l, which ")), "{said:?}");
}

/// Whatever a collection prints of a node, a step can name it so.
#[test]
fn printed_names_are_read_as_the_same_nodes() {
    use crate::scenario::{NodeName, SnapshotName, print_path};
    let names: [&[u8]; 9] =
        [b"k", b"ov/lay", b"a b", b"@x", b"\"q\\", b"a/", b"content", b"type-9", "é\u{202e}".as_bytes()];
    let mut tried = 0;
    for snapshotter in names {
        for key in names {
            let snapshot = SnapshotName { snapshotter: snapshotter.to_vec(), key: key.to_vec() };
            let lease = print_path(&[key]);
            let step = format!("{}/{}", print_path(&[&snapshot.snapshotter]), print_path(&[&snapshot.key]));
            let text = format!(
                "release 2.2\n? snapshot prepare {step}\n? image create {lease} target=c\n? content open {lease}\ngc\n"
            );
            let scenario = parse(text.as_bytes()).unwrap_or_else(|flaws| panic!("{text}: {flaws:?}"));
            let mut replay = Replay::new(&scenario, None);
            while let Some(stepped) = replay.step() {
                let printed = stepped.printed.unwrap_or_default();
                for row in
                    printed.lines().filter(|row| row.starts_with("keep ") || row.starts_with("remove "))
                {
                    let name = row[8..].split("   ").next().unwrap_or_default();
                    let node = parse(format!("expect kept {name}\n").as_bytes()).expect("a node");
                    let Step::Expect(Assertion::Kept(nodes)) = &node.lines[0].step else { panic!("{name}") };
                    let NodeName { namespace, kind, key: read, .. } = &nodes[0];
                    assert_eq!(*namespace, None, "{name}");
                    let whole = match kind {
                        Kind::Snapshot => [snapshotter, b"/", key].concat(),
                        _ => key.to_vec(),
                    };
                    assert_eq!(*read, whole, "{name}");
                    if *kind == Kind::Snapshot && !snapshotter.starts_with(b"@") {
                        let written = format!("snapshot/{}/", print_path(&[snapshotter]));
                        assert!(name.starts_with(&written), "{name}");
                    }
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn slips_in_values_and_in_what_collectors_have_are_told() {
    for (text, told) in [
        (
            "namespace create tooling\nexpect value v1/toolnig/leases/l/x y\n",
            "2: no step acts in namespace toolnig; is tooling meant?",
        ),
        (
            "collector declare type-11\ncollector list type-11 type-11/tapedeck\n\
             collector active type-11 type-11/tapedek\n",
            "3: nothing creates type-11/tapedek; is type-11/tapedeck meant?",
        ),
        (
            "content put layer\nexpect value v1/default/content/ingests/up/expected @laeyr\n",
            "2: nothing creates content/laeyr; is content/layer meant? (in a path `@layer`)",
        ),
        (
            "release 2.3\nsnapshot prepare overlayfs/k\ncontent put a gc.cond.snapshot.overlayfs=\"usedat<=2h|k\"\n",
            "3: `usedat<=2h` of gc.cond.snapshot.overlayfs never holds: containerd reads `<` and `>` only; write `usedat<2h`",
        ),
    ] {
        let said = warned(text);
        assert!(
            said.iter().any(|said| said.starts_with(told) || told.starts_with(said.as_str())),
            "{text}: {said:?}"
        );
    }
}
