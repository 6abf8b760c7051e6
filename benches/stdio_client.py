"""A client for MCP servers over stdio, small enough that what it measures is the server.

It speaks revision 2025-06-18, which every server here knows, keeps a number of calls in
flight, and watches the memory of the server with all its processes.
"""
import json
import os
import statistics
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

REVISION = "2025-06-18"
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


class ServerFailed(Exception):
    pass


@dataclass
class Timing:
    """What a run of calls took."""

    p50_ms: float
    p99_ms: float
    calls_per_second: float


class StdioServer:
    """One running server. Used by one thread."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path):
        self.log = log
        with open(log, "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err,
                                            env={**os.environ, **environment}, start_new_session=True)
        self._next = 0
        started = time.perf_counter()
        client = {"name": "wharf-benchmark", "version": "1"}
        self.info = self.request("initialize", {"protocolVersion": REVISION, "capabilities": {}, "clientInfo": client})
        self.start_ms = (time.perf_counter() - started) * 1000
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _write(self, message: dict) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def send(self, method: str, params: dict) -> int:
        self._next += 1
        self._write({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        return self._next

    def receive(self) -> dict:
        """The next answer; what the server says unasked is passed over."""
        while line := self.process.stdout.readline():
            if line.startswith(b"{") and "id" in (message := json.loads(line)) and "method" not in message:
                return message
        raise ServerFailed(f"it ended: {self.log.read_text(errors='replace')[-400:].strip()}")

    def request(self, method: str, params: dict) -> dict:
        number = self.send(method, params)
        message = self.receive()
        if message["id"] != number:
            raise ServerFailed(f"answer {message['id']} to request {number}")
        return message

    def call(self, tool: str, arguments: dict) -> dict:
        return self.request("tools/call", {"name": tool, "arguments": arguments})

    def time_calls(self, tool: str, arguments: dict, in_flight: int, seconds: float, right: Callable[[dict], bool]) -> Timing:
        """Keeps so many calls in flight for so long; a wrong answer ends the measurement."""
        sent, latencies = {}, []
        started = time.perf_counter()

        def send() -> None:
            now = time.perf_counter()
            sent[self.send("tools/call", {"name": tool, "arguments": arguments})] = now

        for _ in range(in_flight):
            send()
        while sent:
            answer = self.receive()
            now = time.perf_counter()
            latencies.append((now - sent.pop(answer["id"])) * 1000)
            if not right(answer):
                raise ServerFailed(f"a wrong answer: {json.dumps(answer)[:300]}")
            if now - started < seconds:
                send()
        took = time.perf_counter() - started
        latencies.sort()
        return Timing(statistics.median(latencies), latencies[int(len(latencies) * 0.99)], len(latencies) / took)

    def rss_mib(self) -> float:
        return sum(resident_kib(pid) for pid in tree(self.process.pid)) / 1024

    def stop(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        for pid in tree(self.process.pid):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path):
    server = StdioServer(command, environment, log)
    try:
        yield server
    finally:
        server.stop()


class MemoryWatch:
    """The peak of a server's memory, and its end when it takes too much or too long."""

    def __init__(self, server: StdioServer, limit_mib: float, limit_s: float):
        self.server, self.limit_mib, self.limit_s = server, limit_mib, limit_s
        self.before_mib = self.peak_mib = server.rss_mib()
        self.verdict: str | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        started = time.monotonic()
        while not self._done.wait(0.02):
            self.peak_mib = max(self.peak_mib, self.server.rss_mib())
            if self.peak_mib > self.limit_mib:
                self.verdict = f"more than {self.limit_mib:,.0f} MB, ended"
            elif time.monotonic() - started > self.limit_s:
                self.verdict = f"no answer in {self.limit_s:.0f} s, ended"
            if self.verdict:
                self.server.process.kill()
                return

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._done.set()
        self._thread.join()

    @property
    def grown_mib(self) -> float:
        return self.peak_mib - self.before_mib


def resident_kib(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KIB
    except (OSError, IndexError):
        return 0


def tree(root: int) -> list[int]:
    """A process and all that came of it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        if pid in parents:
            found.append(pid)
        todo += [child for child, parent in parents.items() if parent == pid]
    return found
