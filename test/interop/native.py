"""A client of the native envelope protocol, written from schemas/native-envelope.md alone.

It shows that the page is precise enough to write a client from. Labels (S1, E2, ...) are its
rules. It waits for every answer on the one socket, and is no model for speed.
"""

import collections
import socket
import struct

MAGIC = b"AGR1"
KINDS = dict(enumerate(
    "HELLO PATH REQUEST HEADERS MESSAGE HALF_CLOSE TRAILERS CANCEL CREDIT PING PONG GO_AWAY".split(),
    start=1,
))  # fmt: skip
NUMBERS = {name: number for number, name in KINDS.items()}
END, WITH_MESSAGE = 0x80, 0x40
MESSAGE_COST = 32

Envelope = collections.namedtuple("Envelope", "kind flags id payload")


class Ended(Exception):
    """The call ended with a code other than 0."""

    def __init__(self, trailers):
        super().__init__(f"code {trailers.code}: {trailers.message}")
        self.code = trailers.code
        self.message = trailers.message
        self.metadata = pairs(trailers.metadata)


class Connection:
    """One connection, after both sides have said hello."""

    def __init__(self, schema, address, call_window=1 << 20, connection_window=1 << 20):
        host, port = address.rsplit(":", 1)
        self.schema = schema
        self.paths = {}
        self.calls = 0
        self.socket = socket.create_connection((host, int(port)), 10)
        # S1: the magic, and envelopes right behind it.
        self.socket.sendall(MAGIC)
        hello = self.header("Hello")
        hello.call_window_bytes = call_window
        hello.connection_window_bytes = connection_window
        self.send("HELLO", 0, hello.SerializeToString())
        # S2, S3: the server's magic, then its HELLO.
        assert self.exactly(4) == MAGIC, "the server did not answer with the magic"
        first = self.receive()
        assert first.kind == "HELLO", first
        self.hello = self.header("Hello").FromString(first.payload)

    def close(self):
        self.socket.close()

    def header(self, name):
        return self.schema.message(f"agora.native.v1.{name}")()

    def send(self, kind, number, payload=b"", flags=0):
        # E1, E2: the length of the payload, the kind and its flags, the id.
        kind = NUMBERS.get(kind, kind)
        self.socket.sendall(struct.pack(">IBI", len(payload), kind | flags, number) + payload)

    def exactly(self, count):
        got = bytearray()
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                raise ConnectionError(f"the server closed the connection after {bytes(got)!r}")
            got += more
        return bytes(got)

    def receive(self):
        length, kind, number = struct.unpack(">IBI", self.exactly(9))
        return Envelope(KINDS[kind & 15], kind & 0xF0, number, self.exactly(length))

    def is_closed_by_peer(self):
        """Whether the server ends the connection, and says nothing more before."""
        return self.socket.recv(1) == b""

    def start(self, path, message=None, *, metadata=(), timeout_us=0, end=True):
        """C1: begins a call, with its first message if there is one; its id."""
        if path not in self.paths:
            # P2: ids from 1, without a gap.
            self.paths[path] = len(self.paths) + 1
            self.send("PATH", self.paths[path], path.encode())
        request = self.header("RequestHeader")
        request.path_id = self.paths[path]
        request.timeout_us = timeout_us
        for name, value in metadata:
            request.metadata.add(name=name, value=value)
        header = request.SerializeToString()
        payload = struct.pack(">I", len(header)) + header
        flags = END if end else 0
        if message is not None:
            payload += message.SerializeToString()
            flags |= WITH_MESSAGE
        self.calls += 1
        self.send("REQUEST", self.calls, payload, flags)
        return self.calls

    def answers(self, call, response):
        """The messages of a call, and with each its cost given back (F4); raises how it ended."""
        while True:
            envelope = self.receive()
            if envelope.id != call:
                continue
            if envelope.kind == "TRAILERS":
                trailers = self.header("Trailers").FromString(envelope.payload)
                if trailers.code != 0:
                    raise Ended(trailers)
                return
            if envelope.kind == "MESSAGE":
                yield response.FromString(envelope.payload)
                if envelope.flags & END:
                    return
                cost = struct.pack(">I", len(envelope.payload) + MESSAGE_COST)
                self.send("CREDIT", call, cost)
                self.send("CREDIT", 0, cost)


def pairs(fields):
    """Metadata as a list of pairs."""
    return [(field.name, field.value) for field in fields]
