//! The language as a whole: text and data carry the same, and no text does harm.

use super::*;
use crate::instant::Instant;
use crate::node::Kind;
use crate::release::Release;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use std::time::{Duration, Instant as Wall};

fn read(text: &str) -> Scenario {
    parse(text.as_bytes()).unwrap_or_else(|flaws| panic!("{text}\n{flaws}"))
}

fn only_step(text: &str) -> Step {
    let scenario = read(text);
    assert_eq!(scenario.lines.len(), 1, "{text}");
    scenario.lines[0].step.clone()
}

/// Line, column and text of the only flaw.
fn flaw(text: &[u8]) -> (usize, usize, String) {
    let flaws = parse(text).expect_err("the text is wrong");
    assert_eq!(flaws.list.len(), 1, "{flaws}");
    (flaws.list[0].line, flaws.list[0].column, flaws.list[0].to_string())
}

fn digest(name: &str) -> Name {
    alias::digest_of(name).unwrap()
}

/// What a container runs on goes without its snapshotter, and the other way round, as far as a daemon takes it.
#[test]
fn each_option_of_a_container_can_be_left_out_alone() {
    let simpler = only_step("container create c snapshotter=s snapshot=k\n").simpler();
    for alone in ["container create c snapshotter=s\n", "container create c snapshot=k\n"] {
        assert!(simpler.contains(&only_step(alone)), "{alone}");
    }
}

#[test]
fn what_is_printed_reads_back_for_any_bytes_in_names() {
    let cases = 20_000;
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut seen = std::collections::BTreeSet::new();
    let mut steps = 0;
    for case in 0..cases {
        let mut bytes = vec![0; random.random_range(0..2_000)];
        random.fill_bytes(&mut bytes);
        let scenario = generate(&mut arbitrary::Unstructured::new(&bytes)).unwrap();
        let text = print(&scenario);
        let again = parse(text.as_bytes()).unwrap_or_else(|flaws| panic!("case {case}:\n{text}\n{flaws}"));
        assert_eq!(again, scenario, "case {case}:\n{text}");
        assert_eq!(print(&again), text, "case {case}");
        steps += again.lines.len();
        seen.extend(again.lines.iter().map(|line| {
            let printed = print_step(&line.step);
            let words: Vec<&str> = printed.split(' ').take(2).collect();
            words.join(" ")
        }));
    }
    assert!(steps > cases, "{steps} steps");
    for form in forms() {
        let words: Vec<&str> = form.words().collect();
        let found = seen.iter().any(|seen| seen.starts_with(&words.join(" ")));
        assert!(found, "`{}` was never generated", form.usage);
    }
}

#[test]
fn printing_what_was_read_settles_at_once() {
    let texts = [
        "gc",
        "\n\n#why\r\n\r\n#  and how\r\n\r\ngc\r\n---\r\n\r\n\r\n\r\n# next\n\n\ncleanup\n---\n> a\n>\n>b\n",
        "release v1.7.24\n#x\n\n#y\nadvance 90s\n\n  lease   create \"pull\"  expire=\"+1h\"\tflat a.b=\"\"\n#end",
        "# only\nrelease 2.0",
        "\u{feff}content put @layer containerd.io/gc.root=x \"plain\"=1",
    ];
    for text in texts {
        let once = print(&read(text));
        assert_eq!(print(&read(&once)), once, "{text}");
        assert_eq!(read(&once), read(text));
    }
}

#[test]
fn flawed_texts_never_panic_and_what_is_read_prints_back() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let (mut wrong, mut right) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = vec![0; 400];
        random.fill_bytes(&mut bytes);
        let scenario = generate(&mut arbitrary::Unstructured::new(&bytes)).unwrap();
        let mut text = print(&scenario).into_bytes();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..text.len().max(2) - 1);
            if text.is_empty() {
                break;
            }
            match random.random_range(0..4) {
                0 => text[at] = random.random(),
                1 => drop(text.remove(at)),
                2 => text.insert(at, *b"\n\" =/:@#>\\".get(random.random_range(0..10)).unwrap()),
                _ => text.truncate(at.max(1)),
            }
        }
        match parse(&text) {
            Ok(read) => {
                right += 1;
                let printed = print(&read);
                assert_eq!(parse(printed.as_bytes()).as_ref(), Ok(&read), "{}", text.escape_ascii());
            }
            Err(flaws) => {
                wrong += 1;
                let lines = text.split(|byte| *byte == b'\n').count();
                assert!(!flaws.list.is_empty() && flaws.list.len() <= limits::FLAWS_MAX);
                assert!(
                    flaws.list.iter().all(|flaw| flaw.line <= lines && flaw.column > 0 && flaw.width > 0)
                );
                assert!(flaws.list.windows(2).all(|pair| pair[0].line < pair[1].line));
                #[cfg(feature = "cli")]
                assert!(render(&flaws, "f", &text, false).starts_with("error: "));
            }
        }
    }
    assert!(wrong > 5_000 && right > 1_000, "{wrong} wrong, {right} right");
}

