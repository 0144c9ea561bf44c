"""`buf curl` against our server, with its reflection (v1) and with the compiled descriptors."""

import json
import os
import unittest

import peers
import setting

SERVICE = "grpc.testing.TestService"


class BufCurl(unittest.TestCase):
    """Calls as a user of buf makes them."""

    def setUp(self):
        folder, why = peers.tool("buf")
        if folder is None:
            self.skipTest(why)
        self.program = os.path.join(folder, "buf")

    def tearDown(self):
        setting.check_server_lives()

    def curl(self, method, request, *flags):
        url = f"http://{setting.address()}/{SERVICE}/{method}"
        fixed = ["--protocol", "grpc", "--http2-prior-knowledge", "-d", json.dumps(request)]
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
        flags = ["--protocol", "grpc", "--http2-prior-knowledge", "--list-methods"]
        outcome = peers.run_well([self.program, "curl", *flags, url])
        self.assertIn(f"{SERVICE}/UnaryCall", outcome.out)

    def test_a_status_is_shown(self):
        request = {"responseStatus": {"code": 5, "message": "no item 7"}}
        outcome = peers.run(self.curl("UnaryCall", request))
        self.assertNotEqual(outcome.status, 0, str(outcome))
        self.assertIn("not_found", outcome.err)
        self.assertIn("no item 7", outcome.err)
