//! The server as clients see it.

use serde_json::{Value, json};
use wharf_files::limits::Limits;

use crate::world::{Client, World, settings};

async fn client(world: &World) -> Client {
    Client::of(&settings(&world.at(""), Limits::default())).await
}

#[tokio::test]
async fn there_are_two_tools_that_only_read() {
    let mut client = client(&World::new()).await;
    let tools = client.request("tools/list", json!({})).await["result"]["tools"].take();
    let names: Vec<&str> =
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["list_directory", "read_file"]);
    for tool in tools.as_array().unwrap() {
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        assert_eq!(tool["outputSchema"]["type"], "object");
        let arguments = tool["inputSchema"]["properties"].as_object().unwrap();
        assert!(arguments.values().all(|argument| argument["description"].is_string()), "{tool}");
    }
}

#[tokio::test]
async fn text_comes_as_structured_content_and_as_text() {
    let world = World::new();
    world.write("a.md", "# Title\n");
    let mut client = client(&world).await;
    let result = client.call("read_file", json!({"path": "docs/a.md"})).await;
    let structured = &result["structuredContent"];
    assert_eq!(structured["text"], "# Title\n");
    assert_eq!(structured["mime_type"], "text/markdown");
    assert_eq!(structured["truncated"], false);
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, *structured);
    let list = client.call("list_directory", json!({"path": "docs"})).await;
    assert_eq!(list["structuredContent"]["entries"][0]["name"], "a.md");
    let roots = client.call("list_directory", json!({})).await;
    assert_eq!(roots["structuredContent"]["entries"][0]["name"], "docs");
}

#[tokio::test]
async fn bytes_come_as_images_and_resources() {
    let world = World::new();
    world.write("a.png", b"\x89PNG\r\n\x1a\n\0");
    world.write("b #?.zip", b"PK\x03\x04\0");
    let mut client = client(&world).await;
    let image = client.call("read_file", json!({"path": "docs/a.png"})).await["content"][1].take();
    assert_eq!((&image["type"], &image["mimeType"]), (&json!("image"), &json!("image/png")));
    assert_eq!(image["data"], "iVBORw0KGgoA");
    let resource =
        client.call("read_file", json!({"path": "docs/b #?.zip"})).await["content"][1].take();
    let uri = resource["resource"]["uri"].as_str().unwrap();
    assert_eq!(uri, "file:///docs/b%20%23%3F.zip");
    // The URI that was given leads back to the file.
    let read = client.resource(uri).await["result"]["contents"][0].take();
    assert_eq!((&read["blob"], &read["mimeType"]), (&json!("UEsDBAA="), &json!("application/zip")));
    assert_eq!(read["blob"], resource["resource"]["blob"]);
}

#[tokio::test]
async fn every_file_is_a_resource() {
    let world = World::new();
    world.write("sub/ü b.md", "text");
    let mut client = client(&world).await;
    let templates = client.request("resources/templates/list", json!({})).await;
    assert_eq!(templates["result"]["resourceTemplates"][0]["uriTemplate"], "file:///{+path}");
    for uri in ["file:///docs/sub/%C3%BC%20b.md", "file:///docs/sub%2F%C3%BC%20b.md"] {
        let contents = client.resource(uri).await["result"]["contents"][0].take();
        assert_eq!(contents, json!({"uri": uri, "mimeType": "text/markdown", "text": "text"}));
    }
    let complete = json!({
        "ref": {"type": "ref/resource", "uri": "file:///{+path}"},
        "argument": {"name": "path", "value": "docs/su"},
    });
    let values =
        client.request("completion/complete", complete).await["result"]["completion"]["values"]
            .take();
    assert_eq!(values, json!(["docs/sub/"]));
}

#[tokio::test]
async fn refusals_have_a_code_and_say_what_to_do() {
    let world = World::new();
    world.link("out", world.base().join("secret.txt"));
    world.write("big", vec![0; 300_000]);
    let mut client = client(&world).await;
    for (tool, arguments, code, words) in [
        ("read_file", json!({"path": "docs/nope"}), "RESOURCE_NOT_FOUND", "list_directory"),
        ("read_file", json!({"path": "nope"}), "RESOURCE_NOT_FOUND", "one of: docs"),
        ("read_file", json!({"path": "docs/out"}), "PERMISSION_DENIED", "inside a root"),
        ("read_file", json!({"path": "docs/big"}), "INVALID_INPUT", "offset and limit"),
        ("read_file", json!({"path": "docs/big", "limit": 3}), "INVALID_INPUT", "limit"),
        ("read_file", json!({"path": "docs/big", "limit": 2_000_000}), "INVALID_INPUT", "1048576"),
        ("read_file", json!({"path": "x".repeat(4_097)}), "INVALID_INPUT", "4096"),
        (
            "list_directory",
            json!({"path": "docs", "cursor": "AAAA"}),
            "INVALID_INPUT",
            "next_cursor",
        ),
        ("list_directory", json!({"path": "docs", "limit": 0}), "INVALID_INPUT", "limit"),
    ] {
        let result = client.call(tool, arguments.clone()).await;
        assert_eq!(result["isError"], true, "{arguments}");
        let failure: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(failure["code"], code, "{failure}");
        assert!(failure["message"].as_str().unwrap().contains(words), "{failure}");
    }
    let error = client.resource("file:///docs/nope").await["error"].take();
    assert!(error["message"].as_str().unwrap().contains("list_directory"), "{error}");
}
