//! The states of one rank, by their worlds, with what came of the moves in each so far.

use super::commute::{self, Commuting, touches};
use super::moves::{Goes, Moves, Next, Outcome, Reached, Taken};
use super::protocol::At;
use super::state::Control;
use hashbrown::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The states of one rank.
#[derive(Default)]
pub(super) struct Level {
    pub(super) worlds: Vec<Visited>,
    world_at: HashMap<u128, usize>,
    state_at: HashMap<u128, (usize, usize)>,
}

/// A world of a level.
pub(super) struct Visited {
    pub(super) here: Arc<Reached>,
    pub(super) states: Vec<State>,
    born: Option<Born>,
    taken: Mutex<Vec<(At, Arc<Taken>)>>,
}

pub(super) struct State {
    pub(super) control: Control,
    /// Its place among all states.
    pub(super) id: u32,
    /// The fewest that lead to it.
    pub(super) moves: u32,
    pub(super) orders: u128,
}

/// From where a world was reached first: by which move, and what came of the others there.
#[derive(Clone)]
pub(super) struct Born {
    pub(super) by: At,
    pub(super) siblings: Arc<[Sibling]>,
}

/// What came of a move that led to another world.
pub(super) struct Sibling {
    at: At,
    exact: u128,
    goes: Goes,
    guard: Option<bool>,
}

impl Level {
    /// A level of one state.
    pub(super) fn of(here: Arc<Reached>, state: State) -> Level {
        let first = Visited { here, states: vec![state], born: None, taken: Mutex::default() };
        Level { worlds: vec![first], ..Level::default() }
    }

    /// How many states it has that were met so far.
    pub(super) fn states(&self) -> usize {
        self.state_at.len()
    }

    /// The state that is known by a hash.
    pub(super) fn state_mut(&mut self, known_by: u128) -> Option<&mut State> {
        let (world, state) = self.state_at.get(&known_by)?;
        Some(&mut self.worlds[*world].states[*state])
    }

    /// Takes a new state in.
    pub(super) fn insert(&mut self, known_by: u128, here: Arc<Reached>, born: Born, state: State) {
        let Level { worlds, world_at, state_at } = self;
        let at = *world_at.entry(here.exact).or_insert_with(|| {
            worlds.push(Visited { here, states: Vec::new(), born: Some(born), taken: Mutex::default() });
            worlds.len() - 1
        });
        let states = &mut worlds[at].states;
        state_at.insert(known_by, (at, states.len()));
        states.push(state);
    }

    /// What comes of a move in one of the worlds, and whether that is asked for the first time.
    pub(super) fn taken(
        &self,
        visited: &Visited,
        at: At,
        moves: &Moves<'_>,
        commuting: Commuting,
    ) -> (Arc<Taken>, bool) {
        if let Some(taken) = visited.taken(at) {
            return (taken, false);
        }
        let apply = || moves.take(&visited.here.world, at);
        let over = match commuting {
            Commuting::Applied => None,
            _ => self.taken_over(visited, at, moves, commuting),
        };
        let taken = match over {
            Some(over) if commuting == Commuting::Compared => {
                let applied = apply();
                assert_eq!(over.gist(), applied.gist(), "{at:?} does not commute");
                applied
            }
            Some(over) => over,
            None => apply(),
        };
        let taken = Arc::new(taken);
        visited.remember(at, Arc::clone(&taken));
        (taken, true)
    }

    /// What is known of a move from the other way round: from the world before the last move, first this one, then that.
    fn taken_over(
        &self,
        visited: &Visited,
        at: At,
        moves: &Moves<'_>,
        commuting: Commuting,
    ) -> Option<Taken> {
        let Born { by, siblings } = visited.born.as_ref()?;
        let Sibling { exact, goes, guard, .. } = siblings.iter().find(|sibling| sibling.at == at)?;
        let other = &self.worlds[*self.world_at.get(exact)?];
        let behind = other.taken(*by)?;
        let Outcome::Next(Next { reached, .. }) = &behind.outcome else { return None };
        let world = &visited.here.world;
        let touched = |at| {
            let (client, each) = moves.protocol.at(at);
            (client, touches(world, client, &each.does.step))
        };
        let ((this, touches), (that, others)) = (touched(at), touched(*by));
        let commute = this != that && commute::commute(&touches, &others, commuting);
        let next = Next { reached: Arc::clone(reached), goes: *goes };
        commute.then(|| Taken { outcome: Outcome::Next(next), guard: *guard, due: behind.due })
    }
}

impl Visited {
    fn taken(&self, at: At) -> Option<Arc<Taken>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.iter().find(|(known, _)| *known == at).map(|(_, taken)| Arc::clone(taken))
    }

    fn remember(&self, at: At, taken: Arc<Taken>) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push((at, taken));
    }

    /// What came of the moves that led to another world.
    pub(super) fn siblings(&self) -> Arc<[Sibling]> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let led = taken.iter().filter_map(|(at, taken)| match &taken.outcome {
            Outcome::Next(Next { reached, goes }) => {
                Some(Sibling { at: *at, exact: reached.exact, goes: *goes, guard: taken.guard })
            }
            _ => None,
        });
        led.collect()
    }
}
