"""Turns repeated results into Markdown tables: medians, their spread, and the ratio to the base."""
import os
import platform
import statistics
import subprocess
import time
from pathlib import Path

BEGIN = "<!-- results: written by benches/run.py -->"
END = "<!-- end of results -->"


class Results:
    """Every result of a run, by section, load and server, in the order of their first appearance."""

    def __init__(self) -> None:
        self.sections: dict[str, dict[str, dict[str, list[dict]]]] = {}

    def add(self, section: str, load: str, server: str, result: dict) -> None:
        self.sections.setdefault(section, {}).setdefault(load, {}).setdefault(server, []).append(result)

    @property
    def errors(self) -> int:
        return sum(r.get("errors", 0) for loads in self.sections.values() for servers in loads.values()
                   for results in servers.values() for r in results)


def median(results: list[dict], key: str) -> float | None:
    values = [r[key] for r in results if r.get(key) is not None]
    return statistics.median(values) if values else None


def number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def with_spread(results: list[dict], key: str, digits: int = 0) -> str:
    values = [r[key] for r in results if r.get(key) is not None]
    if not values:
        return "–"
    text = number(statistics.median(values), digits)
    if len(values) == 1:
        return text
    return f"{text} ({number(min(values), digits)}–{number(max(values), digits)})"


def ratio(value: float | None, base: float | None) -> str:
    return f"{value / base:.2f}×" if value and base else "–"


def failure(results: list[dict]) -> str:
    count = sum(r.get("errors", 0) for r in results)
    first = next((r["first_error"] for r in results if r.get("first_error")), "")
    first = " ".join(first.split()).replace("|", "\\|")[:80]
    lacks = next((r["lacks"] for r in results if r.get("lacks")), None)
    return lacks or f"{count} {first}".strip()


def load_table(loads: dict[str, dict[str, list[dict]]], base: str) -> list[str]:
    lines = ["| load | server | requests/s | p50 µs | p99 µs | CPU µs/request | CPU × base | RSS MB | errors |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"]
    for load, servers in loads.items():
        base_cpu = median(servers.get(base, []), "cpu_us")
        for server, results in servers.items():
            rss_kib = median(results, "rss_kib")
            lines.append(" | ".join([
                f"| {load}", server, with_spread(results, "requests_per_second"), number(median(results, "p50_us")),
                number(median(results, "p99_us")), with_spread(results, "cpu_us", 1),
                ratio(median(results, "cpu_us"), base_cpu),
                number(rss_kib / 1024 if rss_kib else None, 1), f"{failure(results)} |"]))
    return lines


def cold_table(loads: dict[str, dict[str, list[dict]]], base: str) -> list[str]:
    lines = ["| era | server | min ms | median ms | × base | idle RSS MB | errors |",
             "| --- | --- | ---: | ---: | ---: | ---: | --- |"]
    for load, servers in loads.items():
        base_ms = median(servers.get(base, []), "median_ms")
        for server, results in servers.items():
            rss_kib = median(results, "rss_kib")
            lines.append(" | ".join([
                f"| {load}", server, number(median(results, "min_ms"), 1), with_spread(results, "median_ms", 1),
                ratio(median(results, "median_ms"), base_ms), number(rss_kib / 1024 if rss_kib else None, 1),
                f"{failure(results)} |"]))
    return lines


def machine() -> str:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()
    return f"{model}, {os.cpu_count()} cores; Linux {platform.release()}; {rustc}"


def markdown(results: Results, base: str, conditions: str, failed: dict[str, str]) -> str:
    lines = [f"Measured on {time.strftime('%Y-%m-%d')}: {machine()}.", "", conditions]
    lines += [line for name, reason in failed.items() for line in ("", f"Not measured: {name}, which can't be built: {reason}")]
    for section, loads in results.sections.items():
        table = cold_table if section.startswith("Cold start") else load_table
        lines += ["", f"### {section}", "", *table(loads, base)]
    return "\n".join(lines) + "\n"


def write_between_markers(path: Path, text: str, begin_marker: str = BEGIN) -> None:
    """Replaces what an earlier run wrote and leaves the prose around it alone."""
    page = path.read_text()
    before, begin, rest = page.partition(begin_marker)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no lines `{begin_marker}` and `{END}`")
    path.write_text(f"{before}{begin_marker}\n\n{text}\n{END}{after}")
