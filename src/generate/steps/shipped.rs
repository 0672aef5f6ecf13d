//! The protocols that ship, and who plays them in a case.

use super::names;
use crate::scenario::{Line, Name, Outcome, Step, alias, parse};
use std::sync::LazyLock;

/// The text of a file in `scenarios/protocols`.
macro_rules! shipped {
    ($name:literal) => {
        include_str!(concat!("../../../scenarios/protocols/", $name, ".scenario"))
    };
}

/// Every one of them that has a `together` block.
const FILES: [&str; 32] = [
    shipped!("buildkit_export_6521"),
    shipped!("buildkit_export_6558"),
    shipped!("checkpoint_beside_delete"),
    shipped!("checkpoint_restore"),
    shipped!("cri_pull_and_run"),
    shipped!("import_extra_references"),
    shipped!("nerdctl_commit_5107"),
    shipped!("nerdctl_commit_5108"),
    shipped!("nerdctl_commit_forever"),
    shipped!("nerdctl_commit_renewed"),
    shipped!("plugin_leased_first"),
    shipped!("plugin_listed_first"),
    shipped!("prune_53321"),
    shipped!("prune_53335"),
    shipped!("prune_53335_overrun"),
    shipped!("prune_53429"),
    shipped!("prune_53429_order"),
    shipped!("prune_references"),
    shipped!("prune_references_tolerant"),
    shipped!("pull_beside_cancelled"),
    shipped!("pull_beside_delete"),
    shipped!("pull_beside_delete_whole"),
    shipped!("pull_beside_pull"),
    shipped!("pull_beside_pull_crash"),
    shipped!("pull_one_lease"),
    shipped!("pull_two_leases"),
    shipped!("remote_snapshots"),
    shipped!("stat_then_build"),
    shipped!("transfer_streams"),
    shipped!("transfer_streams_lease_ended"),
    shipped!("unpack_prepare_first"),
    shipped!("unpack_stat_first"),
];

/// Those that ship, taken apart.
pub(super) static SHIPPED: LazyLock<Vec<Shipped>> = LazyLock::new(|| FILES.map(Shipped::of).into());

/// A protocol as rows of steps.
pub(super) struct Shipped {
    pub(super) clients: Vec<Name>,
    /// What comes before its clients begin.
    pub(super) before: Vec<Line>,
    /// What each does, and what each may do, in its own order.
    pub(super) scripts: Vec<Vec<Line>>,
}

impl Shipped {
    fn of(text: &str) -> Shipped {
        let lines = parse(text.as_bytes()).expect("what ships is read").lines;
        let place = |step: &Step| lines.iter().position(|line| line.step == *step).expect("it has a block");
        let (first, last) = (place(&Step::Together), place(&Step::End));
        let mut clients = Vec::new();
        let mut before = Vec::new();
        for line in &lines[..first] {
            match &line.step {
                Step::Client { name, .. } => clients.push(name.clone()),
                _ => before.push(line.clone()),
            }
        }
        let mut scripts: Vec<Vec<Line>> = Vec::new();
        for line in &lines[first + 1..last] {
            if line.client.is_none() || matches!(line.step, Step::Always(_) | Step::Expect(_)) {
                continue;
            }
            let is_own = |script: &&mut Vec<Line>| {
                line.may.is_none() && script[0].may.is_none() && script[0].client == line.client
            };
            match scripts.iter_mut().find(is_own) {
                Some(script) => script.push(line.clone()),
                None => scripts.push(vec![line.clone()]),
            }
        }
        Shipped { clients, before, scripts }
    }
}

/// Which names of a case stand for a protocol's.
pub(super) struct Cast {
    clients: Roles,
    names: Roles,
}

/// Pairs of a name and that of who plays it.
type Roles = Vec<(Name, Name)>;

