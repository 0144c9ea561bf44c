"""The calls through grpcurl in src/market/README.md do what it says, on a new market."""

import os
import re
import unittest

import peers
import setting

PLACE = "127.0.0.1:50051"
MARKET = "agora.market.v1.MarketService"


class Tour(unittest.TestCase):
    """The block of shell behind the mark."""

    @classmethod
    def setUpClass(cls):
        if setting.against_reference():
            raise unittest.SkipTest("the market is ours")
        with open(os.path.join(peers.ROOT, "src/market/README.md"), encoding="utf-8") as file:
            cls.tour = re.search(r"<!-- \S+test_readme.py .*?```sh\n(.*?)```", file.read(), re.S)[1]

    def test_it_has_an_example_of_every_call(self):
        named = set(re.findall(r"^market (\w+) ", self.tour, re.MULTILINE))
        wanted = {method.name for method in setting.schema().methods(MARKET)}
        self.assertEqual(named, wanted)

    def test_every_call_succeeds(self):
        folder, _ = peers.tool("python")
        command = [setting.agora(), "market", "--listen", "127.0.0.1:0"]
        with peers.running(peers.Server(command)) as server:
            script = f"PATH={folder}:$PATH\n" + self.tour.replace(PLACE, server.address)
            outcome = peers.run(["bash", "-c", script])
        # The watch ends when its time is over; nothing else may fail.
        codes = re.findall(r"^ *Code: (\w+)", outcome.err, re.MULTILINE)
        self.assertEqual(codes, ["DeadlineExceeded"], str(outcome))
        self.assertIn("NOTIFICATION_KIND_PRICE_CHANGED", outcome.out)
        self.assertIn("Delete Item 1 request from 192.13.188.178:50051", server.output())
