//! From text to a scenario.
//!
//! One pass over the lines. A line that is wrong gives one flaw and is left out; the pass goes on, so that a
//! person sees every mistake at once, and ends early after [`limits::FLAWS_MAX`] of them or at a limit of size.
//! What is kept in memory is one line's words and what was understood so far.
//!
//! Lines come from `bytes` to `&str` one at a time, so that a stray byte spoils its line and no other.

use super::duration;
use super::flaw::{Flaw, Flaws, Problem};
use super::forms::{FORMS, Form};
use super::limits::{self, FILE_BYTES_MAX, FLAWS_MAX, LINE_BYTES_MAX, PATH_KEYS_MAX, STEPS_MAX};
use super::step::{
    Assertion, Call, ContainerFields, Expiry, ImageFields, KeyPath, Labels, Line, Name, NewSnapshot,
    NodeName, Outcome, RawValue, Refused, Replace, Resource, Scenario, Sharing, SnapshotName, Step, Text,
};
use super::words::{Part, Snag, Words, shown};
use crate::instant::Instant;
use crate::named::nearest;
use crate::node::Kind;
use crate::release::Release;
use crate::schema::time::{format_rfc3339_nano, parse_rfc3339};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// Reads a scenario.
///
/// # Errors
/// Every mistake with its line and column, up to [`limits::FLAWS_MAX`].
pub fn parse(text: &[u8]) -> Result<Scenario, Flaws> {
    if text.len() > FILE_BYTES_MAX {
        let problem = Problem::FileTooLong { bytes: text.len() };
        return Err(Flaws {
            list: vec![Flaw { line: 1, column: 1, width: 1, problem, hint: None }],
            cut: true,
        });
    }
    let mut pass = Pass::default();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        pass.number = index + 1;
        if let Err(flaw) = pass.line(line) {
            pass.flaws.push(flaw);
        }
        if pass.ended || pass.flaws.len() == FLAWS_MAX {
            return Err(Flaws { list: pass.flaws, cut: true });
        }
    }
    pass.finish()
}

impl Scenario {
    /// Whether its text reads back: limits are kept, clients declared, lists not empty, times writable.
    ///
    /// # Errors
    /// What [`parse`] says of the text that [`print`](super::print()) makes of it.
    pub fn check(&self) -> Result<(), Flaws> {
        parse(super::print(self).as_bytes()).map(drop)
    }
}

/// What was understood so far.
#[derive(Default)]
struct Pass {
    number: usize,
    scenario: Scenario,
    flaws: Vec<Flaw>,
    /// A limit on the whole file is reached.
    ended: bool,
    /// A step or a declaration was read, right or wrong.
    begun: bool,
    /// Comment lines since the last step, and whether a blank line stood before them, and after them.
    comment: Vec<Text>,
    blank_before: bool,
    blank_after: bool,
    /// What a line below `---` belongs to.
    block: Block,
    /// Where each client was declared.
    clients: BTreeMap<Name, usize>,
    /// A declaration could not be read, so that an unknown client is no news.
    client_missed: bool,
    /// The last step could not be read, so that expected output may well be its own.
    step_missed: bool,
}

/// Where the pass stands with expected output.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Block {
    /// Outside.
    #[default]
    None,
    /// Below a `---`, before the first line.
    Open,
    /// Inside, lines as they are.
    Plain,
    /// Inside, every line begins with `>`.
    Marked,
    /// Inside output that belongs to nothing.
    Lost,
}

