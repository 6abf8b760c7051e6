"""The example server `everything` through clients that nobody here wrote.

Each SDK client speaks each era over each transport: lists, call, read and prompt with
the values that the official conformance fixtures define, then what needs the client's
help (elicitation, sampling), and what arrives beside the answer (progress, log
messages, list changes).
"""
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from clients import Client
from harness import Case, check, check_equal

ERAS = ("auto", "legacy", "modern")
TOOLS = {"test_simple_text", "test_image_content", "test_audio_content", "test_embedded_resource",
         "test_multiple_content_types", "test_error_handling", "test_tool_with_progress", "test_tool_with_logging",
         "test_elicitation", "test_sampling", "test_input_required_result_elicitation", "test_trigger_tool_change"}
RESOURCES = {"test://static-text", "test://static-binary"}
PROMPTS = {"test_simple_prompt", "test_prompt_with_arguments", "test_prompt_with_embedded_resource",
           "test_prompt_with_image"}
# Long enough for a busy machine: the change has to arrive before the client stops listening.
LISTEN_SECONDS = "3"


@dataclass(frozen=True)
class Route:
    """One client over one transport in one era."""

    client: Client
    transport: str
    target: list[str]
    era: str

    def run(self, *options: str, exit_code: int = 0) -> dict:
        out = self.client.run(self.target, "--era", self.era, *options, exit_code=exit_code)
        if "era" in out:
            check_equal(out["era"], "legacy" if self.era == "legacy" else "modern", "the negotiated era")
        return out


def routes(clients: list[Client], http_url: str, stdio: list[str]) -> list[Route]:
    targets = {"http": [http_url], "stdio": ["--", *stdio]}
    return [Route(client, transport, target, era)
            for client in clients for transport, target in targets.items() for era in ERAS]


def cases(all_routes: list[Route]) -> list[Case]:
    table: list[tuple[str, Callable[[Route], None], tuple[str, ...]]] = [
        ("lists, call, read, prompt", serves_everything, ERAS),
        ("binary, image and template contents", serves_other_contents, ("legacy", "modern")),
        ("tool error is a result, unknown names are errors", reports_errors, ("legacy", "modern")),
        ("progress", reports_progress, ("legacy", "modern")),
        ("elicitation request", elicits_by_request, ("legacy",)),
        ("elicitation declined", elicitation_declined, ("legacy",)),
        ("sampling request", samples_by_request, ("legacy",)),
        ("log messages", sends_log_messages, ("legacy",)),
        ("elicitation by input_required", elicits_by_input_required, ("modern",)),
        ("listen hears a tool list change", hears_list_change, ("modern",)),
    ]
    return [Case(f"everything {r.client.name} {r.transport} {r.era}: {name}", partial(run, r))
            for r in all_routes for name, run, eras in table if r.era in eras]


def text_of(result: dict) -> str:
    return "\n".join(c.get("text", "") for c in result.get("content", []))


def check_text(result: dict, *expected: str) -> None:
    for part in expected:
        check(part in text_of(result), f"the text of the result lacks {part!r}", result)


def check_names(items: list[dict], key: str, expected: set[str], what: str) -> None:
    names = [item[key] for item in items]
    check(expected <= set(names), f"{what} lack {sorted(expected - set(names))}", names)
    check(len(names) == len(set(names)), f"{what} repeat a name", names)


def serves_everything(route: Route) -> None:
    out = route.run("--list", "all", "--call", "test_simple_text", "--read", "test://static-text",
                    "--prompt", "test_prompt_with_arguments", "--prompt-args", '{"arg1":"north","arg2":"south"}')
    check(out["serverInfo"] and out["serverInfo"].get("name"), "the server has no name", out["serverInfo"])
    check("tools" in out["capabilities"], "no tools capability", out["capabilities"])
    check_names(out["tools"], "name", TOOLS, "tools")
    check_names(out["resources"], "uri", RESOURCES, "resources")
    check_names(out["templates"], "uriTemplate", {"test://template/{id}/data"}, "templates")
    check_names(out["prompts"], "name", PROMPTS, "prompts")
    check_text(out["call"], "This is a simple text response for testing.")
    [content] = out["read"]["contents"]
    check_equal(content.get("mimeType"), "text/plain", "mimeType of test://static-text")
    check("static text resource" in content.get("text", ""), "wrong text resource", content)
    spoken = json.dumps(out["prompt"]["messages"])
    check("north" in spoken and "south" in spoken, "the prompt lacks its arguments", spoken)
    if out["era"] == "modern":
        check_equal(set(out.get("cache", {})), {"tools", "resources", "templates", "prompts"}, "lists with cache hints")


