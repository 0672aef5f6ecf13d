//! How many threads a command works on.

use super::{Failure, values};
use rayon::ThreadPool;

/// More than any machine has use for; each costs memory and none brings anything.
const JOBS_MAX: usize = 512;

/// A pool of so many threads; by default one a core.
pub(super) fn pool(jobs: Option<usize>) -> Result<ThreadPool, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.unwrap_or_default()).build();
    pool.map_err(|error| Failure::Usage(format!("--jobs: {error}")))
}

/// The value of `--jobs`.
pub(super) fn parse_jobs(text: &str) -> Result<usize, String> {
    let jobs = values::count(text, 1, JOBS_MAX as u64)?;
    usize::try_from(jobs).map_err(|error| error.to_string())
}
