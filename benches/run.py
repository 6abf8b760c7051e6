#!/usr/bin/env python3
"""Side-by-side benchmark of MCP servers: the one command.

usage: benches/run.py                          everything, three interleaved repeats
       benches/run.py --quick                  one short repeat, to see that it works
       benches/run.py --only stdio --servers wharf bare
       benches/run.py --write docs/benchmarks.md

It builds the servers of servers.toml in release mode (those of other libraries one after the
other, which takes half an hour the first time), pins the server to one core and the
load generator to another, runs each load on each server in turn, repeats the whole round,
and prints Markdown tables of medians with their spread. CPU time per request beside the
bare base is the figure to trust; requests per second depend on what else the machine does.
Needs Linux with two cores, taskset, Rust and Python 3.11; for the peers also Node 20, npm and a
registry of Python packages. A server that can't be built is named in the page with the reason.
"""
import argparse
import json
import shutil
import sys
from pathlib import Path

import measure
import report
import roster as rows
from measure import Load, Settings
from roster import Server

CONNECTIONS = (1, 16, 64)
COLD_STARTS = 15

MODERN = "HTTP, 2026-07-28, `tools/call`"
LEGACY = "HTTP, 2025-11-25 session, `tools/call`"
PAYLOAD = "HTTP, 2026-07-28, `tools/call` with a large argument and answer"
STDIO = "stdio, 2026-07-28, `tools/call`"
COLD = "Cold start over stdio, start to first answer"


def http_load(section: str, era: str, connections: int) -> Load:
    label = f"{connections} connection{'s' if connections > 1 else ''}"
    return Load(f"http-{era}", section, label, "http", ("--era", era, "--connections", str(connections)))


def payload_load(label: str, size_bytes: int) -> Load:
    return Load("payload", PAYLOAD, label, "http", ("--connections", "4", "--target", "echo", "--size", str(size_bytes)))


def cold_load(era: str, revision: str) -> Load:
    return Load(f"cold-{era}", COLD, revision, "cold", ("--era", era, "--in-flight", str(COLD_STARTS)))


# The order is the order of the tables.
SECTIONS: dict[str, list[Load]] = {
    "http-modern": [http_load(MODERN, "modern", c) for c in CONNECTIONS],
    "http-legacy": [http_load(LEGACY, "legacy", c) for c in CONNECTIONS],
    "payload": [payload_load("64 KiB", 64 << 10), payload_load("1 MiB", 1 << 20)],
    "stdio": [Load("stdio", STDIO, "sequential", "stdio", ("--in-flight", "1")),
              Load("stdio", STDIO, "64 in flight", "stdio", ("--in-flight", "64"))],
    "cold": [cold_load("modern", "2026-07-28"), cold_load("legacy", "2025-11-25")],
}


def parse_options() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--seconds", type=float, default=4.0, help="length of each measured window")
    p.add_argument("--warm-up", type=float, default=0.7, help="seconds before each window")
    p.add_argument("--quick", action="store_true", help="one repeat of half a second each")
    p.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS), metavar="SECTION",
                   help=f"of: {' '.join(SECTIONS)}")
    p.add_argument("--servers", nargs="+", default=[], metavar="TEXT",
                   help="only servers whose name contains one of these; the base always runs")
    p.add_argument("--server-core", type=int, default=0)
    p.add_argument("--client-core", type=int, default=1)
    p.add_argument("--no-build", action="store_true")
    p.add_argument("--raw", type=Path, help="also append every single result to this file, one JSON object a line")
    p.add_argument("--write", type=Path, help="also write the tables into this page, between its result markers")
    o = p.parse_args()
    if o.quick:
        o.repeats, o.seconds, o.warm_up = 1, 0.5, 0.2
    if o.server_core == o.client_core:
        p.error("the server and the load generator need a core each")
    if shutil.which("taskset") is None:
        p.error("taskset is missing (Debian: util-linux)")
    return o


def choose(servers: list[Server], names: list[str]) -> list[Server]:
    base, *others = servers
    return [base, *(s for s in others if not names or any(name in s.name for name in names))]


def run_all(servers: list[Server], o: argparse.Namespace) -> report.Results:
    """Round after round, server after server: a slow minute of the machine hits all of them."""
    settings = Settings(o.seconds, o.warm_up, o.server_core, o.client_core)
    results = report.Results()
    for repeat in range(1, o.repeats + 1):
        for section in o.only:
            for server in servers:
                for load, result in measure.measure(server, SECTIONS[section], settings):
                    results.add(load.section, load.label, server.name, result)
                    show_progress(repeat, load, server, result)
                    if o.raw:
                        record = {"repeat": repeat, "section": section, "load": load.label, "server": server.name}
                        with o.raw.open("a") as raw:
                            raw.write(json.dumps(record | result) + "\n")
    return results


def show_progress(repeat: int, load: Load, server: Server, result: dict) -> None:
    figures = {k: round(v, 1) for k, v in result.items() if isinstance(v, float) and v}
    problem = f" ERROR {result['first_error']}" if result.get("errors") else ""
    print(f"{repeat} | {load.section} | {load.label} | {server.name} | {figures}{problem}", file=sys.stderr, flush=True)


def main() -> int:
    o = parse_options()
    servers = choose(rows.load_servers(), o.servers)
    failed = {} if o.no_build else rows.build(servers)
    servers = [server for server in servers if server.name not in failed]
    results = run_all(servers, o)
    conditions = (f"Server on core {o.server_core}, load generator on core {o.client_core}, {o.repeats} interleaved "
                  f"repeats of {o.seconds:g} s: median (lowest–highest). Every answer is checked. The base of the "
                  f"ratios is `{servers[0].name}`; all servers "
                  f"in Rust use the same allocator, and none uses huge pages.")
    text = report.markdown(results, servers[0].name, conditions, failed)
    print(text)
    if o.write:
        report.write_between_markers(o.write, text)
    return 1 if results.errors else 0


if __name__ == "__main__":
    sys.exit(main())
