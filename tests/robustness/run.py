#!/usr/bin/env python3
"""The built `wharf`, and a server with tools that misbehave, under attack: over HTTP and stdio and in both eras.

usage: tests/robustness/run.py [--target-dir target/debug] [--only TEXT]

Each case starts a server of its own, attacks it, and then checks three things while the
attack still goes on: the next client is served, memory has grown by no more than the
case allows, and SIGTERM ends the process in good order. Prints one line a case and last
`N passed, N failed`. Only loopback is used, on ports that the system chose.
"""
import argparse
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "acceptance"))

import http_attacks  # noqa: E402
import misbehaving_attacks  # noqa: E402
import stdio_attacks  # noqa: E402
from attacker import MIB, Child, Target, allow_many_files, initialize, message, rss_bytes  # noqa: E402
from harness import Case, Report, check, run_cases  # noqa: E402
from servers import HttpServer, require_binary  # noqa: E402

# Grace for running calls, and a second for the answers that say that it is over; the rest is for a busy machine.
GRACE_S = 2
STOP_LIMIT_S = GRACE_S + 15
# Slow clients stay until the signal; that they lose their place in time is tested elsewhere, on paused time.
ENVIRONMENT = {"WHARF__LIMITS__SHUTDOWN_GRACE": f"{GRACE_S}s", "WHARF__SESSIONS__MAX": "500",
               "WHARF__HTTP__HEADER_TIMEOUT": "120s"}


def check_memory(pid: int, before: int, allowed_mib: int) -> None:
    grown = rss_bytes(pid) - before
    check(grown <= allowed_mib * MIB, f"memory grew by {grown / MIB:.1f} MiB; {allowed_mib} are allowed")


def check_ends(process: subprocess.Popen, codes: tuple[int, ...]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        check(False, f"SIGTERM did not end it within {STOP_LIMIT_S} s")
    check(code in codes, f"exit code {code} after SIGTERM")


def over_http(binary: str, attack, allowed_mib: int) -> None:
    command = ["env", *(f"{k}={v}" for k, v in ENVIRONMENT.items()), binary, "serve", "--listen", "127.0.0.1:0"]
    server = HttpServer(f"wharf serve ({attack.__name__})", command).start()
    held = []
    try:
        process = server._process
        target = Target(server.url_of("calculator"), process.pid)
        for _ in range(50):
            http_attacks.served(target)
        before = rss_bytes(process.pid)
        held = attack(target)
        http_attacks.served(target)
        check_memory(process.pid, before, allowed_mib)
        check_ends(process, (0,))
        panics = [text for text in server.log if "panicked at" in text]
        check(not panics, "it panicked", "\n".join(panics))
    finally:
        for s in held:
            s.close()
        server.kill()


def over_stdio(binary: str, attack, allowed_mib: int, era: str) -> None:
    child = Child([binary, "stdio", "calculator"])
    try:
        if era == "legacy":
            child.send(initialize())
            child.read_until(0)
        for _ in range(50):
            stdio_attacks.served(child, era)
        before = rss_bytes(child.pid)
        attack(child, era)
        check_memory(child.pid, before, allowed_mib)
        stdio_attacks.served(child, era)
        check_memory(child.pid, before, allowed_mib)
        # Once more, and the signal comes in the middle of it.
        if attack in stdio_attacks.UNFINISHED:
            attack(child, era)
        check_ends(child.process, (0,))
    finally:
        child.kill()


def misbehaving_over_http(binary: str, attack, allowed_mib: int) -> None:
    server = HttpServer(f"misbehaving ({attack.__name__})", [binary, "--listen", "127.0.0.1:0"]).start()
    held = []
    try:
        process = server._process
        target = Target(server.url, process.pid)
        for _ in range(50):
            misbehaving_attacks.http_served(target)
        # The first panic reads the program's symbols, if the environment asks for backtraces.
        target.ask(message("modern", 1, "tools/call", misbehaving_attacks.PANICS))
        before = rss_bytes(process.pid)
        held = attack(target)
        misbehaving_attacks.http_served(target)
        check_memory(process.pid, before, allowed_mib)
        check_ends(process, (0,))
    finally:
        for s in held:
            s.close()
        server.kill()


def misbehaving_over_stdio(binary: str, attack, allowed_mib: int, era: str) -> None:
    child = Child([binary, "--stdio"])
    try:
        if era == "legacy":
            child.send(initialize())
            child.read_until(0)
        for _ in range(50):
            misbehaving_attacks.stdio_served(child, era)
        child.send(message(era, "first", "tools/call", misbehaving_attacks.PANICS))
        child.read_until("first")
        before = rss_bytes(child.pid)
        attack(child, era)
        misbehaving_attacks.stdio_served(child, era)
        check_memory(child.pid, before, allowed_mib)
        # Once more for what that answer has waited for, and the signal comes in the middle of it.
        if attack is misbehaving_attacks.stdio_blocks:
            child.send(message(era, "last", "tools/call", misbehaving_attacks.blocks(700)))
        if attack is misbehaving_attacks.stdio_panics:
            for n in range(600, 900):
                child.send(message(era, n, "tools/call", misbehaving_attacks.PANICS))
        check_ends(child.process, (0,))
    finally:
        child.kill()


def misbehaving_cases(binary: str) -> list[Case]:
    made = [Case(f"misbehaving {attack.__name__}", partial(misbehaving_over_http, binary, attack, allowed))
            for attack, allowed in misbehaving_attacks.HTTP_ATTACKS]
    for era in ("modern", "legacy"):
        made += [Case(f"misbehaving {era} {attack.__name__}",
                      partial(misbehaving_over_stdio, binary, attack, allowed, era))
                 for attack, allowed in misbehaving_attacks.STDIO_ATTACKS]
    return made


def cases(binary: str) -> list[Case]:
    made = [Case(f"http {attack.__name__}", partial(over_http, binary, attack, allowed))
            for attack, allowed in http_attacks.ATTACKS]
    for era in ("modern", "legacy"):
        made += [Case(f"stdio {era} {attack.__name__}", partial(over_stdio, binary, attack, allowed, era))
                 for attack, allowed in stdio_attacks.ATTACKS]
    return made


def main() -> int:
    # The other bounds are what is tried here; the default rate would end every attack before it meets them.
    os.environ["WHARF__RATE_LIMITS__PER_CALLER"] = "off"
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--target-dir", type=Path, default=HERE.parents[1] / "target" / "debug")
    p.add_argument("--only", default="", help="only the cases whose name contains this")
    options = p.parse_args()
    allow_many_files()
    report = Report()
    started = time.monotonic()
    every = cases(require_binary(options.target_dir / "wharf"))
    every += misbehaving_cases(require_binary(options.target_dir / "misbehaving"))
    chosen = [case for case in every if options.only in case.name]
    run_cases(chosen, report, jobs=2 * (os.cpu_count() or 1))
    report.note(f"took {time.monotonic() - started:.0f} s")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
