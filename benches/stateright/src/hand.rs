//! The protocol as a model by hand: what is left of containerd when only these steps on these objects are of interest.
//!
//! Sets of the two blobs are bits. That two blobs and three clients are all there is, that nobody cleans up and no daemon
//! dies, and how little each step then does, was found out by whoever wrote it, and is checked by nothing here but that as
//! many states and moves come of it as of containerd's database.

use crate::Came;
use stateright::{Checker, Model, Property};

/// Content `a`.
const A: u8 = 1;
/// Content `b`, which refers to `a`.
const B: u8 = 2;
const CLIENTS: usize = 3;

/// A client's move.
#[derive(Clone, Copy)]
enum Does {
    CreateLease,
    UseLease,
    Open(u8),
    Commit(u8),
    CreateImage,
    DeleteLease,
}

use Does::{Commit, CreateImage, CreateLease, DeleteLease, Open, UseLease};

/// What the first two clients do.
const MAKES_IMAGE: &[Does] =
    &[CreateLease, UseLease, Open(A), Commit(A), Open(B), Commit(B), CreateImage, DeleteLease];
/// What the third does, and takes whatever answer it gets.
const PUTS_ONLY: &[Does] = &[CreateLease, UseLease, Open(A), Commit(A), Open(B), Commit(B), DeleteLease];

/// Two hours, in which a lease of one hour ends.
const LATER: u8 = 2;
/// A lease that never ends.
pub const NEVER: u8 = u8::MAX;

/// The protocol.
pub struct Hand {
    /// So many may happen.
    pub collections: u8,
    /// After how many hours each client's lease ends.
    pub lease_hours: [u8; CLIENTS],
}

/// All that a later move may depend on, and the empty buckets that containerd leaves: it would take more of a model to know
/// that they make no difference.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct State {
    places: [u8; CLIENTS],
    collections: u8,
    hour: u8,
    deletions: [bool; 2],
    leases: [Option<Lease>; CLIENTS],
    blobs: u8,
    ingests: u8,
    /// Ingests that were opened while the backend had their blob.
    shared: u8,
    on_disk: u8,
    /// References that a writer has locked.
    locked: u8,
    writers: [Writers; CLIENTS],
    images: [bool; 2],
    has_to_clean: bool,
    had_ingests: bool,
    had_blobs: bool,
    is_refused: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Lease {
    ends: u8,
    blobs: u8,
    ingests: u8,
    had_ingests: bool,
}

/// What a client has open, as sets of blobs.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct Writers {
    open: u8,
    shared: u8,
    closed: u8,
}

/// A move.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// This client does its next step.
    Step(usize),
    /// A collection.
    Collect,
    /// Time goes on.
    Advance,
    /// Somebody deletes this client's image.
    DeleteImage(usize),
}

/// Searches the protocol on one thread.
pub fn search(model: Hand) -> Came {
    crate::came(&model.checker().threads(1).spawn_bfs().join())
}

/// What a client's move came to.
enum Answer {
    Accepted,
    /// A put ends early: what it puts is there.
    There,
    Refused,
    /// It waits for another writer.
    Waits,
}

impl State {
    fn does(&mut self, client: usize, does: Does, lease_hours: u8) -> Answer {
        match does {
            CreateLease => {
                let ends = self.hour.saturating_add(lease_hours);
                self.leases[client] = Some(Lease { ends, blobs: 0, ingests: 0, had_ingests: false });
            }
            UseLease => {}
            Open(blob) => return self.open(client, blob),
            Commit(blob) => return self.commit(client, blob),
            CreateImage => self.images[client] = true,
            DeleteLease => {
                if self.leases[client].take().is_none() {
                    return Answer::Refused;
                }
            }
        }
        Answer::Accepted
    }