impl Pass {
    fn line(&mut self, line: &[u8]) -> Result<(), Flaw> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LINE_BYTES_MAX {
            let column = String::from_utf8_lossy(&line[..LINE_BYTES_MAX]).chars().count() + 1;
            let problem = Problem::LineTooLong { bytes: line.len() };
            self.step_missed = true;
            return Err(Flaw { line: self.number, column, width: 1, problem, hint: None });
        }
        let line = match str::from_utf8(line) {
            Ok(line) => line,
            Err(error) => {
                self.step_missed = true;
                let valid = &line[..error.valid_up_to()];
                let column = String::from_utf8_lossy(valid).chars().count() + 1;
                let problem = Problem::NotUtf8 { byte: line[error.valid_up_to()] };
                let hint = Some("in a name write it as \\x.. in quotes".to_owned());
                return Err(Flaw { line: self.number, column, width: 1, problem, hint });
            }
        };
        self.text_line(line).map_err(|snag| located(self.number, line, snag))
    }

    fn text_line(&mut self, line: &str) -> Result<(), Snag> {
        if self.block != Block::None {
            return self.output(line);
        }
        let content = line.trim_matches([' ', '\t']);
        if content.is_empty() {
            self.blank();
            return Ok(());
        }
        if let Some(comment) = content.strip_prefix('#') {
            self.comment_line(comment);
            return Ok(());
        }
        if content == "---" {
            return self.open_block(line);
        }
        self.step_line(line)
    }

    fn blank(&mut self) {
        if self.comment.is_empty() {
            self.blank_before = true;
        } else {
            self.blank_after = true;
        }
    }

    /// Paragraphs of one comment are kept apart by an empty comment line.
    fn comment_line(&mut self, comment: &str) {
        if std::mem::take(&mut self.blank_after) {
            self.comment.push(Text::default());
        }
        self.comment.push(Text::line(comment.strip_prefix(' ').unwrap_or(comment)));
    }

    fn open_block(&mut self, line: &str) -> Result<(), Snag> {
        self.block = Block::Lost;
        if std::mem::take(&mut self.step_missed) {
            return Ok(());
        }
        let owner = self.scenario.lines.last_mut();
        let owner =
            owner.filter(|last| last.step.prints() && last.expected.is_none() && self.comment.is_empty());
        let Some(owner) = owner else {
            return Err(Snag::new(0..line.len(), Problem::OutputMisplaced));
        };
        owner.expected = Some(Vec::new());
        self.block = Block::Open;
        self.blank_before = false;
        Ok(())
    }

    /// A line below `---`, up to the empty line that ends it.
    fn output(&mut self, line: &str) -> Result<(), Snag> {
        let text = line.trim_end();
        if text.is_empty() {
            self.block = Block::None;
            self.blank_before = true;
            return Ok(());
        }
        let marked = text.strip_prefix('>').map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
        if self.block == Block::Open {
            self.block = if marked.is_some() { Block::Marked } else { Block::Plain };
        }
        let text = match (self.block, marked) {
            (Block::Lost, _) => return Ok(()),
            (Block::Marked, Some(rest)) => rest,
            (Block::Marked, None) => return Err(Snag::new(0..text.len(), Problem::OutputUnmarked)),
            _ => text,
        };
        let owner = self.scenario.lines.last_mut().and_then(|last| last.expected.as_mut());
        owner.expect("an open block has a step above it").push(Text::line(text));
        Ok(())
    }

    fn step_line(&mut self, line: &str) -> Result<(), Snag> {
        if self.scenario.lines.len() == STEPS_MAX {
            self.ended = true;
            return Err(Snag::new(0..line.len(), Problem::TooManySteps));
        }
        self.step_missed = true;
        let begins = !std::mem::replace(&mut self.begun, true);
        let comment = std::mem::take(&mut self.comment);
        let blank_before = std::mem::take(&mut self.blank_before);
        let blank_after = std::mem::take(&mut self.blank_after);
        let words = Words::of(line)?;
        if begins && words.get(0).and_then(Part::keyword) == Some("release") {
            self.scenario.head = comment;
            self.scenario.release = release(Arguments::new(&words, 0))?;
            self.step_missed = false;
            return Ok(());
        }
        let mut read = self.prefixed(&words)?;
        read.number = self.number;
        if begins {
            self.scenario.head = comment;
            read.blank_before = blank_before || blank_after;
        } else {
            read.comment = comment;
            read.blank_before = blank_before;
        }
        self.scenario.lines.push(read);
        self.step_missed = false;
        Ok(())
    }

    /// `[CLIENT:] [! KIND | ?] STEP`
    fn prefixed(&mut self, words: &Words<'_>) -> Result<Line, Snag> {
        let mut next = 0;
        let client = words.get(0).and_then(|word| word.strip_end(b':'));
        if client.is_some() {
            next += 1;
        }
        let outcome = match words.get(next).and_then(Part::keyword) {
            Some("!") => {
                next += 2;
                Outcome::Refused(refused(words, next - 1)?)
            }
            Some("?") => {
                next += 1;
                Outcome::Any
            }
            _ => Outcome::Accepted,
        };
        let Some(word) = words.get(next) else {
            return Err(Snag::new(words.end(), Problem::MissingStep));
        };
        if word.keyword() == Some("client") {
            self.client_missed = true;
        }
        let client = client.map(|part| self.declared(part)).transpose()?;
        let step = step(words, next)?;
        if let Step::Client { name, .. } = &step {
            let first = *self.clients.entry(name.clone()).or_insert(self.number);
            self.client_missed = false;
            if first != self.number {
                let name = words.get(next + 1).map(Part::shown).unwrap_or_default();
                let problem = Problem::ClientTwice { name, first };
                return Err(words.get(next + 1).unwrap_or(word).snag(problem));
            }
        }
        Ok(Line { client, outcome, ..Line::new(step) })
    }

    /// A client's name before its step.
    fn declared(&self, part: Part<'_>) -> Result<Name, Snag> {
        let name = part.name()?;
        if self.clients.contains_key(&name) || self.client_missed {
            return Ok(name);
        }
        let snag = part.snag(Problem::UnknownClient { name: part.shown() });
        let known = self.clients.keys().filter_map(|known| str::from_utf8(known).ok());
        let near = str::from_utf8(&name).ok().and_then(|name| nearest(name, known));
        Err(match near {
            Some(near) => snag.hint(format!("did you mean `{near}`?")),
            None => snag.hint("declare it above: client NAME [namespace=NS] [lease=ID]"),
        })
    }

    fn finish(mut self) -> Result<Scenario, Flaws> {
        if self.flaws.is_empty() && !self.begun {
            let problem = Problem::Empty;
            self.flaws.push(Flaw { line: 1, column: 1, width: 1, problem, hint: None });
        }
        if !self.flaws.is_empty() {
            return Err(Flaws { list: self.flaws, cut: false });
        }
        self.scenario.tail = self.comment;
        Ok(self.scenario)
    }
}

/// From bytes of a line to characters.
fn located(number: usize, line: &str, snag: Snag) -> Flaw {
    let column = line[..snag.at.start].chars().count() + 1;
    let width = line[snag.at].chars().count().max(1);
    Flaw { line: number, column, width, problem: snag.problem, hint: snag.hint }
}

