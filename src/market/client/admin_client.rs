//! The operator's calls.

mod wire;

use std::time::{Duration, Instant};

use super::record::Page;
use crate::call::Status;
use crate::market::contract::FULL;
use crate::market::state::{ItemId, Standing, StandingChange};
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
        let request = || wire::moderate_account(address, change, reason);
        self.call("ModerateAccount", request).map(drop)
    }

    /// Takes an item off the market, or puts it back.
    pub fn moderate_item(&self, item: ItemId, remove: bool, reason: &str) -> Result<(), Status> {
        self.call("ModerateItem", || wire::moderate_item(item, remove, reason)).map(drop)
    }

    /// A page of the accounts that are blocked or removed; `token` is empty for the first.
    pub fn restricted_accounts(&self, token: &str) -> Result<Page<RestrictedAccount>, Status> {
        let answer = self.call("ListRestrictedAccounts", || wire::list_accounts(token))?;
        wire::restricted_accounts(&answer)
    }

    /// A page of the items that were taken off the market.
    pub fn removed_items(&self, token: &str) -> Result<Page<RemovedItem>, Status> {
        wire::removed_items(&self.call("ListRemovedItems", || wire::list_items(token))?)
    }

    fn call(&self, method: &str, request: impl Fn() -> Vec<u8>) -> Result<Vec<u8>, Status> {
        let (until, path) = (Instant::now() + self.timeout, format!("/{SERVICE}/{method}"));
        let answer = self.cluster.call(CallTarget::Leader, &path, request, until);
        answer.map_err(|failure| failure.status)
    }
}
