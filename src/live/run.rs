//! One scenario on a daemon and in the world.

use super::Error;
use super::backend::{Backend, serve};
use super::client::{Answer, COLLECT_NAMESPACE, Client, Refused};
use super::compare::{Differs, Found, differences, only_in, stored_ours, stored_theirs};
use super::daemon::Daemon;
use super::fit::{Fitted, FittedStep, Unable, fit};
use crate::bucket::bolt;
use crate::instant::Instant;
use crate::metadata::{self, ErrorKind};
use crate::named::named;
use crate::release::Release;
use crate::scenario::{Labels, Line, Name, Sharing, Step, print_step};
use crate::schema::names;
use crate::text;
use crate::world::{Applied, Fault, World};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::UnixListener;
use tokio::runtime::Runtime;

/// How far the moments that are waited for lie apart at first; longer where the machine is too slow for it.
const LAP: Duration = Duration::from_millis(400);
/// How often it is made longer.
const LAPS: u32 = 4;
/// A moment so near to a collection may lie on either side of it.
const CLOSE: Duration = Duration::from_millis(20);

/// A program that is a containerd.
pub struct Live {
    program: PathBuf,
    /// The rules that it runs by.
    pub release: Release,
    /// What it says of itself, such as `1.6.20~ds1`.
    pub version: String,
    runtime: Runtime,
}

/// What was seen of one scenario.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// The steps that the daemon did, refused ones too.
    pub steps: u64,
    /// The collections that were compared, object by object.
    pub collections: u64,
    /// The steps that neither did, by why.
    pub unable: BTreeMap<Unable, u64>,
    /// The steps of which the service in front of the write side did something else, by what: known, and no difference.
    pub in_front: BTreeMap<Front, u64>,
    /// The machine was too slow for its expiries, and nothing of it counts.
    pub is_late: bool,
    /// The first difference: nothing was done behind it.
    pub difference: Option<Difference>,
}

named! {
    /// What containerd does around its database, which is what the world is: its services before a call reaches it, its
    /// scheduler when a collection is done.
    pub enum Front {}
    FirstCollectionFails, "first-collection-fails" => "a first collection after the start that fails: up to 2.1 the daemon dies of it";
    EmptyNamespaceLabel, "empty-namespace-label" => "a namespace created with an empty label: the namespace service drops that label";
    CommitOfExisting, "commit-of-existing" => "a commit of content that is there: the content service aborts the ingest, and the lease in use does not get the content";
}

/// Where daemon and world part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The place of the step among the scenario's.
    pub step: usize,
    /// What differs.
    pub said: Said,
}

/// What differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// One refused the step, or both for different reasons.
    Refusal {
        /// The world's words; none if it did the step.
        ours: Option<(ErrorKind, String)>,
        /// The daemon's.
        theirs: Option<Refused>,
    },
    /// The databases behind the step.
    Databases(Vec<Differs>),
    /// What the backends have behind a clean-up.
    Backends {
        /// What only the world's have.
        ours: Vec<String>,
        /// What only the daemon's have.
        theirs: Vec<String>,
    },
}

impl Difference {
    /// What sort of difference it is, whatever the names: the step's first words with both answers, or where in the
    /// database it lies, or what lies behind it.
    pub fn sort(&self, lines: &[Line]) -> String {
        match &self.said {
            Said::Refusal { ours, theirs } => {
                let step = lines.get(self.step).map(|line| print_step(&line.step)).unwrap_or_default();
                let step: Vec<&str> = step.split(' ').take(2).collect();
                let ours = ours.as_ref().map(|(kind, _)| *kind);
                let theirs = theirs.as_ref().map(|refused| refused.kind);
                format!("{} {ours:?} {theirs:?}", step.join(" "))
            }
            Said::Databases(differs) => {
                let first = differs.first().map(|differs| {
                    // v1/NAMESPACE/OBJECTS/NAME/FIELD...: the namespace and the name are the case's own.
                    let own = [1, 3];
                    let keys = differs.path.iter().enumerate().filter(|(depth, _)| !own.contains(depth));
                    let keys: Vec<String> = keys.take(3).map(|(_, key)| text::name(key)).collect();
                    let kind = |found: &Found| matches!(found, Found::Nothing);
                    format!("{} {} {}", keys.join("/"), kind(&differs.ours), kind(&differs.theirs))
                });
                first.unwrap_or_default()
            }
            Said::Backends { ours, theirs } => {
                let word = |things: &[String]| {
                    things.first().and_then(|thing| thing.split(' ').next()).map(str::to_owned)
                };
                format!("{:?} {:?}", word(ours), word(theirs))
            }
        }
    }
}

