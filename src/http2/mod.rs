//! HTTP/2 (RFC 9113): frames, streams, flow control, connection.
