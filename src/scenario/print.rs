//! From a scenario to text, in the one form that every scenario has.
//!
//! `parse(print(scenario)) == scenario` for every scenario that keeps the limits, with any bytes in names. Names are
//! printed bare where that reads back as the same bytes, else in quotes; content by its everyday name if it
//! has one; labels of the collector with `gc.` for `containerd.io/gc.`.
//!
//! What breaks a limit, a clock outside the years 0000 to 9999 for one, is printed all the same: parsing the
//! text then says what is wrong with it.

use super::alias::name_of;
use super::duration;
use super::parse::kind_of_word;
use super::step::{
    Assertion, ContainerFields, Expiry, ImageFields, Labels, Line, Name, NewSnapshot, NodeName, Outcome,
    RawValue, Replace, Resource, Scenario, Sharing, SnapshotName, Step, Text,
};
use crate::instant::Instant;
use crate::node::Kind;
use crate::schema::time::{format_rfc3339_nano, parse_rfc3339};
use std::fmt::Display;

/// The canonical text.
pub fn print(scenario: &Scenario) -> String {
    let mut text = String::new();
    comment(&mut text, &scenario.head);
    text.push_str("release ");
    text.push_str(scenario.release.name());
    text.push('\n');
    let mut ends_block = false;
    for line in &scenario.lines {
        if line.blank_before || ends_block {
            text.push('\n');
        }
        text.push_str(&print_line(line));
        ends_block = line.expected.is_some();
    }
    if !scenario.tail.is_empty() {
        text.push('\n');
        comment(&mut text, &scenario.tail);
    }
    text
}

/// A line with its comment above and its expected output below, each line ended by a line break.
pub fn print_line(line: &Line) -> String {
    let mut text = String::new();
    comment(&mut text, &line.comment);
    if let Some(client) = &line.client {
        text.push_str(&bare_or_quoted(client, |byte| byte != b':'));
        text.push_str(": ");
    }
    match line.outcome {
        Outcome::Accepted => {}
        Outcome::Refused(refused) => {
            text.push_str("! ");
            text.push_str(refused.word());
            text.push(' ');
        }
        Outcome::Any => text.push_str("? "),
    }
    text.push_str(&print_step(&line.step));
    text.push('\n');
    if let Some(expected) = &line.expected {
        output(&mut text, expected);
    }
    text
}

/// A step alone, without a line break.
pub fn print_step(step: &Step) -> String {
    let mut words = Printed(String::new());
    words.step(step);
    words.0
}

/// A node as steps name it: `content/layer`, `other/lease/pull`.
pub fn print_node(node_name: &NodeName) -> String {
    node(node_name)
}

/// A path as raw edits name it.
pub fn print_path<K: AsRef<[u8]>>(keys: &[K]) -> String {
    let keys: Vec<String> = keys.iter().map(|bytes| key(bytes.as_ref())).collect();
    keys.join("/")
}

fn comment(text: &mut String, lines: &[Text]) {
    for line in lines {
        text.push('#');
        if !line.as_str().is_empty() {
            text.push(' ');
            text.push_str(line.as_str());
        }
        text.push('\n');
    }
}

/// Every line is marked with `>` where an empty line would end the block or the first would look marked.
fn output(text: &mut String, lines: &[Text]) {
    let marked = lines.iter().any(|line| line.as_str().is_empty())
        || lines.first().is_some_and(|line| line.as_str().starts_with('>'));
    text.push_str("---\n");
    for line in lines {
        let line = line.as_str();
        text.push_str(if !marked {
            ""
        } else if line.is_empty() {
            ">"
        } else {
            "> "
        });
        text.push_str(line);
        text.push('\n');
    }
}

/// Words with blanks between them.
struct Printed(String);

impl Printed {
    fn word(&mut self, word: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }

    fn words(&mut self, words: &[&str]) {
        for word in words {
            self.word(word);
        }
    }

    fn name(&mut self, bytes: &[u8]) {
        self.word(&name(bytes));
    }

    fn option(&mut self, option: &str, value: impl Display) {
        self.word(&format!("{option}={value}"));
    }

