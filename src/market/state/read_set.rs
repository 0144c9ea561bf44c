//! Which part of the market a read depends on: it decides whether a command in the log would change
//! the read's result.

use super::command::{Action, Command, ItemId};
use crate::binary::{Reader, Writer};

/// The part of the market that a read depends on. As bytes: a tag, then the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadSet {
    /// One item.
    Item(ItemId),
    /// All items.
    Catalogue,
    /// The whole market: a read of an account's own lists depends on its credentials as well.
    Everything,
}

const ITEM: u8 = b'i';
const CATALOGUE: u8 = b'c';

impl ReadSet {
    /// The set as bytes.
    pub fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            ReadSet::Item(item) => {
                Writer::new(&mut bytes).u8(ITEM).u32(item.0);
            }
            ReadSet::Catalogue => bytes.push(CATALOGUE),
            ReadSet::Everything => (),
        }
        bytes
    }

    /// The set that bytes encode; malformed bytes mean everything.
    pub fn decode(bytes: &[u8]) -> ReadSet {
        let mut fields = Reader::new(bytes);
        let set = match fields.u8() {
            Ok(ITEM) => {
                fields.u32().map_or(ReadSet::Everything, |item| ReadSet::Item(ItemId(item)))
            }
            Ok(CATALOGUE) => ReadSet::Catalogue,
            _ => ReadSet::Everything,
        };
        if fields.end().is_ok() { set } else { ReadSet::Everything }
    }

    /// Whether a command may change this part of the market.
    pub fn is_changed_by(self, command: &Command<'_>) -> bool {
        let of_item = match command.action {
            Action::RegisterSeller
            | Action::RegisterBuyer
            | Action::AddToWishList { .. }
            | Action::RemoveFromWishList { .. }
            | Action::Acknowledge { .. } => return self == ReadSet::Everything,
            // It may get any number.
            Action::SellItem(_) => None,
            Action::UpdateItem { item, .. }
            | Action::DeleteItem { item }
            | Action::BuyItem { item, .. }
            | Action::RateItem { item, .. } => Some(item),
        };
        match (self, of_item) {
            (ReadSet::Item(read), Some(changed)) => read == changed,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::price::Money;
    use crate::market::state::{Caller, Category, Identity, ItemFields, NewItem};

    #[test]
    fn a_read_set_comes_back_and_knows_which_commands_change_it() {
        let caller = Caller { identity: Identity::from_digest([1; 32]).unwrap(), address: "ada" };
        let item = ItemId(7);
        let fields = ItemFields { name: "x", category: Category::Others, description: "" };
        let sell = Action::SellItem(NewItem { fields, quantity: 1, price: Money::ZERO });
        let buy = |item| Action::BuyItem { item, quantity: 1, max_price: None };
        for (action, [item_7, catalogue, own]) in [
            (sell, [true, true, true]),
            (buy(item), [true, true, true]),
            (buy(ItemId(8)), [false, true, true]),
            (Action::RateItem { item, stars: 1 }, [true, true, true]),
            (Action::AddToWishList { item }, [false, false, true]),
            (Action::RegisterSeller, [false, false, true]),
            (Action::Acknowledge { up_to_id: 1 }, [false, false, true]),
        ] {
            let command = Command { request_id: None, caller, action };
            for (set, changed) in [
                (ReadSet::Item(item), item_7),
                (ReadSet::Catalogue, catalogue),
                (ReadSet::Everything, own),
            ] {
                let set = ReadSet::decode(&set.encode());
                assert_eq!(set.is_changed_by(&command), changed, "{set:?} {action:?}");
            }
        }
        assert_eq!(ReadSet::decode(b"i"), ReadSet::Everything);
    }
}
