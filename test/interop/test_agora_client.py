"""Our client: every case against grpcio's server, and against our own in both protocols."""

import unittest

import cases
import peers
import setting

# Beside gRPC's own cases: a rich error, messages of exactly 4 MiB, 1,000 calls in flight.
OURS = ["rich_error", "max_message", "concurrent_calls"]
NAMES = [case.__name__ for case in cases.ALL] + OURS


def client(address, case, protocol):
    """The command that runs one case."""
    flags = ["--server", address, "--case", case, "--protocol", protocol]
    return [setting.agora(), "interop", "client", *flags]


def needs_our_client():
    """Skips the test in a run against the reference server."""
    if setting.against_reference():
        raise unittest.SkipTest("no client of ours in this run")


class WithGrpcioServer(unittest.TestCase):
    """Our client, grpcio's server."""

    @classmethod
    def setUpClass(cls):
        needs_our_client()
        cls.server = peers.reference_server()
        cls.addClassCleanup(cls.server.stop)

    def run_case(self, case):
        peers.run_well(client(self.server.address, case, "grpc"))


class WithAnybodysServer(unittest.TestCase):
    """Our client, any server that implements exactly the descriptions of gRPC."""

    def test_all_cases_pass(self):
        needs_our_client()
        with peers.running(peers.reference_server("--without-additions")) as server:
            outcome = peers.run_well(client(server.address, "all", "grpc"))
        passed = [line.removesuffix(": passed") for line in outcome.out.splitlines()]
        self.assertEqual(passed, [case.__name__ for case in cases.ALL], str(outcome))


class WithOurServer(unittest.TestCase):
    """Our client, our server, both protocols on one port."""

    protocols = ["grpc", "native"]

    @classmethod
    def setUpClass(cls):
        needs_our_client()

    def tearDown(self):
        setting.check_server_lives()

    def run_case(self, case):
        for protocol in self.protocols:
            with self.subTest(protocol=protocol):
                peers.run_well(client(setting.address(), case, protocol))


class Failing(unittest.TestCase):
    """A client that fails reports it."""

    @classmethod
    def setUpClass(cls):
        needs_our_client()

    def test_a_server_that_is_not_there_is_an_error_with_status_1(self):
        outcome = peers.run(client("127.0.0.1:1", "empty_unary", "grpc"))
        self.assertEqual(outcome.status, 1, str(outcome))
        self.assertTrue(outcome.err.strip(), "no reason on stderr")

    def test_an_unknown_case_is_wrong_usage(self):
        outcome = peers.run(client("127.0.0.1:1", "no_such_case", "grpc"))
        self.assertEqual(outcome.status, 2, str(outcome))


for _name in NAMES:
    for _class in (WithGrpcioServer, WithOurServer):
        setattr(_class, f"test_{_name}", lambda self, name=_name: self.run_case(name))
