//! Messages of package `agora.market.v1`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Category {
    CATEGORY_UNSPECIFIED = 0,
    CATEGORY_ELECTRONICS = 1,
    CATEGORY_FASHION = 2,
    CATEGORY_OTHERS = 3,
    CATEGORY_ANY = 4,
}

impl Default for Category {
    fn default() -> Self {
        Category::CATEGORY_UNSPECIFIED
    }
}

impl From<i32> for Category {
    fn from(i: i32) -> Self {
        match i {
            0 => Category::CATEGORY_UNSPECIFIED,
            1 => Category::CATEGORY_ELECTRONICS,
            2 => Category::CATEGORY_FASHION,
            3 => Category::CATEGORY_OTHERS,
            4 => Category::CATEGORY_ANY,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for Category {
    fn from(s: &'a str) -> Self {
        match s {
            "CATEGORY_UNSPECIFIED" => Category::CATEGORY_UNSPECIFIED,
            "CATEGORY_ELECTRONICS" => Category::CATEGORY_ELECTRONICS,
            "CATEGORY_FASHION" => Category::CATEGORY_FASHION,
            "CATEGORY_OTHERS" => Category::CATEGORY_OTHERS,
            "CATEGORY_ANY" => Category::CATEGORY_ANY,
            _ => Self::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum SortOrder {
    SORT_ORDER_UNSPECIFIED = 0,
    SORT_ORDER_RELEVANCE = 1,
    SORT_ORDER_PRICE_UP = 2,
    SORT_ORDER_PRICE_DOWN = 3,
    SORT_ORDER_RATING = 4,
    SORT_ORDER_NAME = 5,
    SORT_ORDER_NEWEST = 6,
}

impl Default for SortOrder {
    fn default() -> Self {
        SortOrder::SORT_ORDER_UNSPECIFIED
    }
}

impl From<i32> for SortOrder {
    fn from(i: i32) -> Self {
        match i {
            0 => SortOrder::SORT_ORDER_UNSPECIFIED,
            1 => SortOrder::SORT_ORDER_RELEVANCE,
            2 => SortOrder::SORT_ORDER_PRICE_UP,
            3 => SortOrder::SORT_ORDER_PRICE_DOWN,
            4 => SortOrder::SORT_ORDER_RATING,
            5 => SortOrder::SORT_ORDER_NAME,
            6 => SortOrder::SORT_ORDER_NEWEST,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for SortOrder {
    fn from(s: &'a str) -> Self {
        match s {
            "SORT_ORDER_UNSPECIFIED" => SortOrder::SORT_ORDER_UNSPECIFIED,
            "SORT_ORDER_RELEVANCE" => SortOrder::SORT_ORDER_RELEVANCE,
            "SORT_ORDER_PRICE_UP" => SortOrder::SORT_ORDER_PRICE_UP,
            "SORT_ORDER_PRICE_DOWN" => SortOrder::SORT_ORDER_PRICE_DOWN,
            "SORT_ORDER_RATING" => SortOrder::SORT_ORDER_RATING,
            "SORT_ORDER_NAME" => SortOrder::SORT_ORDER_NAME,
            "SORT_ORDER_NEWEST" => SortOrder::SORT_ORDER_NEWEST,
            _ => Self::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Consistency {
    CONSISTENCY_UNSPECIFIED = 0,
    CONSISTENCY_LINEARIZABLE = 1,
    CONSISTENCY_STALE = 2,
}

impl Default for Consistency {
    fn default() -> Self {
        Consistency::CONSISTENCY_UNSPECIFIED
    }
}

impl From<i32> for Consistency {
    fn from(i: i32) -> Self {
        match i {
            0 => Consistency::CONSISTENCY_UNSPECIFIED,
            1 => Consistency::CONSISTENCY_LINEARIZABLE,
            2 => Consistency::CONSISTENCY_STALE,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for Consistency {
    fn from(s: &'a str) -> Self {
        match s {
            "CONSISTENCY_UNSPECIFIED" => Consistency::CONSISTENCY_UNSPECIFIED,
            "CONSISTENCY_LINEARIZABLE" => Consistency::CONSISTENCY_LINEARIZABLE,
            "CONSISTENCY_STALE" => Consistency::CONSISTENCY_STALE,
            _ => Self::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum NotificationKind {
    NOTIFICATION_KIND_UNSPECIFIED = 0,
    NOTIFICATION_KIND_ITEM_UPDATED = 1,
    NOTIFICATION_KIND_RESTOCKED = 2,
    NOTIFICATION_KIND_PRICE_CHANGED = 3,
    NOTIFICATION_KIND_ITEM_DELETED = 4,
    NOTIFICATION_KIND_ITEM_SOLD = 5,
}

impl Default for NotificationKind {
    fn default() -> Self {
        NotificationKind::NOTIFICATION_KIND_UNSPECIFIED
    }
}

impl From<i32> for NotificationKind {
    fn from(i: i32) -> Self {
        match i {
            0 => NotificationKind::NOTIFICATION_KIND_UNSPECIFIED,
            1 => NotificationKind::NOTIFICATION_KIND_ITEM_UPDATED,
            2 => NotificationKind::NOTIFICATION_KIND_RESTOCKED,
            3 => NotificationKind::NOTIFICATION_KIND_PRICE_CHANGED,
            4 => NotificationKind::NOTIFICATION_KIND_ITEM_DELETED,
            5 => NotificationKind::NOTIFICATION_KIND_ITEM_SOLD,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for NotificationKind {
    fn from(s: &'a str) -> Self {
        match s {
            "NOTIFICATION_KIND_UNSPECIFIED" => NotificationKind::NOTIFICATION_KIND_UNSPECIFIED,
            "NOTIFICATION_KIND_ITEM_UPDATED" => NotificationKind::NOTIFICATION_KIND_ITEM_UPDATED,
            "NOTIFICATION_KIND_RESTOCKED" => NotificationKind::NOTIFICATION_KIND_RESTOCKED,
            "NOTIFICATION_KIND_PRICE_CHANGED" => NotificationKind::NOTIFICATION_KIND_PRICE_CHANGED,
            "NOTIFICATION_KIND_ITEM_DELETED" => NotificationKind::NOTIFICATION_KIND_ITEM_DELETED,
            "NOTIFICATION_KIND_ITEM_SOLD" => NotificationKind::NOTIFICATION_KIND_ITEM_SOLD,
            _ => Self::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum AccountStanding {
    ACCOUNT_STANDING_UNSPECIFIED = 0,
    ACCOUNT_STANDING_BLOCKED = 1,
    ACCOUNT_STANDING_REMOVED = 2,
}

impl Default for AccountStanding {
    fn default() -> Self {
        AccountStanding::ACCOUNT_STANDING_UNSPECIFIED
    }
}

impl From<i32> for AccountStanding {
    fn from(i: i32) -> Self {
        match i {
            0 => AccountStanding::ACCOUNT_STANDING_UNSPECIFIED,
            1 => AccountStanding::ACCOUNT_STANDING_BLOCKED,
            2 => AccountStanding::ACCOUNT_STANDING_REMOVED,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for AccountStanding {
    fn from(s: &'a str) -> Self {
        match s {
            "ACCOUNT_STANDING_UNSPECIFIED" => AccountStanding::ACCOUNT_STANDING_UNSPECIFIED,
            "ACCOUNT_STANDING_BLOCKED" => AccountStanding::ACCOUNT_STANDING_BLOCKED,
            "ACCOUNT_STANDING_REMOVED" => AccountStanding::ACCOUNT_STANDING_REMOVED,
            _ => Self::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum AccountChange {
    ACCOUNT_CHANGE_UNSPECIFIED = 0,
    ACCOUNT_CHANGE_BLOCK = 1,
    ACCOUNT_CHANGE_UNBLOCK = 2,
    ACCOUNT_CHANGE_REMOVE = 3,
    ACCOUNT_CHANGE_RESTORE = 4,
}

impl Default for AccountChange {
    fn default() -> Self {
        AccountChange::ACCOUNT_CHANGE_UNSPECIFIED
    }
}

impl From<i32> for AccountChange {
    fn from(i: i32) -> Self {
        match i {
            0 => AccountChange::ACCOUNT_CHANGE_UNSPECIFIED,
            1 => AccountChange::ACCOUNT_CHANGE_BLOCK,
            2 => AccountChange::ACCOUNT_CHANGE_UNBLOCK,
            3 => AccountChange::ACCOUNT_CHANGE_REMOVE,
            4 => AccountChange::ACCOUNT_CHANGE_RESTORE,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for AccountChange {
    fn from(s: &'a str) -> Self {
        match s {
            "ACCOUNT_CHANGE_UNSPECIFIED" => AccountChange::ACCOUNT_CHANGE_UNSPECIFIED,
            "ACCOUNT_CHANGE_BLOCK" => AccountChange::ACCOUNT_CHANGE_BLOCK,
            "ACCOUNT_CHANGE_UNBLOCK" => AccountChange::ACCOUNT_CHANGE_UNBLOCK,
            "ACCOUNT_CHANGE_REMOVE" => AccountChange::ACCOUNT_CHANGE_REMOVE,
            "ACCOUNT_CHANGE_RESTORE" => AccountChange::ACCOUNT_CHANGE_RESTORE,
            _ => Self::default(),
        }
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Item<'a> {
    pub id: u32,
    pub name: Cow<'a, str>,
    pub category: Category,
    pub description: Cow<'a, str>,
    pub price_cents: u64,
    pub quantity: u32,
    pub seller_address: Cow<'a, str>,
    pub rating_count: u32,
    pub rating_sum: u32,
}

impl<'a> MessageRead<'a> for Item<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.id = r.read_uint32(bytes)?,
                Ok(18) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.category = r.read_enum(bytes)?,
                Ok(34) => msg.description = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(40) => msg.price_cents = r.read_uint64(bytes)?,
                Ok(48) => msg.quantity = r.read_uint32(bytes)?,
                Ok(58) => msg.seller_address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(64) => msg.rating_count = r.read_uint32(bytes)?,
                Ok(72) => msg.rating_sum = r.read_uint32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Item<'a> {
    fn get_size(&self) -> usize {
        0 + if self.id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.id) as u64) }
            + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
            + if self.category == agora_market_v1::Category::CATEGORY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.category) as u64)
            }
            + if self.description == "" { 0 } else { 1 + sizeof_len((&self.description).len()) }
            + if self.price_cents == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.price_cents) as u64)
            }
            + if self.quantity == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.quantity) as u64) }
            + if self.seller_address == "" {
                0
            } else {
                1 + sizeof_len((&self.seller_address).len())
            }
            + if self.rating_count == 0u32 {
                0
            } else {
                1 + sizeof_varint(*(&self.rating_count) as u64)
            }
            + if self.rating_sum == 0u32 {
                0
            } else {
                1 + sizeof_varint(*(&self.rating_sum) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.id != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.id))?;
        }
        if self.name != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.name))?;
        }
        if self.category != agora_market_v1::Category::CATEGORY_UNSPECIFIED {
            w.write_with_tag(24, |w| w.write_enum(*&self.category as i32))?;
        }
        if self.description != "" {
            w.write_with_tag(34, |w| w.write_string(&**&self.description))?;
        }
        if self.price_cents != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.price_cents))?;
        }
        if self.quantity != 0u32 {
            w.write_with_tag(48, |w| w.write_uint32(*&self.quantity))?;
        }
        if self.seller_address != "" {
            w.write_with_tag(58, |w| w.write_string(&**&self.seller_address))?;
        }
        if self.rating_count != 0u32 {
            w.write_with_tag(64, |w| w.write_uint32(*&self.rating_count))?;
        }
        if self.rating_sum != 0u32 {
            w.write_with_tag(72, |w| w.write_uint32(*&self.rating_sum))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Order<'a> {
    pub id: u32,
    pub item_id: u32,
    pub item_name: Cow<'a, str>,
    pub quantity: u32,
    pub price_cents: u64,
    pub total_cents: u64,
    pub seller_address: Cow<'a, str>,
    pub buyer_address: Cow<'a, str>,
    pub ordered_at_ms: u64,
}

impl<'a> MessageRead<'a> for Order<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.id = r.read_uint32(bytes)?,
                Ok(16) => msg.item_id = r.read_uint32(bytes)?,
                Ok(26) => msg.item_name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(32) => msg.quantity = r.read_uint32(bytes)?,
                Ok(40) => msg.price_cents = r.read_uint64(bytes)?,
                Ok(48) => msg.total_cents = r.read_uint64(bytes)?,
                Ok(58) => msg.seller_address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(66) => msg.buyer_address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(72) => msg.ordered_at_ms = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Order<'a> {
    fn get_size(&self) -> usize {
        0 + if self.id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.id) as u64) }
            + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
            + if self.item_name == "" { 0 } else { 1 + sizeof_len((&self.item_name).len()) }
            + if self.quantity == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.quantity) as u64) }
            + if self.price_cents == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.price_cents) as u64)
            }
            + if self.total_cents == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.total_cents) as u64)
            }
            + if self.seller_address == "" {
                0
            } else {
                1 + sizeof_len((&self.seller_address).len())
            }
            + if self.buyer_address == "" { 0 } else { 1 + sizeof_len((&self.buyer_address).len()) }
            + if self.ordered_at_ms == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.ordered_at_ms) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.id != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.id))?;
        }
        if self.item_id != 0u32 {
            w.write_with_tag(16, |w| w.write_uint32(*&self.item_id))?;
        }
        if self.item_name != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.item_name))?;
        }
        if self.quantity != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.quantity))?;
        }
        if self.price_cents != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.price_cents))?;
        }
        if self.total_cents != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.total_cents))?;
        }
        if self.seller_address != "" {
            w.write_with_tag(58, |w| w.write_string(&**&self.seller_address))?;
        }
        if self.buyer_address != "" {
            w.write_with_tag(66, |w| w.write_string(&**&self.buyer_address))?;
        }
        if self.ordered_at_ms != 0u64 {
            w.write_with_tag(72, |w| w.write_uint64(*&self.ordered_at_ms))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Notification<'a> {
    pub id: u64,
    pub kind: NotificationKind,
    pub item: Option<Item<'a>>,
    pub previous_price_cents: u64,
    pub previous_quantity: u32,
    pub order: Option<Order<'a>>,
}

