//! The commands of the market, and the replies to successful ones.
//!
//! [`bytes`] and [`words`] are the two forms that a command has in a log.

mod bytes;
mod words;

use std::fmt;
use std::num::NonZeroU64;

use super::error::{Error, Field};
use super::item::NewItem;
use super::limits::Limits;
use super::text;
use crate::market::price::Money;

/// The identity of an account: the SHA-256 of the UUID that is the client's secret.
///
/// The UUID is hashed when it arrives; the state never has it. Two digests are not accepted
/// ([`Identity::from_digest`]), so that clients that send no UUID do not share an account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity([u8; 32]);

/// SHA-256 of no bytes (FIPS 180-4): what an empty UUID would hash to.
const DIGEST_OF_NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

impl Identity {
    /// The identity with this SHA-256; none for the digest of an empty UUID and for 32 zeroes
    /// (a digest that was never filled in).
    pub fn from_digest(digest: [u8; 32]) -> Option<Identity> {
        (digest != DIGEST_OF_NOTHING && digest != [0; 32]).then_some(Identity(digest))
    }

    /// The digest.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Eight hexadecimal digits of the digest: enough to distinguish accounts in a log line.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The number of an item. Numbers ascend from 1 in the order of listing and are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub u32);

/// The number of an order. Numbers ascend from 1 in the order of sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u32);

/// The number of a command among those of its account: chosen by the client, ascending (see
/// [`requests`](super::requests)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub NonZeroU64);

macro_rules! shown_as_number {
    ($($id:ident),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

shown_as_number!(ItemId, OrderId, RequestId);

/// What kind of thing an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Electronics.
    Electronics,
    /// Fashion.
    Fashion,
    /// Everything else.
    Others,
}

impl Category {
    /// All categories, in the order of the wire contract.
    pub const ALL: [Category; 3] = [Category::Electronics, Category::Fashion, Category::Others];

    /// As a card shows it: `Electronics`.
    pub const fn name(self) -> &'static str {
        match self {
            Category::Electronics => "Electronics",
            Category::Fashion => "Fashion",
            Category::Others => "Others",
        }
    }

    /// As the wire contract and the command line write it: `ELECTRONICS`.
    pub const fn keyword(self) -> &'static str {
        match self {
            Category::Electronics => "ELECTRONICS",
            Category::Fashion => "FASHION",
            Category::Others => "OTHERS",
        }
    }
}

/// The caller of a command or a read: identity and display name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// Authenticates the caller.
    pub identity: Identity,
    /// The display name. Clients of the course version put their `ip:port` here; the market never
    /// connects to it.
    pub address: &'a str,
}

/// A command: one change of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// With an id the command is executed exactly once however often it is sent; without one it is
    /// executed as often as it arrives.
    pub request_id: Option<RequestId>,
    /// Authenticated when the command is applied.
    pub caller: Caller<'a>,
    /// The change, with its input.
    pub action: Action<'a>,
}

impl Command<'_> {
    /// Checks that its texts are short enough for the log. All other checks are made when the
    /// command is applied.
    ///
    /// # Errors
    /// [`Error::TooLong`].
    pub fn check_size(&self, limits: &Limits) -> Result<(), Error> {
        text::check_len(Field::Address, self.caller.address, limits.max_address_bytes)?;
        match self.action {
            Action::SellItem(new_item) => new_item.fields.check_len(limits),
            _ => Ok(()),
        }
    }
}

impl Action<'_> {
    /// Whether a caller without an account has one after this.
    pub(super) fn opens_an_account(&self) -> bool {
        matches!(
            self,
            Action::RegisterBuyer
                | Action::BuyItem { .. }
                | Action::AddToWishList { .. }
                | Action::RateItem { .. }
        )
    }
}

/// The kinds of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Registers the caller as a seller.
    RegisterSeller,
    /// Opens an account for a buyer. BuyItem, AddToWishList and RateItem do so as well.
    RegisterBuyer,
    /// Puts an item on sale.
    SellItem(NewItem<&'a str>),
    /// Changes price, stock or both of the caller's item; notifies the accounts that wish for it.
    UpdateItem {
        /// Which.
        item: ItemId,
        /// The new price of one piece; none for no change.
        price: Option<Money>,
        /// The new number of pieces on sale, 0 or more; none for no change.
        quantity: Option<u32>,
    },
    /// Takes the caller's item off the market; notifies the accounts that wish for it.
    DeleteItem {
        /// Which.
        item: ItemId,
    },
    /// Buys pieces of another account's item; notifies the seller.
    BuyItem {
        /// Which.
        item: ItemId,
        /// How many.
        quantity: u32,
        /// The command is refused if one piece costs more. None: any price.
        max_price: Option<Money>,
    },
    /// Adds another account's item to the wishlist: its changes are notified.
    AddToWishList {
        /// Which.
        item: ItemId,
    },
    /// Removes an item from the wishlist.
    RemoveFromWishList {
        /// Which.
        item: ItemId,
    },
    /// Rates another account's item, once.
    RateItem {
        /// Which.
        item: ItemId,
        /// 1 to 5.
        stars: u32,
    },
    /// Acknowledges all notifications up to and including this one: the market removes them.
    Acknowledge {
        /// The last one that was read; [`Notification::id`](super::Notification::id).
        up_to_id: u64,
    },
}

/// The reply to a successful command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The account is open.
    Registered,
    /// The item is on sale under this number.
    Listed(ItemId),
    /// The item has its new price and quantity.
    Updated,
    /// The item is off the market.
    Deleted,
    /// The purchase is made.
    Bought {
        /// The order.
        order: OrderId,
        /// The price of all pieces.
        total: Money,
    },
    /// The item is on the wishlist.
    AddedToWishList,
    /// The item is off the wishlist.
    RemovedFromWishList,
    /// The rating counts.
    Rated,
    /// The notifications are removed.
    Acknowledged,
    /// The operator's command is executed.
    Moderated,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_uuid_is_no_identity() {
        assert_eq!(Identity::from_digest(DIGEST_OF_NOTHING), None);
        assert_eq!(Identity::from_digest([0; 32]), None);
        assert!(Identity::from_digest([1; 32]).is_some());
    }

    #[test]
    fn an_identity_shows_eight_digits_at_most() {
        let identity = Identity::from_digest([0xab; 32]).unwrap();
        assert_eq!(format!("{identity:?}"), "abababab");
    }

    #[test]
    fn numbers_sort_as_numbers() {
        let mut ids = [ItemId(10), ItemId(9), ItemId(100)];
        ids.sort();
        assert_eq!(ids, [ItemId(9), ItemId(10), ItemId(100)]);
    }
}
