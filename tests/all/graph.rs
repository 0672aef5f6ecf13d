//! `leasehold graph`: what is drawn is what `explain` says, in each of its languages and whatever the names are.

use super::lint::root_of;
use super::program::{leasehold, text};
use base64::Engine as _;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use tempfile::TempDir;

/// What a command draws.
fn drawn(arguments: &[&str]) -> String {
    let output = leasehold(&[&["graph"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn scenario(steps: &str) -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("s.scenario");
    fs::write(&path, steps).expect("a file that can be written");
    let path = path.to_str().expect("a name of text").to_owned();
    (folder, path)
}

/// Of every fate one, with names that each language must escape.
pub(super) const HOSTILE: &str = r#"release 2.1
content put layer size=100
content put garbage gc.ref.content.x=@gone
raw bucket v1/default/content/blob/"\"];\\\\\" -> x [label=<b>"/labels
raw put v1/default/content/blob/"\"];\\\\\" -> x [label=<b>"/labels/"containerd.io/gc.ref.content.l.0" @layer
raw bucket v1/default/images/"</script><script>alert(1)</script>"/target
raw put v1/default/images/"</script><script>alert(1)</script>"/target/digest "\"];\\\\\" -> x [label=<b>"
raw bucket v1/default/images/"a&amp;'\x1b[31m\xe2\x80\xae\x00\xef\xbf\xbf\xff]]>"/target
raw put v1/default/images/"a&amp;'\x1b[31m\xe2\x80\xae\x00\xef\xbf\xbf\xff]]>"/target/digest @layer
lease create l expire=+2h
content put held
lease add l content/held
raw bucket v1/default/leases/"l\\"
raw bucket v1/default/snapshots/overlayfs/"--><img src=x onerror=alert(1)>"
raw bucket v1/default/containers/"c\nforged"
raw put v1/default/containers/"c\nforged"/snapshotter overlayfs
raw put v1/default/containers/"c\nforged"/snapshotKey "--><img src=x onerror=alert(1)>"
"#;

/// The quoted strings and the words of a line in Graphviz's language, escapes resolved as its lexer does for ids.
fn words(line: &str) -> Vec<(bool, String)> {
    let (mut words, mut rest) = (Vec::new(), line.chars().peekable());
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                let mut word = String::new();
                loop {
                    match rest.next().expect("a string ends on its line") {
                        '"' => break,
                        '\\' if rest.peek() == Some(&'"') => word.extend(rest.next()),
                        '\\' => word.extend(['\\', rest.next().expect("a character behind a backslash")]),
                        other => word.push(other),
                    }
                }
                words.push((true, word));
            }
            ' ' | '[' | ']' | ';' | '=' => {}
            other => {
                let mut word = other.to_string();
                while let Some(next) = rest.next_if(|next| !" []=;\"".contains(*next)) {
                    word.push(next);
                }
                words.push((false, word));
            }
        }
    }
    words
}

/// The nodes with their classes and the edges of a graph in Graphviz's language.
fn parsed(dot: &str) -> (BTreeMap<String, String>, Vec<(String, String)>) {
    let (mut nodes, mut edges) = (BTreeMap::new(), Vec::new());
    for line in dot.lines().filter(|line| !line.starts_with("//")) {
        match &words(line)[..] {
            [(true, from), (false, arrow), (true, to), ..] if arrow == "->" => {
                edges.push((from.clone(), to.clone()));
            }
            [(true, id), (false, label), (true, _), (false, class), (false, of), ..]
                if label == "label" && class == "class" =>
            {
                assert_eq!(nodes.insert(id.clone(), of.clone()), None, "{id} stands there once");
            }
            _ => {}
        }
    }
    (nodes, edges)
}

/// A frame's name says the namespace of what is in it.
#[test]
fn what_stands_in_no_frame_is_drawn_with_its_namespace() {
    let (_folder, path) = scenario("content put a size=5 gc.root=x\n");
    let dot = drawn(&[&path, "--dot"]);
    assert!(dot.contains("[label=\"default/content/a\\nkept, a root by itself, 5 B\""), "{dot}");
    let svg = drawn(&[&path, "--svg"]);
    assert!(svg.contains(">default</text>"), "{svg}");
}

