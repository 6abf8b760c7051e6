"""Calls of tools that misbehave themselves, and what only a server with several callers can show: over HTTP and stdio, in both
eras, each with the signal in the middle of it.

The server is `tests/robustness/server`. An attack over HTTP returns the connections that it holds open, with calls under way.
"""
import json
import socket

from attacker import Child, Target, message, read_response
from harness import check, check_equal

ANSWER = {"name": "answer", "arguments": {}}
PANICS = {"name": "panics", "arguments": {}}
NEVER = {"name": "never", "arguments": {}}


def blocks(milliseconds: int) -> dict:
    return {"name": "blocks", "arguments": {"milliseconds": milliseconds}}


def code(answer: dict) -> str:
    return answer.get("result", {}).get("structuredContent", {}).get("code", "")


def http_served(target: Target) -> None:
    for era in ("modern", "legacy"):
        answer = target.ask(message(era, 1, "tools/call", ANSWER))
        check("42" in json.dumps(answer.get("result", {}).get("content")), f"the next {era} client is served", answer)


def stdio_served(child: Child, era: str) -> None:
    child.send(message(era, "after", "tools/call", ANSWER))
    answer = child.read_until("after")
    check("42" in json.dumps(answer.get("result", {}).get("content")), "the next call is served", answer)


def held_call(target: Target, era: str, request_id: int, call: dict, session: str | None = None) -> socket.socket:
    s = target.connect()
    s.sendall(target.request(message(era, request_id, "tools/call", call), session))
    return s


def http_panics(target: Target) -> list[socket.socket]:
    """Each is answered, and hundreds more are under way when the signal comes."""
    held = []
    for era in ("modern", "legacy"):
        session = target.begin_session() if era == "legacy" else None
        for n in range(300):
            answer = target.ask(message(era, n, "tools/call", PANICS), session)
            check_equal(code(answer), "INTERNAL_ERROR", f"a panic in the {era} era")
            check("as it was told to" not in json.dumps(answer), "a panic's text stays inside", answer)
        many = b"".join(target.request(message(era, n, "tools/call", PANICS), session) for n in range(300))
        s = target.connect()
        s.sendall(many)
        held.append(s)
    return held


def http_never(target: Target) -> list[socket.socket]:
    sessions = {"modern": None, "legacy": target.begin_session()}
    return [held_call(target, era, n, NEVER, session) for era, session in sessions.items() for n in range(100)]


def http_blocks(target: Target) -> list[socket.socket]:
    """One worker is taken at a time, first by one era and then by the other; the others go on."""
    held = []
    for era in ("modern", "legacy"):
        for _ in range(3):
            with held_call(target, era, 1, blocks(200)) as blocked:
                http_served(target)
                check_equal(read_response(blocked)[0], 200, "status of a call that blocked")
        held.append(held_call(target, era, 2, blocks(700)))
        if era == "modern":
            http_served(target)
            check_equal(read_response(held[0])[0], 200, "status of a call that blocked")
    return held


def http_duplicate_ids(target: Target) -> list[socket.socket]:
    """An id that runs in a session is refused there, and is nobody else's business."""
    session, other = target.begin_session(), target.begin_session()
    held = [held_call(target, "legacy", 7, NEVER, session)]
    held += [held_call(target, "legacy", 7, NEVER, other), held_call(target, "modern", 7, NEVER)]
    refused = 0
    for _ in range(200):
        # The first may not have arrived when the second does; then it is the second that runs.
        s = held_call(target, "legacy", 7, NEVER, session)
        s.settimeout(0.2)
        try:
            refused += b'"error"' in s.recv(65536)
            s.close()
        except TimeoutError:
            held.append(s)
    check(refused >= 199, "an id in use is refused", refused)
    for era in ("modern", "legacy"):
        check("result" in target.ask(message(era, 7, "tools/call", ANSWER)), f"the same id without a session, {era}")
    return held


def http_foreign_sessions(target: Target) -> list[socket.socket]:
    """Another caller can do nothing with a session, and its owner's calls go on. 2026-07-28 has none to take."""
    session = target.begin_session()
    held = [held_call(target, "legacy", n, NEVER, session) for n in range(20)]
    as_mallory = b"Authorization: Bearer mallory\r\nHost:"
    for n in range(200):
        note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": n % 20}}
        for sent in (message("legacy", 1, "tools/call", ANSWER), message("legacy", 1, "ping"), note):
            data = target.request(sent, session, close=True).replace(b"Host:", as_mallory, 1)
            check_equal(target.exchange(data)[0], 404, "status of a foreign session")
        for method in (b"DELETE", b"GET"):
            data = target.request(note, session, close=True).replace(b"POST", method, 1)
            check_equal(target.exchange(data.replace(b"Host:", as_mallory, 1))[0], 404, "status of a foreign session")
        # There a session means nothing, neither its own nor another's.
        modern = target.request(message("modern", 1, "tools/call", ANSWER), session, close=True)
        check_equal(target.exchange(modern.replace(b"Host:", as_mallory, 1))[0], 200, "status without sessions")
    check("result" in target.ask(message("legacy", 99, "ping"), session), "the owner still has it")
    return held


def stdio_panics(child: Child, era: str) -> None:
    for n in range(300):
        child.send(message(era, n, "tools/call", PANICS))
    for n in range(300):
        check_equal(code(child.read_until(n)), "INTERNAL_ERROR", "a panic")
    for n in range(300, 600):
        child.send(message(era, n, "tools/call", PANICS))


def stdio_never(child: Child, era: str) -> None:
    for n in range(100):
        child.send(message(era, n, "tools/call", NEVER))


def stdio_blocks(child: Child, era: str) -> None:
    """Blocks its own connection, and loses nothing."""
    for n in range(3):
        child.send(message(era, n, "tools/call", blocks(100)))
    for n in range(3):
        check("result" in child.read_until(n), "a call that blocked is answered")
    child.send(message(era, 3, "tools/call", blocks(700)))


def stdio_duplicate_ids(child: Child, era: str) -> None:
    child.send(message(era, 7, "tools/call", NEVER))
    for _ in range(1_000):
        child.send(message(era, 7, "tools/call", ANSWER))
    for _ in range(1_000):
        check("error" in child.read_until(7), "an id in use is refused")


def stdio_session_flood(child: Child, era: str) -> None:
    """Handshake after handshake on one connection: each ends the one before."""
    begin = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    for n in range(5_000):
        child.send(message("legacy", n, "initialize", begin))
    check("result" in child.read_until(4_999), "the last handshake is answered")
    child.send(message(era, 5_000, "tools/call", NEVER))


# The attack, and by how many MiB memory may grow while it goes on.
HTTP_ATTACKS = [(http_panics, 16), (http_never, 16), (http_blocks, 8), (http_duplicate_ids, 16),
                (http_foreign_sessions, 8)]
STDIO_ATTACKS = [(stdio_panics, 8), (stdio_never, 8), (stdio_blocks, 8), (stdio_duplicate_ids, 8),
                 (stdio_session_flood, 16)]
