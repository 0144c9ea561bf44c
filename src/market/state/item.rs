//! An item in all its forms: this file alone spells out what a seller states of an item.
//!
//! | form | written by | read by |
//! |---|---|---|
//! | SellItem as bytes, in the log | [`NewItem::encode`] | [`NewItem::decode`] |
//! | SellItem as words, in `logs.txt` | [`NewItem::write_words`] | [`NewItem::parse_words`] |
//! | its part of a request's fingerprint | [`NewItem::hash_into`] | |
//! | in memory | [`Listing::new`] | [`Listing::fields`] |
//! | `ITEM` in a snapshot | [`Item::write_words`] | [`parse_item`] |
//! | `FORMER` and `DEPARTED` in a snapshot | [`Listing::write_words`] | [`Listing::parse_words`] |
//!
//! The forms have their fields in orders of their own, which files and logs have fixed. So each
//! form is a function that takes the value apart by a pattern with all of its fields, or puts it
//! together from all of them: a new field does not compile before every form has it.
//! `schemas/files.md` has the grammar; the messages of the wire are in
//! [`wire`](crate::market::wire).

use std::sync::Arc;

use super::accounts::AccountId;
use super::command::{Category, ItemId};
use super::error::{Error, Field};
use super::hash::Hash64;
use super::limits::Limits;
use super::lines::{WordReader, WordWriter};
use super::ratings::Rating;
use super::text;
use crate::binary::{self, Reader, Writer};
use crate::market::price::Money;

/// What a seller states of an item for good. `T` is its texts' type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemFields<T> {
    /// Shown on the card, searched by word, sorted by. 1 to [`Limits::max_name_bytes`] bytes.
    pub name: T,
    /// What kind of thing it is.
    pub category: Category,
    /// Shown on the card, searched by word. 0 to [`Limits::max_description_bytes`] bytes.
    pub description: T,
}

impl ItemFields<String> {
    /// The same fields, borrowed.
    pub fn view(&self) -> ItemFields<&str> {
        let ItemFields { name, category, description } = self;
        ItemFields { name, category: *category, description }
    }
}

impl ItemFields<&str> {
    /// Checks that the texts are short enough for the log.
    pub(super) fn check_len(&self, limits: &Limits) -> Result<(), Error> {
        let ItemFields { name, category: _, description } = *self;
        text::check_len(Field::Name, name, limits.max_name_bytes)?;
        text::check_len(Field::Description, description, limits.max_description_bytes)
    }

    fn check(&self, limits: &Limits) -> Result<(), Error> {
        let ItemFields { name, category: _, description } = *self;
        text::check(Field::Name, name, limits.max_name_bytes)?;
        text::check_or_empty(Field::Description, description, limits.max_description_bytes)
    }
}

/// An item that is to be put on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewItem<T> {
    /// What stays.
    pub fields: ItemFields<T>,
    /// Pieces on sale, 1 to [`Limits::max_quantity`].
    pub quantity: u32,
    /// Of one piece, one cent to [`Limits::max_price`].
    pub price: Money,
}

impl NewItem<String> {
    /// The same item, borrowed.
    pub fn view(&self) -> NewItem<&str> {
        let NewItem { fields, quantity, price } = self;
        NewItem { fields: fields.view(), quantity: *quantity, price: *price }
    }
}

