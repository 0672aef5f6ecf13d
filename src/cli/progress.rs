//! The bars of long work, on standard error. All are made here, so that they look alike and speak one language:
//!
//! ```text
//! ████████████░░░░░░░░ 41,216 of 100,000 cases, 9,120 a second, 6s left
//! ```
//!
//! The bar has the width that the words leave. indicatif hides it where standard error is no terminal.

use crate::text;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt;
use std::time::Duration;

/// How often a bar moves though nothing came to an end.
const TICK: Duration = Duration::from_millis(200);

/// A bar for so many things; where nobody knows how many there will be, a number that grows. A message set later stands
/// behind all else.
pub(super) fn bar(total: Option<u64>, things: &str) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            format!("{{wide_bar}} {{human_pos}} of {{human_len}} {things}{{rate}}, {{eta}} left{{msg}}"),
        ),
        None => (
            ProgressBar::new_spinner(),
            format!("{{spinner}} {{human_pos}} {things}{{rate}}, {{elapsed}}{{msg}}"),
        ),
    };
    let style = ProgressStyle::with_template(&template).expect("the template is well-formed");
    let bar = bar.with_style(style.with_key("rate", rate));
    if !bar.is_hidden() {
        bar.enable_steady_tick(TICK);
    }
    bar
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
