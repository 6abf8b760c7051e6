#!/usr/bin/env python3
"""Acceptance: the built binaries against the official conformance suite and SDK clients.

usage: tests/acceptance/run.py [--target-dir target/debug] [--only TEXT] [--with-inspector]

Needs what `tests/setup.sh` installs. Prints one line a case and last `N passed, N failed`;
the exit code is 1 when a case failed. The network is not used: every server is one of
ours on a loopback port that the system chose.
"""
import argparse
import os
import sys
from pathlib import Path

import conformance
import everything_cases
import inspector_cases
import product_cases
import showcase_cases
import wire_cases
from clients import REPOSITORY, Tools, sdk_clients
from harness import Case, CheckFailed, Report, run_cases
from servers import HttpServer, require_binary, stop_case


def parse_options() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--target-dir", type=Path, default=REPOSITORY / "target" / "debug",
                   help="folder of the built binaries `everything`, `wharf` and those of the showcase")
    p.add_argument("--everything", type=Path, help="this binary instead of TARGET_DIR/everything")
    p.add_argument("--wharf", type=Path, help="this binary instead of TARGET_DIR/wharf")
    p.add_argument("--tools-dir", type=Path, default=REPOSITORY / "target" / "acceptance",
                   help="where tests/setup.sh installed the clients")
    p.add_argument("--only", default="",
                   help="run only the cases whose name contains this text; `conformance` runs the suite alone")
    p.add_argument("--skip-conformance", action="store_true", help="for a quick run while working on something else")
    p.add_argument("--with-inspector", action="store_true", help="also run the MCP Inspector's command line")
    p.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="cases at once (they mostly wait)")
    return p.parse_args()


def wanted(o: argparse.Namespace, *groups: str) -> bool:
    """False only when --only begins with the name of another group of cases."""
    others = {"conformance", "everything", "showcase", "wharf"} - set(groups)
    return not any(o.only.startswith(other) for other in others)


def start(server: HttpServer, report: Report) -> HttpServer | None:
    try:
        return server.start()
    except CheckFailed as failure:
        report.record(f"{server.name}: starts and listens", str(failure))
        return None


def everything_run(o: argparse.Namespace, tools: Tools, binary: str, report: Report) -> None:
    server = start(HttpServer("everything", [binary, "--listen", "127.0.0.1:0"]), report)
    if server is None:
        return
    try:
        stdio = [binary, "--stdio"]
        if not o.skip_conformance and (not o.only or o.only.startswith("conformance")):
            for revision in conformance.REVISIONS:
                conformance.run_revision(tools, server.url, revision, o.tools_dir / "results" / revision, report)
        cases = everything_cases.cases(everything_cases.routes(sdk_clients(tools), server.url, stdio))
        cases += wire_cases.cases("everything", server.url, stdio, "test_simple_text", {})
        if o.with_inspector:
            cases += inspector_cases.cases(tools, server.url, stdio)
        run_selected(cases, stop_case(server), o, report)
    finally:
        server.kill()


def product_run(o: argparse.Namespace, tools: Tools, binary: str, report: Report) -> None:
    server = start(HttpServer("wharf serve", [binary, "serve", "--listen", "127.0.0.1:0"]), report)
    if server is None:
        return
    try:
        cases = product_cases.cases(sdk_clients(tools), server, binary)
        call = product_cases.CALLS[0]
        cases += wire_cases.cases(f"wharf {call.server}", server.url_of(call.server), [binary, "stdio", call.server],
                                  call.tool, call.arguments)
        cases += product_cases.metrics_cases(tools, server, binary)
        run_selected(cases, stop_case(server), o, report)
    finally:
        server.kill()


def showcase_run(o: argparse.Namespace, tools: Tools, report: Report) -> None:
    [python] = [client for client in sdk_clients(tools) if client.name == "python"]
    for example in showcase_cases.EXAMPLES:
        binary = require_binary((o.target_dir / example.name).resolve())
        server = start(HttpServer(f"showcase {example.name}", [binary, "--listen", "127.0.0.1:0"]), report)
        if server is None:
            continue
        try:
            run_selected(showcase_cases.cases(python, example, server.url, binary), stop_case(server), o, report)
        finally:
            server.kill()


def run_selected(cases: list[Case], last: Case, o: argparse.Namespace, report: Report) -> None:
    """The last case ends the server, so it runs when all others are done, whatever was selected."""
    run_cases([c for c in cases if o.only in c.name], report, o.jobs)
    run_cases([last], report, 1)


def main() -> int:
    o = parse_options()
    tools = Tools(o.tools_dir.resolve())
    tools.require()
    everything = require_binary((o.everything or o.target_dir / "everything").resolve())
    wharf = require_binary((o.wharf or o.target_dir / "wharf").resolve())
    report = Report()
    if wanted(o, "conformance", "everything"):
        everything_run(o, tools, everything, report)
    if wanted(o, "wharf"):
        product_run(o, tools, wharf, report)
    if wanted(o, "showcase"):
        showcase_run(o, tools, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