impl<'a> MessageRead<'a> for Notification<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.id = r.read_uint64(bytes)?,
                Ok(16) => msg.kind = r.read_enum(bytes)?,
                Ok(26) => msg.item = Some(r.read_message::<Item>(bytes)?),
                Ok(32) => msg.previous_price_cents = r.read_uint64(bytes)?,
                Ok(40) => msg.previous_quantity = r.read_uint32(bytes)?,
                Ok(50) => msg.order = Some(r.read_message::<Order>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Notification<'a> {
    fn get_size(&self) -> usize {
        0 + if self.id == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.id) as u64) }
            + if self.kind == agora_market_v1::NotificationKind::NOTIFICATION_KIND_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.kind) as u64)
            }
            + self.item.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.previous_price_cents == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.previous_price_cents) as u64)
            }
            + if self.previous_quantity == 0u32 {
                0
            } else {
                1 + sizeof_varint(*(&self.previous_quantity) as u64)
            }
            + self.order.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.id != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.id))?;
        }
        if self.kind != agora_market_v1::NotificationKind::NOTIFICATION_KIND_UNSPECIFIED {
            w.write_with_tag(16, |w| w.write_enum(*&self.kind as i32))?;
        }
        if let Some(ref s) = self.item {
            w.write_with_tag(26, |w| w.write_message(s))?;
        }
        if self.previous_price_cents != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.previous_price_cents))?;
        }
        if self.previous_quantity != 0u32 {
            w.write_with_tag(40, |w| w.write_uint32(*&self.previous_quantity))?;
        }
        if let Some(ref s) = self.order {
            w.write_with_tag(50, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RegisterSellerRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub request_id: u64,
}

impl<'a> MessageRead<'a> for RegisterSellerRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.request_id = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for RegisterSellerRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.request_id == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.request_id) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.request_id != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.request_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RegisterSellerResponse {}

