//! The role of a server: receiving. Envelopes in, events to a [`ServerSink`].

use std::time::Duration;

use super::{Server, ServerConnection};
use crate::call::{CallId, CallStart, Code, Metadata, RefusedRequest, ServerSink, Status};
use crate::native::Error;
use crate::native::connection::ReportTo;
use crate::native::credit;
use crate::native::envelope::{Header, Kind, Parts, REQUEST_PREFIX_BYTES};
use crate::native::link::{Handshake, put_trailers, stalled_status};
use crate::native::wire::{self, RequestHeader};

/// The largest metadata whose memory is kept for the next request, in bytes.
const KEPT_METADATA_BYTES: usize = 2048;

impl ServerConnection {
    pub(super) fn envelope(
        &mut self,
        now: Duration,
        header: Header,
        payload: &[u8],
        sink: &mut impl ServerSink,
    ) -> Result<(), Error> {
        if self.link.handshake != Handshake::Done {
            return self.link.receive_hello(header, payload).map(|_| ());
        }
        match header.kind {
            Kind::Request => self.request(now, header, payload, sink),
            Kind::Message => self.message(header, payload, sink),
            Kind::HalfClose => self.half_close(header.id, sink),
            Kind::Cancel => self.cancel(now, header.id, sink),
            Kind::Path => self.path(header.id, payload),
            Kind::GoAway => self.receive_go_away(payload, sink),
            _ => self.link.receive_common(header, payload),
        }
    }

    /// A PATH has an effect only on a later request, so it counts as one without an effect.
    fn path(&mut self, id: u32, path: &[u8]) -> Result<(), Error> {
        self.link.count_idle()?;
        self.paths.define(id, path)
    }

    fn request(
        &mut self,
        now: Duration,
        header: Header,
        payload: &[u8],
        sink: &mut impl ServerSink,
    ) -> Result<(), Error> {
        let (head, message) = split_request(header, payload)?;
        self.new_call(header.id)?;
        if let Some(message) = message {
            self.link.charge(credit::cost(message.len()))?;
        }
        let Some(request) = self.admit(now, header.id, head, sink)? else {
            // Refused, or too late: the cost of the message is released.
            if let Some(message) = message {
                self.link.release(credit::cost(message.len()));
            }
            return Ok(());
        };
        let path = self.paths.get(request.path_id).ok_or(Error::PathUnknown)?;
        let entry = self.link.open_call(header.id, 0);
        let last = header.ends();
        match message {
            Some(message) => entry.arrive(credit::cost(message.len()), last)?,
            None => entry.peer_finished = last,
        }
        self.link.last_accepted = header.id;
        let call = CallId(header.id);
        let metadata = &self.metadata;
        sink.call(CallStart { call, path, metadata, timeout: request.timeout });
        match message {
            Some(message) => sink.message(call, message, last),
            None if last => sink.half_close(call),
            None => {}
        }
        if self.metadata.size_bytes() > KEPT_METADATA_BYTES {
            self.metadata = Metadata::new();
        }
        Ok(())
    }

    /// Checks the id of a new call: it must be above all before it.
    fn new_call(&mut self, id: u32) -> Result<(), Error> {
        if id <= self.link.last_call {
            return Err(Error::CallIdReused);
        }
        if self.link.peer_going_away {
            return Err(Error::GoneAway);
        }
        self.link.last_call = id;
        self.link.reset_idle_count();
        Ok(())
    }

    /// Reads the header of a request and decides whether the call may start. A refused call is answered
    /// with its status; after our GO_AWAY it is not answered.
    fn admit(
        &mut self,
        now: Duration,
        id: u32,
        head: &[u8],
        sink: &mut impl ServerSink,
    ) -> Result<Option<RequestHeader>, Error> {
        let link = &mut self.link;
        if link.going_away {
            return Ok(None);
        }
        let limits = &link.limits;
        let max = limits.max_concurrent_calls;
        if link.calls.len() >= max as usize {
            let full = format!("{max} calls are open on this connection, as many as may be");
            let code = Code::ResourceExhausted;
            sink.refused(RefusedRequest::Call { path: "", code });
            self.refuse(id, &Status::new(code, full), true);
            return Ok(None);
        }
        match wire::read_request(head, limits, &mut self.metadata) {
            Ok(request) => Ok(Some(request)),
            Err(error) => {
                let status = error.status();
                sink.refused(RefusedRequest::Call { path: "", code: status.code });
                self.refuse(id, &status, false);
                self.spend_reset(now)?;
                Ok(None)
            }
        }
    }

