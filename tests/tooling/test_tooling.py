"""The scripts that judge the project, on made-up input: a judge that says yes to everything is no judge."""
import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

REPOSITORY = Path(__file__).resolve().parents[2]
for folder in ("tests/acceptance", "tests/robustness", "scripts", "benches"):
    sys.path.insert(0, str(REPOSITORY / folder))

import check_licenses  # noqa: E402
import conformance  # noqa: E402
import harness  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402
import soak  # noqa: E402

SUCCESS = {"id": "a", "status": "SUCCESS"}
LISTING = """Required for 2026-07-28 (3 scenarios, frozen; run at the 2026-07-28 wire):

Server scenarios (test against a server):
  - tools-list
  - caching

Client scenarios (test against a client):
  - tools_call

Run and reported, but never scored:
  extension (2):
    - auth/dpop [client]
    - tasks-lifecycle [server]
  pending (1):
    - http-header-validation [server]
"""


class Licenses(unittest.TestCase):
    def test_expressions(self):
        allowed = {"MIT", "Apache-2.0", "ISC"}
        table = [("MIT", True), ("GPL-3.0", False), ("MIT OR GPL-3.0", True), ("GPL-3.0 OR MIT", True),
                 ("MIT AND GPL-3.0", False), ("MIT/Apache-2.0", True), ("GPL-3.0/ISC", True),
                 ("(MIT OR GPL-3.0) AND ISC", True), ("GPL-3.0 OR MIT AND ISC", True), ("GPL-3.0 AND MIT OR ISC", True),
                 ("GPL-3.0 AND (MIT OR ISC)", False), ("MIT WITH Some-exception", False)]
        for text, accepted in table:
            problem = check_licenses.license_problem(text, allowed)
            self.assertEqual(problem is None, accepted, f"{text}: {problem}")

    def test_unreadable_expressions_are_problems(self):
        for text in ("", "(MIT", "MIT)", "MIT MIT", "AND", "MIT OR", "MIT $"):
            self.assertIsNotNone(check_licenses.license_problem(text, {"MIT"}), text)

    def test_exceptions_and_bans_hold_for_one_crate(self):
        rules = {"licenses": {"allow": ["MIT"], "exceptions": [{"crate": "odd", "allow": ["MIT-0"]}]},
                 "bans": {"deny": [{"crate": "bad", "reason": "because"}]}}
        table = [("odd", "MIT-0", 0), ("other", "MIT-0", 1), ("bad", "MIT", 1), ("bad", "GPL-3.0", 2)]
        for crate, declared, count in table:
            self.assertEqual(len(check_licenses.problems(crate, "1.0.0", declared, rules)), count, crate)


class Conformance(unittest.TestCase):
    def test_only_success_is_good(self):
        table = [([SUCCESS], True), ([SUCCESS, {"id": "b", "status": "INFO"}], True), ([], False), (None, False),
                 ([{"id": "b", "status": "INFO"}], False), ([SUCCESS, {"id": "b", "status": "SKIPPED"}], False),
                 ([SUCCESS, {"id": "b", "status": "FAILURE", "errorMessage": "wrong"}], False)]
        for checks, good in table:
            self.assertEqual(conformance.judge(checks) is None, good, checks)

    def test_server_scenarios_are_read_from_the_suites_own_list(self):
        with mock.patch.object(conformance, "run_suite", return_value=LISTING):
            found = [(s.name, s.reason) for s in conformance.listed_scenarios(None, "2026-07-28")]
        self.assertEqual(found, [("tools-list", "required"), ("caching", "required"), ("tasks-lifecycle", "extension"),
                                 ("http-header-validation", "pending")])

    def test_an_unreadable_list_is_a_failure(self):
        with mock.patch.object(conformance, "run_suite", return_value="usage: ..."):
            self.assertRaises(harness.CheckFailed, conformance.listed_scenarios, None, "2026-07-28")

    def test_a_scenario_is_not_mistaken_for_one_with_a_longer_name(self):
        with tempfile.TemporaryDirectory() as folder:
            longer = Path(folder) / "server-ping-pong-2026-11-24T14-14-52-220Z"
            longer.mkdir()
            (longer / "checks.json").write_text(json.dumps([SUCCESS]))
            self.assertIsNone(conformance.recorded_checks(Path(folder), "ping"))
            self.assertEqual(conformance.recorded_checks(Path(folder), "ping-pong"), [SUCCESS])


