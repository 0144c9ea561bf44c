//! A hand-written peer: it writes any frames, and shows received frames as lines.

use crate::hpack::{Decoder, DecoderLimits, Encoder, FieldBlock, Indexing};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

const ERROR_NAMES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// Frames to send, and the memory to read those that come.
pub struct RawPeer {
    encoder: Encoder,
    decoder: Decoder,
    out: Vec<u8>,
}

impl RawPeer {
    /// A client: its preface and empty SETTINGS are the first thing in the output.
    pub fn client() -> RawPeer {
        let mut peer = RawPeer::server();
        peer.out.splice(0..0, PREFACE.iter().copied());
        peer
    }

    /// A server: it starts with empty SETTINGS.
    pub fn server() -> RawPeer {
        let (encoder, decoder) = (Encoder::new(), Decoder::new(4096));
        let mut peer = RawPeer { encoder, decoder, out: Vec::new() };
        peer.settings(&[]);
        peer
    }

    /// What was written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        self.out.extend_from_slice(&length[1..]);
        self.out.extend_from_slice(&[kind, flags]);
        self.out.extend_from_slice(&stream.to_be_bytes());
        self.out.extend_from_slice(payload);
    }

    pub fn settings(&mut self, settings: &[(u16, u32)]) {
        let pair =
            |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
        let payload: Vec<u8> = settings.iter().flat_map(pair).collect();
        self.frame(SETTINGS, 0, 0, &payload);
    }

    pub fn headers(&mut self, stream: u32, fields: &[(&str, &str)], end: bool) {
        let mut block = Vec::new();
        self.encoder.begin(&mut block);
        for (name, value) in fields {
            let (name, value) = (name.as_bytes(), value.as_bytes());
            self.encoder.field(name, value, Indexing::Incremental, &mut block);
        }
        let end = if end { END_STREAM } else { 0 };
        self.frame(HEADERS, END_HEADERS | end, stream, &block);
    }

    pub fn data(&mut self, stream: u32, data: &[u8], end: bool) {
        self.frame(DATA, if end { END_STREAM } else { 0 }, stream, data);
    }

    pub fn padded_data(&mut self, stream: u32, data: &[u8], padding: u8, end: bool) {
        let payload = [&[padding][..], data, &vec![0; usize::from(padding)]].concat();
        self.frame(DATA, PADDED | if end { END_STREAM } else { 0 }, stream, &payload);
    }

    pub fn rst_stream(&mut self, stream: u32, error: u32) {
        self.frame(RST_STREAM, 0, stream, &error.to_be_bytes());
    }

    pub fn go_away(&mut self, last_stream: u32, error: u32, debug: &[u8]) {
        let payload = [&last_stream.to_be_bytes()[..], &error.to_be_bytes(), debug].concat();
        self.frame(GOAWAY, 0, 0, &payload);
    }

    pub fn window_update(&mut self, stream: u32, increment: u32) {
        self.frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes());
    }

    /// The frames in `bytes`, one per line, without those at the start of every connection: SETTINGS,
    /// their acknowledgement and the connection's window.
    pub fn read(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(rest) = bytes.strip_prefix(PREFACE) {
            bytes = rest;
        }
        while let Some((header, rest)) = bytes.split_first_chunk::<9>() {
            let [a, b, c, kind, flags, stream @ ..] = *header;
            let (payload, rest) = rest.split_at(u32::from_be_bytes([0, a, b, c]) as usize);
            bytes = rest;
            lines.extend(self.line(kind, flags, u32::from_be_bytes(stream), payload));
        }
        assert_eq!(bytes, b"", "an unfinished frame");
        lines
    }

    fn line(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Option<String> {
        let end = if flags & END_STREAM != 0 { " END_STREAM" } else { "" };
        let word = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        let error = |at| *ERROR_NAMES.get(word(at) as usize).unwrap_or(&"?");
        Some(match kind {
            DATA => {
                assert_eq!(flags & PADDED, 0, "padded DATA");
                let text = if payload.len() > 40 {
                    format!("{} bytes", payload.len())
                } else {
                    payload.escape_ascii().to_string()
                };
                format!("{stream} DATA{end} {text}").trim_end().to_owned()
            }
            HEADERS => {
                assert_ne!(flags & END_HEADERS, 0, "a block in one frame");
                format!("{stream} HEADERS{end} {}", self.fields(payload)).trim_end().to_owned()
            }
            RST_STREAM => format!("{stream} RST_STREAM {}", error(0)),
            SETTINGS => return None,
            PING if flags & ACK != 0 => "PING ACK".to_owned(),
            PING => "PING".to_owned(),
            GOAWAY => {
                let debug = payload[8..].escape_ascii();
                format!("GOAWAY last {} {} {debug}", word(0), error(4)).trim_end().to_owned()
            }
            WINDOW_UPDATE if stream == 0 => return None,
            WINDOW_UPDATE => format!("{stream} WINDOW_UPDATE {}", word(0)),
            _ => format!("{stream} frame of type {kind}"),
        })
    }

    fn fields(&mut self, block: &[u8]) -> String {
        let mut fields = FieldBlock::new();
        let limits = DecoderLimits { max_list_bytes: 1 << 20, max_fields: 1000 };
        self.decoder.decode(block, &limits, &mut fields).unwrap();
        let text = |(name, value): (&[u8], &[u8])| {
            format!("{}={}", name.escape_ascii(), value.escape_ascii())
        };
        fields.iter().map(text).collect::<Vec<_>>().join(", ")
    }
}

/// A length-prefixed message.
pub fn message(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0][..], &length, payload].concat()
}
