//! The messages of the operator's calls on the client's side (`proto/agora/market/v1`).

use std::borrow::Cow;

use quick_protobuf::MessageRead;

use super::{RemovedItem, RestrictedAccount};
use crate::call::{Code, Status};
use crate::market::client::record::Page;
use crate::market::state::{ItemId, Standing, StandingChange};
use crate::pb::agora_market_v1 as pb;
use crate::protobuf::{Checked, decode, encode};

pub fn moderate_account(address: &str, change: StandingChange, reason: &str) -> Vec<u8> {
    let change = match change {
        StandingChange::Block => pb::AccountChange::ACCOUNT_CHANGE_BLOCK,
        StandingChange::Unblock => pb::AccountChange::ACCOUNT_CHANGE_UNBLOCK,
        StandingChange::Remove => pb::AccountChange::ACCOUNT_CHANGE_REMOVE,
        StandingChange::Restore => pb::AccountChange::ACCOUNT_CHANGE_RESTORE,
    };
    let (address, reason) = (Cow::Borrowed(address), Cow::Borrowed(reason));
    encode(&pb::ModerateAccountRequest { address, change, reason })
}

pub fn moderate_item(item: ItemId, remove: bool, reason: &str) -> Vec<u8> {
    let reason = Cow::Borrowed(reason);
    encode(&pb::ModerateItemRequest { item_id: item.0, remove, reason })
}

pub fn list_accounts(token: &str) -> Vec<u8> {
    let page_token = Cow::Borrowed(token);
    encode(&pb::ListRestrictedAccountsRequest { page_size: 0, page_token })
}

pub fn list_items(token: &str) -> Vec<u8> {
    let page_token = Cow::Borrowed(token);
    encode(&pb::ListRemovedItemsRequest { page_size: 0, page_token })
}

pub fn restricted_accounts(bytes: &[u8]) -> Result<Page<RestrictedAccount>, Status> {
    let response: pb::ListRestrictedAccountsResponse<'_> = read(bytes)?;
    let entries = response.accounts.into_iter().map(|account| RestrictedAccount {
        address: account.address.into_owned(),
        standing: match account.standing {
            pb::AccountStanding::ACCOUNT_STANDING_REMOVED => Standing::Removed,
            _ => Standing::Blocked,
        },
    });
    Ok(Page { entries: entries.collect(), next: response.next_page_token.into_owned() })
}

pub fn removed_items(bytes: &[u8]) -> Result<Page<RemovedItem>, Status> {
    let response: pb::ListRemovedItemsResponse<'_> = read(bytes)?;
    let entries = response.items.into_iter().map(|item| RemovedItem {
        id: ItemId(item.item_id),
        name: item.name.into_owned(),
        seller: item.seller_address.into_owned(),
    });
    Ok(Page { entries: entries.collect(), next: response.next_page_token.into_owned() })
}

fn read<'m, M: Checked + MessageRead<'m>>(bytes: &'m [u8]) -> Result<M, Status> {
    decode(bytes).map_err(|error| Status::new(Code::Internal, error.to_string()))
}
