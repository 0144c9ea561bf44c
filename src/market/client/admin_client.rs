//! The operator's calls.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use quick_protobuf::{MessageRead, MessageWrite};

use super::record::Page;
use crate::call::{Code, Status};
use crate::market::contract::FULL;
use crate::market::state::{ItemId, Standing, StandingChange};
use crate::pb::agora_market_v1 as pb;
use crate::protobuf::{Checked, decode, encode};
use crate::replica::cluster_client::{CallTarget, ClusterClient, Exhausted};
use crate::rpc::ChannelOptions;

/// The service's full name.
const SERVICE: &str = "agora.market.v1.MarketAdminService";

/// An account that is blocked or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestrictedAccount {
    /// The display name.
    pub address: String,
    /// Blocked or removed.
    pub standing: Standing,
}

/// An item that was taken off the market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedItem {
    /// The item.
    pub id: ItemId,
    /// Its name.
    pub name: String,
    /// Its seller's display name.
    pub seller: String,
}

/// A client of the operator.
pub struct AdminClient {
    cluster: ClusterClient,
    timeout: Duration,
}

impl AdminClient {
    /// A client of the market at `targets` (`host:port`, the replicas of one market). Nothing is
    /// connected yet.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` without a target, `UNAVAILABLE` when the process is out of file
    /// descriptors.
    pub fn new(
        targets: &[String],
        channel: &ChannelOptions,
        timeout: Duration,
    ) -> Result<AdminClient, Status> {
        let nodes = targets.iter().map(|target| (None, target.clone()));
        let cluster = ClusterClient::new(nodes, channel, Exhausted::RefusedIf(FULL))?;
        Ok(AdminClient { cluster, timeout })
    }

    /// Changes what an account may do. A repetition changes nothing, so the call may be repeated.
    ///
    /// # Errors
    /// Here and below: the market's status; `UNAVAILABLE` when no replica that can answer was found
    /// in time.
    pub fn moderate_account(
        &self,
        address: &str,
        change: StandingChange,
        reason: &str,
    ) -> Result<(), Status> {
        let change = match change {
            StandingChange::Block => pb::AccountChange::ACCOUNT_CHANGE_BLOCK,
            StandingChange::Unblock => pb::AccountChange::ACCOUNT_CHANGE_UNBLOCK,
            StandingChange::Remove => pb::AccountChange::ACCOUNT_CHANGE_REMOVE,
            StandingChange::Restore => pb::AccountChange::ACCOUNT_CHANGE_RESTORE,
        };
        let (address, reason) = (Cow::Borrowed(address), Cow::Borrowed(reason));
        let request = pb::ModerateAccountRequest { address, change, reason };
        self.call("ModerateAccount", &request).map(drop)
    }

    /// Takes an item off the market, or puts it back.
    pub fn moderate_item(&self, item: ItemId, remove: bool, reason: &str) -> Result<(), Status> {
        let reason = Cow::Borrowed(reason);
        let request = pb::ModerateItemRequest { item_id: item.0, remove, reason };
        self.call("ModerateItem", &request).map(drop)
    }

    /// A page of the accounts that are blocked or removed; `token` is empty for the first.
    pub fn restricted_accounts(&self, token: &str) -> Result<Page<RestrictedAccount>, Status> {
        let page_token = Cow::Borrowed(token);
        let request = pb::ListRestrictedAccountsRequest { page_size: 0, page_token };
        let answer = self.call("ListRestrictedAccounts", &request)?;
        let response: pb::ListRestrictedAccountsResponse<'_> = read(&answer)?;
        let entries = response.accounts.into_iter().map(|account| RestrictedAccount {
            address: account.address.into_owned(),
            standing: match account.standing {
                pb::AccountStanding::ACCOUNT_STANDING_REMOVED => Standing::Removed,
                _ => Standing::Blocked,
            },
        });
        Ok(Page { entries: entries.collect(), next: response.next_page_token.into_owned() })
    }

    /// A page of the items that were taken off the market.
    pub fn removed_items(&self, token: &str) -> Result<Page<RemovedItem>, Status> {
        let page_token = Cow::Borrowed(token);
        let request = pb::ListRemovedItemsRequest { page_size: 0, page_token };
        let answer = self.call("ListRemovedItems", &request)?;
        let response: pb::ListRemovedItemsResponse<'_> = read(&answer)?;
        let entries = response.items.into_iter().map(|item| RemovedItem {
            id: ItemId(item.item_id),
            name: item.name.into_owned(),
            seller: item.seller_address.into_owned(),
        });
        Ok(Page { entries: entries.collect(), next: response.next_page_token.into_owned() })
    }

    fn call(&self, method: &str, request: &impl MessageWrite) -> Result<Vec<u8>, Status> {
        let (until, path) = (Instant::now() + self.timeout, format!("/{SERVICE}/{method}"));
        let answer = self.cluster.call(CallTarget::Leader, &path, || encode(request), until);
        answer.map_err(|failure| failure.status)
    }
}

fn read<'m, M: Checked + MessageRead<'m>>(bytes: &'m [u8]) -> Result<M, Status> {
    decode(bytes).map_err(|error| Status::new(Code::Internal, error.to_string()))
}
