"""Hand-written messages, as the smallest clients in the field send them.

No SDK here: clients that speak an old revision, that never send
`notifications/initialized`, or that send what a server has to refuse. stdout of a
stdio server is checked line by line: it belongs to the protocol alone.
"""
import http.client
import json
import subprocess
import threading
from functools import partial
from urllib.parse import urlsplit

from harness import Case, check, check_equal

LEGACY_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
TIMEOUT_S = 20
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def cases(name: str, url: str, stdio: list[str], tool: str, arguments: dict) -> list[Case]:
    made = []
    for version in LEGACY_VERSIONS:
        made.append(Case(f"{name} wire stdio: initialize {version}, call at once",
                         partial(calls_at_once_over_stdio, stdio, version, tool, arguments)))
        made.append(Case(f"{name} wire http: initialize {version}, call at once",
                         partial(calls_at_once_over_http, url, version, tool, arguments)))
    return made + [
        Case(f"{name} wire stdio: an unknown version is answered with a known one", partial(offers_version, stdio)),
        Case(f"{name} wire stdio: requests piped before the end of stdin are answered",
             partial(answers_a_piped_script, stdio, tool, arguments)),
        Case(f"{name} wire stdio: broken lines are answered and survived", partial(survives_broken_lines, stdio)),
        Case(f"{name} wire stdio: server/discover", partial(discovers_over_stdio, stdio)),
        Case(f"{name} wire http: a foreign Origin alone is refused", partial(refuses_origin, url)),
        Case(f"{name} wire http: a foreign Host alone is refused", partial(refuses_host, url)),
        Case(f"{name} wire http: header and body must agree", partial(refuses_header_mismatch, url)),
        Case(f"{name} wire http: unknown methods are 404", partial(refuses_unknown_method, url)),
        Case(f"{name} wire http: a body that is not JSON is answered", partial(answers_parse_error, url)),
    ]


def request(request_id: int, method: str, params: dict) -> dict:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def initialize(version: str) -> dict:
    client = {"name": "hand-written", "version": "1"}
    return request(1, "initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": client})


def check_call(answer: dict, request_id: int) -> None:
    check_equal(answer.get("id"), request_id, "id of the answer")
    check("result" in answer, "the call failed", answer)
    check(not answer["result"].get("isError") and answer["result"].get("content"), "the tool failed", answer)


class StdioServer:
    """A stdio server that is spoken to line by line, as an editor or an agent does it."""

    def __init__(self, command: list[str]):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, errors="replace")
        # A server that never answers ends here instead of holding up the run.
        self.watchdog = threading.Timer(TIMEOUT_S, self.process.kill)

    def __enter__(self) -> "StdioServer":
        self.watchdog.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.watchdog.cancel()
        self.process.kill()
        self.process.wait()

    def send(self, *lines: str) -> None:
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def answers(self, *ids: int) -> dict:
        """Reads until these ids are answered; returns every answer so far by id."""
        seen = {}
        while not set(ids) <= set(seen):
            line = self.process.stdout.readline()
            check(line, f"stdout ended or {TIMEOUT_S} s went by without an answer to {sorted(set(ids) - set(seen))}")
            message = protocol_message(line)
            if "method" not in message:
                seen[message.get("id")] = message
        return seen

    def close(self) -> list[dict]:
        """Ends stdin; the server has to say the rest and exit with 0 by itself."""
        out, _ = self.process.communicate(timeout=TIMEOUT_S)
        check_equal(self.process.returncode, 0, "exit code after the end of stdin")
        return [protocol_message(line) for line in out.splitlines()]


def protocol_message(line: str) -> dict:
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    check(isinstance(message, dict) and message.get("jsonrpc") == "2.0", "stdout carries something else", line)
    return message


def calls_at_once_over_stdio(command: list[str], version: str, tool: str, arguments: dict) -> None:
    with StdioServer(command) as server:
        server.send(json.dumps(initialize(version)),
                    json.dumps(request(2, "tools/call", {"name": tool, "arguments": arguments})))
        answers = server.answers(1, 2)
        check_equal(answers[1]["result"]["protocolVersion"], version, "protocolVersion")
        check_call(answers[2], 2)
        check_equal(server.close(), [], "messages after the answers")


def answers_a_piped_script(command: list[str], tool: str, arguments: dict) -> None:
    """`printf … | server`: the requests were sent, so they are answered, though stdin has ended."""
    with StdioServer(command) as server:
        server.send(json.dumps(initialize("2025-11-25")),
                    json.dumps(request(2, "tools/call", {"name": tool, "arguments": arguments})))
        answered = {m["id"]: m for m in server.close() if "method" not in m}
        check_equal(sorted(answered), [1, 2], "ids answered")
        check_call(answered[2], 2)