#[test]
fn every_form_has_an_example_that_is_canonical() {
    let clients = "client web";
    for form in forms() {
        // Some stand only where others do.
        let (above, below) = match form.step() {
            "together" => ("", "end\n"),
            "always" => ("together\n", "end\n"),
            "end" => ("together\n", ""),
            _ => ("", ""),
        };
        let text = format!("release 2.4\n{clients}\n{above}{}\n{below}", form.example);
        let scenario = read(&text);
        let around = above.lines().count() + below.lines().count();
        assert_eq!(scenario.lines.len(), 2 + around, "{}", form.example);
        assert_eq!(print(&scenario), text);
        let words: Vec<&str> = form.words().collect();
        assert!(form.example.starts_with(&words.join(" ")), "{}", form.example);
    }
}

#[test]
fn the_manual_shows_every_form_and_every_step_in_it_parses() {
    let manual = include_str!("../../scenarios/README.md");
    // A form, and below it, four blanks in, its example.
    let blocks = manual.split("```text\n").skip(1).map(|block| block.split("```").next().unwrap());
    let forms_shown =
        blocks.filter(|block| block.lines().nth(1).is_some_and(|line| line.starts_with("    ")));
    let table: String = forms().map(|form| format!("{}\n    {}\n", form.usage, form.example)).collect();
    assert_eq!(forms_shown.collect::<String>(), table);
    let mut scenarios = 0;
    for block in manual.split("```scenario\n").skip(1) {
        let text = block.split("```").next().unwrap();
        parse(text.as_bytes()).unwrap_or_else(|flaws| panic!("{text}\n{flaws}"));
        scenarios += 1;
    }
    assert!(scenarios >= 2, "the manual has {scenarios} scenarios");
}

#[test]
fn the_parts_of_a_scenario_find_their_places() {
    let text = "\
# Why.
#
# And more.
release 2.2

client alice namespace=other lease=pull
# About the next.
alice: ! not-found content delete layer
? gc
---
keep  content/layer
  indented

expect same

# The end.
";
    let scenario = read(text);
    assert_eq!(scenario.release, Release::V2_2);
    let head: Vec<&str> = scenario.head.iter().map(Text::as_str).collect();
    assert_eq!(head, ["Why.", "", "And more."]);
    let [client, delete, gc, same] = &scenario.lines[..] else { panic!("{:?}", scenario.lines) };
    let alice = Step::Client {
        name: b"alice".to_vec(),
        namespace: Some(b"other".to_vec()),
        lease: Some(b"pull".to_vec()),
    };
    assert_eq!(client.step, alice);
    assert_eq!(delete.client.as_deref(), Some(&b"alice"[..]));
    assert_eq!(delete.outcome, Outcome::Refused(Refused::NotFound));
    assert_eq!(delete.step, Step::ContentDelete { digest: digest("layer") });
    assert_eq!(delete.comment, Text::lines("About the next."));
    assert_eq!(gc.outcome, Outcome::Any);
    assert_eq!(gc.expected, Some(Text::lines("keep  content/layer\n  indented")));
    assert_eq!(same.step, Step::Expect(Assertion::Same));
    assert_eq!([client, delete, gc, same].map(|line| line.number), [6, 8, 9, 14]);
    assert_eq!([client, delete, gc, same].map(|line| line.blank_before), [true, false, false, true]);
    assert_eq!(scenario.tail, Text::lines("The end."));
    assert!(scenario.asserts());
    assert_eq!(print(&scenario), text);
}

