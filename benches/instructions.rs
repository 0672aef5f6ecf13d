//! Fixed programs whose instructions are counted: `.ci/instructions` runs each under Valgrind and holds the count to the figure
//! in `instructions.txt`. A count is the same on any machine, busy or not, for one compiler; it says nothing of caches, which
//! is what the other benchmarks are for.
//!
//! Without an argument each runs once, so that they are known to run.

#[allow(dead_code, reason = "each benchmark uses a part")]
mod common;

use common::worlds;
use leasehold::generate::profile::Swarm;
use leasehold::generate::seed::Seed;
use leasehold::properties::known::Known;
use leasehold::release::Release;
use leasehold::simulate::campaign::{self, Plan};
use leasehold::simulate::run::{Mode, Thorough, run};
use leasehold::situation::Situation;

/// What is counted: all that runs below one of these.
mod measured {
    use super::*;
    use leasehold::engine;
    use leasehold::oracle::{Defects, judge};
    use leasehold::scenario::Line;

    #[inline(never)]
    pub(crate) fn collect(situation: &Situation) -> usize {
        engine::collect(situation).removed.len()
    }

    #[inline(never)]
    pub(crate) fn oracle(situation: &Situation) -> usize {
        judge(situation, Defects::as_shipped(situation.release)).kept_count()
    }

    #[inline(never)]
    pub(crate) fn simulate(cases: &[Vec<Line>], mode: Mode) -> usize {
        cases.iter().filter(|lines| run(lines, mode, None, &mut ()).is_some()).count()
    }
}

type Program = fn() -> usize;

/// Collections of small worlds are as many as they are short.
const SMALL: usize = 500;
const CASES: u64 = 32;

/// By name; each gives a number that must not be optimised away.
const PROGRAMS: [(&str, Program); 4] = [
    ("collect", || measured::collect(&worlds::situation(worlds::realistic(10_000)))),
    ("collect-small", || {
        let situation = worlds::situation(worlds::realistic(50));
        (0..SMALL).map(|_| measured::collect(&situation)).sum()
    }),
    ("oracle", || measured::oracle(&worlds::situation(worlds::realistic(10_000)))),
    ("simulate", || {
        let release = Release::default();
        let known = Known::as_shipped(release);
        let seed = Seed::parse("instructions").expect("a seed");
        let plan = Plan { seed, release, known, swarm: Swarm::Drawn };
        let cases: Vec<_> = (0..CASES).map(|number| campaign::draw(&plan, number).lines).collect();
        measured::simulate(&cases, Mode { release, known, thorough: Thorough::Never })
    }),
];

fn main() {
    let wanted = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    for (name, program) in PROGRAMS {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            println!("{name}: {}", program());
        }
    }
}
