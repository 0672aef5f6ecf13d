//! The rules of each containerd release, as data.
//!
//! Inside one minor line the collector's rules do not change, so eight rule sets cover 1.6 to 2.4. A
//! release is a row of the table below; engine and oracle each read the row and decide for themselves what
//! it means, so that there is one engine and not eight. The default is the release that this project began with:
//! containerd commit dcf5687cab, first contained in tag v1.7.0-beta.1.
//!
//! This room knows nothing of buckets or of how a rule is carried out.

use crate::node::{Kind, ResourceType};
use std::fmt;

/// A containerd release whose collector is known here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Release {
    /// The line 1.6 (recorded from v1.6.20).
    V1_6,
    /// The pre-release 1.7.0-beta.1, from commit dcf5687cab on.
    #[default]
    V1_7Beta,
    /// The line 1.7 from its release candidates on (recorded from v1.7.34).
    V1_7,
    /// The line 2.0 (recorded from v2.0.11).
    V2_0,
    /// The line 2.1 (recorded from v2.1.9); the same rules as 2.0.
    V2_1,
    /// The line 2.2 (recorded from v2.2.7).
    V2_2,
    /// The line 2.3 (recorded from v2.3.4).
    V2_3,
    /// The line 2.4 (recorded from commit 301026e58c, v2.4.0-beta.0's rules).
    V2_4,
}

/// What one release's collector does. Each field says which code of containerd it describes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// The rule set's name, as `--release` takes it.
    pub name: &'static str,
    /// The number of each kind (`metadata/gc.go`, the `Resource...` constants).
    pub types: Types,
    /// Collectors may be registered (`RegisterCollectibleResource`, from 1.7.0-beta.0).
    pub collectors: bool,
    /// All collectors' label handlers yield the type of the collector iterated last: they share Go's loop
    /// variable (`startGCContext`, 1.7.0-beta.1 only; fixed in 1.7.0-beta.3).
    pub shared_loop_variable: bool,
    /// Started collectors are cancelled when marking fails (`DB.GarbageCollect`, from 1.7.0-rc.1).
    pub cancel_after_failed_mark: bool,
    /// Labels of sandboxes are roots' references (`scanRoots`, from 1.7.0-rc.1).
    pub sandbox_references: bool,
    /// Images are nodes: they expire, leases hold them, `gc.ref.image` and flat images exist (from 2.0).
    pub image_nodes: bool,
    /// Tricolor marks a node as seen when it is pushed, not when it is popped: the same nodes in another order,
    /// which decides the error that comes first (`gc.Tricolor`, from 2.0.0-rc.5).
    pub seen_when_pushed: bool,
    /// The built-in label handlers are listed in the order of their keys, content, image, snapshot (`startGCContext`, from
    /// 2.2); before that they are only where a collector is registered, which sorts them.
    pub handlers_always_sorted: bool,
    /// Containers are nodes: roots themselves, not what they refer to (from 2.2).
    pub container_nodes: bool,
    /// `gc.bref.*` labels and collectors' `ActiveWithBackRefs` (from 2.2).
    pub back_references: bool,
    /// `gc.root` is matched by prefix while iterating labels, not looked up by its exact key (from 2.2).
    pub root_by_prefix: bool,
    /// That a collector cannot finish or cancel is logged with its type (`cancel` and `finish` of `gcContext`, from 2.2).
    pub logs_failing_type: bool,
    /// The removal of an image is logged (`remove`, from 2.3).
    pub logs_removed_images: bool,
    /// `gc.cond.snapshot` and `gc.cond.value-usedat` labels (from 2.3).
    pub conditional_references: bool,
    /// Collectors' `References` are followed (from 2.4).
    pub collector_references: bool,
}

/// The type number of each kind; 0 where the release has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Types {
    content: u8,
    snapshot: u8,
    container: u8,
    task: u8,
    image: u8,
    lease: u8,
    ingest: u8,
    /// The number after the last built-in one; a collector's type must not lie below it.
    pub end: u8,
    stream: u8,
    mount: u8,
}

