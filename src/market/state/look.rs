//! What a read looks at, so that it can be told whether a command would change it.

use super::command::{Action, Command, ItemId};

/// What a read looks at. As bytes: a tag, then the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// One item.
    Item(ItemId),
    /// All items.
    Catalogue,
    /// What is somebody's own: anything may change whether they are who they say, or what they have.
    Own,
}

const ITEM: u8 = b'i';
const CATALOGUE: u8 = b'c';

impl Look {
    /// The look as bytes.
    pub fn encode(self) -> Vec<u8> {
        match self {
            Look::Item(ItemId(item)) => [&[ITEM], &item.to_be_bytes()[..]].concat(),
            Look::Catalogue => vec![CATALOGUE],
            Look::Own => Vec::new(),
        }
    }

    /// The look that bytes are; what makes no sense looks at everything.
    pub fn decode(bytes: &[u8]) -> Look {
        match *bytes {
            [ITEM, a, b, c, d] => Look::Item(ItemId(u32::from_be_bytes([a, b, c, d]))),
            [CATALOGUE] => Look::Catalogue,
            _ => Look::Own,
        }
    }

    /// Whether a command may change what is looked at.
    pub fn is_changed_by(self, command: &Command<'_>) -> bool {
        let of_item = match command.action {
            Action::RegisterSeller
            | Action::RegisterBuyer
            | Action::AddToWishList { .. }
            | Action::RemoveFromWishList { .. }
            | Action::Acknowledge { .. } => return self == Look::Own,
            // It may get any number.
            Action::SellItem { .. } => None,
            Action::UpdateItem { item, .. }
            | Action::DeleteItem { item }
            | Action::BuyItem { item, .. }
            | Action::RateItem { item, .. } => Some(item),
        };
        match (self, of_item) {
            (Look::Item(looked_at), Some(changed)) => looked_at == changed,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::price::Money;
    use crate::market::state::{Caller, Category, Identity};

    #[test]
    fn a_look_comes_back_and_knows_what_changes_it() {
        let caller = Caller { identity: Identity::from_digest([1; 32]).unwrap(), address: "ada" };
        let item = ItemId(7);
        let sell = Action::SellItem {
            name: "x",
            category: Category::Others,
            description: "",
            quantity: 1,
            price: Money::ZERO,
        };
        let buy = |item| Action::BuyItem { item, quantity: 1, at_most: None };
        for (action, [item_7, catalogue, own]) in [
            (sell, [true, true, true]),
            (buy(item), [true, true, true]),
            (buy(ItemId(8)), [false, true, true]),
            (Action::RateItem { item, stars: 1 }, [true, true, true]),
            (Action::AddToWishList { item }, [false, false, true]),
            (Action::RegisterSeller, [false, false, true]),
            (Action::Acknowledge { through: 1 }, [false, false, true]),
        ] {
            let command = Command { request_id: None, caller, action };
            for (look, changed) in
                [(Look::Item(item), item_7), (Look::Catalogue, catalogue), (Look::Own, own)]
            {
                let look = Look::decode(&look.encode());
                assert_eq!(look.is_changed_by(&command), changed, "{look:?} {action:?}");
            }
        }
        assert_eq!(Look::decode(b"i"), Look::Own);
    }
}
