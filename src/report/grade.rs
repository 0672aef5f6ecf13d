//! How well seeded faults are found.

use super::{Interrupted, Show};
use crate::properties::property::Property;
use crate::simulate::grade::Grade;
use crate::text;
use crate::world::Fault;
use serde_json::json;
use std::io::{self, Write};
use std::time::Duration;

/// Grades to be shown.
pub struct Report<'a> {
    /// The grades.
    pub grades: &'a [Grade],
    /// How many seeds each fault had.
    pub seeds: u32,
    /// How long each seed had.
    pub budget: Duration,
    /// How far it came, if it was interrupted.
    pub interrupted: Option<Interrupted>,
}

impl Report<'_> {
    fn caught(&self) -> usize {
        self.grades.iter().filter(|grade| grade.is_caught()).count()
    }

    fn escaped(&self) -> usize {
        self.grades.len() - self.caught()
    }
}

impl Show for Report<'_> {
    /// One object without times: the same bytes wherever the budget suffices.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let faults = self.grades.iter().map(|grade| {
            let properties = properties(grade);
            json!({
                "fault": grade.fault.name(),
                "release": grade.fault.release().name(),
                "sentence": grade.fault.sentence(),
                "caught": grade.is_caught(),
                "properties": properties,
                "cases": grade.cases(),
                "steps": grade.steps(),
                "trials": grade.trials.iter().map(|trial| trial.found.map(|found| found.cases)).collect::<Vec<_>>(),
            })
        });
        let mut report = json!({
            "seeds": self.seeds,
            "faults": faults.collect::<Vec<_>>(),
            "caught": self.caught(),
            "escaped": self.escaped(),
        });
        Interrupted::add_to(self.interrupted, &mut report);
        writeln!(out, "{report}")
    }

    /// The report for people.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { grades, seeds, budget, interrupted } = *self;
        let seconds = budget.as_secs_f64();
        let (faults, seeds) =
            (text::counted(grades.len() as u64, "fault"), text::counted(seeds.into(), "seed"));
        writeln!(out, "{faults}, {seeds} each, at most {seconds} s a seed on one thread\n")?;
        let mut rows =
            vec![["fault", "release", "found by", "seeds", "cases", "time", "steps"].map(str::to_owned)];
        for grade in grades {
            let properties = properties(grade);
            rows.push([
                grade.fault.name().to_owned(),
                grade.fault.release().name().to_owned(),
                properties.join(", "),
                format!("{}/{}", grade.found(), grade.trials.len()),
                grade.cases().map_or_else(|| "-".to_owned(), text::count),
                format!("{:.3} s", grade.time().as_secs_f64()),
                grade.steps().map_or_else(|| "-".to_owned(), text::count),
            ]);
        }
        text::write_columns(out, &rows, &[false, false, false, true, true, true, true])?;
        writeln!(
            out,
            "\nmedians over the seeds: cases and time until the first finding, steps once it is small"
        )?;
        for grade in grades.iter().filter(|grade| !grade.is_caught()) {
            writeln!(out, "escaped: {} ({})", grade.fault, grade.fault.sentence())?;
        }
        Interrupted::write(interrupted, out)?;
        writeln!(out, "{} caught, {} escaped", self.caught(), self.escaped())
    }
}

fn properties(grade: &Grade) -> Vec<&'static str> {
    grade.properties().into_iter().map(Property::name).collect()
}

/// What there is to grade: the faults and the properties that look for them.
///
/// # Errors
/// The writer's.
pub fn write_list(faults: &[Fault], as_json: bool, out: &mut dyn Write) -> io::Result<()> {
    if as_json {
        let faults = faults.iter().map(|fault| {
            json!({"fault": fault.name(), "release": fault.release().name(), "sentence": fault.sentence()})
        });
        return writeln!(out, "{}", json!({"faults": faults.collect::<Vec<_>>()}));
    }
    let mut rows = vec![["fault", "release", "what goes wrong"].map(str::to_owned)];
    rows.extend(faults.iter().map(|fault| {
        [fault.name().to_owned(), fault.release().name().to_owned(), fault.sentence().to_owned()]
    }));
    text::write_columns(out, &rows, &[false; 3])?;
    let properties: Vec<&str> = Property::ALL.iter().map(|property| property.name()).collect();
    let properties = properties.join(", ");
    let faults = text::counted(faults.len() as u64, "fault");
    writeln!(out, "\n{faults}; the properties are {properties}")
}