    fn open(&mut self, client: usize, blob: u8) -> Answer {
        let Some(lease) = &mut self.leases[client] else { return Answer::Refused };
        if self.blobs & blob != 0 {
            lease.blobs |= blob;
            return Answer::There;
        }
        if self.on_disk & blob != 0 {
            self.writers[client].shared |= blob;
            self.shared |= blob;
        } else if self.locked & blob != 0 {
            return Answer::Waits;
        } else {
            self.writers[client].open |= blob;
            self.locked |= blob;
        }
        lease.ingests |= blob;
        lease.had_ingests = true;
        self.ingests |= blob;
        self.had_ingests = true;
        Answer::Accepted
    }

    fn commit(&mut self, client: usize, blob: u8) -> Answer {
        let writers = &mut self.writers[client];
        if writers.open & blob != 0 {
            writers.open &= !blob;
            writers.closed |= blob;
            self.locked &= !blob;
            self.on_disk |= blob;
        }
        let Some(lease) = &mut self.leases[client] else { return Answer::Refused };
        writers.closed &= !blob;
        writers.shared &= !blob;
        lease.ingests &= !blob;
        lease.blobs |= blob;
        self.ingests &= !blob;
        self.shared &= !blob;
        self.blobs |= blob;
        self.had_blobs = true;
        Answer::Accepted
    }

    /// Marks and sweeps.
    fn collect(&mut self) {
        let (mut blobs, mut ingests) = (0, 0);
        for each in &mut self.leases {
            if each.as_ref().is_some_and(|lease| lease.ends <= self.hour) {
                *each = None;
            }
            if let Some(lease) = each {
                blobs |= lease.blobs;
                ingests |= lease.ingests;
            }
        }
        blobs |= ingests & self.shared;
        if self.images.contains(&true) {
            blobs |= B;
        }
        if blobs & self.blobs & B != 0 {
            blobs |= A;
        }
        self.has_to_clean |= self.blobs & !blobs != 0 || self.ingests & !ingests != 0;
        self.blobs &= blobs;
        self.ingests &= ingests;
        self.shared &= ingests;
    }
}

fn steps(client: usize) -> &'static [Does] {
    if client == 2 { PUTS_ONLY } else { MAKES_IMAGE }
}

impl Model for Hand {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            places: [0; CLIENTS],
            collections: self.collections,
            hour: 0,
            deletions: [true; 2],
            leases: [None, None, None],
            blobs: 0,
            ingests: 0,
            shared: 0,
            on_disk: 0,
            locked: 0,
            writers: Default::default(),
            images: [false; 2],
            has_to_clean: false,
            had_ingests: false,
            had_blobs: false,
            is_refused: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let goes_on = |client: &usize| usize::from(state.places[*client]) < steps(*client).len();
        actions.extend((0..CLIENTS).filter(goes_on).map(Action::Step));
        actions.extend((state.collections > 0).then_some(Action::Collect));
        actions.extend((state.hour == 0).then_some(Action::Advance));
        actions.extend((0..2).filter(|client| state.deletions[*client]).map(Action::DeleteImage));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Step(client) => {
                let does = steps(client)[usize::from(state.places[client])];
                let answer = state.does(client, does, self.lease_hours[client]);
                // Behind a put that ends early stands the commit that is not to come any more.
                state.places[client] += match (answer, does) {
                    (Answer::Waits, _) => return None,
                    (Answer::There, _) => 2,
                    (Answer::Refused, _) if client != 2 => {
                        state.is_refused = true;
                        1
                    }
                    (Answer::Refused, Open(_)) => 2,
                    (Answer::Accepted | Answer::Refused, _) => 1,
                };
            }
            Action::Collect => {
                state.collections -= 1;
                state.collect();
            }
            Action::Advance => state.hour = LATER,
            Action::DeleteImage(client) => {
                state.deletions[client] = false;
                state.images[client] = false;
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Hand>> {
        vec![
            Property::always("every step is taken", |_, state: &State| !state.is_refused),
            Property::always("every promise", |_, state: &State| {
                !state.images.contains(&true) || state.blobs == A | B
            }),
        ]
    }
}
