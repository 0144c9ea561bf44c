//! Calls that wait for the log or for a read.

use super::calls::append_outcome;
use super::queries::QueryMethod;
use super::{MarketService, PendingRating, watch};
use crate::call::{Code, Status};
use crate::market::state::{self, Error, ItemId, decode_answer};
use crate::replica::engine::Answer;
use crate::replica::node::{Shared, refusal};
use crate::replica::service::complete;
use crate::rpc::{Reactor, Reply, Responder};

/// A call that waits, and the right to answer it.
pub enum Ticket {
    /// A command, until it is applied.
    Command {
        /// Answers it.
        reply: Reply,
        /// The item that is updated, if one is.
        updated: Option<ItemId>,
        /// The rating to print once its result is known.
        #[expect(private_interfaces, reason = "only the service makes and reads tickets")]
        rating: Option<PendingRating>,
    },
    /// A command of the operator, until it is applied.
    Moderation {
        /// Answers it.
        reply: Reply,
    },
    /// A command of the leader itself.
    Housekeeping,
    /// A linearizable query, until the read is confirmed.
    #[expect(private_interfaces, reason = "only the service makes and reads tickets")]
    Query {
        /// Answers it.
        reply: Reply,
        /// The method.
        method: QueryMethod,
        /// The request.
        message: Vec<u8>,
    },
    /// A watch, until its first linearizable read is confirmed.
    Watch {
        /// Its number.
        number: u64,
        /// Answers it.
        responder: Responder,
        /// The request.
        message: Vec<u8>,
    },
}

impl Ticket {
    /// Answers the call.
    pub(super) fn answer(
        self,
        node: &mut Shared<MarketService>,
        answer: &Answer,
        reactor: &mut Reactor<'_>,
    ) {
        match self {
            Ticket::Command { reply, updated, rating } => complete(reactor, reply, |response| {
                let result = done(node, answer)
                    .and_then(|answer| append_outcome(node, updated, answer, response));
                node.service_mut().print_rating(rating.as_ref(), result.as_ref().err());
                result
            }),
            Ticket::Moderation { reply } => complete(reactor, reply, |_| {
                // The responses have no fields: no bytes.
                done(node, answer)?.map(drop).map_err(Status::from)
            }),
            Ticket::Housekeeping => {
                if let Err(status) = done(node, answer) {
                    log::info!("housekeeping is postponed: {status}");
                }
                node.service_mut().housekeeper.answered();
            }
            Ticket::Query { reply, method, message } => {
                complete(reactor, reply, |response| match answer {
                    Answer::Read => method.execute(node, &message, response),
                    answer => Err(refusal(node, answer)),
                });
            }
            Ticket::Watch { number, responder, message } => {
                let begun = match answer {
                    Answer::Read => watch::begin(node, number, &message, &responder),
                    answer => Err(refusal(node, answer)),
                };
                if let Err(status) = begun {
                    responder.finish(status);
                }
            }
        }
    }
}

/// Decodes the reply of the state machine to a command.
fn done(
    node: &Shared<MarketService>,
    answer: &Answer,
) -> Result<Result<state::Reply, Error>, Status> {
    let Answer::Done(answer) = answer else { return Err(refusal(node, answer)) };
    decode_answer(answer)
        .ok_or_else(|| Status::new(Code::Internal, "the market's answer to a command was none"))
}
