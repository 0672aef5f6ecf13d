//! ^C, SIGTERM or a closed terminal during a campaign: the first ends it with its report so far, one that comes a moment
//! later ends the program at once.

use super::terminal;
use crate::campaign::Stop;
use crate::report::Interrupted;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

/// What comes sooner is the same wish: some programs send a signal twice, to the program and to its group.
const SAME_WISH: Duration = Duration::from_millis(300);
/// How often it is looked whether a stop was asked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// From here on ^C asks for a stop.
pub(super) fn stop() -> Stop {
    let stop = Stop::default();
    let ends_at_once = Arc::new(AtomicBool::new(false));
    // Under `nohup` a closed terminal ends nothing.
    let hangs_up = (!is_ignored(SIGHUP)).then_some(SIGHUP);
    for signal in [SIGINT, SIGTERM].into_iter().chain(hangs_up) {
        let registered = flag::register_conditional_default(signal, Arc::clone(&ends_at_once))
            .and_then(|_| flag::register(signal, stop.flag().clone()));
        registered.expect("a program may handle ^C");
    }
    let asked = stop.flag().clone();
    thread::spawn(move || {
        while !asked.load(Ordering::Relaxed) {
            thread::sleep(LOOK_EVERY);
        }
        thread::sleep(SAME_WISH);
        ends_at_once.store(true, Ordering::Relaxed);
    });
    stop
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