def serves_other_contents(route: Route) -> None:
    out = route.run("--call", "test_multiple_content_types", "--read", "test://static-binary",
                    "--prompt", "test_prompt_with_image")
    check_equal([c["type"] for c in out["call"]["content"]], ["text", "image", "resource"], "content types")
    [content] = out["read"]["contents"]
    check_equal(content.get("mimeType"), "image/png", "mimeType of test://static-binary")
    check(content.get("blob"), "the binary resource has no blob", content)
    kinds = [m["content"]["type"] for m in out["prompt"]["messages"]]
    check("image" in kinds, "the prompt has no image", kinds)
    out = route.run("--call", "test_audio_content", "--read", "test://template/123/data")
    check_equal(out["call"]["content"][0]["mimeType"], "audio/wav", "mimeType of the audio")
    check("123" in out["read"]["contents"][0].get("text", ""), "the template did not get its id", out["read"])


def reports_errors(route: Route) -> None:
    out = route.run("--call", "test_error_handling", exit_code=1)
    check(text_of(out["call"]), "an error result without a text", out["call"])
    for options in (["--call", "no_such_tool"], ["--prompt", "no_such_prompt"]):
        out = route.run(*options, exit_code=2)
        check_equal(out["error"]["code"], -32602, f"error code of {' '.join(options)}")
    out = route.run("--read", "test://no-such-resource", exit_code=2)
    # -32002 was the code of the revisions before 2026-07-28, which forbids it.
    allowed = (-32602,) if route.era == "modern" else (-32602, -32002)
    check(out["error"]["code"] in allowed, "error code of an unknown resource", out["error"])


def reports_progress(route: Route) -> None:
    out = route.run("--progress", "--call", "test_tool_with_progress")
    steps = [(p["progress"], p["total"]) for p in out["progress"]]
    check_equal(steps, [(0, 100), (50, 100), (100, 100)], "progress steps")


def elicits_by_request(route: Route) -> None:
    answer = {"username": "ada", "email": "ada@example.org"}
    out = route.run("--elicit", json.dumps(answer), "--call", "test_elicitation", "--args", '{"message":"Who is it?"}')
    [asked] = out["elicitations"]
    check_equal(asked["message"], "Who is it?", "the message that reached the client")
    check(set(answer) <= set(asked["requestedSchema"]["properties"]), "wrong form", asked)
    check_text(out["call"], "accept", "ada", "ada@example.org")


def elicitation_declined(route: Route) -> None:
    out = route.run("--elicit", "decline", "--call", "test_elicitation", "--args", '{"message":"Who is it?"}')
    check_text(out["call"], "decline")


def samples_by_request(route: Route) -> None:
    out = route.run("--sample", "forty-two", "--call", "test_sampling", "--args", '{"prompt":"Six times seven?"}')
    [asked] = out["samplings"]
    check("Six times seven?" in json.dumps(asked["messages"]), "the prompt did not reach the client", asked)
    check_text(out["call"], "forty-two")


def sends_log_messages(route: Route) -> None:
    out = route.run("--log-level", "info", "--call", "test_tool_with_logging")
    levels = [n["params"]["level"] for n in out.get("notifications", []) if n["method"] == "notifications/message"]
    check(len(levels) >= 3 and set(levels) == {"info"}, "expected three info messages or more", levels)


def elicits_by_input_required(route: Route) -> None:
    out = route.run("--elicit", '{"name":"Ada"}', "--call", "test_input_required_result_elicitation")
    check_equal(len(out["elicitations"]), 1, "questions asked")
    check_text(out["call"], "Hello, Ada!")
    check_equal(out["call"].get("resultType", "complete"), "complete", "resultType of the final answer")


def hears_list_change(route: Route) -> None:
    out = route.run("--listen", LISTEN_SECONDS, "--filter", "tools", "--while-listening", "test_trigger_tool_change")
    heard = [n["method"] for n in out.get("notifications", [])]
    check_equal(sorted(set(heard)), ["notifications/tools/list_changed"], "notifications heard")
    check(out["honored"], "the server did not say which subscriptions it honours", out.get("honored"))
