//! Leasehold simulates, fuzzes and explains containerd's metadata garbage collector.
//!
//! ```text
//!     scenario text ─┐
//!     seed ──────────┤                       ┌─> engine ──> outcome ─┐
//!     fuzz bytes ────┼─> steps ─> world ─────┤                       ├─> check ─> report
//!     meta.db ───────┘                       └─> oracle ─> keep set ─┘
//! ```
//!
//! Data flows one way, and a room uses only rooms above it in this list:
//!
//! | room | what it is |
//! |---|---|
//! | [`named`], [`node`], [`release`], [`go`], [`instant`], [`collector`] | the words: tables of named things, nodes, the rules of each release as data, the Go that built it, points in time, collectors as data |
//! | [`scheduler`] | when a daemon collects, knowing nothing of what |
//! | [`bucket`] | bbolt's nested buckets as a persistent value; the reader of real files; the JSON form |
//! | [`situation`] | all that a collection depends on: a database, collectors, a release, `now` |
//! | [`text`] | names and numbers as people read them |
//! | [`schema`] | containerd's layout over buckets: names, times, varints |
//! | [`stored`] | what lies on the disk beside the database: names and lengths |
//! | [`engine`] and [`oracle`] | side by side, knowing nothing of each other: the collector, and what it must keep |
//! | [`metadata`] and [`scenario`] | what each client operation writes; the text language of steps |
//! | [`contract`] | what each client operation must do, may do and must refuse, knowing nothing of `metadata` |
//! | [`reason`] | the words for why a node is kept, or goes |
//! | [`lint`] | whether a database is sound, and what it costs where it is not |
//! | [`world`] | a daemon with its database, backends, clock, clients and collectors as a value; applies steps |
//! | `live` | a real containerd beside the world, with the feature of that name |
//! | [`properties`] | what must hold of a step, of a collection, and between two |
//! | [`campaign`] | many cases on every core, in order |
//! | [`generate`] | cases from bytes: clients' steps, or a database at once |
//! | [`shrink`] | cases made small |
//! | [`simulate`], [`exhaust`], [`conformance`] | generated cases, every small graph and recorded collections through both |
//! | [`child`] | anyone's collector as a child process, on generated cases |
//! | [`explain`] | why an object is kept, what alone holds it, until when; who holds what; what of it all is drawn |
//! | [`diff`] | what two releases do with one database, and by which rule they differ |
//! | [`replay`], [`fuzzing`] | scenarios held to what they expect; bodies of fuzz targets |
//! | [`explore`] | whether a protocol keeps its promises in every order of steps, collections, time and crashes |
//! | [`report`], `cli` | results for people and machines; the commands |
//!
//! The words are containerd's: a *node* is a resource type, a namespace and a key; *roots* are kept for their own sake;
//! a node *refers* to others; a *collection* marks what the roots reach and removes the rest. A *release* is a set of
//! rules. A *finding* is a property that did not hold.
//!
//! To find a rule, look where containerd has it: each function of `engine` keeps its name (`scan_roots`, `references`,
//! `scan_all`, `remove`). To find what the rule is for, read `oracle`.

pub mod bucket;
pub mod campaign;
pub mod child;
#[cfg(feature = "cli")]
pub mod cli;
pub mod collector;
pub mod conformance;
pub mod contract;
pub mod diff;
pub mod engine;
pub mod exhaust;
pub mod explain;
pub mod explore;
pub mod fuzzing;
pub mod generate;
pub mod go;
pub mod instant;
pub mod lint;
#[cfg(feature = "live")]
pub mod live;
pub mod metadata;
pub mod named;
pub mod node;
pub mod oracle;
pub mod properties;
pub mod reason;
pub mod release;
pub mod replay;
pub mod report;
pub mod scenario;
pub mod scheduler;
pub mod schema;
pub mod shrink;
pub mod simulate;
pub mod situation;
pub mod stored;
pub mod text;
pub mod world;
