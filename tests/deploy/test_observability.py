"""Prometheus' rules and the dashboard: right by promtool, and about what a real worker shows of itself.

Usage: test_observability.py WORKER, the path of a spira-... program."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "deploy" / "compose" / "observability"
RULES = HERE / "rules" / "spira.rules.yml"
METRIC = re.compile(r"\b(?:spira|process)_[a-z0-9_]+")
WAIT_SECONDS = 30


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def shown_by(program):
    """The text of /metrics of a worker whose services are not there: each family is, though without series."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        settings = {
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "SPIRA_STORE": folder,
            "SPIRA_SCRATCH": os.path.join(folder, "scratch"),
            "SPIRA_HTTP_PORT": str(port),
        }
        worker = subprocess.Popen([program], env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + WAIT_SECONDS
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                        return answer.read().decode()
                except OSError:
                    if time.monotonic() > until or worker.poll() is not None:
                        raise
                    time.sleep(0.1)
        finally:
            worker.terminate()
            worker.wait()


def series_of(text):
    """The names that the families of a /metrics have, each with the family it belongs to."""
    names = {}
    for family, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        ends = ["_bucket", "_sum", "_count"] if kind == "histogram" else [""]
        names.update({family + end: family for end in ends})
    return names


def alerts():
    document = yaml.safe_load(RULES.read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads((HERE / "grafana" / "dashboards" / "spira.json").read_text())


def queries():
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]


class Observability(unittest.TestCase):
    worker = None

    def promtool(self, *words):
        result = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_promtool_accepts_the_configuration_and_the_rules_do_as_told(self):
        self.promtool("check", "config", str(HERE / "prometheus.yml"))
        self.promtool("test", "rules", str(HERE / "rules" / "spira.rules.test.yml"))

    def test_promtool_accepts_every_query_of_the_dashboard(self):
        rules = [
            {"record": f"query:{number}", "expr": re.sub(r"\$__(rate_interval|range)", "5m", query)}
            for number, query in enumerate(queries())
        ]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            self.promtool("check", "rules", file.name)

    def test_a_worker_shows_every_metric_that_is_asked_for_and_all_are_on_the_dashboard(self):
        names = series_of(shown_by(self.worker))
        self.assertIn("spira_lag_age_seconds", names)
        asked = {name for query in queries() for name in METRIC.findall(query)}
        in_rules = {name for alert in alerts() for name in METRIC.findall(alert["expr"])}
        self.assertEqual((asked | in_rules) - set(names), set(), "no worker shows these")
        self.assertEqual(set(names.values()) - {names[name] for name in asked}, set(), "the dashboard lacks these")

    def test_each_alert_is_tested_and_says_what_to_do(self):
        tests = (HERE / "rules" / "spira.rules.test.yml").read_text()
        operations = (ROOT / "docs" / "OPERATIONS.md").read_text()
        anchors = {
            re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.*)$", operations, re.MULTILINE)
        }
        for alert in alerts():
            name = alert["alert"]
            fires = f'ALERTS{{alertname="{name}", alertstate="firing"}}'
            verdicts = [
                check["exp_samples"] != []
                for test in yaml.safe_load(tests)["tests"]
                for check in test["promql_expr_test"]
                if fires in check["expr"]
            ]
            self.assertEqual(set(verdicts), {True, False}, f"{name}: a case that fires and one that does not")
            self.assertIn(f"| `{name}` |", operations)
            self.assertIn(alert["labels"]["severity"], ["warning", "critical"])
            self.assertTrue(alert["annotations"]["summary"])
            page, anchor = re.search(r"(\S+)#(\S+)$", alert["annotations"]["runbook"]).groups()
            self.assertEqual((page, anchor in anchors), ("docs/OPERATIONS.md", True), name)

    def test_the_dashboard_is_one_that_grafana_lays_out(self):
        sources = yaml.safe_load((HERE / "grafana/provisioning/datasources/prometheus.yml").read_text())
        source = {"type": "prometheus", "uid": sources["datasources"][0]["uid"]}
        panels = dashboard()["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = set()
        for panel in panels:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertNotIn((x, y), taken, panel["title"])
                    taken.add((x, y))
            if panel["type"] != "row":
                self.assertEqual(panel["datasource"], source, panel["title"])
                self.assertTrue(panel["targets"], panel["title"])


if __name__ == "__main__":
    Observability.worker = sys.argv.pop(1)
    unittest.main()
