"""What this run tests, as chosen on the command line of `test/interop/run`."""

import functools
import os

import peers
from schema import Schema

# Set by suite.py; in the environment so that peers in processes of their own see the same.
AGORA = "AGORA_INTEROP_BINARY"
AGAINST = "AGORA_INTEROP_AGAINST"
PROTOSET = "AGORA_INTEROP_PROTOSET"

_server = None


def agora():
    """The path of our binary."""
    return os.environ[AGORA]


def against_reference():
    """Whether grpcio's server stands in for ours, which tests the tests."""
    return os.environ.get(AGAINST) == "reference"


def unless_reference(why):
    """Leaves a test out when grpcio's server stands in for ours, which differs there."""

    def skip(test):
        @functools.wraps(test)
        def guarded(self):
            if against_reference():
                self.skipTest(why)
            test(self)

        return guarded

    return skip


def protoset():
    """The path of the compiled descriptors."""
    return os.environ.get(PROTOSET) or os.path.join(peers.ROOT, "schemas", "agora.protoset")


@functools.cache
def schema():
    return Schema(protoset())


def new_server():
    """A fresh server under test."""
    return peers.reference_server() if against_reference() else peers.agora_server(agora())


def address():
    """The address of the server under test: one for the whole run, or a new one if it died."""
    global _server
    if _server is None or not _server.is_running():
        _server = new_server()
    return _server.address


def check_server_lives():
    """Raises when the server under test has died."""
    if _server is not None and not _server.is_running():
        status = _server.process.returncode
        raise peers.Failed(f"the server died with status {status}; its output:\n{_server.output()}")


def stop_server():
    """Ends the server under test; its exit status, 0 when none was started."""
    return 0 if _server is None else _server.stop()
