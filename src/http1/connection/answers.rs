//! Responses to the request that is open.

use super::{Open, Reading, ServerConnection};
use crate::call::{CallEnded, CallId, Metadata, ResourceResponse, SendError, Status};
use crate::http::{Outgoing, is_bodyless};
use crate::http1::response::{self, Framing, Persistence};

impl ServerConnection {
    /// Writes a part of the response to the current request.
    pub(super) fn send(&mut self, outgoing: Outgoing) {
        let Outgoing { head, body, end } = outgoing;
        if let Some(head) = head {
            let framing = match head.content_length {
                _ if is_bodyless(head.status) => Framing::None,
                Some(bytes) => Framing::Length(bytes),
                None if end => Framing::Length(body.len()),
                None if self.current.is_old => Framing::Close,
                None => Framing::Chunked,
            };
            self.current.persists &= framing != Framing::Close;
            let persistence = match self.persists() {
                false => Persistence::Close,
                true if self.current.is_old => Persistence::KeepAlive,
                true => Persistence::Implied,
            };
            let date = self.site.date();
            self.output.write(|out| {
                response::write_head(&head, framing, persistence, date.as_deref(), out);
            });
            self.current.framing = Some(framing);
        }
        let framing = self.current.framing.unwrap_or(Framing::None);
        if framing != Framing::None && !self.current.is_head {
            self.output.write(|out| match framing {
                Framing::Chunked => response::write_chunk(&body, out),
                _ => out.extend_from_slice(&body),
            });
            if end && framing == Framing::Chunked {
                self.output.extend(response::LAST_CHUNK);
            }
        }
        if end {
            self.end_of_response();
        }
    }

    fn end_of_response(&mut self) {
        (self.open, self.unobserved_since) = (None, None);
        if !self.persists() {
            return self.stop();
        }
        if let Reading::Waiting = self.reading {
            self.reading = Reading::Head;
        }
    }

    pub(super) fn find(&mut self, call: CallId) -> Result<&mut Open, CallEnded> {
        self.open.as_mut().filter(|open| open.call == call).ok_or(CallEnded)
    }

    /// Sends initial metadata, which may wait for the first message or the end.
    ///
    /// # Errors
    /// [`CallEnded`], here and below: the call is over already.
    pub fn send_headers(&mut self, call: CallId, metadata: &Metadata) -> Result<(), CallEnded> {
        let mut outgoing = Outgoing::default();
        self.find(call)?.exchange.send_headers(metadata, &mut outgoing);
        self.send(outgoing);
        Ok(())
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send_message(&mut self, call: CallId, message: &[u8]) -> Result<(), SendError> {
        let mut outgoing = Outgoing::default();
        let exchange = &mut self.find(call)?.exchange;
        let sent = exchange.send_message(message, &mut outgoing).map_err(|status| {
            exchange.finish(&status, &mut outgoing);
            SendError::Refused(status)
        });
        self.send(outgoing);
        sent
    }

    /// Ends a call with its status.
    ///
    /// # Errors
    /// [`CallEnded`].
    pub fn finish(&mut self, call: CallId, status: &Status) -> Result<(), CallEnded> {
        let mut outgoing = Outgoing::default();
        self.find(call)?.exchange.finish(status, &mut outgoing);
        self.send(outgoing);
        Ok(())
    }

    /// Answers a request for a resource. Returns the length of the content that is sent.
    ///
    /// # Errors
    /// [`CallEnded`].
    pub fn respond(
        &mut self,
        call: CallId,
        response: &ResourceResponse,
    ) -> Result<usize, CallEnded> {
        let mut outgoing = Outgoing::default();
        self.find(call)?.exchange.respond(response, &mut outgoing);
        let bytes = outgoing.body.len();
        self.send(outgoing);
        Ok(bytes)
    }
}
