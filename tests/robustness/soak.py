#!/usr/bin/env python3
"""Mixed traffic for a long time: `wharf serve` and `wharf stdio`, both eras, calls, errors,
cancellations, lost connections, sessions and listen streams, every answer checked.

usage: tests/robustness/soak.py [--minutes 60] [--target-dir target/release] [--out FOLDER]

Records memory, open files, threads, calls and latency of each interval to `soak.csv`, and a
summary to `soak.md`. Exit code 1 on a wrong answer, or when something leaks: memory that
goes on growing after the warm-up, or files that are still open when all clients have left.
"""
import os
import argparse
import csv
import json
import random
import statistics
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "acceptance"))

from attacker import (META, MIB, Child, Target, allow_many_files, initialize, message, open_files,  # noqa: E402
                      post, read_response, rss_bytes)
from harness import CheckFailed, check, check_equal  # noqa: E402
from servers import HttpServer, require_binary  # noqa: E402

# The first part of the time fills caches and pools, and is not judged.
WARM_UP = 0.25
# Memory of the last quarter over that of the quarter after the warm-up: this much is noise of the allocator.
NOISE_BYTES = 8 * MIB
NOISE_SHARE = 0.15
# Files that may still be open at the end beyond those before the first client.
NOISE_FILES = 3


class Traffic:
    """Counts and times what the clients do, and remembers the first things that went wrong."""

    def __init__(self, seconds: float):
        self.end = time.monotonic() + seconds
        self.lock = threading.Lock()
        self.latencies_ms: list[float] = []
        self.calls = 0
        self.wrong: list[str] = []

    def goes_on(self) -> bool:
        return time.monotonic() < self.end and not self.wrong

    def did(self, started: float) -> None:
        with self.lock:
            self.calls += 1
            self.latencies_ms.append((time.monotonic() - started) * 1000)

    def fail(self, who: str, problem: BaseException) -> None:
        with self.lock:
            self.wrong.append(f"{who}: {type(problem).__name__}: {problem}")

    def interval(self) -> list[float]:
        with self.lock:
            taken, self.latencies_ms = self.latencies_ms, []
        return taken


def multiplication(rng: random.Random) -> tuple[dict, str]:
    a, b = rng.randrange(10**6), rng.randrange(10**6)
    return {"name": "calculate", "arguments": {"expression": f"{a}*{b}"}}, str(a * b)


def check_product(answer: dict, request_id: object, expected: str) -> None:
    check_equal(answer.get("id"), request_id, "id of the answer")
    check(expected in json.dumps(answer.get("result", {}).get("content")), f"the product is {expected}", answer)


def caller(target: Target, era: str, traffic: Traffic, rng: random.Random) -> None:
    """Many calls on one connection, then another connection, and in the older era another session."""
    session = target.begin_session() if era == "legacy" else None
    with target.connect() as s:
        for n in range(200):
            if not traffic.goes_on():
                break
            call, expected = multiplication(rng)
            started = time.monotonic()
            s.sendall(target.request(message(era, n, "tools/call", call), session))
            _, _, body = read_response(s)
            traffic.did(started)
            check_product(json.loads(body), n, expected)
            # What is refused must be refused each time.
            if n % 10 == 0:
                s.sendall(target.request(message(era, n, "tools/call", {"name": "nothing", "arguments": {}}), session))
                _, _, body = read_response(s)
                check_equal(json.loads(body)["error"]["code"], -32602, "code of an unknown tool")
                s.sendall(target.request(message(era, n, "tools/call", {"name": "calculate", "arguments": {}}), session))
                _, _, body = read_response(s)
                check(json.loads(body)["result"].get("isError"), "arguments that do not fit are refused")
    if session and rng.random() < 0.9:
        status, _, _ = target.exchange(post(target.path, b"", {"Mcp-Session-Id": session}).replace(b"POST", b"DELETE", 1))
        check_equal(status, 204, "status of the end of a session")


