//! A child process that is asked one case a line and answers one result a line.
//!
//! Two threads stand between: one writes, one reads, so that a child that neither reads nor answers cannot hold up
//! who asks. A third passes on what it complains of. What fails ends the process; the next question starts it anew, so
//! that no answer is ever taken for that of another question.
//!
//! A program that ends before it has answered anything is asked of an empty database too. If it ends then as well, it is
//! not the case's fault: nobody goes on asking, and what it complained of is passed on once.

use super::answer::Answer;
use super::command::CommandLine;
use crate::bucket::Bucket;
use crate::campaign::Patience;
use crate::conformance::Row;
use crate::text;
use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest answer in bytes.
pub const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// How long a process may take to end once its input is closed or it has closed its output.
const GRACE: Duration = Duration::from_millis(200);
/// How long a program may take to start, beside the time for its first answer.
const START: Duration = Duration::from_secs(3);
/// How much of what a process complains of before its first answer waits for that answer.
const HELD_BYTES_MAX: usize = 1 << 20;

/// Another collector behind a pipe.
pub struct Child {
    command: CommandLine,
    limit: Duration,
    shared: Arc<Shared>,
    patience: Patience,
    running: Option<Running>,
}

/// What is known of all processes of a command.
#[derive(Default)]
struct Shared {
    /// One of them has answered something, right or wrong.
    has_answered: AtomicBool,
    /// One of them hung at its first question, so that no other is given time to start.
    has_hung: AtomicBool,
    /// What those complained of that never answered: passed on once.
    complaints: Mutex<BTreeSet<Vec<u8>>>,
}

/// Children of one command: as many as ask at a time, each used again.
pub struct Children {
    command: CommandLine,
    limit: Duration,
    shared: Arc<Shared>,
    patience: Patience,
    idle: Mutex<Vec<Child>>,
}

impl Children {
    /// None yet.
    pub fn new(command: CommandLine, limit: Duration, patience: Patience) -> Children {
        Children { command, limit, shared: Arc::default(), patience, idle: Mutex::default() }
    }

    /// Does something with one of them that nobody else uses.
    pub fn with<T>(&self, ask: impl FnOnce(&mut Child) -> T) -> T {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let new = || Child {
            shared: self.shared.clone(),
            ..Child::new(self.command.clone(), self.limit, self.patience.clone())
        };
        let mut child = idle.unwrap_or_else(new);
        let asked = ask(&mut child);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        asked
    }
}

impl Drop for Children {
    /// All see the end of their input at once, so that they end beside each other.
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        for running in idle.iter_mut().filter_map(|child| child.running.as_mut()) {
            running.questions = None;
        }
    }
}

struct Running {
    process: process::Child,
    /// Gone when the child is to see the end of its input.
    questions: Option<SyncSender<String>>,
    answers: Receiver<Heard>,
    /// The line that it is writing.
    partial: Arc<Mutex<Vec<u8>>>,
    /// It has answered something.
    has_answered: bool,
    /// It has ended, and another process that it started keeps its output open.
    is_survived: bool,
    /// What it complains of until then; none once that is passed on at once.
    held: Arc<Mutex<Option<Vec<u8>>>>,
    shared: Arc<Shared>,
    patience: Patience,
    /// Ends when all that it complained of has been passed on.
    complaints: Receiver<()>,
}

/// What the reading thread passes on.
enum Heard {
    Line(Said),
    TooLong,
    Failed(io::Error),
    End,
}

/// A line of its output.
struct Said {
    line: Vec<u8>,
    /// The line has its end: the last one may lack it, or the child died while it wrote.
    is_ended: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// The program does not start.
    #[error("`{command}` does not start: {reason}")]
    Start {
        /// The command.
        command: String,
        /// The system's reason.
        reason: io::Error,
    },
    /// It ends before it answers anything, whatever it is asked.
    #[error("`{command}` ends before it answers anything, even of an empty database: {how}")]
    Unusable {
        /// The command.
        command: String,
        /// How it ended, in the system's words.
        how: String,
    },
    /// A line came in time, without its end.
    #[error("wrote {bytes} bytes and no end of line within {} s: an answer is a line, written and flushed at once", limit.as_secs_f64())]
    Unended {
        /// The limit.
        limit: Duration,
        /// How much of a line came.
        bytes: usize,
    },
    /// No answer came in time.
    #[error("gives no answer within {} s", limit.as_secs_f64())]
    Hung {
        /// The limit.
        limit: Duration,
    },
    /// It ended, or closed its output, without an answer.
    #[error("ended without an answer: {how}")]
    Died {
        /// How it ended, in the system's words.
        how: String,
    },
    /// What it said is no answer to this case.
    #[error("gave no answer to the case: {reason}; it said `{said}`")]
    Rubbish {
        /// Why it is none.
        reason: String,
        /// The beginning of the line.
        said: String,
    },
    /// A stop was asked for, and it was no longer waited for.
    #[error("was not waited for any longer")]
    Stopped,
}

