//! What became of protocols in every order.

use super::Show;
use super::shell::quoted;
use crate::explore::weakest::Weighed;
use crate::explore::{Broken, Explored, Found, HEAD_LINES, Order, Verdict};
use crate::release::Release;
use crate::scenario::{Scenario, Text, alias, print, print_line};
use crate::text::{self, counted};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Protocols that were explored, to be shown.
pub struct Report<'a> {
    /// One a file and release.
    pub explored: &'a [OfFile],
    /// How many more ^C left, of which nothing is known.
    pub not_begun: u64,
    /// How many states there may be.
    pub states_max: u64,
    /// What was said on standard error.
    pub warnings: &'a [String],
}

/// What came of one file under one release.
pub struct OfFile {
    /// The file, as people see it.
    pub path: String,
    /// Whose rules.
    pub release: Release,
    /// Held to the intended rules.
    pub is_intended: bool,
    /// What came of it.
    pub explored: Explored,
    /// What it rests on, or what would make it safe, where that was asked.
    pub weighed: Vec<Weighed>,
    /// Where the order that breaks it was written.
    pub file: Option<String>,
}

impl Report<'_> {
    fn count(&self, is_such: fn(&Verdict) -> bool) -> usize {
        self.explored.iter().filter(|of| is_such(&of.explored.found.verdict)).count()
    }

    /// How many are safe, broken, and cut short.
    pub fn counts(&self) -> [usize; 3] {
        [
            self.count(|verdict| matches!(verdict, Verdict::Safe)),
            self.count(|verdict| matches!(verdict, Verdict::Broken(_))),
            self.count(|verdict| matches!(verdict, Verdict::Cut | Verdict::Stopped)),
        ]
    }
}

impl Show for Report<'_> {
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let [safe, broken, cut] = self.counts();
        let stopped = self.count(|verdict| matches!(verdict, Verdict::Stopped));
        let files: Vec<Value> = self.explored.iter().map(json).collect();
        writeln!(
            out,
            "{}",
            json!({
                "files": files, "safe": safe, "broken": broken, "cut_short": cut - stopped,
                "interrupted": stopped as u64 + self.not_begun,
                "warnings": self.warnings,
            })
        )
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for of in self.explored {
            write(out, of, self.states_max)?;
        }
        let [safe, broken, cut] = self.counts();
        let stopped = self.count(|verdict| matches!(verdict, Verdict::Stopped));
        let cut = cut - stopped;
        let stopped = match stopped as u64 + self.not_begun {
            0 => String::new(),
            stopped => format!(", {stopped} interrupted"),
        };
        writeln!(out, "{safe} safe, {broken} broken, {cut} cut short{stopped}")
    }
}

fn write(out: &mut dyn Write, of: &OfFile, states_max: u64) -> io::Result<()> {
    let Explored { clients, lines: (steps, mays), found, order } = &of.explored;
    let Found { progress, orders, finals, verdict, .. } = found;
    writeln!(out, "{}   containerd {}", of.path, of.release)?;
    let number = |count: usize, what: &str| counted(count as u64, what);
    let [clients, steps] = [number(*clients, "client"), number(*steps, "step")];
    writeln!(out, "  {clients} with {steps}, {} that may happen", number(*mays, "step"))?;
    let [states, moves] = [counted(progress.states, "state"), counted(progress.moves, "move")];
    match verdict {
        Verdict::Safe => {
            let ends = counted(*finals, "end");
            writeln!(out, "  {states}, {moves} between them, {ends}, {}: all seen", orders_told(*orders))?;
            writeln!(out, "  safe     every promise holds in every state")?;
            write_untested(out, found)?;
        }
        Verdict::Broken(broken) => {
            writeln!(out, "  {states} and {moves} until an order broke it")?;
            if let Some(order) = order {
                write_order(out, order, broken)?;
            }
            if let Some(file) = &of.file {
                let intended = if of.is_intended { " --intended" } else { "" };
                writeln!(out, "  again    leasehold replay --step{intended} {}", quoted(file))?;
            }
        }
        Verdict::Cut => {
            writeln!(out, "  {states} and {moves} seen, and there are more")?;
            let most = text::count(states_max);
            writeln!(
                out,
                "  cut short, so nothing is known: --states-max {most}; fewer `may` steps, or fewer of each, make fewer states"
            )?;
        }
        Verdict::Stopped => writeln!(out, "  interrupted after {states}, so nothing is known")?,
    }
    write_weighed(out, of)?;
    writeln!(out)
}

/// What a safe protocol rests on and what it does not need; what would make a broken one safe.
fn write_weighed(out: &mut dyn Write, of: &OfFile) -> io::Result<()> {
    if of.weighed.is_empty() {
        return Ok(());
    }
    let was_safe = matches!(of.explored.found.verdict, Verdict::Safe);
    let such = |is_such: &dyn Fn(&&Weighed) -> bool| of.weighed.iter().filter(is_such).collect::<Vec<_>>();
    let safe = such(&|weighed| weighed.is_safe() == Some(true));
    let unknown = such(&|weighed| weighed.is_safe().is_none());
    if was_safe {
        let broken = such(&|weighed| weighed.is_safe() == Some(false));
        let (by_steps, rests): (Vec<&Weighed>, Vec<&Weighed>) =
            broken.into_iter().partition(|weighed| weighed.is_needed_by_steps());
        write_variants(out, "rests on", &rests)?;
        let (tests_less, unneeded): (Vec<&Weighed>, Vec<&Weighed>) =
            safe.into_iter().partition(|weighed| weighed.tests_less);
        write_variants(out, "unneeded", &unneeded)?;
        let besides =
            [(by_steps, "would have other steps refused"), (tests_less, "would leave a promise untested")];
        for (changes, what) in besides.into_iter().filter(|(changes, _)| !changes.is_empty()) {
            let count = counted(changes.len() as u64, "other change");
            writeln!(out, "  besides  {count} {what}")?;
        }
    } else if safe.is_empty() {
        let count = counted(of.weighed.len() as u64, "single change");
        writeln!(out, "  repairs  none of {count} makes it safe")?;
    } else {
        write_variants(out, "repairs", &safe)?;
    }
    write_variants(out, "unknown", &unknown)
}

