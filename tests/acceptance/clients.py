"""Runs the headless clients of the official SDKs and hands back what they printed."""
import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import CheckFailed

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT_TIMEOUT_S = 60
MEANING = {1: "the tool's result is an error", 2: "a JSON-RPC error", 3: "a transport error", 4: "HTTP 401 or 403",
           64: "wrong usage of the client"}


@dataclass(frozen=True)
class Tools:
    """What `tests/setup.sh` installed, by the folder it installed into."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "python" / "bin" / "python"

    @property
    def node22(self) -> Path:
        return self.folder / "conformance" / "node_modules" / "node" / "bin" / "node"

    @property
    def conformance(self) -> Path:
        return self.folder / "conformance" / "node_modules" / "@modelcontextprotocol" / "conformance"

    @property
    def inspector(self) -> Path:
        return self.folder / "conformance" / "node_modules" / ".bin" / "mcp-inspector"

    @property
    def typescript_modules(self) -> Path:
        return self.folder / "typescript" / "node_modules" / "@modelcontextprotocol" / "client"

    def require(self) -> None:
        needed = (self.python, self.node22, self.conformance, self.inspector, self.typescript_modules)
        missing = [str(p) for p in needed if not p.exists()]
        if missing:
            raise SystemExit("not installed (run tests/setup.sh):\n  " + "\n  ".join(missing))


@dataclass(frozen=True)
class Client:
    """One SDK client program; `command` is what precedes its options."""

    name: str
    command: tuple[str, ...]

    def run(self, target: list[str], *options: str, exit_code: int = 0) -> dict[str, Any]:
        """Runs the client once; any other exit code than the expected one fails the case."""
        command = [*self.command, *options, *target]
        code, out, err = run_program(command, CLIENT_TIMEOUT_S)
        try:
            printed = json.loads(out)
        except ValueError:
            raise CheckFailed(f"{self.name} printed no JSON (exit {code})\n{out[-2000:]}\n{err[-2000:]}") from None
        if code != exit_code:
            error = printed.get("error") or printed.get("call")
            raise CheckFailed(
                f"{self.name} exited with {code} ({MEANING.get(code, 'ok')}), expected {exit_code}\n"
                f"options: {' '.join(options)}\nerror: {json.dumps(error)}\n{err[-2000:]}")
        return printed


def sdk_clients(tools: Tools) -> list[Client]:
    source = REPOSITORY / "tests" / "clients"
    # Node finds modules beside the program that imports them, so it runs from the installed folder.
    program = tools.folder / "typescript" / "mcp_client.mjs"
    shutil.copyfile(source / "typescript" / "mcp_client.mjs", program)
    return [
        Client("python", (str(tools.python), str(source / "python" / "mcp_client.py"))),
        Client("typescript", (str(tools.node22), str(program))),
    ]


def run_program(command: list[str], timeout_s: float) -> tuple[int, str, str]:
    """Runs a program in its own process group, so that a timeout also ends the servers it spawned."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
        start_new_session=True)
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise CheckFailed(f"no end within {timeout_s} s: {' '.join(command)}\n{out[-2000:]}\n{err[-2000:]}") from None
    return process.returncode, out, err