const TYPES_1_6: Types = Types {
    content: 1,
    snapshot: 2,
    container: 3,
    task: 4,
    image: 0,
    lease: 5,
    ingest: 6,
    end: 7,
    stream: 0,
    mount: 0,
};
const TYPES_1_7: Types = Types { stream: 8, ..TYPES_1_6 };
const TYPES_2_0: Types = Types { image: 5, lease: 6, ingest: 7, end: 8, stream: 9, ..TYPES_1_6 };
const TYPES_2_2: Types = Types { mount: 10, ..TYPES_2_0 };

const V1_6: Rules = Rules {
    name: "1.6",
    types: TYPES_1_6,
    collectors: false,
    shared_loop_variable: false,
    cancel_after_failed_mark: false,
    sandbox_references: false,
    image_nodes: false,
    seen_when_pushed: false,
    handlers_always_sorted: false,
    container_nodes: false,
    back_references: false,
    root_by_prefix: false,
    logs_failing_type: false,
    logs_removed_images: false,
    conditional_references: false,
    collector_references: false,
};
const V1_7_BETA: Rules =
    Rules { name: "1.7.0-beta.1", types: TYPES_1_7, collectors: true, shared_loop_variable: true, ..V1_6 };
const V1_7: Rules = Rules {
    name: "1.7",
    shared_loop_variable: false,
    cancel_after_failed_mark: true,
    sandbox_references: true,
    ..V1_7_BETA
};
const V2_0: Rules =
    Rules { name: "2.0", types: TYPES_2_0, image_nodes: true, seen_when_pushed: true, ..V1_7 };
const V2_1: Rules = Rules { name: "2.1", ..V2_0 };
const V2_2: Rules = Rules {
    name: "2.2",
    types: TYPES_2_2,
    handlers_always_sorted: true,
    container_nodes: true,
    back_references: true,
    root_by_prefix: true,
    logs_failing_type: true,
    ..V2_1
};
const V2_3: Rules = Rules { name: "2.3", conditional_references: true, logs_removed_images: true, ..V2_2 };
const V2_4: Rules = Rules { name: "2.4", collector_references: true, ..V2_3 };

impl Types {
    fn number(&self, kind: Kind) -> u8 {
        match kind {
            Kind::Content => self.content,
            Kind::Snapshot => self.snapshot,
            Kind::Container => self.container,
            Kind::Task => self.task,
            Kind::Image => self.image,
            Kind::Lease => self.lease,
            Kind::Ingest => self.ingest,
            Kind::Stream => self.stream,
            Kind::Mount => self.mount,
            Kind::Other(number) => number,
        }
    }

    fn numbered(&self) -> [(Kind, u8); 9] {
        [
            (Kind::Content, self.content),
            (Kind::Snapshot, self.snapshot),
            (Kind::Container, self.container),
            (Kind::Task, self.task),
            (Kind::Image, self.image),
            (Kind::Lease, self.lease),
            (Kind::Ingest, self.ingest),
            (Kind::Stream, self.stream),
            (Kind::Mount, self.mount),
        ]
    }
}

impl Release {
    /// Every rule set, oldest first.
    pub const ALL: [Release; 8] = [
        Release::V1_6,
        Release::V1_7Beta,
        Release::V1_7,
        Release::V2_0,
        Release::V2_1,
        Release::V2_2,
        Release::V2_3,
        Release::V2_4,
    ];

