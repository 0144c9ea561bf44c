"""The client's side of gRPC's interop test cases.

One function a case, named as in gRPC's interop test descriptions; each takes the schema and a
channel, and raises AssertionError when the server did not behave.
"""

import queue

import grpc

SERVICE = "grpc.testing.TestService"
INITIAL = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
TRAILING = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
PING_PONG = [(31415, 27182), (9, 8), (2653, 1828), (58979, 45904)]


class Requests:
    """Builds the requests of the test service."""

    def __init__(self, schema):
        self.schema = schema

    def empty(self):
        return self.schema.message("grpc.testing.Empty")()

    def simple(self, response_size=0, body=0):
        request = self.schema.message("grpc.testing.SimpleRequest")()
        request.response_size = response_size
        if body:
            request.payload.body = bytes(body)
        return request

    def with_status(self, request, code, message):
        request.response_status.code = code
        request.response_status.message = message
        return request

    def input(self, body):
        request = self.schema.message("grpc.testing.StreamingInputCallRequest")()
        request.payload.body = bytes(body)
        return request

    def output(self, sizes=(), body=0, interval_us=0):
        request = self.schema.message("grpc.testing.StreamingOutputCallRequest")()
        for size in sizes:
            request.response_parameters.add(size=size, interval_us=interval_us)
        if body:
            request.payload.body = bytes(body)
        return request


class TestClient(Requests):
    """Builds requests and has the stub that sends them."""

    def __init__(self, schema, channel):
        super().__init__(schema)
        self.stub = schema.stub(channel, SERVICE)


def equal(found, wanted, what):
    """Fails with both sides when they differ."""
    assert found == wanted, f"{what}: found {found!r}, wanted {wanted!r}"


def ends_with(call, code, message=None):
    """The call (a function, or a streaming call) ends with this status."""
    try:
        answer = call() if callable(call) and not isinstance(call, grpc.RpcError) else call
        answers = list(answer) if hasattr(answer, "__next__") else [answer]
    except grpc.RpcError as error:
        equal(error.code(), code, f"status code (message {error.details()!r})")
        if message is not None:
            equal(error.details(), message, "status message")
        return error
    raise AssertionError(f"the call answered {len(answers)} messages, wanted {code}")


def empty_unary(schema, channel):
    client = TestClient(schema, channel)
    answer = client.stub.EmptyCall(client.empty(), timeout=10)
    equal(answer.ByteSize(), 0, "size of the empty answer")


def large_unary(schema, channel):
    client = TestClient(schema, channel)
    answer = client.stub.UnaryCall(client.simple(314159, 271828), timeout=10)
    equal(answer.payload.body, bytes(314159), "payload")


def client_streaming(schema, channel):
    client = TestClient(schema, channel)
    requests = [client.input(size) for size in (27182, 8, 1828, 45904)]
    answer = client.stub.StreamingInputCall(iter(requests), timeout=10)
    equal(answer.aggregated_payload_size, 74922, "aggregated_payload_size")


def server_streaming(schema, channel):
    client = TestClient(schema, channel)
    sizes = [31415, 9, 2653, 58979]
    answers = client.stub.StreamingOutputCall(client.output(sizes), timeout=10)
    equal([len(answer.payload.body) for answer in answers], sizes, "payload sizes")


def ping_pong(schema, channel):
    client = TestClient(schema, channel)
    stream_in = RequestStream()
    answers = client.stub.FullDuplexCall(stream_in.requests(), timeout=10)
    for size, body in PING_PONG:
        stream_in.send(client.output([size], body))
        equal(len(next(answers).payload.body), size, "payload size")
    stream_in.close()
    equal(list(answers), [], "answers after the half-close")


def empty_stream(schema, channel):
    client = TestClient(schema, channel)
    equal(list(client.stub.FullDuplexCall(iter(()), timeout=10)), [], "answers")


def timeout_on_sleeping_server(schema, channel):
    client = TestClient(schema, channel)
    stream_in = RequestStream()
    stream_in.send(client.output(body=27182))
    answers = client.stub.FullDuplexCall(stream_in.requests(), timeout=0.001)
    ends_with(answers, grpc.StatusCode.DEADLINE_EXCEEDED)
    stream_in.close()


def cancel_after_begin(schema, channel):
    client = TestClient(schema, channel)
    stream_in = RequestStream()
    call = client.stub.StreamingInputCall.future(stream_in.requests(), timeout=10)
    call.cancel()
    assert call.cancelled(), "the call is not cancelled"
    equal(call.code(), grpc.StatusCode.CANCELLED, "status code")
    stream_in.close()


def cancel_after_first_response(schema, channel):
    client = TestClient(schema, channel)
    stream_in = RequestStream()
    stream_in.send(client.output([31415], 27182))
    answers = client.stub.FullDuplexCall(stream_in.requests(), timeout=10)
    equal(len(next(answers).payload.body), 31415, "payload size")
    answers.cancel()
    ends_with(answers, grpc.StatusCode.CANCELLED)
    stream_in.close()


def custom_metadata(schema, channel):
    client = TestClient(schema, channel)
    request = client.simple(314159, 271828)
    _, unary = client.stub.UnaryCall.with_call(request, metadata=(INITIAL, TRAILING), timeout=10)
    stream = client.stub.FullDuplexCall(
        iter([client.output([314159], 271828)]), metadata=(INITIAL, TRAILING), timeout=10
    )
    list(stream)
    for call in (unary, stream):
        initial, trailing = dict(call.initial_metadata()), dict(call.trailing_metadata())
        equal(initial.get(INITIAL[0]), INITIAL[1], "initial metadata")
        equal(trailing.get(TRAILING[0]), TRAILING[1], "trailing metadata")


def status_code_and_message(schema, channel):
    client = TestClient(schema, channel)
    unknown, message = grpc.StatusCode.UNKNOWN, "test status message"
    request = client.with_status(client.simple(), 2, message)
    ends_with(lambda: client.stub.UnaryCall(request, timeout=10), unknown, message)
    request = client.with_status(client.output(), 2, message)
    ends_with(client.stub.FullDuplexCall(iter([request]), timeout=10), unknown, message)


def special_status_message(schema, channel):
    client = TestClient(schema, channel)
    message = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"
    request = client.with_status(client.simple(), 2, message)
    ends_with(
        lambda: client.stub.UnaryCall(request, timeout=10), grpc.StatusCode.UNKNOWN, message
    )


def unimplemented_method(schema, channel):
    client = TestClient(schema, channel)
    ends_with(
        lambda: client.stub.UnimplementedCall(client.empty(), timeout=10),
        grpc.StatusCode.UNIMPLEMENTED,
    )


def unimplemented_service(schema, channel):
    client = TestClient(schema, channel)
    stub = schema.stub(channel, "grpc.testing.UnimplementedService")
    ends_with(
        lambda: stub.UnimplementedCall(client.empty(), timeout=10), grpc.StatusCode.UNIMPLEMENTED
    )


class RequestStream:
    """A stream of requests that is written one by one, from another thread than it is read."""

    def __init__(self):
        self.queue = queue.Queue()

    def send(self, request):
        self.queue.put(request)

    def close(self):
        self.queue.put(None)

    def requests(self):
        return iter(self.queue.get, None)


ALL = [
    empty_unary,
    large_unary,
    client_streaming,
    server_streaming,
    ping_pong,
    empty_stream,
    timeout_on_sleeping_server,
    cancel_after_begin,
    cancel_after_first_response,
    custom_metadata,
    status_code_and_message,
    special_status_message,
    unimplemented_method,
    unimplemented_service,
]
