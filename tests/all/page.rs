//! A page of `leasehold graph --html` in a browser: driven as a person would, and held to what `explain` prints.
//!
//! Chromium is spoken to over two pipes (`--remote-debugging-pipe`): messages of JSON, each with a zero byte behind it. Tests
//! that need it are ignored where nobody asks for them; `.ci/nightly` does.

use super::program::{leasehold, text};
use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A page of a scenario, in a folder.
fn page(steps: &str) -> (TempDir, String, String) {
    let folder = TempDir::new().expect("a folder");
    let [source, page] =
        ["s.scenario", "g.html"].map(|name| folder.path().join(name).to_str().expect("text").to_owned());
    fs::write(&source, steps).expect("a file that can be written");
    let made = leasehold(&["graph", &source, "--html", &page]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    (folder, source, page)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// What stands between two marks, each time.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Vec<&'t str> {
    text.split(from).skip(1).map(|rest| rest.split(to).next().unwrap_or_default()).collect()
}

#[test]
fn the_policy_names_what_stands_in_the_page_and_nothing_else() {
    let (_folder, _, page) = page("release 2.1\ncontent put a\n");
    let page = fs::read_to_string(page).expect("text");
    let hashes = |parts: Vec<&str>| -> Vec<String> {
        let hash = |part: &str| {
            format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(sha256(part.as_bytes())))
        };
        parts.into_iter().map(hash).collect()
    };
    let scripts = hashes(between(&page, "<script>", "</script>")).join(" ");
    let styles = [
        between(&page, "<style>", "</style>"),
        between(&page, "<style id=\"__________cytoscape_stylesheet\">", "</style>"),
    ];
    let styles = hashes(styles.concat()).join(" ");
    let expected = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; script-src {scripts}; style-src {styles}"
    );
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\">");
    assert_eq!(policy, [expected.as_str()], "src/report/graph/page.rs has the policy");
    assert!(page.contains("Permission is hereby granted, free of charge"), "the library's licence is in it");
    assert!(page.bytes().all(|byte| byte != b'\t' && byte != b'\r'), "a terminal would see it otherwise");
}

#[test]
fn the_library_is_the_published_file() {
    let folder = Path::new(ROOT).join("src/report/graph/cytoscape");
    let said = fs::read_to_string(folder.join("README.md")).expect("text");
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let own = hex(sha256(&fs::read(folder.join("cytoscape.min.js")).expect("the file")));
    assert!(said.contains(&format!("| cytoscape.min.js | {own} |")), "{own}");
    assert!(fs::read_to_string(folder.join("LICENSE")).expect("text").contains("The Cytoscape Consortium"));
}

struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    number: u64,
    events: Vec<Value>,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}

