//! What was found: an object, what is wrong with it, in which releases, and what to do.

use super::lints::{Lint, Severity};
use crate::node::{Kind, Node};
use crate::release::Release;
use crate::scenario::{NodeName, print_node_cut};
use crate::text;
use std::cmp::Reverse;

/// What sort of thing a finding is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// What may be a node.
    Node(Kind),
    /// A sandbox.
    Sandbox,
    /// A namespace, by its labels.
    Namespace,
    /// A store on the disk.
    Store,
    /// A place in the database that is of no object.
    Place,
}

impl Subject {
    /// Its word.
    pub fn word(self) -> String {
        match self {
            Subject::Node(kind) => kind.to_string(),
            Subject::Sandbox => "sandbox".to_owned(),
            Subject::Namespace => "namespace".to_owned(),
            Subject::Store => "store".to_owned(),
            Subject::Place => "database".to_owned(),
        }
    }
}

/// What a finding is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Object {
    /// Its namespace; empty for what is of none: what lies on the disk, and the database itself.
    pub namespace: Vec<u8>,
    /// What it is.
    pub subject: Subject,
    /// Its name; a snapshot's as `SNAPSHOTTER/KEY`.
    pub key: Vec<u8>,
    /// Behind a snapshotter's name, where it is known.
    pub(super) slash: Option<usize>,
}

impl Object {
    /// What may be a node.
    pub(super) fn node(kind: Kind, namespace: &[u8], key: &[u8]) -> Object {
        Object::of(Subject::Node(kind), namespace, key)
    }

    /// What is no snapshot, or one whose snapshotter is as in `key` up to the first slash.
    pub(super) fn of(subject: Subject, namespace: &[u8], key: &[u8]) -> Object {
        Object { namespace: namespace.to_vec(), subject, key: key.to_vec(), slash: None }
    }

    /// A snapshot.
    pub(super) fn snapshot(namespace: &[u8], snapshotter: &[u8], key: &[u8]) -> Object {
        let object = Object::node(Kind::Snapshot, namespace, &[snapshotter, b"/", key].concat());
        Object { slash: Some(snapshotter.len()), ..object }
    }

    /// The node that it is in a release; none for what is none there.
    pub fn node_in(&self, release: Release) -> Option<Node> {
        let Subject::Node(kind) = self.subject else { return None };
        let is_node = kind != Kind::Container || release.rules().container_nodes;
        let number = release.type_of(kind).filter(|_| is_node)?;
        Some(Node::new(number, &self.namespace, &self.key))
    }

    /// As a finding's text names it, in which digests stay what they are.
    pub(super) fn in_text(&self) -> String {
        let word = self.subject.word();
        match self.slash {
            Some(slash) if self.key[..slash].contains(&b'/') => {
                let (snapshotter, key) = (text::name(&self.key[..slash]), text::name(&self.key[slash + 1..]));
                format!("{word}/\"{snapshotter}\"/{key}")
            }
            _ => format!("{word}/{}", text::name(&self.key)),
        }
    }

    /// As scenarios name it: `namespace/kind/name`, without the namespace where there is none.
    pub fn name(&self) -> String {
        if let Subject::Node(kind) = self.subject {
            let namespace = (!self.namespace.is_empty()).then(|| self.namespace.clone());
            return print_node_cut(&NodeName::new(namespace, kind, self.key.clone()), self.slash);
        }
        let (word, key) = (self.subject.word(), text::name(&self.key));
        match (self.subject, self.namespace.is_empty()) {
            (Subject::Place | Subject::Store, _) => key,
            (Subject::Namespace, _) => format!("{word}/{key}"),
            (_, true) => format!("{word}/{key}"),
            (_, false) => format!("{}/{word}/{key}", text::name(&self.namespace)),
        }
    }
}

/// One thing that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Of which sort.
    pub lint: Lint,
    /// What it is about.
    pub object: Object,
    /// What is wrong with it, without its name.
    pub text: String,
    /// The releases in which that costs what the lint says.
    pub releases: Vec<Release>,
    /// A command that mends it; none where there is no such command.
    pub command: Option<Command>,
    /// Bytes on the disk that it is about, where they are known.
    pub bytes: Option<u64>,
}

/// A command of containerd's own `ctr`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// In which namespace.
    pub namespace: Vec<u8>,
    /// What is to be done, flags and all.
    pub words: Vec<Vec<u8>>,
    /// With what: a name, and a label where it is about one.
    pub names: Vec<Vec<u8>>,
}

/// How many findings there are of each severity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
}

impl Counts {
    /// Those of some findings.
    pub fn of(findings: &[Finding]) -> Counts {
        let count = |severity| findings.iter().filter(|finding| finding.lint.severity() == severity).count();
        let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(count);
        Counts { errors, warnings, notes }
    }

    /// Whether there is no more than notes.
    pub fn is_clean(self) -> bool {
        self.errors + self.warnings == 0
    }
}

/// Findings as they are gathered: those that cost nothing in the release are passed over.
pub(super) struct Findings {
    pub(super) release: Release,
    all: Vec<Finding>,
}

impl Findings {
    pub(super) fn new(release: Release) -> Findings {
        Findings { release, all: Vec::new() }
    }

    /// Adds one, if it costs something in the release.
    pub(super) fn add(&mut self, lint: Lint, object: Object, text: impl Into<String>) -> &mut Finding {
        let releases = lint.releases();
        self.all.push(Finding { lint, object, text: text.into(), releases, command: None, bytes: None });
        self.all.last_mut().expect("one was added")
    }

    /// All that cost something in the release, in the order of the table, of bytes, the most first, and of their objects'
    /// names.
    pub(super) fn sorted(self) -> Vec<Finding> {
        let Findings { release, mut all } = self;
        all.retain(|finding| finding.releases.contains(&release));
        let place = |finding: &Finding| (finding.lint.severity(), finding.lint, Reverse(finding.bytes));
        all.sort_by(|left, right| {
            place(left).cmp(&place(right)).then_with(|| left.object.cmp(&right.object))
        });
        all
    }
}

impl Finding {
    /// Adds a command of containerd's own `ctr` that mends it.
    pub(super) fn ctr(&mut self, namespace: &[u8], words: &[&[u8]], names: &[&[u8]]) {
        let [words, names] = [words, names].map(|all| all.iter().map(|word| word.to_vec()).collect());
        self.command = Some(Command { namespace: namespace.to_vec(), words, names });
    }
}

/// `, and 3 more`, or nothing.
pub(super) fn and_more(count: usize) -> String {
    match count {
        0 => String::new(),
        more => format!(", and {} more", text::count(more as u64)),
    }
}
