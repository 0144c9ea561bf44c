//! Sockets, threads and timers: server and blocking client.
