"""grpcio's client against our server: gRPC's own cases, then what applications do."""

import concurrent.futures
import time
import unittest

import grpc

import cases
import peers
import setting
from cases import TestClient, ends_with

MESSAGE_LIMIT = 4 * 1024 * 1024
Code = grpc.StatusCode


class ClientTest(unittest.TestCase):
    """A channel to the server under test, which must live on."""

    def setUp(self):
        self.schema = setting.schema()
        self.channel = self.open()
        self.client = TestClient(self.schema, self.channel)
        self.stub = self.client.stub

    def tearDown(self):
        setting.check_server_lives()

    def open(self, address=None, **options):
        settings = [(f"grpc.{name}", value) for name, value in options.items()]
        # Without its own pool of connections every channel of the process shares one.
        settings.append(("grpc.use_local_subchannel_pool", 1))
        channel = grpc.insecure_channel(address or setting.address(), options=settings)
        self.addCleanup(channel.close)
        return channel


class Cases(ClientTest):
    """gRPC's interop test cases."""


def _add(case):
    def test(self):
        case(self.schema, self.channel)

    setattr(Cases, f"test_{case.__name__}", test)


for _case in cases.ALL:
    _add(_case)


class Calls(ClientTest):
    """Beyond the standard cases."""

    def test_every_status_code_arrives_with_its_message(self):
        for code in Code:
            number = code.value[0]
            if number == 0:
                continue
            request = self.client.with_status(self.client.simple(), number, f"code {number} \u2713")
            with self.subTest(code=code):
                ends_with(lambda r=request: self.stub.UnaryCall(r), code, f"code {number} \u2713")

    def test_metadata_of_any_bytes_comes_back(self):
        for value in [b"", b"\0", bytes(range(256)), b"\xff" * 1000]:
            with self.subTest(value=value):
                metadata = [(cases.TRAILING[0], value), (cases.INITIAL[0], "a, b; c=\"d\" ~")]
                _, call = self.stub.UnaryCall.with_call(self.client.simple(), metadata=metadata)
                self.assertEqual(dict(call.trailing_metadata())[cases.TRAILING[0]], value)
                self.assertEqual(dict(call.initial_metadata())[cases.INITIAL[0]], metadata[1][1])

    def test_long_metadata_passes_below_the_limit(self):
        # A client, too, refuses metadata at random above 8 KiB unless told otherwise.
        channel = self.open(max_metadata_size=16384, absolute_max_metadata_size=16384)
        stub = TestClient(self.schema, channel).stub
        metadata = [(cases.INITIAL[0], "x" * 15_000)]
        _, call = stub.UnaryCall.with_call(self.client.simple(), metadata=metadata)
        self.assertEqual(dict(call.initial_metadata())[cases.INITIAL[0]], "x" * 15_000)

    def test_a_rich_error_arrives_whole(self):
        details = b"\x08\x09\x12\x04rich" + bytes(range(256))
        request = self.client.with_status(self.client.simple(), 9, "rich")
        metadata = [("x-grpc-test-echo-status-details-bin", details)]
        error = ends_with(
            lambda: self.stub.UnaryCall(request, metadata=metadata), Code.FAILED_PRECONDITION
        )
        trailing = dict(error.trailing_metadata())
        self.assertEqual(trailing.get("grpc-status-details-bin"), details)

    def test_a_deadline_ends_a_stream_that_is_too_slow(self):
        began = time.monotonic()
        request = self.client.output([1] * 3, interval_us=5_000_000)
        ends_with(self.stub.StreamingOutputCall(request, timeout=0.3), Code.DEADLINE_EXCEEDED)
        self.assertLess(time.monotonic() - began, 3)

    def test_a_deadline_that_is_met_changes_nothing(self):
        request = self.client.output([10], interval_us=50_000)
        self.assertEqual(len(list(self.stub.StreamingOutputCall(request, timeout=10))), 1)

    def test_a_stream_cancelled_half_way_leaves_the_connection_usable(self):
        for _ in range(20):
            answers = self.stub.StreamingOutputCall(self.client.output([50_000] * 200))
            next(answers)
            answers.cancel()
            ends_with(answers, Code.CANCELLED)
        cases.large_unary(self.schema, self.channel)

    def test_a_message_of_exactly_4_mib_passes_both_ways(self):
        answer = self.schema.message("grpc.testing.SimpleResponse")()
        size = len(sized(answer, MESSAGE_LIMIT).payload.body)
        request = sized(self.client.simple(size), MESSAGE_LIMIT)
        channel = self.open(max_send_message_length=-1)
        answer = TestClient(self.schema, channel).stub.UnaryCall(request, timeout=30)
        self.assertEqual(answer.ByteSize(), MESSAGE_LIMIT)

    def test_a_message_above_4_mib_is_refused(self):
        request = sized(self.client.simple(), MESSAGE_LIMIT + 1)
        channel = self.open(max_send_message_length=-1)
        stub = TestClient(self.schema, channel).stub
        ends_with(lambda: stub.UnaryCall(request, timeout=30), Code.RESOURCE_EXHAUSTED)
        cases.empty_unary(self.schema, channel)

    def test_a_thousand_calls_at_once_on_one_channel(self):
        futures = [
            self.stub.UnaryCall.future(self.client.simple(i, 100), timeout=60) for i in range(1000)
        ]
        sizes = [len(future.result().payload.body) for future in futures]
        self.assertEqual(sizes, list(range(1000)))

    def test_calls_on_many_channels_at_once(self):
        stubs = [TestClient(self.schema, self.open()).stub for _ in range(25)]
        futures = [
            stub.UnaryCall.future(self.client.simple(i, i), timeout=60)
            for stub in stubs
            for i in range(40)
        ]
        sizes = [len(future.result().payload.body) for future in futures]
        self.assertEqual(sizes, list(range(40)) * 25)

    def test_a_hundred_streams_at_once(self):
        def talk(_):
            stream_in = cases.RequestStream()
            answers = self.stub.FullDuplexCall(stream_in.requests(), timeout=60)
            sizes = []
            for size in range(1, 6):
                stream_in.send(self.client.output([size * 1000], 100))
                sizes.append(len(next(answers).payload.body))
            stream_in.close()
            return sizes, list(answers)

        # The reference has a thread for each of its streams, 64 in all.
        count = 50 if setting.against_reference() else 100
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            for sizes, rest in pool.map(talk, range(count)):
                self.assertEqual((sizes, rest), ([1000, 2000, 3000, 4000, 5000], []))

    def test_a_slow_reader_gets_all_of_a_large_stream(self):
        answers = self.stub.StreamingOutputCall(self.client.output([1_000_000] * 32), timeout=60)
        count = 0
        for answer in answers:
            self.assertEqual(len(answer.payload.body), 1_000_000)
            count += 1
            if count % 8 == 0:
                time.sleep(0.05)
        self.assertEqual(count, 32)

    def test_a_large_upload_is_counted_to_the_byte(self):
        requests = (self.client.input(100_000 + i) for i in range(200))
        answer = self.stub.StreamingInputCall(requests, timeout=60)
        self.assertEqual(answer.aggregated_payload_size, 200 * 100_000 + sum(range(200)))

    def test_ten_thousand_messages_on_one_stream(self):
        requests = (self.client.output([1], 10) for _ in range(10_000))
        answers = self.stub.FullDuplexCall(requests, timeout=60)
        self.assertEqual(sum(1 for _ in answers), 10_000)

    def test_a_connection_survives_pings_without_calls(self):
        channel = self.open(
            keepalive_time_ms=200, keepalive_timeout_ms=2000, keepalive_permit_without_calls=1
        )
        stub = TestClient(self.schema, channel).stub
        request = self.client.output([1] * 3, interval_us=300_000)
        self.assertEqual(len(list(stub.StreamingOutputCall(request, timeout=10))), 3)


