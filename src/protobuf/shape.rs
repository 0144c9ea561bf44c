//! The fields of each message: tables generated from the `.proto` files.

/// The fields of one message.
#[derive(Debug)]
pub struct Shape {
    /// The message's full name: `agora.market.v1.BuyItemRequest`.
    pub name: &'static str,
    /// The size of the decoded message in bytes, without what it points to.
    pub(super) size_bytes: usize,
    /// Sorted by number, at most [`Shape::MAX_FIELDS`].
    fields: &'static [Field],
}

/// One field of a message.
#[derive(Debug)]
pub struct Field {
    /// The field number, from 1.
    pub number: u32,
    /// The type of its value.
    pub kind: Kind,
    /// Whether it may occur more than once.
    pub repeated: bool,
}

/// The type of a field, as far as it shows on the wire.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// An integer, boolean or enum.
    Varint(Width),
    /// `fixed32`, `sfixed32`, `float`.
    Fixed32,
    /// `fixed64`, `sfixed64`, `double`.
    Fixed64,
    /// `bytes`.
    Bytes,
    /// `string`: UTF-8.
    Text,
    /// Another message.
    Message(&'static Shape),
    /// A packed list of varints. Packed fixed-width numbers have no kind on purpose: quick-protobuf
    /// reads them by an unsound cast, so they are sent as `bytes`.
    Packed(Width),
}

/// The range of a varint field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// `int64`, `uint64`, `sint64`: any.
    Bits64,
    /// `uint32`, `bool`: below 2^32.
    Unsigned32,
    /// `int32`, enums: -2^31 to 2^31 - 1, sign-extended to 64 bits.
    Signed32,
}

impl Field {
    /// A field that occurs at most once.
    pub const fn one(number: u32, kind: Kind) -> Field {
        Field { number, kind, repeated: false }
    }

    /// A field that occurs any number of times.
    pub const fn many(number: u32, kind: Kind) -> Field {
        Field { number, kind, repeated: true }
    }
}

impl Kind {
    /// The size of a decoded value in bytes, when it is an element of a list.
    pub(super) const fn size_bytes(self) -> usize {
        match self {
            Kind::Varint(width) | Kind::Packed(width) => width.size_bytes(),
            Kind::Fixed32 => 4,
            Kind::Fixed64 => 8,
            Kind::Bytes | Kind::Text => size_of::<std::borrow::Cow<'_, [u8]>>(),
            Kind::Message(shape) => shape.size_bytes,
        }
    }
}

impl Width {
    const fn size_bytes(self) -> usize {
        match self {
            Width::Bits64 => 8,
            Width::Unsigned32 | Width::Signed32 => 4,
        }
    }

    pub(super) const fn holds(self, value: u64) -> bool {
        match self {
            Width::Bits64 => true,
            Width::Unsigned32 => value <= u32::MAX as u64,
            Width::Signed32 => {
                let value = value.cast_signed();
                value >= i32::MIN as i64 && value <= i32::MAX as i64
            }
        }
    }
}

impl Shape {
    /// The maximum number of fields of a message: one bit of a `u64` each.
    pub const MAX_FIELDS: usize = 64;

    /// A shape with these fields, of a message that takes so many bytes when it is decoded.
    ///
    /// # Panics
    /// At compile time: more than [`Shape::MAX_FIELDS`], or not in rising order.
    pub const fn new(name: &'static str, size_bytes: usize, fields: &'static [Field]) -> Shape {
        assert!(fields.len() <= Shape::MAX_FIELDS, "a message has at most 64 fields");
        let mut index = 1;
        while index < fields.len() {
            assert!(fields[index - 1].number < fields[index].number, "fields rise by number");
            index += 1;
        }
        Shape { name, size_bytes, fields }
    }

    /// The fields, sorted by number.
    pub const fn fields(&self) -> &'static [Field] {
        self.fields
    }

    /// The field with this number and its index, below [`Shape::MAX_FIELDS`].
    #[inline]
    pub(super) fn find(&self, number: u32) -> Option<(usize, &'static Field)> {
        // Most messages number their fields 1, 2, 3 and so on: try that index first.
        let guess = (number as usize).wrapping_sub(1);
        match self.fields.get(guess) {
            Some(field) if field.number == number => Some((guess, field)),
            _ => {
                let index = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
                Some((index, &self.fields[index]))
            }
        }
    }
}
