"""The memory that an idle server and its idle connections use.

Connections are plain sockets with hand-written bytes, so that the same client measures every
server. Each makes one call of 100 bytes before it idles: an unused connection would be cheaper than
any real one.
"""

import contextlib
import re
import socket
import struct
import time
from pathlib import Path

CONNECTIONS = 500
TIMEOUT_S = 10

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS, ACK = 1, 4, 1

HELLO, PATH, REQUEST_WITH_MESSAGE_AND_END = 0x01, 0x02, 0xC3


def resident_bytes(pid):
    """Resident memory of a process, once it has stopped changing."""
    last = 0
    for _ in range(50):
        status = Path(f"/proc/{pid}/status").read_text()
        now = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024
        if now == last:
            return now
        last = now
        time.sleep(0.1)
    return last


def bytes_per_connection(pid, address, protocol):
    """The resident memory that each of 500 connections adds to the server."""
    call = {"grpc": grpc_call, "native": native_call}[protocol]
    host, port = address.rsplit(":", 1)
    with contextlib.ExitStack() as stack:

        def connect():
            connection = socket.create_connection((host, int(port)), TIMEOUT_S)
            call(stack.enter_context(connection))

        # The first connections cause one-time allocations.
        for _ in range(10):
            connect()
        before = resident_bytes(pid)
        for _ in range(CONNECTIONS):
            connect()
        return (resident_bytes(pid) - before) / CONNECTIONS


def varint(number):
    """A number as protobuf writes it."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def echo_request(size):
    """An agora.bench.v1.EchoRequest with this many bytes of payload."""
    return b"\x0a" + varint(size) + bytes(size)


def length_prefixed(message):
    """A message as gRPC frames it: uncompressed, its length, its bytes."""
    return struct.pack(">BI", 0, len(message)) + message


def frame(kind, flags, stream, payload):
    """An HTTP/2 frame (RFC 9113, section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def grpc_call(connection):
    """One echo over HTTP/2, from the preface to the answer's last frame."""
    fields = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/agora.bench.v1.EchoService/Echo"),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    ]
    # Literal fields without indexing (RFC 7541, section 6.2.2), all shorter than 127 bytes.
    literal = (bytes([0, len(n)]) + n + bytes([len(v)]) + v for n, v in fields)
    block = b"".join(literal)
    message = length_prefixed(echo_request(100))
    connection.sendall(
        PREFACE
        + frame(SETTINGS, 0, 0, b"")
        + frame(HEADERS, END_HEADERS, 1, block)
        + frame(DATA, END_STREAM, 1, message)
        + frame(SETTINGS, ACK, 0, b"")
    )
    answered = False
    while not answered:
        head = receive(connection, 9)
        length, flags = int.from_bytes(head[:3], "big"), head[4]
        stream = int.from_bytes(head[5:], "big")
        receive(connection, length)
        answered = stream == 1 and head[3] in (DATA, HEADERS) and flags & END_STREAM != 0


def envelope(kind, number, payload):
    """A native envelope (schemas/native-envelope.md, section 2)."""
    return struct.pack(">IBI", len(payload), kind, number) + payload


def native_call(connection):
    """One echo over the native protocol, from the magic to the answer."""
    hello = b"\x08" + varint(256 * 1024) + b"\x10" + varint(1024 * 1024)
    header = b"\x08\x01"
    request = struct.pack(">I", len(header)) + header + echo_request(100)
    connection.sendall(
        b"AGR1"
        + envelope(HELLO, 0, hello)
        + envelope(PATH, 1, b"/agora.bench.v1.EchoService/Echo")
        + envelope(REQUEST_WITH_MESSAGE_AND_END, 1, request)
    )
    receive(connection, len(b"AGR1"))
    kind = HELLO
    while kind == HELLO:
        length, kind, _ = struct.unpack(">IBI", receive(connection, 9))
        receive(connection, length)


def receive(connection, count):
    """Exactly this many bytes."""
    got = b""
    while len(got) < count:
        more = connection.recv(count - len(got))
        if not more:
            raise ConnectionError("the server closed the connection")
        got += more
    return got
