//! A command as bytes, for the log and the wire between nodes. Numbers are big-endian:
//!
//! ```text
//!   u8 kind | u64 request id, 0: none | 32 bytes identity | u8 length | address | arguments
//!
//!   1 register seller, 2 register buyer    nothing
//!   3 sell                                 u8 category | u32 quantity | u64 price
//!                                          | u16 length | name | description
//!   4 update                               u32 item | option of u64 price | option of u32 quantity
//!   5 delete, 7 wish, 8 unwish             u32 item
//!   6 buy                                  u32 item | u32 quantity | option of u64 at most
//!   9 rate                                 u32 item | u32 stars
//!   10 acknowledge                         u64 through
//! ```
//!
//! An option is a byte, 0 or 1, and the number if it is 1.

use std::num::NonZeroU64;

use super::{Action, Caller, Command, Identity, ItemId, NewItem, RequestId};
use crate::binary::{self, Reader, Writer};
use crate::market::price::Money;
use crate::market::state::error::{Error, Field};

/// Bytes of a command's fields of fixed size, but for those of its action.
const FIXED: usize = 1 + 8 + 32 + 1;

impl<'c> Command<'c> {
    /// The command as bytes.
    ///
    /// # Errors
    /// [`Error::TooLong`]: a text is longer than any that the market takes.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(FIXED + self.caller.address.len() + 32);
        self.encode_into(&mut bytes)?;
        Ok(bytes)
    }

    /// Appends the command as bytes.
    ///
    /// # Errors
    /// [`Error::TooLong`]: a text is longer than any that the market takes.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let Command { request_id, caller, action } = self;
        let mut out = Writer::new(bytes);
        out.u8(action.kind()).u64(request_id.map_or(0, |id| id.0.get()));
        out.raw(caller.identity.digest());
        out.bytes_u8(caller.address.as_bytes())
            .map_err(|_| Error::TooLong(Field::Address, u8::MAX.into()))?;
        match *action {
            Action::RegisterSeller | Action::RegisterBuyer => (),
            Action::SellItem(new_item) => new_item.encode(&mut out)?,
            Action::UpdateItem { item, price, quantity } => {
                out.u32(item.0);
                out.option(price.map(Money::minor), Writer::u64);
                out.option(quantity, Writer::u32);
            }
            Action::BuyItem { item, quantity, max_price } => {
                out.u32(item.0).u32(quantity);
                out.option(max_price.map(Money::minor), Writer::u64);
            }
            Action::DeleteItem { item }
            | Action::AddToWishList { item }
            | Action::RemoveFromWishList { item } => {
                out.u32(item.0);
            }
            Action::RateItem { item, stars } => {
                out.u32(item.0).u32(stars);
            }
            Action::Acknowledge { up_to_id } => {
                out.u64(up_to_id);
            }
        }
        Ok(())
    }

    /// The command that bytes encode, if they are valid.
    pub fn decode(bytes: &'c [u8]) -> Option<Command<'c>> {
        let mut fields = Reader::new(bytes);
        let (kind, request_id) = (fields.u8().ok()?, fields.u64().ok()?);
        let identity = Identity::from_digest(fields.array().ok()?)?;
        let address = binary::text(fields.bytes_u8().ok()?).ok()?;
        let action = action(kind, &mut fields).ok()?;
        fields.end().ok()?;
        let (request_id, caller) = (NonZeroU64::new(request_id), Caller { identity, address });
        Some(Command { request_id: request_id.map(RequestId), caller, action })
    }
}

impl Action<'_> {
    /// The number of the kind: it is in logs and in fingerprints, and never changes.
    pub(in crate::market::state) const fn kind(&self) -> u8 {
        match self {
            Action::RegisterSeller => 1,
            Action::RegisterBuyer => 2,
            Action::SellItem(_) => 3,
            Action::UpdateItem { .. } => 4,
            Action::DeleteItem { .. } => 5,
            Action::BuyItem { .. } => 6,
            Action::AddToWishList { .. } => 7,
            Action::RemoveFromWishList { .. } => 8,
            Action::RateItem { .. } => 9,
            Action::Acknowledge { .. } => 10,
        }
    }
}

