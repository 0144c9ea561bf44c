//! From a field block to a list of fields (RFC 7541 sections 3 and 6).

use super::dynamic_table::DynamicTable;
use super::field_block::Field;
use super::{Error, FIELD_OVERHEAD_BYTES, FieldBlock, huffman, integer, static_table};

/// How many bytes a block may write to the dynamic table for each byte of the block, once it has
/// exceeded a limit. Before that, the limit on the list bounds them.
const CHURN_BYTES_PER_BLOCK_BYTE: usize = 64;

/// The limits of one list of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoderLimits {
    /// The size of the list in bytes, plus 32 for each field (RFC 9113 section 6.5.2).
    pub max_list_bytes: usize,
    /// The number of fields.
    pub max_fields: usize,
}

/// Decodes the field blocks of one direction of a connection, in order.
pub struct Decoder {
    table: DynamicTable,
    /// The largest size that the peer may choose for the table.
    advertised: usize,
    /// The smallest size advertised since the last block, if it is below the table's: the next block
    /// must begin with an update to it or to a smaller size.
    reduction: Option<usize>,
}

impl Decoder {
    /// A decoder whose table may hold `max_table_bytes` from the first block on: in HTTP/2,
    /// [`DEFAULT_TABLE_BYTES`](super::DEFAULT_TABLE_BYTES). It allocates no memory before a block
    /// needs some.
    pub const fn new(max_table_bytes: usize) -> Decoder {
        Decoder {
            table: DynamicTable::new(max_table_bytes),
            advertised: max_table_bytes,
            reduction: None,
        }
    }

    /// Sets the largest table that the peer may use: the SETTINGS_HEADER_TABLE_SIZE that we have
    /// advertised, once the peer has acknowledged it. The peer may adopt a larger table or not; it
    /// must adopt a smaller one at the start of its next block.
    pub fn set_max_table_size(&mut self, bytes: usize) {
        self.advertised = bytes;
        if bytes < self.table.max_size() {
            self.reduction = Some(self.reduction.map_or(bytes, |smallest| smallest.min(bytes)));
        }
    }

    /// The current size of the table, in bytes plus 32 for each entry.
    pub fn table_size(&self) -> usize {
        self.table.size()
    }

    /// Decodes one whole block into `out`, which is cleared first.
    ///
    /// A block that exceeds a limit is still decoded to its end for its effect on the table, at a cost
    /// bounded by its own length; `out` then holds the fields before the one that exceeded it.
    ///
    /// # Errors
    /// See [`Error`]: after [`Error::ListTooLarge`] and [`Error::TooManyFields`] the decoder is
    /// usable, after any other error it is not.
    pub fn decode(
        &mut self,
        block: &[u8],
        limits: &DecoderLimits,
        out: &mut FieldBlock,
    ) -> Result<(), Error> {
        out.clear();
        let mut input = block;
        self.take_size_updates(&mut input)?;
        let mut budget = ListBudget::new(limits, block.len());
        while let Some(&first) = input.first() {
            match first {
                0x80.. => self.take_indexed(&mut input, &mut budget, out)?,
                0x40..0x80 => self.take_literal(&mut input, 6, true, &mut budget, out)?,
                0x20..0x40 => return Err(Error::MisplacedSizeUpdate),
                // Without indexing and never indexed differ only for intermediaries.
                0x00..0x20 => self.take_literal(&mut input, 4, false, &mut budget, out)?,
            }
        }
        budget.crossed.map_or(Ok(()), Err)
    }

    /// Section 6.3. An encoder needs two updates at most, the smallest size and the last (section
    /// 4.2). More are harmless, and some encoders send one for each change.
    fn take_size_updates(&mut self, input: &mut &[u8]) -> Result<(), Error> {
        let mut smallest = usize::MAX;
        while let Some(0x20..0x40) = input.first() {
            let size = integer::decode(input, 5)?;
            if size > self.advertised {
                return Err(Error::SizeUpdateTooLarge);
            }
            self.table.set_max_size(size);
            smallest = smallest.min(size);
        }
        match self.reduction.take() {
            Some(reduction) if smallest > reduction => Err(Error::MissingSizeUpdate),
            _ => Ok(()),
        }
    }

