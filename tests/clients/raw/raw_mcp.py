#!/usr/bin/env python3
"""One raw MCP request over Streamable HTTP, standard library only.

It exists for what the SDK clients hide: status codes, headers, error bodies,
malformed requests and extension methods. It never repairs an answer: what the
server sent is what is printed.

usage: raw_mcp.py [options] URL METHOD [PARAMS_JSON]
  raw_mcp.py URL server/discover
  raw_mcp.py URL tools/call '{"name":"slow_compute","arguments":{"seconds":1}}' --ext io.modelcontextprotocol/tasks
  raw_mcp.py URL subscriptions/listen '{"notifications":{"toolsListChanged":true}}' --seconds 2
  raw_mcp.py URL tools/list --header 'Origin: http://evil.example'

Correct 2026-07-28 headers and _meta are made up; --header overrides or adds a header,
--drop-header removes one, --no-meta leaves _meta out, --body replaces the whole body.
Prints {"status","headers","messages":[...]}; exit 0 on HTTP 2xx, else 1.
"""
import argparse
import base64
import http.client
import json
import re
import sys
import time
from urllib.parse import urlparse

NAMED_METHODS = ("tools/call", "prompts/get", "resources/read", "tasks/get", "tasks/update", "tasks/cancel")
PLAIN_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


def parse_options(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("url")
    p.add_argument("method")
    p.add_argument("params", nargs="?", default="{}")
    p.add_argument("--version", default="2026-07-28")
    p.add_argument("--id", default="1")
    p.add_argument("--caps", default="{}", help="clientCapabilities JSON")
    p.add_argument("--ext", action="append", default=[], help="advertise this extension")
    p.add_argument("--token")
    p.add_argument("--header", action="append", default=[], metavar="'K: V'")
    p.add_argument("--drop-header", action="append", default=[], metavar="K")
    p.add_argument("--meta", default="{}")
    p.add_argument("--no-meta", action="store_true")
    p.add_argument("--body", help="send this instead of a made-up request")
    p.add_argument("--http", default="POST", help="HTTP method; anything but POST goes without a body")
    p.add_argument("--seconds", type=float, default=20, help="read a stream at most this long")
    return p.parse_args(argv)


def header_value(text):
    """The specification's header encoding: plain when it can be, base64 otherwise."""
    if PLAIN_HEADER_VALUE.fullmatch(text) and not text.startswith("=?base64?"):
        return text
    return "=?base64?" + base64.b64encode(text.encode()).decode() + "?="


def request_params(o):
    params = json.loads(o.params)
    if o.no_meta:
        return params
    caps = json.loads(o.caps)
    for extension in o.ext:
        caps.setdefault("extensions", {})[extension] = {}
    params["_meta"] = {
        "io.modelcontextprotocol/protocolVersion": o.version,
        "io.modelcontextprotocol/clientCapabilities": caps,
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1.0"},
        **json.loads(o.meta),
        **params.get("_meta", {}),
    }
    return params


def request_headers(o, params):
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": o.version,
        "Mcp-Method": o.method,
    }
    name = params.get("name") or params.get("uri") or params.get("taskId")
    if name and o.method in NAMED_METHODS:
        headers["Mcp-Name"] = header_value(name)
    if o.token:
        headers["Authorization"] = f"Bearer {o.token}"
    for line in o.header:
        key, value = line.split(":", 1)
        headers = {k: v for k, v in headers.items() if k.lower() != key.strip().lower()}
        headers[key.strip()] = value.strip()
    dropped = {d.lower() for d in o.drop_header}
    return {k: v for k, v in headers.items() if k.lower() not in dropped}


def send(o, headers, body):
    u = urlparse(o.url)
    connect = http.client.HTTPSConnection if u.scheme == "https" else http.client.HTTPConnection
    connection = connect(u.netloc, timeout=o.seconds)
    own_host = any(k.lower() == "host" for k in headers)
    path = (u.path or "/") + (f"?{u.query}" if u.query else "")
    connection.putrequest(o.http, path, skip_host=own_host)
    for key, value in headers.items():
        connection.putheader(key, value)
    raw = (body or "").encode()
    connection.putheader("Content-Length", str(len(raw)))
    connection.endheaders(raw)
    return connection


def read_stream(response, messages, seconds):
    """Appends each SSE message until the stream or the time ends."""
    deadline = time.monotonic() + seconds
    data = []
    while line := response.readline():
        line = line.decode().rstrip("\r\n")
        if line.startswith("data:"):
            data.append(line[5:].strip())
        elif not line and data:
            if "".join(data):
                messages.append(json.loads("\n".join(data)))
            data = []
        if time.monotonic() > deadline:
            break


def exchange(o):
    params = request_params(o)
    headers = request_headers(o, params)
    request_id = int(o.id) if o.id.lstrip("-").isdigit() else o.id
    body = o.body
    if body is None:
        body = json.dumps({"jsonrpc": "2.0", "id": request_id, "method": o.method, "params": params})
    connection = send(o, headers, body if o.http == "POST" else None)
    out = {"messages": []}
    try:
        response = connection.getresponse()
        out = {"status": response.status, "headers": {k.lower(): v for k, v in response.getheaders()}, "messages": []}
        if "text/event-stream" in out["headers"].get("content-type", ""):
            read_stream(response, out["messages"], o.seconds)
        else:
            text = response.read().decode()
            try:
                out["messages"] = [json.loads(text)] if text else []
            except ValueError:
                out["text"] = text
    except TimeoutError:
        out["timeout"] = True
    return out


def main():
    out = exchange(parse_options(sys.argv[1:]))
    print(json.dumps(out, indent=1))
    sys.exit(0 if 200 <= out.get("status", 599) < 300 else 1)


if __name__ == "__main__":
    main()
