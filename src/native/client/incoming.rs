//! The role of a client: receiving. Envelopes in, events to a [`ClientSink`].

use super::{Client, ClientConnection};
use crate::call::{CallId, ClientSink, Code, Status};
use crate::native::Error;
use crate::native::connection::ReportTo;
use crate::native::credit;
use crate::native::envelope::{Header, Kind, Parts};
use crate::native::link::{Handshake, too_large_status};
use crate::native::wire;

impl ClientConnection {
    pub(super) fn envelope(
        &mut self,
        header: Header,
        payload: &[u8],
        sink: &mut impl ClientSink,
    ) -> Result<(), Error> {
        if self.link.handshake != Handshake::Done {
            self.role.max_calls = self.link.receive_hello(header, payload)?.max_concurrent_calls;
            return Ok(());
        }
        match header.kind {
            Kind::Message => self.message(header, payload, sink),
            Kind::Headers => self.headers(header.id, payload, sink),
            Kind::Trailers => self.trailers(header.id, payload, sink),
            Kind::GoAway => self.receive_go_away(payload, sink),
            _ => self.link.receive_common(header, payload),
        }
    }

    fn headers(
        &mut self,
        id: u32,
        payload: &[u8],
        sink: &mut impl ClientSink,
    ) -> Result<(), Error> {
        let Some(call) = self.link.calls.get_mut(id) else {
            self.link.check_past_call(id)?;
            return self.link.count_idle();
        };
        if call.headers_passed {
            return Err(Error::HeadersLate);
        }
        call.headers_passed = true;
        self.link.reset_idle_count();
        match wire::read_headers(payload, &self.link.limits, &mut self.metadata) {
            Ok(()) => sink.headers(CallId(id), &self.metadata),
            Err(error) => self.reject_response(id, error.status(), sink),
        }
        Ok(())
    }

    fn message(
        &mut self,
        header: Header,
        message: &[u8],
        sink: &mut impl ClientSink,
    ) -> Result<(), Error> {
        let id = header.id;
        let cost = credit::cost(message.len());
        self.link.charge(cost)?;
        self.link.reset_idle_count();
        let Some(call) = self.link.calls.get_mut(id) else {
            self.link.check_past_call(id)?;
            self.link.release(cost);
            return Ok(());
        };
        call.headers_passed = true;
        call.arrive(cost, header.ends())?;
        sink.message(CallId(id), message);
        if header.ends() {
            self.link.remove(id);
            sink.finished(CallId(id), Status::OK, false);
        }
        Ok(())
    }

    fn trailers(
        &mut self,
        id: u32,
        payload: &[u8],
        sink: &mut impl ClientSink,
    ) -> Result<(), Error> {
        let Some(call) = self.link.remove(id) else {
            self.link.check_past_call(id)?;
            return self.link.count_idle();
        };
        self.link.reset_idle_count();
        match wire::read_trailers(payload, &self.link.limits) {
            Ok(trailers) => {
                let untouched = trailers.refused && !call.headers_passed;
                sink.finished(CallId(id), trailers.status, untouched);
            }
            Err(error) => sink.finished(CallId(id), error.status(), false),
        }
        Ok(())
    }

    /// Handles an envelope with a part beyond the limits, which is being skipped.
    pub(super) fn too_large(
        &mut self,
        header: Header,
        parts: Parts,
        sink: &mut impl ClientSink,
    ) -> Result<(), Error> {
        if self.link.handshake != Handshake::Done {
            return Err(Error::HelloMissing);
        }
        if let Some(len) = parts.message {
            self.link.charge(credit::cost(len))?;
            self.link.release(credit::cost(len));
        }
        let id = header.id;
        let status = too_large_status(parts, &self.link.limits);
        match header.kind {
            Kind::Request => return Err(Error::Direction),
            _ if self.link.calls.get(id).is_none() => self.link.check_past_call(id)?,
            Kind::Headers | Kind::Message if !header.ends() => {
                self.reject_response(id, status, sink)
            }
            _ => {
                self.link.remove(id);
                sink.finished(CallId(id), status, false);
            }
        }
        Ok(())
    }

    /// Cancels a call whose response cannot be read.
    fn reject_response(&mut self, id: u32, status: Status, sink: &mut impl ClientSink) {
        self.cancel(CallId(id));
        self.link.count_reply();
        sink.finished(CallId(id), status, false);
    }

    /// Calls above the last id in the GO_AWAY were not processed. With an error code all other calls
    /// end as well, otherwise they continue.
    fn receive_go_away(&mut self, payload: &[u8], sink: &mut impl ClientSink) -> Result<(), Error> {
        let go_away = wire::read_go_away(payload).map_err(|_| Error::GoAwayMalformed)?;
        let last = go_away.last_call_id;
        if self.role.server_last_call.is_some_and(|before| before < last) {
            return Err(Error::GoAwayMalformed);
        }
        self.role.server_last_call = Some(last);
        self.link.peer_going_away = true;
        for id in self.link.calls.ids_above(last) {
            self.link.remove(id);
            let mut why = "the server takes no more calls".to_owned();
            if !go_away.reason.is_empty() {
                why = format!("{why}: {}", go_away.reason);
            }
            sink.finished(CallId(id), Status::new(Code::Unavailable, why), true);
        }
        if go_away.code != Code::Ok {
            let status = Status::new(go_away.code, go_away.reason);
            Client::end_all_calls(self, &status, sink);
        }
        Ok(())
    }
}