impl Child {
    /// A child that is started when it is first asked, and waited for as long as there is patience.
    pub fn new(command: CommandLine, limit: Duration, patience: Patience) -> Child {
        Child { command, limit, shared: Arc::default(), patience, running: None }
    }

    /// Asks a case. After an error the process is ended; the next question starts another.
    ///
    /// # Errors
    /// There is no answer, or none that can be used.
    pub fn ask(&mut self, row: &Row) -> Result<Answer, ChildError> {
        let answered = self.exchange(row.to_json()).and_then(|said| match answer(row, &said.line) {
            Err(_) if !said.is_ended => Err(ChildError::Died { how: self.end_in_a_line() }),
            answered => answered,
        });
        if answered.is_err() {
            self.running = None;
        }
        match answered {
            Err(ChildError::Died { how }) if !self.shared.has_answered.load(Ordering::Relaxed) => {
                Err(self.tried(row, how))
            }
            answered => answered,
        }
    }

    /// What it means that a program ended before any of its processes answered: that it cannot be used, if another one
    /// ends as well when it is asked of an empty database.
    fn tried(&mut self, row: &Row, how: String) -> ChildError {
        let name = "an empty database".to_owned();
        let empty = Row { name, db: Bucket::new(), collectors: Vec::new(), unordered: false, ..row.clone() };
        let tried = self.exchange(empty.to_json());
        self.running = None;
        match tried {
            Err(ChildError::Died { how }) => {
                ChildError::Unusable { command: self.command.text().to_owned(), how }
            }
            Err(ChildError::Stopped) => ChildError::Stopped,
            _ => ChildError::Died { how },
        }
    }

    fn end_in_a_line(&mut self) -> String {
        let how = self.running.as_mut().map(Running::end).unwrap_or_default();
        format!("{how}, in the middle of a line")
    }

    fn exchange(&mut self, mut question: String) -> Result<Said, ChildError> {
        question.push('\n');
        if self.patience.is_over() {
            return Err(ChildError::Stopped);
        }
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(start(&self.command, self.shared.clone(), self.patience.clone())?),
        };
        if let Ok(Heard::Line(said)) = running.answers.try_recv() {
            return Err(rubbish("a line that nobody asked for".to_owned(), &said.line));
        }
        let is_first = !running.has_answered;
        let has_time_to_start = is_first && !self.shared.has_hung.load(Ordering::Relaxed);
        let until = Instant::now() + self.limit + if has_time_to_start { START } else { Duration::ZERO };
        let questions = running.questions.as_ref().expect("the input of a running child is open");
        // The writing thread takes a question once it has written the one before. If that thread has ended, the child
        // no longer reads, and the reading thread knows more.
        if let Err(TrySendError::Full(_)) = questions.try_send(question) {
            return Err(rubbish("it answers what it has not read".to_owned(), b""));
        }
        match running.heard(until) {
            Ok(Heard::Line(said)) => {
                running.answered();
                Ok(said)
            }
            Ok(Heard::TooLong) => Err(rubbish(format!("a line of more than {ANSWER_BYTES_MAX} bytes"), b"")),
            Ok(Heard::Failed(error)) => Err(ChildError::Died { how: error.to_string() }),
            Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => {
                Err(ChildError::Died { how: running.end() })
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < until => Err(ChildError::Stopped),
            Err(RecvTimeoutError::Timeout) => {
                self.shared.has_hung.fetch_or(is_first, Ordering::Relaxed);
                let limit = self.limit;
                match running.partial.lock().unwrap_or_else(PoisonError::into_inner).len() {
                    0 => Err(ChildError::Hung { limit }),
                    bytes => Err(ChildError::Unended { limit, bytes }),
                }
            }
        }
    }
}

