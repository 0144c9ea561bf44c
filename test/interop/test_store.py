"""A group of three nodes of the key-value store, as people with grpcurl, grpcio or a classic client
meet it."""

import contextlib
import importlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import grpc

import peers
import setting

STORE = "agora.kv.v1.KvService"
# A hiccup of the machine must not change who leads.
CALM = ["--heartbeat", "0.1", "--election-timeout", "1.5", "--lease", "1.5"]
LONG_S = 30


class Group:
    """Three running nodes."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="agora-store-")
        self.places = free_places(3)
        self.nodes = {}
        for node in range(3):
            self.start(node)

    def start(self, node):
        among = ",".join(f"{number}={place}" for number, place in enumerate(self.places))
        logs = os.path.join(self.home.name, "logs")
        command = [setting.agora(), "node", "--id", str(node), "--peers", among, "--logs", logs]
        self.nodes[node] = peers.Server([*command, *CALM])

    def kill(self, node):
        server = self.nodes.pop(node)
        server.process.kill()
        server.process.wait()

    def stop(self):
        statuses = {node: server.stop() for node, server in self.nodes.items()}
        self.home.cleanup()
        assert set(statuses.values()) <= {0}, statuses


def free_places(count):
    """Ports of addresses that nobody else has: no connection of others takes them meanwhile."""
    places = []
    for number in range(count):
        with socket.socket() as listener:
            listener.bind((f"127.{1 + os.getpid() % 250}.77.{number + 1}", 0))
            places.append("{}:{}".format(*listener.getsockname()))
    return places


def eventually(what, attempt):
    """The first answer that is not None or False."""
    deadline = time.monotonic() + LONG_S
    while time.monotonic() < deadline:
        found = attempt()
        if found is not None and found is not False:
            return found
        time.sleep(0.02)
    raise AssertionError(f"never happened: {what}")


class Store(unittest.TestCase):
    """A group for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        if setting.against_reference():
            raise unittest.SkipTest("the store is ours")
        cls.group = Group()
        cls.addClassCleanup(cls.group.stop)

    def channel(self, node):
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.insecure_channel(self.group.places[node], options=options)
        self.addCleanup(channel.close)
        return channel

    def store(self, node):
        return setting.schema().stub(self.channel(node), STORE)

    def ask(self, method, node, **fields):
        request = setting.schema().message(f"agora.kv.v1.{method}Request")(**fields)
        return getattr(self.store(node), method)(request, timeout=LONG_S)

    def leader(self):
        """The node that leads, and can answer."""

        def look():
            for node in self.group.nodes:
                with contextlib.suppress(grpc.RpcError):
                    self.ask("Get", node, key=b"anything")
                    return node
            return None

        return eventually("somebody leads", look)


