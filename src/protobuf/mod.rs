//! The structural check that every received message passes before it is decoded.
