"""The small examples through the official Python client: each over HTTP and stdio, in both eras.

The table is all that knows what the examples are called and what they answer. The answer
to a form answers every question of a call: each takes the fields that it asked for.
"""
import json
import re
from dataclasses import dataclass
from functools import partial

from clients import Client
from everything_cases import text_of
from harness import Case, check, check_equal

ERAS = ("legacy", "modern")


@dataclass(frozen=True)
class Example:
    """One example, one call to it and a pattern that its text has to match."""

    name: str
    tool: str
    arguments: dict
    answer: str
    questions: tuple[str, ...] = ()
    elicit: dict | None = None
    read: str | None = None


EXAMPLES = (
    Example("sums", "add", {"a": 2, "b": 40}, r"^42$"),
    # The client reads after the call, so the note is there.
    Example("notes", "write_note", {"name": "tea", "text": "Green"}, r"^(wrote|replaced) note:///tea$", read="note:///tea"),
    Example("asking", "book_table", {}, r"^Table \d+ for 2 is booked, garden\.$",
            ("What kind of table", "Book a table for 2 on Friday?", "Where would you like to sit?"),
            {"persons": 2, "day": "friday", "confirmed": True, "choice": "garden"}),
    Example("shop", "order", {"order": "a-1", "article": "rope"}, r"^a-1: one rope$"),
)


def cases(client: Client, example: Example, url: str, binary: str) -> list[Case]:
    targets = {"http": [url], "stdio": ["--", binary]}
    return [Case(f"showcase {example.name} {client.name} {transport} {era}: {example.tool}",
                 partial(answers, client, target, era, example))
            for transport, target in targets.items() for era in ERAS]


def answers(client: Client, target: list[str], era: str, example: Example) -> None:
    options = ["--list", "tools,resources", "--call", example.tool, "--args", json.dumps(example.arguments)]
    if example.elicit:
        options += ["--elicit", json.dumps(example.elicit)]
    if example.read:
        options += ["--read", example.read]
    out = client.run(target, "--era", era, *options)
    check_equal(out["era"], era, "the negotiated era")
    check_equal(out["serverInfo"]["name"], example.name, "the server's name")
    check(example.tool in [tool["name"] for tool in out["tools"]], "the tool is not listed", out["tools"])
    check(re.search(example.answer, text_of(out["call"])), f"the answer does not match {example.answer}", out["call"])
    asked = [question["message"] for question in out.get("elicitations", [])]
    check_equal(len(asked), len(example.questions), f"questions: {asked}")
    for question, expected in zip(asked, example.questions):
        check(expected in question, f"asked something else than {expected!r}", question)
    if example.read:
        [content] = out["read"]["contents"]
        check_equal(content.get("text"), example.arguments["text"], "the text that was written")