class Grpcurl(Store):
    """What a person with grpcurl tries."""

    def grpcurl(self, *arguments, node=None, flags=()):
        folder, _ = peers.tool("python")
        place = self.group.places[self.leader() if node is None else node]
        program = os.path.join(folder, "grpcurl")
        return peers.run([program, "-plaintext", *flags, place, *arguments])

    def call(self, method, message, **how):
        outcome = self.grpcurl(f"{STORE}/{method}", flags=["-d", json.dumps(message)], **how)
        self.assertEqual(outcome.status, 0, str(outcome))
        return json.loads(outcome.out)

    def test_reflection_names_the_services_of_a_node(self):
        services = self.grpcurl("list").out.split()
        wanted = [STORE, "RaftService", "agora.raft.v1.RaftService", "grpc.health.v1.Health"]
        for service in wanted:
            self.assertIn(service, services)
        described = self.grpcurl("describe", STORE).out
        self.assertIn("rpc CompareAndSet", described)
        self.assertIn("returns ( stream .agora.kv.v1.WatchResponse )", described)
        self.assertIn("rpc ServeClient", self.grpcurl("describe", "RaftService").out)

    def test_every_node_is_healthy(self):
        leader = self.leader()

        def check(node, name):
            asked = ["-d", json.dumps({"service": name})]
            return self.grpcurl("grpc.health.v1.Health/Check", node=node, flags=asked).out

        for node in range(3):
            # A follower may not have heard of the leader yet.
            for name in ["", STORE]:
                eventually("it serves", lambda: json.loads(check(node, name))["status"] == "SERVING")
        leaders = [node for node in range(3) if '"SERVING"' in check(node, f"{STORE}/leader")]
        self.assertEqual(leaders, [leader])

    def test_a_key_is_set_read_swapped_and_taken_away(self):
        # grpcurl has bytes in base64: eA== is x, NQ== is 5, Ng== is 6.
        revision = self.call("Set", {"key": "eA==", "value": "NQ=="})["revision"]
        pair = {"key": "eA==", "value": "NQ=="}
        pair |= {"modifiedRevision": revision, "createdRevision": revision}
        self.assertEqual(self.call("Get", {"key": "eA=="}), {"pair": pair})
        swap = {"key": "eA==", "old": {"value": "NQ=="}, "new": "Ng=="}
        self.assertTrue(self.call("CompareAndSet", swap)["isSet"])
        self.assertNotIn("isSet", self.call("CompareAndSet", swap))
        found = self.call("Scan", {"prefix": "eA=="})
        self.assertEqual((found["count"], found["pairs"][0]["value"]), ("1", "Ng=="))
        stale = {"key": "eA==", "consistency": "CONSISTENCY_STALE"}
        eventually("a follower has it", lambda: "pair" in self.call("Get", stale, node=0))
        self.assertTrue(self.call("Delete", {"key": "eA=="})["deleted"])
        self.assertEqual(self.call("Get", {"key": "eA=="}), {})

    def test_a_watch_streams(self):
        self.call("Set", {"key": "d2F0Y2hlZA==", "value": "NQ=="})
        asked = {"prefix": "d2F0Y2hlZA==", "start": {"afterRevision": "0"}}
        flags = ["-max-time", "1", "-d", json.dumps(asked)]
        outcome = self.grpcurl(f"{STORE}/Watch", flags=flags)
        self.assertIn("Code: DeadlineExceeded", outcome.err)
        self.assertIn('"value": "NQ=="', outcome.out)

    def test_a_follower_names_the_leader(self):
        leader = self.leader()
        other = (leader + 1) % 3
        flags = ["-v", "-d", json.dumps({"key": "eA=="})]
        outcome = self.grpcurl(f"{STORE}/Get", node=other, flags=flags)
        self.assertEqual(outcome.status, 64 + 14, str(outcome))
        self.assertIn(f"node {other} does not lead, node {leader} does", outcome.err)
        self.assertIn(f"agora-leader-id: {leader}", outcome.out)
        self.assertIn(f"agora-leader: {self.group.places[leader]}", outcome.out)

    def test_a_status_is_readable(self):
        status = self.call("Status", {})
        self.assertEqual(status["role"], "ROLE_LEADER")
        self.assertEqual(len(status["peers"]), 2)

    def test_the_classic_call(self):
        flags = ["-d", json.dumps({"Request": "SET name Bheem the Great"})]
        outcome = self.grpcurl("RaftService/ServeClient", flags=flags)
        self.assertTrue(json.loads(outcome.out)["Success"], str(outcome))
        flags = ["-d", json.dumps({"Request": "GET name"})]
        said = json.loads(self.grpcurl("RaftService/ServeClient", flags=flags).out)
        self.assertEqual((said["Data"], said["Success"]), ("Bheem the Great", True))