impl<'a> MessageRead<'a> for RegisterSellerResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for RegisterSellerResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RegisterBuyerRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub request_id: u64,
}

impl<'a> MessageRead<'a> for RegisterBuyerRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.request_id = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for RegisterBuyerRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.request_id == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.request_id) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.request_id != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.request_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RegisterBuyerResponse {}

impl<'a> MessageRead<'a> for RegisterBuyerResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for RegisterBuyerResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SellItemRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub request_id: u64,
    pub name: Cow<'a, str>,
    pub category: Category,
    pub quantity: u32,
    pub description: Cow<'a, str>,
    pub price_cents: u64,
}

impl<'a> MessageRead<'a> for SellItemRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.request_id = r.read_uint64(bytes)?,
                Ok(34) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(40) => msg.category = r.read_enum(bytes)?,
                Ok(48) => msg.quantity = r.read_uint32(bytes)?,
                Ok(58) => msg.description = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(64) => msg.price_cents = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for SellItemRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.request_id == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.request_id) as u64)
            }
            + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
            + if self.category == agora_market_v1::Category::CATEGORY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.category) as u64)
            }
            + if self.quantity == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.quantity) as u64) }
            + if self.description == "" { 0 } else { 1 + sizeof_len((&self.description).len()) }
            + if self.price_cents == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.price_cents) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.request_id != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.request_id))?;
        }
        if self.name != "" {
            w.write_with_tag(34, |w| w.write_string(&**&self.name))?;
        }
        if self.category != agora_market_v1::Category::CATEGORY_UNSPECIFIED {
            w.write_with_tag(40, |w| w.write_enum(*&self.category as i32))?;
        }
        if self.quantity != 0u32 {
            w.write_with_tag(48, |w| w.write_uint32(*&self.quantity))?;
        }
        if self.description != "" {
            w.write_with_tag(58, |w| w.write_string(&**&self.description))?;
        }
        if self.price_cents != 0u64 {
            w.write_with_tag(64, |w| w.write_uint64(*&self.price_cents))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SellItemResponse {
    pub item_id: u32,
}

impl<'a> MessageRead<'a> for SellItemResponse {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.item_id = r.read_uint32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for SellItemResponse {
    fn get_size(&self) -> usize {
        0 + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.item_id != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.item_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct UpdateItemRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub request_id: u64,
    pub item_id: u32,
    pub price_cents: Option<UInt64Value>,
    pub quantity: Option<UInt32Value>,
}

impl<'a> MessageRead<'a> for UpdateItemRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.request_id = r.read_uint64(bytes)?,
                Ok(32) => msg.item_id = r.read_uint32(bytes)?,
                Ok(42) => msg.price_cents = Some(r.read_message::<UInt64Value>(bytes)?),
                Ok(50) => msg.quantity = Some(r.read_message::<UInt32Value>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for UpdateItemRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.request_id == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.request_id) as u64)
            }
            + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
            + self.price_cents.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.quantity.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.request_id != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.request_id))?;
        }
        if self.item_id != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.item_id))?;
        }
        if let Some(ref s) = self.price_cents {
            w.write_with_tag(42, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.quantity {
            w.write_with_tag(50, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct UpdateItemResponse<'a> {
    pub item: Option<Item<'a>>,
}

impl<'a> MessageRead<'a> for UpdateItemResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.item = Some(r.read_message::<Item>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for UpdateItemResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.item.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.item {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct DeleteItemRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub request_id: u64,
    pub item_id: u32,
}

impl<'a> MessageRead<'a> for DeleteItemRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.request_id = r.read_uint64(bytes)?,
                Ok(32) => msg.item_id = r.read_uint32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for DeleteItemRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.request_id == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.request_id) as u64)
            }
            + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.request_id != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.request_id))?;
        }
        if self.item_id != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.item_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct DeleteItemResponse {}

impl<'a> MessageRead<'a> for DeleteItemResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for DeleteItemResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct DisplaySellerItemsRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub page_size: u32,
    pub page_token: Cow<'a, str>,
    pub consistency: Consistency,
}

impl<'a> MessageRead<'a> for DisplaySellerItemsRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(32) => msg.page_size = r.read_uint32(bytes)?,
                Ok(42) => msg.page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(48) => msg.consistency = r.read_enum(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for DisplaySellerItemsRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.page_size == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.page_size) as u64) }
            + if self.page_token == "" { 0 } else { 1 + sizeof_len((&self.page_token).len()) }
            + if self.consistency == agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.consistency) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.page_size != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.page_size))?;
        }
        if self.page_token != "" {
            w.write_with_tag(42, |w| w.write_string(&**&self.page_token))?;
        }
        if self.consistency != agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
            w.write_with_tag(48, |w| w.write_enum(*&self.consistency as i32))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct DisplaySellerItemsResponse<'a> {
    pub items: Vec<Item<'a>>,
    pub next_page_token: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for DisplaySellerItemsResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.items.push(r.read_message::<Item>(bytes)?),
                Ok(18) => msg.next_page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for DisplaySellerItemsResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.items.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.next_page_token == "" {
                0
            } else {
                1 + sizeof_len((&self.next_page_token).len())
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.items {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.next_page_token != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.next_page_token))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SearchItemRequest<'a> {
    pub name: Cow<'a, str>,
    pub category: Category,
    pub sort_order: SortOrder,
    pub page_size: u32,
    pub page_token: Cow<'a, str>,
    pub consistency: Consistency,
}