#[test]
fn without_a_release_the_seeds_is_meant_and_later_ones_are_steps() {
    let scenario = read("# why\ngc\nrelease 2.0\n");
    assert_eq!(scenario.release, Release::V1_7Beta);
    assert_eq!(scenario.head, Text::lines("why"));
    assert_eq!(scenario.lines[1].step, Step::Release(Release::V2_0));
    assert!(!scenario.asserts());
}

#[test]
fn output_that_plain_lines_cannot_carry_is_marked() {
    let mut scenario = read("gc");
    scenario.lines[0].expected = Some(Text::lines("a\n\nb"));
    assert_eq!(print_line(&scenario.lines[0]), "gc\n---\n> a\n>\n> b\n");
    assert_eq!(read(&print(&scenario)), scenario);
    scenario.lines[0].expected = Some(Text::lines("> a"));
    assert_eq!(print_line(&scenario.lines[0]), "gc\n---\n> > a\n");
    assert_eq!(read(&print(&scenario)), scenario);
}

#[test]
fn quotes_mean_exactly_these_bytes() {
    let put = |text: &str| match only_step(text) {
        Step::ContentPut { digest, .. } => digest,
        other => panic!("{other:?}"),
    };
    assert_eq!(put("content put layer"), digest("layer"));
    assert_eq!(put("content put @layer"), digest("layer"));
    assert_eq!(put("content put \"layer\""), b"layer");
    assert_eq!(put("content put sha256:12"), b"sha256:12");
    assert_eq!(put(r#"content put "\xff\n\"\\""#), b"\xff\n\"\\");
    assert_eq!(put(r#"content put "a b"c"#), b"a bc");

    let kept = |text: &str| match only_step(text) {
        Step::Expect(Assertion::Kept(nodes)) => nodes[0].clone(),
        other => panic!("{other:?}"),
    };
    let node = |namespace: Option<&[u8]>, kind, key: &[u8]| {
        NodeName::new(namespace.map(<[u8]>::to_vec), kind, key.to_vec())
    };
    assert_eq!(kept("expect kept lease/a/b"), node(None, Kind::Lease, b"a/b"));
    assert_eq!(kept("expect kept other/lease/a"), node(Some(b"other"), Kind::Lease, b"a"));
    assert_eq!(kept("expect kept \"lease\"/lease/a"), node(Some(b"lease"), Kind::Lease, b"a"));
    assert_eq!(kept("expect kept a\"/\"b/content/\"x\""), node(Some(b"a/b"), Kind::Content, b"x"));
    assert_eq!(kept("expect kept type-33/a"), node(None, Kind::Other(33), b"a"));
    let base = [b"overlayfs/", &*digest("base")].concat();
    for (text, key) in [("overlayfs/@base", &*base), ("overlayfs/\"@base\"", b"overlayfs/@base")] {
        let step = format!("expect kept snapshot/{text}");
        assert_eq!(kept(&step), node(None, Kind::Snapshot, key));
        assert_eq!(print_node(&node(None, Kind::Snapshot, key)), format!("snapshot/{text}"));
    }

    let step = only_step("snapshot prepare \"over/lay\"/k/2 gc.root=1 \"gc.root\"=2 \"flat\"=@layer");
    let Step::SnapshotPrepare(new) = step else { panic!("{step:?}") };
    let snapshot = SnapshotName { snapshotter: b"over/lay".to_vec(), key: b"k/2".to_vec() };
    assert_eq!(new.snapshot, snapshot);
    assert_eq!(new.labels.get(b"containerd.io/gc.root"), Some(&b"1"[..]));
    assert_eq!(new.labels.get(b"gc.root"), Some(&b"2"[..]));
    assert_eq!(new.labels.get(b"flat"), Some(digest("layer").as_slice()));

    let step = only_step(r#"raw put v1/""/"a/b"/@layer time=2026-01-01T00:00:00Z"#);
    let path = vec![b"v1".to_vec(), b"".to_vec(), b"a/b".to_vec(), digest("layer")];
    assert_eq!(step, Step::RawPut { path, value: RawValue::Time(CLOCK_START) });
    let step = only_step(r#"raw put v1 "time=x""#);
    assert_eq!(step, Step::RawPut { path: vec![b"v1".to_vec()], value: RawValue::Bytes(b"time=x".to_vec()) });
}

#[test]
fn an_expiry_is_relative_a_time_or_quoted_text() {
    let expire = |text: &str| match only_step(&format!("lease create a expire={text}")) {
        Step::LeaseCreate { expire, .. } => expire.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(expire("+1h1s"), Expiry::In(Duration::from_secs(3601)));
    assert_eq!(expire("-1s"), Expiry::Ago(Duration::from_secs(1)));
    assert_eq!(expire("2026-01-01T00:00:00Z"), Expiry::Text(b"2026-01-01T00:00:00Z".to_vec()));
    assert_eq!(expire("\"+1h\""), Expiry::Text(b"+1h".to_vec()));
    assert_eq!(expire("\"\""), Expiry::Text(Vec::new()));
    let (line, column, text) = flaw(b"lease create a expire=tomorrow");
    assert_eq!((line, column), (1, 23));
    assert!(text.contains("`tomorrow` is no time"), "{text}");
}

#[test]
fn slips_get_a_suggestion_at_their_place() {
    for (text, column, message) in [
        ("lese create pull", 1, "unknown step `lese` (did you mean `lease`?)"),
        ("lease create pull flat=true", 19, "unexpected `flat=true` (`flat` stands alone)"),
        ("content put a root=now", 15, "unknown option `root` (the label is gc.root=...)"),
        (
            "expect kept content/a, content/b",
            21,
            "`a,` is no name for content: 1 to 28 ASCII letters, digits and -._+ (blanks separate words, no commas)",
        ),
        ("!not-found gc", 1, "unknown step `!not-found` (a blank is missing: `! not-found`)"),
        ("? a: gc", 3, "the client goes first (write `a: ? STEP`)"),
        ("! not-found b: gc", 13, "the client goes first (write `b: ! KIND STEP`)"),
        (
            "? expect same",
            3,
            "`expect` is no step of a client, which could be refused (leave out what stands before it)",
        ),
        ("if seen a: gc", 9, "the client goes first (write `a: if seen STEP`)"),
        (
            "unless content put a",
            16,
            "unknown step `put` (behind `if` and `unless` stands a word by which something is remembered, then the step)",
        ),
        (
            "gc as x",
            4,
            "unexpected `as` (`as WORD` stands at the end of a step that begins with `?`, or of `look NODE`)",
        ),
        (
            "content put a if x",
            15,
            "unexpected `if` (`if WORD` and `unless WORD` stand before the step, behind its client: `CLIENT: if WORD STEP`)",
        ),
        (
            "when present content/a gc",
            1,
            "unknown step `when` (`when` stands in a promise, behind what must hold: `always CONDITION when CONDITION`)",
        ),
        ("GC", 1, "unknown step `GC` (did you mean `gc`?)"),
        ("expect keep content/a", 8, "unknown step `expect keep` (did you mean `expect kept`?)"),
        ("?gc", 1, "unknown step `?gc` (a blank is missing: `? gc`)"),
        ("alice:content put a", 1, "unknown step `alice:content` (a blank is missing: `alice: content`)"),
        ("----", 1, "unknown step `----` (expected output stands below `---`)"),
        ("advance 3600", 9, "`3600` is no duration: it has no unit (such as 1h30m, 1h1s, 500ms or 250ns)"),
        ("advance +1h", 9, "`+1h` is no duration: it has a sign (such as 1h30m, 1h1s, 500ms or 250ns)"),
        (
            "advance 1d",
            9,
            "`1d` is no duration: hours are the longest unit, a day is 24h (such as 1h30m, 1h1s, 500ms or 250ns)",
        ),
        ("lease craete pull", 7, "unknown step `lease craete` (did you mean `lease create`?)"),
        ("prepare overlayfs/a", 1, "unknown step `prepare` (did you mean `snapshot prepare`?)"),
        ("lease create pull exprie=+1h", 19, "unknown option `exprie` (did you mean `expire`?)"),
        ("lease create pull falt", 19, "unexpected `falt` (did you mean `flat`?)"),
        ("lease create pull expire", 19, "unexpected `expire` (the option expire needs a value: expire=...)"),
        ("! not-fuond gc", 3, "unknown kind of error `not-fuond` (did you mean `not-found`?)"),
        ("gc last=steram", 9, "unknown kind `steram` (did you mean `stream`?)"),
        ("expect kept lese/pull", 13, "unknown kind `lese` (did you mean `lease`?)"),
        ("expect kept a/lese/pull", 15, "unknown kind `lese` (did you mean `lease`?)"),
        ("content policy sharde", 16, "`sharde` is not one of shared, isolated (did you mean `shared`?)"),
        ("image update a replace=label", 24, "`label` is not one of labels, all (did you mean `labels`?)"),
        (
            "expect kept snapshots/overlayfs/x",
            13,
            "unknown kind `snapshots` (did you mean `snapshot/overlayfs/x`?)",
        ),
        ("expect kept images/docker.io/x", 13, "unknown kind `images` (did you mean `image/docker.io/x`?)"),
        ("expect kept a/leases/pull", 15, "unknown kind `leases` (did you mean `lease`?)"),
        ("expect kept contents/layer", 13, "unknown kind `contents` (did you mean `content`?)"),
        ("lease add a snapshots/o/k", 13, "unknown kind `snapshots` (did you mean `snapshot`?)"),
        (
            "collector fail type-9 strat",
            23,
            "`strat` is not one of start, cancel, finish (did you mean `start`?)",
        ),
    ] {
        let (line, at, found) = flaw(text.as_bytes());
        assert_eq!(found, format!("line 1, column {column}: {message}"), "{text}");
        assert_eq!((line, at), (1, column));
    }
}

#[test]
fn a_line_that_has_its_place_elsewhere_is_told_where() {
    for (text, at, hint) in [
        ("client alice\nalice content put a", 2, "a colon is missing: `alice: ...`"),
        ("gc\n---\n\nremove  content/a", 4, "if it is expected output: that stands directly below `---`"),
    ] {
        let (line, _, found) = flaw(text.as_bytes());
        assert!(line == at && found.contains(hint), "{text}: {found}");
    }
}

#[test]
fn what_is_missing_or_too_much_is_said() {
    for (text, column, message) in [
        ("lease", 6, "`lease` without saying what to do"),
        ("content put", 12, "DIGEST is missing"),
        ("content open expect=layer", 14, "REF is missing: `expect=layer` is an option"),
        ("image create main", 18, "target=DIGEST is missing"),
        ("collector leased stream stream/a", 33, "lease=ID is missing"),
        ("cleanup now", 9, "unexpected `now`"),
        ("content put a b", 15, "unexpected `b`"),
        ("content put a size=1 size=2", 22, "`size` is given twice"),
        ("content put a gc.root=1 gc.root=2", 25, "`containerd.io/gc.root` is given twice"),
        ("lease create a flat flat", 21, "`flat` is given twice"),
        ("lease create a plain=1", 16, "unknown option `plain`"),
        ("content put a size=many", 20, "`many` is no whole number"),
        ("content put a size=9223372036854775808", 20, "`9223372036854775808` is no whole number"),
        ("raw sequence v1 -1", 17, "`-1` is no whole number from 0 to 18446744073709551615"),
        ("gc cancel-at-root=0", 19, "`0` is no whole number from 1 to 18446744073709551615"),
        ("advance 300y", 9, "`300y` is no duration"),
        ("advance 9999999999999999999999h", 9, "is no duration up to 2562047h47m16s854ms775us807ns"),
        ("advance -1h", 9, "the clock does not go back by `-1h`"),
        ("now yesterday", 5, "`yesterday` is no time"),
        ("now 9999-12-31T23:00:00-23:00", 5, "is no time"),
        ("content put a/b", 13, "`a/b` is no name for content"),
        ("expect kept content/content/a", 21, "`content/a` is no name for content"),
        ("image create i target=content/a", 23, "`content/a` is no name for content"),
        ("content put 01234567890123456789012345678", 13, "is no name for content: 1 to 28"),
        ("snapshot prepare base", 18, "`base` has no `/`: SNAPSHOTTER/KEY is needed"),
        ("expect kept layer", 13, "`layer` has no `/`: [NS/]KIND/KEY is needed"),
        ("expect kept", 12, "NODE is missing"),
        ("release 3.0", 9, "no rule set for release `3.0`"),
        ("collector declare type-256", 19, "unknown kind `type-256`"),
        ("alice: gc", 1, "client `alice` is not declared"),
        ("alice:", 7, "a prefix without a step"),
        ("! not-found", 12, "a prefix without a step"),
        ("gc # now", 4, "a comment behind a step"),
        ("lease use \"pull", 11, "a quote that is never closed"),
        ("lease use a\\b", 12, "unknown escape `\\`"),
        ("lease use \"\\q\"", 12, "unknown escape `\\q`"),
        ("lease use \"\\x4\"", 12, "unknown escape `\\x4\"`"),
        ("lease use a\u{a0}b", 12, "the character U+00A0 does not belong here"),
        ("lease use \"a\tb\"", 13, "the character U+0009 does not belong here"),
        ("é: gc", 1, "client `é` is not declared"),
        ("lease use é \"", 13, "a quote that is never closed"),
        ("cleanup\n---\n>a\nb", 1, "a line of expected output without `>`"),
        ("lease none\n---\na", 1, "expected output stands directly below"),
        ("gc\n---\na\n\n---\nb", 1, "expected output stands directly below"),
        ("gc\n# why\n---\nb", 1, "expected output stands directly below"),
        ("always present content/a", 1, "`always` outside of a `together` block"),
        ("together\nalways there content/a\nend", 8, "unknown condition `there`"),
        ("together\nalways present content/a when\nend", 30, "CONDITION is missing"),
        ("together\ntogether\nend", 1, "`together` inside another"),
        ("together\nend\ntogether\nend", 1, "`together` a second time"),
        ("end", 1, "`end` without a `together` above"),
        ("gc\ntogether\ngc", 1, "the `together` block is never closed"),
        ("may gc", 5, "`may` outside of a `together` block"),
        ("together\nmay 0 gc\nend", 5, "`0` is no number from 1 to 100"),
        ("together\nmay expect same\nend", 5, "`expect` of the last collection inside"),
        ("together\nnow 2026-01-01T00:00:00Z\nend", 1, "`now` inside a `together` block"),
        ("together\nclient a\nend", 1, "`client` inside a `together` block"),
        ("look content/a", 15, "`look` without a word to remember by"),
        ("if there", 9, "`if there` without a step"),
        ("unless", 7, "`unless` without a word"),
        ("client a\nif there client b", 10, "`client` is no step of a client"),
        ("content put a as there", 15, "unexpected `as`"),
        ("client a\nclient a", 8, "client `a` is declared twice, first in line 1"),
        ("client alice\nalcie: gc", 1, "client `alcie` is not declared (did you mean `alice`?)"),
    ] {
        let (_, at, found) = flaw(text.as_bytes());
        assert!(found.contains(message), "{text}\n{found}");
        assert_eq!(at, column, "{text}\n{found}");
    }
}

#[test]
fn one_pass_reports_every_line_that_is_wrong() {
    let flaws =
        parse(b"gcc\ngc\n---\nx\n\nlease\nadvance 1\nclient a nmespace=b\na: gc\ngcc\n---\nx\n").unwrap_err();
    let lines: Vec<usize> = flaws.list.iter().map(|flaw| flaw.line).collect();
    assert_eq!(lines, [1, 6, 7, 8, 10], "{flaws}");
    assert!(!flaws.cut);
    let flaws = parse("x\n".repeat(1_000).as_bytes()).unwrap_err();
    assert_eq!(flaws.list.len(), limits::FLAWS_MAX);
    assert!(flaws.cut && flaws.to_string().ends_with("the rest of the file was not read"));
}

#[test]
fn hostile_files_get_an_error_with_a_position_promptly() {
    let deep = |keys: usize| format!("raw bucket {}", vec!["a"; keys].join("/")).into_bytes();
    assert!(parse(&deep(limits::PATH_KEYS_MAX)).is_ok());
    let escaped_name = format!("lease use \"{}\"", "\\xff".repeat(limits::NAME_BYTES_MAX)).into_bytes();
    assert!(parse(&escaped_name).is_ok());
    let ten_megabytes = 10 << 20;
    // Name, text, line and column, and what the message contains.
    type Case = (&'static str, Vec<u8>, (usize, usize), &'static str);
    let cases: [Case; 16] = [
        ("one long line", vec![b'a'; ten_megabytes], (1, limits::LINE_BYTES_MAX + 1), "10485760 bytes"),
        ("one long name", vec![b'a'; limits::LINE_BYTES_MAX], (1, 1), "unknown step `aaa"),
        (
            "one long quote",
            [b"lease use \"".to_vec(), vec![b'"'; 999_990]].concat(),
            (1, 1_000_001),
            "never closed",
        ),
        ("a huge file", vec![b'\n'; limits::FILE_BYTES_MAX + 1], (1, 1), "16777217 bytes"),
        ("a million steps", b"gc\n".repeat(1_000_000), (limits::STEPS_MAX + 1, 1), "more than 100000 steps"),
        ("words without end", b"gc ".repeat(300_000), (1, 4), "unexpected `gc`"),
        ("not UTF-8", b"gc\nlease use \xc3\xa9\xff".to_vec(), (2, 12), "0xff is not UTF-8"),
        ("an unclosed quote", b"lease use \"pull".to_vec(), (1, 11), "never closed"),
        ("an unknown step", b"gc\nexplode".to_vec(), (2, 1), "unknown step `explode`"),
        ("a wrong type", b"content put a size=x".to_vec(), (1, 20), "no whole number"),
        ("an absurd duration", b"advance 99999999999999999999h".to_vec(), (1, 9), "no duration"),
        ("clients twice", b"client a\nclient b\nclient a".to_vec(), (3, 8), "declared twice"),
        ("a deep path", deep(1_000), (1, 212), "1000 keys, more than 100"),
        ("an empty file", Vec::new(), (1, 1), "no steps"),
        ("only comments", b"# a\n\n".repeat(1_000), (1, 1), "no steps"),
        ("zeros", vec![0; 100_000], (1, 1), "U+0000"),
    ];
    for (name, text, place, message) in cases {
        let begin = Wall::now();
        let flaws = parse(&text).expect_err(name);
        let first = flaws.list.first().expect("an error has a flaw");
        assert_eq!((first.line, first.column), place, "{name}: {first}");
        assert!(first.to_string().contains(message), "{name}: {first}");
        assert!(flaws.to_string().len() < 10_000, "{name}");
        #[cfg(feature = "cli")]
        assert!(render(&flaws, "f", &text, true).len() < 20_000, "{name}");
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(5), "{name} took {took:?}");
    }
    let long = format!("lease use \"{}\"", "\\xff".repeat(limits::NAME_BYTES_MAX + 1));
    assert!(flaw(long.as_bytes()).2.contains("has 32769 bytes, more than 32768"));
}

#[test]
fn what_cannot_be_written_is_found_by_the_check() {
    let of = |step: Step| Scenario { lines: vec![Line::new(step)], ..Scenario::default() };
    assert_eq!(of(Step::Cleanup).check(), Ok(()));
    let late = Instant { seconds: i64::MAX, nanoseconds: 0 };
    let odd = Instant { nanoseconds: 1_500_000_000, ..CLOCK_START };
    let mut stranger = of(Step::Cleanup);
    stranger.lines[0].client = Some(b"bob".to_vec());
    let mut misplaced = of(Step::LeaseNone);
    misplaced.lines[0].expected = Some(Text::lines("x"));
    for scenario in [
        of(Step::Now(late)),
        of(Step::Now(odd)),
        of(Step::RawPut { path: Vec::new(), value: RawValue::Bytes(b"v".to_vec()) }),
        of(Step::RawBucket { path: vec![b"a".to_vec(); 101] }),
        of(Step::LeaseUse { lease: vec![b'a'; limits::NAME_BYTES_MAX + 1] }),
        of(Step::Expect(Assertion::Kept(Vec::new()))),
        of(Step::Advance(limits::DURATION_MAX + Duration::from_nanos(1))),
        stranger,
        misplaced,
    ] {
        assert!(scenario.check().is_err(), "{}", print(&scenario));
    }
}

#[test]
fn labels_are_sorted_and_each_key_counts_once() {
    let pair = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    let mut labels: Labels = [pair("b", "1"), pair("a", "2"), pair("b", "3")].into_iter().collect();
    assert_eq!(labels.as_slice(), [pair("a", "2"), pair("b", "3")]);
    assert_eq!(labels.insert(b"a".to_vec(), b"4".to_vec()), Some(b"2".to_vec()));
    assert_eq!(labels.insert(b"ab".to_vec(), b"5".to_vec()), None);
    assert_eq!(labels.remove(b"b"), Some(b"3".to_vec()));
    assert_eq!(labels.as_slice(), [pair("a", "4"), pair("ab", "5")]);
    assert_eq!(labels.get(b"x"), None);
}