    /// What this release's collector does.
    pub fn rules(self) -> &'static Rules {
        match self {
            Release::V1_6 => &V1_6,
            Release::V1_7Beta => &V1_7_BETA,
            Release::V1_7 => &V1_7,
            Release::V2_0 => &V2_0,
            Release::V2_1 => &V2_1,
            Release::V2_2 => &V2_2,
            Release::V2_3 => &V2_3,
            Release::V2_4 => &V2_4,
        }
    }

    /// The rule set's name.
    pub fn name(self) -> &'static str {
        self.rules().name
    }

    /// The number that this release gives to a kind; absent where it has none.
    pub fn type_of(self, kind: Kind) -> Option<ResourceType> {
        let number = self.rules().types.number(kind);
        (number != 0 || matches!(kind, Kind::Other(_))).then_some(ResourceType(number))
    }

    /// What a type number means in this release, the flat bit set aside where the release knows the flat
    /// type (0x21 and 0x22, from 2.0 also 0x25). Any other number is [`Kind::Other`] of the whole number.
    pub fn kind_of(self, resource_type: ResourceType) -> Kind {
        if self.is_flat(resource_type) {
            return self.kind_of(resource_type.stripped());
        }
        let numbered = self.rules().types.numbered();
        let named = numbered.into_iter().find(|(_, number)| *number == resource_type.0 && *number != 0);
        named.map_or(Kind::Other(resource_type.0), |(kind, _)| kind)
    }

    /// The number under which a plugin registers its collector for a kind; absent where it cannot.
    ///
    /// It cannot in a release without collectors, for a kind that the release lacks, and for a number outside `end` to
    /// 30. Nor can it for a number of its own that the release gives to a kind of its own: type 9 is free in 1.7 and
    /// streams' from 2.0 on, whose manager registers it, and a type is not registered twice
    /// (`DB.RegisterCollectibleResource` panics). What the plugin lists must not be taken for streams.
    pub fn collector_type(self, kind: Kind) -> Option<ResourceType> {
        let (rules, number) = (self.rules(), self.type_of(kind)?);
        let is_free = (rules.types.end..ResourceType::MASK).contains(&number.0);
        (rules.collectors && is_free && self.kind_of(number) == kind).then_some(number)
    }

    /// The number that another release gives to what this number means here, the bits above 0x1F kept; absent where
    /// the other release lacks the kind, or gives a number that has no meaning here to a kind of its own.
    pub fn number_in(self, other: Release, resource_type: ResourceType) -> Option<ResourceType> {
        let kind = self.kind_of(resource_type.stripped());
        let number = other.type_of(kind).filter(|number| other.kind_of(*number) == kind)?;
        Some(ResourceType(number.0 | (resource_type.0 & !ResourceType::MASK)))
    }

    /// The kind by which scenarios name a type. A flat one, as a collector may list it, goes by its number.
    pub fn exact_kind_of(self, resource_type: ResourceType) -> Kind {
        match self.is_flat(resource_type) {
            true => Kind::Other(resource_type.0),
            false => self.kind_of(resource_type),
        }
    }

    /// Whether a number is one of the release's flat types.
    pub fn is_flat(self, resource_type: ResourceType) -> bool {
        let types = &self.rules().types;
        let flat_kinds = [types.content, types.snapshot, types.image];
        flat_kinds.into_iter().any(|number| number != 0 && resource_type.0 == number | ResourceType::FLAT)
    }

    /// The rule set for a name: a rule set's own, or any version of its line, with or without `v`
    /// (`v1.7.24` is `1.7`, `2.1.9+unknown` is `2.1`), as distributions write it too (`1.7.24-0ubuntu1`), and release
    /// candidates (`2.4.0-rc.0`), as rules do not change from then on. Earlier pre-releases only those that are listed. Also
    /// the whole line that `containerd --version` prints, and a package's epoch before the version (`1:1.7.24-1`).
    ///
    /// # Errors
    /// The text is no version of a known line; the error lists what there is.
    pub fn parse(text: &str) -> Result<Release, UnknownRelease> {
        let refused = || UnknownRelease { text: text.to_owned() };
        let word = version_word(text);
        let version = word.strip_prefix('v').unwrap_or(word);
        match version {
            "1.7.0-beta.1" => return Ok(Release::V1_7Beta),
            "2.4.0-beta.0" => return Ok(Release::V2_4),
            _ => {}
        }
        let (version, mark) = version.split_at(version.find(MARKS_BEGIN).unwrap_or(version.len()));
        let parts: Vec<&str> = version.split('.').collect();
        if !(2..=3).contains(&parts.len())
            || !parts.iter().all(|part| is_number(part))
            || !is_of_its_line(mark)
        {
            return Err(refused());
        }
        let line = format!("{}.{}", parts[0], parts[1]);
        Release::ALL.into_iter().find(|release| release.name() == line).ok_or_else(refused)
    }
}