#[test]
fn dot_has_each_object_with_what_becomes_of_it_and_each_relation_whatever_the_names() {
    let (_folder, path) = scenario(HOSTILE);
    let dot = drawn(&[&path, "--dot"]);
    let (nodes, edges) = parsed(&dot);
    let of = |fate: &str| nodes.values().filter(|own| *own == fate).count();
    assert_eq!(nodes.len(), 11, "{dot}");
    let counts = ["kept", "until", "removed", "unswept", "missing"].map(of);
    assert_eq!(counts, [6, 2, 1, 1, 1], "{dot}");
    let mut ends = BTreeSet::new();
    for (from, to) in &edges {
        assert!(nodes.contains_key(from) && nodes.contains_key(to), "{from} -> {to} in {dot}");
        ends.insert((from.as_str(), to.as_str()));
    }
    assert!(ends.contains(&("default/content/garbage", "default/content/gone")), "{dot}");
    assert_eq!(edges.len(), 6, "{dot}");
    // What was escaped is what `explain` takes.
    for (id, fate) in &nodes {
        let id = id.replace("\\\\", "\\");
        let explained = leasehold(&["explain", &path, &id, "--json"]);
        let explained: Value = serde_json::from_slice(&explained.stdout).expect("one object");
        let state = if fate == "until" { "kept" } else { fate };
        assert_eq!(explained["state"], *state, "{id}");
        assert_eq!(explained["until"].is_string(), fate == "until", "{id}");
    }
}

#[test]
fn an_svg_is_well_formed_and_the_same_each_time_whatever_the_names() {
    let (folder, _) = scenario(HOSTILE);
    let path = folder.path().join("a\u{ffff}<b>.scenario");
    fs::rename(folder.path().join("s.scenario"), &path).expect("a file that can be renamed");
    let path = path.to_str().expect("text");
    let svg = drawn(&[path, "--svg"]);
    assert_eq!(svg, drawn(&[path, "--svg"]));
    let document = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
    let known = ["svg", "title", "style", "defs", "marker", "path", "text", "g", "rect", "circle"];
    let strange =
        document.descendants().find(|node| node.is_element() && !known.contains(&node.tag_name().name()));
    assert!(strange.is_none(), "{strange:?}");
    let titles: Vec<&str> = (document.descendants())
        .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "title")))
        .filter_map(|node| node.text())
        .collect();
    let named = |part: &str| titles.iter().any(|title| title.contains(part));
    assert!(
        named("</script><script>alert(1)</script>") && named("<img src=x onerror=alert(1)>"),
        "{titles:?}"
    );
    assert!(named(r"a\uffff<b>.scenario"), "XML has no such character: {titles:?}");
    // A box in its place each.
    let boxes = document
        .descendants()
        .filter(|node| node.attribute("class").is_some_and(|class| class.starts_with("box ")));
    let places: Vec<Option<&str>> =
        boxes.map(|own| own.parent().and_then(|above| above.attribute("transform"))).collect();
    assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), 11, "{places:?}");
}

/// A circle is drawn too, and whatever names itself.
#[test]
fn circles_are_drawn() {
    let (_folder, path) = scenario(
        "release 2.1\ncontent put a gc.ref.content.x=@b\ncontent put b gc.ref.content.x=@c gc.ref.content.y=@b\n\
content put c gc.ref.content.x=@a\nimage create i target=b\n",
    );
    let (nodes, edges) = parsed(&drawn(&[&path, "--dot"]));
    assert_eq!((nodes.len(), edges.len()), (4, 5));
    let svg = drawn(&[&path, "--svg"]);
    assert!(roxmltree::Document::parse(&svg).is_ok() && svg.matches("class=\"line\"").count() == 5, "{svg}");
}

fn chain(count: usize) -> String {
    let links = (0..count).map(|number| format!("content put n{number} gc.ref.content.x=@n{}\n", number + 1));
    format!("release 2.1\n{}content put n{count}\nimage create top target=n0\n", links.collect::<String>())
}

