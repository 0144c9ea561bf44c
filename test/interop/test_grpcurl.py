"""grpcurl 1.8.6, which asks for reflection v1alpha only, against our server."""

import json
import os
import unittest

import peers
import setting

SERVICE = "grpc.testing.TestService"


class Grpcurl(unittest.TestCase):
    """What a person with grpcurl tries."""

    def setUp(self):
        folder, _ = peers.tool("python")
        self.program = os.path.join(folder, "grpcurl")

    def tearDown(self):
        setting.check_server_lives()

    def command(self, *arguments, flags=()):
        return [self.program, "-plaintext", *flags, setting.address(), *arguments]

    def grpcurl(self, *arguments, flags=(), stdin=""):
        command = self.command(*arguments, flags=flags)
        return peers.run_well(command, stdin=stdin.encode()).out

    def call(self, method, *messages, flags=()):
        """Calls with messages from stdin; the answers, decoded."""
        text = "\n".join(json.dumps(message) for message in messages)
        out = self.grpcurl(f"{SERVICE}/{method}", flags=["-d", "@", *flags], stdin=text)
        return decode_all(out)

    def test_list_names_the_services(self):
        services = self.grpcurl("list").split()
        self.assertIn(SERVICE, services)
        self.assertIn("grpc.health.v1.Health", services)
        self.assertIn("grpc.reflection.v1alpha.ServerReflection", services)

    def test_list_names_the_methods_of_a_service(self):
        self.assertIn(f"{SERVICE}.UnaryCall", self.grpcurl("list", SERVICE).split())

    def test_describe_shows_services_methods_and_messages(self):
        self.assertIn("rpc FullDuplexCall ( stream", self.grpcurl("describe", SERVICE))
        self.assertIn("response_size", self.grpcurl("describe", "grpc.testing.SimpleRequest"))
        self.assertIn(SERVICE, self.grpcurl("describe"))

    @setting.unless_reference("grpcio's reflection finds no methods")
    def test_describe_shows_one_method(self):
        self.assertIn("rpc UnaryCall", self.grpcurl("describe", f"{SERVICE}.UnaryCall"))

    def test_unary(self):
        (answer,) = self.call("UnaryCall", {"responseSize": 6, "payload": {"body": "AAAA"}})
        self.assertEqual(answer["payload"]["body"], "AAAAAAAA")

    def test_server_streaming(self):
        parameters = [{"size": 3}, {"size": 6}, {"size": 9}]
        answers = self.call("StreamingOutputCall", {"responseParameters": parameters})
        self.assertEqual([len(a["payload"]["body"]) for a in answers], [4, 8, 12])

    def test_client_streaming(self):
        message = {"payload": {"body": "AAAA"}}
        (answer,) = self.call("StreamingInputCall", message, message, message)
        self.assertEqual(answer["aggregatedPayloadSize"], 9)

    def test_both_ways_streaming(self):
        message = {"responseParameters": [{"size": 3}]}
        self.assertEqual(len(self.call("FullDuplexCall", message, message, message)), 3)

    def test_a_status_is_shown_and_becomes_the_exit_status(self):
        request = json.dumps({"responseStatus": {"code": 5, "message": "no item 7"}})
        command = self.command(f"{SERVICE}/UnaryCall", flags=["-d", request])
        outcome = peers.run(command)
        self.assertEqual(outcome.status, 64 + 5, str(outcome))
        self.assertIn("Code: NotFound", outcome.err)
        self.assertIn("Message: no item 7", outcome.err)

    def test_a_method_that_is_not_there_is_unimplemented(self):
        outcome = peers.run(self.command(f"{SERVICE}/UnimplementedCall"))
        self.assertEqual(outcome.status, 64 + 12, str(outcome))
        self.assertIn("Code: Unimplemented", outcome.err)

    def test_a_deadline_is_enforced(self):
        request = json.dumps({"responseParameters": [{"size": 1, "intervalUs": 5_000_000}]})
        flags = ["-max-time", "0.3", "-d", request]
        outcome = peers.run(self.command(f"{SERVICE}/StreamingOutputCall", flags=flags))
        self.assertEqual(outcome.status, 64 + 4, str(outcome))
        self.assertIn("Code: DeadlineExceeded", outcome.err)

    def test_metadata_is_sent_and_shown(self):
        headers = [
            "-H", "x-grpc-test-echo-initial: from grpcurl",
            "-H", "x-grpc-test-echo-trailing-bin: q6ur",
        ]  # fmt: skip
        out = self.grpcurl(f"{SERVICE}/EmptyCall", flags=["-v", *headers])
        headers, trailers = out.split("Response trailers received:")
        self.assertIn("x-grpc-test-echo-initial: from grpcurl", headers)
        self.assertIn("x-grpc-test-echo-trailing-bin: q6ur", trailers)

    def test_the_compiled_descriptors_do_without_reflection(self):
        flags = ["-protoset", setting.protoset()]
        self.assertIn(f"{SERVICE}.UnaryCall", self.grpcurl("list", SERVICE, flags=flags))
        (answer,) = self.call("UnaryCall", {"responseSize": 3}, flags=flags)
        self.assertEqual(answer["payload"]["body"], "AAAA")

    def test_health(self):
        out = self.grpcurl("grpc.health.v1.Health/Check")
        self.assertEqual(json.loads(out), {"status": "SERVING"})


def decode_all(text):
    """The JSON values that follow one another in `text`."""
    decoder, values, text = json.JSONDecoder(), [], text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:].lstrip()
    return values
