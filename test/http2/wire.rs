//! Frames as bytes and as text, written without the code under test (HPACK excepted).

use agora::hpack::{Decoder, DecoderLimits, Encoder, FieldBlock, Indexing};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 0x1;
pub const ACK: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
pub const PADDED: u8 = 0x8;
pub const PRIORITY_FLAG: u8 = 0x20;

const KINDS: [&str; 10] = [
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
];

const CODES: [&str; 14] = [
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

/// A frame of any kind, with any payload.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

pub fn settings(entries: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (id, value) in entries {
        payload.extend(id.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    frame(SETTINGS, 0, 0, &payload)
}

pub fn settings_ack() -> Vec<u8> {
    frame(SETTINGS, ACK, 0, &[])
}

pub fn data(stream: u32, content: &[u8], flags: u8) -> Vec<u8> {
    frame(DATA, flags, stream, content)
}

pub fn ping(opaque: &[u8; 8]) -> Vec<u8> {
    frame(PING, 0, 0, opaque)
}

pub fn rst_stream(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

pub fn go_away(last_stream: u32, code: u32, debug: &[u8]) -> Vec<u8> {
    let mut payload = last_stream.to_be_bytes().to_vec();
    payload.extend(code.to_be_bytes());
    payload.extend(debug);
    frame(GOAWAY, 0, 0, &payload)
}

/// A field block.
pub fn block(encoder: &mut Encoder, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.begin(&mut out);
    for (name, value) in fields {
        encoder.field(name.as_bytes(), value.as_bytes(), Indexing::Incremental, &mut out);
    }
    out
}

/// Takes the frames off a peer's output and says each in a line.
pub struct Reader {
    decoder: Decoder,
    block: Vec<u8>,
}

impl Reader {
    pub fn new() -> Reader {
        Reader { decoder: Decoder::new(4096), block: Vec::new() }
    }

    pub fn read(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(rest) = bytes.strip_prefix(agora::http2::PREFACE) {
            lines.push("preface".to_string());
            bytes = rest;
        }
        while let [l0, l1, l2, kind, flags, s0, s1, s2, s3, rest @ ..] = bytes {
            let len = u32::from_be_bytes([0, *l0, *l1, *l2]) as usize;
            let stream = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
            let (payload, rest) = rest.split_at(len);
            lines.push(self.line(*kind, *flags, stream, payload));
            bytes = rest;
        }
        assert!(bytes.is_empty(), "the output ends in the middle of a frame header");
        lines
    }

    fn line(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> String {
        let mut line = KINDS[usize::from(kind)].to_string();
        if stream != 0 {
            line += &format!(" {stream}");
        }
        let number = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        match kind {
            DATA => line += &format!(" {}", text(payload)),
            HEADERS | CONTINUATION => {
                self.block.extend(payload);
                if flags & END_HEADERS == 0 {
                    line += " ...";
                } else {
                    let block = std::mem::take(&mut self.block);
                    line += &self.fields(&block);
                }
            }
            RST_STREAM => line += &format!(" {}", code(number(0))),
            SETTINGS if flags & ACK == 0 => {
                for entry in payload.chunks(6) {
                    let id = u16::from_be_bytes([entry[0], entry[1]]);
                    let value = u32::from_be_bytes(entry[2..6].try_into().unwrap());
                    line += &format!(" {id}={value}");
                }
            }
            PING => line += &format!(" {}", text(payload)),
            GOAWAY => {
                line += &format!(" last={} {}", number(0), code(number(4)));
                line += &format!(" {}", text(&payload[8..]));
            }
            WINDOW_UPDATE => line += &format!(" +{}", number(0)),
            _ => {}
        }
        if matches!(kind, SETTINGS | PING) && flags & ACK != 0 {
            line += " ack";
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            line += " end";
        }
        line
    }

    fn fields(&mut self, block: &[u8]) -> String {
        let limits = DecoderLimits { max_list_bytes: 1 << 20, max_fields: 10_000 };
        let mut fields = FieldBlock::new();
        self.decoder.decode(block, &limits, &mut fields).expect("a block that can be decoded");
        field_text(&fields)
    }
}

/// Every field as ` name=value`.
pub fn field_text(fields: &FieldBlock) -> String {
    fields.iter().map(|(name, value)| format!(" {}={}", escaped(name), escaped(value))).collect()
}

/// Content in quotes; when it is long, its length.
pub fn text(bytes: &[u8]) -> String {
    if bytes.len() > 40 {
        format!("({} bytes)", bytes.len())
    } else {
        format!("{:?}", escaped(bytes)).replace("\\\\", "\\")
    }
}

fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn code(number: u32) -> &'static str {
    CODES.get(number as usize).copied().unwrap_or("(unknown code)")
}
