//! Frames of the connection: SETTINGS, PING, GOAWAY; and the graceful shutdown.

use std::time::Duration;

use super::connection::{Connection, Phase, Role, Shutdown};
use super::flow::Overflow;
use super::frame::{self, Frame, flag};
use super::receive::Outcome;
use super::settings;
use super::state::CloseReason;
use super::{ErrorCode, Event, Fault, StreamId};

/// The payload of the PING that a server sends with the announcement of its shutdown.
const SHUTDOWN_PING: [u8; 8] = *b"leaving\0";

impl Connection {
    /// Section 6.5.
    pub(super) fn receive_settings<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        if frame.header.has(flag::ACK) {
            if !frame.payload.is_empty() {
                return Err(Fault::frame_size("an acknowledgement of SETTINGS with a payload"));
            }
            return self.receive_settings_ack();
        }
        if self.phase == Phase::Settings {
            self.phase = Phase::Running;
            self.peer.remove_provisional_limit();
        }
        let before = self.peer.clone();
        if self.role == Role::Server && !self.pings.settings(&self.limits) {
            return Err(Fault::Connection(ErrorCode::ENHANCE_YOUR_CALM, "too_many_settings"));
        }
        self.peer.apply(frame.payload, self.role == Role::Client)?;
        if self.peer.header_table_size != before.header_table_size {
            self.encoder.set_max_table_size(self.peer.header_table_size as usize);
        }
        self.output.reply(settings::write_ack);
        let by = i64::from(self.peer.initial_window_size) - i64::from(before.initial_window_size);
        if by != 0 {
            self.shift_send_windows(by)?;
        }
        Ok(None)
    }

    /// Our SETTINGS are in force now. Only a window below the default makes a difference, since the
    /// peer was allowed the default until now (section 6.5.3).
    fn receive_settings_ack<'i>(&mut self) -> Outcome<'i> {
        if self.settings_acknowledged {
            return self.empty_frame();
        }
        self.settings_acknowledged = true;
        let window = self.limits.call_window_bytes.min(settings::MAX_WINDOW);
        if window < self.stream_window {
            self.stream_window = window;
            let slots: Vec<_> = self.streams.iter().map(|(_, slot)| slot).collect();
            for slot in slots {
                self.streams[slot].receive.resize(window);
            }
        }
        Ok(None)
    }

    /// Applies a change of the peer's initial window to the window of every stream (section 6.9.2).
    fn shift_send_windows(&mut self, by: i64) -> Result<(), Fault> {
        let slots: Vec<_> = self.streams.iter().map(|(_, slot)| slot).collect();
        for &slot in &slots {
            if let Err(Overflow) = self.streams[slot].send.shift(by) {
                return Err(Fault::Connection(
                    ErrorCode::FLOW_CONTROL_ERROR,
                    "SETTINGS_INITIAL_WINDOW_SIZE takes a stream's window above 2^31 - 1",
                ));
            }
            self.schedule(slot);
        }
        self.send_queued();
        Ok(())
    }

    /// Section 6.7.
    pub(super) fn receive_ping<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        let opaque = frame.opaque()?;
        if !frame.header.has(flag::ACK) {
            let has_calls = !self.streams.is_empty();
            if self.role == Role::Server && !self.pings.ping(self.now, has_calls, &self.limits) {
                // The words that gRPC defines (gRFC A8).
                return Err(Fault::Connection(ErrorCode::ENHANCE_YOUR_CALM, "too_many_pings"));
            }
            self.output.reply(|out| frame::write_ping(true, opaque, out));
            return Ok(None);
        }
        if self.shutdown == Shutdown::Announced && opaque == SHUTDOWN_PING {
            self.drain();
            return Ok(None);
        }
        Ok(Some(Event::Pong { opaque }))
    }

    /// Section 6.8.
    pub(super) fn receive_go_away<'i>(&mut self, frame: Frame<'i>) -> Outcome<'i> {
        let (last_stream, error, debug) = frame.go_away()?;
        if self.peer_last_stream.is_some_and(|before| before <= last_stream) {
            return self.empty_frame();
        }
        self.peer_last_stream = Some(last_stream);
        self.peer_go_away_code = error;
        self.events.push_back(Event::GoAway { last_stream, error, debug: debug.to_vec() });
        if self.role == Role::Client {
            let refused: Vec<_> = self.streams.iter().filter(|&(id, _)| id > last_stream).collect();
            for (stream, slot) in refused {
                let error = ErrorCode::REFUSED_STREAM;
                self.events.push_back(Event::Reset { stream, error, by_peer: true });
                self.remove(slot, CloseReason::ResetByUs);
            }
            self.close_if_drained();
        }
        Ok(None)
    }

    /// Sends a PING; [`Event::Pong`] returns the same eight bytes.
    pub fn ping(&mut self, opaque: [u8; 8]) {
        if self.phase != Phase::Closed {
            frame::write_ping(false, opaque, self.output.buffer());
        }
    }

    /// Ends the connection. With NO_ERROR the shutdown is graceful: open streams are finished, and
    /// [`Event::Closed`] follows the last of them. A server first announces it and accepts requests
    /// until the client has certainly received the announcement (section 6.8), so that no request
    /// is lost. Any other code ends everything at once. `debug` is human-readable, cut at 16 KiB.
    pub fn go_away(&mut self, code: ErrorCode, debug: &[u8]) {
        if code != ErrorCode::NO_ERROR {
            return self.end(code, debug, "the connection was closed here");
        }
        if self.phase == Phase::Closed || self.shutdown != Shutdown::None {
            return;
        }
        let out = self.output.buffer();
        match self.role {
            Role::Server => {
                frame::write_go_away(StreamId::MAX, code, debug, out);
                frame::write_ping(false, SHUTDOWN_PING, out);
                self.shutdown = Shutdown::Announced;
            }
            Role::Client => {
                frame::write_go_away(StreamId::CONNECTION, code, debug, out);
                self.shutdown = Shutdown::Draining;
                self.close_if_drained();
            }
        }
    }

    /// Completes a shutdown that a server has announced: new streams are refused from now on. To be
    /// called when the client does not answer the PING of the announcement; otherwise its answer has
    /// this effect.
    pub fn drain(&mut self) {
        if self.phase != Phase::Closed && self.shutdown == Shutdown::Announced {
            let last_stream = self.last_peer_stream();
            let code = ErrorCode::NO_ERROR;
            frame::write_go_away(last_stream, code, b"", self.output.buffer());
            self.shutdown = Shutdown::Draining;
            self.close_if_drained();
        }
    }

    /// Stops limiting the peer's pings and settings.
    pub fn allow_pings(&mut self) {
        self.limits.min_ping_interval = Duration::ZERO;
    }

    /// Whether new streams are refused.
    pub(super) fn is_draining(&self) -> bool {
        self.shutdown == Shutdown::Draining
    }

    /// Closes a connection that is shutting down and has no stream left.
    pub(super) fn close_if_drained(&mut self) {
        if self.phase == Phase::Closed || !self.streams.is_empty() {
            return;
        }
        let error = ErrorCode::NO_ERROR;
        if self.is_draining() {
            let reason = "the shutdown is finished";
            self.close(Event::Closed { error, reason, by_peer: false });
        } else if self.role == Role::Client && self.peer_last_stream.is_some() {
            let error = self.peer_go_away_code;
            let reason = "the server has gone away";
            self.close(Event::Closed { error, reason, by_peer: true });
        }
    }
}
