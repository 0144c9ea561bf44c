"""curl, wget and h2load, programs of HTTP without gRPC, against our server."""

import os
import re
import shutil
import tempfile
import unittest

import peers
import setting
import test_tls

EMPTY_CALL = "/grpc.testing.TestService/EmptyCall"
UNARY_CALL = "/grpc.testing.TestService/UnaryCall"
JSON = ["--json", '{"responseSize": 3}']
VERSIONS = {"1.0": "--http1.0", "1.1": "--http1.1", "2": "--http2-prior-knowledge"}


def program(name):
    """The path of a program of the system."""
    found = shutil.which(name)
    if found is None:
        raise unittest.SkipTest(f"there is no {name}")
    return found


def curl(*arguments):
    """The status, the version and the body that curl receives."""
    command = [program("curl"), "--silent", "--show-error", "--max-time", "20"]
    write = ["--write-out", "\n%{http_code} %{http_version} %{content_type}"]
    out = peers.run_well([*command, *write, *arguments]).out
    body, _, last = out.rpartition("\n")
    return (*last.split(" ", 2), body)


class Clear(unittest.TestCase):
    """HTTP/1.0, 1.1 and 2 on the port of gRPC, in the clear."""

    @classmethod
    def setUpClass(cls):
        if setting.against_reference():
            raise unittest.SkipTest("our server's matter")

    def setUp(self):
        self.url = f"http://{setting.address()}"

    def tearDown(self):
        setting.check_server_lives()

    def test_curl_calls_in_json(self):
        for version, flag in VERSIONS.items():
            with self.subTest(version=version):
                status, _, kind, body = curl(flag, *JSON, self.url + UNARY_CALL)
                self.assertEqual((status, kind), ("200", "application/json"), body)
                self.assertEqual(body, '{"payload":{"body":"AAAA"}}')

    def test_a_path_that_is_not_there_is_404(self):
        for version, flag in VERSIONS.items():
            with self.subTest(version=version):
                status, *_, body = curl(flag, f"{self.url}/nothing")
                self.assertEqual(status, "404", body)
                self.assertTrue(body.strip(), "no words")

    def test_grpc_over_http_1_is_refused_in_words(self):
        kind = ["-H", "content-type: application/grpc", "--data-binary", "x"]
        status, *_, body = curl("--http1.1", *kind, self.url + EMPTY_CALL)
        self.assertEqual(status, "505")
        self.assertIn("HTTP/2", body)

    def test_a_large_body_is_sent_after_100_continue(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b'{"payload": {"body": "' + b"A" * 2_000_000 + b'"}}')
            file.flush()
            data = ["--data-binary", f"@{file.name}", "-H", "content-type: application/json"]
            for expect in ("100-continue", ""):
                fields = ["-H", f"expect: {expect}"] if expect else ["-H", "expect:"]
                status, *_, body = curl("--http1.1", *fields, *data, self.url + UNARY_CALL)
                self.assertEqual(status, "200", body[:200])

    def test_a_body_in_chunks_is_read(self):
        fields = ["-H", "transfer-encoding: chunked"]
        status, *_, body = curl("--http1.1", *fields, *JSON, self.url + UNARY_CALL)
        self.assertEqual((status, body), ("200", '{"payload":{"body":"AAAA"}}'))

    def test_one_connection_carries_many_requests(self):
        urls = [self.url + EMPTY_CALL] * 20
        command = [program("curl"), "--silent", "--json", "{}", "--http1.1"]
        count = ["--write-out", "\n%{http_code} %{num_connects}\n"]
        out = peers.run_well([*command, *count, *urls]).out
        self.assertEqual(re.findall(r"\d+ \d+", out), ["200 1"] + ["200 0"] * 19)

    def test_wget_calls_in_json(self):
        flags = ["--quiet", "--output-document=-", "--header=content-type: application/json"]
        url = self.url + UNARY_CALL
        out = peers.run_well([program("wget"), *flags, '--post-data={"responseSize":3}', url]).out
        self.assertEqual(out, '{"payload":{"body":"AAAA"}}')

    def test_h2load_succeeds_with_every_request_of_http_1(self):
        folder, why = peers.tool("h2load")
        if folder is None:
            self.skipTest(why)
        with tempfile.NamedTemporaryFile() as body:
            body.write(b"{}")
            body.flush()
            load = ["--h1", "-n", "20000", "-c", "10", "-d", body.name]
            fields = ["-H", "content-type: application/json"]
            command = [os.path.join(folder, "h2load"), *load, *fields, self.url + EMPTY_CALL]
            out = peers.run_well(command, timeout_s=60).out
        self.assertIn("20000 succeeded, 0 failed, 0 errored, 0 timeout", out)
        self.assertIn("status codes: 20000 2xx", out)


class Secure(test_tls.Server):
    """The same inside TLS: the version is negotiated."""

    def test_curl_negotiates_the_version(self):
        url = f"https://{self.server.address}{UNARY_CALL}"
        for version, flag in {"2": "--http2", "1.1": "--http1.1"}.items():
            for alpn in ([], ["--no-alpn"]):
                expected = "1.1" if alpn else version
                with self.subTest(version=version, alpn=alpn):
                    flags = ["--cacert", self.authority, flag, *alpn]
                    status, received, _, body = curl(*flags, *JSON, url)
                    self.assertEqual((status, received), ("200", expected), body)
                    self.assertEqual(body, '{"payload":{"body":"AAAA"}}')

    def test_wget_reads_inside_tls(self):
        flags = ["--quiet", "--output-document=-", f"--ca-certificate={self.authority}"]
        post = ["--header=content-type: application/json", "--post-data={}"]
        url = f"https://{self.server.address}{EMPTY_CALL}"
        self.assertEqual(peers.run_well([program("wget"), *flags, *post, url]).out, "{}")

    def test_h2load_succeeds_with_every_request_inside_tls(self):
        folder, why = peers.tool("h2load")
        if folder is None:
            self.skipTest(why)
        with tempfile.NamedTemporaryFile() as body:
            body.write(b"{}")
            body.flush()
            load = ["--h1", "-n", "2000", "-c", "4", "-d", body.name]
            fields = ["-H", "content-type: application/json"]
            url = f"https://{self.server.address}{EMPTY_CALL}"
            command = [os.path.join(folder, "h2load"), *load, *fields, url]
            out = peers.run_well(command, timeout_s=60).out
        self.assertIn("2000 succeeded, 0 failed, 0 errored, 0 timeout", out)
