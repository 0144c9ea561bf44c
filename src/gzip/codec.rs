//! Compression and bounded expansion with `flate2`.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use super::{Error, MAX_MEMBERS};

/// The least memory that the output grows by, in bytes.
const LEAST_GROWTH_BYTES: usize = 1024;

pub(super) fn compress(data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let mut encoder = GzEncoder::new(out, Compression::fast());
    encoder.write_all(data).map_err(error)?;
    encoder.finish().map_err(error)?;
    Ok(())
}

pub(super) fn expand(data: &[u8], limit_bytes: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut output = Output { filled: out.len(), start: out.len(), limit_bytes, bytes: out };
    let mut decoder = GzDecoder::new(data);
    for _ in 0..MAX_MEMBERS {
        output.take_member(&mut decoder)?;
        let rest = *decoder.get_ref();
        if rest.is_empty() {
            output.bytes.truncate(output.filled);
            return Ok(());
        }
        decoder.reset(rest);
    }
    Err(Error::TooManyMembers)
}

/// The output of an expansion: a buffer that grows up to a limit.
struct Output<'a> {
    bytes: &'a mut Vec<u8>,
    /// Where the output begins.
    start: usize,
    /// Where it ends so far; zeros follow, up to the end of `bytes`.
    filled: usize,
    limit_bytes: usize,
}

impl Output<'_> {
    /// Takes the output of one member, to its end.
    fn take_member(&mut self, decoder: &mut GzDecoder<&[u8]>) -> Result<(), Error> {
        loop {
            if self.filled == self.bytes.len() && !self.grow() {
                return match decoder.read(&mut [0]).map_err(error)? {
                    0 => Ok(()),
                    _ => Err(Error::TooLarge { limit_bytes: self.limit_bytes }),
                };
            }
            match decoder.read(&mut self.bytes[self.filled..]).map_err(error)? {
                0 => return Ok(()),
                count => self.filled += count,
            }
        }
    }

    /// Doubles the output, as far as the limit lets it grow. Returns whether it has grown.
    fn grow(&mut self) -> bool {
        let held = self.filled - self.start;
        let growth = held.max(LEAST_GROWTH_BYTES).min(self.limit_bytes - held);
        // `resize` alone would reserve up to twice as much.
        self.bytes.reserve_exact(growth);
        self.bytes.resize(self.filled + growth, 0);
        growth > 0
    }
}

/// `flate2` reports the end of its input in the middle of a member, and everything else as bad input.
fn error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Truncated,
        _ => Error::Corrupt(error.to_string()),
    }
}
