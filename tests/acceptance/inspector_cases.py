"""The MCP Inspector's command line over HTTP and stdio, in both eras.

Off by default (`--with-inspector`): each call starts a large Node program, and what it
covers the SDK clients cover too. It stays as the tool that people debug servers with.
"""
import json
from collections.abc import Callable
from functools import partial

from clients import Tools, run_program
from harness import Case, CheckFailed, check

TIMEOUT_S = 60


def cases(tools: Tools, http_url: str, stdio: list[str]) -> list[Case]:
    table: list[tuple[str, list[str], Callable[[dict], bool]]] = [
        ("list", ["--method", "tools/list"],
         lambda r: any(t["name"] == "test_simple_text" for t in r["tools"])),
        ("call", ["--method", "tools/call", "--tool-name", "test_simple_text", "--tool-args-json", "{}"],
         lambda r: r["content"][0]["text"] == "This is a simple text response for testing."),
        ("read", ["--method", "resources/read", "--uri", "test://static-text"],
         lambda r: "static text resource" in r["contents"][0]["text"]),
        ("prompt", ["--method", "prompts/get", "--prompt-name", "test_simple_prompt"],
         lambda r: "simple prompt" in json.dumps(r["messages"])),
    ]
    made = []
    for era in ("legacy", "modern"):
        targets = {"http": (["--server-url", http_url, "--transport", "http"], []), "stdio": ([], ["--", *stdio])}
        for transport, (before, after) in targets.items():
            for name, options, good in table:
                command = [str(tools.node22), str(tools.inspector), "--cli", *before, "--protocol-era", era, *options,
                           "--format", "json", "-q", *after]
                made.append(Case(f"everything inspector {transport} {era}: {name}", partial(inspect, command, good)))
    return made


def inspect(command: list[str], good: Callable[[dict], bool]) -> None:
    code, out, err = run_program(command, TIMEOUT_S)
    try:
        printed = json.loads(out)
    except ValueError:
        raise CheckFailed(f"no JSON (exit {code})\n{out[-2000:]}\n{err[-2000:]}") from None
    check(code == 0, f"exit code {code}", err[-2000:])
    check(good(printed.get("result", printed)), "unexpected result", printed)
