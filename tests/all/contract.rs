//! Every step keeps its contract, and one that does not is seen.

use arbitrary::Unstructured;
use leasehold::contract::{Deviation, Deviations};
use leasehold::generate::profile::Swarm;
use leasehold::generate::seed::Seed;
use leasehold::generate::steps::{self, CASE_BYTES, Case};
use leasehold::properties::done::Done;
use leasehold::properties::finding::Finding;
use leasehold::properties::steps::{Closely, Steps};
use leasehold::release::Release;
use leasehold::scenario::{Line, Step, print_step};
use leasehold::world::World;

/// Cases of each release.
const CASES: u64 = 100;

fn cases(release: Release, count: u64) -> impl Iterator<Item = Case> {
    let seed = Seed::parse("contract").expect("a seed");
    (0..count).map(move |number| {
        let mut bytes = vec![0; CASE_BYTES];
        seed.case_bytes(number, &mut bytes);
        let case = steps::draw(&mut Unstructured::new(&bytes), release, Swarm::Drawn);
        case.expect("bytes that are missing count as zeros")
    })
}

/// Runs every case with the contract beside it; `each` gets what came of a step.
fn run(release: Release, count: u64, mut each: impl FnMut(&Steps, Done<'_>)) {
    for case in cases(release, count) {
        let mut world = World::new(release);
        let mut steps = Steps::default();
        for line in &case.lines {
            let before = world.clone();
            let applied = world.apply(line);
            let done = Done { before: &before, line, after: &world, applied: &applied };
            each(&steps, done);
            steps.check(done, Deviations::as_shipped(before.release()), Closely::No, None);
        }
    }
}

/// How a step breaks its contract.
fn breach(steps: &Steps, done: Done<'_>, deviations: Deviations) -> Option<Finding> {
    steps.clone().check(done, deviations, Closely::No, None).findings.into_iter().next()
}

#[test]
fn every_step_of_generated_cases_keeps_its_contract() {
    for release in Release::ALL {
        run(release, CASES, |steps, done| {
            let deviations = Deviations::as_shipped(done.before.release());
            let breach = breach(steps, done, deviations).map(|finding| finding.to_string());
            assert_eq!(breach, None, "{release}: {:?}", done.applied.refused);
        });
    }
}

#[test]
fn a_step_that_does_nothing_or_too_much_breaks_its_contract() {
    let (mut idle, mut busy) = (0, 0);
    run(Release::V2_2, CASES, |steps, done| {
        let Done { before, line, after, applied } = done;
        let deviations = Deviations::as_shipped(before.release());
        let is_changed = !before.store().tree.same_block(&after.store().tree) && applied.collected.is_none();
        if is_changed && applied.refused.is_none() && before.store().tree != after.store().tree {
            let seen = |after: &World| breach(steps, Done { after, ..done }, deviations);
            assert!(seen(before).is_some(), "{} did nothing", print_step(&line.step));
            let mut more = after.clone();
            let path = vec![b"v1".to_vec(), b"elsewhere".to_vec()];
            more.apply(&Line::new(Step::RawBucket { path }));
            assert!(seen(&more).is_some(), "{} did too much", print_step(&line.step));
            (idle, busy) = (idle + 1, busy + 1);
        }
    });
    assert!(idle > 1000 && busy > 1000, "{idle} and {busy} steps");
}

#[test]
fn what_is_intended_finds_the_deviations_of_the_daemon() {
    let mut found = Deviations::NONE;
    run(Release::V1_6, 3000, |steps, done| {
        let seen = |deviations| breach(steps, done, deviations).is_some();
        if seen(Deviations::NONE) {
            // The deviations that explain it alone.
            let explains = |deviation: &&Deviation| !seen(Deviations::NONE.with(**deviation));
            found = Deviation::ALL.iter().filter(explains).copied().fold(found, Deviations::with);
        }
    });
    // What generated clients seldom do or this release has not: an ingest that is opened again under a lease, large labels, sandboxes, a backend that loses a shared
    // blob, a namespace that is deleted with nothing left in it but leases.
    let rare = [
        Deviation::StaleExpiry,
        Deviation::UncheckedLabels,
        Deviation::SandboxDeletePlainError,
        Deviation::DanglingSharedBlob,
        Deviation::NamespaceLeavesHolders,
    ];
    let missing = rare.into_iter().fold(Deviations::all(), Deviations::without);
    let missing = found.iter().fold(missing, Deviations::without);
    assert_eq!(missing.names(" "), "");
}
