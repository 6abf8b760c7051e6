"""What is done to a listener. Each attack leaves something open where it can, so that the signal comes in the middle of it.

An attack gets a `Target` and returns what it holds; it raises `CheckFailed` when an answer is wrong.
"""
import json
import socket
import threading

from attacker import META, PATIENCE_S, Target, allow_many_files, message, mirrored, post, read_response
from harness import check, check_equal

CALCULATE = {"name": "calculate", "arguments": {"expression": "6*7"}}
# Runs until its work budget or its deadline ends it, in a thread of its own.
NEVER = {"name": "execute_query", "arguments": {
    "query": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"}}


def served(target: Target) -> None:
    """The next client is served, in both eras."""
    for era in ("modern", "legacy"):
        answer = target.ask(message(era, 1, "tools/call", CALCULATE))
        check("42" in json.dumps(answer.get("result", {}).get("content")), f"the next {era} client is served", answer)


def long_calls(target: Target) -> list:
    held = []
    for era in ("modern", "legacy"):
        for n in range(20):
            s = target.connect()
            database = Target(f"http://{target.address[0]}:{target.address[1]}/mcp/database", target.pid)
            s.sendall(database.request(message(era, n, "tools/call", NEVER)))
            held.append(s)
    return held


def pipelined(target: Target) -> list:
    """10,000 calls on one connection of each era; the answers are read only afterwards, as far as they come."""
    held = []
    for era in ("modern", "legacy"):
        session = target.begin_session() if era == "legacy" else None
        one = [target.request(message(era, n, "tools/call", CALCULATE), session) for n in range(10_000)]
        s = target.connect()
        data = b"".join(one)
        sending = threading.Thread(target=send_all, args=(s, data), daemon=True)
        sending.start()
        seen, text = 0, b""
        while seen < 10_000:
            chunk = s.recv(1 << 20)
            check(chunk, f"the connection ended after {seen} of 10000 answers")
            text = text[-11:] + chunk
            seen += text.count(b"HTTP/1.1 200") - text[:11].count(b"HTTP/1.1 200")
        held.append(s)
    return held


def send_all(s: socket.socket, data: bytes) -> None:
    try:
        s.sendall(data)
    except OSError:
        pass  # the server has ended, which the attack may be about


def unread_answers(target: Target) -> list:
    """Clients that ask for megabytes and read nothing."""
    held = []
    for era in ("modern", "legacy"):
        data = b"".join(target.request(message(era, n, "tools/list")) for n in range(2_000))
        for _ in range(20):
            s = target.connect()
            s.setblocking(False)
            try:
                s.send(data)
            except BlockingIOError:
                pass
            held.append(s)
    return held


def idle_connections(target: Target) -> list:
    """5,000, or what the limit of open files allows of it: both ends are files of this machine."""
    count = min(5_000, allow_many_files() - 500)
    check(count >= 400, f"the limit of open files allows only {count} connections")
    held = [target.connect() for _ in range(count)]
    for s in held[::100]:
        s.sendall(target.request(message("modern", 1, "tools/call", CALCULATE)))
        check(s.recv(65536).startswith(b"HTTP/1.1 200"), "a connection among many is served")
    return held


def slow_heads(target: Target) -> list:
    held = []
    for _ in range(300):
        s = target.connect()
        s.sendall(f"POST {target.path} HTTP/1.1\r\nHost: local".encode())
        held.append(s)
    return held


def slow_bodies(target: Target) -> list:
    held = []
    for era in ("modern", "legacy"):
        data = target.request(message(era, 1, "tools/call", CALCULATE))
        for _ in range(150):
            s = target.connect()
            s.sendall(data[:-5])
            held.append(s)
    return held


def long_uris(target: Target) -> list:
    uri = "a://" + "A" * 1_000_000
    for _ in range(20):
        answer = target.ask(message("legacy", 1, "resources/read", {"uri": uri}))
        check_equal(answer["error"]["code"], -32002, "code of an unknown resource")
        # As a header and as a request line it is refused with the head, or cut off.
        for data in (target.request(message("modern", 1, "resources/read", {"uri": uri})),
                     f"GET /{uri} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()):
            status, _, _ = target.exchange(data)
            check(status in (0, 400, 414, 431), "status of a head of a megabyte", status)
    return []


def deep_json(target: Target) -> list:
    deep = "[" * 100_000 + "1" + "]" * 100_000
    for era in ("modern", "legacy"):
        sent = message(era, 1, "tools/call", {"name": "calculate", "arguments": "DEEP"})
        for _ in range(20):
            headers = mirrored(sent) if era == "modern" else {}
            body = json.dumps(sent).replace('"DEEP"', deep).encode()
            status, _, answer = target.exchange(post(target.path, body, headers))
            check(status in (200, 400) and b'"error"' in answer and len(answer) < 5_000, "a deep message", status)
    return []


def large_bodies(target: Target) -> list:
    """64 MB: announced, which is refused at once, and in chunks, which is refused at the limit."""
    big = b"x" * (64 * 1024 * 1024)
    status, _, _ = target.exchange(post(target.path, b"", {"Content-Length": str(len(big))}))
    check_equal(status, 413, "status of an announced body of 64 MB")
    for _ in range(3):
        chunked = post(target.path, b"", {"Content-Length": None, "Transfer-Encoding": "chunked"})
        data = chunked + f"{len(big):x}\r\n".encode() + big + b"\r\n0\r\n\r\n"
        status, _, _ = target.exchange(data)
        # The server closes without reading the rest, so the answer may be lost with it.
        check(status in (0, 413), "status of a chunked body of 64 MB", status)
    return []


def hostile_text(target: Target) -> list:
    """Text that is no UTF-8, and keys and ids that two parsers read differently."""
    call = json.dumps(message("modern", 1, "tools/call", CALCULATE))
    cases = [(call.replace("6*7", "\xff\xfe").encode("latin-1"), -32700),
             (call.replace('"id": 1', '"id": 1, "id": 2').encode(), -32600),
             (call.replace('"method"', '"m\u0435thod"').encode(), -32600),
             (call.replace('"name"', '"name": "x", "name"').encode(), -32602),
             (call.replace('"_meta"', '"_Meta"').encode(), -32602)]
    for _ in range(40):
        for body, code in cases:
            headers = mirrored(message("modern", 1, "tools/call", CALCULATE))
            _, _, answer = target.exchange(post(target.path, body, headers))
            check_equal(json.loads(answer)["error"]["code"], code, f"answer to {body[:80]!r}")
    return []


def cancel_races(target: Target) -> list:
    """Calls and their cancellations at the same moment: an answer, or a stream without one."""
    database = Target(f"http://{target.address[0]}:{target.address[1]}/mcp/database", target.pid)
    session = database.begin_session()
    for n in range(100):
        with database.connect() as calling, database.connect() as cancelling:
            query = {"name": "execute_query", "arguments": {"query": "SELECT 42"}} if n % 2 else NEVER
            calling.sendall(database.request(message("legacy", n, "tools/call", query), session, close=True))
            note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": n}}
            while True:
                cancelling.sendall(database.request(note, session))
                check(cancelling.recv(65536).startswith(b"HTTP/1.1 202"), "a cancellation is taken in")
                calling.settimeout(0.02)
                try:
                    text = calling.recv(65536)
                    break
                except TimeoutError:
                    continue  # it came before its call
            calling.settimeout(PATIENCE_S)
            while chunk := calling.recv(65536):
                text += chunk
            check(text.startswith(b"HTTP/1.1 200"), "a cancelled call ends well", text[:200].decode("latin-1"))
            check(text.count(b'"jsonrpc"') <= 1, "no call is answered twice", text[:500].decode("latin-1"))
    return []


def session_floods(target: Target) -> list:
    """Three times as many as are allowed; the ones past the bound are refused."""
    statuses: dict[int, int] = {}
    with target.connect() as s:
        for _ in range(1_500):
            s.sendall(target.request(message("legacy", 0, "initialize", {
                "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}})))
            status, _, _ = read_response(s)
            statuses[status] = statuses.get(status, 0) + 1
    check_equal(statuses, {200: 500, 503: 1_000}, "statuses of 1500 initialize")
    return []


def listen_floods(target: Target) -> list:
    held = []
    params = {"notifications": {"toolsListChanged": True}, "_meta": META}
    for n in range(1_000):
        s = target.connect()
        s.sendall(target.request(message("modern", n, "subscriptions/listen", params)))
        held.append(s)
    for s in held:
        check(b"text/event-stream" in s.recv(65536), "a listen stream opens")
    return held


def unread_streams(target: Target) -> list:
    """Streams of changes in sessions, none of which is read."""
    held = []
    for _ in range(300):
        session = target.begin_session()
        s = target.connect()
        s.sendall(f"GET {target.path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                  f"Mcp-Session-Id: {session}\r\n\r\n".encode())
        held.append(s)
    return held


# The attack, and by how many MiB memory may grow while it goes on: about three times what it does, where that is not little.
ATTACKS = [
    (long_calls, 16), (pipelined, 16), (unread_answers, 16), (idle_connections, 128), (slow_heads, 24),
    (slow_bodies, 24), (long_uris, 16), (deep_json, 8), (large_bodies, 24), (hostile_text, 8), (cancel_races, 16),
    (session_floods, 16), (listen_floods, 64), (unread_streams, 24),
]
