//! The bars of long work, on standard error. All are made here, so that they look alike and speak one language:
//!
//! ```text
//! ████████████░░░░░░░░ 41,216 of 100,000 cases, 9,120 a second, 6s left
//! ```
//!
//! Until something is counted the time that went by stands for the time that is left: nobody knows that one yet.
//!
//! The bar has the width that the words leave; in a narrow terminal words go, so that a line stays one. indicatif hides it where standard error is no terminal.

use crate::text;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use std::fmt;
use std::io;
use std::time::Duration;
use terminal_size::{Width, terminal_size_of};

/// How often a bar moves though nothing came to an end.
const TICK: Duration = Duration::from_millis(200);

/// A bar for so many things; where nobody knows how many there will be, a number that grows. A message set later stands
/// behind all else.
pub(super) fn bar(total: Option<u64>, things: &str) -> ProgressBar {
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style(total, things));
    if !bar.is_hidden() {
        bar.enable_steady_tick(TICK);
    }
    bar
}

/// A line for work of which nothing is counted, until [`count_on`] does.
pub(super) fn doing(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template(&format!("{{spinner}} {what}, {{elapsed}}"));
    let bar = bar.with_style(style.expect("the template is well-formed"));
    if !bar.is_hidden() {
        bar.enable_steady_tick(TICK);
    }
    bar
}

/// Makes such a line a bar for so many things, of which none is done yet.
pub(super) fn count_on(bar: &ProgressBar, total: u64, things: &str) {
    bar.set_style(style(Some(total), things));
    bar.set_length(total);
    bar.reset_eta();
}

fn style(total: Option<u64>, things: &str) -> ProgressStyle {
    let columns = terminal_size_of(io::stderr()).map_or(usize::MAX, |(Width(columns), _)| columns.into());
    let style = ProgressStyle::with_template(&template(total, things, columns));
    style.expect("the template is well-formed").with_key("rate", rate).with_key("left", left)
}

/// What fits into so many columns, the dearest first: how far it is, how long it takes, what is said beside, how fast it is.
/// The bar itself takes what is left, if it is anything.
fn template(total: Option<u64>, things: &str, columns: usize) -> String {
    const COUNT_COLUMNS: usize = "9,999,999".len();
    const TIME: usize = ", 59m left".len();
    const MESSAGE: usize = ", 40 of 40 rules, 10 findings".len();
    const RATE: usize = ", 10,000 a second".len();
    const BAR: usize = 9;
    let (head, head_columns, time) = match total {
        Some(total) => {
            let digits = text::count(total).len();
            (format!("{{human_pos}} of {{human_len}} {things}"), 2 * digits + 5 + things.len(), "{left}")
        }
        None => (format!("{{human_pos}} {things}"), COUNT_COLUMNS + 1 + things.len(), ", {elapsed}"),
    };
    let mut left = columns.saturating_sub(head_columns);
    let mut fits = |needed: usize| {
        let fits = needed <= left;
        left -= if fits { needed } else { 0 };
        fits
    };
    let time = if fits(TIME) { time } else { "" };
    let message = if fits(MESSAGE) { "{msg}" } else { "" };
    let rate = if fits(RATE) { "{rate}" } else { "" };
    let bar = match total {
        Some(_) if fits(BAR) => "{wide_bar} ",
        Some(_) => "",
        None => "{spinner} ",
    };
    format!("{bar}{head}{rate}{time}{message}")
}

/// How long it takes yet; while nothing tells, how long it took.
fn left(state: &ProgressState, out: &mut dyn fmt::Write) {
    let (eta, is_counted) = (state.eta(), state.pos() > 0 && Some(state.pos()) < state.len());
    // What cannot be shown is no reason to stop.
    let _shown = match is_counted && eta >= Duration::from_secs(1) {
        true => write!(out, ", {:#} left", HumanDuration(eta)),
        false => write!(out, ", {:#}", HumanDuration(state.elapsed())),
    };
}

/// Whole things a second; nothing for what takes long by itself.
fn rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    const RATE_MIN: f64 = 10.0;
    if let Ok(rate @ 1..) = format!("{:.0}", state.per_sec()).parse()
        && state.per_sec() >= RATE_MIN
    {
        // What cannot be shown is no reason to stop.
        let _shown = write!(out, ", {} a second", text::count(rate));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_has_less_and_never_a_second_line() {
        let of = |columns| template(Some(100_000), "cases", columns);
        assert_eq!(of(30), "{human_pos} of {human_len} cases");
        assert_eq!(of(40), "{human_pos} of {human_len} cases{left}");
        assert_eq!(of(70), "{human_pos} of {human_len} cases{left}{msg}");
        assert_eq!(of(85), "{human_pos} of {human_len} cases{rate}{left}{msg}");
        let whole = "{wide_bar} {human_pos} of {human_len} cases{rate}{left}{msg}";
        assert_eq!((of(100), of(usize::MAX)), (whole.to_owned(), whole.to_owned()));
        assert_eq!(template(None, "rows", 30), "{spinner} {human_pos} rows, {elapsed}");
    }
}
