#!/usr/bin/env python3
"""The two benchmark tools on FastMCP, on uvicorn with uvloop and httptools.

usage: server.py --listen 127.0.0.1:0 [--json] | --stdio
"""
import socket
import sys

from fastmcp import FastMCP

server = FastMCP("bench")


@server.tool
def add(a: int, b: int) -> str:
    """Add two integers"""
    return str(a + b)


@server.tool
def echo(text: str) -> str:
    """Echo text"""
    return text


def serve_http(address: str, **options: bool) -> None:
    import uvicorn

    host, port = address.rsplit(":", 1)
    listener = socket.create_server((host, int(port)))
    config = uvicorn.Config(server.http_app(path="/mcp", **options), log_level="error", access_log=False,
                            loop="uvloop", http="httptools")
    print(f"listening on http://{host}:{listener.getsockname()[1]}/mcp", file=sys.stderr, flush=True)
    uvicorn.Server(config).run(sockets=[listener])


match sys.argv[1:]:
    case ["--listen", address]:
        serve_http(address)
    case ["--listen", address, "--json"]:
        serve_http(address, json_response=True, stateless_http=True)
    case ["--stdio"]:
        server.run(transport="stdio", show_banner=False)
    case _:
        sys.exit(__doc__)
