"""The long run of the database server: `benches/database.py --long`.

Tables of ten million rows, in PostgreSQL and in SQLite, are analysed in every way that `long_running_analysis` knows; then mixed
traffic goes on for some minutes. What is looked at is time, the memory of the server, and what is left behind.
"""
import itertools
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import stdio_client

ANALYSES = ("profile", "quality", "correlation", "time_series")
MEMORY_LIMIT_MIB, TIME_LIMIT_S = 3072, 600
# In both dialects: some nulls, some repeats, two columns that depend on each other, rows over time.
COLUMNS = """n AS id, 'customer ' || (n % 50000) AS customer, n % 97 AS quantity, (n % 97) * 1.25 + (n % 13) AS amount,
  CASE WHEN n % 20 = 0 THEN NULL ELSE 'note ' || (n % 1000) END AS note"""
MORE_ROWS = "SELECT generate_series(1, 50000000) AS n, 'payload payload payload payload' AS payload"


def fill_postgres(url: str, rows: int) -> None:
    subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url, "-c",
                    f"CREATE UNLOGGED TABLE orders AS SELECT {COLUMNS}, timestamp '2020-01-01' + n * interval '10 seconds' AS placed_at "
                    f"FROM generate_series(1, {rows}) AS n",
                    "-c", "ALTER TABLE orders ADD PRIMARY KEY (id)", "-c", "VACUUM ANALYZE orders"], check=True)


def fill_sqlite(path: Path, rows: int) -> None:
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TABLE orders(id INTEGER PRIMARY KEY, customer TEXT, "
            "quantity INTEGER, amount REAL, note TEXT, placed_at TEXT); "
            f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}) "
            f"INSERT INTO orders SELECT {COLUMNS}, datetime('2020-01-01', '+' || (n * 10) || ' seconds') FROM numbers; ANALYZE")
    connection.close()


def configuration(folder: Path, url: str, sqlite: Path) -> Path:
    written = folder / "long.toml"
    written.write_text('[servers.database]\nkind = "database"\ndefault_database = "postgres"\n\n'
                       f'[servers.database.databases.postgres]\nurl = "{url}"\nmax_connections = 8\n\n'
                       f'[servers.database.databases.sqlite]\npath = "{sqlite}"\n')
    return written


def structured(answer: dict) -> dict:
    return answer.get("result", {}).get("structuredContent") or {}


