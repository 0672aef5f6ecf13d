//! Where a database's bytes come from: a file, or memory.

use super::BoltError;
use std::fs::File;
use std::io;

/// Bytes that can be read at any place.
pub trait Source {
    /// How many bytes there are now.
    ///
    /// # Errors
    /// The operating system does not tell.
    fn length(&self) -> io::Result<u64>;

    /// Reads some bytes from an offset on and says how many; none at the end.
    ///
    /// # Errors
    /// The operating system failed to read.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl Source for [u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

impl Source for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(not(unix))]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = self;
        file.seek(SeekFrom::Start(offset))?;
        file.read(buffer)
    }
}

/// Fills a buffer from an offset on, as far as there are bytes, and says how far.
pub(super) fn fill<S: Source + ?Sized>(
    source: &S,
    offset: u64,
    buffer: &mut [u8],
) -> Result<usize, BoltError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read_at(offset + filled as u64, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(BoltError::Read { offset: offset + filled as u64, error }),
        }
    }
    Ok(filled)
}

pub(super) fn length<S: Source + ?Sized>(source: &S) -> Result<u64, BoltError> {
    source.length().map_err(|error| BoltError::Read { offset: 0, error })
}