    /// Section 6.1.
    #[inline]
    fn take_indexed(
        &self,
        input: &mut &[u8],
        budget: &mut ListBudget,
        out: &mut FieldBlock,
    ) -> Result<(), Error> {
        let field = self.entry(integer::decode(input, 7)?)?;
        if budget.admit(field.size()) {
            out.push_field(field);
        }
        Ok(())
    }

    /// Section 6.2. The field is assembled behind the last one of `out` and copied to the table from
    /// there: its name may be that of an entry which its insertion evicts (section 4.4).
    fn take_literal(
        &mut self,
        input: &mut &[u8],
        prefix_bits: u32,
        incremental: bool,
        budget: &mut ListBudget,
        out: &mut FieldBlock,
    ) -> Result<(), Error> {
        // A field of more than `keep` bytes enters neither the list nor the table.
        let keep =
            budget.max_field_bytes().max(if incremental { self.table.max_size() } else { 0 });
        let index = integer::decode(input, prefix_bits)?;
        let staging = out.staging();
        let name_len = if index == 0 {
            take_string(input, keep, staging)?
        } else {
            let name = self.entry(index)?.name();
            staging.extend_from_slice(&name[..name.len().min(keep)]);
            name.len()
        };
        let value_len = take_string(input, keep.saturating_sub(name_len), staging)?;
        let size = name_len + value_len + FIELD_OVERHEAD_BYTES;
        if incremental {
            budget.charge_table(size)?;
            if size <= self.table.max_size() {
                let field = out.staged(name_len);
                self.table.insert(field.name(), field.value());
            } else {
                self.table.clear();
            }
        }
        if budget.admit(size) {
            out.commit(name_len);
        } else {
            out.discard();
        }
        Ok(())
    }

    /// The entry with this index in the static and dynamic tables together (section 2.3.3).
    #[inline]
    fn entry(&self, index: usize) -> Result<Field<'_>, Error> {
        let dynamic = index.checked_sub(static_table::LEN + 1);
        let field = match dynamic {
            Some(index) => self.table.get(index),
            None => static_table::get(index),
        };
        field.ok_or(Error::Index)
    }
}

/// Appends a string literal to `out`, but no more than `keep` bytes of it, and returns its whole
/// length (section 5.2).
#[inline]
fn take_string(input: &mut &[u8], keep: usize, out: &mut Vec<u8>) -> Result<usize, Error> {
    let coded = input.first().is_some_and(|first| first & 0x80 != 0);
    let len = integer::decode(input, 7)?;
    let (string, rest) = input.split_at_checked(len).ok_or(Error::Truncated)?;
    *input = rest;
    if coded {
        return huffman::decode(string, keep, out);
    }
    out.extend_from_slice(&string[..len.min(keep)]);
    Ok(len)
}

/// How much of the limits a block may still use.
struct ListBudget {
    list_bytes: usize,
    fields: usize,
    churn_bytes: usize,
    /// The first limit that was exceeded; no field enters the list from then on.
    crossed: Option<Error>,
}

impl ListBudget {
    fn new(limits: &DecoderLimits, block_bytes: usize) -> ListBudget {
        ListBudget {
            list_bytes: limits.max_list_bytes,
            fields: limits.max_fields,
            churn_bytes: block_bytes.saturating_mul(CHURN_BYTES_PER_BLOCK_BYTE),
            crossed: None,
        }
    }

    /// The largest total length of name and value with which the next field enters the list.
    fn max_field_bytes(&self) -> usize {
        if self.crossed.is_some() || self.fields == 0 {
            return 0;
        }
        self.list_bytes.saturating_sub(FIELD_OVERHEAD_BYTES)
    }

    /// Whether a field of this size enters the list.
    #[inline]
    fn admit(&mut self, size: usize) -> bool {
        if self.crossed.is_some() {
            return false;
        }
        if self.fields == 0 {
            self.crossed = Some(Error::TooManyFields);
            return false;
        }
        if size > self.list_bytes {
            self.crossed = Some(Error::ListTooLarge);
            return false;
        }
        self.fields -= 1;
        self.list_bytes -= size;
        true
    }

    /// Charges a field of this size that enters only the table.
    fn charge_table(&mut self, size: usize) -> Result<(), Error> {
        if self.crossed.is_some() {
            self.churn_bytes = self.churn_bytes.checked_sub(size).ok_or(Error::TableChurn)?;
        }
        Ok(())
    }
}
