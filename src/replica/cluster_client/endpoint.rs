//! One node: its address, the connection to it, and the result of the last call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::attempt::{Answer, Attempt};
use crate::call::{Code, Status};
use crate::raft::NodeId;
use crate::rpc::{CallOptions, Channel, ChannelOptions, ClientCall};

/// How long an unreachable node is skipped while there are other nodes.
const BACKOFF: Duration = Duration::from_millis(500);

pub(super) struct Endpoint {
    /// The node id, if it is known.
    id: Option<NodeId>,
    target: String,
    options: Arc<ChannelOptions>,
    connection: Mutex<Connection>,
}

/// The connection to a node.
struct Connection {
    channel: Channel,
    backing_off_until: Option<Instant>,
    /// Whether the last call was answered.
    answered_last: bool,
}

impl Endpoint {
    /// Creates an endpoint without connecting.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the process is out of file descriptors.
    pub(super) fn new(
        id: Option<NodeId>,
        target: &str,
        options: &Arc<ChannelOptions>,
    ) -> Result<Endpoint, Status> {
        let channel = Channel::new(target, (**options).clone())?;
        let connection =
            Mutex::new(Connection { channel, backing_off_until: None, answered_last: false });
        Ok(Endpoint { id, target: target.to_owned(), options: Arc::clone(options), connection })
    }

    pub(super) fn id(&self) -> Option<NodeId> {
        self.id
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// One attempt. A failure says whether the node may have received the request.
    pub(super) fn ask(
        &self,
        path: &str,
        request: &[u8],
        timeout: Duration,
        attempt: &Attempt,
    ) -> Answer {
        let options = CallOptions { timeout: Some(timeout), ..CallOptions::default() };
        let mut call = self.start(path, &options).map_err(|status| (status, false))?;
        if !attempt.begin() {
            let status = Status::new(Code::Cancelled, "the call was cancelled");
            return Err((status, false));
        }
        // The status of a call that has already ended is returned by `receive`.
        let _ = call.send_last(request);
        let answer = call.receive().map_err(|status| (status, true))?;
        answer.ok_or_else(|| {
            (Status::new(Code::Internal, "the node answered without a message"), true)
        })
    }

    /// Starts a call.
    ///
    /// # Errors
    /// The node cannot be reached.
    pub(super) fn start(&self, path: &str, options: &CallOptions) -> Result<ClientCall, Status> {
        let channel = self.connection().channel.clone();
        let started = channel.start(path, options);
        // The old channel backs off longer after each failure; a node that comes back should be
        // found at once.
        if started.is_err() {
            self.reconnect();
        }
        started
    }

    /// Uses a new connection for the next call. Running calls keep theirs.
    pub(super) fn reconnect(&self) {
        if let Ok(fresh) = Channel::new(&self.target, (*self.options).clone()) {
            self.connection().channel = fresh;
        }
    }

    /// Records that the node has answered.
    pub(super) fn note_answer(&self) {
        self.connection().answered_last = true;
    }

    /// Whether the last call was answered.
    pub(super) fn answered_last(&self) -> bool {
        self.connection().answered_last
    }

    /// Records a failure: the node is skipped for a while if there are others.
    pub(super) fn back_off(&self) {
        let mut connection = self.connection();
        connection.backing_off_until = Some(Instant::now() + BACKOFF);
        connection.answered_last = false;
    }

    pub(super) fn is_backing_off(&self) -> bool {
        self.connection().backing_off_until.is_some_and(|until| Instant::now() < until)
    }

    /// A panic under the lock leaves the connection consistent.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