fn refused(words: &Words<'_>, index: usize) -> Result<Refused, Snag> {
    let Some(word) = words.get(index) else {
        return Err(Snag::new(words.end(), Problem::Missing { what: "the kind of error" }));
    };
    let kinds = Refused::ALL.into_iter();
    kinds.clone().find(|kind| word.keyword() == Some(kind.word())).ok_or_else(|| {
        let snag = word.snag(Problem::UnknownRefused { word: word.shown() });
        match nearest(&word.shown(), kinds.map(Refused::word)) {
            Some(near) => snag.hint(format!("did you mean `{near}`?")),
            None => snag.hint(format!("there are {}", Refused::ALL.map(Refused::word).join(", "))),
        }
    })
}

/// The step that begins at a word.
fn step(words: &Words<'_>, first: usize) -> Result<Step, Snag> {
    let word = words.get(first).expect("a step begins at a word");
    let keyword = word.keyword();
    let Some(form) = FORMS.iter().find(|form| keyword == Some(form.step)) else {
        return Err(unknown_step(word));
    };
    if form.sub_step.is_empty() {
        let mut arguments = Arguments::new(words, first + 1);
        arguments.form = Some(form);
        return plain_step(form.step, arguments);
    }
    let of_step = || FORMS.iter().filter(|other| other.step == form.step);
    let sub_steps = || of_step().map(|form| form.sub_step).collect::<Vec<&str>>();
    let Some(second) = words.get(first + 1) else {
        let snag = Snag::new(words.end(), Problem::MissingSubStep { step: form.step });
        return Err(snag.hint(format!("there are {}", sub_steps().join(", "))));
    };
    let keyword = second.keyword();
    let Some(form) = of_step().find(|form| keyword == Some(form.sub_step)) else {
        let snag = second.snag(Problem::UnknownSubStep { step: form.step, word: second.shown() });
        return Err(match nearest(&second.shown(), sub_steps()) {
            Some(near) => snag.hint(format!("did you mean `{} {near}`?", form.step)),
            None => snag.hint(format!("there are {}", sub_steps().join(", "))),
        });
    };
    let mut arguments = Arguments::new(words, first + 2);
    arguments.form = Some(form);
    match form.step {
        "namespace" => namespace_step(form.sub_step, arguments),
        "content" => content_step(form.sub_step, arguments),
        "snapshot" => snapshot_step(form.sub_step, arguments),
        "image" => image_step(form.sub_step, arguments),
        "container" => container_step(form.sub_step, arguments),
        "lease" => lease_step(form.sub_step, arguments),
        "sandbox" => sandbox_step(form.sub_step, arguments),
        "stream" => stream_step(form.sub_step, arguments),
        "collector" => collector_step(form.sub_step, arguments),
        "raw" => raw_step(form.sub_step, arguments),
        "expect" => expect_step(form.sub_step, arguments).map(Step::Expect),
        _ => Err(unknown_step(word)),
    }
}

fn unknown_step(word: Part<'_>) -> Snag {
    let snag = word.snag(Problem::UnknownStep { word: word.shown() });
    // `prepare` alone is a part of a step that exists.
    if let Some(form) = FORMS.iter().find(|form| word.keyword() == Some(form.sub_step)) {
        return snag.hint(format!("did you mean `{} {}`?", form.step, form.sub_step));
    }
    match nearest(&word.shown(), FORMS.iter().map(|form| form.step)) {
        Some(near) => snag.hint(format!("did you mean `{near}`?")),
        None => {
            let mut steps: Vec<&str> = FORMS.iter().map(|form| form.step).collect();
            steps.dedup();
            snag.hint(format!("there are {}", steps.join(", ")))
        }
    }
}

fn plain_step(step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    Ok(match step {
        "client" => {
            let name = arguments.next("NAME")?.name()?;
            let mut options = arguments.options(&["namespace", "lease"], &[], false)?;
            Step::Client { name, namespace: options.name("namespace")?, lease: options.name("lease")? }
        }
        "release" => Step::Release(release(arguments)?),
        "now" => {
            let now = time(arguments.next("TIME")?)?;
            arguments.end()?;
            Step::Now(now)
        }
        "advance" => {
            let part = arguments.next("DURATION")?;
            if part.keyword().is_some_and(|text| text.starts_with('-')) {
                let snag = part.snag(Problem::Backwards { text: part.shown() });
                return Err(snag.hint("`now TIME` sets it to any time"));
            }
            let by = duration(part, 0)?;
            arguments.end()?;
            Step::Advance(by)
        }
        "gc" => {
            let mut options = arguments.options(&["last", "cancel-at-root"], &[], false)?;
            let last = options.take("last").map(kind).transpose()?;
            let cancel_at_root = options.take("cancel-at-root").map(unsigned).transpose()?;
            Step::Gc { last, cancel_at_root }
        }
        _ => {
            arguments.end()?;
            Step::Cleanup
        }
    })
}

fn namespace_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    let namespace = arguments.next("NS")?.name()?;
    Ok(match sub_step {
        "create" => Step::NamespaceCreate { namespace, labels: arguments.labels()? },
        "label" => Step::NamespaceLabel { namespace, labels: arguments.labels()? },
        "delete" => {
            arguments.end()?;
            Step::NamespaceDelete { namespace }
        }
        _ => {
            arguments.end()?;
            Step::NamespaceUse { namespace }
        }
    })
}