impl Live {
    /// Asks a program what it is.
    ///
    /// # Errors
    /// It does not run, is no containerd, or one of no release that is built.
    pub fn new(program: &Path) -> Result<Live, Error> {
        let shown = program.display();
        let asked = Command::new(program).arg("--version").output();
        let asked = asked.map_err(|error| Error::Program(format!("{shown}: {error}")))?;
        let words = String::from_utf8_lossy(&asked.stdout).into_owned();
        let version = words.split_whitespace().nth(2).filter(|_| words.starts_with("containerd "));
        let version = version.ok_or_else(|| Error::Program(format!("{shown}: this is no containerd")))?;
        // Packagers add to the version: `1.6.20~ds1`, `2.1.9+unknown`.
        let plain = version.split(['~', '+']).next().unwrap_or_default();
        let release = Release::parse(plain).map_err(|error| Error::Program(format!("{shown}: {error}")))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(Error::system("cannot start a thread for connections"))?;
        Ok(Live { program: program.to_path_buf(), release, version: version.to_owned(), runtime })
    }

    /// Runs a scenario on a daemon of its own and in the world, which may have a mistake, until they differ. It is asked between two steps whether to
    /// stop.
    ///
    /// # Errors
    /// There is no daemon, or it does not answer any more.
    pub fn run(&self, lines: &[Line], fault: Option<Fault>, stop: &dyn Fn() -> bool) -> Result<Ran, Error> {
        let mut lap = LAP;
        for _ in 0..LAPS {
            if let Some(ran) = self.try_run(lines, lap, fault, stop)? {
                return Ok(ran);
            }
            lap *= 3;
        }
        Ok(Ran { is_late: true, ..Ran::default() })
    }