#[test]
fn around_an_object_stand_its_chains_and_what_is_near_and_the_rest_is_counted() {
    let (_folder, path) = scenario(&chain(600));
    let refused = leasehold(&["graph", &path, "--svg"]);
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(2), String::new()));
    assert!(text(&refused.stderr).contains("602 objects are too many for one drawing"), "{refused:?}");
    let dot = drawn(&[&path, "content/n300", "--dot"]);
    let (nodes, _) = parsed(&dot);
    // The whole chain above explains it; below are 300, of which the nearest are drawn.
    assert_eq!(nodes.len(), 1 + 301 + 150, "{dot}");
    assert!(dot.contains("not drawn: 150 more objects that it reaches"), "{dot}");
    assert!(nodes.contains_key("default/image/top") && !nodes.contains_key("default/content/n451"));
}

#[test]
fn a_file_is_made_and_never_written_over() {
    let (folder, path) = scenario(HOSTILE);
    let file = folder.path().join("g.dot");
    let file = file.to_str().expect("text");
    let made = leasehold(&["graph", &path, "--dot", file]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    assert_eq!(text(&made.stdout), format!("{file}: 11 objects and 6 relations between them\n"));
    let written = fs::read_to_string(file).expect("the file");
    assert_eq!(written, drawn(&[&path, "--dot"]));
    let again = leasehold(&["graph", &path, "--svg", file]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    assert_eq!(fs::read_to_string(file).expect("the file"), written);
    assert_eq!(leasehold(&["graph", &path]).status.code(), Some(2), "a form is to be named");
    assert_eq!(leasehold(&["graph", &path, "--dot", "-"]).status.code(), Some(2));
    assert_eq!(leasehold(&["graph", &path, "--dot", "/nowhere/g.dot"]).status.code(), Some(3));
}

#[test]
fn how_it_ends_is_told_as_by_explain() {
    let (_folder, path) = scenario(HOSTILE);
    for (node, code) in [("content/gone", 1), ("nothing-at-all", 1), ("content/layer", 0)] {
        let [drawn, explained] =
            [leasehold(&["graph", &path, node, "--dot"]), leasehold(&["explain", &path, node])];
        assert_eq!((drawn.status.code(), explained.status.code()), (Some(code), Some(code)), "{node}");
    }
}

/// What a page knows, unpacked.
fn data_of(page: &str) -> Value {
    let (_, data) = page.split_once("<script id=\"data\" type=\"text/plain\">").expect("data");
    let (data, _) = data.split_once("</script>").expect("an end");
    let packed = base64::engine::general_purpose::STANDARD.decode(data).expect("base64");
    let mut json = String::new();
    flate2::read::GzDecoder::new(&*packed).read_to_string(&mut json).expect("gzip");
    serde_json::from_str(&json).expect("JSON")
}

#[test]
fn of_a_root_folder_snapshots_have_their_sizes_in_the_drawing_and_over_time() {
    let root = root_of(
        "release 2.1
content put layer size=5 gc.root=now
snapshot prepare overlayfs/work
snapshot commit overlayfs/work base
lease create pull expire=+1h
lease add pull snapshot/overlayfs/base
snapshot prepare overlayfs/over parent=base
content open upload
",
    );
    let source = root.path().to_str().expect("text");
    let now = ["--now", "2026-01-01T00:00:00Z"];
    let dot = drawn(&[&[source, "--dot"], &now[..]].concat());
    let base = dot.lines().find(|line| line.contains("snapshot/overlayfs/base") && line.contains("label"));
    assert!(base.is_some_and(|base| base.contains("304 B")), "{dot}");
    let data = data_of(&drawn(&[&[source, "--html"], &now[..]].concat()));
    let freed: Vec<&str> =
        data["times"].as_array().expect("times").iter().filter_map(|time| time["freed"].as_str()).collect();
    let expected = [
        "0 B of content and 0 B of snapshots (and 1 of unknown size) come free",
        "0 B of content and 304 B of snapshots (and 1 of unknown size) come free",
        // A day later the upload goes, whose bytes the database does not know.
        "0 B of content and 304 B of snapshots (and 1 of unknown size) come free",
    ];
    assert_eq!(freed, expected);
}
