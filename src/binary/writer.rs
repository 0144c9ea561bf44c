//! Appends the fields of a record.

use super::Error;

/// Appends fields to a buffer, which may already hold something else.
#[derive(Debug)]
pub struct Writer<'b> {
    bytes: &'b mut Vec<u8>,
}

impl<'b> Writer<'b> {
    /// Begins a record at the end of `bytes`.
    #[inline]
    pub fn new(bytes: &'b mut Vec<u8>) -> Writer<'b> {
        Writer { bytes }
    }

    /// Appends one byte: a tag or a small number.
    #[inline]
    pub fn u8(&mut self, number: u8) -> &mut Self {
        self.bytes.push(number);
        self
    }

    /// Appends two bytes.
    #[inline]
    pub fn u16(&mut self, number: u16) -> &mut Self {
        self.raw(&number.to_be_bytes())
    }

    /// Appends four bytes.
    #[inline]
    pub fn u32(&mut self, number: u32) -> &mut Self {
        self.raw(&number.to_be_bytes())
    }

    /// Appends eight bytes.
    #[inline]
    pub fn u64(&mut self, number: u64) -> &mut Self {
        self.raw(&number.to_be_bytes())
    }

    /// Appends numbers of eight bytes each, without their count.
    pub fn f64s(&mut self, numbers: &[f64]) -> &mut Self {
        self.bytes.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        self
    }

    /// Appends a flag.
    #[inline]
    pub fn flag(&mut self, flag: bool) -> &mut Self {
        self.u8(flag.into())
    }

    /// Appends a flag, and what `write` appends if there is a value.
    #[inline]
    pub fn option<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T) -> &mut Self,
    ) -> &mut Self {
        self.flag(value.is_some());
        match value {
            Some(value) => write(self, value),
            None => self,
        }
    }

    /// Appends bytes without their length: of a field with a fixed length, or of the last field.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends a byte string of at most 255 bytes, after its length.
    ///
    /// # Errors
    /// [`Error::Overlong`]; nothing is appended.
    #[inline]
    pub fn bytes_u8(&mut self, bytes: &[u8]) -> Result<&mut Self, Error> {
        Ok(self.u8(fitting(bytes, u8::MAX.into())?).raw(bytes))
    }

    /// Appends a byte string of at most 65,535 bytes, after its length.
    ///
    /// # Errors
    /// [`Error::Overlong`]; nothing is appended.
    #[inline]
    pub fn bytes_u16(&mut self, bytes: &[u8]) -> Result<&mut Self, Error> {
        Ok(self.u16(fitting(bytes, u16::MAX.into())?).raw(bytes))
    }

    /// Appends a byte string of less than 4 GiB, after its length.
    ///
    /// # Errors
    /// [`Error::Overlong`]; nothing is appended.
    #[inline]
    pub fn bytes_u32(&mut self, bytes: &[u8]) -> Result<&mut Self, Error> {
        Ok(self.u32(fitting(bytes, u32::MAX as usize)?).raw(bytes))
    }
}

/// The length of a byte string, as a number of its length field.
#[inline]
fn fitting<N: TryFrom<usize>>(bytes: &[u8], max: usize) -> Result<N, Error> {
    N::try_from(bytes.len()).map_err(|_| Error::Overlong { bytes: bytes.len(), max })
}
