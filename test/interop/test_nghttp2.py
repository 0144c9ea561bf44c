"""nghttp and h2load, HTTP/2 programs without gRPC, against our server."""

import os
import re
import struct
import tempfile
import unittest

import peers
import setting

SERVICE = "/grpc.testing.TestService"
GRPC = ["-H", "content-type: application/grpc", "-H", "te: trailers"]


def length_prefixed(message):
    """A gRPC message: one byte for uncompressed, four for the length, the bytes."""
    return struct.pack(">BI", 0, len(message)) + message


class Nghttp2(unittest.TestCase):
    """A gRPC call is an HTTP/2 POST that any HTTP/2 program can make."""

    def setUp(self):
        folder, why = peers.tool("h2load")
        if folder is None:
            self.skipTest(why)
        self.folder = folder
        self.body = tempfile.NamedTemporaryFile()
        self.addCleanup(self.body.close)

    def tearDown(self):
        setting.check_server_lives()

    def nghttp(self, path, *flags, message=b"", headers=GRPC):
        """The output of nghttp for one request."""
        self.body.write(length_prefixed(message))
        self.body.flush()
        program = os.path.join(self.folder, "nghttp")
        url = f"http://{setting.address()}{path}"
        command = [program, "-nv", "-t", "10", "-d", self.body.name, *headers, *flags, url]
        lines = peers.run_well(command, timeout_s=20).out.splitlines()
        return "\n".join(line[:200] for line in lines)

    def assert_answered(self, output, **fields):
        """The response has these fields, in its headers or trailers."""
        received = dict(re.findall(r"recv \(stream_id=\d+\) (:?[\w-]+): (.*)", output))
        for name, value in fields.items():
            name = name.replace("_", "-") if name != "status" else ":status"
            self.assertEqual(received.get(name), value, f"{name} in\n{output}")

    def test_a_post_is_a_call(self):
        output = self.nghttp(f"{SERVICE}/EmptyCall")
        content_type = "application/grpc"
        self.assert_answered(output, status="200", content_type=content_type, grpc_status="0")

    @setting.unless_reference("grpcio does not understand padding")
    def test_padded_frames_are_understood(self):
        output = self.nghttp(f"{SERVICE}/UnaryCall", "--padding=100", message=bytes([0x10, 3]))
        self.assert_answered(output, status="200", grpc_status="0")

    @setting.unless_reference("grpcio refuses it by chance, or not at all")
    def test_a_field_block_above_16_kib_is_refused(self):
        # Four fields of 4 KiB, in a HEADERS and a CONTINUATION frame.
        output = self.nghttp(f"{SERVICE}/EmptyCall", "--continuation")
        self.assert_answered(output, grpc_status="8")

    def test_a_tiny_window_slows_the_answer_and_no_more(self):
        # 100,000 bytes through a window of 2^10 - 1.
        request = bytes([0x10]) + b"\xa0\x8d\x06"
        output = self.nghttp(f"{SERVICE}/UnaryCall", "-w10", "-W10", message=request)
        self.assert_answered(output, status="200", grpc_status="0")
        lengths = re.findall(r"recv DATA frame <length=(\d+)", output)
        self.assertLessEqual(max(map(int, lengths)), 1023)
        self.assertGreaterEqual(sum(map(int, lengths)), 100_000)

    def test_request_trailers_are_accepted(self):
        output = self.nghttp(f"{SERVICE}/EmptyCall", "--trailer", "x-late: yes")
        self.assert_answered(output, grpc_status="0")

    def test_a_small_header_table_is_kept_to(self):
        output = self.nghttp(f"{SERVICE}/EmptyCall", "-c", "0")
        self.assert_answered(output, status="200", grpc_status="0")

    def test_a_method_that_is_not_there_is_unimplemented(self):
        self.assert_answered(self.nghttp(f"{SERVICE}/Nothing"), status="200", grpc_status="12")
        self.assert_answered(self.nghttp("/"), status="200", grpc_status="12")

    @setting.unless_reference("grpcio resets the stream")
    def test_a_request_that_is_not_grpc_gets_415(self):
        output = self.nghttp(f"{SERVICE}/EmptyCall", headers=["-H", "content-type: text/plain"])
        self.assert_answered(output, status="415")

    @setting.unless_reference("grpcio answers a GET with HTTP 405")
    def test_a_get_is_unimplemented(self):
        output = self.nghttp(f"{SERVICE}/EmptyCall", "-H", ":method: GET")
        self.assert_answered(output, grpc_status="12")

    def test_h2load_succeeds_with_every_request(self):
        self.body.write(length_prefixed(bytes([0x10, 100])))
        self.body.flush()
        url = f"http://{setting.address()}{SERVICE}/UnaryCall"
        load = ["-n", "20000", "-c", "10", "-m", "10", "-d", self.body.name]
        command = [os.path.join(self.folder, "h2load"), *load, *GRPC, url]
        out = peers.run_well(command, timeout_s=60).out
        self.assertIn("20000 succeeded, 0 failed, 0 errored, 0 timeout", out)
        self.assertIn("status codes: 20000 2xx", out)