def offers_version(command: list[str]) -> None:
    with StdioServer(command) as server:
        server.send(json.dumps(initialize("1999-01-01")))
        answer = server.answers(1)[1]
        check(answer["result"]["protocolVersion"] in LEGACY_VERSIONS, "offered version", answer)


def survives_broken_lines(command: list[str]) -> None:
    with StdioServer(command) as server:
        server.send("{", '"text"', '{"jsonrpc":"2.0","id":7}', json.dumps(initialize("2025-11-25")),
                    json.dumps(request(2, "no/such/method", {})), json.dumps(request(3, "ping", {})))
        answers = server.answers(1, 2, 3)
        check_equal(answers[2].get("error", {}).get("code"), -32601, "code of an unknown method")
        check("result" in answers[3], "ping after broken lines", answers[3])


def discovers_over_stdio(command: list[str]) -> None:
    with StdioServer(command) as server:
        server.send(json.dumps(request(1, "server/discover", {"_meta": META})))
        answer = server.answers(1)[1]
        result = answer.get("result", {})
        check("2026-07-28" in result.get("supportedVersions", []), "supportedVersions", answer)
        check_equal(result.get("resultType"), "complete", "resultType")


def post(url: str, body: str, headers: dict[str, str]) -> tuple[int, dict[str, str], list[dict]]:
    """One POST; returns status, headers and the JSON-RPC messages of a JSON or an SSE answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers}
    connection.putrequest("POST", parts.path or "/", skip_host="Host" in sent)
    for name, value in sent.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body.encode())))
    connection.endheaders(body.encode())
    response = connection.getresponse()
    received = {k.lower(): v for k, v in response.getheaders()}
    text = response.read().decode()
    connection.close()
    if "text/event-stream" in received.get("content-type", ""):
        lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
        return response.status, received, [json.loads(line) for line in lines if line]
    try:
        return response.status, received, [json.loads(text)] if text else []
    except ValueError:
        return response.status, received, []


def calls_at_once_over_http(url: str, version: str, tool: str, arguments: dict) -> None:
    status, headers, [answer] = post(url, json.dumps(initialize(version)), {})
    check_equal(status, 200, "status of initialize")
    check_equal(answer["result"]["protocolVersion"], version, "protocolVersion")
    # Clients older than 2025-06-18 do not know the version header.
    follow_up = {"MCP-Protocol-Version": version} if version >= "2025-06-18" else {}
    if "mcp-session-id" in headers:
        follow_up["Mcp-Session-Id"] = headers["mcp-session-id"]
    call = request(2, "tools/call", {"name": tool, "arguments": arguments})
    status, _, messages = post(url, json.dumps(call), follow_up)
    check_equal(status, 200, "status of tools/call")
    check_call([m for m in messages if "method" not in m][-1], 2)


def modern_post(url: str, method: str, headers: dict[str, str]) -> tuple[int, list[dict]]:
    sent = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **headers}
    status, _, messages = post(url, json.dumps(request(1, method, {"_meta": META})), sent)
    return status, messages


def refuses_origin(url: str) -> None:
    status, _ = modern_post(url, "tools/list", {"Origin": "http://evil.example"})
    check_equal(status, 403, "status with a foreign Origin")
    status, _ = modern_post(url, "tools/list", {})
    check_equal(status, 200, "status without an Origin")


def refuses_host(url: str) -> None:
    status, _ = modern_post(url, "tools/list", {"Host": "evil.example"})
    check(400 <= status < 500, "status with a foreign Host", status)


def refuses_header_mismatch(url: str) -> None:
    status, messages = modern_post(url, "tools/list", {"Mcp-Method": "prompts/list"})
    check_equal(status, 400, "status")
    check_equal(messages[0]["error"]["code"], -32020, "code")


def refuses_unknown_method(url: str) -> None:
    status, messages = modern_post(url, "no/such/method", {})
    check_equal(status, 404, "status")
    check_equal(messages[0]["error"]["code"], -32601, "code")


def answers_parse_error(url: str) -> None:
    status, _, messages = post(url, "{not json", {"MCP-Protocol-Version": "2026-07-28"})
    check_equal(status, 400, "status")
    check_equal(messages[0]["error"]["code"] if messages else None, -32700, "code")
