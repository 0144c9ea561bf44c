"""PyPI's `connectrpc` against our servers: both HTTP versions, both encodings, gzip and not.

It takes messages of Google's protobuf and methods that are described at run time, so no generated
code is needed.
"""

import base64
import contextlib
import functools
import itertools
import time
import unittest

import pyqwest
from connectrpc.client import ConnectClientSync, ResponseMetadata
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.compression.gzip import GzipCompression
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from google.protobuf import message_factory

import cases
import peers
import setting
from cases import Requests
from test_store import Store

CODECS = {"proto": google_protobuf_binary_codec, "json": google_protobuf_json_codec}
HTTP = {"HTTP/1.1": pyqwest.HTTPVersion.HTTP1, "HTTP/2": pyqwest.HTTPVersion.HTTP2}
MESSAGE_LIMIT = 4 * 1024 * 1024


def new(message, **fields):
    """A message with this full name."""
    return setting.schema().message(message)(**fields)


class Service:
    """The methods of one service, called by Connect."""

    def __init__(self, address, service, *, http="HTTP/1.1", codec="proto", gzip=False):
        self.transport = pyqwest.SyncHTTPTransport(http_version=HTTP[http])
        compression = GzipCompression() if gzip else None
        self.client = ConnectClientSync(
            f"http://{address}",
            codec=CODECS[codec](),
            send_compression=compression,
            accept_compression=[compression] if gzip else [],
            http_client=pyqwest.SyncClient(self.transport),
        )
        self.methods = {method.name: method for method in setting.schema().methods(service)}

    def close(self):
        self.client.close()
        self.transport.close()

    def call(self, name, request, **options):
        """The response of a unary method, or an iterator of those of a streaming one."""
        method = self.methods[name]
        streams = method.server_streaming
        info = MethodInfo(
            name=name,
            service_name=method.containing_service.full_name,
            input=message_factory.GetMessageClass(method.input_type),
            output=message_factory.GetMessageClass(method.output_type),
            idempotency_level=IdempotencyLevel.UNKNOWN,
            stream_type=StreamType.SERVER_STREAM if streams else StreamType.UNARY,
        )
        options.setdefault("timeout_ms", 30_000)
        execute = self.client.execute_server_stream if streams else self.client.execute_unary
        return execute(request=request, method=info, **options)


def in_every_combination(test):
    """Runs a test with both HTTP versions, both encodings, with and without gzip."""

    @functools.wraps(test)
    def run(self):
        if setting.against_reference():
            self.skipTest("grpcio speaks no Connect")
        address, name = self.target()
        for http, codec, gzip in itertools.product(HTTP, CODECS, [False, True]):
            service = Service(address, name, http=http, codec=codec, gzip=gzip)
            with self.subTest(http=http, codec=codec, gzip=gzip), contextlib.closing(service):
                test(self, service)

    return run


class Failures(unittest.TestCase):
    """Looks at the errors of calls."""

    def fails(self, code, call, message=None):
        with self.assertRaises(ConnectError) as caught:
            answer = call()
            if hasattr(answer, "__next__"):
                list(answer)
        self.assertEqual(caught.exception.code, code, caught.exception)
        if message is not None:
            self.assertEqual(caught.exception.message, message)


