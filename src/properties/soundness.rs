//! What clients write stays sound: a step breaks no object that was whole, by the errors that `lint` finds, less what
//! clients are let do to what is their own.
//!
//! ```text
//!   image, manifest, layer ── content delete layer ──> image broken     a client's own doing: KNOWN says so
//!                          ── gc ────────────────────> image broken     a finding
//! ```
//!
//! A look goes over the whole database. In a long row of steps not every one is looked at, and what is found then may be of
//! any step since the last look. An edit that no client can make ends the book: nobody promises anything of what is there
//! then.

use super::done::Done;
use super::finding::Breach;
use crate::bucket::{Bucket, View};
use crate::lint::{self, Lint, Object};
use crate::scenario::Step;
use crate::schema::names;
use std::collections::BTreeSet;

/// Behind so many steps not every one is looked at closely: what follows is mostly more of the same.
pub(super) const MANY: usize = 1_024;

/// Something that clients may do, and what it may break.
pub struct Known {
    /// The errors that may come of it.
    pub lints: &'static [Lint],
    /// Whether a step may have done it.
    is_by: fn(Done<'_>) -> bool,
    /// Why a daemon takes it.
    pub why: &'static str,
}

const IMAGE: &[Lint] = &[Lint::ImageTargetMissing, Lint::ImageContentMissing, Lint::ImageIndexEmpty];
const CONTAINER: &[Lint] = &[Lint::ContainerSnapshotMissing, Lint::ContainerSnapshotterUnknown];

/// What is let pass.
pub const KNOWN: &[Known] = &[
    Known {
        lints: IMAGE,
        is_by: |done| matches!(done.line.step, Step::ImageCreate { .. } | Step::ImageUpdate { .. }),
        why: "images are taken whatever content they name",
    },
    Known {
        lints: IMAGE,
        is_by: |done| {
            let step = &done.line.step;
            matches!(step, Step::ContentPut { .. } | Step::ContentCommit { .. } | Step::ContentLabel { .. })
        },
        why: "content is taken whatever its labels name",
    },
    Known {
        lints: IMAGE,
        is_by: |done| matches!(done.line.step, Step::ContentDelete { .. }),
        why: "content is deleted, whatever names it",
    },
    Known {
        lints: IMAGE,
        is_by: |done| done.applied.collected.is_some() && has_flat_lease(&done.before.store().tree),
        why: "a flat lease keeps an image, or a manifest, without what it refers to",
    },
    Known {
        lints: CONTAINER,
        is_by: |done| matches!(done.line.step, Step::ContainerCreate { .. } | Step::ContainerUpdate { .. }),
        why: "containers are taken whatever snapshot they name",
    },
    Known {
        lints: CONTAINER,
        is_by: |done| matches!(done.line.step, Step::SnapshotRemove { .. } | Step::SnapshotCommit { .. }),
        why: "snapshots are removed and committed, whatever container names them",
    },
];

fn has_flat_lease(tree: &Bucket) -> bool {
    let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    let leases = namespaces.filter_map(|(_, namespace)| namespace.bucket(names::LEASES));
    let labels = leases.flat_map(View::buckets).filter_map(|(_, lease)| lease.bucket(names::LABELS));
    labels.into_iter().any(|labels| labels.entry(names::GC_FLAT).is_some())
}

/// The book.
#[derive(Clone, Default)]
pub(super) struct Soundness {
    is_edited: bool,
    /// Objects that were broken at the last look.
    broken: BTreeSet<Object>,
    /// What may have broken since, by what was done.
    let_pass: BTreeSet<Lint>,
    /// How many steps there were, and how many at the last look.
    steps: usize,
    looked: usize,
}

impl Soundness {
    /// Takes note of a step, and looks, if it is time to. None where nothing is asked.
    pub(super) fn held(&mut self, done: Done<'_>, is_last: bool) -> Option<Result<(), Breach>> {
        let [before, after] = [done.before, done.after].map(|world| &world.store().tree);
        self.is_edited |= done.line.step.is_raw();
        self.steps += 1;
        if self.is_edited {
            return None;
        }
        for known in KNOWN.iter().filter(|known| (known.is_by)(done)) {
            self.let_pass.extend(known.lints);
        }
        // What a look costs grows with the steps: behind the first ones, looks lie apart by an eighth of the steps so far,
        // behind a thousand by as many as there were.
        const EACH: usize = 64;
        let apart = if self.steps < MANY { self.steps.saturating_sub(EACH) / 8 } else { self.steps / 2 };
        let is_due = self.steps - self.looked > apart || is_last;
        let is_unchanged = self.looked + 1 == self.steps && before.same_block(after);
        if !is_due || is_unchanged {
            self.looked += usize::from(is_unchanged);
            return None;
        }
        self.looked = self.steps;
        let found = lint::errors(&done.after.situation());
        let let_pass = std::mem::take(&mut self.let_pass);
        let is_new = |finding: &&lint::Finding| {
            !self.broken.contains(&finding.object) && !let_pass.contains(&finding.lint)
        };
        let new = found.iter().find(is_new).cloned();
        self.broken = found.into_iter().map(|finding| finding.object).collect();
        Some(new.map_or(Ok(()), |finding| Err(Breach::Unsound(Box::new(finding)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;
    use crate::world::World;

    /// What came of the steps of a scenario.
    struct Told {
        held: Vec<Option<Result<(), Breach>>>,
        /// By row of the table: whether it is about the last step.
        is_by: Vec<bool>,
        book: Soundness,
    }

    fn told(steps: &str) -> Told {
        let scenario = parse(steps.as_bytes()).unwrap_or_else(|flaws| panic!("{flaws}"));
        let (mut world, mut book) = (World::new(scenario.release), Soundness::default());
        let (mut held, mut is_by) = (Vec::new(), Vec::new());
        for line in &scenario.lines {
            let before = world.clone();
            let applied = world.apply(line);
            let done = Done { before: &before, line, after: &world, applied: &applied };
            is_by = KNOWN.iter().map(|known| (known.is_by)(done)).collect();
            held.push(book.held(done, false));
        }
        Told { held, is_by, book }
    }

    const WHOLE: &str = "release 2.1\ncontent put layer\ncontent put m gc.ref.content.l.0=@layer\nimage create a target=m\n\
        snapshot prepare native/work\ncontainer create c snapshotter=native snapshot=work\n";

    #[test]
    fn each_that_is_known_breaks_something_and_is_let_pass_by_no_other() {
        let steps = [
            "image create b target=gone\n",
            "content label layer gc.ref.content.0=@gone\n",
            "content delete layer\n",
            "lease create l flat\nlease add l image/a\nimage update a expire=2025-01-01T00:00:00Z\ngc\n",
            "container create d snapshotter=native snapshot=gone\n",
            "snapshot commit native/work base\n",
        ];
        assert_eq!(steps.len(), KNOWN.len());
        for (place, steps) in steps.iter().enumerate() {
            let Told { held, is_by, book } = told(&format!("{WHOLE}{steps}"));
            assert_eq!(book.broken.len(), 1, "{steps}");
            assert!(held.iter().flatten().all(Result::is_ok), "{steps}");
            assert!((0..KNOWN.len()).all(|other| is_by[other] == (other == place)), "{steps}");
        }
    }

    #[test]
    fn what_was_broken_before_is_no_news_and_an_edit_ends_the_book() {
        let Told { held, .. } = told(&format!(
            "{WHOLE}content delete layer\nadvance 1s\nraw delete v1/default/snapshots/native\nadvance 1s\n"
        ));
        assert_eq!(held[held.len() - 4..], [Some(Ok(())), None, None, None]);
    }

    #[test]
    fn of_many_steps_some_are_passed_over_and_what_they_broke_is_found() {
        let labels = (0..2_000).map(|number| format!("content label layer x.n={number}\n"));
        let Told { held, .. } = told(&format!("{WHOLE}content delete m\n{}", labels.collect::<String>()));
        let looks = held.iter().flatten().count();
        assert!((80..200).contains(&looks), "{looks}");
        assert!(held.iter().flatten().all(Result::is_ok));
    }
}
