//! `leasehold child`: our own engine behind the protocol of `simulate --against`.

use super::values;
use super::{Ended, Failure};
use crate::child::serve::{ServeError, serve};
use crate::engine::Fault;
use crate::release::Release;
use crate::text;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Write};

/// Answer collections from standard input, one a line, as another collector would behind `--against`; its help is the protocol
#[derive(clap::Args)]
// Its text has lines of its own, and code among them.
#[command(term_width = 0, after_long_help = include_str!("../child/PROTOCOL.md"))]
pub(super) struct Arguments {
    /// Whose rules; default: each case's `version`
    #[arg(long, value_name = "RELEASE", value_parser = Release::parse)]
    release: Option<Release>,
    /// Seed a mistake into the collector
    #[arg(long, value_name = "FAULT", value_parser = values::parse_collector_fault)]
    fault: Option<Fault>,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    values::release_with(arguments.release, arguments.fault)?;
    let mut input = io::stdin().lock();
    // As `--rows-out` writes them, compressed where the name ends so.
    let is_gzip = input.fill_buf().is_ok_and(|begin| begin.starts_with(&[0x1f, 0x8b]));
    let input: Box<dyn BufRead> =
        if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(input))) } else { Box::new(input) };
    let is_made = serve(input, out, arguments.release, arguments.fault).map_err(|error| match error {
        ServeError::Write(error) => Failure::Output(error),
        error => Failure::Input(format!("standard input: {}", text::line(error.to_string()))),
    })?;
    match arguments.fault.filter(|_| !is_made) {
        Some(fault) => Err(values::never_made(fault, "collection")),
        None => Ok(Ended::Well),
    }
}
