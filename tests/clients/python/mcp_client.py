#!/usr/bin/env python3
"""Headless MCP acceptance client on the official Python SDK (`mcp`, pinned in requirements.txt).

A client that nobody here wrote has to understand the server; this file only turns
command line options into its calls and prints what it reports. It asserts nothing.

usage: mcp_client.py [options] URL
       mcp_client.py [options] -- COMMAND [ARG...]

Prints one JSON object on stdout. The same options, output keys and exit codes as
../typescript/mcp_client.mjs (official TypeScript client).

exit: 0 ok | 1 tool result isError | 2 JSON-RPC error | 3 connect/transport error
      4 HTTP 401/403 | 64 usage
"""
import argparse
import json
import sys
import warnings

import anyio
import httpx2
import mcp_types as types
from mcp import Client, MCPError
from mcp.client import advertise
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

warnings.filterwarnings("ignore")
MODERN = "2026-07-28"


def dump(model):
    return model.model_dump(by_alias=True, exclude_none=True, mode="json")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(64, f"{self.prog}: {message}\n")


def parse(argv):
    p = Parser(add_help=True, description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--era", choices=["auto", "legacy", "modern"], default="auto",
                   help="auto = server/discover then fall back; legacy = initialize; modern = 2026-07-28 only")
    p.add_argument("--token", help="bearer token")
    p.add_argument("--client-id", help="OAuth client_credentials: found by 401 -> PRM -> AS metadata")
    p.add_argument("--client-secret")
    p.add_argument("--scope")
    p.add_argument("--issuer", help="pin the authorization server of --client-id")
    p.add_argument("--header", action="append", default=[], metavar="'K: V'")
    p.add_argument("--env", action="append", default=[], metavar="K=V", help="for a command")
    p.add_argument("--cwd")
    p.add_argument("--timeout", type=float, default=20.0)
    p.add_argument("--list", default="", help="comma list of tools,resources,templates,prompts (or: all)")
    p.add_argument("--call", metavar="TOOL")
    p.add_argument("--args", default="{}", metavar="JSON")
    p.add_argument("--read", metavar="URI")
    p.add_argument("--prompt", metavar="NAME")
    p.add_argument("--prompt-args", default="{}", metavar="JSON")
    p.add_argument("--meta", default=None, metavar="JSON", help="extra _meta for --call, e.g. traceparent")
    p.add_argument("--progress", action="store_true", help="send a progressToken with --call, collect progress")
    p.add_argument("--log-level", default=None)
    p.add_argument("--elicit", metavar="JSON", help='form answer ({"name":"Al"}), or "decline"/"cancel"')
    p.add_argument("--sample", metavar="TEXT", help="answer of the sampling callback")
    p.add_argument("--roots", metavar="URI,URI")
    p.add_argument("--extension", action="append", default=[], metavar="ID", help="advertise a client extension")
    p.add_argument("--listen", type=float, metavar="SECONDS", help="subscriptions/listen (modern) this long")
    p.add_argument("--filter", default="tools,prompts,resources", help="for --listen; a URI subscribes to it")
    p.add_argument("--while-listening", metavar="TOOL", help="call this tool once the listen stream is acknowledged")
    p.add_argument("--trace", action="store_true", help="add the HTTP exchanges (method, status, headers)")
    p.add_argument("target", nargs="*")
    if "--" in argv:
        i = argv.index("--")
        o = p.parse_args(argv[:i])
        o.command = argv[i + 1:]
        if o.target or not o.command:
            p.error("give a URL or -- COMMAND, not both")
    else:
        o = p.parse_args(argv)
        o.command = None
        if len(o.target) != 1:
            p.error("give one URL, or -- COMMAND")
    return o


class Memory:
    """Token storage of one run: nothing outlives the process."""

    tokens = info = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.info

    async def set_client_info(self, client_info):
        self.info = client_info


def record_exchange(log, r):
    sent = r.request.headers
    log.append({
        "method": r.request.method, "url": str(r.request.url), "status": r.status_code,
        "mcpMethod": sent.get("mcp-method"), "mcpName": sent.get("mcp-name"),
        "protocolVersion": sent.get("mcp-protocol-version"),
        "mcpParams": {k: v for k, v in sent.items() if k.lower().startswith("mcp-param-")},
        "contentType": r.headers.get("content-type"), "sessionId": r.headers.get("mcp-session-id"),
        "wwwAuthenticate": r.headers.get("www-authenticate")})


def callbacks(o, out, notes):
    """The client side features that the options switch on; an absent one is an undeclared capability."""
    kw = {}
    if o.elicit is not None:
        async def elicit(_ctx, params):
            out.setdefault("elicitations", []).append(dump(params))
            if o.elicit in ("decline", "cancel"):
                return types.ElicitResult(action=o.elicit)
            return types.ElicitResult(action="accept", content=json.loads(o.elicit))
        kw["elicitation_callback"] = elicit
    if o.sample is not None:
        async def sample(_ctx, params):
            out.setdefault("samplings", []).append(dump(params))
            return types.CreateMessageResult(role="assistant", model="test", stop_reason="endTurn",
                                             content=types.TextContent(type="text", text=o.sample))
        kw["sampling_callback"] = sample
    if o.roots is not None:
        async def roots(_ctx):
            return types.ListRootsResult(roots=[types.Root(uri=u) for u in o.roots.split(",")])
        kw["list_roots_callback"] = roots
    if o.log_level:
        async def log(params):
            notes.append({"method": "notifications/message", "params": dump(params)})
        kw["logging_callback"] = log
        kw["log_level"] = o.log_level

    async def on_message(m):
        if isinstance(m, types.ServerNotification):
            d = dump(m)
            if d.get("method") not in ("notifications/progress", "notifications/message"):
                notes.append(d)
    kw["message_handler"] = on_message
    if o.extension:
        kw["extensions"] = [advertise(e, {}) for e in o.extension]
    return kw


