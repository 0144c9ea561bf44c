"""The client's side of gRPC's interop test cases, as grpcio plays it.

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


class Speaker(Requests):
    """Builds requests, and has the stub to send them with."""

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
    speak = Speaker(schema, channel)
    answer = speak.stub.EmptyCall(speak.empty(), timeout=10)
    equal(answer.ByteSize(), 0, "size of the empty answer")


def large_unary(schema, channel):
    speak = Speaker(schema, channel)
    answer = speak.stub.UnaryCall(speak.simple(314159, 271828), timeout=10)
    equal(answer.payload.body, bytes(314159), "payload")


def client_streaming(schema, channel):
    speak = Speaker(schema, channel)
    requests = [speak.input(size) for size in (27182, 8, 1828, 45904)]
    answer = speak.stub.StreamingInputCall(iter(requests), timeout=10)
    equal(answer.aggregated_payload_size, 74922, "aggregated_payload_size")


def server_streaming(schema, channel):
    speak = Speaker(schema, channel)
    sizes = [31415, 9, 2653, 58979]
    answers = speak.stub.StreamingOutputCall(speak.output(sizes), timeout=10)
    equal([len(answer.payload.body) for answer in answers], sizes, "payload sizes")


def ping_pong(schema, channel):
    speak = Speaker(schema, channel)
    heard = Turns()
    answers = speak.stub.FullDuplexCall(heard.requests(), timeout=10)
    for size, body in PING_PONG:
        heard.send(speak.output([size], body))
        equal(len(next(answers).payload.body), size, "payload size")
    heard.close()
    equal(list(answers), [], "answers after the half-close")


def empty_stream(schema, channel):
    speak = Speaker(schema, channel)
    equal(list(speak.stub.FullDuplexCall(iter(()), timeout=10)), [], "answers")


def timeout_on_sleeping_server(schema, channel):
    speak = Speaker(schema, channel)
    turns = Turns()
    turns.send(speak.output(body=27182))
    answers = speak.stub.FullDuplexCall(turns.requests(), timeout=0.001)
    ends_with(answers, grpc.StatusCode.DEADLINE_EXCEEDED)
    turns.close()


def cancel_after_begin(schema, channel):
    speak = Speaker(schema, channel)
    turns = Turns()
    call = speak.stub.StreamingInputCall.future(turns.requests(), timeout=10)
    call.cancel()
    assert call.cancelled(), "the call is not cancelled"
    equal(call.code(), grpc.StatusCode.CANCELLED, "status code")
    turns.close()


def cancel_after_first_response(schema, channel):
    speak = Speaker(schema, channel)
    turns = Turns()
    turns.send(speak.output([31415], 27182))
    answers = speak.stub.FullDuplexCall(turns.requests(), timeout=10)
    equal(len(next(answers).payload.body), 31415, "payload size")
    answers.cancel()
    ends_with(answers, grpc.StatusCode.CANCELLED)
    turns.close()


def custom_metadata(schema, channel):
    speak = Speaker(schema, channel)
    request = speak.simple(314159, 271828)
    _, unary = speak.stub.UnaryCall.with_call(request, metadata=(INITIAL, TRAILING), timeout=10)
    stream = speak.stub.FullDuplexCall(
        iter([speak.output([314159], 271828)]), metadata=(INITIAL, TRAILING), timeout=10
    )
    list(stream)
    for call in (unary, stream):
        initial, trailing = dict(call.initial_metadata()), dict(call.trailing_metadata())
        equal(initial.get(INITIAL[0]), INITIAL[1], "initial metadata")
        equal(trailing.get(TRAILING[0]), TRAILING[1], "trailing metadata")


def status_code_and_message(schema, channel):
    speak = Speaker(schema, channel)
    unknown, message = grpc.StatusCode.UNKNOWN, "test status message"
    request = speak.with_status(speak.simple(), 2, message)
    ends_with(lambda: speak.stub.UnaryCall(request, timeout=10), unknown, message)
    request = speak.with_status(speak.output(), 2, message)
    ends_with(speak.stub.FullDuplexCall(iter([request]), timeout=10), unknown, message)


def special_status_message(schema, channel):
    speak = Speaker(schema, channel)
    message = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"
    request = speak.with_status(speak.simple(), 2, message)
    ends_with(
        lambda: speak.stub.UnaryCall(request, timeout=10), grpc.StatusCode.UNKNOWN, message
    )


def unimplemented_method(schema, channel):
    speak = Speaker(schema, channel)
    ends_with(
        lambda: speak.stub.UnimplementedCall(speak.empty(), timeout=10),
        grpc.StatusCode.UNIMPLEMENTED,
    )


def unimplemented_service(schema, channel):
    speak = Speaker(schema, channel)
    stub = schema.stub(channel, "grpc.testing.UnimplementedService")
    ends_with(
        lambda: stub.UnimplementedCall(speak.empty(), timeout=10), grpc.StatusCode.UNIMPLEMENTED
    )


class Turns:
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