fn content_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    Ok(match sub_step {
        "policy" => {
            let part = arguments.next("shared or isolated")?;
            arguments.end()?;
            Step::ContentPolicy(match part.keyword() {
                Some("shared") => Sharing::Shared,
                Some("isolated") => Sharing::Isolated,
                _ => return Err(unknown_choice(part, "shared, isolated", &["shared", "isolated"])),
            })
        }
        "open" => {
            let reference = arguments.next("REF")?.name()?;
            let mut options = arguments.options(&["expect", "size"], &[], false)?;
            let expected = options.take("expect").map(Part::digest).transpose()?;
            Step::ContentOpen { reference, expected, size: options.size()? }
        }
        "commit" => {
            let reference = arguments.next("REF")?.name()?;
            let digest = arguments.next("DIGEST")?.digest()?;
            let mut options = arguments.options(&["size"], &[], true)?;
            Step::ContentCommit { reference, digest, size: options.size()?, labels: options.labels }
        }
        "abort" => {
            let reference = arguments.next("REF")?.name()?;
            arguments.end()?;
            Step::ContentAbort { reference }
        }
        "put" => {
            let digest = arguments.next("DIGEST")?.digest()?;
            let mut options = arguments.options(&["size"], &[], true)?;
            Step::ContentPut { digest, size: options.size()?, labels: options.labels }
        }
        "label" => {
            let digest = arguments.next("DIGEST")?.digest()?;
            let (replace, labels) = arguments.label_update()?;
            Step::ContentLabel { digest, replace, labels }
        }
        _ => {
            let digest = arguments.next("DIGEST")?.digest()?;
            arguments.end()?;
            Step::ContentDelete { digest }
        }
    })
}

fn snapshot_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    let snapshot = snapshot_name(arguments.next("S/KEY")?)?;
    let made = match sub_step {
        "prepare" => Step::SnapshotPrepare,
        "view" => Step::SnapshotView,
        "prepare-begin" => Step::SnapshotPrepareBegin,
        "view-begin" => Step::SnapshotViewBegin,
        "finish" => {
            arguments.end()?;
            return Ok(Step::SnapshotFinish { snapshot });
        }
        "commit" => {
            let name = arguments.next("NAME")?.name()?;
            let mut options = arguments.options(&["parent"], &[], true)?;
            let parent = options.name("parent")?;
            return Ok(Step::SnapshotCommit { snapshot, name, parent, labels: options.labels });
        }
        "label" => {
            let (replace, labels) = arguments.label_update()?;
            return Ok(Step::SnapshotLabel { snapshot, replace, labels });
        }
        _ => {
            arguments.end()?;
            return Ok(Step::SnapshotRemove { snapshot });
        }
    };
    let mut options = arguments.options(&["parent"], &[], true)?;
    Ok(made(NewSnapshot { snapshot, parent: options.name("parent")?, labels: options.labels }))
}

fn image_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    let image = arguments.next("NAME")?.name()?;
    Ok(match sub_step {
        "create" => {
            let missing = arguments.missing("target=DIGEST");
            let mut options = arguments.options(&["target", "size", "media-type", "expire"], &[], true)?;
            let fields = image_fields(&mut options)?;
            if fields.target.is_none() {
                return Err(missing);
            }
            Step::ImageCreate { image, fields }
        }
        "update" => {
            let known = &["target", "size", "media-type", "expire", "replace"];
            let mut options = arguments.options(known, &[], true)?;
            let replace = options.replace()?;
            Step::ImageUpdate { image, replace, fields: image_fields(&mut options)? }
        }
        "label" => {
            let (replace, labels) = arguments.label_update()?;
            Step::ImageLabel { image, replace, labels }
        }
        _ => Step::ImageDelete { image, sync: arguments.flag("sync")? },
    })
}

fn image_fields(options: &mut Options<'_>) -> Result<ImageFields, Snag> {
    Ok(ImageFields {
        target: options.take("target").map(Part::digest).transpose()?,
        size: options.size()?,
        media_type: options.name("media-type")?,
        expire: options.take("expire").map(expiry).transpose()?,
        labels: std::mem::take(&mut options.labels),
    })
}

fn container_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    let container = arguments.next("ID")?.name()?;
    Ok(match sub_step {
        "create" => {
            let known = &["image", "snapshotter", "snapshot", "runtime", "spec"];
            let mut options = arguments.options(known, &[], true)?;
            Step::ContainerCreate { container, fields: container_fields(&mut options)? }
        }
        "update" => {
            let known = &["image", "snapshotter", "snapshot", "runtime", "spec", "replace"];
            let mut options = arguments.options(known, &[], true)?;
            let replace = options.replace()?;
            Step::ContainerUpdate { container, replace, fields: container_fields(&mut options)? }
        }
        "label" => {
            let (replace, labels) = arguments.label_update()?;
            Step::ContainerLabel { container, replace, labels }
        }
        _ => {
            arguments.end()?;
            Step::ContainerDelete { container }
        }
    })
}

