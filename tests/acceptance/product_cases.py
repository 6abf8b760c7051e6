"""The product `wharf` through the SDK clients: hosted servers over HTTP and single ones over stdio.

The table below is all that knows what the bundled servers are called and what they
answer; a new server adds a row.
"""
import json
import re
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from clients import CLIENT_TIMEOUT_S, REPOSITORY, Client, Tools, run_program
from everything_cases import ERAS, text_of
from harness import Case, check, check_equal
from servers import HttpServer


@dataclass(frozen=True)
class Call:
    """One call to one bundled server and a pattern that its text has to match."""

    server: str
    tool: str
    arguments: dict
    answer: str


CALLS = (
    Call("calculator", "calculate", {"expression": "2+2"}, r"\b4\b"),
    # In the repository's folder the demo serves the repository's own documents.
    Call("files", "read_file", {"path": "docs/CONFIG.md", "lines": 1}, r"# Configuration"),
    Call("database", "execute_query", {"query": "select count(*) as n from airports"}, r"\b[1-9][0-9]*\b"),
)


def cases(clients: list[Client], http: HttpServer, wharf: str) -> list[Case]:
    made = []
    for call in CALLS:
        targets = {"http": [http.url_of(call.server)], "stdio": ["--", wharf, "stdio", call.server]}
        for client in clients:
            for transport, target in targets.items():
                for era in ERAS:
                    name = f"wharf {call.server} {client.name} {transport} {era}: {call.tool}"
                    made.append(Case(name, partial(answers, client, target, era, call)))
    return made


def metrics_cases(tools: Tools, http: HttpServer, wharf: str) -> list[Case]:
    """What is scraped has to be what Prometheus's own parsers read."""
    forms = ("openmetrics", "prometheus")
    return [Case(f"wharf metrics {form}", partial(scraped, tools, http, wharf, form)) for form in forms]


def scraped(tools: Tools, http: HttpServer, wharf: str, form: str) -> None:
    for target in ("calculator", "database"):
        code, _, err = run_program([wharf, "list", http.url_of(target)], CLIENT_TIMEOUT_S)
        check_equal(code, 0, f"the exit code of wharf list\n{err}")
    url = urlsplit(http.url)._replace(path="/metrics").geturl()
    program = REPOSITORY / "tests" / "clients" / "python" / "scrape.py"
    code, out, err = run_program([str(tools.python), str(program), form, url], CLIENT_TIMEOUT_S)
    check_equal(code, 0, f"the exit code of the scraper\n{err}")
    read = json.loads(out)
    for family, kind in (("wharf_calls", "counter"), ("wharf_call_duration_seconds", "histogram"),
                         ("wharf_database_connections", "gauge"), ("process_cpu_seconds", "counter")):
        check_equal(read["families"].get(family), kind, f"the type of {family}")
    ended = {name: value for name, labels, value in read["samples"]
             if labels.get("method") == "server/discover" and labels["server"] == "calculator"
             and (name.endswith("_count") or labels.get("outcome") == "OK")}
    check_equal(len(ended), 2, "a counter and a histogram of server/discover")
    check(len(set(ended.values())) == 1, "the counter and the histogram differ", ended)


def answers(client: Client, target: list[str], era: str, call: Call) -> None:
    out = client.run(target, "--era", era, "--list", "tools", "--call", call.tool, "--args", json.dumps(call.arguments))
    check_equal(out["era"], "legacy" if era == "legacy" else "modern", "the negotiated era")
    [tool] = [t for t in out["tools"] if t["name"] == call.tool] or [None]
    check(tool, f"{call.tool} is not listed", [t["name"] for t in out["tools"]])
    check(tool.get("description"), f"{call.tool} has no description", tool)
    check(set(call.arguments) <= set(tool["inputSchema"]["properties"]), "the schema lacks an argument", tool)
    check(re.search(call.answer, text_of(out["call"])), f"the answer does not match {call.answer}", out["call"])
