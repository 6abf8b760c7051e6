//! What the commands print.

use serde_json::json;

use crate::everything::{Listening, json, over_stdio, stderr, stdout, wharf};

const ERAS: [(&str, &str); 3] =
    [("auto", "2026-07-28"), ("modern", "2026-07-28"), ("legacy", "2025-11-25")];

#[test]
fn every_era_works_over_http() {
    let server = Listening::start();
    for (era, version) in ERAS {
        let listed = wharf(&["list", &server.url, "--era", era, "--json"]).assert().success();
        assert_eq!(json(&listed)["protocolVersion"], version, "{era}");
        assert_eq!(json(&listed)["server"]["name"], "everything");
        wharf(&["call", &server.url, "test_simple_text", "--era", era])
            .assert()
            .success()
            .stdout("This is a simple text response for testing.\n");
    }
}

#[test]
fn every_era_works_over_stdio() {
    for (era, version) in ERAS {
        let listed = over_stdio(&["list", "tools", "--era", era, "--json"]).assert().success();
        assert_eq!(json(&listed)["protocolVersion"], version, "{era}");
        over_stdio(&["call", "test_custom_header", "value=00501", "--era", era])
            .assert()
            .success()
            .stdout("Value: 00501\n");
    }
}

#[test]
fn listing_shows_every_kind_or_one() {
    let server = Listening::start();
    let all = stdout(&wharf(&["list", &server.url]).assert().success());
    for text in [
        "Tools (",
        "test_custom_header value:string",
        "Resources (",
        "test://static-text",
        "Prompts (",
        "test_prompt_with_arguments arg1 arg2",
    ] {
        assert!(all.contains(text), "no {text:?} in\n{all}");
    }
    assert!(!all.contains('\u{1b}'), "colour in a pipe");
    let one = json(&wharf(&["list", &server.url, "templates", "--json"]).assert().success());
    assert!(one["resourceTemplates"].is_array(), "{one}");
    assert!(one.get("tools").is_none(), "{one}");
}

#[test]
fn results_show_content_and_structure() {
    let server = Listening::start();
    wharf(&["call", &server.url, "test_image_content"])
        .assert()
        .success()
        .stdout("[image image/png, 69 bytes]\n");
    let structured = wharf(&["call", &server.url, "test_structured_content"]).assert().success();
    let shown: serde_json::Value =
        serde_json::from_str(&stdout(&structured)).expect("structured content once");
    assert_eq!(shown, json!({"temperature": 22.5, "conditions": "sunny"}));
    let raw = wharf(&["call", &server.url, "test_structured_content", "--json"]).assert().success();
    assert_eq!(json(&raw)["tool"], "test_structured_content");
    assert_eq!(json(&raw)["result"]["structuredContent"], shown);
}

/// The server checks the header against the argument, so this fails unless both are sent.
#[test]
fn arguments_are_repeated_in_headers() {
    let server = Listening::start();
    wharf(&["call", &server.url, "test_custom_header", "value=Hafen", "--era", "modern"])
        .assert()
        .success()
        .stdout("Value: Hafen\n");
    wharf(&["call", &server.url, "test_custom_header", "--args", r#"{"value":"x"}"#])
        .assert()
        .success()
        .stdout("Value: x\n");
}

#[test]
fn resources_and_prompts_are_read() {
    let server = Listening::start();
    let text = stdout(&wharf(&["read", &server.url, "test://static-text"]).assert().success());
    let object =
        json(&wharf(&["read", &server.url, "test://static-text", "--json"]).assert().success());
    assert_eq!(object["uri"], "test://static-text");
    assert_eq!(object["result"]["contents"][0]["text"], text);
    over_stdio(&["read", "test://static-text"]).assert().success().stdout(text);
    let prompt = "Prompt with arguments: arg1='5', arg2='a=b'";
    wharf(&["prompt", &server.url, "test_prompt_with_arguments", "arg1=5", "arg2=a=b"])
        .assert()
        .success()
        .stdout(format!("user:\n{prompt}\n"));
    let object =
        over_stdio(&["prompt", "test_prompt_with_arguments", "arg1=5", "arg2=a=b", "--json"])
            .assert();
    assert_eq!(json(&object)["result"]["messages"][0]["content"]["text"], prompt);
}

#[test]
fn binary_resources_reach_a_pipe_unchanged() {
    let read = over_stdio(&["read", "test://static-binary"]).assert().success();
    assert!(read.get_output().stdout.starts_with(b"\x89PNG"), "{:?}", read.get_output());
}

#[test]
fn log_messages_go_to_stderr() {
    for era in ["modern", "legacy"] {
        let called =
            over_stdio(&["call", "test_tool_with_logging", "--era", era]).assert().success();
        assert_eq!(stdout(&called), "Logging completed\n");
        assert!(stderr(&called).contains("Tool processing data"), "{era}: {}", stderr(&called));
    }
}

#[test]
fn progress_keeps_stdout_clean() {
    for era in ["modern", "legacy"] {
        over_stdio(&["call", "test_tool_with_progress", "--era", era])
            .assert()
            .success()
            .stdout("Progress completed\n")
            .stderr("");
    }
}

#[test]
fn stderr_of_the_command_passes_through() {
    let listed = wharf(&["list", "--", "sh", "-c", "echo complaint >&2"]).assert().code(3);
    assert!(stderr(&listed).contains("complaint\n"), "{}", stderr(&listed));
}
