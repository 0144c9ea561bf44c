"""npm's @connectrpc/connect-node against our server: `connect_node.mjs` has the tests."""

import itertools
import os

import peers
import setting
from test_store import Store

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "connect_node.mjs")
TESTS = 10


class ConnectNode(Store):
    """The test service, and a group of three nodes of the store."""

    def setUp(self):
        self.folder, why = peers.tool("connect")
        if self.folder is None:
            self.skipTest(why)
        self.leader_url = f"http://{self.group.places[self.leader()]}"

    def tearDown(self):
        setting.check_server_lives()

    def run_tests(self, http, encoding, compression):
        servers = [f"http://{setting.address()}", http, encoding, compression, self.leader_url]
        command = ["node", SCRIPT, self.folder, setting.protoset(), *servers]
        outcome = peers.run_well(command)
        self.assertEqual(outcome.out.count(": passed\n"), TESTS, str(outcome))


def _add(http, encoding, compression):
    name = f"test_http{http.replace('.', '')}_{encoding}_{compression}"
    setattr(ConnectNode, name, lambda self: self.run_tests(http, encoding, compression))


for _choice in itertools.product(["1.1", "2"], ["proto", "json"], ["gzip", "plain"]):
    _add(*_choice)