fn container_fields(options: &mut Options<'_>) -> Result<ContainerFields, Snag> {
    Ok(ContainerFields {
        image: options.name("image")?,
        snapshotter: options.name("snapshotter")?,
        snapshot: options.name("snapshot")?,
        runtime: options.name("runtime")?,
        spec: options.name("spec")?,
        labels: std::mem::take(&mut options.labels),
    })
}

fn lease_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    if sub_step == "none" {
        arguments.end()?;
        return Ok(Step::LeaseNone);
    }
    let lease = arguments.next("ID")?.name()?;
    Ok(match sub_step {
        "create" => {
            let mut options = arguments.options(&["expire"], &["flat"], true)?;
            let expire = options.take("expire").map(expiry).transpose()?;
            Step::LeaseCreate { lease, expire, flat: options.flag("flat"), labels: options.labels }
        }
        "add" => Step::LeaseAdd { lease, resources: arguments.all("RESOURCE", resource)? },
        "drop" => Step::LeaseDrop { lease, resources: arguments.all("RESOURCE", resource)? },
        "use" => {
            arguments.end()?;
            Step::LeaseUse { lease }
        }
        _ => Step::LeaseDelete { lease, sync: arguments.flag("sync")? },
    })
}

fn sandbox_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    let sandbox = arguments.next("ID")?.name()?;
    Ok(match sub_step {
        "create" => Step::SandboxCreate { sandbox, labels: arguments.labels()? },
        "label" => {
            let (replace, labels) = arguments.label_update()?;
            Step::SandboxLabel { sandbox, replace, labels }
        }
        _ => {
            arguments.end()?;
            Step::SandboxDelete { sandbox }
        }
    })
}

fn stream_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    let stream = arguments.next("NAME")?.name()?;
    arguments.end()?;
    Ok(match sub_step {
        "open" => Step::StreamOpen { stream },
        _ => Step::StreamClose { stream },
    })
}

fn collector_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    let collector = kind(arguments.next("KIND")?)?;
    Ok(match sub_step {
        "declare" => {
            let mut options = arguments.options(&["label"], &[], false)?;
            Step::CollectorDeclare { collector, label: options.name("label")? }
        }
        "list" => Step::CollectorList { collector, nodes: arguments.all("NODE", node)? },
        "forget" => Step::CollectorForget { collector, nodes: arguments.all("NODE", node)? },
        "active" => {
            let nodes = arguments.many("NODE", node)?;
            let mut options = arguments.options(&["for"], &[], false)?;
            Step::CollectorActive { collector, nodes, asked: options.name("for")? }
        }
        "leased" => {
            let nodes = arguments.many("NODE", node)?;
            let missing = arguments.missing("lease=ID");
            let mut options = arguments.options(&["lease", "for"], &[], false)?;
            let lease = options.name("lease")?.ok_or(missing)?;
            Step::CollectorLeased { collector, nodes, lease, asked: options.name("for")? }
        }
        "back-reference" => {
            let from = node(arguments.next("FROM")?)?;
            let to = node(arguments.next("TO")?)?;
            let mut options = arguments.options(&["for"], &[], false)?;
            Step::CollectorBackReference { collector, from, to, asked: options.name("for")? }
        }
        "references" => {
            let from = node(arguments.next("FROM")?)?;
            Step::CollectorReferences { collector, from, to: arguments.all("TO", node)? }
        }
        "fail" => Step::CollectorFail { collector, call: call(arguments)? },
        _ => Step::CollectorHeal { collector, call: call(arguments)? },
    })
}

fn call(mut arguments: Arguments<'_>) -> Result<Call, Snag> {
    let part = arguments.next("start, cancel or finish")?;
    arguments.end()?;
    let found = Call::ALL.into_iter().find(|call| part.keyword() == Some(call.word()));
    found.ok_or_else(|| unknown_choice(part, "start, cancel, finish", &Call::ALL.map(Call::word)))
}

fn raw_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Step, Snag> {
    let path = path(arguments.next("PATH")?)?;
    Ok(match sub_step {
        "put" => Step::RawPut { path, value: raw_value(arguments)? },
        "bucket" => {
            arguments.end()?;
            Step::RawBucket { path }
        }
        "delete" => {
            arguments.end()?;
            Step::RawDelete { path }
        }
        _ => {
            let sequence = unsigned(arguments.next("N")?)?;
            arguments.end()?;
            Step::RawSequence { path, sequence }
        }
    })
}

fn expect_step(sub_step: &str, mut arguments: Arguments<'_>) -> Result<Assertion, Snag> {
    Ok(match sub_step {
        "kept" => Assertion::Kept(arguments.all("NODE", node)?),
        "removed" => Assertion::Removed(arguments.all("NODE", node)?),
        "present" => Assertion::Present(arguments.all("NODE", node)?),
        "absent" => Assertion::Absent(arguments.all("NODE", node)?),
        "stored" => Assertion::Stored(arguments.all("NODE", node)?),
        "not-stored" => Assertion::NotStored(arguments.all("NODE", node)?),
        "error" => {
            let text = arguments.next("TEXT")?.exact()?;
            arguments.end()?;
            Assertion::Error(text)
        }
        "same" => {
            arguments.end()?;
            Assertion::Same
        }
        "value" => {
            let path = path(arguments.next("PATH")?)?;
            Assertion::Value { path, value: raw_value(arguments)? }
        }
        "bucket" => {
            let path = path(arguments.next("PATH")?)?;
            arguments.end()?;
            Assertion::Bucket(path)
        }
        _ => {
            let path = path(arguments.next("PATH")?)?;
            arguments.end()?;
            Assertion::Nothing(path)
        }
    })
}

