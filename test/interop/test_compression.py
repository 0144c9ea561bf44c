"""gzip in gRPC, both ways: grpcio with compression set, and gRPC's four cases of compression.

grpcio shows nobody whether a message was compressed. A proxy that counts bytes tells: the payloads
are zeros, of which gzip leaves a thousandth.
"""

import contextlib
import socket
import threading
import unittest

import grpc

import cases
import peers
import setting
from cases import TestClient, ends_with
from test_agora_client import client, needs_our_client
from test_grpcio_client import MESSAGE_LIMIT, ClientTest, sized

Code = grpc.StatusCode
GZIP, PLAIN = grpc.Compression.Gzip, grpc.Compression.NoCompression
LARGE_REQUEST, LARGE_RESPONSE = 271828, 314159


class CountingProxy:
    """Passes connections on to a server, and counts the bytes of each direction."""

    def __init__(self, target):
        self.host, self.port = target.rsplit(":", 1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.to_server = self.to_client = 0
        self.sockets = [self.listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection((self.host, int(self.port)))
                self.sockets += [near, far]
                for ends in [(near, far, "to_server"), (far, near, "to_client")]:
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source, sink, counter):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                setattr(self, counter, getattr(self, counter) + len(data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        for end in self.sockets:
            end.close()

    def counted(self, call):
        """The bytes to the server and to the client during a call."""
        before = self.to_server, self.to_client
        call()
        return self.to_server - before[0], self.to_client - before[1]


class WithGrpcioClient(ClientTest):
    """grpcio's client, our server."""

    def setUp(self):
        super().setUp()
        self.proxy = CountingProxy(setting.address())
        self.addCleanup(self.proxy.close)
        self.channel = self.open(self.proxy.address)
        self.stub = TestClient(self.schema, self.channel).stub

    def compressing(self, compression):
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.insecure_channel(self.proxy.address, options, compression)
        self.addCleanup(channel.close)
        return channel

    def expecting(self, request, compressed):
        request.expect_compressed.value = compressed
        return request

    def test_every_case_passes_with_compression_set(self):
        channel = self.compressing(GZIP)
        for case in cases.ALL:
            with self.subTest(case=case.__name__):
                case(self.schema, channel)

    @setting.unless_reference("grpcio has deflate")
    def test_an_encoding_that_we_do_not_have_is_unimplemented(self):
        stub = TestClient(self.schema, self.compressing(grpc.Compression.Deflate)).stub
        request = self.client.simple(10, LARGE_REQUEST)
        error = ends_with(lambda: stub.UnaryCall(request, timeout=10), Code.UNIMPLEMENTED)
        self.assertIn("identity, gzip", error.details())

    @setting.unless_reference("grpcio compresses as its server is set up")
    def test_responses_have_the_encoding_of_requests(self):
        request = self.client.simple(LARGE_RESPONSE, LARGE_REQUEST)
        for compression in [GZIP, PLAIN]:
            stub = TestClient(self.schema, self.compressing(compression)).stub
            sent, received = self.proxy.counted(lambda s=stub: s.UnaryCall(request, timeout=10))
            with self.subTest(compression=compression):
                self.assertEqual(sent < 20_000, compression == GZIP, sent)
                self.assertEqual(received < 20_000, compression == GZIP, received)

    @setting.unless_reference("grpcio's server cannot see the flag")
    def test_client_compressed_unary(self):
        def call(compression, said):
            request = self.expecting(self.client.simple(LARGE_RESPONSE, LARGE_REQUEST), said)
            answer = self.stub.UnaryCall(request, timeout=10, compression=compression)
            self.assertEqual(len(answer.payload.body), LARGE_RESPONSE)

        ends_with(lambda: call(PLAIN, True), Code.INVALID_ARGUMENT)
        ends_with(lambda: call(GZIP, False), Code.INVALID_ARGUMENT)
        call(GZIP, True)
        call(PLAIN, False)

    @setting.unless_reference("grpcio's server cannot see the flag")
    def test_client_compressed_streaming(self):
        def call(compression, said):
            requests = [self.expecting(self.client.input(size), said) for size in (27182, 45904)]
            return self.stub.StreamingInputCall(
                iter(requests), timeout=10, compression=compression
            ).aggregated_payload_size

        ends_with(lambda: call(PLAIN, True), Code.INVALID_ARGUMENT)
        self.assertEqual(call(GZIP, True), 73086)
        self.assertEqual(call(PLAIN, False), 73086)

    def test_server_compressed_unary(self):
        for compressed in [True, False]:
            request = self.client.simple(LARGE_RESPONSE, LARGE_REQUEST)
            request.response_compressed.value = compressed
            _, received = self.proxy.counted(lambda r=request: self.stub.UnaryCall(r, timeout=10))
            self.assertEqual(received < 20_000, compressed, received)

    def test_server_compressed_streaming(self):
        sizes = [31415, 92653]
        request = self.client.output(sizes)
        for parameters, compressed in zip(request.response_parameters, [True, False]):
            parameters.compressed.value = compressed
        found = []

        def call():
            answers = self.stub.StreamingOutputCall(request, timeout=10)
            found.extend(len(answer.payload.body) for answer in answers)

        _, received = self.proxy.counted(call)
        self.assertEqual(found, sizes)
        self.assertTrue(92653 < received < 92653 + 10_000, received)

    def test_a_message_expands_to_4_mib_and_no_further(self):
        channel = self.compressing(GZIP)
        stub = TestClient(self.schema, channel).stub
        request = sized(self.client.simple(1), MESSAGE_LIMIT)
        stub.UnaryCall(request, timeout=30)
        bomb = sized(self.client.simple(), MESSAGE_LIMIT + 1)
        sent, _ = self.proxy.counted(
            lambda: ends_with(lambda: stub.UnaryCall(bomb, timeout=30), Code.RESOURCE_EXHAUSTED)
        )
        self.assertLess(sent, 20_000)
        cases.empty_unary(self.schema, channel)

    def test_a_thousand_compressed_calls_at_once(self):
        stub = TestClient(self.schema, self.compressing(GZIP)).stub
        futures = [
            stub.UnaryCall.future(self.client.simple(i * 10, 5000), timeout=60) for i in range(1000)
        ]
        sizes = [len(future.result().payload.body) for future in futures]
        self.assertEqual(sizes, [i * 10 for i in range(1000)])


class WithGrpcioServer(unittest.TestCase):
    """Our client, grpcio's server, which compresses its responses."""

    @classmethod
    def setUpClass(cls):
        needs_our_client()
        cls.server = peers.reference_server("--compress")
        cls.addClassCleanup(cls.server.stop)

    def run_case(self, case, *flags):
        peers.run_well([*client(self.server.address, case, "grpc"), *flags])

    def test_compressed_responses_are_read(self):
        proxy = CountingProxy(self.server.address)
        self.addCleanup(proxy.close)
        peers.run_well(client(proxy.address, "large_unary", "grpc"))
        self.assertLess(proxy.to_client, 20_000)
        self.assertGreater(proxy.to_server, LARGE_REQUEST)

    def test_every_case_passes_with_compressed_requests(self):
        proxy = CountingProxy(self.server.address)
        self.addCleanup(proxy.close)
        peers.run_well([*client(proxy.address, "large_unary", "grpc"), "--gzip"])
        self.assertLess(proxy.to_server, 20_000)
        self.run_case("all", "--gzip")

    def test_server_compressed_cases(self):
        # A server that compresses everything does not let a method choose.
        with peers.running(peers.reference_server()) as server:
            for case in ["server_compressed_unary", "server_compressed_streaming"]:
                with self.subTest(case=case):
                    peers.run_well(client(server.address, case, "grpc"))


class WithOurServer(unittest.TestCase):
    """Our client, our server."""

    def test_the_four_cases_pass_and_every_other_with_compressed_requests(self):
        needs_our_client()
        outcome = peers.run_well(client(setting.address(), "compressed", "grpc"))
        self.assertEqual(outcome.out.count(": passed"), 4, str(outcome))
        for word in ["all", "ours", "compressed"]:
            peers.run_well([*client(setting.address(), word, "grpc"), "--gzip"])