/// The version in what was written: the third word of `containerd --version`, and what follows a package's epoch.
fn version_word(text: &str) -> &str {
    let mut words = text.split_whitespace();
    let word = match (words.next(), words.next(), words.next()) {
        (Some("containerd"), Some(_), Some(version)) => version,
        _ => text.trim(),
    };
    word.split_once(':').filter(|(epoch, _)| is_number(epoch)).map_or(word, |(_, version)| version)
}

/// What may be wrong with a version that is of no known line.
fn why_unknown(text: &str) -> &'static str {
    /// From its 17 on Docker counts years, and later releases.
    const DOCKER_MIN: u64 = 17;
    /// No containerd 1 came near it.
    const KUBERNETES_MIN: u64 = 10;
    let word = version_word(text);
    let version = word.strip_prefix('v').unwrap_or(word);
    let mut numbers = version.split(['.', '~', '+', '-']).map_while(|part| part.parse::<u64>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(DOCKER_MIN..), Some(_)) => {
            ", which looks like a version of Docker (`containerd --version` has containerd's own)"
        }
        (Some(1), Some(KUBERNETES_MIN..)) => {
            ", which looks like a version of Kubernetes (`containerd --version` has containerd's own)"
        }
        (Some(0), Some(_)) | (Some(1), Some(0..=5)) => ", which is older than all that are known",
        (Some(2), Some(5..)) | (Some(3..), _) => ", which is newer than all that are known",
        _ => "",
    }
}

/// What stands between a version's numbers and a mark behind them.
const MARKS_BEGIN: [char; 3] = ['~', '+', '-'];

