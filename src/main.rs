//! The command line program; everything is in [`leasehold::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    leasehold::cli::run(std::env::args_os())
}