/// Reads a line as the answer to a case.
fn answer(row: &Row, line: &[u8]) -> Result<Answer, ChildError> {
    let text = std::str::from_utf8(line)
        .map_err(|error| rubbish(format!("no UTF-8 at byte {}", error.valid_up_to() + 1), line))?;
    let answer = Answer::parse(text).map_err(|error| rubbish(unread(text, &error), line))?;
    if let Some(name) = answer.name.as_ref().filter(|name| **name != row.name) {
        return Err(rubbish(format!("it is named `{name}`, the case `{}`", row.name), line));
    }
    if answer.results.fields().next().is_none() {
        return Err(rubbish("it has no field of a result".to_owned(), line));
    }
    Ok(answer)
}

/// What is wrong with a line, in the protocol's words: which field, or at which byte it is no JSON.
fn unread(text: &str, error: &serde_json::Error) -> String {
    const LINE: &str = r#"an answer is one JSON object in a line, such as {"removed": [], "error": null}"#;
    let column = error.column();
    if error.is_eof() {
        return format!("the JSON ends too soon, at byte {column}: {LINE}");
    }
    if !error.is_data() {
        return format!("no JSON at byte {column}: {LINE}");
    }
    if !text.trim_start().starts_with('{') {
        return format!("JSON, but no object: {LINE}");
    }
    match Answer::wrong_field(text) {
        Some((field, expected)) => format!("its `{field}` is not {expected}, at byte {column}"),
        None => format!("a field is there twice, at byte {column}"),
    }
}

fn rubbish(reason: String, line: &[u8]) -> ChildError {
    const SHOWN_CHARACTERS_MAX: usize = 200;
    let said = String::from_utf8_lossy(line).chars().take(SHOWN_CHARACTERS_MAX).collect();
    ChildError::Rubbish { reason, said }
}

fn start(command: &CommandLine, shared: Arc<Shared>, patience: Patience) -> Result<Running, ChildError> {
    let failed = |reason| ChildError::Start { command: command.text().to_owned(), reason };
    let mut process = Command::new(command.program());
    process.args(command.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut process, 0);
    let mut process = process.spawn().map_err(failed)?;
    let input = process.stdin.take().expect("the input is piped");
    let output = process.stdout.take().expect("the output is piped");
    let errors = process.stderr.take().expect("the errors are piped");
    // No more than one question and one answer wait, whatever the child does.
    let (questions, to_write) = sync_channel(1);
    let (heard, answers) = sync_channel(1);
    std::thread::spawn(move || write_lines(input, &to_write));
    let (passing, complaints) = sync_channel(0);
    let partial: Arc<Mutex<Vec<u8>>> = Arc::default();
    let held = Arc::new(Mutex::new(Some(Vec::new())));
    let (writing, holding) = (partial.clone(), held.clone());
    std::thread::spawn(move || read_lines(output, &heard, &writing));
    std::thread::spawn(move || pass_on(errors, &holding, passing));
    Ok(Running {
        process,
        questions: Some(questions),
        answers,
        partial,
        has_answered: false,
        is_survived: false,
        held,
        shared,
        patience,
        complaints,
    })
}

/// Ends with who asks, or with a child that no longer reads.
fn write_lines(mut input: ChildStdin, questions: &Receiver<String>) {
    for question in questions {
        if input.write_all(question.as_bytes()).and_then(|()| input.flush()).is_err() {
            return;
        }
    }
}

/// Ends with the child's output, or with who asks. What there is of a line that has not ended is in `partial`.
fn read_lines(output: ChildStdout, heard: &SyncSender<Heard>, partial: &Mutex<Vec<u8>>) {
    let mut output = BufReader::new(output);
    loop {
        let (said, goes_on) = match read_line(&mut output, partial) {
            Err(error) => (Heard::Failed(error), false),
            Ok(line) if line.is_empty() => (Heard::End, false),
            Ok(mut line) if line.last() == Some(&b'\n') => {
                line.pop();
                (Heard::Line(Said { line, is_ended: true }), true)
            }
            Ok(line) if line.len() as u64 >= ANSWER_BYTES_MAX => (Heard::TooLong, false),
            Ok(line) => (Heard::Line(Said { line, is_ended: false }), true),
        };
        if heard.send(said).is_err() || !goes_on {
            return;
        }
    }
}

