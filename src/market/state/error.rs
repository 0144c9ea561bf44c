//! The refusals of the market.

use std::fmt;

use super::command::{ItemId, OrderId, RequestId};
use crate::call::{Code, Status};
use crate::market::price::Money;

/// A text of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A caller's display name.
    Address,
    /// An item's name.
    Name,
    /// An item's description.
    Description,
    /// The text of a search.
    Query,
    /// Who moderates, why, and whom.
    Reason,
}

impl Field {
    /// All of them, in the order of their discriminants.
    pub(super) const ALL: [Field; 5] =
        [Field::Address, Field::Name, Field::Description, Field::Query, Field::Reason];

    const fn name(self) -> &'static str {
        match self {
            Field::Address => "address",
            Field::Name => "name",
            Field::Description => "description",
            Field::Query => "search text",
            Field::Reason => "operator's text",
        }
    }
}

/// Why a command or a query was refused. A refusal changes nothing.
///
/// [`Error::code`] is the status code on the wire, `Display` the human-readable reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The text is empty, and must not be.
    Empty(Field),
    /// The text has more bytes than this.
    TooLong(Field, usize),
    /// The text has a control character, a line separator or a direction override in it, or a
    /// blank at an end.
    Unprintable(Field),
    /// The search has more words than this.
    TooManyWords(usize),
    /// The quantity is not from 1 to this.
    Quantity(u32),
    /// The pieces on sale are not from 0 to this.
    Stock(u32),
    /// The price is not from one cent to this.
    Price(Money),
    /// Quantity times price overflows.
    Total,
    /// The rating is not from 1 to 5.
    Stars,
    /// An update without a new price or quantity.
    NothingToUpdate,
    /// The page token is malformed, or of another search.
    PageToken,
    /// The request id was used for something else.
    RequestReused(RequestId),
    /// The request id is not above those whose answers are forgotten: the market does not know
    /// whether it was executed, so it does not execute it. The second is the highest id that is
    /// known of the account: ids above it are new.
    RequestForgotten(RequestId, RequestId),
    /// No account has this identity and address.
    Credentials,
    /// The account is not a seller's.
    NotASeller,
    /// The item is another seller's.
    NotYourItem(ItemId),
    /// The caller buys, wishes for or rates an item of its own.
    OwnItem(ItemId),
    /// The address is another account's.
    AddressTaken,
    /// The identity is a registered seller, or has another address.
    AlreadyRegistered,
    /// The caller rated the item before.
    AlreadyRated(ItemId),
    /// The item does not exist, or was deleted.
    NoSuchItem(ItemId),
    /// The caller has no such order, neither as a buyer nor as a seller.
    NoSuchOrder(OrderId),
    /// The item is not on the caller's wishlist.
    NotOnWishList(ItemId),
    /// Fewer pieces are left than the caller wants.
    OnlyLeft(u32),
    /// A piece costs more than the caller's maximum: this price.
    PriceIsNow(Money),
    /// The acknowledged notification was never sent; this is the last one.
    NotSent(u64),
    /// A bound of the market is reached: which, and how many there are.
    Full(Bound, usize),
    /// The operator has blocked the caller's account.
    Blocked,
    /// The operator has removed the caller's account.
    Removed,
    /// The operator has taken the item off the market, or has blocked or removed its seller.
    Hidden(ItemId),
    /// No account has this address.
    NoSuchAccount,
}

/// A bounded collection of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Accounts of the market.
    Accounts,
    /// Items on sale in the market.
    Items,
    /// Items on sale of one seller.
    SellerItems,
    /// Item numbers assigned.
    ItemNumbers,
    /// Orders of the market.
    Orders,
    /// Items on one wishlist.
    Wishes,
    /// Wishlists with one item.
    Wishers,
    /// Ratings of one account.
    Ratings,
}

impl Bound {
    /// All of them, in the order of their discriminants.
    pub(super) const ALL: [Bound; 8] = [
        Bound::Accounts,
        Bound::Items,
        Bound::SellerItems,
        Bound::ItemNumbers,
        Bound::Orders,
        Bound::Wishes,
        Bound::Wishers,
        Bound::Ratings,
    ];

    const fn sentence(self) -> &'static str {
        match self {
            Bound::Accounts => "the market takes no new accounts: it has",
            Bound::Items => "the market takes no new items: it has",
            Bound::SellerItems => "you can list no more items: you have",
            Bound::ItemNumbers => "the market has no new item numbers: it gave out",
            Bound::Orders => "the market takes no new orders: it has",
            Bound::Wishes => "your wishlist is full: it has",
            Bound::Wishers => "the item can be on no more wishlists: it is on",
            Bound::Ratings => "you can give no more ratings: you have given",
        }
    }
}