    fn name_option(&mut self, option: &str, value: &Option<Name>) {
        if let Some(value) = value {
            self.option(option, name(value));
        }
    }

    fn flag(&mut self, flag: &str, set: bool) {
        if set {
            self.word(flag);
        }
    }

    fn labels(&mut self, labels: &Labels) {
        for (key, value) in labels.as_slice() {
            // Nothing behind `=` is the empty value, which takes a label away.
            let value = if value.is_empty() { String::new() } else { name(value) };
            self.option(&label_key(key), value);
        }
    }

    fn nodes(&mut self, nodes: &[NodeName]) {
        for one in nodes {
            self.word(&node(one));
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Client { name, namespace, lease } => {
                self.word("client");
                self.name(name);
                self.name_option("namespace", namespace);
                self.name_option("lease", lease);
            }
            Step::Release(release) => self.words(&["release", release.name()]),
            Step::Now(now) => self.words(&["now", &time(*now)]),
            Step::Advance(by) => self.words(&["advance", &duration::format(*by)]),

            Step::NamespaceCreate { namespace, labels } => {
                self.object(["namespace", "create"], namespace, labels)
            }
            Step::NamespaceLabel { namespace, labels } => {
                self.object(["namespace", "label"], namespace, labels)
            }
            Step::NamespaceDelete { namespace } => self.object(["namespace", "delete"], namespace, &NONE),
            Step::NamespaceUse { namespace } => self.object(["namespace", "use"], namespace, &NONE),

            Step::ContentPolicy(Sharing::Shared) => self.words(&["content", "policy", "shared"]),
            Step::ContentPolicy(Sharing::Isolated) => self.words(&["content", "policy", "isolated"]),
            Step::ContentOpen { reference, expected, size } => {
                self.object(["content", "open"], reference, &NONE);
                if let Some(expected) = expected {
                    self.option("expect", digest(expected));
                }
                self.size(*size);
            }
            Step::ContentCommit { reference, digest: committed, size, labels } => {
                self.object(["content", "commit"], reference, &NONE);
                self.word(&digest(committed));
                self.size(*size);
                self.labels(labels);
            }
            Step::ContentAbort { reference } => self.object(["content", "abort"], reference, &NONE),
            Step::ContentPut { digest: put, size, labels } => {
                self.words(&["content", "put", &digest(put)]);
                self.size(*size);
                self.labels(labels);
            }
            Step::ContentLabel { digest: labelled, replace, labels } => {
                self.words(&["content", "label", &digest(labelled)]);
                self.flag("replace", *replace);
                self.labels(labels);
            }
            Step::ContentDelete { digest: deleted } => self.words(&["content", "delete", &digest(deleted)]),

            Step::SnapshotPrepare(new) => self.new_snapshot("prepare", new),
            Step::SnapshotView(new) => self.new_snapshot("view", new),
            Step::SnapshotPrepareBegin(new) => self.new_snapshot("prepare-begin", new),
            Step::SnapshotViewBegin(new) => self.new_snapshot("view-begin", new),
            Step::SnapshotFinish { snapshot } => {
                self.words(&["snapshot", "finish", &snapshot_name(snapshot)])
            }
            Step::SnapshotCommit { snapshot, name, parent, labels } => {
                self.words(&["snapshot", "commit", &snapshot_name(snapshot)]);
                self.name(name);
                self.name_option("parent", parent);
                self.labels(labels);
            }
            Step::SnapshotLabel { snapshot, replace, labels } => {
                self.words(&["snapshot", "label", &snapshot_name(snapshot)]);
                self.flag("replace", *replace);
                self.labels(labels);
            }
            Step::SnapshotRemove { snapshot } => {
                self.words(&["snapshot", "remove", &snapshot_name(snapshot)])
            }

            Step::ImageCreate { image, fields } => {
                self.object(["image", "create"], image, &NONE);
                self.image_fields(fields, Replace::Given);
            }
            Step::ImageUpdate { image, replace, fields } => {
                self.object(["image", "update"], image, &NONE);
                self.image_fields(fields, *replace);
            }
            Step::ImageLabel { image, replace, labels } => {
                self.label_update("image", image, *replace, labels);
            }
            Step::ImageDelete { image, sync } => {
                self.object(["image", "delete"], image, &NONE);
                self.flag("sync", *sync);
            }

            Step::ContainerCreate { container, fields } => {
                self.object(["container", "create"], container, &NONE);
                self.container_fields(fields, Replace::Given);
            }
            Step::ContainerUpdate { container, replace, fields } => {
                self.object(["container", "update"], container, &NONE);
                self.container_fields(fields, *replace);
            }
            Step::ContainerLabel { container, replace, labels } => {
                self.label_update("container", container, *replace, labels);
            }
            Step::ContainerDelete { container } => self.object(["container", "delete"], container, &NONE),

            Step::LeaseCreate { lease, expire, flat, labels } => {
                self.object(["lease", "create"], lease, &NONE);
                self.expiry(expire);
                self.flag("flat", *flat);
                self.labels(labels);
            }
            Step::LeaseAdd { lease, resources } => self.resources("add", lease, resources),
            Step::LeaseDrop { lease, resources } => self.resources("drop", lease, resources),
            Step::LeaseUse { lease } => self.object(["lease", "use"], lease, &NONE),
            Step::LeaseNone => self.words(&["lease", "none"]),
            Step::LeaseDelete { lease, sync } => {
                self.object(["lease", "delete"], lease, &NONE);
                self.flag("sync", *sync);
            }

            Step::SandboxCreate { sandbox, labels } => self.object(["sandbox", "create"], sandbox, labels),
            Step::SandboxLabel { sandbox, replace, labels } => {
                self.label_update("sandbox", sandbox, *replace, labels);
            }
            Step::SandboxDelete { sandbox } => self.object(["sandbox", "delete"], sandbox, &NONE),

            Step::StreamOpen { stream } => self.object(["stream", "open"], stream, &NONE),
            Step::StreamClose { stream } => self.object(["stream", "close"], stream, &NONE),

            Step::CollectorDeclare { collector, label } => {
                self.collector("declare", *collector);
                self.name_option("label", label);
            }
            Step::CollectorList { collector, nodes } => {
                self.collector("list", *collector);
                self.nodes(nodes);
            }
            Step::CollectorForget { collector, nodes } => {
                self.collector("forget", *collector);
                self.nodes(nodes);
            }
            Step::CollectorActive { collector, nodes, asked } => {
                self.collector("active", *collector);
                self.nodes(nodes);
                self.name_option("for", asked);
            }
            Step::CollectorLeased { collector, nodes, lease, asked } => {
                self.collector("leased", *collector);
                self.nodes(nodes);
                self.option("lease", name(lease));
                self.name_option("for", asked);
            }
            Step::CollectorBackReference { collector, from, to, asked } => {
                self.collector("back-reference", *collector);
                self.words(&[&node(from), &node(to)]);
                self.name_option("for", asked);
            }
            Step::CollectorReferences { collector, from, to } => {
                self.collector("references", *collector);
                self.word(&node(from));
                self.nodes(to);
            }
            Step::CollectorFail { collector, call } => {
                self.collector("fail", *collector);
                self.word(call.word());
            }
            Step::CollectorHeal { collector, call } => {
                self.collector("heal", *collector);
                self.word(call.word());
            }

            Step::RawPut { path: put, value } => self.words(&["raw", "put", &path(put), &raw_value(value)]),
            Step::RawBucket { path: bucket } => self.words(&["raw", "bucket", &path(bucket)]),
            Step::RawDelete { path: deleted } => self.words(&["raw", "delete", &path(deleted)]),
            Step::RawSequence { path: bucket, sequence } => {
                self.words(&["raw", "sequence", &path(bucket), &sequence.to_string()]);
            }

            Step::Gc { last, cancel_at_root } => {
                self.word("gc");
                if let Some(last) = last {
                    self.option("last", last);
                }
                if let Some(root) = cancel_at_root {
                    self.option("cancel-at-root", root);
                }
            }
            Step::Cleanup => self.word("cleanup"),
            Step::Expect(assertion) => self.expect(assertion),
        }
    }