impl<'a> MessageRead<'a> for SearchItemRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.category = r.read_enum(bytes)?,
                Ok(24) => msg.sort_order = r.read_enum(bytes)?,
                Ok(32) => msg.page_size = r.read_uint32(bytes)?,
                Ok(42) => msg.page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(48) => msg.consistency = r.read_enum(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for SearchItemRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
            + if self.category == agora_market_v1::Category::CATEGORY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.category) as u64)
            }
            + if self.sort_order == agora_market_v1::SortOrder::SORT_ORDER_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.sort_order) as u64)
            }
            + if self.page_size == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.page_size) as u64) }
            + if self.page_token == "" { 0 } else { 1 + sizeof_len((&self.page_token).len()) }
            + if self.consistency == agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.consistency) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.name != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.name))?;
        }
        if self.category != agora_market_v1::Category::CATEGORY_UNSPECIFIED {
            w.write_with_tag(16, |w| w.write_enum(*&self.category as i32))?;
        }
        if self.sort_order != agora_market_v1::SortOrder::SORT_ORDER_UNSPECIFIED {
            w.write_with_tag(24, |w| w.write_enum(*&self.sort_order as i32))?;
        }
        if self.page_size != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.page_size))?;
        }
        if self.page_token != "" {
            w.write_with_tag(42, |w| w.write_string(&**&self.page_token))?;
        }
        if self.consistency != agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
            w.write_with_tag(48, |w| w.write_enum(*&self.consistency as i32))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SearchItemResponse<'a> {
    pub items: Vec<Item<'a>>,
    pub next_page_token: Cow<'a, str>,
    pub total: u32,
}

impl<'a> MessageRead<'a> for SearchItemResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.items.push(r.read_message::<Item>(bytes)?),
                Ok(18) => msg.next_page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.total = r.read_uint32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for SearchItemResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.items.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.next_page_token == "" {
                0
            } else {
                1 + sizeof_len((&self.next_page_token).len())
            }
            + if self.total == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.total) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.items {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.next_page_token != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.next_page_token))?;
        }
        if self.total != 0u32 {
            w.write_with_tag(24, |w| w.write_uint32(*&self.total))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct GetItemRequest {
    pub item_id: u32,
    pub consistency: Consistency,
}

impl<'a> MessageRead<'a> for GetItemRequest {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.item_id = r.read_uint32(bytes)?,
                Ok(16) => msg.consistency = r.read_enum(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for GetItemRequest {
    fn get_size(&self) -> usize {
        0 + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
            + if self.consistency == agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.consistency) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.item_id != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.item_id))?;
        }
        if self.consistency != agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
            w.write_with_tag(16, |w| w.write_enum(*&self.consistency as i32))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct GetItemResponse<'a> {
    pub item: Option<Item<'a>>,
}

impl<'a> MessageRead<'a> for GetItemResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.item = Some(r.read_message::<Item>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for GetItemResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.item.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.item {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct BuyItemRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub request_id: u64,
    pub item_id: u32,
    pub quantity: u32,
    pub max_price_cents: u64,
}

impl<'a> MessageRead<'a> for BuyItemRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.request_id = r.read_uint64(bytes)?,
                Ok(32) => msg.item_id = r.read_uint32(bytes)?,
                Ok(40) => msg.quantity = r.read_uint32(bytes)?,
                Ok(48) => msg.max_price_cents = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for BuyItemRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.request_id == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.request_id) as u64)
            }
            + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
            + if self.quantity == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.quantity) as u64) }
            + if self.max_price_cents == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.max_price_cents) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.request_id != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.request_id))?;
        }
        if self.item_id != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.item_id))?;
        }
        if self.quantity != 0u32 {
            w.write_with_tag(40, |w| w.write_uint32(*&self.quantity))?;
        }
        if self.max_price_cents != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.max_price_cents))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct BuyItemResponse<'a> {
    pub order: Option<Order<'a>>,
}

impl<'a> MessageRead<'a> for BuyItemResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.order = Some(r.read_message::<Order>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for BuyItemResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.order.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.order {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct AddToWishListRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub request_id: u64,
    pub item_id: u32,
}

impl<'a> MessageRead<'a> for AddToWishListRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.request_id = r.read_uint64(bytes)?,
                Ok(32) => msg.item_id = r.read_uint32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for AddToWishListRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.request_id == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.request_id) as u64)
            }
            + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.request_id != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.request_id))?;
        }
        if self.item_id != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.item_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct AddToWishListResponse {}

impl<'a> MessageRead<'a> for AddToWishListResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for AddToWishListResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RemoveFromWishListRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub request_id: u64,
    pub item_id: u32,
}

impl<'a> MessageRead<'a> for RemoveFromWishListRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.request_id = r.read_uint64(bytes)?,
                Ok(32) => msg.item_id = r.read_uint32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for RemoveFromWishListRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.request_id == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.request_id) as u64)
            }
            + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.request_id != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.request_id))?;
        }
        if self.item_id != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.item_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RemoveFromWishListResponse {}

impl<'a> MessageRead<'a> for RemoveFromWishListResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for RemoveFromWishListResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ViewWishListRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub page_size: u32,
    pub page_token: Cow<'a, str>,
    pub consistency: Consistency,
}

impl<'a> MessageRead<'a> for ViewWishListRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(32) => msg.page_size = r.read_uint32(bytes)?,
                Ok(42) => msg.page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(48) => msg.consistency = r.read_enum(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ViewWishListRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.page_size == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.page_size) as u64) }
            + if self.page_token == "" { 0 } else { 1 + sizeof_len((&self.page_token).len()) }
            + if self.consistency == agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.consistency) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.page_size != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.page_size))?;
        }
        if self.page_token != "" {
            w.write_with_tag(42, |w| w.write_string(&**&self.page_token))?;
        }
        if self.consistency != agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
            w.write_with_tag(48, |w| w.write_enum(*&self.consistency as i32))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ViewWishListResponse<'a> {
    pub items: Vec<Item<'a>>,
    pub next_page_token: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for ViewWishListResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.items.push(r.read_message::<Item>(bytes)?),
                Ok(18) => msg.next_page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ViewWishListResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.items.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.next_page_token == "" {
                0
            } else {
                1 + sizeof_len((&self.next_page_token).len())
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.items {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.next_page_token != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.next_page_token))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RateItemRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub request_id: u64,
    pub item_id: u32,
    pub stars: u32,
}

