"""Connect's protocol against our server: `buf curl`, and `curl` with plain JSON."""

import json
import os
import shutil
import unittest

import peers
import setting

SERVICE = "grpc.testing.TestService"
HTTP_VERSIONS = ([], ["--http2-prior-knowledge"])


class Connect(unittest.TestCase):
    """What the calls of gRPC's tests answer over HTTP/1.1 and HTTP/2."""

    def setUp(self):
        if setting.against_reference():
            self.skipTest("grpcio's server does not speak it")

    def tearDown(self):
        setting.check_server_lives()

    def url(self, method):
        return f"http://{setting.address()}/{SERVICE}/{method}"


class BufCurl(Connect):
    def setUp(self):
        super().setUp()
        folder, why = peers.tool("buf")
        if folder is None:
            self.skipTest(why)
        self.program = os.path.join(folder, "buf")

    def curl(self, method, request, *flags):
        schema = ["--schema", f"{setting.protoset()}#format=binpb"]
        fixed = ["--protocol", "connect", *schema, "-d", json.dumps(request)]
        return [self.program, "curl", *fixed, *flags, self.url(method)]

    def test_unary(self):
        for version in HTTP_VERSIONS:
            outcome = peers.run_well(self.curl("UnaryCall", {"responseSize": 3}, *version))
            self.assertEqual(json.loads(outcome.out)["payload"]["body"], "AAAA")

    def test_server_streaming(self):
        request = {"responseParameters": [{"size": 3}, {"size": 3}]}
        for version in HTTP_VERSIONS:
            outcome = peers.run_well(self.curl("StreamingOutputCall", request, *version))
            self.assertEqual(outcome.out.count('"body"'), 2, str(outcome))

    def test_an_error_is_shown(self):
        request = {"responseStatus": {"code": 5, "message": "no item 7"}}
        for version in HTTP_VERSIONS:
            outcome = peers.run(self.curl("UnaryCall", request, *version))
            self.assertNotEqual(outcome.status, 0, str(outcome))
            self.assertIn("not_found", outcome.err)
            self.assertIn("no item 7", outcome.err)


class Curl(Connect):
    def setUp(self):
        super().setUp()
        self.program = shutil.which("curl")
        if self.program is None:
            self.skipTest("there is no curl")

    def curl(self, method, request, *flags):
        kind = ["-H", "content-type: application/json", "-w", "\n%{http_code}"]
        command = [self.program, "-s", *kind, "-d", json.dumps(request), *flags, self.url(method)]
        return peers.run_well(command).out.rsplit("\n", 1)

    def test_json(self):
        for version in HTTP_VERSIONS:
            text, status = self.curl("UnaryCall", {"responseSize": 3}, *version)
            self.assertEqual((text, status), ('{"payload":{"body":"AAAA"}}', "200"))

    def test_gzip(self):
        for version in HTTP_VERSIONS:
            text, status = self.curl("UnaryCall", {"responseSize": 3000}, "--compressed", *version)
            self.assertEqual((json.loads(text)["payload"]["body"], status), ("A" * 4000, "200"))

    def test_errors(self):
        text, status = self.curl("UnaryCall", {"responseSize": "three"})
        self.assertEqual((json.loads(text)["code"], status), ("invalid_argument", "400"))
        text, status = self.curl("NoCall", {})
        self.assertEqual((json.loads(text)["code"], status), ("unimplemented", "404"))


# What the tests share is no test of its own.
del Connect
