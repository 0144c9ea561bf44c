//! Sending the messages of open calls, at once or scheduled.
//!
//! A message is put into the output at once while its call and the connection have credit and the
//! output has space. Otherwise it waits in the queue of its call. A call with queued messages and
//! credit of its own is scheduled: it is in the connection's round-robin queue, once, and the calls in
//! it send one message each in turn. Invariant: the round-robin queue is empty, or the connection has
//! no credit, or the output has no space.

use super::Link;
use crate::call::CallEnded;
use crate::native::calls::Call;
use crate::native::credit;
use crate::native::envelope::{END, Kind, MAX_LENGTH};

/// Messages wait in the queues of their calls while this many bytes of output wait for the socket. So a
/// peer that gives credit without reading cannot make the output grow.
const MAX_OUTPUT_BYTES: usize = 256 * 1024;

impl Link {
    /// Whether the output has space for another message.
    fn has_space(&self) -> bool {
        self.output.len() < MAX_OUTPUT_BYTES.min(self.limits.max_queued_output_bytes)
    }

    /// Adds a call with full windows.
    pub(in crate::native) fn open_call(&mut self, id: u32, position: u64) -> &mut Call {
        self.calls.insert(id, Call::new(self.peer_call_window, self.call_window, position))
    }

    /// Bytes that wait for credit on a call.
    pub(in crate::native) fn queued(&self, id: u32) -> usize {
        self.calls.get(id).map_or(0, Call::queued)
    }

    /// Bytes that wait for credit on all calls together.
    pub(in crate::native) fn total_queued(&self) -> usize {
        self.calls.queued()
    }

    /// Removes a call and releases the credit of its messages that were not consumed.
    pub(in crate::native) fn remove(&mut self, id: u32) -> Option<Call> {
        let call = self.calls.remove(id)?;
        self.release(call.unconsumed);
        if call.scheduled {
            self.scheduled.retain(|&other| other != id);
        }
        Some(call)
    }

    /// Sends a message, or queues it behind those that wait. It may be merged into the REQUEST that was
    /// put just before.
    pub(in crate::native) fn send(
        &mut self,
        id: u32,
        message: &[u8],
        last: bool,
    ) -> Result<(), CallEnded> {
        let has_space = self.has_space();
        let call = self.calls.sending(id)?;
        if message.len() > MAX_LENGTH as usize {
            return Err(CallEnded);
        }
        let flags = if last { END } else { 0 };
        call.finished = last;
        if call.credit <= 0 || self.credit <= 0 || !has_space {
            call.queue.get_or_insert_default().put(Kind::Message, flags, id, message);
            call.above_low_water |= call.queued() > self.limits.send_low_water_bytes;
            self.schedule(id);
            return Ok(());
        }
        debug_assert!(!call.is_waiting(), "queued messages are sent first");
        let cost = credit::cost(message.len());
        call.credit -= cost;
        self.credit -= cost;
        if !self.output.extend_last(id, message, flags) {
            self.output.put(Kind::Message, flags, id, message);
        }
        Ok(())
    }

    /// Schedules a call that has credit of its own and queued messages.
    pub(super) fn schedule(&mut self, id: u32) {
        if let Some(call) = self.calls.get_mut(id)
            && call.is_waiting()
            && call.credit > 0
            && !call.scheduled
        {
            call.scheduled = true;
            self.scheduled.push_back(id);
        }
    }

    /// Moves queued messages into the output: one of each scheduled call in turn.
    pub(super) fn send_scheduled(&mut self) {
        while self.credit > 0 && self.has_space() {
            let Some(id) = self.scheduled.pop_front() else { break };
            self.send_front(id);
            self.schedule(id);
        }
    }

    /// Sends a call's first queued message, and the envelopes behind it up to the next message.
    fn send_front(&mut self, id: u32) {
        let Some(call) = self.calls.get_mut(id) else { return };
        call.scheduled = false;
        let Some(queue) = &mut call.queue else { return };
        let mut ends = false;
        let mut sent_one = false;
        while let Some(front) = queue.front() {
            if front.kind == Kind::Message {
                if sent_one {
                    break;
                }
                sent_one = true;
                call.credit -= credit::cost(front.length);
                self.credit -= credit::cost(front.length);
            }
            ends = front.ends() || front.kind == Kind::Trailers;
            queue.move_front(&mut self.output);
        }
        if call.above_low_water && queue.len() <= self.limits.send_low_water_bytes {
            call.above_low_water = false;
            self.drained.push_back(id);
        }
        if ends && self.is_server {
            self.remove(id);
        }
    }

    /// Whether a call has drained and was not reported.
    pub(in crate::native) fn has_drained(&self) -> bool {
        !self.drained.is_empty()
    }

    /// The next call whose queue has drained, to be reported to the application.
    pub(in crate::native) fn take_drained(&mut self) -> Option<u32> {
        while let Some(id) = self.drained.pop_front() {
            if self.calls.get(id).is_some_and(|call| !call.finished) {
                return Some(id);
            }
        }
        None
    }
}
