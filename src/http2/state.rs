//! The states of a stream, and the frames that each state allows (RFC 9113 section 5.1).

use super::ErrorCode;
use super::frame::Kind;

/// The state of a stream at this endpoint.
///
/// ```text
///                           +--------+
///                           |  idle  |
///                           +--------+
///                               | HEADERS, sent by a client, received by a server
///                               v
///                           +--------+
///          END_STREAM       |        |       END_STREAM
///           received        |  open  |          sent
///        +------------------|        |------------------+
///        |                  +--------+                  |
///        v                      |                       v
/// +-------------+               |                +-------------+
/// | half-closed |               | RST_STREAM     | half-closed |
/// |  (remote)   |               | sent or        |   (local)   |
/// +-------------+               | received       +-------------+
///        | END_STREAM sent,     |                       | END_STREAM received,
///        | RST_STREAM           v                       | RST_STREAM
///        |                  +--------+                  |
///        +----------------->| closed |<-----------------+
///                           +--------+
/// ```
///
/// The RFC's two reserved states belong to server push, which we do not allow. END_STREAM is a
/// transition of its own, after the frame that has the flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not opened; the identifier is above all that were used.
    Idle,
    /// Both sides may send.
    Open,
    /// We have sent END_STREAM.
    HalfClosedLocal,
    /// The peer has sent END_STREAM.
    HalfClosedRemote,
    /// Closed.
    Closed(CloseReason),
}

/// Why a stream is closed: it decides the reaction to a late frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Both sides sent END_STREAM.
    Finished,
    /// The peer sent RST_STREAM.
    ResetByPeer,
    /// We sent RST_STREAM; frames that the peer sent before it received that are in flight.
    ResetByUs,
    /// No record: closed too long ago, or skipped by the use of a higher identifier.
    Forgotten,
}

/// The reaction to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameAction {
    /// The frame is valid in this state.
    Accept,
    /// The frame opens the stream (section 5.1.1 defines which side may do that).
    Open,
    /// The frame is late: it only updates the compression state and the connection's window.
    Discard,
    /// A stream error.
    StreamError(ErrorCode),
    /// A connection error.
    ConnectionError(ErrorCode, &'static str),
}

impl State {
    /// The transition table: the reaction to a frame of this type on a stream in this state.
    pub fn receive(self, kind: Kind) -> FrameAction {
        use CloseReason::{Finished, Forgotten, ResetByPeer, ResetByUs};
        use Kind::{Data, Headers, Priority, RstStream, WindowUpdate};
        use State::{Closed, HalfClosedLocal, HalfClosedRemote, Idle, Open};
        match (self, kind) {
            (_, Priority) => FrameAction::Accept,

            (Idle, Headers) => FrameAction::Open,

            (Open | HalfClosedLocal, Data | Headers | RstStream | WindowUpdate) => {
                FrameAction::Accept
            }

            (HalfClosedRemote, RstStream | WindowUpdate) => FrameAction::Accept,
            (HalfClosedRemote, Data | Headers) => {
                FrameAction::StreamError(ErrorCode::STREAM_CLOSED)
            }

            (Closed(_), RstStream | WindowUpdate) => FrameAction::Discard,
            (Closed(ResetByUs), Data | Headers) => FrameAction::Discard,
            (Closed(ResetByPeer), Data | Headers) => {
                FrameAction::StreamError(ErrorCode::STREAM_CLOSED)
            }
            (Closed(Finished), Data | Headers) => FrameAction::ConnectionError(
                ErrorCode::STREAM_CLOSED,
                "a frame on a stream that both sides had ended",
            ),
            (Closed(Forgotten), Data) => FrameAction::Discard,
            (Closed(Forgotten), Headers) => FrameAction::ConnectionError(
                ErrorCode::PROTOCOL_ERROR,
                "a stream identifier is not above those used before",
            ),

            (Idle, _) => FrameAction::ConnectionError(
                ErrorCode::PROTOCOL_ERROR,
                "a frame on a stream that is not open yet",
            ),
            // The other types are handled by the connection.
            (Open | HalfClosedLocal | HalfClosedRemote | Closed(_), _) => {
                FrameAction::ConnectionError(
                    ErrorCode::PROTOCOL_ERROR,
                    "a frame type that does not belong to a stream",
                )
            }
        }
    }

    /// The state after receiving END_STREAM.
    pub fn end_received(self) -> State {
        match self {
            State::Open => State::HalfClosedRemote,
            State::HalfClosedLocal => State::Closed(CloseReason::Finished),
            other => other,
        }
    }

