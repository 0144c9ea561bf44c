//! One call of a blocking client.

use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::channel::{CallOptions, Response};
use super::drive::{Arrived, CallKey, CallState, Inner, State};
use crate::call::{Code, Metadata, Status};
use crate::session::StartError;

/// A call in progress. Dropping it before its end cancels it.
pub struct ClientCall {
    inner: Arc<Inner>,
    key: CallKey,
    /// The server's initial metadata, once taken.
    headers: Option<Metadata>,
    /// The final status, once taken.
    end: Option<(Status, bool)>,
    /// Whether the last message that was received was compressed.
    was_compressed: bool,
}

/// The result of [`ClientCall::receive_until`].
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// The next message.
    Message(Vec<u8>),
    /// The call ended with OK.
    End,
    /// No message came in time. The call goes on.
    NotYet,
}

impl ClientCall {
    /// Starts a call on the channel's current connection, and connects first if there is none.
    pub(super) fn start(
        inner: &Arc<Inner>,
        path: &str,
        options: &CallOptions,
    ) -> Result<ClientCall, Status> {
        let until = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = inner.state();
        loop {
            state = inner.ensure_link(state, until, options.wait_for_ready)?;
            let now = inner.now();
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Status::new(Code::DeadlineExceeded, "no time left to begin the call"));
            }
            let Some((link, current)) = state.current() else { continue };
            let session = &mut current.session;
            let started = if options.compress {
                session.start_compressed(now, path, &options.metadata, left)
            } else {
                session.start(now, path, &options.metadata, left)
            };
            match started {
                Ok(call) => {
                    let key = CallKey { link, call };
                    state.calls.insert(key, CallState::default());
                    inner.call_started(&state, left.and_then(|left| now.checked_add(left)));
                    let inner = Arc::clone(inner);
                    return Ok(ClientCall {
                        inner,
                        key,
                        headers: None,
                        end: None,
                        was_compressed: false,
                    });
                }
                Err(StartError::TooManyCalls) => {
                    state = inner.wait(state, None, until);
                    inner.hand_over_driving(&state);
                }
                Err(StartError::GoingAway | StartError::Exhausted) => state.retire_current(),
                Err(StartError::Invalid(reason)) => {
                    return Err(Status::new(Code::InvalidArgument, reason));
                }
            }
        }
    }

    /// Sends a message. Waits first while the queue for the server is above the high-water mark.
    ///
    /// # Errors
    /// The call's status: it is over. If the call ended with OK before this message was sent, the
    /// error is `CANCELLED`; [`receive`](Self::receive) still returns the messages that had
    /// arrived.
    pub fn send(&mut self, message: &[u8]) -> Result<(), Status> {
        self.send_message(message, false)
    }

    /// Sends the last message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_last(&mut self, message: &[u8]) -> Result<(), Status> {
        self.send_message(message, true)
    }

    fn send_message(&mut self, message: &[u8], last: bool) -> Result<(), Status> {
        let high_water = self.inner.send_high_water_bytes();
        self.wait_until(None, |state, key| {
            let over = state.calls.get(&key).is_none_or(|call| call.end.is_some());
            let link = state.link(key.link);
            let queued = link.map_or(0, |link| link.session.queued(key.call));
            if !over && queued >= high_water {
                state.sending.push(key);
                return None;
            }
            Some(())
        });
        self.act(|state, key, now| {
            let sent =
                state.link(key.link).map(|link| link.session.send_message(key.call, message, last));
            state.flush(key.link, now);
            matches!(sent, Some(Ok(())))
        })
    }

    /// Chooses whether the next messages are compressed, if the call was started with
    /// [`CallOptions::compress`]: all of them, or none.
    pub fn choose_compression(&mut self, compressed: bool) {
        let mut state = self.inner.state();
        if let Some(link) = state.link(self.key.link) {
            link.session.choose_compression(self.key.call, compressed);
        }
    }

    /// Whether the message that was received last had arrived compressed.
    pub fn was_compressed(&self) -> bool {
        self.was_compressed
    }

    /// Half-closes the call: no more messages follow.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn half_close(&mut self) -> Result<(), Status> {
        self.act(|state, key, now| {
            let closed = state.link(key.link).map(|link| link.session.half_close(key.call));
            state.flush(key.link, now);
            matches!(closed, Some(Ok(())))
        })
    }

    /// Cancels the call: notifies the server and drops the messages that it sent. The call then has
    /// the status `CANCELLED`, unless it was over already.
    pub fn cancel(&mut self) {
        let mut state = self.inner.state();
        let CallKey { link, call: id } = self.key;
        let Some(call) = state.calls.get_mut(&self.key) else { return };
        if self.end.is_none() && call.end.is_none() {
            call.messages.clear();
            call.end = Some((Status::new(Code::Cancelled, "the client cancelled the call"), false));
            if let Some(link) = state.link(link) {
                link.session.cancel(id);
            }
            state.flush(link, self.inner.now());
            self.inner.call_cancelled(&state);
        }
    }

    fn act(
        &mut self,
        act: impl FnOnce(&mut State, CallKey, Duration) -> bool,
    ) -> Result<(), Status> {
        let mut state = self.inner.state();
        if act(&mut state, self.key, self.inner.now()) {
            return Ok(());
        }
        let end = state.calls.get(&self.key).and_then(|call| call.end.as_ref());
        match end.or(self.end.as_ref()) {
            Some((status, _)) if !status.is_ok() => Err(status.clone()),
            _ => Err(Status::new(Code::Cancelled, "the server has ended the call")),
        }
    }

    /// Waits for the next message; `None` once the call has ended with OK.
    ///
    /// # Errors
    /// The call's final status, when it is not OK.
    pub fn receive(&mut self) -> Result<Option<Vec<u8>>, Status> {
        match self.receive_until(None)? {
            Received::Message(message) => Ok(Some(message)),
            Received::End | Received::NotYet => Ok(None),
        }
    }

    /// As [`receive`](Self::receive), but stops waiting at `until`. The call goes on.
    ///
    /// # Errors
    /// The call's final status, when it is not OK.
    pub fn receive_until(&mut self, until: Option<Instant>) -> Result<Received, Status> {
        if let Some((status, _)) = &self.end {
            return if status.is_ok() { Ok(Received::End) } else { Err(status.clone()) };
        }
        let next = self.wait_until(until, |state, key| {
            let Some(call) = state.calls.get_mut(&key) else { return Some(Next::Unknown) };
            if let Some(arrived) = call.messages.pop_front() {
                if let Some(link) = state.link(key.link) {
                    link.session.message_taken(key.call, arrived.message.len());
                }
                return Some(Next::Message(arrived));
            }
            call.end.take().map(|end| Next::End(end, call.headers.take()))
        });
        match next {
            None => Ok(Received::NotYet),
            Some(Next::Message(Arrived { message, was_compressed })) => {
                self.was_compressed = was_compressed;
                Ok(Received::Message(message))
            }
            Some(Next::End(end, headers)) => {
                self.headers = self.headers.take().or(headers);
                let status = end.0.clone();
                self.end = Some(end);
                if status.is_ok() { Ok(Received::End) } else { Err(status) }
            }
            Some(Next::Unknown) => Err(Status::new(Code::Internal, "the call is not known")),
        }
    }

    /// Waits for the server's initial metadata; empty if the call ended without any.
    pub fn headers(&mut self) -> &Metadata {
        if self.headers.is_none() && self.end.is_none() {
            let headers = self.wait_until(None, |state, key| match state.calls.get_mut(&key) {
                Some(call) if call.headers.is_none() && call.end.is_none() => None,
                Some(call) => Some(call.headers.take()),
                None => Some(None),
            });
            self.headers = headers.flatten();
        }
        self.headers.get_or_insert_default()
    }

    /// The server's trailing metadata, once the call has ended.
    pub fn trailers(&self) -> Option<&Metadata> {
        self.end.as_ref().map(|(status, _)| &status.metadata)
    }

    /// Whether the call ended before the server started to process it.
    pub(super) fn is_retriable(&self) -> bool {
        self.end.as_ref().is_some_and(|(_, retriable)| *retriable)
    }

    /// Sends the one message and waits for the one answer.
    pub(super) fn exchange(&mut self, message: &[u8]) -> Result<Response, Status> {
        // If the call is over already, `receive` returns its status.
        let _ = self.send_last(message);
        let Some(message) = self.receive()? else {
            return Err(Status::new(Code::Internal, "the server answered without a message"));
        };
        if self.receive()?.is_some() {
            return Err(Status::new(Code::Internal, "the server answered with many messages"));
        }
        let headers = self.headers.take().unwrap_or_default();
        let trailers = self.end.take().map_or_else(Metadata::new, |(status, _)| status.metadata);
        Ok(Response { headers, message, trailers })
    }

    /// Waits until `check` returns something, or until `until`.
    fn wait_until<T>(
        &mut self,
        until: Option<Instant>,
        mut check: impl FnMut(&mut State, CallKey) -> Option<T>,
    ) -> Option<T> {
        let mut state: MutexGuard<'_, State> = self.inner.state();
        loop {
            let found = check(&mut state, self.key);
            let time_up = || until.is_some_and(|until| Instant::now() >= until);
            if found.is_some() || time_up() {
                self.inner.hand_over_driving(&state);
                return found;
            }
            state = self.inner.wait(state, Some(self.key), until);
        }
    }
}

/// What a call's inbox holds next.
enum Next {
    Message(Arrived),
    End((Status, bool), Option<Metadata>),
    /// Should not happen: a call's entry exists as long as its `ClientCall`.
    Unknown,
}

impl Drop for ClientCall {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        let call = state.calls.remove(&self.key);
        if call.is_some_and(|call| call.end.is_none()) && self.end.is_none() {
            if let Some(link) = state.link(self.key.link) {
                link.session.cancel(self.key.call);
            }
            let now = self.inner.now();
            state.flush(self.key.link, now);
            self.inner.call_cancelled(&state);
        }
        self.inner.hand_over_driving(&state);
    }
}