def request_headers(o):
    headers = dict(h.split(":", 1) for h in o.header)
    headers = {k.strip(): v.strip() for k, v in headers.items()}
    if o.token:
        headers["Authorization"] = f"Bearer {o.token}"
    return headers


async def run(o, out):
    http_log, notes = [], []

    async def on_response(r):
        record_exchange(http_log, r)

    auth = None
    if o.client_id:
        auth = ClientCredentialsOAuthProvider(o.target[0], Memory(), o.client_id, o.client_secret or "",
                                              scope=o.scope, issuer=o.issuer)
    mode = {"auto": "auto", "legacy": "legacy", "modern": MODERN}[o.era]
    async with httpx2.AsyncClient(headers=request_headers(o), auth=auth, timeout=httpx2.Timeout(30.0, read=300.0),
                                  event_hooks={"response": [on_response]}) as http:
        if o.command:
            server = stdio_client(StdioServerParameters(
                command=o.command[0], args=o.command[1:], cwd=o.cwd,
                env=dict(e.split("=", 1) for e in o.env) or None))
        else:
            server = streamable_http_client(o.target[0], http_client=http)
        try:
            async with Client(server, mode=mode, cache=None, read_timeout_seconds=o.timeout,
                              client_info=types.Implementation(name="wharf-acceptance-python", version="1.0"),
                              **callbacks(o, out, notes)) as c:
                await actions(c, o, out, notes)
        finally:
            if notes:
                out["notifications"] = notes
            if o.trace:
                out["http"] = http_log
            denied = [h for h in http_log if h["status"] in (401, 403)]
            if denied:
                out["denied"] = {k: denied[-1][k] for k in ("status", "wwwAuthenticate")}


async def pages(fn, key):
    got, cursor = [], None
    last = None
    while True:
        last = await fn(cursor=cursor)
        d = dump(last)
        got += d.get(key, [])
        cursor = d.get("nextCursor")
        if cursor is None:
            return got, {k: d[k] for k in ("ttlMs", "cacheScope") if k in d}


async def actions(c, o, out, notes):
    if o.era == "modern":  # a pinned version connects without a request: ask who is there
        c.session.adopt(types.DiscoverResult.model_validate(await c.session.send_discover(MODERN)))
    out["protocolVersion"] = c.protocol_version
    out["era"] = "modern" if c.protocol_version >= MODERN else "legacy"
    out["serverInfo"] = dump(c.server_info) if c.server_info else None
    out["capabilities"] = dump(c.server_capabilities)
    out["instructions"] = c.instructions
    kinds = [k for k in o.list.split(",") if k]
    if kinds == ["all"]:
        kinds = ["tools", "resources", "templates", "prompts"]
    table = {"tools": (c.list_tools, "tools"), "resources": (c.list_resources, "resources"),
             "templates": (c.list_resource_templates, "resourceTemplates"), "prompts": (c.list_prompts, "prompts")}
    for k in kinds:
        fn, key = table[k]
        out[k], hints = await pages(fn, key)
        if hints and out["era"] == "modern":  # on legacy connections the SDK makes these up
            out.setdefault("cache", {})[k] = hints
    if o.call:
        progress = []

        async def on_progress(p, total, message):
            progress.append({"progress": p, "total": total, "message": message})
        r = await c.call_tool(o.call, json.loads(o.args), progress_callback=on_progress if o.progress else None,
                              meta=json.loads(o.meta) if o.meta else None)
        out["call"] = dump(r)
        if o.progress:
            out["progress"] = progress
    if o.read:
        out["read"] = dump(await c.read_resource(o.read))
    if o.prompt:
        out["prompt"] = dump(await c.get_prompt(o.prompt, json.loads(o.prompt_args)))
    if o.listen:
        await listen(c, o, out)


async def listen(c, o, out):
    fl = o.filter.split(",")
    events = out["events"] = []
    with anyio.move_on_after(o.listen):
        async with c.listen(tools_list_changed="tools" in fl, prompts_list_changed="prompts" in fl,
                            resources_list_changed="resources" in fl,
                            resource_subscriptions=[f for f in fl if ":" in f]) as sub:
            out["honored"] = dump(sub.honored)
            if o.while_listening:
                await c.call_tool(o.while_listening, {})
            async for e in sub:
                events.append(repr(e))


def flat(e):
    return [x for s in e.exceptions for x in flat(s)] if isinstance(e, BaseExceptionGroup) else [e]


def main():
    o = parse(sys.argv[1:])
    out, code = {"ok": True, "client": "python"}, 0
    try:
        anyio.run(run, o, out)
        if out.get("call", {}).get("isError"):
            code = 1
    except BaseException as e:  # noqa: BLE001
        if isinstance(e, KeyboardInterrupt):
            raise
        errs = flat(e)
        rpc = next((x for x in errs if isinstance(x, MCPError)), None)
        if rpc is not None:
            out["error"] = {"code": rpc.code, "message": rpc.message, "data": rpc.data}
            code = 2
        else:
            out["error"] = {"type": type(errs[0]).__name__, "message": str(errs[0])}
            code = 3
        if "denied" in out:
            code = 4
        out["ok"] = False
    json.dump(out, sys.stdout, indent=1, default=str)
    print()
    sys.exit(code)


if __name__ == "__main__":
    main()