    /// None if a moment that is waited for came too early.
    fn try_run(
        &self,
        lines: &[Line],
        lap: Duration,
        fault: Option<Fault>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Ran>, Error> {
        let snapshotters = fit(lines, clock(), lap).snapshotters;
        let mut daemon = Daemon::start(&self.program, &snapshotters, false)?;
        let backend = Backend::default();
        self.runtime.block_on(async {
            let listener = UnixListener::bind(daemon.snapshots_socket());
            let listener = listener.map_err(Error::system("cannot serve snapshots"))?;
            let serving = tokio::spawn(serve(backend.clone(), listener));
            let ran = Session::new(self.release, lines, lap, &mut daemon, backend, stop).await;
            let ran = match ran {
                Ok(session) => Session { fault, ..session }.run().await,
                Err(error) => Err(error),
            };
            serving.abort();
            ran
        })
    }
}

/// A scenario that runs.
struct Session<'a> {
    fitted: Fitted,
    world: World,
    daemon: &'a mut Daemon,
    backend: Backend,
    client: Client,
    /// A mistake in the world, to see it found.
    fault: Option<Fault>,
    isolated: bool,
    /// No collection ran since the daemon's start.
    is_first: bool,
    ran: Ran,
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Session<'a> {
    async fn new(
        release: Release,
        lines: &[Line],
        lap: Duration,
        daemon: &'a mut Daemon,
        backend: Backend,
        stop: &'a dyn Fn() -> bool,
    ) -> Result<Session<'a>, Error> {
        let mut client = connect(daemon).await?;
        // A daemon up to 2.1 dies of a first collection that fails: the first one is of nothing of the scenario's.
        client.prepare().await?;
        let fitted = fit(lines, clock(), lap);
        let world = World::new(release);
        Ok(Session {
            fitted,
            world,
            daemon,
            backend,
            client,
            fault: None,
            isolated: false,
            is_first: false,
            ran: Ran::default(),
            stop,
        })
    }

    async fn run(&mut self) -> Result<Option<Ran>, Error> {
        let steps = std::mem::take(&mut self.fitted.steps);
        for (place, step) in steps.iter().enumerate() {
            if (self.stop)() {
                break;
            }
            if let Some(unable) = step.unable {
                *self.ran.unable.entry(unable).or_default() += 1;
                continue;
            }
            if !self.is_in_time(step).await {
                return Ok(None);
            }
            let said = self.step(step).await?;
            if said.is_none() && !self.is_in_time(step).await {
                return Ok(None);
            }
            if let Some(said) = said {
                // What came too late differs for that reason alone.
                if !self.is_in_time(step).await {
                    return Ok(None);
                }
                self.ran.difference = Some(Difference { step: place, said });
                break;
            }
        }
        // What no collection stands behind is compared at the end.
        if self.ran.difference.is_none() && self.ran.steps > 0 && !(self.stop)() {
            let said = self.databases()?;
            self.ran.difference = said.map(|said| Difference { step: steps.len().saturating_sub(1), said });
        }
        Ok(Some(std::mem::take(&mut self.ran)))
    }

    /// Waits for the moments that lie before a step; whether those behind it are still to come.
    async fn is_in_time(&self, step: &FittedStep) -> bool {
        let (before, behind) = self.fitted.crossed.split_at(step.after);
        if let Some(last) = before.last() {
            let until = last.plus(CLOSE);
            while clock() < until {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        behind.first().is_none_or(|next| clock().plus(CLOSE) < *next)
    }

    /// Does a step on both sides and compares them.
    async fn step(&mut self, step: &FittedStep) -> Result<Option<Said>, Error> {
        let line = &step.line;
        let before = self.world.clone();
        self.world.apply(&Line::new(Step::Now(clock())));
        let applied = match self.in_front(line) {
            Some((front, applied)) => {
                *self.ran.in_front.entry(front).or_default() += 1;
                applied
            }
            None => self.world.apply_with(line, self.fault),
        };
        if applied.is_passed || is_no_call(&line.step) {
            return Ok(None);
        }
        let client = line.client.as_ref();
        let answer = match &line.step {
            Step::Gc { .. } => self.client.collect().await,
            Step::Crash => return self.restart().await.map(|()| None),
            Step::ContentPolicy(sharing) => {
                self.isolated = *sharing == Sharing::Isolated;
                self.world.apply(&Line::new(Step::Crash));
                return self.restart().await.map(|()| None);
            }
            _ => self.client.apply(&before, client, &line.step, &self.fitted).await,
        };
        let theirs = match answer {
            Answer::Unable(unable) => {
                *self.ran.unable.entry(unable).or_default() += 1;
                self.world = before;
                return Ok(None);
            }
            Answer::Refused(refused) => Some(self.explained(refused)),
            Answer::Done => None,
        };
        self.ran.steps += 1;
        let is_first = self.is_first;
        self.is_first &= applied.collected.is_none();
        if let Some(front) = first_collection_fails(is_first, &before, &applied, theirs.as_ref()) {
            *self.ran.in_front.entry(front).or_default() += 1;
            self.world.apply(&Line::new(Step::Crash));
            self.restart().await?;
            return Ok(None);
        }
        let kind = theirs.as_ref().and_then(|refused| refused.kind);
        if let Some(said) = refusals(&line.step, &applied, theirs) {
            return Ok(Some(said));
        }
        if matches!(kind, Some(ErrorKind::Crash | ErrorKind::Deadlock)) {
            self.world.apply(&Line::new(Step::Crash));
            self.restart().await?;
            return Ok(None);
        }
        if applied.collected.is_none() {
            return Ok(None);
        }
        self.world.apply_with(&Line::new(Step::Cleanup), self.fault);
        self.ran.collections += 1;
        if let Some(said) = self.databases()? {
            return Ok(Some(said));
        }
        let theirs = stored_theirs(&self.daemon.content(), self.backend.stored());
        let theirs = theirs.map_err(Error::system("cannot look into the daemon's content store"))?;
        let ours = stored_ours(&self.world.store().backend);
        let (ours, theirs) = (only_in(&ours, &theirs), only_in(&theirs, &ours));
        Ok((!ours.is_empty() || !theirs.is_empty()).then_some(Said::Backends { ours, theirs }))
    }

    /// Where the databases differ.
    fn databases(&self) -> Result<Option<Said>, Error> {
        let read = bolt::read(&self.daemon.database());
        let read = read.map_err(|error| Error::Daemon(format!("the daemon's database: {error}")))?;
        let ours = self.world.store().tree.view();
        let differs = differences(ours, read.tree.view(), COLLECT_NAMESPACE.as_bytes());
        Ok((!differs.is_empty()).then_some(Said::Databases(differs)))
    }

    /// What the service in front of the write side does of itself.
    fn in_front(&mut self, line: &Line) -> Option<(Front, Applied)> {
        let client = line.client.as_ref();
        if let Step::NamespaceCreate { namespace, labels } = &line.step {
            let is_said = |label: &&(Name, Name)| !label.1.is_empty();
            let said: Labels = labels.as_slice().iter().filter(is_said).cloned().collect();
            let step = Step::NamespaceCreate { namespace: namespace.clone(), labels: said };
            let front = Front::EmptyNamespaceLabel;
            return labels
                .as_slice()
                .iter()
                .any(|label| !is_said(&label))
                .then(|| (front, self.world.apply(&Line { step, ..line.clone() })));
        }
        let Step::ContentCommit { reference, digest, .. } = &line.step else { return None };
        let expected = self.client.expected(client, reference, digest)?;
        let path = [names::V1, self.world.namespace(client)?, names::CONTENT, names::BLOB, expected];
        self.world.store().tree.view().at(&path)?;
        let message = "the content service finds it there".to_owned();
        let exists = metadata::Error { kind: ErrorKind::AlreadyExists, message };
        self.world.apply(&Line { step: Step::ContentAbort { reference: reference.clone() }, ..line.clone() });
        Some((Front::CommitOfExisting, Applied { refused: Some(exists), ..Applied::default() }))
    }

    async fn restart(&mut self) -> Result<(), Error> {
        self.daemon.restart(&self.fitted.snapshotters, self.isolated)?;
        self.client = connect(self.daemon).await?;
        self.is_first = true;
        Ok(())
    }

    /// A daemon that died of the call said why in its log.
    fn explained(&self, refused: Refused) -> Refused {
        match self.daemon.last_words() {
            (words, true) => Refused { kind: Some(ErrorKind::Crash), message: words },
            (_, false) => refused,
        }
    }
}

async fn connect(daemon: &Daemon) -> Result<Client, Error> {
    let connected = Client::connect(&daemon.socket()).await;
    connected.map_err(|error| Error::Daemon(format!("{error}\nits last words:\n{}", daemon.last_words().0)))
}

/// Up to 2.1 a daemon dies of its first collection if that fails: when it is to be tried again is counted from the end of
/// the collection before (`gcScheduler.run`).
fn first_collection_fails(
    is_first: bool,
    before: &World,
    applied: &Applied,
    theirs: Option<&Refused>,
) -> Option<Front> {
    let failed = applied.collected.as_ref().is_some_and(|collected| collected.outcome.error.is_some());
    let died = theirs.is_some_and(|refused| refused.kind == Some(ErrorKind::Crash));
    (is_first && failed && died && before.release() < Release::V2_2).then_some(Front::FirstCollectionFails)
}

/// A collection that fails is an answer of the world, and an error of the daemon's.
fn refusals(step: &Step, applied: &Applied, theirs: Option<Refused>) -> Option<Said> {
    let ours = match &applied.refused {
        Some(error) => Some((error.kind, error.to_string())),
        None => {
            let failed = applied.collected.as_ref().and_then(|collected| collected.outcome.error.as_ref());
            failed
                .filter(|_| matches!(step, Step::Gc { .. }))
                .map(|error| (ErrorKind::Unknown, error.to_string()))
        }
    };
    let is_same = match (&ours, &theirs) {
        (None, None) => true,
        (Some((kind, _)), Some(theirs)) => theirs.kind == Some(*kind),
        _ => false,
    };
    (!is_same).then_some(Said::Refusal { ours, theirs })
}

/// What a client, a scenario or its reader does by itself.
fn is_no_call(step: &Step) -> bool {
    matches!(
        step,
        Step::Client { .. }
            | Step::NamespaceUse { .. }
            | Step::LeaseUse { .. }
            | Step::LeaseNone
            | Step::Look(_)
            | Step::Together
            | Step::Always(_)
            | Step::End
            | Step::Expect(_)
    )
}

/// The clock that the daemon has too.
fn clock() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    crate::schema::time::from_unix(seconds, since.subsec_nanos())
}
