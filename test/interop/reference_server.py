"""grpcio's server with gRPC's interop test service: the peer that our client is tested with.

Behaviour as gRPC's interop test descriptions say, and one addition that our server has as well:
request metadata `x-grpc-test-echo-status-details-bin` comes back as `grpc-status-details-bin`.
With `--without-additions` it does not, as with anybody else's server. With `--compress` it
compresses responses, where the client accepts that.
"""

import signal
import sys
import threading
import time
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

import setting

SERVICE = "grpc.testing.TestService"
ADDITIONS = "--without-additions" not in sys.argv
GZIP, PLAIN = grpc.Compression.Gzip, grpc.Compression.NoCompression
CODES = {code.value[0]: code for code in grpc.StatusCode}


class TestService:
    """The methods of grpc.testing.TestService; UnimplementedCall is left out on purpose."""

    def __init__(self, schema):
        self.schema = schema

    def _new(self, name):
        return self.schema.message(f"grpc.testing.{name}")()

    def _payload_response(self, name, size):
        response = self._new(name)
        response.payload.body = bytes(size)
        return response

    def EmptyCall(self, request, context):
        echo_metadata(context)
        return self._new("Empty")

    def UnaryCall(self, request, context):
        echo_metadata(context)
        echo_status(request, context)
        if request.HasField("response_compressed"):
            context.set_compression(GZIP if request.response_compressed.value else PLAIN)
        return self._payload_response("SimpleResponse", request.response_size)

    def StreamingInputCall(self, requests, context):
        echo_metadata(context)
        response = self._new("StreamingInputCallResponse")
        for request in requests:
            response.aggregated_payload_size += len(request.payload.body)
        return response

    def StreamingOutputCall(self, request, context):
        echo_metadata(context)
        echo_status(request, context)
        if any(parameters.compressed.value for parameters in request.response_parameters):
            context.set_compression(GZIP)
        yield from self._responses(request, context)

    def FullDuplexCall(self, requests, context):
        echo_metadata(context)
        for request in requests:
            echo_status(request, context)
            yield from self._responses(request, context)

    def _responses(self, request, context):
        for parameters in request.response_parameters:
            time.sleep(parameters.interval_us / 1e6)
            if parameters.HasField("compressed") and not parameters.compressed.value:
                context.disable_next_message_compression()
            yield self._payload_response("StreamingOutputCallResponse", parameters.size)


def echo_metadata(context):
    """Sends back the metadata that the test descriptions name."""
    trailing = []
    for key, value in context.invocation_metadata():
        if key == "x-grpc-test-echo-initial":
            context.send_initial_metadata([(key, value)])
        if key == "x-grpc-test-echo-trailing-bin":
            trailing.append((key, value))
        if key == "x-grpc-test-echo-status-details-bin" and ADDITIONS:
            trailing.append(("grpc-status-details-bin", value))
    context.set_trailing_metadata(trailing)


def echo_status(request, context):
    """Ends the call with the status that the request asks for."""
    if request.HasField("response_status"):
        status = request.response_status
        context.abort(CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message)


def main():
    schema = setting.schema()
    # By default it refuses metadata at random between 8 and 16 KiB.
    limits = [("grpc.max_metadata_size", 16384), ("grpc.absolute_max_metadata_size", 16384)]
    pool = futures.ThreadPoolExecutor(max_workers=64)
    compression = GZIP if "--compress" in sys.argv else None
    server = grpc.server(pool, options=limits, compression=compression)
    server.add_generic_rpc_handlers([schema.handlers(SERVICE, TestService(schema))])
    servicer = health.HealthServicer()
    for name in ("", SERVICE):
        servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    names = [SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME]
    reflection.enable_server_reflection(names, server, pool=schema.pool)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    print(f"listening on 127.0.0.1:{port}", flush=True)
    done.wait()
    server.stop(grace=10).wait()


if __name__ == "__main__":
    sys.exit(main())