class Calls(Failures):
    """The test service of gRPC."""

    def setUp(self):
        self.requests = Requests(setting.schema())

    def tearDown(self):
        setting.check_server_lives()

    def target(self):
        return setting.address(), cases.SERVICE

    @in_every_combination
    def test_unary(self, service):
        service.call("EmptyCall", self.requests.empty())
        answer = service.call("UnaryCall", self.requests.simple(314159, 271828))
        self.assertEqual(answer.payload.body, bytes(314159))

    @in_every_combination
    def test_server_streaming(self, service):
        sizes = [31415, 9, 2653, 58979, 0]
        answers = service.call("StreamingOutputCall", self.requests.output(sizes))
        self.assertEqual([len(answer.payload.body) for answer in answers], sizes)
        self.assertEqual(list(service.call("StreamingOutputCall", self.requests.output())), [])

    @in_every_combination
    def test_every_code_arrives_with_its_message(self, service):
        for number, code in enumerate(CODES, 1):
            text = f"code {number} \u2713 \"quoted\""
            request = self.requests.with_status(self.requests.simple(), number, text)
            self.fails(code, lambda r=request: service.call("UnaryCall", r), text)
            request = self.requests.with_status(self.requests.output(), number, text)
            self.fails(code, lambda r=request: service.call("StreamingOutputCall", r), text)

    @in_every_combination
    def test_metadata_comes_back(self, service):
        binary = base64.b64encode(b"\xab\0\xff").decode().rstrip("=")
        sent = {cases.INITIAL[0]: cases.INITIAL[1], cases.TRAILING[0]: binary}
        for name, request in [
            ("UnaryCall", self.requests.simple(10)),
            ("StreamingOutputCall", self.requests.output([10])),
        ]:
            with ResponseMetadata() as response:
                answer = service.call(name, request, headers=sent)
                if name == "StreamingOutputCall":
                    list(answer)
            headers, trailers = response.headers, response.trailers
            self.assertEqual(headers.get(cases.INITIAL[0]), cases.INITIAL[1])
            self.assertEqual((trailers.get(cases.TRAILING[0]) or "").rstrip("="), binary)

    @in_every_combination
    def test_a_deadline_ends_a_call(self, service):
        request = self.requests.output([1] * 3, interval_us=5_000_000)
        began = time.monotonic()
        call = lambda: service.call("StreamingOutputCall", request, timeout_ms=300)
        self.fails(Code.DEADLINE_EXCEEDED, call)
        self.assertLess(time.monotonic() - began, 4)

    @in_every_combination
    def test_unknown_methods_are_unimplemented(self, service):
        call = lambda: service.call("UnimplementedCall", self.requests.empty())
        self.fails(Code.UNIMPLEMENTED, call)

    @in_every_combination
    def test_the_limit_of_a_message_holds_for_what_it_expands_to(self, service):
        # In JSON the limit is that of the text, where bytes are base64.
        service.call("UnaryCall", self.requests.simple(1, MESSAGE_LIMIT * 3 // 4 - 100))
        large = self.requests.simple(1, MESSAGE_LIMIT + 1)
        self.fails(Code.RESOURCE_EXHAUSTED, lambda: service.call("UnaryCall", large))
        service.call("EmptyCall", self.requests.empty())

    @in_every_combination
    def test_a_hundred_calls_on_one_connection(self, service):
        for size in range(100):
            answer = service.call("UnaryCall", self.requests.simple(size, size))
            self.assertEqual(len(answer.payload.body), size)

    @in_every_combination
    def test_a_stream_that_is_left_half_way_leaves_the_server_usable(self, service):
        answers = service.call("StreamingOutputCall", self.requests.output([50_000] * 200))
        self.assertEqual(len(next(answers).payload.body), 50_000)
        del answers
        service.call("EmptyCall", self.requests.empty())


class KeyValueStore(Store):
    """A group of three nodes."""

    def target(self):
        return self.group.places[self.leader()], "agora.kv.v1.KvService"

    @in_every_combination
    def test_what_is_set_is_read_in_every_encoding(self, service):
        key, value = b"connect/%d" % time.monotonic_ns(), bytes(range(256))
        get = new("agora.kv.v1.GetRequest", key=key)
        self.assertFalse(service.call("Get", get).HasField("pair"))
        service.call("Set", new("agora.kv.v1.SetRequest", key=key, value=value))
        self.assertEqual(service.call("Get", get).pair.value, value)

    @in_every_combination
    def test_a_watch_streams_changes(self, service):
        key = b"watched/%d" % time.monotonic_ns()
        changes = service.call("Watch", new("agora.kv.v1.WatchRequest", prefix=key))
        next(changes)
        service.call("Set", new("agora.kv.v1.SetRequest", key=key, value=b"new"))
        self.assertIn(b"new", next(changes).SerializeToString())


class Market(Failures):
    """A market of one node."""

    @classmethod
    def setUpClass(cls):
        if setting.against_reference():
            raise unittest.SkipTest("the market is ours")
        command = [setting.agora(), "market", "--listen", "127.0.0.1:0", "--quiet"]
        cls.server = peers.Server(command)
        cls.addClassCleanup(cls.server.stop)

    def target(self):
        return self.server.address, "agora.market.v1.MarketService"

    @in_every_combination
    def test_a_market_is_searched_and_an_unknown_item_is_an_error(self, service):
        page = service.call("SearchItem", new("agora.market.v1.SearchItemRequest", name="*"))
        self.assertEqual(list(page.items), [])
        unknown = new("agora.market.v1.GetItemRequest", item_id=7)
        self.fails(Code.NOT_FOUND, lambda: service.call("GetItem", unknown))


CODES = [
    Code.CANCELED,
    Code.UNKNOWN,
    Code.INVALID_ARGUMENT,
    Code.DEADLINE_EXCEEDED,
    Code.NOT_FOUND,
    Code.ALREADY_EXISTS,
    Code.PERMISSION_DENIED,
    Code.RESOURCE_EXHAUSTED,
    Code.FAILED_PRECONDITION,
    Code.ABORTED,
    Code.OUT_OF_RANGE,
    Code.UNIMPLEMENTED,
    Code.INTERNAL,
    Code.UNAVAILABLE,
    Code.DATA_LOSS,
    Code.UNAUTHENTICATED,
]