class Harness(unittest.TestCase):
    def finished(self, *cases: harness.Case) -> tuple[int, str]:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            results = harness.Report()
            harness.run_cases(list(cases), results, jobs=2)
            code = results.finish()
        return code, printed.getvalue().splitlines()[-1]

    def test_a_case_fails_by_a_check_and_by_a_crash(self):
        good = harness.Case("good", lambda: None)
        wrong = harness.Case("wrong", lambda: harness.check(False, "no"))
        crash = harness.Case("crash", lambda: {}["key"])
        self.assertEqual(self.finished(good), (0, "1 passed, 0 failed"))
        self.assertEqual(self.finished(good, wrong, crash), (1, "1 passed, 2 failed"))

    def test_a_run_of_nothing_is_no_success(self):
        self.assertEqual(self.finished(), (1, "0 passed, 0 failed"))

    def test_two_cases_cannot_share_a_name(self):
        case = harness.Case("same", lambda: None)
        self.assertRaises(ValueError, harness.run_cases, [case, case], harness.Report(), 1)

    def test_the_endpoint_is_found_in_plain_coloured_and_json_lines(self):
        for line in ("listening on http://127.0.0.1:80/mcp", "INFO listening on http://127.0.0.1:80/mcp\x1b[0m",
                     '{"message":"listening on http://127.0.0.1:80/mcp"}'):
            found = servers.LISTENING.search(line)
            self.assertEqual(found and found.group(1), "http://127.0.0.1:80/mcp", line)


class Soak(unittest.TestCase):
    @staticmethod
    def rows(http_rss, stdio_files=lambda n: 11) -> list[dict]:
        return [{"http_rss_mib": http_rss(n), "stdio_rss_mib": 20.0, "stdio_files": stdio_files(n)} for n in range(40)]

    def test_steady_memory_is_no_leak_and_the_warm_up_is_not_judged(self):
        self.assertEqual(soak.leaks(self.rows(lambda n: 30.0), 10, 10), [])
        self.assertEqual(soak.leaks(self.rows(lambda n: min(n, 10) * 10.0), 10, 12), [])

    def test_growing_memory_and_open_files_are_leaks(self):
        self.assertIn("http_rss_mib", "".join(soak.leaks(self.rows(lambda n: 30.0 + n), 10, 10)))
        self.assertIn("50 files", "".join(soak.leaks(self.rows(lambda n: 30.0), 10, 50)))
        self.assertIn("stdio_files", "".join(soak.leaks(self.rows(lambda n: 30.0, lambda n: n), 10, 10)))


class BenchmarkReport(unittest.TestCase):
    def test_medians_ratios_and_errors(self):
        results = report.Results()
        for cpu_us in (10.0, 30.0, 20.0):
            results.add("S", "1 connection", "base", {"cpu_us": cpu_us, "errors": 0})
        results.add("S", "1 connection", "peer", {"cpu_us": 50.0, "errors": 2, "first_error": "a|b"})
        text = "\n".join(report.load_table(results.sections["S"], "base"))
        for part in ("20.0 (10.0–30.0)", "1.00×", "2.50×", "2 a\\|b"):
            self.assertIn(part, text)
        self.assertEqual(results.errors, 2)

    def test_only_the_text_between_the_markers_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.md"
            page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
            report.write_between_markers(page, "new")
            self.assertEqual(page.read_text(), f"before\n{report.BEGIN}\n\nnew\n{report.END}\nafter\n")
            page.write_text("no markers")
            self.assertRaises(SystemExit, report.write_between_markers, page, "new")


if __name__ == "__main__":
    unittest.main()
