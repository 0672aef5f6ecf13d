//! Nothing panics, whatever a client does: a panic ends neither a campaign nor a replay, but is a finding like others.
//!
//! What panics inside is not printed, as it is tried again many times while its case is made small; what it said, and where,
//! is what the finding says.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

thread_local! {
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs something that must not panic. A fuzzer ends at the panic itself, and keeps the input.
///
/// # Errors
/// It does; what it said, and where.
pub fn catching<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    if cfg!(fuzzing) {
        return Ok(run());
    }
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(
            move |info| {
                if IS_CAUGHT.get() { SAID.set(said(info)) } else { previous(info) }
            },
        ));
    });
    let was_caught = IS_CAUGHT.replace(true);
    let ran = catch_unwind(AssertUnwindSafe(run));
    IS_CAUGHT.set(was_caught);
    ran.map_err(|_| SAID.take())
}

fn said(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text");
    info.location().map_or_else(|| text.to_owned(), |at| format!("{text} ({}:{})", at.file(), at.line()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_panic_said_and_where_is_known_and_what_comes_after_runs_on() {
        let inner = || catching(|| -> u32 { panic!("a broken {}", "promise") });
        assert_eq!(catching(|| inner().is_err()), Ok(true));
        assert!(inner().is_err_and(|said| said.starts_with("a broken promise (src/properties/panics.rs:")));
        assert_eq!(catching(|| 7), Ok(7));
    }
}