/// A line with its end; without it at the end of the output or of what an answer may be, nothing behind that end.
fn read_line(output: &mut impl BufRead, partial: &Mutex<Vec<u8>>) -> io::Result<Vec<u8>> {
    loop {
        let read = match output.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let mut line = partial.lock().unwrap_or_else(PoisonError::into_inner);
        let end = read.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
        line.extend_from_slice(&read[..end.unwrap_or(read.len())]);
        let is_last = read.is_empty();
        let count = end.unwrap_or(read.len());
        output.consume(count);
        if end.is_some() || is_last || line.len() as u64 >= ANSWER_BYTES_MAX {
            return Ok(std::mem::take(&mut line));
        }
    }
}

/// Ends with the child's complaints, which are shown line by line, in pieces where a line does not end; until it has
/// answered something they are held.
fn pass_on(errors: ChildStderr, held: &Mutex<Option<Vec<u8>>>, _passing: SyncSender<()>) {
    const PIECE_BYTES_MAX: u64 = 1 << 16;
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    while errors.by_ref().take(PIECE_BYTES_MAX).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *held {
            Some(held) if held.len() < HELD_BYTES_MAX => held.extend_from_slice(&line),
            Some(_) => {}
            None => complain(&line),
        }
        line.clear();
    }
}

/// Where nobody hears complaints the child goes on all the same.
fn complain(lines: &[u8]) {
    let _heard = io::stderr().write_all(text::lines(lines).as_bytes());
}

impl Running {
    /// What comes next; no more than a moment behind the end of patience, which is a timeout before its time. A process
    /// that has ended says nothing more, though another one that it started may keep its output open.
    fn heard(&mut self, until: Instant) -> Result<Heard, RecvTimeoutError> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left.min(Patience::LOOK)) {
                Err(RecvTimeoutError::Timeout) if left > Patience::LOOK && !self.patience.is_over() => {}
                heard => return heard,
            }
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                // What it wrote last may still be on its way.
                let last = self.answers.recv_timeout(GRACE);
                self.is_survived = matches!(last, Err(RecvTimeoutError::Timeout));
                return if self.is_survived { Ok(Heard::End) } else { last };
            }
        }
    }

    /// It has answered something: what it complains of is passed on from now on.
    fn answered(&mut self) {
        if std::mem::replace(&mut self.has_answered, true) {
            return;
        }
        self.shared.has_answered.store(true, Ordering::Relaxed);
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        complain(&held.unwrap_or_default());
    }

    /// Passes on what a process complained of that never answered, unless another one has said the same.
    fn complain_once(&self) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        let mut told = self.shared.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.is_empty() && told.insert(held.clone()) {
            complain(&held);
        }
    }
}

impl Running {
    /// Waits a moment for the process to end, then ends it; gives how it ended, once its complaints are passed on.
    fn end(&mut self) -> String {
        let how = self.wait_or_kill();
        // Somebody whom it started may keep the stream open.
        let _passed_on = self.complaints.recv_timeout(GRACE);
        self.complain_once();
        how
    }

    fn wait_or_kill(&mut self) -> String {
        self.questions = None;
        if std::mem::take(&mut self.is_survived) {
            let how = self.process.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            self.kill();
            return format!("{how}; a process that it started kept its output open, and was killed");
        }
        let until = Instant::now() + GRACE;
        loop {
            match self.process.try_wait() {
                // As one does that is started for each case.
                Ok(Some(status)) if status.success() => {
                    return format!(
                        "{status}; a child is asked one line after the other, until its input ends"
                    );
                }
                Ok(Some(status)) => return status.to_string(),
                Ok(None) if Instant::now() < until && !self.patience.is_over() => {
                    std::thread::sleep(Duration::from_millis(2))
                }
                Ok(None) => break,
                Err(error) => return error.to_string(),
            }
        }
        self.kill();
        match self.process.wait() {
            Ok(_) => "it closed its output and went on, and was killed".to_owned(),
            Err(error) => error.to_string(),
        }
    }
}

impl Running {
    /// Ends the process, and with it those that it started: they are of one group.
    fn kill(&mut self) {
        #[cfg(unix)]
        {
            let group = format!("kill -s KILL -- -{}", self.process.id());
            let kill =
                Command::new("sh").args(["-c", &group]).stdout(Stdio::null()).stderr(Stdio::null()).status();
            // Without a shell the process alone is ended below.
            let _killed = kill;
        }
        // It may have ended by itself in between.
        let _killed = self.process.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // How it ended no longer matters.
        let _how = self.end();
    }
}
