"""`curl` against our server: calls in JSON, over both versions of HTTP."""

import base64
import gzip
import json
import os
import unittest

import cases
import peers
import setting
from test_store import Store


def curl(test, *arguments, stdin=b""):
    """The HTTP status and the body of a request."""
    folder, why = peers.tool("curl")
    if folder is None:
        test.skipTest(why)
    fixed = ["--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}"]
    outcome = peers.run_well([os.path.join(folder, "curl"), *fixed, *arguments], stdin=stdin)
    body, _, status = outcome.out.rpartition("\n")
    return int(status), body


class Calls(unittest.TestCase):
    """The test service of gRPC."""

    versions = [["--http1.1"], ["--http2-prior-knowledge"]]

    def setUp(self):
        if setting.against_reference():
            self.skipTest("grpcio speaks no Connect")

    def tearDown(self):
        setting.check_server_lives()

    def url(self, method):
        return f"http://{setting.address()}/{cases.SERVICE}/{method}"

    def test_json_in_json_out(self):
        for version in self.versions:
            with self.subTest(version=version):
                request = json.dumps({"responseSize": 3})
                status, body = curl(self, *version, "--json", request, self.url("UnaryCall"))
                self.assertEqual((status, json.loads(body)), (200, {"payload": {"body": "AAAA"}}))

    def test_gzip_both_ways(self):
        request = gzip.compress(json.dumps({"responseSize": 100_000}).encode())
        headers = ["content-type: application/json", "content-encoding: gzip"]
        flags = [flag for header in headers for flag in ("--header", header)]
        for version in self.versions:
            with self.subTest(version=version):
                sent = [*flags, "--data-binary", "@-", "--compressed", *version]
                status, body = curl(self, *sent, self.url("UnaryCall"), stdin=request)
                self.assertEqual(status, 200, body[:200])
                payload = base64.b64decode(json.loads(body)["payload"]["body"])
                self.assertEqual(payload, bytes(100_000))

    def test_an_error_is_json_with_the_http_status_of_connect(self):
        for code, name, wanted in [(5, "not_found", 404), (16, "unauthenticated", 401)]:
            request = json.dumps({"responseStatus": {"code": code, "message": "no item 7"}})
            for version in self.versions:
                status, body = curl(self, *version, "--json", request, self.url("UnaryCall"))
                self.assertEqual(status, wanted)
                self.assertEqual(json.loads(body), {"code": name, "message": "no item 7"})

    def test_bad_json_is_invalid_argument_in_words(self):
        for text in ["{", "[]", '{"responseSize": "x"}', '{"payload": 1}']:
            with self.subTest(text=text):
                status, body = curl(self, "--json", text, self.url("UnaryCall"))
                self.assertEqual((status, json.loads(body)["code"]), (400, "invalid_argument"))
                self.assertTrue(json.loads(body)["message"])

    def test_an_unknown_method_is_unimplemented(self):
        # A path that is not known, and a method that is declared and that no server has.
        for method, wanted in [("NoSuchMethod", 404), ("UnimplementedCall", 501)]:
            status, body = curl(self, "--json", "{}", self.url(method))
            self.assertEqual((status, json.loads(body)["code"]), (wanted, "unimplemented"))


class KeyValueStore(Store):
    """A group of three nodes."""

    def test_set_and_get(self):
        url = f"http://{self.group.places[self.leader()]}/agora.kv.v1.KvService"
        key, value = (base64.b64encode(text).decode() for text in (b"name", b"\0value\xff"))
        status, body = curl(self, "--json", json.dumps({"key": key, "value": value}), f"{url}/Set")
        self.assertEqual(status, 200, body)
        # 64 bits are a string in JSON.
        self.assertGreater(int(json.loads(body)["revision"]), 0)
        status, body = curl(self, "--json", json.dumps({"key": key}), f"{url}/Get")
        self.assertEqual((status, json.loads(body)["pair"]["value"]), (200, value))
