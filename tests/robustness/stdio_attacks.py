"""What is done to a server on stdin and stdout, in both eras."""
import json

from attacker import Child, message
from harness import check, check_equal

CALCULATE = {"name": "calculate", "arguments": {"expression": "6*7"}}


def served(child: Child, era: str) -> None:
    child.send(b"\n")  # an attack may have left half a line
    child.send(message(era, "after", "tools/call", CALCULATE))
    answer = child.read_until("after")
    check("42" in json.dumps(answer.get("result", {}).get("content")), "the next call is served", answer)


def line(sent: dict) -> bytes:
    return json.dumps(sent).encode() + b"\n"


def pipelined(child: Child, era: str) -> None:
    child.send(b"".join(line(message(era, n, "tools/call", CALCULATE)) for n in range(10_000)))
    answer = child.read_until(9_999)
    check("result" in answer, "the last of 10000 calls is answered", answer)


def unread(child: Child, era: str) -> None:
    """Asks for far more than it reads; the server reads no further, and goes on when it is read."""
    text = json.dumps(message(era, 1, "tools/list")).encode() + b"\n"
    child.send(text * 40_000, reading=False)


def long_line(child: Child, era: str) -> None:
    child.send(b"x" * (64 * 1024 * 1024) + b"\n")
    answer = child.read_until(None)
    check_equal(answer["error"]["code"], -32600, "code of a line of 64 MB")


def endless_line(child: Child, _era: str) -> None:
    child.send(b'{"jsonrpc":"2.0","id":1,"method":"')
    for _ in range(20):
        child.send(b"x" * 1_000_000)
    child.send(b'"}\n')
    child.read_until(None)


def deep_json(child: Child, era: str) -> None:
    deep = "[" * 100_000 + "1" + "]" * 100_000
    for n in range(20):
        sent = json.dumps(message(era, n, "tools/call", {"name": "calculate", "arguments": "DEEP"}))
        child.send(sent.replace('"DEEP"', deep).encode() + b"\n")
        check("error" in child.read_until(n), "a deep message is refused")


def hostile_text(child: Child, era: str) -> None:
    for n in range(200):
        child.send(b"\xff\xfe\n" + b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}\n'
                   + b'{"jsonrpc":"2.0","id":3,"m\xd0\xb5thod":"ping"}\n' + b"\0\0\0\n")
        child.send(message(era, f"n{n}", "tools/list"))
        check("result" in child.read_until(f"n{n}"), "served between hostile lines")


def long_uri(child: Child, era: str) -> None:
    for n in range(20):
        child.send(message(era, n, "resources/read", {"uri": "a://" + "A" * 1_000_000}))
        check("error" in child.read_until(n), "a URI of a megabyte is refused")


def cancel_races(child: Child, era: str) -> None:
    for n in range(2_000):
        note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": n}}
        child.send(line(message(era, n, "tools/call", CALCULATE)) + line(note))


def listen_flood(child: Child, era: str) -> None:
    if era == "legacy":
        for n in range(2_000):
            child.send(message(era, n, "resources/subscribe", {"uri": f"greeting://{n}"}))
        child.read_until(1_999)
        return
    for n in range(5_000):
        child.send(message(era, n, "subscriptions/listen", {"notifications": {"toolsListChanged": True}}))
    check("error" in child.read_until(4_999), "a listen stream past the bound is refused")


# The attack, and by how many MiB memory may grow while it goes on.
ATTACKS = [(pipelined, 16), (unread, 32), (long_line, 16), (endless_line, 16), (deep_json, 8), (hostile_text, 8),
           (long_uri, 12), (cancel_races, 8), (listen_flood, 24)]
# Attacks that leave something behind when they are not waited for, so that a signal finds them under way.
UNFINISHED = (unread, cancel_races)
