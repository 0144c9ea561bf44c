"""`buf curl` against our server, with its reflection (v1) and with the compiled descriptors, in gRPC
and in Connect."""

import json
import os
import unittest

import peers
import setting

SERVICE = "grpc.testing.TestService"


class BufCurl(unittest.TestCase):
    """Calls as a user of buf makes them."""

    protocol = ["--protocol", "grpc", "--http2-prior-knowledge"]

    def setUp(self):
        folder, why = peers.tool("buf")
        if folder is None:
            self.skipTest(why)
        self.program = os.path.join(folder, "buf")

    def tearDown(self):
        setting.check_server_lives()

    def curl(self, method, request, *flags):
        url = f"http://{setting.address()}/{SERVICE}/{method}"
        fixed = [*self.protocol, "-d", json.dumps(request)]
        return [self.program, "curl", *fixed, *flags, url]

    def test_unary_with_reflection(self):
        outcome = peers.run_well(self.curl("UnaryCall", {"responseSize": 3}))
        self.assertEqual(json.loads(outcome.out)["payload"]["body"], "AAAA")

    def test_unary_with_the_compiled_descriptors(self):
        schema = ["--schema", f"{setting.protoset()}#format=binpb"]
        outcome = peers.run_well(self.curl("UnaryCall", {"responseSize": 3}, *schema))
        self.assertEqual(json.loads(outcome.out)["payload"]["body"], "AAAA")

    def test_server_streaming(self):
        request = {"responseParameters": [{"size": 3}, {"size": 3}]}
        outcome = peers.run_well(self.curl("StreamingOutputCall", request))
        self.assertEqual(outcome.out.count('"body"'), 2, str(outcome))

    def test_methods_are_listed(self):
        url = f"http://{setting.address()}"
        flags = [*self.protocol, "--list-methods"]
        outcome = peers.run_well([self.program, "curl", *flags, url])
        self.assertIn(f"{SERVICE}/UnaryCall", outcome.out)

    def test_a_status_is_shown(self):
        request = {"responseStatus": {"code": 5, "message": "no item 7"}}
        outcome = peers.run(self.curl("UnaryCall", request))
        self.assertNotEqual(outcome.status, 0, str(outcome))
        self.assertIn("not_found", outcome.err)
        self.assertIn("no item 7", outcome.err)


class Connect(BufCurl):
    """The same in Connect, with the compiled descriptors: reflection needs a stream in both
    directions, which HTTP/1.1 does not have."""

    protocol = ["--protocol", "connect"]

    def setUp(self):
        if setting.against_reference():
            self.skipTest("grpcio speaks no Connect")
        super().setUp()

    def curl(self, method, request, *flags):
        schema = ["--schema", f"{setting.protoset()}#format=binpb"]
        return super().curl(method, request, *schema, *(flags if "--schema" not in flags else []))

    test_unary_with_reflection = None
    test_methods_are_listed = None


class ConnectOverHttp2(BufCurl):
    """The same in Connect over HTTP/2, with reflection."""

    protocol = ["--protocol", "connect", "--http2-prior-knowledge"]

    def setUp(self):
        if setting.against_reference():
            self.skipTest("grpcio speaks no Connect")
        super().setUp()
