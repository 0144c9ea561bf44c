//! Takes the fields of a record from its front.

use super::Error;

/// A record, from the next field on.
#[derive(Clone, Debug)]
pub struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    /// Reads the record that is all of `bytes`.
    #[inline]
    pub const fn new(bytes: &'b [u8]) -> Reader<'b> {
        Reader { rest: bytes }
    }

    /// Takes bytes of a fixed length.
    ///
    /// # Errors
    /// Here and below [`Error::Truncated`]: there are fewer.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let Some((array, rest)) = self.rest.split_first_chunk() else {
            return Err(self.truncated(N));
        };
        self.rest = rest;
        Ok(*array)
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// There are fewer.
    #[inline]
    pub fn take(&mut self, bytes: usize) -> Result<&'b [u8], Error> {
        let Some((taken, rest)) = self.rest.split_at_checked(bytes) else {
            return Err(self.truncated(bytes));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// Takes one byte: a tag or a small number.
    ///
    /// # Errors
    /// The record has ended.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(u8::from_be_bytes)
    }

    /// Takes two bytes.
    ///
    /// # Errors
    /// There are fewer.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    /// Takes four bytes.
    ///
    /// # Errors
    /// There are fewer.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    /// Takes eight bytes.
    ///
    /// # Errors
    /// There are fewer.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes `count` numbers of eight bytes each. Nothing is allocated for numbers that are not
    /// there.
    ///
    /// # Errors
    /// There are fewer.
    pub fn f64s(&mut self, count: usize) -> Result<Vec<f64>, Error> {
        let bytes = self.take(count.saturating_mul(8))?;
        let (numbers, _) = bytes.as_chunks::<8>();
        Ok(numbers.iter().map(|number| f64::from_be_bytes(*number)).collect())
    }

    /// Takes a flag.
    ///
    /// # Errors
    /// [`Error::Flag`]: it is neither 0 nor 1.
    #[inline]
    pub fn flag(&mut self) -> Result<bool, Error> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            flag => Err(Error::Flag(flag)),
        }
    }

    /// Takes a flag, and what `read` takes if it is 1.
    ///
    /// # Errors
    /// [`Error::Flag`], and those of `read`.
    #[inline]
    pub fn option<T, E: From<Error>>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// Takes a byte string with a length of one byte.
    ///
    /// # Errors
    /// The record ends before the byte string does.
    #[inline]
    pub fn bytes_u8(&mut self) -> Result<&'b [u8], Error> {
        let bytes = self.u8()?;
        self.take(bytes.into())
    }

    /// Takes a byte string with a length of two bytes.
    ///
    /// # Errors
    /// The record ends before the byte string does.
    #[inline]
    pub fn bytes_u16(&mut self) -> Result<&'b [u8], Error> {
        let bytes = self.u16()?;
        self.take(bytes.into())
    }

    /// Takes a byte string with a length of four bytes.
    ///
    /// # Errors
    /// The record ends before the byte string does.
    #[inline]
    pub fn bytes_u32(&mut self) -> Result<&'b [u8], Error> {
        let bytes = self.u32()?;
        self.take(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Takes all that is left: the last field.
    #[inline]
    pub fn rest(&mut self) -> &'b [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Checks that nothing follows the last field.
    ///
    /// # Errors
    /// [`Error::Trailing`]: something does.
    #[inline]
    pub fn end(&self) -> Result<(), Error> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(Error::Trailing(bytes)),
        }
    }

    #[cold]
    fn truncated(&self, needed: usize) -> Error {
        Error::Truncated { needed, left: self.rest.len() }
    }
}

/// Bytes of a record as text.
///
/// # Errors
/// [`Error::Text`]: they are not UTF-8.
#[inline]
pub fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::Text)
}