class Grpcio(Store):
    """What a program with grpcio does."""

    def test_a_client_follows_the_leader_by_the_metadata(self):
        leader = self.leader()
        for node in range(3):
            try:
                self.ask("Set", node, key=b"x", value=b"5")
                self.assertEqual(node, leader)
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
                told = dict(error.trailing_metadata())
                self.assertEqual(told["agora-node-id"], str(node))
                self.assertEqual(told["agora-leader-id"], str(leader))
                self.assertEqual(told["agora-leader"], self.group.places[leader])

    def test_large_values_and_any_bytes(self):
        leader = self.leader()
        value = bytes(range(256)) * 4096
        self.ask("Set", leader, key=b"\x00\xff large", value=value)
        self.assertEqual(self.ask("Get", leader, key=b"\x00\xff large").pair.value, value)
        with self.assertRaises(grpc.RpcError) as refused:
            self.ask("Set", leader, key=b"x", value=value + b"!")
        self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)

    def test_a_watch_goes_on_at_another_node_when_its_node_is_killed(self):
        leader = self.leader()
        watched = (leader + 1) % 3
        request = setting.schema().message("agora.kv.v1.WatchRequest")
        stream = self.store(watched).Watch(request(prefix=b"w"), timeout=LONG_S)
        seen = next(stream).revision
        first = self.ask("Set", leader, key=b"w1", value=b"1").revision
        answer = next(stream)
        self.assertEqual([change.revision for change in answer.changes], [first])
        seen = answer.revision
        self.group.kill(watched)
        self.addCleanup(self.group.start, watched)
        with self.assertRaises(grpc.RpcError) as ended:
            next(stream)
        self.assertEqual(ended.exception.code(), grpc.StatusCode.UNAVAILABLE)
        second = self.ask("Set", leader, key=b"w2", value=b"2").revision
        again = request(prefix=b"w")
        again.start.after_revision = seen
        stream = self.store(leader).Watch(again, timeout=LONG_S)
        changes = []
        while not changes:
            changes.extend(next(stream).changes)
        self.assertEqual([change.revision for change in changes], [second])
        stream.cancel()

    def test_a_write_in_a_session_is_done_once(self):
        leader = self.leader()
        session = self.ask("OpenSession", leader).session
        origin = {"session": session, "sequence": 1}
        first = self.ask("Set", leader, key=b"once", value=b"1", origin=origin)
        self.ask("Set", leader, key=b"once", value=b"2")
        again = self.ask("Set", leader, key=b"once", value=b"1", origin=origin)
        self.assertEqual(again.revision, first.revision)
        self.assertEqual(self.ask("Get", leader, key=b"once").pair.value, b"2")


class Classic(Store):
    """A client of the classic version, with stubs made from the classic contract: it guesses who
    leads, follows LeaderID, and asks again until somebody answers with Success."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        stubs = tempfile.TemporaryDirectory(prefix="agora-stubs-")
        cls.addClassCleanup(stubs.cleanup)
        proto = os.path.join(peers.ROOT, "proto")
        files = ["classic/raft.proto", "classic/raft_service.proto"]
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{proto}"]
        command += [f"--python_out={stubs.name}", f"--grpc_python_out={stubs.name}", *files]
        subprocess.run(command, check=True)
        sys.path.insert(0, stubs.name)
        cls.addClassCleanup(sys.path.remove, stubs.name)
        cls.messages = importlib.import_module("classic.raft_pb2")
        cls.calls = importlib.import_module("classic.raft_service_pb2_grpc")

    def serve(self, request):
        """The classic loop."""
        guess = 0

        def attempt():
            nonlocal guess
            stub = self.calls.RaftServiceStub(self.channel(guess))
            try:
                reply = stub.ServeClient(self.messages.ServeClientArgs(Request=request), timeout=2)
            except grpc.RpcError:
                guess = (guess + 1) % 3
                return None
            if reply.Success:
                return reply
            guess = int(reply.LeaderID) if reply.LeaderID else (guess + 1) % 3
            return None

        return eventually(f"somebody does {request!r}", attempt)

    def test_the_classic_loop_over_a_change_of_leader(self):
        self.serve("SET name1 Jaggu")
        self.serve("SET name2 Raju the Second")
        self.assertEqual(self.serve("GET name1").Data, "Jaggu")
        self.assertEqual(self.serve("GET nobody").Data, "")
        leader = self.leader()
        self.group.kill(leader)
        self.addCleanup(self.group.start, leader)
        reply = self.serve("SET name1 Dholu")
        self.assertNotEqual(reply.LeaderID, str(leader))
        self.assertEqual(self.serve("GET name1").Data, "Dholu")
        self.assertEqual(self.serve("GET name2").Data, "Raju the Second")

    def test_invalid_commands_are_refused_with_a_reason(self):
        stub = self.calls.RaftServiceStub(self.channel(self.leader()))
        reply = stub.ServeClient(self.messages.ServeClientArgs(Request="DROP x"), timeout=LONG_S)
        self.assertFalse(reply.Success)
        self.assertIn("expected SET key value, or GET key", reply.Data)