impl<'a> MessageRead<'a> for RateItemRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.request_id = r.read_uint64(bytes)?,
                Ok(32) => msg.item_id = r.read_uint32(bytes)?,
                Ok(40) => msg.stars = r.read_uint32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for RateItemRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.request_id == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.request_id) as u64)
            }
            + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
            + if self.stars == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.stars) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.request_id != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.request_id))?;
        }
        if self.item_id != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.item_id))?;
        }
        if self.stars != 0u32 {
            w.write_with_tag(40, |w| w.write_uint32(*&self.stars))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RateItemResponse {}

impl<'a> MessageRead<'a> for RateItemResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for RateItemResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct BuyerOrdersRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub page_size: u32,
    pub page_token: Cow<'a, str>,
    pub consistency: Consistency,
}

impl<'a> MessageRead<'a> for BuyerOrdersRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(32) => msg.page_size = r.read_uint32(bytes)?,
                Ok(42) => msg.page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(48) => msg.consistency = r.read_enum(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for BuyerOrdersRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.page_size == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.page_size) as u64) }
            + if self.page_token == "" { 0 } else { 1 + sizeof_len((&self.page_token).len()) }
            + if self.consistency == agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.consistency) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.page_size != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.page_size))?;
        }
        if self.page_token != "" {
            w.write_with_tag(42, |w| w.write_string(&**&self.page_token))?;
        }
        if self.consistency != agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
            w.write_with_tag(48, |w| w.write_enum(*&self.consistency as i32))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct BuyerOrdersResponse<'a> {
    pub orders: Vec<Order<'a>>,
    pub next_page_token: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for BuyerOrdersResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.orders.push(r.read_message::<Order>(bytes)?),
                Ok(18) => msg.next_page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for BuyerOrdersResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.orders.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.next_page_token == "" {
                0
            } else {
                1 + sizeof_len((&self.next_page_token).len())
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.orders {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.next_page_token != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.next_page_token))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SellerOrdersRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub page_size: u32,
    pub page_token: Cow<'a, str>,
    pub consistency: Consistency,
}

impl<'a> MessageRead<'a> for SellerOrdersRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(32) => msg.page_size = r.read_uint32(bytes)?,
                Ok(42) => msg.page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(48) => msg.consistency = r.read_enum(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for SellerOrdersRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.page_size == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.page_size) as u64) }
            + if self.page_token == "" { 0 } else { 1 + sizeof_len((&self.page_token).len()) }
            + if self.consistency == agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.consistency) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.page_size != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.page_size))?;
        }
        if self.page_token != "" {
            w.write_with_tag(42, |w| w.write_string(&**&self.page_token))?;
        }
        if self.consistency != agora_market_v1::Consistency::CONSISTENCY_UNSPECIFIED {
            w.write_with_tag(48, |w| w.write_enum(*&self.consistency as i32))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SellerOrdersResponse<'a> {
    pub orders: Vec<Order<'a>>,
    pub next_page_token: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for SellerOrdersResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.orders.push(r.read_message::<Order>(bytes)?),
                Ok(18) => msg.next_page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for SellerOrdersResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.orders.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.next_page_token == "" {
                0
            } else {
                1 + sizeof_len((&self.next_page_token).len())
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.orders {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.next_page_token != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.next_page_token))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct WatchNotificationsRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub after_id: u64,
}

impl<'a> MessageRead<'a> for WatchNotificationsRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(32) => msg.after_id = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for WatchNotificationsRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.after_id == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.after_id) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.after_id != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.after_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct WatchNotificationsResponse<'a> {
    pub notification: Option<Notification<'a>>,
    pub missed: u64,
}

impl<'a> MessageRead<'a> for WatchNotificationsResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.notification = Some(r.read_message::<Notification>(bytes)?),
                Ok(16) => msg.missed = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for WatchNotificationsResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.notification.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.missed == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.missed) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.notification {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.missed != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.missed))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct AcknowledgeNotificationsRequest<'a> {
    pub uuid: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub request_id: u64,
    pub up_to_id: u64,
}

impl<'a> MessageRead<'a> for AcknowledgeNotificationsRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.uuid = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.request_id = r.read_uint64(bytes)?,
                Ok(32) => msg.up_to_id = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for AcknowledgeNotificationsRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.uuid == "" { 0 } else { 1 + sizeof_len((&self.uuid).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.request_id == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.request_id) as u64)
            }
            + if self.up_to_id == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.up_to_id) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.uuid != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.uuid))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.request_id != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.request_id))?;
        }
        if self.up_to_id != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.up_to_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct AcknowledgeNotificationsResponse {}

impl<'a> MessageRead<'a> for AcknowledgeNotificationsResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for AcknowledgeNotificationsResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct UInt64Value {
    pub value: u64,
}

impl<'a> MessageRead<'a> for UInt64Value {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.value = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for UInt64Value {
    fn get_size(&self) -> usize {
        0 + if self.value == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.value) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.value != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.value))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct UInt32Value {
    pub value: u32,
}

impl<'a> MessageRead<'a> for UInt32Value {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.value = r.read_uint32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for UInt32Value {
    fn get_size(&self) -> usize {
        0 + if self.value == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.value) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.value != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.value))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ModerateAccountRequest<'a> {
    pub address: Cow<'a, str>,
    pub change: AccountChange,
    pub reason: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for ModerateAccountRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.change = r.read_enum(bytes)?,
                Ok(26) => msg.reason = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ModerateAccountRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.change == agora_market_v1::AccountChange::ACCOUNT_CHANGE_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.change) as u64)
            }
            + if self.reason == "" { 0 } else { 1 + sizeof_len((&self.reason).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.address != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.address))?;
        }
        if self.change != agora_market_v1::AccountChange::ACCOUNT_CHANGE_UNSPECIFIED {
            w.write_with_tag(16, |w| w.write_enum(*&self.change as i32))?;
        }
        if self.reason != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.reason))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ModerateAccountResponse {}

impl<'a> MessageRead<'a> for ModerateAccountResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for ModerateAccountResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ModerateItemRequest<'a> {
    pub item_id: u32,
    pub remove: bool,
    pub reason: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for ModerateItemRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.item_id = r.read_uint32(bytes)?,
                Ok(16) => msg.remove = r.read_bool(bytes)?,
                Ok(26) => msg.reason = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ModerateItemRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
            + if self.remove == false { 0 } else { 1 + sizeof_varint(*(&self.remove) as u64) }
            + if self.reason == "" { 0 } else { 1 + sizeof_len((&self.reason).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.item_id != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.item_id))?;
        }
        if self.remove != false {
            w.write_with_tag(16, |w| w.write_bool(*&self.remove))?;
        }
        if self.reason != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.reason))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ModerateItemResponse {}