impl Error {
    /// The status code of the refusal.
    pub const fn code(self) -> Code {
        match self {
            Error::Empty(_)
            | Error::TooLong(..)
            | Error::Unprintable(_)
            | Error::TooManyWords(_)
            | Error::Quantity(_)
            | Error::Stock(_)
            | Error::Price(_)
            | Error::Total
            | Error::Stars
            | Error::NothingToUpdate
            | Error::PageToken
            | Error::RequestReused(_) => Code::InvalidArgument,
            Error::RequestForgotten(..) | Error::OnlyLeft(_) | Error::PriceIsNow(_) => {
                Code::FailedPrecondition
            }
            Error::Credentials => Code::Unauthenticated,
            Error::NotASeller
            | Error::NotYourItem(_)
            | Error::OwnItem(_)
            | Error::Blocked
            | Error::Removed => Code::PermissionDenied,
            Error::AddressTaken | Error::AlreadyRegistered | Error::AlreadyRated(_) => {
                Code::AlreadyExists
            }
            Error::NoSuchItem(_)
            | Error::NoSuchOrder(_)
            | Error::NotOnWishList(_)
            | Error::Hidden(_)
            | Error::NoSuchAccount => Code::NotFound,
            Error::NotSent(_) => Code::OutOfRange,
            Error::Full(..) => Code::ResourceExhausted,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Empty(field) => write!(f, "the {} is empty", field.name()),
            Error::TooLong(field, max) => {
                write!(f, "the {} is longer than {max} bytes", field.name())
            }
            Error::Unprintable(field) => {
                let name = field.name();
                write!(f, "the {name} has control characters in it, or a blank at an end")
            }
            Error::TooManyWords(max) => write!(f, "more than {max} words to search for"),
            Error::Quantity(max) => write!(f, "a quantity is from 1 to {max}"),
            Error::Stock(max) => write!(f, "an item's stock is from 0 to {max}"),
            Error::Price(max) => write!(f, "a price is from $0.01 to {max}"),
            Error::Total => f.write_str("the total is too large"),
            Error::Stars => f.write_str("a rating is from 1 to 5 stars"),
            Error::NothingToUpdate => f.write_str("neither a new price nor a new quantity"),
            Error::PageToken => f.write_str("the page token is not from this search"),
            Error::RequestReused(id) => {
                write!(f, "request id {id} was used for something else before")
            }
            Error::RequestForgotten(id, last) => write!(
                f,
                "request id {id} is too old to tell whether it was done: see your orders, and let \
                 request ids ascend from {last}, the last one known"
            ),
            Error::Credentials => f.write_str(
                "no account has this uuid and address: register first (an account that is not used \
                 is forgotten in time)",
            ),
            Error::NotASeller => f.write_str("not a registered seller"),
            Error::NotYourItem(item) => write!(f, "item {item} is another seller's"),
            Error::OwnItem(item) => write!(f, "item {item} is your own"),
            Error::AddressTaken => f.write_str("the address belongs to somebody else"),
            Error::AlreadyRegistered => f.write_str("already registered"),
            Error::AlreadyRated(item) => write!(f, "you have rated item {item} already"),
            Error::NoSuchItem(item) => write!(f, "there is no item {item}"),
            Error::NoSuchOrder(order) => write!(f, "you have no order {order}"),
            Error::NotOnWishList(item) => write!(f, "item {item} is not on your wishlist"),
            Error::OnlyLeft(0) => f.write_str("sold out"),
            Error::OnlyLeft(left) => write!(f, "only {left} left"),
            Error::PriceIsNow(price) => write!(f, "the price is {price} now"),
            Error::NotSent(last) => write!(f, "the last notification is number {last}"),
            Error::Full(bound, count) => write!(f, "{} {count}", bound.sentence()),
            Error::Blocked => f.write_str("the operator of the market has blocked your account"),
            Error::Removed => f.write_str("the operator of the market has removed your account"),
            Error::Hidden(item) => {
                write!(f, "item {item} is not on sale: the operator of the market has hidden it")
            }
            Error::NoSuchAccount => f.write_str("no account has this name"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for Status {
    fn from(error: Error) -> Status {
        Status::new(error.code(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_human_readable() {
        for (error, code, reason) in [
            (Error::OnlyLeft(2), Code::FailedPrecondition, "only 2 left"),
            (Error::OnlyLeft(0), Code::FailedPrecondition, "sold out"),
            (Error::NoSuchItem(ItemId(7)), Code::NotFound, "there is no item 7"),
            (Error::Quantity(1_000), Code::InvalidArgument, "a quantity is from 1 to 1000"),
            (
                Error::Price(Money::from_minor(5_000)),
                Code::InvalidArgument,
                "a price is from $0.01 to $50",
            ),
            (
                Error::Full(Bound::Wishes, 1_000),
                Code::ResourceExhausted,
                "your wishlist is full: it has 1000",
            ),
        ] {
            assert_eq!(Status::from(error), Status::new(code, reason));
        }
    }

    #[test]
    fn a_recorded_answer_is_small() {
        assert!(size_of::<Result<super::super::Reply, Error>>() <= 24);
    }
}