impl Cast {
    /// Content, committed snapshots and images are those that all others have too, from some place in their pools on;
    /// everything else is the protocol's own, named for the first of its clients.
    pub(super) fn of(shipped: &Shipped, first: usize, clients: &[Name]) -> Cast {
        let mut cast = Cast {
            clients: shipped.clients.iter().cloned().zip(clients.iter().cloned()).collect(),
            names: Roles::new(),
        };
        let (mut blobs, mut snapshots, mut images) = (first.., first.., first..);
        let own = |name: &Name| [&name[..], b"-", &clients[0]].concat();
        for line in shipped.before.iter().chain(shipped.scripts.iter().flatten()) {
            line.step.clone().for_each_name(&mut |name| {
                if alias::name_of(name).is_some() {
                    cast.plays(name, || {
                        names::BLOBS[blobs.next().unwrap_or_default() % names::STRAY].clone()
                    });
                }
            });
            match &line.step {
                Step::SnapshotCommit { snapshot, name, .. } => {
                    cast.plays(&snapshot.key, || own(&snapshot.key));
                    cast.plays(name, || pick(&names::SNAPSHOTS, &mut snapshots));
                }
                Step::ImageCreate { image, .. } => cast.plays(image, || pick(&names::IMAGES, &mut images)),
                Step::LeaseCreate { lease: name, .. }
                | Step::ContentOpen { reference: name, .. }
                | Step::ContainerCreate { container: name, .. } => cast.plays(name, || own(name)),
                Step::SnapshotPrepare(new) | Step::SnapshotPrepareBegin(new) => {
                    cast.plays(&new.snapshot.key, || own(&new.snapshot.key));
                }
                _ => {}
            }
        }
        cast
    }

    fn plays(&mut self, name: &Name, by: impl FnOnce() -> Name) {
        if player(&self.names, name).is_none() {
            self.names.push((name.clone(), by()));
        }
    }

    /// A line as it is played; any may be refused.
    pub(super) fn played(&self, line: &Line) -> Line {
        let mut step = line.step.clone();
        step.for_each_name(&mut |name| {
            if let Some(player) = player(&self.names, name) {
                name.clone_from(player);
            }
        });
        // What nobody in particular does first is done by the first.
        let client = line.client.as_ref().and_then(|client| player(&self.clients, client));
        let client = client.or_else(|| self.clients.first().map(|(_, first)| first)).cloned();
        let (guard, remembers) = (line.guard.clone(), line.remembers.clone());
        Line { client, guard, remembers, outcome: Outcome::Any, ..Line::new(step) }
    }
}

fn player<'r>(roles: &'r Roles, name: &Name) -> Option<&'r Name> {
    roles.iter().find(|(role, _)| role == name).map(|(_, player)| player)
}

fn pick(pool: &[&[u8]], places: &mut impl Iterator<Item = usize>) -> Name {
    pool[places.next().unwrap_or_default() % pool.len()].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_protocol_of_the_folder_is_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/protocols");
        let files =
            fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
        let mut protocols: Vec<String> = files.filter(|text| text.contains("\ntogether\n")).collect();
        let mut listed = FILES.map(str::to_owned);
        protocols.sort();
        listed.sort();
        assert_eq!(protocols.len(), listed.len());
        assert!(protocols == listed, "shipped.rs lists other files than the folder has");
    }

    /// Played alone, one client after the other, a protocol does what its file says, to the objects of all others.
    #[test]
    fn a_pull_is_played_with_the_names_of_the_case() {
        let [pull] =
            FILES.iter().filter(|text| text.contains("unpacked under a second one")).collect::<Vec<_>>()[..]
        else {
            panic!("one protocol has two leases")
        };
        let shipped = Shipped::of(pull);
        let clients: Vec<Name> = (0..shipped.clients.len()).map(|at| format!("p{at}").into_bytes()).collect();
        let cast = Cast::of(&shipped, 1, &clients);
        let mut world = World::new(crate::release::Release::V2_3);
        for name in &clients {
            world.apply(&Line::new(Step::Client { name: name.clone(), namespace: None, lease: None }));
        }
        for line in shipped.before.iter().chain(shipped.scripts.iter().flatten()) {
            let refused = world.apply(&cast.played(line)).refused;
            assert!(refused.is_none(), "{line:?}: {refused:?}");
        }
        let there = |node: &str| {
            let text = format!("expect present {node}\n");
            let lines = parse(text.as_bytes()).unwrap().lines;
            let Step::Expect(assertion) = &lines[0].step else { unreachable!("it was written above") };
            world.expects(None, assertion).is_ok()
        };
        assert!(there("image/i1") && there("content/b") && there("snapshot/overlayfs/s1"));
    }
}
