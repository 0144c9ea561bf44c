"""The native protocol, with a client written from schemas/native-envelope.md alone."""

import socket
import unittest

import native
import setting
from cases import SERVICE, Requests, equal

EMPTY_CALL = f"/{SERVICE}/EmptyCall"
UNARY_CALL = f"/{SERVICE}/UnaryCall"
DUPLEX_CALL = f"/{SERVICE}/FullDuplexCall"
INTERNAL, DEADLINE_EXCEEDED, UNIMPLEMENTED = 13, 4, 12


class Native(unittest.TestCase):
    """A connection to the server under test."""

    @classmethod
    def setUpClass(cls):
        if setting.against_reference():
            raise unittest.SkipTest("grpcio does not client it")

    def setUp(self):
        self.schema = setting.schema()
        self.connection = self.open()
        self.client = Requests(self.schema)
        self.simple = self.schema.message("grpc.testing.SimpleResponse")
        self.output = self.schema.message("grpc.testing.StreamingOutputCallResponse")

    def tearDown(self):
        setting.check_server_lives()

    def open(self, **windows):
        connection = native.Connection(self.schema, setting.address(), **windows)
        self.addCleanup(connection.close)
        return connection

    def ended(self, call, response):
        with self.assertRaises(native.Ended) as caught:
            list(self.connection.answers(call, response))
        return caught.exception

    def test_a_unary_call_takes_one_envelope_each_way(self):
        call = self.connection.start(EMPTY_CALL, self.client.empty())
        answer = self.connection.receive()
        equal(answer, native.Envelope("MESSAGE", native.END, call, b""), "the answer")

    def test_messages_go_both_ways_in_turn(self):
        call = self.connection.start(DUPLEX_CALL, end=False)
        answers = self.connection.answers(call, self.output)
        for size in (31415, 9, 2653, 58979):
            message = self.client.output([size], 100).SerializeToString()
            self.connection.send("MESSAGE", call, message)
            equal(len(next(answers).payload.body), size, "payload size")
        self.connection.send("HALF_CLOSE", call)
        equal(list(answers), [], "answers after the half-close")

    def test_a_status_comes_in_trailers(self):
        request = self.client.with_status(self.client.simple(), 5, "no item 7 \u2713")
        ended = self.ended(self.connection.start(UNARY_CALL, request), self.simple)
        equal((ended.code, ended.message), (5, "no item 7 \u2713"), "status")

    def test_a_method_that_is_not_there_is_unimplemented(self):
        call = self.connection.start("/no.such.Service/Method", self.client.empty())
        equal(self.ended(call, self.simple).code, UNIMPLEMENTED, "code")

    def test_metadata_comes_back_with_bytes_unchanged(self):
        sent = [
            ("x-grpc-test-echo-initial", b"hello"),
            ("x-grpc-test-echo-trailing-bin", bytes(range(256))),
        ]
        call = self.connection.start(EMPTY_CALL, self.client.empty(), metadata=sent)
        headers = self.connection.receive()
        equal((headers.kind, headers.id), ("HEADERS", call), "first envelope")
        initial = self.connection.header("ResponseHeader").FromString(headers.payload)
        self.assertIn(sent[0], native.pairs(initial.metadata))
        equal(self.connection.receive().kind, "MESSAGE", "second envelope")
        trailers = self.connection.header("Trailers")
        trailers.ParseFromString(self.connection.receive().payload)
        self.assertIn(sent[1], native.pairs(trailers.metadata))

    def test_the_server_enforces_the_timeout(self):
        request = self.client.output([1], interval_us=5_000_000)
        path = f"/{SERVICE}/StreamingOutputCall"
        call = self.connection.start(path, request, timeout_us=200_000)
        equal(self.ended(call, self.output).code, DEADLINE_EXCEEDED, "code")

    def test_without_credit_the_server_stops(self):
        # F1: a sender stops once its credit is used up; the last message may overdraw it.
        connection = self.open(call_window=65_536, connection_window=1 << 20)
        request = self.client.output([30_000] * 10)
        call = connection.start(f"/{SERVICE}/StreamingOutputCall", request)
        for _ in range(3):
            equal(connection.receive().kind, "MESSAGE", "a message within the credit")
        connection.send("PING", 0, b"any news")
        equal(connection.receive(), native.Envelope("PONG", 0, 0, b"any news"), "next envelope")
        connection.send("CREDIT", call, (90_000 + 200).to_bytes(4, "big"))
        equal(connection.receive().kind, "MESSAGE", "once there is credit")

    def test_a_large_stream_arrives_whole(self):
        request = self.client.output([100_000] * 200)
        call = self.connection.start(f"/{SERVICE}/StreamingOutputCall", request)
        sizes = [len(m.payload.body) for m in self.connection.answers(call, self.output)]
        equal(sizes, [100_000] * 200, "sizes")

    def test_a_cancelled_call_is_silent_and_the_connection_goes_on(self):
        request = self.client.output([10] * 3, interval_us=300_000)
        call = self.connection.start(f"/{SERVICE}/StreamingOutputCall", request)
        self.connection.send("CANCEL", call)
        self.connection.start(EMPTY_CALL, self.client.empty())
        equal(self.connection.receive().id, call + 1, "the call that is answered")

    def test_a_kind_that_is_not_in_the_table_ends_the_connection(self):
        # E3, G4: GO_AWAY with INTERNAL, then nothing.
        self.connection.send(15, 0)
        last = self.connection.receive()
        equal(last.kind, "GO_AWAY", "last envelope")
        reason = self.connection.header("GoAway").FromString(last.payload)
        equal(reason.code, INTERNAL, "code")
        self.assertTrue(reason.reason, "no reason for people")
        assert self.connection.is_closed_by_peer(), "the connection is still open"


class AnythingElse(unittest.TestCase):
    """A client of neither protocol gets a response that it understands."""

    @classmethod
    def setUpClass(cls):
        if setting.against_reference():
            raise unittest.SkipTest("our server's matter")

    def test_an_unknown_protocol_gets_status_400(self):
        host, port = setting.address().rsplit(":", 1)
        with socket.create_connection((host, int(port)), 10) as connection:
            connection.sendall(b"SSH-2.0-x\r\n")
            said = b""
            while more := connection.recv(4096):
                said += more
        self.assertRegex(said, rb"^HTTP/1\.1 400 ")
        setting.check_server_lives()
