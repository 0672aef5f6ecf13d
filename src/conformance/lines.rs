//! The lines of one file, plain, gzip or zstd, whichever its first bytes say.
//!
//! Unpacking is one stream, so that a line and what the unpacker needs are all that is in memory. Whatever a file
//! promises, a line is at most [`LINE_BYTES_MAX`] long, what is unpacked of one file at most [`UNPACKED_BYTES_MAX`],
//! and zstd looks back at most [`WINDOW_BYTES_MAX`].

use super::error::{SourceError, unreadable};
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The longest line that is read.
pub(super) const LINE_BYTES_MAX: u64 = 64 << 20;
/// The most that is unpacked of one file of rows.
pub(super) const UNPACKED_BYTES_MAX: u64 = 4 << 30;
/// How far back zstd may look, and so how much it keeps: what the `zstd` command allows unless it is told otherwise.
pub(super) const WINDOW_BYTES_MAX: u64 = 128 << 20;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A frame of zstd that holds no data may come first; the low half of its first byte is free.
const ZSTD_SKIPPED: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Said of a packed file that ends before what it packs does.
const CUT_OFF: &str = "the file is cut off: it ends in the middle of what is packed in it";

/// The lines of a file in order; blank ones are passed over.
pub(super) struct Lines {
    path: PathBuf,
    text: Box<dyn BufRead + Send>,
    number: usize,
    /// The length of the line before: rows of one case stand side by side and are about as long.
    bytes_before: usize,
}

impl Lines {
    pub(super) fn open(path: &Path, unpacked_max: u64) -> Result<Lines, SourceError> {
        let text = File::open(path).and_then(|file| unpacked(BufReader::new(file), unpacked_max));
        let text = text.map_err(|error| unreadable(path, error))?;
        Ok(Lines { path: path.to_owned(), text, number: 0, bytes_before: 0 })
    }

    /// The next line and its number, from 1.
    pub(super) fn next_line(&mut self) -> Result<Option<(usize, Vec<u8>)>, SourceError> {
        loop {
            let mut line = Vec::with_capacity(self.bytes_before * 9 / 8);
            let mut rest = (&mut self.text).take(LINE_BYTES_MAX + 1);
            let read = rest.read_until(b'\n', &mut line).map_err(|error| unreadable(&self.path, error))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.bytes_before = read;
            if read as u64 > LINE_BYTES_MAX {
                let (path, line) = (self.path.clone(), self.number);
                return Err(SourceError::LineTooLong { path, line, bytes_max: LINE_BYTES_MAX });
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some((self.number, line)));
            }
        }
    }
}

fn unpacked(mut file: BufReader<File>, max: u64) -> io::Result<Box<dyn BufRead + Send>> {
    let first = file.fill_buf()?;
    if first.starts_with(&GZIP) {
        return Ok(Box::new(BufReader::new(Capped { inner: MultiGzDecoder::new(file), left: max })));
    }
    if first.starts_with(&ZSTD) || first.get(1..4) == Some(&ZSTD_SKIPPED) {
        return Ok(Box::new(BufReader::new(Capped { inner: Frames::new(file), left: max })));
    }
    Ok(Box::new(file))
}

/// What the frames of a zstd file hold, one after the other, each held to its sum where it has one.
struct Frames<R> {
    packed: R,
    frame: FrameDecoder,
    is_open: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(packed: R) -> Frames<R> {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(WINDOW_BYTES_MAX);
        Frames { packed, frame, is_open: false }
    }

    /// Opens the next frame that holds data; false at the end of the file.
    fn open_next(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.frame.init(&mut self.packed) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.packed).take(length.into()), &mut io::sink())?;
                }
                Err(FrameDecoderError::WindowSizeTooBig { requested, max }) => {
                    let why =
                        format!("it looks back {requested} bytes when it is unpacked, and {max} are allowed");
                    return Err(io::Error::other(why));
                }
                Err(_) => return Err(self.broken()),
            }
        }
        Ok(false)
    }

    /// Why what is packed does not unpack.
    fn broken(&mut self) -> io::Error {
        let is_at_end = self.packed.fill_buf().is_ok_and(|rest| rest.is_empty());
        io::Error::other(match is_at_end {
            true => CUT_OFF,
            false => "the file is damaged: what is packed in it cannot be unpacked",
        })
    }

    /// Whether the frame that was read to its end is what was packed.
    fn check_sum(&self) -> io::Result<()> {
        match self.frame.get_checksum_from_data() {
            Some(sum) if self.frame.get_calculated_checksum() != Some(sum) => {
                Err(io::Error::other("the file is damaged: its sum is not that of what it unpacks to"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_open {
                let read = self.frame.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                if !self.frame.is_finished() {
                    let one = BlockDecodingStrategy::UptoBlocks(1);
                    if self.frame.decode_blocks(&mut self.packed, one).is_err() {
                        return Err(self.broken());
                    }
                    continue;
                }
                self.check_sum()?;
            }
            self.is_open = self.open_next()?;
            if !self.is_open {
                return Ok(0);
            }
        }
    }
}

/// Fails where more than a number of bytes would be read.
struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other(CUT_OFF),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                io::Error::other("the file is damaged: what is packed in it cannot be unpacked")
            }
            _ => error,
        })?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("the file unpacks to more than is read of one file")),
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    fn frames(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut unpacked = Vec::new();
        Frames::new(packed).read_to_end(&mut unpacked).map(|_| unpacked)
    }

    #[test]
    fn the_frames_of_a_file_are_one_text() {
        let (first, second) = ("first\n".repeat(100_000), "second\n".repeat(3));
        // Four bytes that belong to no frame of data.
        let skipped = [&[0x55][..], &ZSTD_SKIPPED, &4u32.to_le_bytes(), b"note"].concat();
        let file = [&skipped[..], &zstd(first.as_bytes()), &skipped, &zstd(second.as_bytes())].concat();
        assert_eq!(frames(&file).expect("frames"), (first + &second).into_bytes());
        assert_eq!(frames(b"").expect("no frame"), b"");
    }

    #[test]
    fn a_damaged_file_is_never_read_as_another() {
        let packed = zstd(b"recorded, and every byte of it held to a sum");
        for at in 0..packed.len() {
            assert!(frames(&packed[..at]).is_err() || at == 0, "cut at {at}");
            let mut damaged = packed.clone();
            damaged[at] ^= 1;
            let read = frames(&damaged);
            assert!(
                read.is_err() || read.unwrap() == b"recorded, and every byte of it held to a sum",
                "{at}"
            );
        }
        assert!(frames(&[&packed[..], b"more"].concat()).is_err());
    }

    #[test]
    fn a_window_beyond_the_limit_is_refused_before_it_is_taken() {
        // A frame of one raw block without content, whose window is 2^41 bytes.
        let header = |window: u8| [&ZSTD[..], &[0, window, 1, 0, 0]].concat();
        assert_eq!(frames(&header(17 << 3)).expect("a window of 128 MiB"), b"");
        let error = frames(&header(18 << 3)).expect_err("a window of 256 MiB").to_string();
        assert!(error.contains("268435456"), "{error}");
        assert!(frames(&header(31 << 3)).is_err());
    }

    #[test]
    fn unpacking_stops_at_its_limit() {
        let mut capped = Capped { inner: &[0u8; 100][..], left: 99 };
        assert!(capped.read_to_end(&mut Vec::new()).is_err());
        let mut capped = Capped { inner: &[0u8; 100][..], left: 100 };
        assert_eq!(capped.read_to_end(&mut Vec::new()).unwrap(), 100);
    }
}
