//! Labels as other tools write them, which mean something else than they seem to, or the same.
//!
//! ```text
//!   gc.ref.content.0=docker.io/library/a:1@sha256:..    a name with a digest behind it is no digest
//!   gc.root=false                                       pins all the same
//!   gc.bref.image.a=x  gc.bref.image.b=y                each counts
//!   labels.a=x                                          a key that begins as a field path does
//! ```

use super::labels::BACK;
use super::{Draft, line, names};
use crate::scenario::{
    ContainerFields, ImageFields, Labels, Name, NewSnapshot, NodeName, SnapshotName, Step,
};
use crate::schema::names as schema;
use arbitrary::Result;

/// Values that say no to people.
const NO: [&[u8]; 5] = [b"false", b"0", b"no", b"off", b" "];
/// What stands between the parts of names.
const BETWEEN: [&[u8]; 8] = [b"@", b":", b"/", b"|", b",", b"=", b"#", b" "];
const REPOSITORIES: [&[u8]; 3] = [b"docker.io/library/a:1", b"sha256", b"a"];
/// Keys that begin as the paths of an update's fields, or end as they do.
const LIKE_PATHS: [&[u8]; 8] = [
    b"labels.a",
    b"labels.labels.a",
    b"annotations.a",
    b"extensions.a",
    b"a.labels.a",
    b"labels",
    b"target",
    b"labels.",
];
/// What may follow a handler's key.
const SUFFIXES: [&[u8]; 5] = [b"", b".0", b".1", b"/a", b".b"];

impl Draft<'_, '_> {
    pub(super) fn foreign(&mut self) -> Result<()> {
        match self.u.int_in_range(0..=5u8)? {
            0 => self.pin_that_says_no(),
            1 => self.composed_reference(),
            2 => self.several_back_references(),
            3 => self.collected_by_label(),
            _ => self.key_like_a_path(),
        }
    }

    fn pin_that_says_no(&mut self) -> Result<()> {
        let labels = [(schema::GC_ROOT.to_vec(), self.u.choose(&NO)?.to_vec())].into_iter().collect();
        if self.u.arbitrary()? {
            let snapshot = SnapshotName { snapshotter: self.snapshotter()?, key: b"pinned".to_vec() };
            self.step(Step::SnapshotPrepare(NewSnapshot { snapshot, parent: None, labels }));
        } else {
            let digest = names::BLOBS[names::STRAY + 3].clone();
            self.step(Step::ContentPut { digest, size: None, labels });
        }
        Ok(())
    }

    /// Content that is kept and names other content together with something else, before or behind it.
    fn composed_reference(&mut self) -> Result<()> {
        let [above, below] = [1, 2].map(|at| names::BLOBS[names::STRAY + at].clone());
        let (other, between) = (*self.u.choose(&REPOSITORIES)?, *self.u.choose(&BETWEEN)?);
        let value = match self.u.ratio(2, 3)? {
            true => [other, between, &below].concat(),
            false => [&below, between, other].concat(),
        };
        let key = [schema::GC_REF_CONTENT, *self.u.choose(&SUFFIXES)?].concat();
        let labels = [(key, value), pin()].into_iter().collect();
        let put = |digest, labels| Step::ContentPut { digest, size: None, labels };
        self.steps(put(above, labels), [put(below, Labels::new())]);
        Ok(())
    }

    /// An object with back references of one kind, of which one or the other leads to what is kept.
    fn several_back_references(&mut self) -> Result<()> {
        let at = self.u.choose_index(3)?;
        let (image, container) = (names::IMAGES[0].to_vec(), names::CONTAINERS[0].to_vec());
        let (kind, parent, kept) = match at {
            0 => {
                let fields = ImageFields { target: Some(names::BLOBS[0].clone()), ..ImageFields::default() };
                (BACK[2], image.clone(), Step::ImageCreate { image, fields })
            }
            1 => {
                let fields = ContainerFields::default();
                (BACK[0], container.clone(), Step::ContainerCreate { container, fields })
            }
            _ => {
                let (digest, labels) = (names::BLOBS[names::STRAY].clone(), [pin()].into_iter().collect());
                let put = Step::ContentPut { digest: digest.clone(), size: None, labels };
                (schema::GC_BREF_CONTENT, digest, put)
            }
        };
        let mut labels = Labels::new();
        for _ in 0..self.u.int_in_range(2..=3u8)? {
            let key = [kind, *self.u.choose(&SUFFIXES)?].concat();
            let value = if self.u.arbitrary()? { parent.clone() } else { b"gone".to_vec() };
            labels.insert(key, value);
        }
        let digest = names::BLOBS[names::STRAY + 2].clone();
        self.steps(Step::ContentPut { digest, size: None, labels }, [kept]);
        Ok(())
    }

    /// What a collector lists, and content that is kept and refers to it by the collector's own label.
    fn collected_by_label(&mut self) -> Result<()> {
        if self.kinds.is_empty() {
            self.declare_collectors()?;
        }
        if self.collector_labels.is_empty() {
            return self.composed_reference();
        }
        let collector = *self.u.choose(&self.kinds)?;
        let label = self.u.choose(&self.collector_labels)?.clone();
        let key = [schema::GC_REF, &label, *self.u.choose(&SUFFIXES)?].concat();
        let resource = self.name(&names::RESOURCES, names::HOT)?;
        let nodes = vec![NodeName::new(None, collector, resource.clone())];
        let labels = [(key, resource), pin()].into_iter().collect();
        let digest = names::BLOBS[names::STRAY + 1].clone();
        self.steps(
            Step::CollectorList { collector, nodes },
            [Step::ContentPut { digest, size: None, labels }],
        );
        Ok(())
    }

    /// A client sets a label whose key is like what an update calls fields by.
    fn key_like_a_path(&mut self) -> Result<()> {
        let labels: Labels = [(self.u.choose(&LIKE_PATHS)?.to_vec(), b"x".to_vec())].into_iter().collect();
        let replace = self.u.ratio(1, 4)?;
        let step = match self.u.int_in_range(0..=4u8)? {
            0 => Step::ContentLabel { digest: self.blob()?, replace, labels },
            1 => Step::SnapshotLabel { snapshot: self.snapshot()?, replace, labels },
            2 => Step::ImageLabel { image: self.name(&names::IMAGES, names::HOT)?, replace, labels },
            3 => Step::SandboxLabel { sandbox: self.u.choose(&names::SANDBOXES)?.to_vec(), replace, labels },
            _ => {
                let container = self.name(&names::CONTAINERS, names::HOT)?;
                self.queue.push_back(line(Step::ContainerLabel { container, replace, labels }));
                return self.create_container();
            }
        };
        self.step(step);
        Ok(())
    }
}

/// Keeps what carries it.
fn pin() -> (Name, Name) {
    (schema::GC_ROOT.to_vec(), b"now".to_vec())
}