fn action<'b>(kind: u8, fields: &mut Reader<'b>) -> Result<Action<'b>, binary::Error> {
    let item = |fields: &mut Reader<'b>| fields.u32().map(ItemId);
    let money = |fields: &mut Reader<'b>| fields.u64().map(Money::from_minor);
    Ok(match kind {
        1 => Action::RegisterSeller,
        2 => Action::RegisterBuyer,
        3 => Action::SellItem(NewItem::decode(fields)?),
        4 => Action::UpdateItem {
            item: item(fields)?,
            price: fields.option(money)?,
            quantity: fields.option(Reader::u32)?,
        },
        5 => Action::DeleteItem { item: item(fields)? },
        6 => Action::BuyItem {
            item: item(fields)?,
            quantity: fields.u32()?,
            max_price: fields.option(money)?,
        },
        7 => Action::AddToWishList { item: item(fields)? },
        8 => Action::RemoveFromWishList { item: item(fields)? },
        9 => Action::RateItem { item: item(fields)?, stars: fields.u32()? },
        10 => Action::Acknowledge { up_to_id: fields.u64()? },
        _ => return Err(binary::Error::Tag(kind)),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::market::state::Category;
    use crate::market::state::item::ItemFields;
    use crate::seed::{Seed, each_seed};

    /// Any command; the market would refuse most of them.
    pub fn random<'t>(seed: &mut Seed, texts: &[&'t str]) -> Command<'t> {
        let mut text = || *seed.pick(texts);
        let (name, description, address) = (text(), text(), text());
        let number = |seed: &mut Seed| (seed.next_u64() >> seed.below(64)) as u32;
        let item = ItemId(number(seed));
        let quantity = number(seed);
        let price = Money::from_minor(seed.next_u64() >> seed.below(64));
        let half = |seed: &mut Seed| seed.one_in(2);
        let action = match seed.below(10) {
            0 => Action::RegisterSeller,
            1 => Action::RegisterBuyer,
            2 => {
                let category = *seed.pick(&Category::ALL);
                let fields = ItemFields { name, category, description };
                Action::SellItem(NewItem { fields, quantity, price })
            }
            3 => Action::UpdateItem {
                item,
                price: half(seed).then_some(price),
                quantity: half(seed).then_some(quantity),
            },
            4 => Action::DeleteItem { item },
            5 => Action::BuyItem { item, quantity, max_price: half(seed).then_some(price) },
            6 => Action::AddToWishList { item },
            7 => Action::RemoveFromWishList { item },
            8 => Action::RateItem { item, stars: quantity },
            _ => Action::Acknowledge { up_to_id: price.minor() },
        };
        let digest = std::array::from_fn(|_| seed.next_u64() as u8);
        let identity = Identity::from_digest(digest).unwrap();
        let request_id = NonZeroU64::new(seed.next_u64() >> seed.below(65).min(63));
        let request_id = request_id.filter(|_| half(seed)).map(RequestId);
        Command { request_id, caller: Caller { identity, address }, action }
    }

    pub const TEXTS: [&str; 6] = ["", "ada", "a b", "by=x", "\u{9ed1}\u{8336}", "line\nby=eve"];

    #[test]
    fn a_command_decodes_from_its_bytes() {
        each_seed(|seed| {
            let command = random(seed, &TEXTS);
            let mut bytes = command.encode().unwrap();
            assert_eq!(Command::decode(&bytes), Some(command));
            bytes.pop();
            let is_cut_text = matches!(command.action, Action::SellItem(_));
            assert!(is_cut_text || Command::decode(&bytes).is_none());
        });
    }

    #[test]
    fn damaged_bytes_are_read_or_refused_without_a_panic() {
        each_seed(|seed| {
            let mut bytes = random(seed, &TEXTS).encode().unwrap();
            seed.mutate(&mut bytes);
            if let Some(command) = Command::decode(&bytes) {
                assert_eq!(command.encode().as_deref(), Ok(&bytes[..]), "one form each");
            }
        });
    }

    #[test]
    fn a_text_that_does_not_fit_is_refused() {
        let long = "x".repeat(70_000);
        let mut command = random(&mut Seed::new(1), &["ada"]);
        command.caller.address = &long;
        assert_eq!(command.encode(), Err(Error::TooLong(Field::Address, 255)));
        command.caller.address = "ada";
        let fields = ItemFields { name: &*long, category: Category::Others, description: "" };
        command.action = Action::SellItem(NewItem { fields, quantity: 1, price: Money::ZERO });
        assert_eq!(command.encode(), Err(Error::TooLong(Field::Name, 65_535)));
    }
}