/// The words behind the step's own.
struct Arguments<'a> {
    words: &'a Words<'a>,
    index: usize,
    form: Option<&'static Form>,
}

impl<'a> Arguments<'a> {
    fn new(words: &'a Words<'a>, index: usize) -> Arguments<'a> {
        Arguments { words, index, form: None }
    }

    fn usage(&self, snag: Snag) -> Snag {
        match self.form {
            Some(form) if snag.hint.is_none() => snag.hint(format!("the form is: {}", form.usage())),
            _ => snag,
        }
    }

    fn missing(&self, what: &'static str) -> Snag {
        self.usage(Snag::new(self.words.end(), Problem::Missing { what }))
    }

    /// The next word, which must be there and no option.
    fn next(&mut self, what: &'static str) -> Result<Part<'a>, Snag> {
        let Some(part) = self.words.get(self.index) else {
            return Err(self.missing(what));
        };
        if part.split(b'=').is_some() {
            let snag = part.snag(Problem::OptionFound { what, found: part.shown() });
            return Err(snag.hint("a name with `=` in it is written in quotes"));
        }
        self.index += 1;
        Ok(part)
    }

    /// Every word up to the first option, at least one.
    fn many<T>(
        &mut self,
        what: &'static str,
        read: impl Fn(Part<'a>) -> Result<T, Snag>,
    ) -> Result<Vec<T>, Snag> {
        let mut list = vec![read(self.next(what)?)?];
        while self.words.get(self.index).is_some_and(|part| part.split(b'=').is_none()) {
            list.push(read(self.next(what)?)?);
        }
        Ok(list)
    }

    /// Every word up to the end, at least one.
    fn all<T>(
        mut self,
        what: &'static str,
        read: impl Fn(Part<'a>) -> Result<T, Snag>,
    ) -> Result<Vec<T>, Snag> {
        let list = self.many(what, read)?;
        self.end()?;
        Ok(list)
    }

    fn end(self) -> Result<(), Snag> {
        self.options(&[], &[], false).map(|_| ())
    }

    fn flag(self, flag: &'static str) -> Result<bool, Snag> {
        Ok(self.options(&[], &[flag], false)?.flag(flag))
    }

    fn labels(self) -> Result<Labels, Snag> {
        Ok(self.options(&[], &[], true)?.labels)
    }

    fn label_update(self) -> Result<(bool, Labels), Snag> {
        let options = self.options(&[], &["replace"], true)?;
        Ok((options.flag("replace"), options.labels))
    }

    /// The rest of the line: options with values, flags, and labels.
    fn options(
        mut self,
        known: &[&'static str],
        flags: &[&'static str],
        with_labels: bool,
    ) -> Result<Options<'a>, Snag> {
        let mut options = Options { values: Vec::new(), flags: Vec::new(), labels: Labels::new() };
        let mut labels: Vec<(Name, Name)> = Vec::new();
        let mut places: Vec<Range<usize>> = Vec::new();
        while let Some(word) = self.words.get(self.index) {
            self.index += 1;
            let Some((key, value)) = word.split(b'=') else {
                let flag = flags.iter().find(|flag| word.keyword() == Some(flag));
                let flag = *flag.ok_or_else(|| self.usage(unexpected(word, known, flags)))?;
                if options.flags.contains(&flag) {
                    return Err(word.snag(Problem::Twice { option: flag.to_owned() }));
                }
                options.flags.push(flag);
                continue;
            };
            if with_labels && let Some(label) = label_key(key)? {
                labels.push((label, value.name()?));
                places.push(key.at());
                continue;
            }
            let name = known.iter().find(|name| key.keyword() == Some(name));
            let name = *name.ok_or_else(|| self.usage(unknown_option(key, known, with_labels)))?;
            if options.values.iter().any(|(other, _)| *other == name) {
                return Err(key.snag(Problem::Twice { option: name.to_owned() }));
            }
            options.values.push((name, value));
        }
        options.labels = unique(labels, &places)?;
        Ok(options)
    }
}

/// Sorted, and refused if one stands there twice.
fn unique(labels: Vec<(Name, Name)>, places: &[Range<usize>]) -> Result<Labels, Snag> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|left, right| labels[*left].0.cmp(&labels[*right].0));
    let twice = order.windows(2).filter(|pair| labels[pair[0]].0 == labels[pair[1]].0);
    if let Some(again) = twice.map(|pair| pair[1]).min() {
        let option = shown(&String::from_utf8_lossy(&labels[again].0));
        return Err(Snag::new(places[again].clone(), Problem::Twice { option }));
    }
    Ok(labels.into_iter().collect())
}

/// The key of a label: in quotes any bytes, else with a `.` or `/`; `gc.` is short for `containerd.io/gc.`.
fn label_key(key: Part<'_>) -> Result<Option<Name>, Snag> {
    let Some(text) = key.keyword() else {
        return key.exact().map(Some);
    };
    if !text.contains(['.', '/']) {
        return Ok(None);
    }
    let key = key.exact()?;
    Ok(Some(if text.starts_with("gc.") { [b"containerd.io/", key.as_slice()].concat() } else { key }))
}

fn unexpected(word: Part<'_>, known: &[&'static str], flags: &[&'static str]) -> Snag {
    let snag = word.snag(Problem::Unexpected { word: word.shown() });
    if known.iter().any(|name| word.keyword() == Some(name)) {
        return snag.hint(format!("the option {} needs a value: {}=...", word.shown(), word.shown()));
    }
    match nearest(&word.shown(), flags.iter().copied()) {
        Some(near) => snag.hint(format!("did you mean `{near}`?")),
        None => snag,
    }
}

fn unknown_option(key: Part<'_>, known: &[&'static str], with_labels: bool) -> Snag {
    let snag = key.snag(Problem::UnknownOption { option: key.shown() });
    match nearest(&key.shown(), known.iter().copied()) {
        Some(near) => snag.hint(format!("did you mean `{near}`?")),
        None if with_labels => {
            snag.hint(format!("a label without `.` or `/` is written in quotes: \"{}\"=...", key.shown()))
        }
        None => snag,
    }
}