impl<'a> NewItem<&'a str> {
    /// Checks everything that does not depend on the state of the market.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), Error> {
        let NewItem { fields, quantity, price } = *self;
        fields.check(limits)?;
        limits.check_quantity(quantity)?;
        limits.check_price(price)
    }

    /// `u8 category | u32 quantity | u64 price | u16 length | name | description`.
    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        let NewItem { fields, quantity, price } = *self;
        let ItemFields { name, category, description } = fields;
        out.u8(category as u8).u32(quantity).u64(price.minor());
        let too_long = |_| Error::TooLong(Field::Name, u16::MAX.into());
        out.bytes_u16(name.as_bytes()).map_err(too_long)?.raw(description.as_bytes());
        Ok(())
    }

    pub(super) fn decode(bytes: &mut Reader<'a>) -> Result<NewItem<&'a str>, binary::Error> {
        let number = bytes.u8()?;
        let category = Category::ALL.get(usize::from(number));
        let category = *category.ok_or(binary::Error::Tag(number))?;
        let (quantity, price) = (bytes.u32()?, Money::from_minor(bytes.u64()?));
        let name = binary::text(bytes.bytes_u16()?)?;
        let description = binary::text(bytes.rest())?;
        Ok(NewItem { fields: ItemFields { name, category, description }, quantity, price })
    }

    /// `name category quantity price description`.
    pub(super) fn write_words(&self, words: &mut WordWriter<'_>) {
        let NewItem { fields, quantity, price } = *self;
        let ItemFields { name, category, description } = fields;
        words.word(name.as_bytes()).word(category.keyword().as_bytes());
        words.number(quantity).money(price).word(description.as_bytes());
    }

    pub(super) fn parse_words(words: &mut WordReader<'a>) -> Result<NewItem<&'a str>, String> {
        let (name, category) = (words.text()?, words.category()?);
        let (quantity, price) = (words.number()?, words.money()?);
        let description = words.text()?;
        Ok(NewItem { fields: ItemFields { name, category, description }, quantity, price })
    }

    /// Mixes all of it into the fingerprint of a request.
    pub(super) fn hash_into(&self, hash: &mut Hash64) {
        let NewItem { fields, quantity, price } = *self;
        let ItemFields { name, category, description } = fields;
        hash.text(name);
        hash.number(category as u64);
        hash.text(description);
        hash.number(quantity.into());
        hash.number(price.minor());
    }
}

/// The part of an item that never changes; shared with the notifications and the search index.
#[derive(Debug, PartialEq, Eq)]
pub struct Listing {
    pub item: ItemId,
    pub seller: AccountId,
    pub category: Category,
    name_bytes: u32,
    /// The name, and the description right behind it: one allocation for both.
    texts: Box<str>,
}

impl Listing {
    pub fn new(item: ItemId, seller: AccountId, fields: &ItemFields<&str>) -> Listing {
        let ItemFields { name, category, description } = *fields;
        let texts = [name, description].concat().into_boxed_str();
        Listing { item, seller, category, name_bytes: name.len() as u32, texts }
    }

    pub fn fields(&self) -> ItemFields<&str> {
        let (name, description) = self.texts.split_at(self.name_bytes as usize);
        ItemFields { name, category: self.category, description }
    }

    pub fn name(&self) -> &str {
        self.fields().name
    }

    pub fn description(&self) -> &str {
        self.fields().description
    }

    /// The bytes of both texts.
    pub fn text_bytes(&self) -> u64 {
        self.texts.len() as u64
    }

    /// `seller category name description`.
    pub fn write_words(&self, words: &mut WordWriter<'_>) {
        let ItemFields { name, category, description } = self.fields();
        words.number(self.seller.0).word(category.keyword().as_bytes());
        words.word(name.as_bytes()).word(description.as_bytes());
    }

    pub fn parse_words(item: ItemId, mut words: WordReader<'_>) -> Result<Listing, String> {
        let (seller, category) = (AccountId(words.number()?), words.category()?);
        let (name, description) = (words.text()?, words.text()?);
        words.end()?;
        Ok(Listing::new(item, seller, &ItemFields { name, category, description }))
    }
}

/// The part of an item that changes. At all times `sold + quantity == supplied`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    pub price: Money,
    /// Pieces left.
    pub quantity: u32,
    /// Pieces sold.
    pub sold: u64,
    /// Pieces that the seller brought to market, less those taken back by an update.
    pub supplied: u64,
    pub rating: Rating,
    /// The operator has taken it off the market.
    pub is_hidden: bool,
}

/// An item on sale.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    pub listing: &'a Arc<Listing>,
    pub stock: &'a Stock,
}

impl Item<'_> {
    /// `number seller category price quantity sold supplied name description [hidden]`. The rating
    /// is in lines of its own.
    pub fn write_words(&self, words: &mut WordWriter<'_>) {
        let ItemFields { name, category, description } = self.listing.fields();
        let Stock { price, quantity, sold, supplied, rating: _, is_hidden } = *self.stock;
        words.number(self.listing.item.0).number(self.listing.seller.0);
        words.word(category.keyword().as_bytes()).money(price);
        words.number(quantity).number(sold).number(supplied);
        words.word(name.as_bytes()).word(description.as_bytes());
        if is_hidden {
            words.word(HIDDEN);
        }
    }
}

const HIDDEN: &[u8] = b"hidden";

