#!/usr/bin/env python3
"""The database server beside the servers that people use today, on one PostgreSQL: the one command.

usage: benches/database.py                             about 3 minutes once it is built
       benches/database.py --quick                     short windows, to see that it works
       benches/database.py --long                      the long run in its place: tables of ten million rows, and mixed
                                                       traffic for five minutes; about 6 minutes (--rows, --soak-minutes)
       benches/database.py --write docs/benchmarks.md  also into the page, between its markers

It measures what a call adds to the raw driver in one process (database-cost), and then asks
every server over stdio for the same. It starts a PostgreSQL of its own (scripts/services), installs the pinned peers of
benches/database-peers into the target folder where a package index can be reached, and
asks for one row, a thousand rows, fifty million rows and the legal cases of the attack
corpus. A peer that cannot be installed is named with the
reason. Every timed answer is checked. Needs Rust, Python 3.11, Node 20 and npm; postgres-mcp
needs Python 3.12.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import database_long
import report
import stdio_client

BENCHES = Path(__file__).resolve().parent
REPOSITORY = BENCHES.parent
PINS = BENCHES / "database-peers"
CORPUS = REPOSITORY / "servers/database/tests/corpus"
BEGIN = "<!-- results: written by benches/database.py -->"
BEGIN_LONG = "<!-- results: written by benches/database.py --long -->"
IN_FLIGHT = 8
MEMORY_LIMIT_MIB = 3072
HUGE_LIMIT_S = 120

TABLE = """CREATE TABLE bench AS SELECT g AS id, 'text-' || g AS label, g * 1000000007::bigint AS big, g * 1.25::numeric(12,2) AS amount,
  g / 8.0::float8 AS ratio, g % 2 = 0 AS even, timestamptz '2024-01-01 00:00Z' + g * interval '1 minute' AS at,
  md5(g::text)::uuid AS code, date '2024-01-01' + g % 365 AS day, jsonb_build_object('n', g) AS document
  FROM generate_series(1, 1000) AS g"""
ONE_ROW = "SELECT 1 AS one"
THOUSAND_ROWS = "SELECT * FROM bench ORDER BY id"
HUGE = "SELECT generate_series(1, 50000000) AS n, 'payload payload payload payload' AS payload"


@dataclass
class Peer:
    name: str
    version: str
    command: list[str]
    tool: str
    arguments: Callable[[str], dict]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Findings:
    tokens: int = 0
    tools: int = 0
    start_ms: list[float] = field(default_factory=list)
    one: list[stdio_client.Timing] = field(default_factory=list)
    thousand: list[stdio_client.Timing] = field(default_factory=list)
    many: list[stdio_client.Timing] = field(default_factory=list)
    rss_mib: list[float] = field(default_factory=list)
    huge: str = ""
    refused: list[str] = field(default_factory=list)
    legal: int = 0


def text_of(answer: dict) -> str:
    return "".join(part.get("text", "") for part in answer.get("result", {}).get("content", []))


def failed(answer: dict) -> bool:
    """Also where a failure is told as a success: postgres-mcp says it in words."""
    return "error" in answer or answer["result"].get("isError", False) or text_of(answer).startswith("Error")


def wharf(folder: Path, url: str, build: bool) -> Peer:
    if build:
        subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "wharf-cli"], cwd=REPOSITORY, check=True)
    binary = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release/wharf"
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    configuration = folder / "wharf.toml"
    configuration.write_text(f'[servers.database]\nkind = "database"\nurl = "{url}"\n\n'
                             # Counted, and never met.
                             '[servers.database.rate_limits]\nper_caller = "1000000/s"\n')
    return Peer("wharf", version, [str(binary), "stdio", "database", "--config", str(configuration)], "execute_query",
                lambda sql: {"query": sql, "limit": 1000})


def dbhub(folder: Path, url: str) -> Peer:
    installed = install_node()
    version = json.loads((installed / "@bytebase/dbhub/package.json").read_text())["version"]
    configuration = folder / "dbhub.toml"
    configuration.write_text(f'[[sources]]\nid = "main"\ndsn = "{url}?sslmode=disable"\n\n'
                             '[[tools]]\nname = "execute_sql"\nsource = "main"\nreadonly = true\n\n'
                             '[[tools]]\nname = "search_objects"\nsource = "main"\n')
    command = ["node", str(installed / "@bytebase/dbhub/dist/index.js"), "--transport", "stdio", "--config", str(configuration)]
    return Peer("@bytebase/dbhub, `readonly`", version, command, "execute_sql", lambda sql: {"sql": sql})


def postgres_mcp(_folder: Path, url: str) -> Peer:
    installed = install_python()
    version = next(line.split("==")[1].strip() for line in (PINS / "requirements.txt").read_text().splitlines()
                   if line.startswith("postgres-mcp=="))
    command = [str(installed / "bin/postgres-mcp"), "--access-mode", "restricted", "--transport", "stdio", f"{url}?sslmode=disable"]
    return Peer("postgres-mcp, `restricted`", version, command, "execute_sql", lambda sql: {"sql": sql})


def peers_folder() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "database-peers"


def install_node() -> Path:
    folder = peers_folder() / "node"
    lock = (PINS / "package-lock.json").read_text()
    if not (folder / "node_modules").is_dir() or (folder / "package-lock.json").read_text() != lock:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json", "count_tokens.mjs"):
            shutil.copy(PINS / name, folder)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
    shutil.copy(PINS / "count_tokens.mjs", folder)
    return folder / "node_modules"


def install_python() -> Path:
    folder, pins = peers_folder() / "python", PINS / "requirements.txt"
    stamp = folder / "installed"
    if not stamp.is_file() or stamp.read_text() != pins.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python_312(), "-m", "venv", str(folder)], check=True)
        # Without looking at what it asks for: it pins a version of pglast that the index does not have.
        subprocess.run([folder / "bin/pip", "install", "--quiet", "--no-deps", "-r", pins], check=True)
        stamp.write_text(pins.read_text())
    return folder


def python_312() -> str:
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [*(f"python3.{minor}" for minor in (14, 13, 12)), *map(str, sorted(versions.glob("3.1[234].*/bin/python3")))]
    for candidate in candidates:
        try:
            if subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False).returncode == 0:
                return candidate
        except OSError:
            continue
    raise FileNotFoundError("it needs Python 3.12, which is not installed")


def count_tokens(tools: list) -> int:
    text = json.dumps(tools, separators=(",", ":"), ensure_ascii=False)
    done = subprocess.run(["node", peers_folder() / "node/count_tokens.mjs"], input=text, capture_output=True, text=True, check=True)
    return int(done.stdout)


def legal_cases() -> list[str]:
    return [case["input"] for case in json.loads((CORPUS / "postgres.json").read_text())["legit"]]


def measure_cost(url: str, build: bool) -> dict:
    """What `database-cost` finds in its own process."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", BENCHES / "target"))
    if build:
        subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "database-cost"], cwd=BENCHES, check=True)
    done = subprocess.run([target / "release/database-cost", url], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def cost_table(cost: dict) -> list[str]:
    """Each figure beside its goal."""
    one, thousand, export, cancel = cost["one_row"], cost["thousand_rows"], cost["export"], cost["cancel"]
    rows = [("`SELECT 1`, p50 ms", f"{one['raw_ms']:.3f}", f"{one['tool_ms']:.3f}", f"+{one['tool_ms'] - one['raw_ms']:.3f}", "+1"),
            ("1,000 rows × 10 columns, p50 ms", f"{thousand['raw_ms']:.3f}", f"{thousand['tool_ms']:.3f}",
             f"+{thousand['tool_ms'] - thousand['raw_ms']:.3f}", "+1"),
            ("100,000 rows × 10 as CSV, s, beside `psql` with COPY", f"{export['psql_s']:.2f}", f"{export['tool_s']:.2f}",
             f"{export['psql_s'] / export['tool_s']:.0%} of its speed", "60 %"),
            ("50 million rows, memory grown at the peak, MB", "", f"{cost['huge_growth_mib']:.1f}", "", "20"),
            ("deadline of 1 s passed, caller told after ms", "", f"{cancel['told_ms']:.1f}", "", "100"),
            ("deadline of 1 s passed, PostgreSQL idle after ms", "", f"{cancel['stopped_ms']:.1f}", "", "100")]
    return ["| | raw | `execute_query` | difference | goal |", "| --- | ---: | ---: | ---: | ---: |",
            *("| " + " | ".join(row) + " |" for row in rows)]


def measure_round(peer: Peer, found: Findings, o: argparse.Namespace, log: Path) -> None:
    with stdio_client.running(peer.command, peer.environment, log) as server:
        found.start_ms.append(server.start_ms)
        for sql, mark, in_flight, results in ((ONE_ROW, "1", 1, found.one), (THOUSAND_ROWS, "text-1000", 1, found.thousand),
                                              (ONE_ROW, "1", IN_FLIGHT, found.many)):
            def right(answer: dict) -> bool:
                return not failed(answer) and mark in text_of(answer)
            server.time_calls(peer.tool, peer.arguments(sql), in_flight, o.warm_up, right)
            results.append(server.time_calls(peer.tool, peer.arguments(sql), in_flight, o.seconds, right))
        found.rss_mib.append(server.rss_mib())


def measure_once(peer: Peer, found: Findings, log: Path) -> None:
    with stdio_client.running(peer.command, peer.environment, log) as server:
        tools = server.request("tools/list", {})["result"]["tools"]
        found.tools, found.tokens = len(tools), count_tokens(tools)
        cases = legal_cases()
        found.legal = len(cases)
        found.refused = [case for case in cases if failed(server.call(peer.tool, peer.arguments(case)))]
        with stdio_client.MemoryWatch(server, MEMORY_LIMIT_MIB, HUGE_LIMIT_S) as watch:
            try:
                ended = failed(server.call(peer.tool, peer.arguments(HUGE)))
            except stdio_client.ServerFailed:
                ended = True
        outcome = watch.verdict or ("refused" if ended else "answered")
        found.huge = f"+{watch.grown_mib:,.0f} MB, {outcome}"


def peers(folder: Path, url: str, build: bool) -> tuple[list[Peer], list[str]]:
    found, absent = [wharf(folder, url, build)], []
    for name, make in (("@bytebase/dbhub", dbhub), ("postgres-mcp", postgres_mcp)):
        try:
            found.append(make(folder, url))
        except (OSError, subprocess.CalledProcessError) as error:
            absent.append(f"{name} ({error})")
    return found, absent


def median(timings: list[stdio_client.Timing], name: str, digits: int) -> str:
    return f"{statistics.median(getattr(t, name) for t in timings):,.{digits}f}"


def table(results: dict[str, tuple[Peer, Findings]]) -> list[str]:
    lines = ["| server | version | tools | tokens of `tools/list` | 1 row p50 ms | p99 ms | 1,000 rows × 10 p50 ms "
             f"| 1 row, {IN_FLIGHT} in flight, calls/s | RSS MB | 50 million rows | legal cases that fail |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: |"]
    for peer, f in results.values():
        one = f"{median(f.one, 'p50_ms', 2)} | {median(f.one, 'p99_ms', 2)}"
        lines.append(f"| {peer.name} | {peer.version} | {f.tools} | {f.tokens:,} | {one} "
                     f"| {median(f.thousand, 'p50_ms', 2)} | {median(f.many, 'calls_per_second', 0)} | {statistics.median(f.rss_mib):.0f} "
                     f"| {f.huge} | {len(f.refused)} of {f.legal} |")
    return lines


def markdown(cost: dict, results: dict[str, tuple[Peer, Findings]], absent: list[str], o: argparse.Namespace,
             server_version: str) -> str:
    lines = [f"Measured on {time.strftime('%Y-%m-%d')}: {report.machine()}; {server_version}, without TLS, as a superuser.", "",
             "### What a call adds to the raw driver", "",
             "In one process, through the HTTP service and the whole stack without a socket; the raw driver is tokio-postgres.", "",
             *cost_table(cost), "", "### Beside other servers", "",
             f"Over stdio from one client, {o.repeats} interleaved repeats of {o.seconds:g} s each, medians; every answer is checked. "
             f"A server that takes more than {MEMORY_LIMIT_MIB:,} MB or {HUGE_LIMIT_S} s for fifty million rows is ended."]
    if absent:
        lines += ["", f"Not measured: {'; '.join(absent)}."]
    lines += ["", *table(results)]
    for peer, found in results.values():
        if found.refused:
            listed = "; ".join(f"`{case}`".replace("|", "\\|") for case in found.refused)
            lines += ["", f"Failed by {peer.name}: {listed}."]
    return "\n".join(lines) + "\n"


def parse_options() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--seconds", type=float, default=4.0, help="length of each measured window")
    p.add_argument("--warm-up", type=float, default=1.0, help="seconds before each window")
    p.add_argument("--quick", action="store_true", help="one repeat of half a second each")
    p.add_argument("--long", action="store_true", help="the long run in place of the others")
    p.add_argument("--rows", type=int, default=10_000_000, help="rows of the tables of the long run")
    p.add_argument("--soak-minutes", type=float, default=5.0, help="length of the long run's mixed traffic")
    p.add_argument("--no-build", action="store_true")
    p.add_argument("--write", type=Path, help="also write the table into this page, between its markers")
    o = p.parse_args()
    if o.quick:
        o.repeats, o.seconds, o.warm_up = 1, 0.5, 0.2
    return o


def psql(url: str, *arguments: str) -> str:
    return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url, *arguments], check=True, capture_output=True, text=True).stdout