/// Whether what stands behind a version's numbers leaves it a release whose rules are its line's: nothing, a release
/// candidate, or what distributions append (`~ds1`, `+unknown`, `-0ubuntu1`).
fn is_of_its_line(mark: &str) -> bool {
    const EARLIER: [&str; 4] = ["alpha", "beta", "dev", "pre"];
    let word = mark.trim_start_matches(MARKS_BEGIN);
    if let (false, Some(candidate)) = (mark.starts_with('+'), word.strip_prefix("rc")) {
        return candidate
            .strip_prefix('.')
            .and_then(|number| number.split(MARKS_BEGIN).next())
            .is_some_and(is_number);
    }
    let is_earlier = EARLIER.into_iter().any(|earlier| word.starts_with(earlier));
    let is_written = |byte: u8| byte.is_ascii_alphanumeric() || b"~+-._".contains(&byte);
    mark.is_empty() || !word.is_empty() && !is_earlier && word.bytes().all(is_written)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A release name that names no known rule set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no rule set for release `{text}`{}: there are {}", why_unknown(text), known_names())]
pub struct UnknownRelease {
    /// What was asked for.
    pub text: String,
}

fn known_names() -> String {
    let names: Vec<&str> = Release::ALL.iter().map(|release| release.name()).collect();
    format!(
        "{} (any final version of a line will do, such as 1.7.24, v2.1.9 or 1.7.24-0ubuntu1, and so will a release candidate)",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_version_of_a_line_names_its_rule_set() {
        for (text, release) in [
            ("1.6", Release::V1_6),
            ("v1.6.39", Release::V1_6),
            ("1.6.20~ds1", Release::V1_6),
            ("1.6.20~ds1-1+deb12u1", Release::V1_6),
            ("1.7.24-0ubuntu1", Release::V1_7),
            ("1.7.24-0ubuntu1~22.04.1", Release::V1_7),
            ("v1.7.23-k3s2", Release::V1_7),
            ("1.7.25-1.el9", Release::V1_7),
            ("2.1.3+k3s1", Release::V2_1),
            ("2.4.0-rc.0+unknown", Release::V2_4),
            ("1.7.0-beta.1", Release::V1_7Beta),
            ("v1.7.0-beta.1", Release::V1_7Beta),
            ("1.7.24", Release::V1_7),
            ("2.1.9+unknown", Release::V2_1),
            ("2.4.0-beta.0", Release::V2_4),
            ("2.4.0-rc.0", Release::V2_4),
            ("1:1.7.24-1", Release::V1_7),
            ("containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-4ubuntu1", Release::V1_7),
            ("containerd github.com/containerd/containerd/v2 v2.1.9 1b2c3d\n", Release::V2_1),
            ("v2.4.0", Release::V2_4),
            ("1.7.0-rc.1", Release::V1_7),
        ] {
            assert_eq!(Release::parse(text), Ok(release), "{text}");
        }
        for text in [
            "",
            "v",
            "1",
            "1.5",
            "1.7.0-rc.",
            "1.7.0-rc.x",
            "1.7.0-beta.2",
            "1.7.0~beta.2",
            "2.2.0-alpha.1-1",
            "1.7.24-",
            "1.7.24-a b",
            "2.4.0-beta.1",
            "2.x",
            "1.7.1.1",
            "vv1.7",
        ] {
            assert!(Release::parse(text).is_err(), "{text}");
        }
        for (text, why) in [
            ("1.5", "older than all that are known: there are 1.6, "),
            ("v2.5.0-beta.1", "newer than all that are known: "),
            ("v1.30.0+k3s1", "looks like a version of Kubernetes"),
            ("24.0.7", "looks like a version of Docker"),
            ("5:24.0.7-1~ubuntu", "looks like a version of Docker"),
            ("2.x", "no rule set for release `2.x`: there are "),
        ] {
            let said = Release::parse(text).expect_err("no release").to_string();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn numbers_and_kinds_are_each_others_inverse() {
        for release in Release::ALL {
            for number in 0..=u8::MAX {
                let kind = release.kind_of(ResourceType(number));
                if !release.is_flat(ResourceType(number)) {
                    assert_eq!(release.type_of(kind), Some(ResourceType(number)), "{release} {number}");
                }
            }
        }
        assert_eq!(Release::V1_7Beta.kind_of(ResourceType(0x22)), Kind::Snapshot);
        assert_eq!(Release::V1_7Beta.kind_of(ResourceType(0x25)), Kind::Other(0x25));
        assert_eq!(Release::V2_0.kind_of(ResourceType(0x25)), Kind::Image);
    }

    #[test]
    fn a_kind_keeps_its_name_and_changes_its_number() {
        let renumbered =
            |text: u8, from: Release, to| from.number_in(to, ResourceType(text)).map(|number| number.0);
        assert_eq!(renumbered(8, Release::V1_7, Release::V2_0), Some(9));
        assert_eq!(renumbered(0x25, Release::V2_0, Release::V1_7), None);
        assert_eq!(renumbered(6, Release::V2_4, Release::V1_6), Some(5));
        assert_eq!(renumbered(0x22, Release::V1_7, Release::V2_4), Some(0x22));
        assert_eq!(renumbered(16, Release::V1_7Beta, Release::V2_4), Some(16));
        // A free number that the other release gives to something else.
        assert_eq!(renumbered(9, Release::V1_7, Release::V2_0), None);
        assert_eq!(renumbered(10, Release::V2_2, Release::V2_1), None);
        assert_eq!(renumbered(7, Release::V1_6, Release::V2_0), None);
    }

    /// So that lists by type stay in order, and no type comes twice.
    #[test]
    fn renumbered_collectors_stay_in_the_order_of_their_types() {
        for (from, to) in Release::ALL.into_iter().flat_map(|from| Release::ALL.map(|to| (from, to))) {
            let kinds = (0..ResourceType::MASK).map(|number| from.kind_of(ResourceType(number)));
            let kinds = kinds.filter(|kind| from.collector_type(*kind).is_some());
            let numbers: Vec<_> = kinds.filter_map(|kind| to.collector_type(kind)).collect();
            assert!(numbers.is_sorted_by(|one, next| one < next), "{from} to {to}: {numbers:?}");
        }
    }
}