    fn expect(&mut self, assertion: &Assertion) {
        self.word("expect");
        match assertion {
            Assertion::Kept(nodes) => self.asserted("kept", nodes),
            Assertion::Removed(nodes) => self.asserted("removed", nodes),
            Assertion::Present(nodes) => self.asserted("present", nodes),
            Assertion::Absent(nodes) => self.asserted("absent", nodes),
            Assertion::Stored(nodes) => self.asserted("stored", nodes),
            Assertion::NotStored(nodes) => self.asserted("not-stored", nodes),
            Assertion::Error(text) => self.words(&["error", &quoted(text)]),
            Assertion::Same => self.word("same"),
            Assertion::Value { path: entry, value } => {
                self.words(&["value", &path(entry), &raw_value(value)])
            }
            Assertion::Bucket(entry) => self.words(&["bucket", &path(entry)]),
            Assertion::Nothing(entry) => self.words(&["nothing", &path(entry)]),
        }
    }

    fn asserted(&mut self, what: &str, nodes: &[NodeName]) {
        self.word(what);
        self.nodes(nodes);
    }

    fn object(&mut self, step: [&str; 2], object: &[u8], labels: &Labels) {
        self.words(&step);
        self.name(object);
        self.labels(labels);
    }

    fn label_update(&mut self, step: &str, object: &[u8], replace: bool, labels: &Labels) {
        self.object([step, "label"], object, &NONE);
        self.flag("replace", replace);
        self.labels(labels);
    }