fn unknown_choice(part: Part<'_>, choices: &'static str, words: &[&'static str]) -> Snag {
    let snag = part.snag(Problem::UnknownChoice { word: part.shown(), choices });
    match nearest(&part.shown(), words.iter().copied()) {
        Some(near) => snag.hint(format!("did you mean `{near}`?")),
        None => snag,
    }
}

/// Options that were given, each to be taken once.
struct Options<'a> {
    values: Vec<(&'static str, Part<'a>)>,
    flags: Vec<&'static str>,
    labels: Labels,
}

impl<'a> Options<'a> {
    fn take(&mut self, name: &str) -> Option<Part<'a>> {
        self.values.iter().find(|(given, _)| *given == name).map(|(_, part)| *part)
    }

    fn name(&mut self, name: &str) -> Result<Option<Name>, Snag> {
        self.take(name).map(Part::name).transpose()
    }

    fn size(&mut self) -> Result<Option<i64>, Snag> {
        self.take("size").map(signed).transpose()
    }

    fn replace(&mut self) -> Result<Replace, Snag> {
        match self.take("replace").map(|part| (part, part.keyword())) {
            None => Ok(Replace::Given),
            Some((_, Some("labels"))) => Ok(Replace::Labels),
            Some((_, Some("all"))) => Ok(Replace::All),
            Some((part, _)) => Err(unknown_choice(part, "labels, all", &["labels", "all"])),
        }
    }

    fn flag(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }
}

fn release(mut arguments: Arguments<'_>) -> Result<Release, Snag> {
    if arguments.form.is_none() {
        arguments.index = 1;
    }
    let part = arguments.next("RELEASE")?;
    let release = Release::parse(&part.shown());
    let release = release.map_err(|unknown| part.snag(Problem::UnknownRelease(unknown)))?;
    arguments.end()?;
    Ok(release)
}

/// A time that can be written again: an offset may lead out of the years 0000 to 9999.
fn time(part: Part<'_>) -> Result<Instant, Snag> {
    let instant = part.keyword().and_then(|text| parse_rfc3339(text.as_bytes()).ok());
    let again = |instant: &Instant| parse_rfc3339(format_rfc3339_nano(*instant).as_bytes()) == Ok(*instant);
    instant.filter(again).ok_or_else(|| {
        let snag = part.snag(Problem::BadTime { text: part.shown() });
        snag.hint("such as 2026-01-01T00:00:00Z, as Go reads it")
    })
}

/// A duration behind `skip` bytes.
fn duration(part: Part<'_>, skip: usize) -> Result<Duration, Snag> {
    let text = part.keyword().and_then(|text| text.get(skip..));
    text.and_then(duration::parse).ok_or_else(|| {
        let snag = part.snag(Problem::BadDuration { text: part.shown() });
        snag.hint("such as 1h30m, 1h1s, 500ms or 250ns")
    })
}

/// `+1h`, `-1h`, a time, or in quotes any text.
fn expiry(part: Part<'_>) -> Result<Expiry, Snag> {
    let Some(text) = part.keyword() else {
        return part.exact().map(Expiry::Text);
    };
    match text.as_bytes().first() {
        Some(b'+') => duration(part, 1).map(Expiry::In),
        Some(b'-') => duration(part, 1).map(Expiry::Ago),
        _ if parse_rfc3339(text.as_bytes()).is_ok() => part.exact().map(Expiry::Text),
        _ => {
            let snag = part.snag(Problem::BadTime { text: part.shown() });
            Err(snag.hint("+1h, -1h, a time such as 2026-01-01T00:00:00Z, or any text in quotes"))
        }
    }
}

fn signed(part: Part<'_>) -> Result<i64, Snag> {
    part.keyword().and_then(|text| text.parse().ok()).ok_or_else(|| {
        let (least, most) = (i64::MIN, i64::MAX.unsigned_abs());
        part.snag(Problem::BadNumber { text: part.shown(), least, most })
    })
}

fn unsigned(part: Part<'_>) -> Result<u64, Snag> {
    part.keyword()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| part.snag(Problem::BadNumber { text: part.shown(), least: 0, most: u64::MAX }))
}

fn kind(part: Part<'_>) -> Result<Kind, Snag> {
    part.keyword().and_then(kind_of_word).ok_or_else(|| unknown_kind(part))
}

