"""Starts the built binaries on free ports and stops them again.

The binary chooses the port (`--listen 127.0.0.1:0`) and names its endpoints on stderr,
one line `listening on URL` each; no port is guessed here. A server that panics, that
does not come up or that ignores SIGTERM is a failed case, never a silent restart.
"""
import re
import signal
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

from harness import Case, CheckFailed, check

START_TIMEOUT_S = 15
STOP_TIMEOUT_S = 10
# Only what a URL consists of: the line may be coloured, or a field of a JSON log.
LISTENING = re.compile(r"listening on (https?://[\w.:/\[\]-]+)")


class HttpServer:
    """One running server process with its endpoint URLs and everything it wrote to stderr."""

    def __init__(self, name: str, command: list[str]):
        self.name = name
        self.command = command
        self.log: list[str] = []
        self.urls: list[str] = []
        self._listening = threading.Event()
        self._process: subprocess.Popen | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> "HttpServer":
        self._process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()
        if not self._listening.wait(START_TIMEOUT_S) or not self.urls:
            self.kill()
            raise CheckFailed(f"{self.name} never said `listening on URL` on stderr\n{self.tail()}")
        return self

    def _read_stderr(self) -> None:
        for line in self._process.stderr:
            self.log.append(line.rstrip("\n"))
            found = LISTENING.search(line)
            if found:
                self.urls.append(found.group(1))
                self._listening.set()
        self._listening.set()  # the process ended: wake whoever waits for a line that never comes

    @property
    def url(self) -> str:
        return self.urls[0]

    def url_of(self, server: str) -> str:
        """The endpoint of one hosted server: the line that names it, else /mcp/<server>."""
        for url in self.urls:
            if urlsplit(url).path.rstrip("/").endswith(f"/{server}"):
                return url
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/mcp/{server}"

    def tail(self, lines: int = 20) -> str:
        return "\n".join(self.log[-lines:])

    def kill(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ends the process by SIGTERM; raises when it does not end by itself."""
        process = self._process
        check(process.poll() is None, f"{self.name} ended during the run with {process.poll()}\n{self.tail()}")
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise CheckFailed(f"{self.name} ignored SIGTERM for {STOP_TIMEOUT_S} s\n{self.tail()}") from None
        self._reader.join(STOP_TIMEOUT_S)
        code = process.returncode
        check(code in (0, -signal.SIGTERM), f"{self.name} exited with {code}\n{self.tail()}")
        panics = [line for line in self.log if "panicked at" in line]
        check(not panics, f"{self.name} panicked", "\n".join(panics))


def stop_case(server: HttpServer) -> Case:
    """Run last: a server that survived every other case also has to end well."""
    return Case(f"{server.name}: survives the run without a panic and stops on SIGTERM", server.stop)


def require_binary(path: Path) -> str:
    if not path.is_file():
        raise SystemExit(f"{path} does not exist: build it first (cargo build), or name its folder with --target-dir")
    return str(path)
