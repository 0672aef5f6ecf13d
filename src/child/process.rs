//! A child process that is asked one case a line and answers one result a line.
//!
//! Two threads stand between: one writes, one reads, so that a child that neither reads nor answers cannot hold up
//! who asks. A third passes on what it complains of. What fails ends the process; the next question starts it anew, so that no answer is ever taken for that
//! of another question.

use super::answer::Answer;
use super::command::CommandLine;
use crate::conformance::Row;
use crate::text;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{self, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest answer in bytes.
pub const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// How long a process may take to end once its input is closed or it has closed its output.
const GRACE: Duration = Duration::from_millis(200);

/// Another collector behind a pipe.
pub struct Child {
    command: CommandLine,
    limit: Duration,
    running: Option<Running>,
}

/// Children of one command: as many as ask at a time, each used again.
pub struct Children {
    command: CommandLine,
    limit: Duration,
    idle: Mutex<Vec<Child>>,
}

impl Children {
    /// None yet.
    pub fn new(command: CommandLine, limit: Duration) -> Children {
        Children { command, limit, idle: Mutex::default() }
    }

    /// Does something with one of them that nobody else uses.
    pub fn with<T>(&self, ask: impl FnOnce(&mut Child) -> T) -> T {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut child = idle.unwrap_or_else(|| Child::new(self.command.clone(), self.limit));
        let asked = ask(&mut child);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        asked
    }
}

struct Running {
    process: process::Child,
    /// Gone when the child is to see the end of its input.
    questions: Option<SyncSender<String>>,
    answers: Receiver<Heard>,
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
}

impl Child {
    /// A child that is started when it is first asked.
    pub fn new(command: CommandLine, limit: Duration) -> Child {
        Child { command, limit, running: None }
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
        answered
    }

    fn end_in_a_line(&mut self) -> String {
        let how = self.running.as_mut().map(Running::end).unwrap_or_default();
        format!("{how}, in the middle of a line")
    }

    fn exchange(&mut self, mut question: String) -> Result<Said, ChildError> {
        question.push('\n');
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(start(&self.command)?),
        };
        if let Ok(Heard::Line(said)) = running.answers.try_recv() {
            return Err(rubbish("a line that nobody asked for".to_owned(), &said.line));
        }
        let until = Instant::now() + self.limit;
        let questions = running.questions.as_ref().expect("the input of a running child is open");
        // The writing thread takes a question once it has written the one before. If that thread has ended, the child
        // no longer reads, and the reading thread knows more.
        if let Err(TrySendError::Full(_)) = questions.try_send(question) {
            return Err(rubbish("it answers what it has not read".to_owned(), b""));
        }
        match running.answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Heard::Line(said)) => Ok(said),
            Ok(Heard::TooLong) => Err(rubbish(format!("a line of more than {ANSWER_BYTES_MAX} bytes"), b"")),
            Ok(Heard::Failed(error)) => Err(ChildError::Died { how: error.to_string() }),
            Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => {
                Err(ChildError::Died { how: running.end() })
            }
            Err(RecvTimeoutError::Timeout) => Err(ChildError::Hung { limit: self.limit }),
        }
    }
}

/// Reads a line as the answer to a case.
fn answer(row: &Row, line: &[u8]) -> Result<Answer, ChildError> {
    let text = std::str::from_utf8(line).map_err(|error| rubbish(error.to_string(), line))?;
    let answer = Answer::parse(text).map_err(|error| rubbish(unread(&error), line))?;
    if let Some(name) = answer.name.as_ref().filter(|name| **name != row.name) {
        return Err(rubbish(format!("it is named `{name}`, the case `{}`", row.name), line));
    }
    if answer.results.fields().next().is_none() {
        return Err(rubbish("it has no field of a result".to_owned(), line));
    }
    Ok(answer)
}

fn unread(error: &serde_json::Error) -> String {
    if error.is_data() { error.to_string() } else { format!("not JSON: {error}") }
}

fn rubbish(reason: String, line: &[u8]) -> ChildError {
    const SHOWN_CHARACTERS_MAX: usize = 200;
    let said = String::from_utf8_lossy(line).chars().take(SHOWN_CHARACTERS_MAX).collect();
    ChildError::Rubbish { reason, said }
}

fn start(command: &CommandLine) -> Result<Running, ChildError> {
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
    std::thread::spawn(move || read_lines(output, &heard));
    std::thread::spawn(move || pass_on(errors, passing));
    Ok(Running { process, questions: Some(questions), answers, complaints })
}

/// Ends with who asks, or with a child that no longer reads.
fn write_lines(mut input: ChildStdin, questions: &Receiver<String>) {
    for question in questions {
        if input.write_all(question.as_bytes()).and_then(|()| input.flush()).is_err() {
            return;
        }
    }
}

/// Ends with the child's output, or with who asks.
fn read_lines(output: ChildStdout, heard: &SyncSender<Heard>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let read = output.by_ref().take(ANSWER_BYTES_MAX).read_until(b'\n', &mut line);
        let (said, goes_on) = match read {
            Err(error) => (Heard::Failed(error), false),
            Ok(0) => (Heard::End, false),
            Ok(_) if line.last() == Some(&b'\n') => {
                line.pop();
                (Heard::Line(Said { line, is_ended: true }), true)
            }
            Ok(read) if read as u64 >= ANSWER_BYTES_MAX => (Heard::TooLong, false),
            Ok(_) => (Heard::Line(Said { line, is_ended: false }), true),
        };
        if heard.send(said).is_err() || !goes_on {
            return;
        }
    }
}

/// Ends with the child's complaints, which are shown line by line, in pieces where a line does not end.
fn pass_on(errors: ChildStderr, _passing: SyncSender<()>) {
    const PIECE_BYTES_MAX: u64 = 1 << 16;
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    while errors.by_ref().take(PIECE_BYTES_MAX).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // Where nobody hears them they are read all the same, so that the child goes on.
        let _heard = io::stderr().write_all(text::lines(&line).as_bytes());
        line.clear();
    }
}

impl Running {
    /// Waits a moment for the process to end, then ends it; gives how it ended, once its complaints are passed on.
    fn end(&mut self) -> String {
        let how = self.wait_or_kill();
        // Somebody whom it started may keep the stream open.
        let _passed_on = self.complaints.recv_timeout(GRACE);
        how
    }

    fn wait_or_kill(&mut self) -> String {
        self.questions = None;
        let until = Instant::now() + GRACE;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
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
