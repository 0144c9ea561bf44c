//! What the leader does by itself: it puts the policy of its flags into the log, and has accounts
//! forgotten that nobody uses.
//!
//! Both are commands of the log, so all replicas do the same at the same place. The leader looks at
//! a part of the accounts each second and proposes one command at a time, of bounded size, so that
//! customers notice nothing.

use std::time::Duration;

use super::MarketService;
use super::ticket::Ticket;
use crate::market::state::{Act, Moderation, Policy};
use crate::replica::clock::wall_ms;
use crate::replica::node::Shared;

/// The interval of the work.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long a new leader waits with the work that is not urgent.
const FIRST_DELAY: Duration = Duration::from_secs(60);

/// Accounts that are looked at in one interval.
const ACCOUNTS: u32 = 10_000;

/// The name of the leader in the log.
const LEADER: &str = "leader";

/// What the leader does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Housekeeping {
    /// The bounds of each account that the flags set; the last leader's are in force.
    pub policy: Policy,
    /// After how long without use an account is forgotten that has no item and no order. None:
    /// never.
    pub forget_after: Option<Duration>,
    /// How long a new leader waits before it looks for accounts to forget.
    pub first_delay: Duration,
}

impl Housekeeping {
    /// Nothing.
    pub const NONE: Housekeeping = Housekeeping {
        policy: Policy {
            max_items_per_seller: None,
            max_wishes: None,
            max_ratings_per_account: None,
        },
        forget_after: None,
        first_delay: FIRST_DELAY,
    };
}

/// The progress of the work.
pub(super) struct Housekeeper {
    options: Housekeeping,
    due: Option<Duration>,
    /// A command is proposed and not answered yet.
    is_pending: bool,
    /// The account to look at next.
    next_account: u32,
}

impl Housekeeper {
    pub(super) fn new(options: Housekeeping) -> Housekeeper {
        Housekeeper { options, due: None, is_pending: false, next_account: 0 }
    }

    /// The command was applied or refused.
    pub(super) fn answered(&mut self) {
        self.is_pending = false;
    }
}

/// Does the work that is due.
pub(super) fn tick(node: &mut Shared<MarketService>) {
    let now = node.elapsed_since(Duration::ZERO);
    let leads = node.raft().is_leader() && node.full().is_none();
    let (service, state) = node.service_and_state();
    let keeper = &mut service.housekeeper;
    let Housekeeping { policy, forget_after, first_delay } = keeper.options;
    if !leads {
        (keeper.due, keeper.is_pending) = (None, false);
        return;
    }
    let is_urgent = policy != Policy::default();
    let delay = if is_urgent { Duration::ZERO } else { first_delay };
    let due = *keeper.due.get_or_insert(now + delay);
    if now < due || keeper.is_pending {
        return;
    }
    keeper.due = Some(now + INTERVAL);
    let market = state.machine();
    let act = if (is_urgent || forget_after.is_some()) && !market.has_policy(policy) {
        Act::SetPolicy(policy)
    } else if let Some(forget_after) = forget_after {
        let since_ms = wall_ms().saturating_sub(forget_after.as_millis() as u64);
        let idle_since_min = u32::try_from(since_ms / 60_000).unwrap_or(0);
        let (accounts, next) = market.idle_accounts(keeper.next_account, ACCOUNTS, idle_since_min);
        keeper.next_account = next;
        if accounts.is_empty() {
            return;
        }
        log::info!("{} accounts are not used and are forgotten", accounts.len());
        Act::ForgetIdle { idle_since_min, accounts }
    } else {
        return;
    };
    match (Moderation { by: LEADER, why: "", act }).encode() {
        Ok(command) => {
            keeper.is_pending = true;
            node.write(None, command.into(), Ticket::Housekeeping);
        }
        Err(error) => log::error!("housekeeping: {error}"),
    }
}
