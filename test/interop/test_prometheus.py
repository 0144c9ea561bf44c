"""Metrics, as Prometheus meets them: its formats, its rules, and a group that it watches while the
leader is killed."""

import json
import os
import re
import socket
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

import peers
import setting
from test_store import Group, Store, eventually

SCHEMAS = os.path.join(peers.ROOT, "schemas")
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def programs():
    """The folder of prometheus and promtool."""
    folder, why = peers.tool("prometheus")
    if folder is None:
        raise unittest.SkipTest(why)
    return folder


def scrape(place, accept="text/plain"):
    """The content type and the text of a scrape."""
    request = urllib.request.Request(f"http://{place}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["content-type"], answer.read().decode()


class Rules(unittest.TestCase):
    """The files for operators."""

    def promtool(self, *arguments, **how):
        return peers.run_well([os.path.join(programs(), "promtool"), *arguments], **how)

    def test_the_rules_are_valid(self):
        outcome = self.promtool("check", "rules", os.path.join(SCHEMAS, "prometheus-rules.yaml"))
        self.assertRegex(outcome.out, r"SUCCESS: \d+ rules found")

    def test_each_rule_fires_when_it_should_and_not_before(self):
        tests = os.path.join(SCHEMAS, "prometheus-rules.test.yaml")
        self.promtool("test", "rules", tests)
        with open(tests) as file:
            tested = file.read()
        with open(os.path.join(SCHEMAS, "prometheus-rules.yaml")) as file:
            alerts = re.findall(r"- alert: (\w+)", file.read())
        self.assertEqual([alert for alert in alerts if alert not in tested], [])


class Formats(Store):
    """The texts of a running node."""

    def test_promtool_has_no_complaint_about_the_metrics_of_a_node(self):
        kind, text = scrape(self.group.places[self.leader()])
        self.assertEqual(kind, "text/plain; version=0.0.4; charset=utf-8")
        promtool = os.path.join(programs(), "promtool")
        outcome = peers.run_well([promtool, "check", "metrics"], stdin=text.encode())
        self.assertEqual((outcome.out, outcome.err), ("", ""))

    def test_openmetrics_is_sent_to_who_asks_for_it(self):
        kind, text = scrape(self.group.places[0], OPEN_METRICS)
        self.assertEqual(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.assertTrue(text.endswith("\n# EOF\n"))
        self.assertIn("# TYPE agora_raft_elections counter\n", text)
        self.assertIn("# UNIT process_cpu_seconds seconds\n", text)


class Prometheus:
    """A Prometheus that scrapes these places."""

    def __init__(self, places):
        self.home = tempfile.TemporaryDirectory(prefix="agora-prometheus-")
        with socket.socket() as listener:
            listener.bind((f"127.{1 + os.getpid() % 250}.78.1", 0))
            self.place = "{}:{}".format(*listener.getsockname())
        config = os.path.join(self.home.name, "prometheus.yml")
        scraping = {"scrape_interval": "200ms", "scrape_timeout": "200ms"}
        with open(config, "w") as file:
            # JSON is YAML.
            json.dump(
                {
                    "global": {**scraping, "evaluation_interval": "200ms"},
                    "rule_files": [os.path.join(SCHEMAS, "prometheus-rules.yaml")],
                    "scrape_configs": [
                        {"job_name": "agora", "static_configs": [{"targets": places}]}
                    ],
                },
                file,
            )
        self.log = open(os.path.join(self.home.name, "log"), "w+")
        self.process = subprocess.Popen(
            [
                os.path.join(programs(), "prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={self.home.name}/data",
                f"--web.listen-address={self.place}",
            ],
            stdout=self.log,
            stderr=self.log,
        )

    def get(self, path, **query):
        """The data of an answer; None while it does not answer."""
        if self.process.poll() is not None:
            self.log.seek(0)
            raise peers.Failed(f"prometheus has ended:\n{self.log.read()}")
        address = f"http://{self.place}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:
                # It is still starting.
                return None
            raise peers.Failed(f"{path} {query}: {error.read().decode()}") from None
        except OSError:
            return None

    def query(self, expression):
        """The values of an instant vector, by instance."""
        data = self.get("query", query=expression)
        if data is None:
            return {}
        found = data["result"]
        return {one["metric"].get("instance", ""): float(one["value"][1]) for one in found}

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        self.home.cleanup()


class Failover(unittest.TestCase):
    """What Prometheus tells of the death of a leader."""

    def test_a_scrape_tells_who_led_and_who_took_over(self):
        if setting.against_reference():
            self.skipTest("the store is ours")
        programs()
        group = Group()
        self.addCleanup(group.stop)
        prometheus = Prometheus(group.places)
        self.addCleanup(prometheus.stop)

        def leaders():
            return [place for place, is_leader in prometheus.query(LEADS).items() if is_leader]

        eventually("all are up", lambda: sum(prometheus.query('up{job="agora"}').values()) == 3)
        first = eventually("one leads", lambda: leaders() if len(leaders()) == 1 else None)[0]
        term = prometheus.query("agora_raft_term")[first]
        self.check_lag(prometheus, group, first)
        group.kill(group.places.index(first))
        eventually("one is down", lambda: prometheus.query("up").get(first) == 0)
        survivors = [place for place in group.places if place != first]
        second = eventually("another leads", lambda: leaders() if len(leaders()) == 1 else None)[0]
        self.assertIn(second, survivors)
        eventually(
            "both know the new leader, in a higher term",
            lambda: all(
                prometheus.query("agora_raft_term").get(place, 0) > term
                and prometheus.query("agora_raft_leader_known").get(place) == 1
                and prometheus.query(CHANGES).get(place, 0) > 0
                for place in survivors
            ),
        )
        # The series of the dead leader ends: nobody takes it for one of two leaders.
        self.assertEqual(leaders(), [second])
        silent = eventually("the leader misses it", lambda: prometheus.query(SILENT).get(second))
        self.assertGreater(silent, 0.5)
        self.check_dashboard(prometheus)

    def check_lag(self, prometheus, group, leader):
        """The leader alone tells of its peers."""
        lag = prometheus.get("query", query="agora_raft_peer_lag_entries")["result"]
        self.assertEqual({found["metric"]["instance"] for found in lag}, {leader})
        others = {str(node) for node, place in enumerate(group.places) if place != leader}
        self.assertEqual({found["metric"]["peer"] for found in lag}, others)

    def check_dashboard(self, prometheus):
        """Prometheus accepts every query of the dashboard, and most of them have an answer."""
        with open(os.path.join(SCHEMAS, "grafana-dashboard.json")) as file:
            panels = json.load(file)["panels"]
        queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
        self.assertGreater(len(queries), 30)
        # What this group has none of.
        missing = ("market", "mapreduce", "certificate", "refused", 'code!="OK"', "quota")
        missing += ("snapshot_bytes",)
        queries = [query for query in queries if not any(word in query for word in missing)]
        self.assertGreater(len(queries), 20)
        for query in queries:
            query = query.replace("$job", "agora").replace("$instance", ".*")
            eventually(query, lambda: prometheus.get("query", query=query)["result"] or None)


CHANGES = "changes(agora_raft_leader_changes_total[1m])"
LEADS = 'agora_raft_role{role="leader"}'
SILENT = "max by (instance) (agora_raft_peer_last_contact_seconds)"