impl<'a> MessageRead<'a> for ModerateItemResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for ModerateItemResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ListRestrictedAccountsRequest<'a> {
    pub page_size: u32,
    pub page_token: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for ListRestrictedAccountsRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.page_size = r.read_uint32(bytes)?,
                Ok(18) => msg.page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ListRestrictedAccountsRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.page_size == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.page_size) as u64) }
            + if self.page_token == "" { 0 } else { 1 + sizeof_len((&self.page_token).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.page_size != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.page_size))?;
        }
        if self.page_token != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.page_token))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RestrictedAccount<'a> {
    pub address: Cow<'a, str>,
    pub standing: AccountStanding,
}

impl<'a> MessageRead<'a> for RestrictedAccount<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.standing = r.read_enum(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for RestrictedAccount<'a> {
    fn get_size(&self) -> usize {
        0 + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.standing == agora_market_v1::AccountStanding::ACCOUNT_STANDING_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.standing) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.address != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.address))?;
        }
        if self.standing != agora_market_v1::AccountStanding::ACCOUNT_STANDING_UNSPECIFIED {
            w.write_with_tag(16, |w| w.write_enum(*&self.standing as i32))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ListRestrictedAccountsResponse<'a> {
    pub accounts: Vec<RestrictedAccount<'a>>,
    pub next_page_token: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for ListRestrictedAccountsResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.accounts.push(r.read_message::<RestrictedAccount>(bytes)?),
                Ok(18) => msg.next_page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ListRestrictedAccountsResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.accounts.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.next_page_token == "" {
                0
            } else {
                1 + sizeof_len((&self.next_page_token).len())
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.accounts {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.next_page_token != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.next_page_token))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ListRemovedItemsRequest<'a> {
    pub page_size: u32,
    pub page_token: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for ListRemovedItemsRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.page_size = r.read_uint32(bytes)?,
                Ok(18) => msg.page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ListRemovedItemsRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.page_size == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.page_size) as u64) }
            + if self.page_token == "" { 0 } else { 1 + sizeof_len((&self.page_token).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.page_size != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.page_size))?;
        }
        if self.page_token != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.page_token))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RemovedItem<'a> {
    pub item_id: u32,
    pub name: Cow<'a, str>,
    pub seller_address: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for RemovedItem<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.item_id = r.read_uint32(bytes)?,
                Ok(18) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(26) => msg.seller_address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for RemovedItem<'a> {
    fn get_size(&self) -> usize {
        0 + if self.item_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.item_id) as u64) }
            + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
            + if self.seller_address == "" {
                0
            } else {
                1 + sizeof_len((&self.seller_address).len())
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.item_id != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.item_id))?;
        }
        if self.name != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.name))?;
        }
        if self.seller_address != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.seller_address))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ListRemovedItemsResponse<'a> {
    pub items: Vec<RemovedItem<'a>>,
    pub next_page_token: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for ListRemovedItemsResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.items.push(r.read_message::<RemovedItem>(bytes)?),
                Ok(18) => msg.next_page_token = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ListRemovedItemsResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.items.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.next_page_token == "" {
                0
            } else {
                1 + sizeof_len((&self.next_page_token).len())
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.items {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.next_page_token != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.next_page_token))?;
        }
        Ok(())
    }
}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static ITEM: Shape = Shape::new(
    "agora.market.v1.Item",
    size_of::<Item<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Signed32)),
        Field::one(4, Kind::Text),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Unsigned32)),
        Field::one(7, Kind::Text),
        Field::one(8, Kind::Varint(Width::Unsigned32)),
        Field::one(9, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for Item<'_> {
    const SHAPE: &'static Shape = &ITEM;
}

static ORDER: Shape = Shape::new(
    "agora.market.v1.Order",
    size_of::<Order<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Text),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Bits64)),
        Field::one(7, Kind::Text),
        Field::one(8, Kind::Text),
        Field::one(9, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Order<'_> {
    const SHAPE: &'static Shape = &ORDER;
}

static NOTIFICATION: Shape = Shape::new(
    "agora.market.v1.Notification",
    size_of::<Notification<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Signed32)),
        Field::one(3, Kind::Message(&ITEM)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Unsigned32)),
        Field::one(6, Kind::Message(&ORDER)),
    ],
);
impl Checked for Notification<'_> {
    const SHAPE: &'static Shape = &NOTIFICATION;
}

static REGISTER_SELLER_REQUEST: Shape = Shape::new(
    "agora.market.v1.RegisterSellerRequest",
    size_of::<RegisterSellerRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for RegisterSellerRequest<'_> {
    const SHAPE: &'static Shape = &REGISTER_SELLER_REQUEST;
}

static REGISTER_SELLER_RESPONSE: Shape =
    Shape::new("agora.market.v1.RegisterSellerResponse", size_of::<RegisterSellerResponse>(), &[]);
impl Checked for RegisterSellerResponse {
    const SHAPE: &'static Shape = &REGISTER_SELLER_RESPONSE;
}

static REGISTER_BUYER_REQUEST: Shape = Shape::new(
    "agora.market.v1.RegisterBuyerRequest",
    size_of::<RegisterBuyerRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for RegisterBuyerRequest<'_> {
    const SHAPE: &'static Shape = &REGISTER_BUYER_REQUEST;
}

static REGISTER_BUYER_RESPONSE: Shape =
    Shape::new("agora.market.v1.RegisterBuyerResponse", size_of::<RegisterBuyerResponse>(), &[]);
impl Checked for RegisterBuyerResponse {
    const SHAPE: &'static Shape = &REGISTER_BUYER_RESPONSE;
}

static SELL_ITEM_REQUEST: Shape = Shape::new(
    "agora.market.v1.SellItemRequest",
    size_of::<SellItemRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Text),
        Field::one(5, Kind::Varint(Width::Signed32)),
        Field::one(6, Kind::Varint(Width::Unsigned32)),
        Field::one(7, Kind::Text),
        Field::one(8, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for SellItemRequest<'_> {
    const SHAPE: &'static Shape = &SELL_ITEM_REQUEST;
}

static SELL_ITEM_RESPONSE: Shape = Shape::new(
    "agora.market.v1.SellItemResponse",
    size_of::<SellItemResponse>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32))],
);
impl Checked for SellItemResponse {
    const SHAPE: &'static Shape = &SELL_ITEM_RESPONSE;
}

static UPDATE_ITEM_REQUEST: Shape = Shape::new(
    "agora.market.v1.UpdateItemRequest",
    size_of::<UpdateItemRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Message(&U_INT64_VALUE)),
        Field::one(6, Kind::Message(&U_INT32_VALUE)),
    ],
);
impl Checked for UpdateItemRequest<'_> {
    const SHAPE: &'static Shape = &UPDATE_ITEM_REQUEST;
}

static UPDATE_ITEM_RESPONSE: Shape = Shape::new(
    "agora.market.v1.UpdateItemResponse",
    size_of::<UpdateItemResponse<'_>>(),
    &[Field::one(1, Kind::Message(&ITEM))],
);
impl Checked for UpdateItemResponse<'_> {
    const SHAPE: &'static Shape = &UPDATE_ITEM_RESPONSE;
}

static DELETE_ITEM_REQUEST: Shape = Shape::new(
    "agora.market.v1.DeleteItemRequest",
    size_of::<DeleteItemRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for DeleteItemRequest<'_> {
    const SHAPE: &'static Shape = &DELETE_ITEM_REQUEST;
}