    /// The state after sending END_STREAM.
    pub fn end_sent(self) -> State {
        match self {
            State::Open => State::HalfClosedLocal,
            State::HalfClosedRemote => State::Closed(CloseReason::Finished),
            other => other,
        }
    }

    /// Whether we may still send HEADERS and DATA.
    pub fn may_send(self) -> bool {
        matches!(self, State::Open | State::HalfClosedRemote)
    }

    /// Whether the peer may still send HEADERS and DATA.
    pub fn may_receive(self) -> bool {
        matches!(self, State::Open | State::HalfClosedLocal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: [State; 3] = [State::Open, State::HalfClosedLocal, State::HalfClosedRemote];
    const CLOSE_REASONS: [CloseReason; 4] = [
        CloseReason::Finished,
        CloseReason::ResetByPeer,
        CloseReason::ResetByUs,
        CloseReason::Forgotten,
    ];

    fn is_connection_error(action: FrameAction, code: ErrorCode) -> bool {
        matches!(action, FrameAction::ConnectionError(c, _) if c == code)
    }

    #[test]
    fn an_idle_stream_takes_headers_and_priority_only() {
        assert_eq!(State::Idle.receive(Kind::Headers), FrameAction::Open);
        assert_eq!(State::Idle.receive(Kind::Priority), FrameAction::Accept);
        for kind in [Kind::Data, Kind::RstStream, Kind::WindowUpdate, Kind::Continuation] {
            let action = State::Idle.receive(kind);
            assert!(is_connection_error(action, ErrorCode::PROTOCOL_ERROR), "{kind:?}");
        }
    }

    #[test]
    fn open_and_half_closed_local_take_any_stream_frame() {
        for state in [State::Open, State::HalfClosedLocal] {
            for kind in [Kind::Data, Kind::Headers, Kind::RstStream, Kind::WindowUpdate] {
                assert_eq!(state.receive(kind), FrameAction::Accept, "{state:?} {kind:?}");
            }
        }
    }

    #[test]
    fn half_closed_remote_answers_data_and_headers_with_stream_closed() {
        let state = State::HalfClosedRemote;
        for kind in [Kind::Data, Kind::Headers] {
            assert_eq!(state.receive(kind), FrameAction::StreamError(ErrorCode::STREAM_CLOSED));
        }
        for kind in [Kind::RstStream, Kind::WindowUpdate, Kind::Priority] {
            assert_eq!(state.receive(kind), FrameAction::Accept);
        }
    }

    #[test]
    fn late_resets_and_window_updates_on_a_closed_stream_are_normal() {
        for reason in CLOSE_REASONS {
            assert_eq!(State::Closed(reason).receive(Kind::RstStream), FrameAction::Discard);
            assert_eq!(State::Closed(reason).receive(Kind::WindowUpdate), FrameAction::Discard);
            assert_eq!(State::Closed(reason).receive(Kind::Priority), FrameAction::Accept);
        }
    }

    #[test]
    fn the_reaction_to_late_content_depends_on_the_close_reason() {
        for kind in [Kind::Data, Kind::Headers] {
            let on = |reason| State::Closed(reason).receive(kind);
            assert_eq!(on(CloseReason::ResetByUs), FrameAction::Discard);
            assert_eq!(
                on(CloseReason::ResetByPeer),
                FrameAction::StreamError(ErrorCode::STREAM_CLOSED)
            );
            assert!(is_connection_error(on(CloseReason::Finished), ErrorCode::STREAM_CLOSED));
        }
        let forgotten = State::Closed(CloseReason::Forgotten);
        assert_eq!(forgotten.receive(Kind::Data), FrameAction::Discard);
        assert!(is_connection_error(forgotten.receive(Kind::Headers), ErrorCode::PROTOCOL_ERROR));
    }

    #[test]
    fn two_ends_close_a_stream_in_either_order() {
        let finished = State::Closed(CloseReason::Finished);
        assert_eq!(State::Open.end_received(), State::HalfClosedRemote);
        assert_eq!(State::Open.end_received().end_sent(), finished);
        assert_eq!(State::Open.end_sent(), State::HalfClosedLocal);
        assert_eq!(State::Open.end_sent().end_received(), finished);
    }

    #[test]
    fn each_side_sends_until_its_own_end() {
        assert_eq!(LIVE.map(State::may_send), [true, false, true]);
        assert_eq!(LIVE.map(State::may_receive), [true, true, false]);
        for state in [State::Idle].into_iter().chain(CLOSE_REASONS.map(State::Closed)) {
            assert!(!state.may_send() && !state.may_receive(), "{state:?}");
        }
    }
}
