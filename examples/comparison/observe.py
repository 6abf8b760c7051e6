"""Sends the same requests to each server and prints what comes back: the source of a table in docs/comparison.md.

usage: observe.py [wharf|rmcp|tower-mcp|fastmcp]...
"""
import json
import pathlib
import queue
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
SERVERS = {
    "wharf": [HERE / "../../target/debug/comparison-wharf"],
    "rmcp": [HERE / "peers/target/debug/comparison-rmcp"],
    "tower-mcp": [HERE / "peers/target/debug/comparison-tower-mcp"],
    "fastmcp": ["fastmcp-venv/bin/python", HERE / "fastmcp/server.py"],
}
PREFIX = "io.modelcontextprotocol/"
CAPABILITIES = {"elicitation": {"form": {}}}
CLIENT = {"name": "observe", "version": "1"}
MODERN = {PREFIX + "protocolVersion": "2026-07-28", PREFIX + "clientInfo": CLIENT,
          PREFIX + "clientCapabilities": CAPABILITIES}


class Server:
    def __init__(self, command, modern=False):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, bufsize=1)
        self.lines, self.last, self.notes, self.modern = queue.Queue(), 0, [], modern
        self.reply = {"action": "decline"}
        threading.Thread(target=self.read, daemon=True).start()
        if not modern:
            self.request("initialize", {"protocolVersion": "2025-11-25", "clientInfo": CLIENT,
                                        "capabilities": CAPABILITIES})
            self.send({"method": "notifications/initialized"})

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def send(self, message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")

    def begin(self, method, params):
        self.last += 1
        meta = {"_meta": MODERN} if self.modern else {}
        self.send({"id": self.last, "method": method, "params": params | meta})
        return self.last

    def request(self, method, params, patience=4):
        return self.answer(self.begin(method, params), patience)

    def answer(self, number, patience):
        end = time.monotonic() + patience
        while True:
            try:
                message = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                return f"no answer within {patience} s"
            if message.get("method") == "elicitation/create":
                self.send({"id": message["id"], "result": self.reply})
            elif "method" in message:
                self.notes.append(message["params"])
            elif message["id"] == number:
                return message.get("result", message.get("error"))

    def call(self, tool, **arguments):
        return self.request("tools/call", {"name": tool, "arguments": arguments})


def show(what, result):
    print(f"{what:24} {json.dumps(result, ensure_ascii=False)[:500]}")


def observe(command):
    server = Server(command)
    show("convert", server.call("convert_length", value=1, **{"from": "foot"}, to="inch"))
    show("wrong enum", server.call("convert_length", value=1, **{"from": "mile"}, to="inch"))
    show("create", server.call("create_task", title="Paint"))
    show("three constraints", server.call("create_task", title="", label="No!", hours=41))
    show("missing", server.call("create_task"))
    show("unknown property", server.call("create_task", title="Paint", hurs=3))
    show("number as text", server.call("create_task", title="Paint", hours="3"))
    show("list", server.call("list_tasks", limit=1))
    show("wrong id", server.call("complete_task", id=99))
    show("complete", server.call("complete_task", id=1))
    show("declined", server.call("delete_task", id=1))
    server.reply = {"action": "accept", "content": {"owner": ""}}
    show("empty owner", server.call("assign_task", id=1))
    server.reply = {"action": "accept", "content": {"owner": "Ada"}}
    show("owner", server.call("assign_task", id=1))
    server.notes.clear()
    importing = {"name": "import_tasks", "arguments": {"titles": ["a", "b", "c"]},
                 "_meta": {"progressToken": "p"}}
    show("import", server.request("tools/call", importing))
    show("progress", server.notes)
    show("chart", server.call("task_chart"))
    show("wait, done", server.call("wait_for_task", id=1))
    slow = json.loads(server.call("create_task", title="slow")["content"][0]["text"])["id"]
    show("wait, too long", server.call("wait_for_task", id=slow))
    waiting = server.begin("tools/call", {"name": "wait_for_task", "arguments": {"id": slow}})
    time.sleep(0.3)
    server.send({"method": "notifications/cancelled", "params": {"requestId": waiting}})
    show("cancelled", server.answer(waiting, 3))
    show("division by 0", server.call("hours_per_person", people=0))
    show("and after it", server.call("hours_per_person", people=1))
    show("unknown tool", server.call("creat_task"))
    for uri in ("task://1", "task://99", "task://abc"):
        show(uri, server.request("resources/read", {"uri": uri}))
    for hours in ("4", "99"):
        prompt = {"name": "plan_day", "arguments": {"hours": hours}}
        show(f"prompt, {hours} hours", server.request("prompts/get", prompt))
    # FastMCP calls the only field of a bare yes or no "value".
    server.reply = {"action": "accept", "content": {"confirmed": True, "value": True}}
    show("delete", server.call("delete_task", id=slow))
    server.process.kill()
    server = Server(command, modern=True)
    server.call("create_task", title="Paint")
    show("question, 2026-07-28", server.call("assign_task", id=1))
    server.process.kill()


for name in sys.argv[1:] or SERVERS:
    print("==", name)
    observe(SERVERS[name])