fn write_variants(out: &mut dyn Write, what: &str, variants: &[&Weighed]) -> io::Result<()> {
    for (at, weighed) in variants.iter().enumerate() {
        let what = if at == 0 { what } else { "" };
        let lines: Vec<String> = weighed.variant.lines.iter().map(ToString::to_string).collect();
        let line = if lines.len() == 1 { "line" } else { "lines" };
        let after = match &weighed.explored.found.verdict {
            Verdict::Broken(broken) => {
                format!(": breaks after {}", counted(broken.order.len() as u64, "move"))
            }
            _ => String::new(),
        };
        writeln!(out, "  {what:<8} {line} {}: {}{after}", lines.join(", "), weighed.variant.change)?;
    }
    Ok(())
}

fn write_untested(out: &mut dyn Write, found: &Found) -> io::Result<()> {
    let untested = &found.untested;
    if untested.nothing_promised {
        writeln!(
            out,
            "  untested nothing is promised: no `always`, and no `expect` below the block; only that no step is refused was looked at"
        )?;
    }
    for line in &untested.never_due {
        writeln!(out, "  untested line {line}: the `when` of this promise never held")?;
    }
    for line in &untested.never_ran {
        writeln!(out, "  untested line {line}: it may happen, and never could")?;
    }
    for (line, went) in &untested.one_way {
        let always = if *went { "always" } else { "never" };
        writeln!(out, "  untested line {line}: its `if` or `unless` {always} let it be done")?;
    }
    Ok(())
}

/// The order with the lines marked without which nothing would break, and what breaks in the end.
fn write_order(out: &mut dyn Write, order: &Order, broken: &Broken) -> io::Result<()> {
    let steps = counted(broken.order.len() as u64, "move");
    let which = if broken.is_shortest {
        "the shortest order that breaks it"
    } else {
        "an order that breaks it, and the search for a shorter one was cut short"
    };
    writeln!(out, "  broken   after {steps}: {which}; without a marked line it breaks not so\n")?;
    for (line, matters) in order.scenario.lines.iter().zip(&order.matters) {
        let mark = if *matters { ">" } else { " " };
        write!(out, "    {mark} {:>3}  {}", line.number, print_line(line))?;
    }
    writeln!(out, "\n  because  {}", alias::in_line(&order.told))
}

/// The order as it is written: with its story above it, in as many lines as its numbers count.
pub fn with_head(order: &Order, path: &str, release: Release) -> Scenario {
    let name = path.rsplit('/').next().unwrap_or_default();
    let told = order.told.lines().next().unwrap_or_default();
    let head = Text::lines(&format!(
        "An order that breaks {name} under {release}, from `leasehold explore`.\n{told}"
    ));
    debug_assert_eq!(head.len(), HEAD_LINES, "the numbers of the lines count it");
    Scenario { head, ..order.scenario.clone() }
}

/// A number of orders that may be beyond counting.
fn orders_told(orders: u128) -> String {
    match u64::try_from(orders) {
        Ok(orders) => counted(orders, "order"),
        Err(_) if orders == u128::MAX => "more than 10^38 orders".to_owned(),
        Err(_) => format!("about 10^{} orders", orders.ilog10()),
    }
}

fn json(of: &OfFile) -> Value {
    let Explored { clients, lines: (steps, mays), found, order } = &of.explored;
    let Found { progress, orders, finals, verdict, untested } = found;
    let is_whole = matches!(verdict, Verdict::Safe);
    json!({
        "path": of.path,
        "release": of.release.name(),
        "verdict": match verdict {
            Verdict::Safe => "safe",
            Verdict::Broken(_) => "broken",
            Verdict::Cut => "cut short",
            Verdict::Stopped => "interrupted",
        },
        "clients": clients,
        "steps": steps,
        "may": mays,
        "states": progress.states,
        "moves": progress.moves,
        "ends": finals,
        // Too long for a number in JSON.
        "orders": orders.to_string(),
        "all_seen": is_whole,
        "untested": {
            "nothing_promised": untested.nothing_promised,
            "never_due": untested.never_due,
            "never_ran": untested.never_ran,
            "one_way": untested.one_way.iter().map(|(line, went)| json!({"line": line, "done": went})).collect::<Vec<_>>(),
        },
        "order": order.as_ref().map(|order| json!({
            "moves": match verdict { Verdict::Broken(broken) => broken.order.len(), _ => 0 },
            "shortest": matches!(verdict, Verdict::Broken(broken) if broken.is_shortest),
            "because": alias::in_line(&order.told),
            "scenario": print(&with_head(order, &of.path, of.release)),
            "matters": order.scenario.lines.iter().zip(&order.matters).filter(|(_, matters)| **matters).map(|(line, _)| line.number).collect::<Vec<_>>(),
        })),
        "file": of.file,
        "weakest": of.weighed.iter().map(weighed_json).collect::<Vec<_>>(),
    })
}

fn weighed_json(weighed: &Weighed) -> Value {
    let Weighed { variant, explored, tests_less } = weighed;
    json!({
        "change": variant.change,
        "lines": variant.lines,
        "safe": weighed.is_safe(),
        "refused": weighed.is_needed_by_steps(),
        "tests_less": tests_less,
        "because": explored.order.as_ref().map(|order| alias::in_line(&order.told)),
    })
}
