//! What handlers do with their calls: answers, ends, windows.

use super::{Connection, PEER_INTERVAL, PEER_TIMEOUT, TurnContext};
use crate::call::{CallId, Code, SendError, ServerSink, Status};
use crate::rpc::dispatch::Shared;
use crate::rpc::outbound::{Action, no_answer_given, unread_limit_reached};
use crate::rpc::refusals::Refusal;

impl Connection {
    /// Carries out an action for a call.
    pub(in crate::rpc) fn act(&mut self, call: CallId, action: Action, turn: &mut TurnContext<'_>) {
        // Actions for a call that is over have no effect: its handles learn of the end separately.
        match action {
            Action::SendHeaders(metadata) => {
                let _ = self.session.send_headers(call, &metadata);
            }
            Action::ChooseCompression(compressed) => {
                self.session.choose_compression(call, compressed);
            }
            Action::Respond(message) => self.answer(call, Ok(&message), turn.shared),
            Action::SendMessage(message) => {
                if self.exceeds_unsent_budget(message.len(), turn.shared) {
                    return self.abort(call, &unread_limit_reached(), turn);
                }
                match self.session.send_message(call, &message) {
                    Ok(()) => self.calls.sent(call, message.len(), turn.shared),
                    // The session has ended the call: its handler and the records learn of it here.
                    Err(SendError::Refused(status)) => {
                        return self.with_dispatch(turn, |_, sink| sink.cancelled(call, status));
                    }
                    Err(SendError::Ended) => (),
                }
                let queued = self.session.queued(call);
                self.calls.account(call, message.len(), queued, turn.shared);
                self.finish_failed_calls(turn.shared);
                self.return_credit();
            }
            Action::Finish(status) => self.finish(call, &status, turn.shared),
            Action::FinishAndNotify(status) => self.abort(call, &status, turn),
            Action::MessageTaken(bytes) => self.session.message_taken(call, bytes),
            Action::NotifyWhenDrained => self.calls.when_drained(call),
            Action::WidenWindow(bytes) => self.session.extend_window(call, bytes),
            Action::AcceptPeer => {
                turn.shared.limiter.reserve(&mut self.calls.slot, &self.calls.address);
                if self.is_waiting() {
                    // Others have taken the last reserved slot meanwhile.
                    return self.end(Code::ResourceExhausted, Refusal::Full.for_client(), turn);
                }
                self.session.tighten_keepalive(PEER_INTERVAL, PEER_TIMEOUT);
            }
            Action::CloseConnection(status) => self.end(status.code, &status.message, turn),
        }
    }

    /// Whether `bytes` more would exceed the budget of unsent bytes. If not, they are counted,
    /// until the next flush counts exactly.
    fn exceeds_unsent_budget(&mut self, bytes: usize, shared: &Shared) -> bool {
        if shared.unsent.exceeds(self.unsent_counted, self.unsent_counted + bytes, 0) {
            return true;
        }
        shared.unsent.add(&mut self.unsent_counted, bytes);
        false
    }

    /// Answers a unary call.
    pub(in crate::rpc) fn answer(
        &mut self,
        call: CallId,
        answer: Result<&[u8], Status>,
        shared: &Shared,
    ) {
        let sent = answer.and_then(|message| {
            if self.exceeds_unsent_budget(message.len(), shared) {
                return Err(unread_limit_reached());
            }
            match self.session.send_message(call, message) {
                Ok(()) => self.calls.sent(call, message.len(), shared),
                // The session has ended the call with this status.
                Err(SendError::Refused(status)) => return Err(status),
                Err(SendError::Ended) => (),
            }
            Ok(())
        });
        self.finish(call, &sent.err().unwrap_or(Status::OK), shared);
    }

    /// Ends a call; has no effect on one that is over already. A success without the one response that
    /// its method gives is an error of the handler, which some protocols would make of it anyway.
    fn finish(&mut self, call: CallId, status: &Status, shared: &Shared) {
        let Some((method, tally)) = self.calls.finished(call) else {
            let _ = self.session.finish(call, status);
            return;
        };
        let gives_one = shared.services.method(method).shape.gives_one_response();
        let lacks_response = status.is_ok() && gives_one && !tally.has_sent();
        let status = if lacks_response { &no_answer_given() } else { status };
        let _ = self.session.finish(call, status);
        shared.record_end(method, tally, status.code, (self.peer, &self.principal));
    }

    /// Ends a call and notifies its handler.
    fn abort(&mut self, call: CallId, status: &Status, turn: &mut TurnContext<'_>) {
        let _ = self.session.finish(call, status);
        self.with_dispatch(turn, |_, dispatch| dispatch.cancelled(call, status.clone()));
    }

    /// Ends the calls whose handlers have panicked. Returns whether there were any.
    pub(super) fn finish_failed_calls(&mut self, shared: &Shared) -> bool {
        let failed = self.calls.take_failed();
        for (call, status) in &failed {
            self.finish(*call, status, shared);
        }
        !failed.is_empty()
    }

    /// Returns window to the client for the messages that handlers have consumed. Returns whether
    /// there were any.
    pub(super) fn return_credit(&mut self) -> bool {
        let mut any = false;
        for (call, bytes) in self.calls.take_taken() {
            self.session.message_taken(call, bytes);
            any = true;
        }
        any
    }
}
