//! ^C, or SIGTERM, during a campaign: the first ends it with its report so far, the second ends the program at once.

use super::terminal;
use crate::campaign::Stop;
use crate::report::Interrupted;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// From here on ^C asks for a stop.
pub(super) fn stop() -> Stop {
    let stop = Stop::default();
    // In this order: what ends the program looks whether the one before has asked already.
    for signal in [SIGINT, SIGTERM] {
        let registered = flag::register_conditional_default(signal, stop.flag().clone())
            .and_then(|_| flag::register(signal, stop.flag().clone()));
        registered.expect("a program may handle ^C");
    }
    stop
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