/// The item that [`Item::write_words`] wrote; without a rating.
pub fn parse_item(mut words: WordReader<'_>) -> Result<(Listing, Stock), String> {
    let (item, seller) = (words.item()?, AccountId(words.number()?));
    let (category, price) = (words.category()?, words.money()?);
    let quantity: u32 = words.number()?;
    let (sold, supplied) = (words.count()?, words.count()?);
    let (name, description) = (words.text()?, words.text()?);
    let is_hidden = !words.is_empty();
    if is_hidden && words.word()? != HIDDEN {
        return Err("an item is hidden or not".into());
    }
    words.end()?;
    if sold + u64::from(quantity) != supplied {
        return Err(format!("item {item} has lost or gained stock"));
    }
    let listing = Listing::new(item, seller, &ItemFields { name, category, description });
    Ok((listing, Stock { price, quantity, sold, supplied, rating: Rating::NONE, is_hidden }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMP: NewItem<&str> = NewItem {
        fields: ItemFields { name: "lamp", category: Category::Others, description: "warm light" },
        quantity: 3,
        price: Money::from_minor(1_999),
    };

    /// Items that differ from the lamp in one field each, all fields in turn.
    fn others() -> Vec<NewItem<&'static str>> {
        let NewItem { fields, quantity, price } = LAMP;
        let ItemFields { name, category, description } = fields;
        let with = |fields| NewItem { fields, ..LAMP };
        vec![
            with(ItemFields { name: "lam", category, description }),
            with(ItemFields { name, category: Category::Fashion, description }),
            with(ItemFields { name, category, description: "" }),
            // The same texts run together.
            with(ItemFields { name: "lampwarm", category, description: " light" }),
            NewItem { quantity: quantity + 1, ..LAMP },
            NewItem { price: Money::from_minor(price.minor() + 1), ..LAMP },
        ]
    }

    fn bytes(item: &NewItem<&str>) -> Vec<u8> {
        let mut bytes = Vec::new();
        item.encode(&mut Writer::new(&mut bytes)).unwrap();
        bytes
    }

    fn words(write: impl FnOnce(&mut WordWriter<'_>)) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        write(&mut WordWriter::new(&mut |word| all.push(word.to_vec())));
        all
    }

    fn slices(words: &[Vec<u8>]) -> Vec<&[u8]> {
        words.iter().map(Vec::as_slice).collect()
    }

    fn fingerprint(item: &NewItem<&str>) -> u64 {
        let mut hash = Hash64::new();
        item.hash_into(&mut hash);
        hash.finish()
    }

    fn listed(item: &NewItem<&str>) -> (Arc<Listing>, Stock) {
        let listing = Arc::new(Listing::new(ItemId(7), AccountId(2), &item.fields));
        let NewItem { quantity, price, .. } = *item;
        let (sold, supplied) = (4, u64::from(quantity) + 4);
        let (rating, is_hidden) = (Rating::NONE, false);
        (listing, Stock { price, quantity, sold, supplied, rating, is_hidden })
    }

    #[test]
    fn every_form_tells_items_apart_that_differ_in_one_field() {
        for other in others() {
            assert_ne!(bytes(&other), bytes(&LAMP), "{other:?}");
            assert_ne!(fingerprint(&other), fingerprint(&LAMP), "{other:?}");
            assert_ne!(
                words(|words| other.write_words(words)),
                words(|words| LAMP.write_words(words)),
                "{other:?}"
            );
            assert_ne!(listed(&other), listed(&LAMP), "{other:?}");
        }
    }

    #[test]
    fn an_item_comes_back_from_every_form() {
        for item in others().into_iter().chain([LAMP]) {
            let encoded = bytes(&item);
            assert_eq!(NewItem::decode(&mut Reader::new(&encoded)), Ok(item));
            let command = words(|words| item.write_words(words));
            assert_eq!(NewItem::parse_words(&mut WordReader::new(&slices(&command))), Ok(item));
            assert_eq!(owned(&item).view(), item);
            let (listing, stock) = listed(&item);
            assert_eq!(listing.fields(), item.fields);
            let line = words(|words| Item { listing: &listing, stock: &stock }.write_words(words));
            let read = parse_item(WordReader::new(&slices(&line))).unwrap();
            assert_eq!((&read.0, read.1), (&*listing, stock));
            let hidden = Stock { is_hidden: true, ..stock };
            let line = words(|words| Item { listing: &listing, stock: &hidden }.write_words(words));
            assert_eq!(parse_item(WordReader::new(&slices(&line))).unwrap().1, hidden);
            let line = words(|words| listing.write_words(words));
            let read = Listing::parse_words(ItemId(7), WordReader::new(&slices(&line)));
            assert_eq!(read.as_ref(), Ok(&*listing));
        }
    }

    fn owned(item: &NewItem<&str>) -> NewItem<String> {
        let NewItem { fields, quantity, price } = *item;
        let ItemFields { name, category, description } = fields;
        let (name, description) = (name.to_owned(), description.to_owned());
        NewItem { fields: ItemFields { name, category, description }, quantity, price }
    }

    /// The forms are in files of the past, byte for byte.
    #[test]
    fn the_forms_are_those_of_the_files() {
        let line = |words: Vec<Vec<u8>>| String::from_utf8(words.join(&b'|')).unwrap();
        let (listing, stock) = listed(&LAMP);
        let item = Item { listing: &listing, stock: &stock };
        assert_eq!(line(words(|words| LAMP.write_words(words))), "lamp|OTHERS|3|19.99|warm light");
        assert_eq!(
            line(words(|words| item.write_words(words))),
            "7|2|OTHERS|19.99|3|4|7|lamp|warm light"
        );
        assert_eq!(line(words(|words| listing.write_words(words))), "2|OTHERS|lamp|warm light");
        assert_eq!(bytes(&LAMP), *b"\x02\0\0\0\x03\0\0\0\0\0\0\x07\xcf\0\x04lampwarm light");
        assert_eq!(fingerprint(&LAMP), 0x4b6f_4ff7_e2de_e458);
    }

    #[test]
    fn an_item_costs_little() {
        assert!(size_of::<Stock>() <= 40);
        assert!(size_of::<Listing>() <= 32);
    }
}