    fn message(
        &mut self,
        header: Header,
        message: &[u8],
        sink: &mut impl ServerSink,
    ) -> Result<(), Error> {
        let cost = credit::cost(message.len());
        self.link.charge(cost)?;
        self.link.reset_idle_count();
        let Some(call) = self.link.calls.get_mut(header.id) else {
            self.link.check_past_call(header.id)?;
            self.link.release(cost);
            return Ok(());
        };
        call.arrive(cost, header.ends())?;
        if call.finished {
            call.unconsumed -= cost;
            self.link.release(cost);
        } else {
            sink.message(CallId(header.id), message, header.ends());
        }
        Ok(())
    }

    fn half_close(&mut self, id: u32, sink: &mut impl ServerSink) -> Result<(), Error> {
        let Some(call) = self.link.calls.get_mut(id) else {
            self.link.check_past_call(id)?;
            return self.link.count_idle();
        };
        if call.peer_finished {
            return Err(Error::HalfClosed);
        }
        call.peer_finished = true;
        if !call.finished {
            sink.half_close(CallId(id));
        }
        self.link.reset_idle_count();
        Ok(())
    }

    fn cancel(&mut self, now: Duration, id: u32, sink: &mut impl ServerSink) -> Result<(), Error> {
        let Some(call) = self.link.remove(id) else {
            self.link.check_past_call(id)?;
            return self.link.count_idle();
        };
        if !call.finished {
            sink.cancelled(CallId(id), Status::new(Code::Cancelled, "cancelled by the client"));
        }
        self.link.reset_idle_count();
        self.spend_reset(now)
    }

    /// Ends the call of an envelope that has not grown since the last check, if memory is short.
    pub(super) fn check_stalled_envelope(
        &mut self,
        now: Duration,
        memory_pressure: bool,
        sink: &mut impl ServerSink,
    ) -> Result<(), Error> {
        if self.link.input.is_stalled()
            && memory_pressure
            && let Some((header, parts)) = self.link.input.skip_rest()?
        {
            self.skipped(now, header, parts, stalled_status(), sink)?;
        }
        Ok(())
    }

    /// Ends the call of an envelope that is being skipped, because a part of it is beyond the limits or
    /// it is stalled.
    pub(super) fn skipped(
        &mut self,
        now: Duration,
        header: Header,
        parts: Parts,
        status: Status,
        sink: &mut impl ServerSink,
    ) -> Result<(), Error> {
        if self.link.handshake != Handshake::Done {
            return Err(Error::HelloMissing);
        }
        let id = header.id;
        match header.kind {
            Kind::Request => self.new_call(id)?,
            Kind::Message => {}
            _ => return Err(Error::Direction),
        }
        if let Some(len) = parts.message {
            self.link.charge(credit::cost(len))?;
            self.link.release(credit::cost(len));
        }
        if header.kind == Kind::Request {
            if self.link.going_away {
                return Ok(());
            }
            sink.refused(RefusedRequest::Call { path: "", code: status.code });
        } else {
            match self.link.calls.get(id).map(|call| (call.peer_finished, call.finished)) {
                None => return self.link.check_past_call(id),
                Some((true, _)) => return Err(Error::HalfClosed),
                Some((false, true)) => return Ok(()),
                Some((false, false)) => {}
            }
            self.link.remove(id);
            sink.cancelled(CallId(id), status.clone());
        }
        self.refuse(id, &status, false);
        self.spend_reset(now)
    }

    /// Puts TRAILERS for a call that is not open in the application.
    fn refuse(&mut self, id: u32, status: &Status, refused: bool) {
        put_trailers(&mut self.link.output, id, status, refused);
        self.link.count_reply();
    }

    fn spend_reset(&mut self, now: Duration) -> Result<(), Error> {
        if self.role.resets.spend(now) { Ok(()) } else { Err(Error::TooManyResets) }
    }

    fn receive_go_away(&mut self, payload: &[u8], sink: &mut impl ServerSink) -> Result<(), Error> {
        let go_away = wire::read_go_away(payload).map_err(|_| Error::GoAwayMalformed)?;
        self.link.peer_going_away = true;
        if go_away.code != Code::Ok {
            let status = Status::new(go_away.code, go_away.reason);
            Server::end_all_calls(self, &status, sink);
        }
        Ok(())
    }
}

/// The header and the message of a REQUEST.
fn split_request(header: Header, payload: &[u8]) -> Result<(&[u8], Option<&[u8]>), Error> {
    let parts = header.parts(payload)?.ok_or(Error::RequestLength)?;
    let behind = payload.get(REQUEST_PREFIX_BYTES..).unwrap_or_default();
    let (head, message) = behind.split_at_checked(parts.header).ok_or(Error::RequestLength)?;
    Ok((head, parts.message.map(|_| message)))
}
