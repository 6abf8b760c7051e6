"""A client that misbehaves on purpose, byte by byte, and the view from outside on the server that it attacks.

No SDK and no HTTP library here: both refuse to send what these attacks consist of.
"""
import json
import os
import resource
import socket
import subprocess
import time
from urllib.parse import urlsplit

PATIENCE_S = 30
MIB = 1024 * 1024
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def allow_many_files() -> int:
    """Raises this process's limit of open files as far as it goes; children inherit it. Returns the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1_000_000


def rss_bytes(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    raise OSError(f"/proc/{pid}/status has no VmRSS")


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def message(era: str, request_id: object, method: str, params: dict | None = None) -> dict:
    params = dict(params or {})
    if era == "modern":
        params.setdefault("_meta", META)
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def initialize(revision: str = "2025-11-25") -> dict:
    client = {"name": "attacker", "version": "1"}
    return message("legacy", 0, "initialize", {"protocolVersion": revision, "capabilities": {}, "clientInfo": client})


def post(path: str, body: bytes, headers: dict | None = None, close: bool = False) -> bytes:
    head = {"Host": "localhost", "Accept": "application/json, text/event-stream", "Content-Type": "application/json",
            "Content-Length": str(len(body)), **(headers or {})}
    if close:
        head["Connection"] = "close"
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value is not None)
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def mirrored(sent: dict) -> dict:
    """The headers of 2026-07-28 that repeat the body."""
    params = sent.get("params", {})
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": sent["method"]}
    name = params.get("name") or params.get("uri")
    return {**headers, "Mcp-Name": name} if name else headers


class Target:
    """One endpoint over HTTP."""

    def __init__(self, url: str, pid: int):
        parts = urlsplit(url)
        self.address = (parts.hostname, parts.port)
        self.path = parts.path
        self.pid = pid

    def connect(self) -> socket.socket:
        s = socket.create_connection(self.address, PATIENCE_S)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def request(self, sent: dict, session: str | None = None, close: bool = False) -> bytes:
        modern = "_meta" in sent.get("params", {})
        headers = mirrored(sent) if modern else {}
        if session:
            headers["Mcp-Session-Id"] = session
        return post(self.path, json.dumps(sent).encode(), headers, close)

    def exchange(self, data: bytes) -> tuple[int, dict, bytes]:
        """Sends bytes on a connection of their own; status, headers and body of the first response."""
        with self.connect() as s:
            try:
                s.sendall(data)
            except OSError:
                pass  # refused before it was all sent: the answer says why
            return read_response(s)

    def ask(self, sent: dict, session: str | None = None) -> dict:
        status, headers, body = self.exchange(self.request(sent, session, close=True))
        if headers.get("content-type") == "text/event-stream":
            body = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")][-1]
        return {"status": status, **json.loads(body)}

    def begin_session(self) -> str | None:
        _, headers, _ = self.exchange(self.request(initialize(), close=True))
        return headers.get("mcp-session-id")


def read_response(s: socket.socket) -> tuple[int, dict, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        try:
            chunk = s.recv(65536)
        except ConnectionError:
            chunk = b""
        if not chunk:
            return (0, {}, data)
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
    status = int(lines[0].split(" ")[1])
    if "content-length" in headers:
        while len(rest) < int(headers["content-length"]):
            chunk = s.recv(65536)
            if not chunk:
                break
            rest += chunk
    elif "transfer-encoding" in headers:
        while not rest.endswith(b"0\r\n\r\n"):
            chunk = s.recv(65536)
            if not chunk:
                break
            rest += chunk
    return status, headers, rest


class Child:
    """A stdio server."""

    def __init__(self, command: list[str]):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, bufsize=0)
        self.pid = self.process.pid
        self.buffer = bytearray()

    def send(self, data: bytes | dict, reading: bool = True) -> None:
        """Sends it all, and reads meanwhile, as a good client does. Without `reading`, what the server no longer takes is
        dropped: it may wait for its client to read."""
        if isinstance(data, dict):
            data = json.dumps(data).encode() + b"\n"
        view, end = memoryview(data), time.monotonic() + PATIENCE_S
        os.set_blocking(self.process.stdin.fileno(), False)
        while view:
            try:
                view = view[os.write(self.process.stdin.fileno(), view):]
                end = time.monotonic() + (PATIENCE_S if reading else 1)
            except BlockingIOError:
                if reading and self.read():
                    continue
                if time.monotonic() > end:
                    if reading:
                        raise TimeoutError("the server reads no more") from None
                    return
                time.sleep(0.002)

    def read(self) -> bool:
        """Takes what is there."""
        os.set_blocking(self.process.stdout.fileno(), False)
        try:
            chunk = os.read(self.process.stdout.fileno(), 1 << 20)
        except BlockingIOError:
            return False
        if not chunk:
            raise EOFError("the server ended")
        self.buffer.extend(chunk)
        return True

    def read_until(self, request_id: object) -> dict:
        """The message with that id; everything before it is dropped."""
        end, start = time.monotonic() + PATIENCE_S, 0
        while time.monotonic() < end:
            stop = self.buffer.find(b"\n", start)
            if stop < 0:
                del self.buffer[:start]
                start = 0
                if not self.read():
                    time.sleep(0.002)
                continue
            found = json.loads(self.buffer[start:stop])
            start = stop + 1
            if isinstance(found, dict) and found.get("id") == request_id:
                del self.buffer[:start]
                return found
        raise TimeoutError(f"no answer to {request_id!r}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