    fn new_snapshot(&mut self, sub_step: &str, new: &NewSnapshot) {
        self.words(&["snapshot", sub_step, &snapshot_name(&new.snapshot)]);
        self.name_option("parent", &new.parent);
        self.labels(&new.labels);
    }

    fn image_fields(&mut self, fields: &ImageFields, replace: Replace) {
        if let Some(target) = &fields.target {
            self.option("target", digest(target));
        }
        self.size(fields.size);
        self.name_option("media-type", &fields.media_type);
        self.expiry(&fields.expire);
        self.replace(replace);
        self.labels(&fields.labels);
    }

    fn container_fields(&mut self, fields: &ContainerFields, replace: Replace) {
        self.name_option("snapshotter", &fields.snapshotter);
        self.name_option("snapshot", &fields.snapshot);
        self.name_option("image", &fields.image);
        self.name_option("runtime", &fields.runtime);
        self.name_option("spec", &fields.spec);
        self.replace(replace);
        self.labels(&fields.labels);
    }

    fn replace(&mut self, replace: Replace) {
        match replace {
            Replace::Given => {}
            Replace::Labels => self.option("replace", "labels"),
            Replace::All => self.option("replace", "all"),
        }
    }

    fn size(&mut self, size: Option<i64>) {
        if let Some(size) = size {
            self.option("size", size);
        }
    }

    fn expiry(&mut self, expiry: &Option<Expiry>) {
        match expiry {
            None => {}
            Some(Expiry::In(after)) => self.option("expire", format!("+{}", duration::format(*after))),
            Some(Expiry::Ago(before)) => self.option("expire", format!("-{}", duration::format(*before))),
            Some(Expiry::Text(text)) if parse_rfc3339(text).is_ok() => {
                self.option("expire", bare_or_quoted(text, |_| true));
            }
            Some(Expiry::Text(text)) => self.option("expire", quoted(text)),
        }
    }

    fn resources(&mut self, sub_step: &str, lease: &[u8], resources: &[Resource]) {
        self.object(["lease", sub_step], lease, &NONE);
        for one in resources {
            self.word(&resource(one));
        }
    }

    fn collector(&mut self, sub_step: &str, collector: Kind) {
        self.words(&["collector", sub_step, &collector.to_string()]);
    }
}

static NONE: Labels = Labels::NONE;

/// Exactly these bytes or `@NAME`.
fn name(bytes: &[u8]) -> String {
    part(bytes, |_| true)
}

