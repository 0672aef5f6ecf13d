//! Standard output whose reader may leave: `conformance rows | head` ends quietly, with the exit code of the whole work.

use std::io::{self, ErrorKind, Write};

/// A writer that takes all that is written once nobody reads any more, and keeps nothing of it.
pub(super) struct Quiet<W> {
    out: W,
    is_closed: bool,
}

impl<W: Write> Quiet<W> {
    pub(super) fn new(out: W) -> Quiet<W> {
        Quiet { out, is_closed: false }
    }

    /// What the writer said, or what is said of a closed pipe.
    fn unless_closed<T>(&mut self, said: io::Result<T>, closed: T) -> io::Result<T> {
        match said {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(closed)
            }
            said => said,
        }
    }
}

impl<W: Write> Write for Quiet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Ok(bytes.len());
        }
        let said = self.out.write(bytes);
        self.unless_closed(said, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let said = self.out.flush();
        self.unless_closed(said, ())
    }
}
