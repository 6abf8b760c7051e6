"""The official conformance suite over the example server `everything`.

The suite's exit code is not enough: it stays 0 when a pending scenario fails and when
a check is SKIPPED because a capability was not declared. So every scenario that a
revision lists becomes a case of its own, judged by its `checks.json`. Extension
scenarios are only tallied: the example server does not implement extensions yet.
"""
import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from clients import Tools, run_program
from harness import CheckFailed, Report, shorten

REVISIONS = ("2025-11-25", "2026-07-28")
RUN_TIMEOUT_S = 180
BAD = ("FAILURE", "SKIPPED")


@dataclass(frozen=True)
class Scenario:
    name: str
    reason: str  # "required", or why the suite itself does not score it: "pending", "extension", ...


def run_revision(tools: Tools, url: str, revision: str, output: Path, report: Report) -> None:
    """Runs one revision and records a case for each of its scenarios that is not an extension."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    try:
        scenarios = listed_scenarios(tools, revision)
        log = run_suite(tools, ["server", "--url", url, "--requirements", revision, "-o", str(output)])
    except CheckFailed as failure:
        report.record(f"conformance {revision}", str(failure))
        return
    (output / "suite.log").write_text(log)
    extensions: Counter = Counter()
    for scenario in scenarios:
        checks = recorded_checks(output, scenario.name)
        if scenario.reason == "extension":
            extensions.update(check["status"] for check in checks or [])
            continue
        count = sum(1 for check in checks or [] if check["status"] == "SUCCESS")
        label = "" if scenario.reason == "required" else f", {scenario.reason}"
        report.record(f"conformance {revision} {scenario.name} ({count} checks{label})", judge(checks))
        for check in checks or []:
            if check["status"] == "WARNING":
                report.note(f"{scenario.name} warns: {check.get('name')}: {shorten(problem_of(check), 300)}")
    if extensions:
        tally = ", ".join(f"{n} {status.lower()}" for status, n in sorted(extensions.items()))
        report.note(f"conformance {revision} extensions, not judged: {tally}")


def run_suite(tools: Tools, arguments: list[str]) -> str:
    """The exit code is ignored on purpose: the checks decide."""
    program = tools.conformance / "dist" / "index.js"
    _, out, err = run_program([str(tools.node22), str(program), *arguments], RUN_TIMEOUT_S)
    return out + err


def listed_scenarios(tools: Tools, revision: str) -> list[Scenario]:
    """Reads the suite's own list, so that a scenario that silently did not run is missed."""
    listing = run_suite(tools, ["list", "--requirements", revision])
    scenarios, section, reason = [], "", "required"
    for line in listing.splitlines():
        if line.startswith("Server scenarios"):
            section = "server"
        elif line.startswith("Client scenarios"):
            section = "client"
        elif line.startswith("Run and reported"):
            section = "unscored"
        elif heading := re.fullmatch(r"  ([a-z-]+) \(\d+\):", line):
            reason = heading.group(1)
        elif entry := re.fullmatch(r"\s+- (\S+)(?: \[(server|client)\])?", line):
            name, side = entry.groups()
            if section == "server" or (section == "unscored" and side == "server"):
                scenarios.append(Scenario(name, "required" if section == "server" else reason))
    if not any(s.reason == "required" for s in scenarios):
        raise CheckFailed(f"the suite lists no server scenarios for {revision}:\n{shorten(listing)}")
    return scenarios


def recorded_checks(output: Path, scenario: str) -> list[dict] | None:
    stamp = re.compile(rf"server-{re.escape(scenario)}-\d{{4}}-\d\d-\d\dT[\dZ-]+")
    folders = [f for f in output.iterdir() if stamp.fullmatch(f.name)]
    files = [f / "checks.json" for f in folders if (f / "checks.json").is_file()]
    return json.loads(files[0].read_text()) if len(files) == 1 else None


def judge(checks: list[dict] | None) -> str | None:
    """None when the scenario is good, else the failing checks with their details."""
    if checks is None:
        return "the suite recorded no checks for this scenario (see suite.log)"
    bad = [check for check in checks if check["status"] in BAD]
    if bad:
        return "\n".join(f"{c['status']} {c['id']} {c.get('name', '')}: {shorten(problem_of(c))}" for c in bad)
    if not any(check["status"] == "SUCCESS" for check in checks):
        return f"no check succeeded: {shorten(checks)}"
    return None


def problem_of(check: dict) -> str:
    parts = [check.get("errorMessage") or check.get("description") or ""]
    if check.get("details"):
        parts.append(json.dumps(check["details"]))
    return " ".join(parts)
