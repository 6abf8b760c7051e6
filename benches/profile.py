#!/usr/bin/env python3
"""Where the instructions of one `tools/call` go: the one command.

usage: benches/profile.py                            prints the tables (about five minutes)
       benches/profile.py --write docs/benchmarks.md
       benches/profile.py --functions                also the functions that cost most

Counts with valgrind's callgrind the instructions of a whole process that serves calls over one
connection of the loopback interface, once with few calls and once with many; the difference,
divided by the calls between, is what one call costs. Instructions of the kernel are not in it.
The count does not depend on what else the machine does. Needs valgrind, Rust and Python 3.11.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BENCHES = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", BENCHES / "target")).resolve()
BEGIN = "<!-- profile: written by benches/profile.py -->"
END = "<!-- end of profile -->"
FEW, MANY = 200, 1200
LARGE = str(1 << 20)
# Innermost first, as `wharf::profiling::LAYERS`.
LAYERS = ("kept results", "response budget", "idempotency", "validate", "rate limit", "authorize", "concurrency",
          "timeout", "catch panic", "record", "trace")


def instructions(arguments: list[str], calls: int, out: str = os.devnull) -> int:
    server, *options = arguments
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", str(TARGET / "release" / "profile"),
               server, str(calls), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-1000:]}")
    return int(found.group(1))


def per_call(arguments: list[str]) -> int:
    few, many = (4, 24) if LARGE in arguments else (FEW, MANY)
    return round((instructions(arguments, many) - instructions(arguments, few)) / (many - few))


def runs() -> dict[str, list[str]]:
    """Every run by its name."""
    named = {}
    for era, options in (("modern", []), ("legacy", ["--legacy"])):
        for server in ("answer", "hyper", "axum"):
            named[f"{era} {server}"] = [server, *options]
        for count in range(len(LAYERS) + 1):
            named[f"{era} {count}"] = ["wharf", *options, "--layers", str(count)]
    named |= {"sinks": ["wharf", "--sinks"], "rate limit": ["wharf", "--rate-limit"], "kept": ["wharf", "--kept"],
              "tools": ["wharf", "--tools", "998"]}
    named |= {f"large {server}": [server, "--size", LARGE] for server in ("hyper", "axum", "wharf")}
    return named


def table(cost: dict[str, int]) -> list[str]:
    whole = str(len(LAYERS))
    columns = [cost[f"modern {whole}"], cost[f"legacy {whole}"]]
    lines = ["| what | 2026-07-28 | share | 2025-11-25 session | share |", "| --- | ---: | ---: | ---: | ---: |"]

    def row(name: str, values: list[int]) -> None:
        cells = [cell for value, total in zip(values, columns) for cell in (f"{value:,}", f"{100 * value / total:.1f} %")]
        lines.append(f"| {name} | {' | '.join(cells)} |")

    def step(name: str, after: str, before: str) -> None:
        row(name, [cost[f"{era} {after}"] - cost[f"{era} {before}"] for era in ("modern", "legacy")])

    row("the client, tokio and the sockets", [cost["modern answer"], cost["legacy answer"]])
    step("hyper and the bare handler (JSON read and written)", "hyper", "answer")
    step("Wharf without layers: connection, host and origin, session, envelope, headers, tool, answer", "0", "hyper")
    for count, layer in enumerate(LAYERS, start=1):
        step(f"layer: {layer}", str(count), str(count - 1))
    row("**all of it**", columns)
    row("for comparison: the bare handler on hyper", [cost["modern hyper"], cost["legacy hyper"]])
    row("for comparison: the bare handler on axum", [cost["modern axum"], cost["legacy axum"]])
    return lines


def extras(cost: dict[str, int]) -> list[str]:
    plain = cost[f"modern {len(LAYERS)}"]
    lines = ["| what an option adds, 2026-07-28 | instructions |", "| --- | ---: |"]
    for name, key in (("a metrics and an audit sink", "sinks"), ("a rate limit for each caller", "rate limit"),
                      ("a kept result, found", "kept"), ("1,000 tools instead of two", "tools")):
        lines.append(f"| {name} | {cost[key] - plain:+,} |")
    lines += ["", "| an argument and an answer of 1 MiB | instructions | × the bare handler on axum |",
              "| --- | ---: | ---: |"]
    for name, key in (("the bare handler on hyper", "large hyper"), ("the bare handler on axum", "large axum"),
                      ("Wharf with all layers", "large wharf")):
        lines.append(f"| {name} | {cost[key]:,} | {cost[key] / cost['large axum']:.2f}× |")
    return lines


def functions() -> list[str]:
    with tempfile.NamedTemporaryFile() as out:
        instructions(["wharf"], MANY, out.name)
        text = subprocess.run(["callgrind_annotate", "--threshold=80", out.name], capture_output=True, text=True).stdout
    rows = re.findall(r"^\s*([\d,]+) \(\s*([\d.]+)%\)\s+\S+?:(.+?)(?: \[.*)?$", text, re.MULTILINE)
    return [f"{share:>6} %  {name}" for _, share, name in rows]


def write(path: Path, text: str) -> None:
    page = path.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no lines `{BEGIN}` and `{END}`")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--no-build", action="store_true")
    p.add_argument("--functions", action="store_true", help="also print the functions that cost most")
    p.add_argument("--write", type=Path, help="also write the tables into this page, between its markers")
    o = p.parse_args()
    if shutil.which("valgrind") is None:
        p.error("valgrind is missing (Debian: valgrind)")
    if not o.no_build:
        subprocess.run(["cargo", "build", "--release", "-p", "profile"], cwd=BENCHES, check=True)
    named = runs()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        cost = dict(zip(named, pool.map(per_call, named.values())))
    text = "\n".join([*table(cost), "", *extras(cost)]) + "\n"
    print(text)
    if o.functions:
        print("\n".join(functions()))
    if o.write:
        write(o.write, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
