//! The operator's calls, `agora.market.v1.MarketAdminService`: accounts and items are moderated by
//! commands of the log, with the name of the caller and the reason.

use std::fmt::Write as _;

use super::MarketService;
use super::ticket::Ticket;
use crate::call::{Code, Principal, Status};
use crate::market::print::Escaped;
use crate::market::state::{Act, ItemId, Moderation, Standing, StandingChange, is_unprintable};
use crate::market::wire::text;
use crate::pb::agora_market_v1 as pb;
use crate::protobuf::{decode, encode_into};
use crate::replica::node::{Node, Shared};
use crate::replica::service;
use crate::rpc::{Answer, Answered, Context, Services};

/// The full name of the service.
pub(super) const NAME: &str = "agora.market.v1.MarketAdminService";

/// The most bytes of the caller's name in the log.
const MAX_NAME_BYTES: usize = 200;

/// Adds the methods to what a server answers.
pub(super) fn register(services: &mut Services, node: &Node<MarketService>) {
    let own = node.clone();
    services.deferrable(&path("ModerateAccount"), move |context, message, answer| {
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
        moderate(&mut own.lock(), context, text(&request.reason), act, answer)
    });
    let own = node.clone();
    services.deferrable(&path("ModerateItem"), move |context, message, answer| {
        let request: pb::ModerateItemRequest<'_> = read(message)?;
        let act = Act::SetItemHidden { item: ItemId(request.item_id), is_hidden: request.remove };
        moderate(&mut own.lock(), context, text(&request.reason), act, answer)
    });
    let own = node.clone();
    services.deferrable(&path("ListRestrictedAccounts"), move |_, message, answer| {
        list_accounts(&own.lock(), message, answer)
    });
    let own = node.clone();
    services.deferrable(&path("ListRemovedItems"), move |_, message, answer| {
        list_items(&own.lock(), message, answer)
    });
}

fn path(method: &str) -> String {
    format!("/{NAME}/{method}")
}

fn moderate(
    node: &mut Shared<MarketService>,
    context: &Context<'_>,
    why: &str,
    act: Act<'_>,
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    service::check_leader(node)?;
    if why.contains(is_unprintable) {
        let reason = "the reason has control characters in it";
        return Err(Status::new(Code::InvalidArgument, reason));
    }
    let by = given_by(context);
    let moderation = Moderation { by: &by, why, act };
    let encoded = moderation.encode()?;
    log::info!("moderation by {}: {}", Escaped(&by), described(&moderation));
    let encode = |bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(&encoded);
        Ok(())
    };
    service::write(node, None, encode, answer, |reply| Ticket::Moderation { reply })
}

/// Who calls, as the log has it.
fn given_by(context: &Context<'_>) -> String {
    let mut name = match **context.principal {
        Principal::Unchecked => context.peer.ip().to_string(),
        ref principal => format!("{principal} at {}", context.peer.ip()),
    };
    name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
    name
}

/// A command as the log has it, on one line.
fn described(moderation: &Moderation<'_>) -> String {
    let mut line = String::new();
    moderation.to_words(&mut |word| {
        let space = if line.is_empty() { "" } else { " " };
        // Writing to a `String` cannot fail.
        let _ = write!(line, "{space}{}", Escaped(&String::from_utf8_lossy(word)));
    });
    line
}

fn list_accounts(
    node: &Shared<MarketService>,
    message: &[u8],
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    service::check_leader(node)?;
    let request: pb::ListRestrictedAccountsRequest<'_> = read(message)?;
    let from = parse_token(text(&request.page_token))?;
    let market = node.state().machine();
    let page = market.restricted_accounts(from, request.page_size as usize);
    let accounts = page.entries.iter().map(|(_, address, standing)| pb::RestrictedAccount {
        address: (*address).into(),
        standing: match standing {
            Standing::Good => pb::AccountStanding::ACCOUNT_STANDING_UNSPECIFIED,
            Standing::Blocked => pb::AccountStanding::ACCOUNT_STANDING_BLOCKED,
            Standing::Removed => pb::AccountStanding::ACCOUNT_STANDING_REMOVED,
        },
    });
    let last = page.entries.last().map(|(account, ..)| account.number());
    let next_page_token = token(last, page.has_more).into();
    let response =
        pb::ListRestrictedAccountsResponse { accounts: accounts.collect(), next_page_token };
    service::answer_now(answer, |out| {
        encode_into(&response, out);
        Ok(())
    })
}

fn list_items(
    node: &Shared<MarketService>,
    message: &[u8],
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    service::check_leader(node)?;
    let request: pb::ListRemovedItemsRequest<'_> = read(message)?;
    let from = parse_token(text(&request.page_token))?;
    let market = node.state().machine();
    let page = market.hidden_items(ItemId(from), request.page_size as usize);
    let items = page.entries.iter().map(|item| pb::RemovedItem {
        item_id: item.id.0,
        name: item.fields.name.into(),
        seller_address: item.seller.into(),
    });
    let next_page_token = token(page.entries.last().map(|item| item.id.0), page.has_more).into();
    let response = pb::ListRemovedItemsResponse { items: items.collect(), next_page_token };
    service::answer_now(answer, |out| {
        encode_into(&response, out);
        Ok(())
    })
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

fn read<'m, M>(message: &'m [u8]) -> Result<M, Status>
where
    M: crate::protobuf::Checked + quick_protobuf::MessageRead<'m> + quick_protobuf::MessageWrite,
{
    decode(message).map_err(|error| Status::new(Code::Internal, error.to_string()))
}