def querier(target: Target, traffic: Traffic, rng: random.Random) -> None:
    n = rng.randrange(1, 1000)
    query = {"name": "execute_query", "arguments": {
        "query": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT ?) SELECT sum(x) AS s FROM n",
        "params": [n]}}
    started = time.monotonic()
    answer = target.ask(message("modern", n, "tools/call", query))
    traffic.did(started)
    check(str(n * (n + 1) // 2) in json.dumps(answer.get("result", {}).get("content")), "the sum", answer)


def leaver(target: Target, traffic: Traffic, rng: random.Random) -> None:
    """Leaves in the middle of a call that would go on for long, or withdraws it."""
    never = {"name": "execute_query", "arguments": {
        "query": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"}}
    if rng.random() < 0.5:
        with target.connect() as s:
            s.sendall(target.request(message("modern", 1, "tools/call", never)))
            time.sleep(0.02)
        return
    session = target.begin_session()
    with target.connect() as s:
        s.sendall(target.request(message("legacy", 7, "tools/call", never), session, close=True))
        note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
        s.settimeout(0.05)
        for _ in range(200):
            target.exchange(target.request(note, session, close=True))
            try:
                text = s.recv(65536)
                break
            except TimeoutError:
                continue
        check(text.startswith(b"HTTP/1.1 200") and b'"result"' not in text, "a withdrawn call is not answered")


def listener(target: Target, traffic: Traffic, rng: random.Random) -> None:
    with target.connect() as s:
        params = {"notifications": {"toolsListChanged": True}, "_meta": META}
        s.sendall(target.request(message("modern", 1, "subscriptions/listen", params)))
        check(b"text/event-stream" in s.recv(65536), "a listen stream opens")
        time.sleep(rng.random() * 0.2)


def streamer(target: Target, traffic: Traffic, rng: random.Random) -> None:
    session = target.begin_session()
    with target.connect() as s:
        s.sendall(f"GET {target.path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                  f"Mcp-Session-Id: {session}\r\n\r\n".encode())
        check(b"text/event-stream" in s.recv(65536), "the stream of a session opens")
        time.sleep(rng.random() * 0.2)


def piper(child: Child, era: str, traffic: Traffic, rng: random.Random) -> None:
    """A burst of calls on stdin, some of them withdrawn at once."""
    calls = [multiplication(rng) for _ in range(20)]
    base = rng.randrange(10**9)
    started = time.monotonic()
    for n, (call, _) in enumerate(calls):
        child.send(message(era, base + n, "tools/call", call))
        if n % 7 == 3:
            child.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": base + n}})
    check_product(child.read_until(base + 19), base + 19, calls[19][1])
    traffic.did(started)
    child.send(b"{broken\n")
    check_equal(child.read_until(None)["error"]["code"], -32700, "code of a broken line")


def forever(who: str, traffic: Traffic, work, *arguments) -> threading.Thread:
    def loop() -> None:
        rng = random.Random(who)
        while traffic.goes_on():
            try:
                work(*arguments, traffic, rng)
            except BaseException as problem:
                traffic.fail(who, problem)
    thread = threading.Thread(target=loop, name=who, daemon=True)
    thread.start()
    return thread


def threads_of(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))


COLUMNS = ["seconds", "calls", "p50_ms", "p99_ms", "http_rss_mib", "http_files", "http_threads", "stdio_rss_mib",
           "stdio_files"]


def sample(started: float, traffic: Traffic, http: int, stdio: int) -> dict:
    latencies = sorted(traffic.interval()) or [0.0]
    return {"seconds": round(time.monotonic() - started, 1), "calls": traffic.calls,
            "p50_ms": round(statistics.median(latencies), 2),
            "p99_ms": round(latencies[int(len(latencies) * 0.99)], 2),
            "http_rss_mib": round(rss_bytes(http) / MIB, 2), "http_files": open_files(http),
            "http_threads": threads_of(http), "stdio_rss_mib": round(rss_bytes(stdio) / MIB, 2),
            "stdio_files": open_files(stdio)}


def growth(rows: list[dict], column: str) -> tuple[float, float]:
    """Medians of the quarter after the warm-up and of the last one."""
    first, last = int(len(rows) * WARM_UP), int(len(rows) * 0.75)
    early = rows[first:max(first + 1, len(rows) // 2)]
    return statistics.median(r[column] for r in early), statistics.median(r[column] for r in rows[last:])


def leaks(rows: list[dict], files_before: int, files_after: int) -> list[str]:
    found = []
    for column in ("http_rss_mib", "stdio_rss_mib"):
        early, late = growth(rows, column)
        if late - early > max(NOISE_BYTES / MIB, early * NOISE_SHARE):
            found.append(f"{column} grew from {early:.1f} to {late:.1f} MiB after the warm-up")
    if files_after > files_before + NOISE_FILES:
        found.append(f"{files_after} files are open after all clients have left; {files_before} were before they came")
    early, late = growth(rows, "stdio_files")
    if late > early + NOISE_FILES:
        found.append(f"stdio_files grew from {early} to {late}")
    return found


def settled_files(pid: int, before: int) -> int:
    """The open files once the server has noticed that everybody left."""
    end = time.monotonic() + 20
    while open_files(pid) > before + NOISE_FILES and time.monotonic() < end:
        time.sleep(0.2)
    return open_files(pid)


def run(binary: str, seconds: float, out: Path) -> list[str]:
    # Sessions that nobody ends have to expire many times over, or they would look like a leak.
    expiry = f"WHARF__SESSIONS__IDLE_EXPIRY={int(min(max(seconds / 20, 1), 60))}s"
    server = HttpServer("wharf serve", ["env", expiry, binary, "serve", "--listen", "127.0.0.1:0"]).start()
    child, legacy = Child([binary, "stdio", "calculator"]), Child([binary, "stdio", "calculator"])
    rows: list[dict] = []
    try:
        pid = server._process.pid
        calculator, database = (Target(server.url_of(name), pid) for name in ("calculator", "database"))
        legacy.send(initialize())
        legacy.read_until(0)
        querier(database, Traffic(1), random.Random(0))
        files_before = open_files(pid)
        traffic, started = Traffic(seconds), time.monotonic()
        clients = [forever(f"{era} caller {n}", traffic, caller, calculator, era)
                   for era in ("modern", "legacy") for n in range(3)]
        clients += [forever("querier", traffic, querier, database), forever("leaver", traffic, leaver, database),
                    forever("listener", traffic, listener, calculator),
                    forever("streamer", traffic, streamer, calculator),
                    forever("modern pipe", traffic, piper, child, "modern"),
                    forever("legacy pipe", traffic, piper, legacy, "legacy")]
        every = max(seconds / 240, 0.5)
        while traffic.goes_on():
            time.sleep(every)
            rows.append(sample(started, traffic, pid, child.pid))
        for client in clients:
            client.join(30)
        files_after = settled_files(pid, files_before)
        problems = traffic.wrong[:10] + ([] if traffic.wrong else leaks(rows, files_before, files_after))
        problems += [line for line in server.log if "panicked at" in line]
        if not traffic.wrong:
            try:
                server.stop()
            except CheckFailed as failure:
                problems.append(str(failure))
        report(out, rows, problems, files_before, files_after)
        return problems
    finally:
        server.kill()
        child.kill()
        legacy.kill()


def report(out: Path, rows: list[dict], problems: list[str], before: int, after: int) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "soak.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    last = rows[-1] if rows else dict.fromkeys(COLUMNS, 0)
    text = ["# Soak", "", f"{last['calls']} checked calls in {last['seconds']:.0f} s; "
            f"open files of `wharf serve`: {before} before, {after} after.", "",
            "| | after the warm-up | in the last quarter |", "|---|---|---|"]
    for column in COLUMNS[2:] if rows else []:
        early, late = growth(rows, column)
        text.append(f"| {column} | {early:.2f} | {late:.2f} |")
    text += ["", "No leak, no wrong answer." if not problems else "\n".join(f"- {p}" for p in problems), ""]
    (out / "soak.md").write_text("\n".join(text), encoding="utf-8")


def main() -> int:
    # The other bounds are what is tried here; the default rate would end every attack before it meets them.
    os.environ["WHARF__RATE_LIMITS__PER_CALLER"] = "off"
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--target-dir", type=Path, default=HERE.parents[1] / "target" / "release")
    p.add_argument("--out", type=Path, default=HERE.parents[1] / "target" / "soak")
    options = p.parse_args()
    allow_many_files()
    problems = run(require_binary(options.target_dir / "wharf"), options.minutes * 60, options.out)
    print((options.out / "soak.md").read_text(encoding="utf-8"))
    print("0 passed, 1 failed" if problems else "1 passed, 0 failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
