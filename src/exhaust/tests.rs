use super::*;
use crate::engine::Fault;
use crate::replay;
use crate::scenario::{parse, print};
use std::sync::atomic::{AtomicU64, Ordering};

fn plan(nodes: usize, states: StateSet, release: Release) -> Plan {
    Plan { nodes, states, release, defects: Defects::as_shipped(release) }
}

#[test]
fn the_honest_engine_agrees_on_every_small_graph() {
    for release in [Release::V1_7Beta, Release::V1_6, Release::V2_4] {
        for (nodes, states, graphs) in [
            (1, StateSet::Root, 4),
            (3, StateSet::Root, 752),
            (2, StateSet::Holders, 210),
            (3, StateSet::Holders, 11_080),
        ] {
            let heard = AtomicU64::new(0);
            let done = |more| {
                heard.fetch_add(more, Ordering::Relaxed);
            };
            let tally = run(&plan(nodes, states, release), None, &Stop::default(), &done);
            assert_eq!((tally.graphs, tally.finding_count()), (graphs, 0), "{:?}", tally.found);
            assert_eq!(heard.into_inner(), graphs);
            assert!(tally.kept > 0 && tally.removed > 0);
        }
    }
}

#[test]
fn a_fault_shows_on_its_smallest_graph_whose_scenario_fails_when_replayed() {
    for (fault, nodes, size) in [
        // A flat lease and a reference from what it holds.
        (Fault::FlatFollowsLabels, 2, 2),
        // Two leases, one of them flat, on one of which a reference leads to the other.
        (Fault::FlatHidesFull, 3, 4),
        (Fault::LeaseExpiryIgnored, 1, 1),
        (Fault::ContentRootLabelIgnored, 1, 1),
        (Fault::SweepSkips, 2, 0),
    ] {
        let plan = plan(nodes, StateSet::Holders, Release::V1_7Beta);
        let tally = run(&plan, Some(fault), &Stop::default(), &|_| {});
        let found = tally.found.get(REACHABILITY).unwrap_or_else(|| panic!("{fault} escapes"));
        let smallest = &found.best;
        assert_eq!(smallest.size, size, "{fault}: {smallest:?}");
        let written = print(&scenario(&plan, smallest));
        let read = parse(written.as_bytes()).expect("a scenario that is written can be read");
        assert!(replay::run(&read, None).failures.is_empty(), "{written}");
        assert!(!replay::run(&read, Some(fault.into())).failures.is_empty(), "{fault}:\n{written}");
    }
}

#[test]
fn the_largest_plan_begins_at_once_and_can_be_stopped() {
    let (stop, plan) = (Stop::default(), plan(graphs::NODES_MAX, StateSet::Holders, Release::V1_7Beta));
    let tally = run(&plan, None, &stop, &|_| stop.flag().store(true, Ordering::Relaxed));
    assert!(tally.graphs > 0 && tally.graphs < plan.graph_count(), "{tally:?}");
    assert_eq!(tally.finding_count(), 0);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let plan = plan(3, StateSet::Holders, Release::V1_7Beta);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| run(&plan, Some(Fault::FlatFollowsLabels), &Stop::default(), &|_| {}))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_fault_shows_on_graphs_of_as_many_nodes_as_is_said_and_on_no_smaller_ones() {
    for (release, states, nodes) in [
        (Release::V1_7Beta, StateSet::Root, 3),
        (Release::V1_7Beta, StateSet::Holders, 3),
        (Release::V2_4, StateSet::Root, 3),
        (Release::V2_4, StateSet::Holders, 3),
    ] {
        for fault in Fault::ALL {
            for nodes in 1..=nodes {
                let plan = plan(nodes, states, release);
                let tally = run(&plan, Some(*fault), &Stop::default(), &|_| {});
                let is_said = plan.nodes_to_show(*fault).is_some_and(|least| least <= nodes);
                assert_eq!(
                    tally.finding_count() > 0,
                    is_said,
                    "{fault} under {release}, {nodes} nodes, {states:?}"
                );
            }
        }
    }
}