static DELETE_ITEM_RESPONSE: Shape =
    Shape::new("agora.market.v1.DeleteItemResponse", size_of::<DeleteItemResponse>(), &[]);
impl Checked for DeleteItemResponse {
    const SHAPE: &'static Shape = &DELETE_ITEM_RESPONSE;
}

static DISPLAY_SELLER_ITEMS_REQUEST: Shape = Shape::new(
    "agora.market.v1.DisplaySellerItemsRequest",
    size_of::<DisplaySellerItemsRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Text),
        Field::one(6, Kind::Varint(Width::Signed32)),
    ],
);
impl Checked for DisplaySellerItemsRequest<'_> {
    const SHAPE: &'static Shape = &DISPLAY_SELLER_ITEMS_REQUEST;
}

static DISPLAY_SELLER_ITEMS_RESPONSE: Shape = Shape::new(
    "agora.market.v1.DisplaySellerItemsResponse",
    size_of::<DisplaySellerItemsResponse<'_>>(),
    &[Field::many(1, Kind::Message(&ITEM)), Field::one(2, Kind::Text)],
);
impl Checked for DisplaySellerItemsResponse<'_> {
    const SHAPE: &'static Shape = &DISPLAY_SELLER_ITEMS_RESPONSE;
}

static SEARCH_ITEM_REQUEST: Shape = Shape::new(
    "agora.market.v1.SearchItemRequest",
    size_of::<SearchItemRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Signed32)),
        Field::one(3, Kind::Varint(Width::Signed32)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Text),
        Field::one(6, Kind::Varint(Width::Signed32)),
    ],
);
impl Checked for SearchItemRequest<'_> {
    const SHAPE: &'static Shape = &SEARCH_ITEM_REQUEST;
}

static SEARCH_ITEM_RESPONSE: Shape = Shape::new(
    "agora.market.v1.SearchItemResponse",
    size_of::<SearchItemResponse<'_>>(),
    &[
        Field::many(1, Kind::Message(&ITEM)),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for SearchItemResponse<'_> {
    const SHAPE: &'static Shape = &SEARCH_ITEM_RESPONSE;
}

static GET_ITEM_REQUEST: Shape = Shape::new(
    "agora.market.v1.GetItemRequest",
    size_of::<GetItemRequest>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32)), Field::one(2, Kind::Varint(Width::Signed32))],
);
impl Checked for GetItemRequest {
    const SHAPE: &'static Shape = &GET_ITEM_REQUEST;
}

static GET_ITEM_RESPONSE: Shape = Shape::new(
    "agora.market.v1.GetItemResponse",
    size_of::<GetItemResponse<'_>>(),
    &[Field::one(1, Kind::Message(&ITEM))],
);
impl Checked for GetItemResponse<'_> {
    const SHAPE: &'static Shape = &GET_ITEM_RESPONSE;
}

static BUY_ITEM_REQUEST: Shape = Shape::new(
    "agora.market.v1.BuyItemRequest",
    size_of::<BuyItemRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Varint(Width::Unsigned32)),
        Field::one(6, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for BuyItemRequest<'_> {
    const SHAPE: &'static Shape = &BUY_ITEM_REQUEST;
}

static BUY_ITEM_RESPONSE: Shape = Shape::new(
    "agora.market.v1.BuyItemResponse",
    size_of::<BuyItemResponse<'_>>(),
    &[Field::one(1, Kind::Message(&ORDER))],
);
impl Checked for BuyItemResponse<'_> {
    const SHAPE: &'static Shape = &BUY_ITEM_RESPONSE;
}

static ADD_TO_WISH_LIST_REQUEST: Shape = Shape::new(
    "agora.market.v1.AddToWishListRequest",
    size_of::<AddToWishListRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for AddToWishListRequest<'_> {
    const SHAPE: &'static Shape = &ADD_TO_WISH_LIST_REQUEST;
}

static ADD_TO_WISH_LIST_RESPONSE: Shape =
    Shape::new("agora.market.v1.AddToWishListResponse", size_of::<AddToWishListResponse>(), &[]);
impl Checked for AddToWishListResponse {
    const SHAPE: &'static Shape = &ADD_TO_WISH_LIST_RESPONSE;
}

static REMOVE_FROM_WISH_LIST_REQUEST: Shape = Shape::new(
    "agora.market.v1.RemoveFromWishListRequest",
    size_of::<RemoveFromWishListRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for RemoveFromWishListRequest<'_> {
    const SHAPE: &'static Shape = &REMOVE_FROM_WISH_LIST_REQUEST;
}

static REMOVE_FROM_WISH_LIST_RESPONSE: Shape = Shape::new(
    "agora.market.v1.RemoveFromWishListResponse",
    size_of::<RemoveFromWishListResponse>(),
    &[],
);
impl Checked for RemoveFromWishListResponse {
    const SHAPE: &'static Shape = &REMOVE_FROM_WISH_LIST_RESPONSE;
}

static VIEW_WISH_LIST_REQUEST: Shape = Shape::new(
    "agora.market.v1.ViewWishListRequest",
    size_of::<ViewWishListRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Text),
        Field::one(6, Kind::Varint(Width::Signed32)),
    ],
);
impl Checked for ViewWishListRequest<'_> {
    const SHAPE: &'static Shape = &VIEW_WISH_LIST_REQUEST;
}

static VIEW_WISH_LIST_RESPONSE: Shape = Shape::new(
    "agora.market.v1.ViewWishListResponse",
    size_of::<ViewWishListResponse<'_>>(),
    &[Field::many(1, Kind::Message(&ITEM)), Field::one(2, Kind::Text)],
);
impl Checked for ViewWishListResponse<'_> {
    const SHAPE: &'static Shape = &VIEW_WISH_LIST_RESPONSE;
}

static RATE_ITEM_REQUEST: Shape = Shape::new(
    "agora.market.v1.RateItemRequest",
    size_of::<RateItemRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for RateItemRequest<'_> {
    const SHAPE: &'static Shape = &RATE_ITEM_REQUEST;
}

static RATE_ITEM_RESPONSE: Shape =
    Shape::new("agora.market.v1.RateItemResponse", size_of::<RateItemResponse>(), &[]);
impl Checked for RateItemResponse {
    const SHAPE: &'static Shape = &RATE_ITEM_RESPONSE;
}

static BUYER_ORDERS_REQUEST: Shape = Shape::new(
    "agora.market.v1.BuyerOrdersRequest",
    size_of::<BuyerOrdersRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Text),
        Field::one(6, Kind::Varint(Width::Signed32)),
    ],
);
impl Checked for BuyerOrdersRequest<'_> {
    const SHAPE: &'static Shape = &BUYER_ORDERS_REQUEST;
}

static BUYER_ORDERS_RESPONSE: Shape = Shape::new(
    "agora.market.v1.BuyerOrdersResponse",
    size_of::<BuyerOrdersResponse<'_>>(),
    &[Field::many(1, Kind::Message(&ORDER)), Field::one(2, Kind::Text)],
);
impl Checked for BuyerOrdersResponse<'_> {
    const SHAPE: &'static Shape = &BUYER_ORDERS_RESPONSE;
}