impl Browser {
    /// A browser that shows a page, once that is ready.
    fn open(page: &str, width: u32, height: u32) -> Browser {
        let profile = TempDir::new().expect("a folder");
        let command = format!(
            "exec chromium --headless --no-sandbox --disable-gpu --disable-background-networking --user-data-dir={} \
             --remote-debugging-pipe about:blank 3<&0 4>&1 </dev/null >/dev/null 2>&1",
            profile.path().display()
        );
        let mut process = Command::new("sh")
            .args(["-c", &command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let (to, from) = process.stdin.take().zip(process.stdout.take()).expect("piped");
        let (session, events) = (None, Vec::new());
        let from = BufReader::new(from);
        let mut browser = Browser { process, to, from, session, number: 0, events, _profile: profile };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", &target);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.call("Emulation.setDeviceMetricsOverride", &size);
        browser.call("Page.navigate", &json!({"url": format!("file://{page}")}));
        browser.wait("document.documentElement?.dataset.ready === 'true'");
        browser
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let sent = self.to.write_all(format!("{message}\0").as_bytes());
        sent.expect("chromium is installed (apt-get install chromium) and runs");
        loop {
            let mut answer = Vec::new();
            self.from.read_until(0, &mut answer).expect("an answer");
            answer.pop();
            let answer: Value = serde_json::from_slice(&answer)
                .expect("chromium is installed (apt-get install chromium) and answers");
            if answer["id"] == self.number {
                assert_eq!(answer["error"], Value::Null, "{method} {parameters}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// What a script says in the page.
    fn ask(&mut self, script: &str) -> Value {
        let asked = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &asked);
        assert_eq!(answer["exceptionDetails"], Value::Null, "{script}");
        answer["result"]["value"].clone()
    }

    fn wait(&mut self, script: &str) {
        let began = Instant::now();
        while self.ask(script) != true {
            assert!(began.elapsed() < Duration::from_secs(30), "{script}: {:?}", self.events);
            sleep(Duration::from_millis(20));
        }
    }

    /// Where an element is, by a script that finds it.
    fn click(&mut self, element: &str) {
        let place = self.ask(&format!(
            "(() => {{ const own = {element}; own.scrollIntoView({{ block: 'center' }}); const box = own.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        self.click_at(&place[0], &place[1]);
    }

    fn click_at(&mut self, x: &Value, y: &Value) {
        for (kind, button) in [("mouseMoved", "none"), ("mousePressed", "left"), ("mouseReleased", "left")] {
            let event = json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": 1});
            self.call("Input.dispatchMouseEvent", &event);
        }
    }

    fn type_in(&mut self, words: &str) {
        self.call("Input.insertText", &json!({"text": words}));
    }

    fn press(&mut self, key: &str, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = match (kind, text) {
                ("keyDown", text) if !text.is_empty() => json!({"type": kind, "key": key, "text": text}),
                _ => json!({"type": kind, "key": key}),
            };
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// The explanation that stands beside the picture, of this object.
    fn explanation(&mut self, name: &str) -> String {
        let begins =
            format!("document.getElementById('explanation')?.textContent.startsWith({})", json!(name));
        self.wait(&begins);
        let told = self.ask("document.getElementById('explanation').textContent");
        told.as_str().expect("text").to_owned()
    }

    /// Nothing was asked for but the page, and nothing went wrong or was refused.
    fn assert_quiet(&mut self) {
        self.ask("new Promise(done => setTimeout(done, 200))");
        for event in &self.events {
            let parameters = &event["params"];
            match event["method"].as_str() {
                Some("Network.requestWillBeSent") => {
                    let address = parameters["request"]["url"].as_str().expect("an address");
                    assert!(address.starts_with("file://") && address.ends_with("g.html"), "{address}");
                }
                Some(
                    "Runtime.exceptionThrown"
                    | "Log.entryAdded"
                    | "Runtime.consoleAPICalled"
                    | "Page.javascriptDialogOpening",
                ) => panic!("{parameters}"),
                _ => {}
            }
        }
    }
}

const LIBRARY: &str = "release 2.1
content put layer size=1000
content put config size=10
content put m1 size=5 gc.ref.content.l.0=@layer gc.ref.content.config=@config
content put m2 size=5 gc.ref.content.l.0=@layer
content put garbage size=2000 gc.ref.content.x=@gone
content put held size=4000
image create docker.io/library/web:1 target=m1
image create docker.io/library/db:2 target=m2
lease create pull expire=+2h
lease add pull content/held
snapshot prepare overlayfs/top
container create c snapshotter=overlayfs snapshot=top image=docker.io/library/web:1
namespace create other
client bob namespace=other
bob: content put elsewhere size=7 gc.root=x
";

#[test]
#[ignore = "needs Chromium"]
fn a_page_is_searched_clicked_filtered_and_taken_through_time() {
    let (_folder, source, page) = page(LIBRARY);
    for (width, height) in [(1400, 900), (700, 1100)] {
        let mut browser = Browser::open(&page, width, height);
        // What is on the page of each object is what the command prints.
        let names = browser.ask("leasehold.data.names");
        let names = names.as_array().expect("names");
        assert_eq!(names.len(), 13, "{names:?}");
        for (object, name) in names.iter().enumerate() {
            let name = name.as_str().expect("a name");
            // A frame later the picture stands where it was moved to.
            let at = browser.ask(&format!(
                "(async () => {{ scrollTo(0, 0); const node = leasehold.cy.getElementById('o{object}'); leasehold.cy.zoom(1); leasehold.cy.center(node); \
                 for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame); \
                 const own = document.getElementById('graph').getBoundingClientRect(), at = node.renderedPosition(); return [own.x + at.x, own.y + at.y]; }})()"
            ));
            browser.click_at(&at[0], &at[1]);
            let told = browser.explanation(name);
            assert_eq!(told, text(&leasehold(&["explain", &source, name]).stdout), "{name}");
        }
        // Its chains are highlighted: the layer's lead to both images.
        let hot = "leasehold.cy.nodes('.hot, .chosen').map(node => leasehold.data.names[node.data('object')]).sort()";
        browser.press("Escape", "");
        browser.press("/", "/");
        assert_eq!(browser.ask("document.activeElement.id"), "search");
        browser.type_in("content/LAYER");
        browser.press("Enter", "\r");
        browser.explanation("default/content/layer");
        let chains = [
            "content/layer",
            "content/m1",
            "content/m2",
            "image/docker.io/library/db:2",
            "image/docker.io/library/web:1",
        ];
        let chains: Vec<String> = chains.iter().map(|name| format!("default/{name}")).collect();
        assert_eq!(browser.ask(hot), json!(chains));
        // Nothing found is said.
        browser.press("Escape", "");
        browser.press("/", "/");
        browser.type_in("no-such-thing");
        assert_eq!(browser.ask("document.querySelector('#side h2').textContent"), "0 objects found");
        browser.press("Escape", "");
        // Two hours on the lease and what it held go.
        let shown =
            "leasehold.cy.nodes('.removed').map(node => leasehold.data.names[node.data('object')]).sort()";
        assert_eq!(browser.ask(shown), json!(["default/content/garbage"]));
        browser.ask("document.getElementById('time').focus()");
        for kind in ["keyDown", "keyUp"] {
            browser.call("Input.dispatchKeyEvent", &json!({"type": kind, "key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39}));
        }
        assert_eq!(
            browser.ask(shown),
            json!(["default/content/garbage", "default/content/held", "default/lease/pull"])
        );
        let freed = browser.ask("document.getElementById('freed').textContent");
        let freed = freed.as_str().expect("text");
        let at = "After 2026-01-01T02:00:00Z, in 2 h: 5.9 KiB comes free, 3 objects go";
        assert!(freed.starts_with(at), "{freed}");
        // Filters, by kind, namespace and what becomes of it.
        // The library knows a frame later what it hides.
        let seen = "(async () => { for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame); \
                    return leasehold.cy.nodes(':visible').filter(node => node.data('object') !== undefined).length; })()";
        assert_eq!(browser.ask(seen), 13);
        browser.click("document.querySelector('#filters details summary')");
        browser.click("document.querySelector('#kinds input[data-name=content]')");
        assert_eq!(browser.ask(seen), 5);
        browser.click("document.querySelector('#kinds input[data-name=content]')");
        browser.click("document.querySelectorAll('#filters details summary')[1]");
        browser.click("document.querySelector('#namespaces input[data-name=default]')");
        assert_eq!(browser.ask(seen), 1);
        browser.click("document.querySelector('#namespaces input[data-name=other]')");
        assert_eq!(browser.ask("document.getElementById('none').hidden"), false);
        browser.assert_quiet();
    }
}

#[test]
#[ignore = "needs Chromium"]
fn names_that_are_markup_or_script_run_nothing_and_are_shown_as_they_are_printed() {
    let (_folder, source, page) = page(super::graph::HOSTILE);
    let mut browser = Browser::open(&page, 1000, 800);
    let names = browser.ask("leasehold.data.names");
    for name in names.as_array().expect("names") {
        let name = name.as_str().expect("a name");
        browser.ask(&format!(
            "(() => {{ const own = document.getElementById('search'); own.value = {}; own.dispatchEvent(new Event('input')); document.querySelector('#side li button').click(); }})()",
            json!(name)
        ));
        let told = browser.explanation(name);
        assert_eq!(told, text(&leasehold(&["explain", &source, name]).stdout), "{name}");
    }
    assert_eq!(browser.ask("document.querySelectorAll('script, img, b[onerror]').length"), 4);
    browser.assert_quiet();
}

/// Above a number of objects groups stand for what is in them, until they are opened.
#[test]
#[ignore = "needs Chromium"]
fn a_page_of_many_objects_opens_soon_and_its_groups_by_a_click() {
    let images = (0..900).map(|number| {
        format!("content put l{number}\ncontent put m{number} gc.ref.content.l.0=@l{number}\nimage create i{number} target=m{number}\n")
    });
    let (_folder, source, page) = page(&format!("release 2.1\n{}", images.collect::<String>()));
    let mut browser = Browser::open(&page, 1400, 900);
    assert_eq!(browser.ask("leasehold.cy.nodes().length"), 900);
    browser.click("document.querySelector('#side li button')");
    assert_eq!(browser.ask("[leasehold.cy.nodes().length, leasehold.cy.edges().length]"), json!([903, 2]));
    browser.press("/", "/");
    browser.type_in("content/l777");
    browser.press("Enter", "\r");
    let told = browser.explanation("default/content/l777");
    assert_eq!(told, text(&leasehold(&["explain", &source, "content/l777"]).stdout));
    browser.assert_quiet();
}