fn unknown_kind(part: Part<'_>) -> Snag {
    let snag = part.snag(Problem::UnknownKind { word: part.shown() });
    match nearest(&part.shown(), KINDS.iter().map(|(word, _)| *word)) {
        Some(near) => snag.hint(format!("did you mean `{near}`?")),
        None => {
            let words: Vec<&str> = KINDS.iter().map(|(word, _)| *word).collect();
            snag.hint(format!("there are {}, type-N", words.join(", ")))
        }
    }
}

const KINDS: [(&str, Kind); 9] = [
    ("content", Kind::Content),
    ("snapshot", Kind::Snapshot),
    ("container", Kind::Container),
    ("task", Kind::Task),
    ("image", Kind::Image),
    ("lease", Kind::Lease),
    ("ingest", Kind::Ingest),
    ("stream", Kind::Stream),
    ("mount", Kind::Mount),
];

/// The kind that a word names.
pub(super) fn kind_of_word(word: &str) -> Option<Kind> {
    if let Some(number) = word.strip_prefix("type-") {
        return number.parse().ok().map(Kind::Other);
    }
    KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
}

/// `[NS/]KIND/KEY`: the first part is a namespace if it is no kind, or in quotes.
fn node(part: Part<'_>) -> Result<NodeName, Snag> {
    let form = "[NS/]KIND/KEY";
    let (first, rest) =
        part.split(b'/').ok_or_else(|| part.snag(Problem::MissingSlash { text: part.shown(), form }))?;
    if let Some(kind) = first.keyword().and_then(kind_of_word) {
        return Ok(NodeName { namespace: None, kind, key: node_key(kind, rest)? });
    }
    // Of `lese/pull` the first part is no namespace but a slip.
    let Some((second, key)) = rest.split(b'/') else {
        return Err(unknown_kind(first));
    };
    let kind = kind(second)?;
    Ok(NodeName { namespace: Some(first.name()?), kind, key: node_key(kind, key)? })
}

fn node_key(kind: Kind, key: Part<'_>) -> Result<Name, Snag> {
    if kind == Kind::Content { key.digest() } else { key.name() }
}

fn snapshot_name(part: Part<'_>) -> Result<SnapshotName, Snag> {
    let form = "SNAPSHOTTER/KEY";
    let missing = || part.snag(Problem::MissingSlash { text: part.shown(), form });
    let (snapshotter, key) = part.split(b'/').ok_or_else(missing)?;
    Ok(SnapshotName { snapshotter: snapshotter.name()?, key: key.name()? })
}

/// `content/DIGEST`, `snapshot/S/KEY`, `ingest/REF`, `image/NAME`, or `"TYPE"/ID` as the API has it.
fn resource(part: Part<'_>) -> Result<Resource, Snag> {
    let form = "KIND/KEY";
    let missing = || part.snag(Problem::MissingSlash { text: part.shown(), form });
    let (first, rest) = part.split(b'/').ok_or_else(missing)?;
    Ok(match first.keyword() {
        None => Resource::Other { resource_type: first.exact()?, id: rest.name()? },
        Some("content") => Resource::Content(rest.digest()?),
        Some("snapshot") => Resource::Snapshot(snapshot_name(rest)?),
        Some("ingest") => Resource::Ingest(rest.name()?),
        Some("image") => Resource::Image(rest.name()?),
        Some(_) => {
            let snag = first.snag(Problem::UnknownKind { word: first.shown() });
            let near = nearest(&first.shown(), ["content", "snapshot", "ingest", "image"]);
            return Err(match near {
                Some(near) => snag.hint(format!("did you mean `{near}`?")),
                None => {
                    snag.hint("a lease holds content, snapshot, ingest, image; other types stand in quotes")
                }
            });
        }
    })
}

/// Keys separated by `/`; in quotes any bytes, a `/` too.
fn path(part: Part<'_>) -> Result<KeyPath, Snag> {
    let mut keys = Vec::new();
    let mut rest = Some(part);
    while let Some(part) = rest {
        let (key, behind) = match part.split(b'/') {
            Some((key, behind)) => (key, Some(behind)),
            None => (part, None),
        };
        keys.push(key);
        rest = behind;
    }
    if keys.len() > PATH_KEYS_MAX {
        return Err(keys[PATH_KEYS_MAX].snag(Problem::PathTooLong { keys: keys.len() }));
    }
    keys.into_iter().map(Part::name).collect()
}

/// The last argument: bytes, `time=TIME` or `varint=N`.
fn raw_value(mut arguments: Arguments<'_>) -> Result<RawValue, Snag> {
    let value = match arguments.words.get(arguments.index).and_then(|word| word.split(b'=')) {
        Some((key, value)) => {
            arguments.index += 1;
            match key.keyword() {
                Some("time") => RawValue::Time(time(value)?),
                Some("varint") => RawValue::Varint(signed(value)?),
                _ => {
                    let snag = unknown_option(key, &["time", "varint"], false);
                    return Err(if snag.hint.is_none() {
                        snag.hint("a value with `=` in it is written in quotes")
                    } else {
                        snag
                    });
                }
            }
        }
        None => RawValue::Bytes(arguments.next("VALUE")?.name()?),
    };
    arguments.end()?;
    Ok(value)
}

const _: () = assert!(limits::LINE_BYTES_MAX < u32::MAX as usize);
