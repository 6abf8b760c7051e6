"""One server for one test, which kills, stops and starts it as it likes.

The test writes one word a line to standard input, and every word is answered by one line of
JSON: `{"ok": true, ...}` or `{"ok": false, "error": ...}`. The first answer comes unasked,
when the server is ready, and names it as `scripts/services run` does. The end of the input,
which is also the end of the test, is the end of the server and its folder.

  kill     all its processes at once, as a power cut would
  stop     in good order: clients are disconnected
  start    again, on the same port and data
  freeze   its processes stop answering, their connections stay
  thaw     and go on
"""
import json
import os
import selectors
import signal
import sys
import time
from pathlib import Path

from daemon import ServiceFailed, children

# A test that hangs must not leave a server behind for ever.
LIFETIME_S = 900


def obey(server, environment: dict[str, str], folder: Path) -> int:
    answer({"ok": True, "environment": environment, "folder": str(folder), "pid": server.daemon.process.pid})
    words = {"kill": server.daemon.kill, "stop": server.daemon.stop, "start": lambda: start(server),
             "freeze": lambda: signal_all(server, signal.SIGSTOP), "thaw": lambda: signal_all(server, signal.SIGCONT)}
    for word in lines_of_input(time.monotonic() + LIFETIME_S):
        if word not in words:
            answer({"ok": False, "error": f"there is no word {word!r}; words: {', '.join(words)}"})
            continue
        try:
            words[word]()
            answer({"ok": True, "pid": server.daemon.process.pid})
        except ServiceFailed as error:
            answer({"ok": False, "error": str(error)})
    return 0


def start(server) -> None:
    if server.daemon.running():
        raise ServiceFailed(f"{server.daemon.name} is running already")
    server.daemon.start()


def signal_all(server, number: signal.Signals) -> None:
    if not server.daemon.running():
        raise ServiceFailed(f"{server.daemon.name} is not running")
    parent = server.daemon.process.pid
    if number == signal.SIGSTOP:
        os.kill(parent, number)
    for pid in children(parent):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
    if number != signal.SIGSTOP:
        os.kill(parent, number)


def lines_of_input(end: float):
    """The lines of standard input until it ends, or until the time is over."""
    buffered = b""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            if not selector.select(left):
                return
            part = os.read(sys.stdin.fileno(), 4096)
            if not part:
                return
            buffered += part
            *complete, buffered = buffered.split(b"\n")
            yield from (line.decode(errors="replace").strip() for line in complete)


def answer(body: dict) -> None:
    print(json.dumps(body), flush=True)