/// The same where a `/` would separate.
fn key(bytes: &[u8]) -> String {
    part(bytes, |byte| byte != b'/')
}

fn part(bytes: &[u8], allowed: fn(u8) -> bool) -> String {
    match name_of(bytes) {
        Some(everyday) => format!("@{everyday}"),
        None => bare_or_quoted(bytes, allowed),
    }
}

/// Where a digest is meant, an everyday name needs no `@`, and only what has a `:` is a digest without quotes.
fn digest(bytes: &[u8]) -> String {
    match name_of(bytes) {
        Some(everyday) => everyday,
        None if bytes.contains(&b':') => bare_or_quoted(bytes, |_| true),
        None => quoted(bytes),
    }
}

fn label_key(key: &[u8]) -> String {
    let short = key.strip_prefix(b"containerd.io/").filter(|short| short.starts_with(b"gc."));
    if let Some(short) = short.filter(|short| is_plain(short)) {
        return bare_or_quoted(short, |_| true);
    }
    let separated = key.contains(&b'.') || key.contains(&b'/');
    if separated && !key.starts_with(b"gc.") { bare_or_quoted(key, |_| true) } else { quoted(key) }
}

fn node(node: &NodeName) -> String {
    let named = if node.kind == Kind::Content { digest(&node.key) } else { name(&node.key) };
    match &node.namespace {
        None => format!("{}/{named}", node.kind),
        Some(namespace) => {
            let is_kind = str::from_utf8(namespace).is_ok_and(|word| kind_of_word(word).is_some());
            let namespace = if is_kind { quoted(namespace) } else { key(namespace) };
            format!("{namespace}/{}/{named}", node.kind)
        }
    }
}

fn snapshot_name(snapshot: &SnapshotName) -> String {
    format!("{}/{}", key(&snapshot.snapshotter), name(&snapshot.key))
}

fn resource(resource: &Resource) -> String {
    match resource {
        Resource::Content(held) => format!("content/{}", digest(held)),
        Resource::Snapshot(held) => format!("snapshot/{}", snapshot_name(held)),
        Resource::Ingest(held) => format!("ingest/{}", name(held)),
        Resource::Image(held) => format!("image/{}", name(held)),
        Resource::Other { resource_type, id } => format!("{}/{}", quoted(resource_type), name(id)),
    }
}

fn path(keys: &[Name]) -> String {
    print_path(keys)
}

fn raw_value(value: &RawValue) -> String {
    match value {
        RawValue::Bytes(bytes) => name(bytes),
        RawValue::Time(at) => format!("time={}", time(*at)),
        RawValue::Varint(number) => format!("varint={number}"),
    }
}

/// A time that RFC 3339 cannot write is written so that it is refused when it is read.
fn time(at: Instant) -> String {
    let text = format_rfc3339_nano(at);
    if parse_rfc3339(text.as_bytes()) == Ok(at) {
        text
    } else {
        format!("{}s+{}ns", at.seconds, at.nanoseconds)
    }
}

fn bare_or_quoted(bytes: &[u8], allowed: fn(u8) -> bool) -> String {
    let bare = is_plain(bytes) && bytes[0] != b'@' && bytes.iter().all(|byte| allowed(*byte));
    match str::from_utf8(bytes) {
        Ok(text) if bare => text.to_owned(),
        _ => quoted(bytes),
    }
}

/// Bytes that need no quotes. The parser takes more; these read well.
fn is_plain(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/:+@~,<>|".contains(byte);
    !bytes.is_empty() && bytes.iter().all(plain)
}

/// In quotes; letters and digits of any script as they are, other bytes beyond ASCII escaped.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\r' => text.push_str("\\r"),
                ' ' => text.push(' '),
                _ if letter.is_ascii_graphic() || (!letter.is_ascii() && letter.is_alphanumeric()) => {
                    text.push(letter);
                }
                _ => escape(&mut text, letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text.push('"');
    text
}

fn escape(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str(&format!("\\x{byte:02x}"));
    }
}
