"""A server process of the tests: started without privileges, stopped for certain.

The data of a test is worth nothing: no disk is ever waited for. What counts is that a server
starts fast, that it dies with whoever started it (also when that one is killed), and that one
which fails to start says why.
"""
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

PR_SET_PDEATHSIG = 1
START_LIMIT_S = 60
STOP_LIMIT_S = 10
LOG_TAIL_LINES = 25
# Found before the first child exists: nothing is imported or looked up between fork and exec.
LIBC = ctypes.CDLL(None, use_errno=True)


class ServiceFailed(Exception):
    """A server cannot be found, installed, started or stopped; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """Whom the servers run as: never root, which PostgreSQL refuses and an attack would like."""

    uid: int
    gid: int

    @staticmethod
    def unprivileged() -> "Account":
        if os.geteuid() != 0:
            return Account(os.geteuid(), os.getegid())
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise ServiceFailed("there is no user `nobody` to run the servers as: make one, or run this as "
                                "another user than root") from None
        return Account(nobody.pw_uid, nobody.pw_gid)

    def own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def switch(self) -> dict:
        """The arguments of `subprocess` that make a child run as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if os.geteuid() == 0 else {}


def make_folder(path: Path, account: Account) -> Path:
    path.mkdir(mode=0o700)
    account.own(path)
    return path


def write_file(path: Path, text: str, account: Account) -> Path:
    """Writes a file that only the account may read: keys and passwords are among them."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    account.own(path)
    return path


def free_port() -> int:
    """A port that was free a moment ago; who uses it must be ready to lose it and ask again."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def end_with_parent(number: signal.Signals) -> None:
    """Called in a child before exec: it gets this signal when the thread that started it ends, in whatever way."""
    LIBC.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def spawn(command: list, folder: Path, account: Account, log: Path) -> subprocess.Popen:
    """Starts a program as the account. It is killed when the thread that called this ends."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    with open(log, "ab") as out:
        # After the change of user, which would reset it, and before exec.
        return subprocess.Popen([str(part) for part in command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out,
                                stderr=out, start_new_session=True, **account.switch(),
                                preexec_fn=lambda: end_with_parent(signal.SIGKILL))


def tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "    | it left no log"
    return "\n".join(f"    | {line}" for line in lines[-LOG_TAIL_LINES:]) or "    | its log is empty"


class Daemon:
    """One server process: `start` returns when it answers, `stop` and `kill` when it is gone."""

    def __init__(self, name: str, folder: Path, account: Account, command: Callable[[], list],
                 answers: Callable[[], bool], stop_signal: signal.Signals):
        self.name, self.folder, self.account = name, folder, account
        self._command, self._answers, self._stop_signal = command, answers, stop_signal
        self.log = folder / "log"
        self.process: subprocess.Popen | None = None

    def prepare(self, command: list) -> None:
        """Begins with what makes the data, such as initdb; `finish_preparing` waits for it."""
        self.process = spawn(command, self.folder, self.account, self.log)

    def finish_preparing(self, limit_s: float = START_LIMIT_S) -> None:
        what = Path(self.process.args[0]).name
        try:
            code = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise ServiceFailed(f"{what} did not end within {limit_s} s\n{tail(self.log)}") from None
        if code != 0:
            raise ServiceFailed(f"{what} failed with exit code {code}\n{tail(self.log)}")

    def launch(self) -> None:
        self.process = spawn(self._command(), self.folder, self.account, self.log)

    def wait_until_it_answers(self, limit_s: float = START_LIMIT_S) -> None:
        end = time.monotonic() + limit_s
        while not self._answers():
            if self.process.poll() is not None:
                raise ServiceFailed(f"{self.name} ended with exit code {self.process.returncode}\n{tail(self.log)}")
            if time.monotonic() > end:
                raise ServiceFailed(f"{self.name} did not answer within {limit_s} s\n{tail(self.log)}")
            time.sleep(0.05)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.launch()
        self.wait_until_it_answers()

    def stop(self) -> None:
        """Asks it to end, and insists after a while."""
        if self.running():
            self.process.send_signal(self._stop_signal)
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def kill(self) -> None:
        """Ends it and all its processes at once, as a power cut would."""
        if self.process is None:
            return
        # Stopped first, so that nothing is forked between the look at its children and their end.
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
            descendants = children(self.process.pid)
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            for pid in descendants:
                end_process(pid)


def children(pid: int) -> list[int]:
    """The direct children of a process: PostgreSQL's leave the process group of their parent, and have no children."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def end_process(pid: int, limit_s: float = STOP_LIMIT_S) -> None:
    """Kills a process that is not our child, and waits until it has let go of its files and memory."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.01)


def remove_folder(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        raise ServiceFailed(f"{path} cannot be removed: remove it yourself")