static SELLER_ORDERS_REQUEST: Shape = Shape::new(
    "agora.market.v1.SellerOrdersRequest",
    size_of::<SellerOrdersRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Text),
        Field::one(6, Kind::Varint(Width::Signed32)),
    ],
);
impl Checked for SellerOrdersRequest<'_> {
    const SHAPE: &'static Shape = &SELLER_ORDERS_REQUEST;
}

static SELLER_ORDERS_RESPONSE: Shape = Shape::new(
    "agora.market.v1.SellerOrdersResponse",
    size_of::<SellerOrdersResponse<'_>>(),
    &[Field::many(1, Kind::Message(&ORDER)), Field::one(2, Kind::Text)],
);
impl Checked for SellerOrdersResponse<'_> {
    const SHAPE: &'static Shape = &SELLER_ORDERS_RESPONSE;
}

static WATCH_NOTIFICATIONS_REQUEST: Shape = Shape::new(
    "agora.market.v1.WatchNotificationsRequest",
    size_of::<WatchNotificationsRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(4, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for WatchNotificationsRequest<'_> {
    const SHAPE: &'static Shape = &WATCH_NOTIFICATIONS_REQUEST;
}

static WATCH_NOTIFICATIONS_RESPONSE: Shape = Shape::new(
    "agora.market.v1.WatchNotificationsResponse",
    size_of::<WatchNotificationsResponse<'_>>(),
    &[Field::one(1, Kind::Message(&NOTIFICATION)), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for WatchNotificationsResponse<'_> {
    const SHAPE: &'static Shape = &WATCH_NOTIFICATIONS_RESPONSE;
}

static ACKNOWLEDGE_NOTIFICATIONS_REQUEST: Shape = Shape::new(
    "agora.market.v1.AcknowledgeNotificationsRequest",
    size_of::<AcknowledgeNotificationsRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for AcknowledgeNotificationsRequest<'_> {
    const SHAPE: &'static Shape = &ACKNOWLEDGE_NOTIFICATIONS_REQUEST;
}

static ACKNOWLEDGE_NOTIFICATIONS_RESPONSE: Shape = Shape::new(
    "agora.market.v1.AcknowledgeNotificationsResponse",
    size_of::<AcknowledgeNotificationsResponse>(),
    &[],
);
impl Checked for AcknowledgeNotificationsResponse {
    const SHAPE: &'static Shape = &ACKNOWLEDGE_NOTIFICATIONS_RESPONSE;
}

static U_INT64_VALUE: Shape = Shape::new(
    "google.protobuf.UInt64Value",
    size_of::<UInt64Value>(),
    &[Field::one(1, Kind::Varint(Width::Bits64))],
);
impl Checked for UInt64Value {
    const SHAPE: &'static Shape = &U_INT64_VALUE;
}

static U_INT32_VALUE: Shape = Shape::new(
    "google.protobuf.UInt32Value",
    size_of::<UInt32Value>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32))],
);
impl Checked for UInt32Value {
    const SHAPE: &'static Shape = &U_INT32_VALUE;
}

static MODERATE_ACCOUNT_REQUEST: Shape = Shape::new(
    "agora.market.v1.ModerateAccountRequest",
    size_of::<ModerateAccountRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Signed32)),
        Field::one(3, Kind::Text),
    ],
);
impl Checked for ModerateAccountRequest<'_> {
    const SHAPE: &'static Shape = &MODERATE_ACCOUNT_REQUEST;
}

static MODERATE_ACCOUNT_RESPONSE: Shape = Shape::new(
    "agora.market.v1.ModerateAccountResponse",
    size_of::<ModerateAccountResponse>(),
    &[],
);
impl Checked for ModerateAccountResponse {
    const SHAPE: &'static Shape = &MODERATE_ACCOUNT_RESPONSE;
}

static MODERATE_ITEM_REQUEST: Shape = Shape::new(
    "agora.market.v1.ModerateItemRequest",
    size_of::<ModerateItemRequest<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Text),
    ],
);
impl Checked for ModerateItemRequest<'_> {
    const SHAPE: &'static Shape = &MODERATE_ITEM_REQUEST;
}

static MODERATE_ITEM_RESPONSE: Shape =
    Shape::new("agora.market.v1.ModerateItemResponse", size_of::<ModerateItemResponse>(), &[]);
impl Checked for ModerateItemResponse {
    const SHAPE: &'static Shape = &MODERATE_ITEM_RESPONSE;
}

static LIST_RESTRICTED_ACCOUNTS_REQUEST: Shape = Shape::new(
    "agora.market.v1.ListRestrictedAccountsRequest",
    size_of::<ListRestrictedAccountsRequest<'_>>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32)), Field::one(2, Kind::Text)],
);
impl Checked for ListRestrictedAccountsRequest<'_> {
    const SHAPE: &'static Shape = &LIST_RESTRICTED_ACCOUNTS_REQUEST;
}

static RESTRICTED_ACCOUNT: Shape = Shape::new(
    "agora.market.v1.RestrictedAccount",
    size_of::<RestrictedAccount<'_>>(),
    &[Field::one(1, Kind::Text), Field::one(2, Kind::Varint(Width::Signed32))],
);
impl Checked for RestrictedAccount<'_> {
    const SHAPE: &'static Shape = &RESTRICTED_ACCOUNT;
}

static LIST_RESTRICTED_ACCOUNTS_RESPONSE: Shape = Shape::new(
    "agora.market.v1.ListRestrictedAccountsResponse",
    size_of::<ListRestrictedAccountsResponse<'_>>(),
    &[Field::many(1, Kind::Message(&RESTRICTED_ACCOUNT)), Field::one(2, Kind::Text)],
);
impl Checked for ListRestrictedAccountsResponse<'_> {
    const SHAPE: &'static Shape = &LIST_RESTRICTED_ACCOUNTS_RESPONSE;
}

static LIST_REMOVED_ITEMS_REQUEST: Shape = Shape::new(
    "agora.market.v1.ListRemovedItemsRequest",
    size_of::<ListRemovedItemsRequest<'_>>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32)), Field::one(2, Kind::Text)],
);
impl Checked for ListRemovedItemsRequest<'_> {
    const SHAPE: &'static Shape = &LIST_REMOVED_ITEMS_REQUEST;
}

static REMOVED_ITEM: Shape = Shape::new(
    "agora.market.v1.RemovedItem",
    size_of::<RemovedItem<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Text),
    ],
);
impl Checked for RemovedItem<'_> {
    const SHAPE: &'static Shape = &REMOVED_ITEM;
}

static LIST_REMOVED_ITEMS_RESPONSE: Shape = Shape::new(
    "agora.market.v1.ListRemovedItemsResponse",
    size_of::<ListRemovedItemsResponse<'_>>(),
    &[Field::many(1, Kind::Message(&REMOVED_ITEM)), Field::one(2, Kind::Text)],
);
impl Checked for ListRemovedItemsResponse<'_> {
    const SHAPE: &'static Shape = &LIST_REMOVED_ITEMS_RESPONSE;
}
