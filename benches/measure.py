"""Starts the servers and runs the load generator against them.

The server is pinned to one core and the load generator to another. A run in which
somebody else used more than a tenth of either core is repeated once.
"""
import json
import os
import re
import subprocess
import threading
from dataclasses import dataclass

from roster import TARGET, Server

FOREIGN_SHARE_LIMIT = 0.1
START_TIMEOUT_S = 20
LISTENING = re.compile(r"listening on (http://[\w.:/\[\]-]+)")


@dataclass(frozen=True)
class Load:
    """One point of a section: what the load generator is told, and how the table calls it."""

    key: str
    section: str
    label: str
    transport: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    seconds: float
    warm_up: float
    server_core: int
    client_core: int


# No server gets huge pages: an allocator that takes them holds several, nearly empty, and its resident size says nothing.
ENVIRONMENT = {**os.environ, "MIMALLOC_ALLOW_THP": "0"}


class HttpProcess:
    """A pinned server that listens on a port of the system's choice."""

    def __init__(self, server: Server, core: int):
        self.server = server
        self.command = ["taskset", "-c", str(core), *server.command, *(server.http or ())]
        self.url: str | None = None
        self._ready = threading.Event()

    def __enter__(self) -> "HttpProcess":
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, errors="replace", env=ENVIRONMENT)
        threading.Thread(target=self._read_stderr, daemon=True).start()
        self._ready.wait(START_TIMEOUT_S)
        if self.url is None:
            self.__exit__()
            raise RuntimeError(f"{self.server.name} never said `listening on URL` on stderr")
        return self

    def _read_stderr(self) -> None:
        # Read to the end, so that a server that logs does not block on a full pipe.
        for line in self.process.stderr:
            found = LISTENING.search(line)
            if found and self.url is None:
                self.url = found.group(1)
                self._ready.set()
        self._ready.set()

    def __exit__(self, *_exception: object) -> None:
        self.process.kill()
        self.process.wait()


def load_generator(settings: Settings, mode: str, options: list[str]) -> dict:
    """One run; a load generator that fails is a result with an error, so that the others go on."""
    command = ["taskset", "-c", str(settings.client_core), str(TARGET / "release" / "loadgen"), mode,
               "--server-core", str(settings.server_core), "--client-core", str(settings.client_core), *options]
    timeout_s = 3 * (settings.seconds + settings.warm_up) + 60
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, env=ENVIRONMENT)
        return json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"errors": 1, "first_error": f"no end within {timeout_s:.0f} s"}
    except (ValueError, IndexError):
        return {"errors": 1, "first_error": done.stderr.strip()[:300] or f"exit code {done.returncode}"}


def steady_run(settings: Settings, mode: str, options: list[str]) -> dict:
    """Repeats a run once when the machine was busy with something else."""
    result = load_generator(settings, mode, options)
    if result.get("foreign_share", 0.0) > FOREIGN_SHARE_LIMIT:
        again = load_generator(settings, mode, options)
        if again.get("foreign_share", 1.0) < result["foreign_share"]:
            return again
    return result


def window(settings: Settings) -> list[str]:
    return ["--seconds", str(settings.seconds), "--warm-up", str(settings.warm_up)]


def measure(server: Server, loads: list[Load], settings: Settings) -> list[tuple[Load, dict]]:
    """All loads of one section on one server; HTTP loads share one server process."""
    results = [(load, {"lacks": server.lacks[load.key]}) for load in loads if load.key in server.lacks]
    loads = [load for load in loads if load.key not in server.lacks]
    over_http = [load for load in loads if load.transport == "http"]
    if over_http and server.http is not None:
        with HttpProcess(server, settings.server_core) as process:
            for load in over_http:
                headers = [part for line in server.headers for part in ("--header", line)]
                options = ["--url", process.url, "--pid", str(process.process.pid), *window(settings), *headers,
                           *load.options]
                results.append((load, steady_run(settings, "http", options)))
    if server.stdio is not None:
        command = ["--", "taskset", "-c", str(settings.server_core), *server.command, *server.stdio]
        for load in loads:
            if load.transport == "stdio":
                results.append((load, steady_run(settings, "stdio", [*window(settings), *load.options, *command])))
            elif load.transport == "cold":
                results.append((load, load_generator(settings, "cold", [*load.options, *command])))
    return results
