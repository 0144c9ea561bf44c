"""TLS beside cleartext on one port, with other people's TLS on the other side."""

import os
import tempfile
import unittest

import grpc
import trustme

import cases
import peers
import setting


class Server(unittest.TestCase):
    """A server with a certificate for localhost, of an authority made for this run."""

    @classmethod
    def setUpClass(cls):
        if setting.against_reference():
            raise unittest.SkipTest("our server's TLS")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.authority, cls.certificate, cls.key = (
            os.path.join(folder.name, name) for name in ("ca.pem", "cert.pem", "key.pem")
        )
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        authority.cert_pem.write_to_path(cls.authority)
        certificate.private_key_pem.write_to_path(cls.key)
        os.chmod(cls.key, 0o600)
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(cls.certificate, append=True)
        command = [setting.agora(), "interop", "server", "--listen", "127.0.0.1:0"]
        flags = ["--tls-cert", cls.certificate, "--tls-key", cls.key]
        cls.server = peers.Server([*command, *flags])
        cls.addClassCleanup(cls.server.stop)


class Tls(Server):
    """gRPC and the native protocol over TLS."""

    def test_grpcio_calls_over_tls(self):
        with open(self.authority, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        with grpc.secure_channel(self.server.address, credentials) as channel:
            for case in (cases.large_unary, cases.ping_pong, cases.custom_metadata):
                case(setting.schema(), channel)

    def test_grpcio_calls_in_the_clear_on_the_same_port(self):
        with grpc.insecure_channel(self.server.address) as channel:
            cases.large_unary(setting.schema(), channel)

    def test_grpcurl_calls_over_tls(self):
        folder, _ = peers.tool("python")
        program = os.path.join(folder, "grpcurl")
        flags = ["-cacert", self.authority, self.server.address]
        outcome = peers.run_well([program, *flags, f"{cases.SERVICE}/EmptyCall"])
        self.assertEqual(outcome.out.split(), ["{", "}"])

    def test_grpcurl_refuses_an_authority_that_it_does_not_know(self):
        folder, _ = peers.tool("python")
        command = [os.path.join(folder, "grpcurl"), "-connect-timeout", "3"]
        outcome = peers.run([*command, self.server.address, "list"])
        self.assertNotEqual(outcome.status, 0, str(outcome))
        self.assertTrue(self.server.is_running())

    def test_our_client_speaks_both_protocols_over_tls(self):
        for protocol in ("grpc", "native"):
            with self.subTest(protocol=protocol):
                command = [setting.agora(), "interop", "client", "--server", self.server.address]
                flags = ["--protocol", protocol, "--tls-ca", self.authority]
                peers.run_well([*command, *flags, "--case", "all"])
