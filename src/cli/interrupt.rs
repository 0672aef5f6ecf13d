//! ^C, SIGTERM or a closed terminal. During a campaign the first ends it with its report so far, one that comes a moment
//! later ends the program at once. Any other command ends with the first.
//!
//! Whatever ends, files that are not whole yet are cleared away.

use super::{files, terminal};
use crate::campaign::Stop;
use crate::report::Interrupted;
use crate::text;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use std::{fs, process, thread};

/// What comes sooner is the same wish: some programs send a signal twice, to the program and to its group.
const SAME_WISH: Duration = Duration::from_millis(300);
/// How often it is looked whether a stop was asked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The signal that came last; 0 where none did.
static CAME: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// From here on ^C asks for a stop.
pub(super) fn stop() -> Stop {
    let stop = Stop::default();
    let ends_at_once = Arc::new(AtomicBool::new(false));
    let next = Arc::new(AtomicUsize::new(0));
    for signal in signals() {
        let registered = flag::register_conditional_default(signal, Arc::clone(&ends_at_once))
            .and_then(|_| note(signal, &next))
            .and_then(|()| flag::register(signal, stop.flag().clone()));
        registered.expect("a program may handle ^C");
    }
    thread::spawn(move || {
        wait(&next);
        thread::sleep(SAME_WISH);
        next.store(0, Ordering::Relaxed);
        let second = wait(&next);
        // Should anything hold this up, a third signal does not wait.
        ends_at_once.store(true, Ordering::Relaxed);
        let _unfinished = files::abandon();
        let _ended = low_level::emulate_default_handler(second);
    });
    stop
}

/// From here on ^C ends the program, which says so, and which files it does not write.
pub(super) fn end() {
    let came = Arc::new(AtomicUsize::new(0));
    for signal in signals() {
        note(signal, &came).expect("a program may handle ^C");
    }
    thread::spawn(move || {
        let signal = wait(&came);
        let unfinished = files::abandon();
        let places: Vec<_> = unfinished.iter().map(|it| text::path(&it.place)).collect();
        let not_written = match places.as_slice() {
            [] => String::new(),
            places => format!(": {} is not written", places.join(", ")),
        };
        // A bar may stand there.
        terminal::leave_line();
        terminal::say(format_args!("ended by {}{not_written}", name_of(signal)));
        // Held to here, so that nothing is renamed meanwhile.
        process::exit(i32::from(exit_code()));
    });
}

/// The exit code of a program that the last signal ended: 128 and its number.
pub(super) fn exit_code() -> u8 {
    let came = CAME.load(Ordering::Relaxed);
    128 + u8::try_from(came).ok().filter(|came| *came > 0).unwrap_or(2)
}

fn signals() -> impl Iterator<Item = i32> {
    // Under `nohup` a closed terminal ends nothing.
    let hangs_up = (!is_ignored(SIGHUP)).then_some(SIGHUP);
    [SIGINT, SIGTERM].into_iter().chain(hangs_up)
}

/// Has a signal put its number there when it comes.
fn note(signal: i32, next: &Arc<AtomicUsize>) -> io::Result<()> {
    let number = usize::try_from(signal).expect("signals are counted from 1");
    flag::register_usize(signal, Arc::clone(&CAME), number)?;
    flag::register_usize(signal, Arc::clone(next), number)?;
    Ok(())
}

/// Waits for the number of a signal.
fn wait(next: &AtomicUsize) -> i32 {
    loop {
        match next.load(Ordering::Relaxed) {
            0 => thread::sleep(LOOK_EVERY),
            came => return i32::try_from(came).expect("a signal's number is small"),
        }
    }
}

fn name_of(signal: i32) -> &'static str {
    match signal {
        SIGINT => "^C",
        SIGHUP => "SIGHUP, as its terminal was closed",
        _ => "SIGTERM",
    }
}

/// Whether the program ignores a signal, as far as the system tells.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// How far a campaign came, asked as soon as it ended; none if it came to its end. `unit` is one of what is counted.
pub(super) fn interrupted(
    stop: &Stop,
    done: u64,
    of: Option<u64>,
    unit: &'static str,
) -> Option<Interrupted> {
    if !stop.is_asked() || of == Some(done) {
        return None;
    }
    terminal::say("interrupted: the report follows; ^C again ends at once");
    Some(Interrupted { done, of, unit })
}
