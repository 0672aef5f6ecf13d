//! Why a label that looks like one for the collector is not read: by its key, by the object that has it, or by the release.
//!
//! ```text
//! content/m   gc.ref.contents.0    which is no label that a collector reads
//! lease/l     gc.ref.content.0     which means nothing on a lease
//! content/m   gc.bref.image        which means nothing to containerd 2.1, only to 2.2 and later
//! ```

use crate::node::Kind;
use crate::release::Release;
use crate::schema::names;

/// What has a label.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Node(Kind),
    Sandbox,
    /// A sandbox beside v1, where the daemons lay them that read labels below it: only where they are moved these count.
    SandboxBeside,
}

impl On {
    fn word(self) -> String {
        match self {
            On::Node(kind @ (Kind::Image | Kind::Ingest)) => format!("an {kind}"),
            On::Node(Kind::Content) => "content".to_owned(),
            On::Node(kind) => format!("a {kind}"),
            On::Sandbox | On::SandboxBeside => "a sandbox".to_owned(),
        }
    }
}

/// How the rest of a key may go on behind what is known of it.
#[derive(Clone, Copy)]
enum Behind {
    Nothing,
    /// Nothing, or a name behind a separator.
    Name,
    Anything,
}

/// A label that some release reads.
struct Known {
    key: &'static [u8],
    behind: Behind,
    /// On what, and from which release on.
    places: &'static [(On, Release)],
}

const REFERRING: &[(On, Release)] = &[
    (On::Node(Kind::Content), Release::V1_6),
    (On::Node(Kind::Snapshot), Release::V1_6),
    (On::Node(Kind::Image), Release::V1_6),
    (On::Node(Kind::Container), Release::V1_6),
    (On::Sandbox, Release::V1_7),
    (On::SandboxBeside, Release::V2_0),
];
const NAMING_IMAGES: &[(On, Release)] = &[
    (On::Node(Kind::Content), Release::V2_0),
    (On::Node(Kind::Snapshot), Release::V2_0),
    (On::Node(Kind::Image), Release::V2_0),
    (On::Node(Kind::Container), Release::V2_0),
    (On::Sandbox, Release::V2_0),
    (On::SandboxBeside, Release::V2_0),
];
const REFERRING_BACK: &[(On, Release)] = &[
    (On::Node(Kind::Content), Release::V2_2),
    (On::Node(Kind::Snapshot), Release::V2_2),
    (On::Node(Kind::Image), Release::V2_2),
    (On::Node(Kind::Container), Release::V2_2),
];
const PINNED: &[(On, Release)] =
    &[(On::Node(Kind::Content), Release::V1_6), (On::Node(Kind::Snapshot), Release::V1_6)];
const PINNED_BY_PREFIX: &[(On, Release)] =
    &[(On::Node(Kind::Content), Release::V2_2), (On::Node(Kind::Snapshot), Release::V2_2)];
const CONDITIONAL: &[(On, Release)] =
    &[(On::Node(Kind::Content), Release::V2_3), (On::Node(Kind::Image), Release::V2_3)];
const USED: &[(On, Release)] = &[(On::Node(Kind::Snapshot), Release::V2_3)];
const EXPIRING: &[(On, Release)] =
    &[(On::Node(Kind::Lease), Release::V1_6), (On::Node(Kind::Image), Release::V2_0)];
const FLAT: &[(On, Release)] = &[(On::Node(Kind::Lease), Release::V1_6)];

/// The labels of `startGCContext` and `scanRoots`, a longer key before one that begins it.
const KNOWN: [Known; 13] = [
    Known { key: names::GC_REF_CONTENT, behind: Behind::Name, places: REFERRING },
    Known { key: names::GC_REF_IMAGE, behind: Behind::Name, places: NAMING_IMAGES },
    Known { key: names::GC_REF_SNAPSHOT, behind: Behind::Anything, places: REFERRING },
    Known { key: names::GC_BREF_CONTENT, behind: Behind::Name, places: REFERRING_BACK },
    Known { key: names::GC_BREF_IMAGE, behind: Behind::Name, places: REFERRING_BACK },
    Known { key: names::GC_BREF_CONTAINER, behind: Behind::Name, places: REFERRING_BACK },
    Known { key: names::GC_BREF_SNAPSHOT, behind: Behind::Anything, places: REFERRING_BACK },
    Known { key: names::GC_COND_USED_AT, behind: Behind::Anything, places: USED },
    Known { key: names::GC_COND_SNAPSHOT, behind: Behind::Anything, places: CONDITIONAL },
    Known { key: names::GC_EXPIRE, behind: Behind::Nothing, places: EXPIRING },
    Known { key: names::GC_FLAT, behind: Behind::Nothing, places: FLAT },
    Known { key: names::GC_ROOT, behind: Behind::Nothing, places: PINNED },
    Known { key: names::GC_ROOT, behind: Behind::Anything, places: PINNED_BY_PREFIX },
];

/// What a known label does not do on an object of a kind on which no release reads it: words that follow the label.
pub fn meaningless_on(label: &[u8], kind: Kind, release: Release) -> Option<String> {
    let known = KNOWN.iter().find(|known| known.is(label))?;
    let is_read = known.places.iter().any(|(place, _)| *place == On::Node(kind));
    let places = known.places.iter().filter(|(place, _)| *place != On::SandboxBeside);
    let words = places.map(|(place, _)| place.word()).collect::<Vec<_>>();
    (!is_read).then(|| {
        format!("{}, only on {}", why(label, On::Node(kind), release).unwrap_or_default(), words.join(", "))
    })
}

impl Known {
    fn is(&self, label: &[u8]) -> bool {
        label.strip_prefix(self.key).is_some_and(|rest| match self.behind {
            Behind::Nothing => rest.is_empty(),
            Behind::Name => matches!(rest.first(), None | Some(b'.' | b'/')),
            Behind::Anything => true,
        })
    }
}

/// Why a release does not read a label on such an object: what follows `which` or the label. Where it would read it there,
/// something else is the cause, and none is given.
pub(super) fn why(label: &[u8], on: On, release: Release) -> Option<String> {
    let Some(known) = KNOWN.iter().find(|known| known.is(label)) else {
        return Some("is no label that a collector reads".to_owned());
    };
    match known.places.iter().find(|(place, _)| *place == on) {
        None => Some(format!("means nothing on {}", on.word())),
        Some((_, first)) if release < *first => {
            Some(format!("means nothing to containerd {release}, only to {first} and later"))
        }
        Some(_) => None,
    }
}
