"""The benchmark of the database server, on made-up servers and figures."""
import argparse
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "benches"))

import database  # noqa: E402
import stdio_client  # noqa: E402

# Answers every call with its argument, says other things in between, and takes memory when told to.
FAKE_SERVER = """
import json, sys, time
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    print("a line that is no message", flush=True)
    print(json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {}}), flush=True)
    text = message["params"].get("arguments", {}).get("sql", "")
    if text == "die":
        sys.exit("out of luck")
    if text == "grow":
        held = [bytearray(b"x" * 1_000_000) for _ in range(200)]
        time.sleep(60)
    result = {"content": [{"type": "text", "text": text}], "isError": text == "bad"}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


class StdioClient(unittest.TestCase):
    def setUp(self):
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.server = stdio_client.StdioServer([sys.executable, "-c", FAKE_SERVER], {}, folder / "log")
        self.addCleanup(self.server.stop)

    def test_calls_are_timed_and_a_wrong_answer_ends_the_measurement(self):
        def right(answer: dict) -> bool:
            return database.text_of(answer) == "1"
        timing = self.server.time_calls("any", {"sql": "1"}, 4, 0.1, right)
        self.assertGreater(timing.calls_per_second, 0)
        self.assertLessEqual(timing.p50_ms, timing.p99_ms)
        self.assertRaises(stdio_client.ServerFailed, self.server.time_calls, "any", {"sql": "2"}, 1, 0.1, right)

    def test_failures_are_seen_however_they_are_told(self):
        for text, expected in (("bad", True), ("Error: no", True), ("1", False)):
            self.assertEqual(database.failed(self.server.call("any", {"sql": text})), expected, text)
        self.assertTrue(database.failed({"error": {"code": -1}}))

    def test_a_server_that_dies_says_why(self):
        with self.assertRaises(stdio_client.ServerFailed) as caught:
            self.server.call("any", {"sql": "die"})
        self.assertIn("out of luck", str(caught.exception))

    def test_a_server_that_takes_too_much_is_ended(self):
        with stdio_client.MemoryWatch(self.server, self.server.rss_mib() + 50, 60) as watch:
            self.assertRaises(stdio_client.ServerFailed, self.server.call, "any", {"sql": "grow"})
        self.assertIn("ended", watch.verdict)
        self.assertGreater(watch.grown_mib, 50)


class Tables(unittest.TestCase):
    def test_every_figure_stands_beside_its_goal_and_refused_cases_are_named(self):
        cost = {"one_row": {"raw_ms": 0.1, "tool_ms": 0.35}, "thousand_rows": {"raw_ms": 2.0, "tool_ms": 2.5},
                "export": {"tool_s": 0.5, "psql_s": 0.4}, "huge_growth_mib": 3.21, "cancel": {"told_ms": 4.0, "stopped_ms": 9.0}}
        timing = stdio_client.Timing(0.5, 0.9, 1234.0)
        found = database.Findings(tokens=1200, tools=3, one=[timing], thousand=[timing], many=[timing], rss_mib=[17.2],
                                  huge="+1 MB, answered", refused=["SELECT a|b"], legal=26)
        peer = database.Peer("fake", "1.2.3", [], "any", lambda sql: {"sql": sql})
        o = argparse.Namespace(repeats=3, seconds=4.0)
        text = database.markdown(cost, {"fake": (peer, found)}, ["other (why)"], o, "PostgreSQL 15")
        for part in ("+0.250 | +1 |", "+0.500 | +1 |", "80% of its speed | 60 %", "| 3.2 |", "| fake | 1.2.3 | 3 | 1,200 | 0.50 | 0.90 |",
                     "1 of 26", "`SELECT a\\|b`", "Not measured: other (why)."):
            self.assertIn(part, text)


if __name__ == "__main__":
    unittest.main()