def analyse(command: list[str], log: Path) -> list[str]:
    """Each in a process of its own, so that one's memory does not serve the next."""
    lines = ["| database | analysis | s | memory grown at the peak, MB | rows looked at |", "| --- | --- | ---: | ---: | --- |"]
    for database, analysis in itertools.product(("postgres", "sqlite"), ANALYSES):
        with stdio_client.running(command, {}, log) as server:
            server.call("execute_query", {"database": database, "query": "SELECT 1"})
            with stdio_client.MemoryWatch(server, MEMORY_LIMIT_MIB, TIME_LIMIT_S) as watch:
                started = time.monotonic()
                answer = server.call("long_running_analysis", {"database": database, "table": "orders", "analysis_type": analysis})
                took = time.monotonic() - started
            if not succeeded(answer):
                raise RuntimeError(f"{analysis} of {database} failed: {str(answer)[:500]}")
            looked_at = sampled(structured(answer))
            lines.append(f"| {database} | `{analysis}` | {took:.1f} | +{watch.grown_mib:.0f} | {looked_at} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return lines


def sampled(report: dict) -> str:
    sample = report["sample"]
    return f"{sample['rows']:,} ({sample['method']})"


@dataclass
class Kind:
    """One kind of call, and what its answer must be."""
    tool: str
    arguments: dict
    right: Callable[[dict], bool]


def succeeded(answer: dict) -> bool:
    return "result" in answer and not answer["result"].get("isError", False)


def failed_with(code: str) -> Callable[[dict], bool]:
    return lambda answer: structured(answer).get("code") == code


def traffic() -> list[Kind]:
    query = "execute_query"
    both = [Kind(tool, {"database": database, **arguments}, right) for database in ("postgres", "sqlite") for tool, arguments, right in (
        (query, {"query": "SELECT 1"}, succeeded),
        (query, {"query": "SELECT * FROM orders WHERE id < 500", "limit": 1000}, succeeded),
        (query, {"query": "SELECT * FROM orders", "format": "csv", "limit": 2000}, succeeded),
        (query, {"query": "SELECT nothing FROM nowhere"}, lambda answer: not succeeded(answer)),
        (query, {"query": "DELETE FROM orders"}, lambda answer: not succeeded(answer)),
        ("list_tables", {}, succeeded),
        ("describe_table", {"table": "orders"}, succeeded),
        ("explain_query", {"query": "SELECT count(*) FROM orders WHERE quantity = 3"}, succeeded),
    )]
    slow = "SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b"
    return both + [Kind(query, {"database": "postgres", "query": MORE_ROWS, "timeout_seconds": 30}, succeeded),
                   Kind(query, {"database": "postgres", "query": slow, "timeout_seconds": 1}, failed_with("TIMEOUT"))]


def soak(command: list[str], url: str, seconds: float, log: Path) -> list[str]:
    """Mixed calls one after the other, the server's memory from when it is warm, and the connections in the end."""
    with stdio_client.running(command, {}, log) as server:
        kinds, calls, wrong, warm_mib, peak_mib = traffic(), 0, [], 0.0, 0.0
        started = time.monotonic()
        for kind in itertools.cycle(kinds):
            passed = time.monotonic() - started
            if passed > seconds:
                break
            answer = server.call(kind.tool, kind.arguments)
            calls += 1
            if not kind.right(answer):
                wrong.append(f"{kind.arguments}: {str(answer)[:300]}")
            if calls % len(kinds) == 0:
                now_mib = server.rss_mib()
                # A fifth of the time makes it warm.
                if passed < seconds / 5:
                    warm_mib = max(warm_mib, now_mib)
                peak_mib = max(peak_mib, now_mib)
        end_mib = server.rss_mib()
        sessions = postgres_sessions(url, "application_name = 'wharf'")
        working = postgres_sessions(url, "application_name = 'wharf' AND state <> 'idle'")
    if wrong:
        raise RuntimeError(f"{len(wrong)} wrong answers in the soak; the first: {wrong[0]}")
    return ["| calls | wrong answers | memory when warm, MB | at the peak | in the end | PostgreSQL sessions | of these not idle |",
            "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            f"| {calls:,} | 0 | {warm_mib:.0f} | {peak_mib:.0f} | {end_mib:.0f} | {sessions} | {working} |"]


def postgres_sessions(url: str, condition: str) -> int:
    sql = f"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {condition}"
    return int(subprocess.run(["psql", "-XqAt", url, "-c", sql], check=True, capture_output=True, text=True).stdout)


def run(folder: Path, url: str, binary: str, rows: int, soak_seconds: float) -> str:
    sqlite = folder / "long.sqlite"
    for fill, where in ((fill_postgres, url), (fill_sqlite, sqlite)):
        print(f"{fill.__name__}: {rows:,} rows", file=sys.stderr, flush=True)
        fill(where, rows)
    command = [binary, "stdio", "database", "--config", os.fspath(configuration(folder, url, sqlite))]
    log = folder / "long.log"
    lines = [f"`long_running_analysis` of a table of {rows:,} rows with six columns:", "", *analyse(command, log), "",
             f"Mixed calls for {soak_seconds / 60:g} min, one after the other: rows, CSV, catalogues, plans, mistakes, refusals, fifty "
             "million rows, and statements that run into their deadline:", "", *soak(command, url, soak_seconds, log)]
    return "\n".join(lines)
