//! The messages of the operator's calls on the server's side (`proto/agora/market/v1`).

use quick_protobuf::{MessageRead, MessageWrite};

use crate::call::{Code, Status};
use crate::market::state::{AccountId, Act, ItemId, ItemView, Page, Standing, StandingChange};
use crate::market::wire::text;
use crate::pb::agora_market_v1 as pb;
use crate::protobuf::{Checked, decode, encode_into};

/// Parses the request of a command: what it does, and why.
pub type ParseAct = for<'m> fn(&'m [u8]) -> Result<(Act<'m>, &'m str), Status>;

pub fn parse_account_change(message: &[u8]) -> Result<(Act<'_>, &str), Status> {
    let request: pb::ModerateAccountRequest<'_> = read(message)?;
    let change = match request.change {
        pb::AccountChange::ACCOUNT_CHANGE_BLOCK => StandingChange::Block,
        pb::AccountChange::ACCOUNT_CHANGE_UNBLOCK => StandingChange::Unblock,
        pb::AccountChange::ACCOUNT_CHANGE_REMOVE => StandingChange::Remove,
        pb::AccountChange::ACCOUNT_CHANGE_RESTORE => StandingChange::Restore,
        pb::AccountChange::ACCOUNT_CHANGE_UNSPECIFIED => {
            return Err(Status::new(Code::InvalidArgument, "no change is specified"));
        }
    };
    let act = Act::SetStanding { account: text(&request.address), change };
    Ok((act, text(&request.reason)))
}

pub fn parse_item_change(message: &[u8]) -> Result<(Act<'_>, &str), Status> {
    let request: pb::ModerateItemRequest<'_> = read(message)?;
    let act = Act::SetItemHidden { item: ItemId(request.item_id), is_hidden: request.remove };
    Ok((act, text(&request.reason)))
}

/// A page of accounts: the first number on it, and how many at most.
pub fn parse_accounts(message: &[u8]) -> Result<(u32, usize), Status> {
    let request: pb::ListRestrictedAccountsRequest<'_> = read(message)?;
    Ok((parse_token(text(&request.page_token))?, request.page_size as usize))
}

/// A page of items: the first number on it, and how many at most.
pub fn parse_items(message: &[u8]) -> Result<(u32, usize), Status> {
    let request: pb::ListRemovedItemsRequest<'_> = read(message)?;
    Ok((parse_token(text(&request.page_token))?, request.page_size as usize))
}

pub fn append_accounts(page: &Page<(AccountId, &str, Standing)>, out: &mut Vec<u8>) {
    let accounts = page.entries.iter().map(|(_, address, standing)| pb::RestrictedAccount {
        address: (*address).into(),
        standing: match standing {
            Standing::Good => pb::AccountStanding::ACCOUNT_STANDING_UNSPECIFIED,
            Standing::Blocked => pb::AccountStanding::ACCOUNT_STANDING_BLOCKED,
            Standing::Removed => pb::AccountStanding::ACCOUNT_STANDING_REMOVED,
        },
    });
    let last = page.entries.last().map(|(account, ..)| account.number());
    let (accounts, next_page_token) = (accounts.collect(), token(last, page.has_more).into());
    encode_into(&pb::ListRestrictedAccountsResponse { accounts, next_page_token }, out);
}

pub fn append_items(page: &Page<ItemView<&str>>, out: &mut Vec<u8>) {
    let items = page.entries.iter().map(|item| pb::RemovedItem {
        item_id: item.id.0,
        name: item.fields.name.into(),
        seller_address: item.seller.into(),
    });
    let last = page.entries.last().map(|item| item.id.0);
    let (items, next_page_token) = (items.collect(), token(last, page.has_more).into());
    encode_into(&pb::ListRemovedItemsResponse { items, next_page_token }, out);
}

/// The token of the page behind the one that ends with this number: the first number of it.
fn token(last: Option<u32>, has_more: bool) -> String {
    let next = last.filter(|_| has_more).and_then(|last| last.checked_add(1));
    next.map_or_else(String::new, |next| next.to_string())
}

fn parse_token(token: &str) -> Result<u32, Status> {
    let refusal = |_| Status::new(Code::InvalidArgument, "the page token is not from this list");
    if token.is_empty() { Ok(0) } else { token.parse().map_err(refusal) }
}

fn read<'m, M: Checked + MessageRead<'m> + MessageWrite>(message: &'m [u8]) -> Result<M, Status> {
    decode(message).map_err(|error| Status::new(Code::Internal, error.to_string()))
}
