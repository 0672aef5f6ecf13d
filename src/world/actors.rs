//! Clients: where they act, and what they hold open.

use crate::metadata::{Error, ErrorKind, Preparation, Writer};
use crate::scenario::{DEFAULT_NAMESPACE, Name};
use std::collections::BTreeMap;

/// Where a client acts.
#[derive(Clone, Hash, Debug)]
pub(super) struct Actor {
    pub(super) namespace: Name,
    pub(super) lease: Option<Name>,
}

impl Default for Actor {
    fn default() -> Actor {
        Actor { namespace: DEFAULT_NAMESPACE.to_vec(), lease: None }
    }
}

impl Actor {
    pub(super) fn acting(&self) -> super::Acting<'_> {
        (&self.namespace, self.lease.as_deref())
    }
}

/// Every client.
#[derive(Clone, Hash, Default)]
pub(super) struct Actors {
    unnamed: Actor,
    named: BTreeMap<Name, Actor>,
}

impl Actors {
    pub(super) fn get(&self, client: Option<&Name>) -> Option<&Actor> {
        match client {
            None => Some(&self.unnamed),
            Some(name) => self.named.get(name),
        }
    }

    pub(super) fn get_mut(&mut self, client: Option<&Name>) -> Option<&mut Actor> {
        match client {
            None => Some(&mut self.unnamed),
            Some(name) => self.named.get_mut(name),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Option<&Name>, &Actor)> {
        let named = self.named.iter().map(|(name, actor)| (Some(name), actor));
        std::iter::once((None, &self.unnamed)).chain(named)
    }

    /// A client that is declared again begins anew.
    pub(super) fn declare(&mut self, name: &Name, actor: Actor) {
        self.named.insert(name.clone(), actor);
    }
}

/// The refusal of a step whose client was never declared, which no scenario that was read has.
pub(super) fn undeclared(client: Option<&Name>) -> Error {
    let name = client.map_or(&b""[..], Vec::as_slice).escape_ascii();
    super::refused(ErrorKind::InvalidArgument, format!("client \"{name}\" is not declared"))
}

/// What clients hold open at the daemon.
#[derive(Clone, Hash, Default)]
pub(super) struct Handles {
    pub(super) writers: BTreeMap<HandleKey, Writer>,
    /// What was begun under the same key is finished in the order in which it was begun.
    pub(super) preparations: BTreeMap<HandleKey, Vec<Preparation>>,
}

impl Handles {
    /// All that anybody holds.
    pub(super) fn keys(&self) -> impl Iterator<Item = &HandleKey> {
        self.writers.keys().chain(self.preparations.keys())
    }
}

/// Who holds what: the client, its namespace, a snapshotter or nothing, and the reference or key.
pub(super) type HandleKey = (Option<Name>, Name, Name, Name);
