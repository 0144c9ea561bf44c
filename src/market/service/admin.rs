//! The operator's calls, `agora.market.v1.MarketAdminService`: accounts and items are moderated by
//! commands of the log, with the name of the caller and the reason.

mod wire;

use std::fmt::Write as _;

use super::MarketService;
use super::ticket::Ticket;
use crate::call::{Code, Principal, Status};
use crate::market::print::Escaped;
use crate::market::state::{Act, ItemId, Moderation, is_unprintable};
use crate::replica::node::{Node, Shared};
use crate::replica::service;
use crate::rpc::{Answer, Answered, Context, Services};

/// The full name of the service.
pub(super) const NAME: &str = "agora.market.v1.MarketAdminService";

/// The most bytes of the caller's name in the log.
const MAX_NAME_BYTES: usize = 200;

/// The commands, by the names of their methods.
const COMMANDS: [(&str, wire::ParseAct); 2] =
    [("ModerateAccount", wire::parse_account_change), ("ModerateItem", wire::parse_item_change)];

/// Adds the methods to what a server answers.
pub(super) fn register(services: &mut Services, node: &Node<MarketService>) {
    for (method, parse) in COMMANDS {
        let node = node.clone();
        services.deferrable(&path(method), move |context, message, answer| {
            let (act, why) = parse(message)?;
            moderate(&mut node.lock(), context, why, act, answer)
        });
    }
    let own = node.clone();
    services.deferrable(&path("ListRestrictedAccounts"), move |_, message, answer| {
        let node = own.lock();
        service::check_leader(&node)?;
        let (from, page_size) = wire::parse_accounts(message)?;
        let page = node.state().machine().restricted_accounts(from, page_size);
        Ok(answer.now(|out| wire::append_accounts(&page, out)))
    });
    let own = node.clone();
    services.deferrable(&path("ListRemovedItems"), move |_, message, answer| {
        let node = own.lock();
        service::check_leader(&node)?;
        let (from, page_size) = wire::parse_items(message)?;
        let page = node.state().machine().hidden_items(ItemId(from), page_size);
        Ok(answer.now(|out| wire::append_items(&page, out)))
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