def main() -> int:
    o = parse_options()
    url = os.environ.get("WHARF_TEST_POSTGRES_URL")
    if url is None:
        services = [str(REPOSITORY / "scripts/services"), "run", "--only", "postgres"]
        os.execv(services[0], [*services, sys.executable, *sys.argv])
    psql(url, "-c", "CREATE DATABASE benchmark")
    bench_url = url.rsplit("/", 1)[0] + "/benchmark"
    version = psql(url, "-c", "SELECT split_part(version(), ' on ', 1)").strip()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            if o.long:
                text, begin = long_run(Path(temporary), bench_url, version, o), BEGIN_LONG
            else:
                text, begin = compare(Path(temporary), bench_url, version, o), BEGIN
    finally:
        psql(url, "-c", "DROP DATABASE benchmark WITH (FORCE)")
    print(text)
    if o.write:
        report.write_between_markers(o.write, text, begin)
    return 0


def long_run(folder: Path, url: str, version: str, o: argparse.Namespace) -> str:
    binary = wharf(folder, url, not o.no_build).command[0]
    found = database_long.run(folder, url, binary, o.rows, o.soak_minutes * 60)
    return f"Measured on {time.strftime('%Y-%m-%d')}: {report.machine()}; {version} on the same machine.\n\n{found}\n"


def compare(folder: Path, url: str, version: str, o: argparse.Namespace) -> str:
    psql(url, "-f", str(CORPUS / "postgres_fixture.sql"))
    psql(url, "-c", TABLE)
    install_node()
    cost = measure_cost(url, not o.no_build)
    found, absent = peers(folder, url, not o.no_build)
    results = {peer.name: (peer, Findings()) for peer in found}
    for repeat in range(o.repeats):
        for peer, findings in results.values():
            measure_round(peer, findings, o, folder / "log")
            print(f"{repeat + 1} | {peer.name} | {findings.one[-1]}", file=sys.stderr, flush=True)
    for peer, findings in results.values():
        measure_once(peer, findings, folder / "log")
    return markdown(cost, results, absent, o, version)


if __name__ == "__main__":
    sys.exit(main())