class Shutdown(ClientTest):
    """SIGTERM: what is in flight is finished, nothing new is begun, status 0."""

    def test_sigterm_finishes_calls_in_flight(self):
        with peers.running(setting.new_server()) as server:
            channel = self.open(server.address)
            stub = TestClient(self.schema, channel).stub
            answers = stub.StreamingOutputCall(
                self.client.output([10] * 4, interval_us=200_000), timeout=20
            )
            next(answers)
            server.terminate()
            self.assertEqual(sum(1 for _ in answers), 3)
            self.assertEqual(answers.code(), Code.OK)
            self.assertEqual(server.wait(), 0)

    @setting.unless_reference("the reference takes any free port")
    def test_a_channel_finds_the_next_server_on_the_same_port(self):
        with peers.running(setting.new_server()) as server:
            address = server.address
            channel = self.open(address, min_reconnect_backoff_ms=100, max_reconnect_backoff_ms=100)
            cases.empty_unary(self.schema, channel)
        again = [setting.agora(), "interop", "server", "--listen", address]
        with peers.running(peers.Server(again)):
            stub = TestClient(self.schema, channel).stub
            stub.EmptyCall(self.client.empty(), wait_for_ready=True, timeout=10)


def sized(message, size):
    """The message with a payload that makes it exactly `size` bytes long."""
    body = size
    message.payload.body = bytes(body)
    while message.ByteSize() != size:
        body -= message.ByteSize() - size
        message.payload.body = bytes(body)
    return message
