//! Hostile messages of 2026-07-28: what the corpora do to legacy messages, done to the parts that only this revision has.

use serde_json::json;
use wharf::keys;

use crate::{
    conversation::{Lines, message},
    corpus::code,
    wire::{Request, Site},
    world::World,
};

/// A name, the method and target that the headers say, the bytes, and the code that answers them.
type Case = (&'static str, [&'static str; 2], Vec<u8>, i64);

const ECHO: [&str; 2] = ["tools/call", "echo"];
const READ: [&str; 2] = ["resources/read", "memo://one"];

/// A well-formed `_meta`, without its braces.
fn meta() -> String {
    format!(r#""{}":"2026-07-28","{}":{{}}"#, keys::PROTOCOL_VERSION, keys::CLIENT_CAPABILITIES)
}

fn call(params: &str) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#).into_bytes()
}

fn echo(arguments: &str, meta: &str) -> Vec<u8> {
    call(&format!(r#"{{"name":"echo","arguments":{arguments},"_meta":{{{meta}}}}}"#))
}

fn cases() -> Vec<Case> {
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let x = r#"{"text":"x"}"#;
    let version = format!(r#""{}":"2026-07-28""#, keys::PROTOCOL_VERSION);
    let escaped = version.replacen("io.", "\\u0069o.", 1);
    let upper = version.replacen("io.", "IO.", 1);
    let look_alike = meta().replacen("io.", "\u{456}o.", 1);
    let read = |uri: &str| {
        let method = r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":"#;
        format!(r#"{method}{{"uri":"{uri}","_meta":{{{}}}}}}}"#, meta()).into_bytes()
    };
    let mut not_utf8 = echo(r#"{"text":"?"}"#, &meta());
    let at = not_utf8.iter().position(|byte| *byte == b'?').unwrap();
    not_utf8[at] = 0xff;
    vec![
        ("well-formed", ECHO, echo(x, &meta()), 0),
        ("deep arguments", ECHO, echo(&deep("[", "]"), &meta()), -32602),
        ("deep inside the arguments", ECHO, echo(&deep("{\"text\":", "}"), &meta()), -32602),
        ("deep _meta", ECHO, echo(x, &format!(r#"{},"x":{}"#, meta(), deep("[", "]"))), 0),
        (
            // Read only when somebody asks what the client can do.
            "deep capabilities",
            ECHO,
            echo(x, &meta().replace("{}", &deep("{\"a\":", "}"))),
            0,
        ),
        ("version twice", ECHO, echo(x, &format!("{},{version}", meta())), -32602),
        ("version twice, once escaped", ECHO, echo(x, &format!("{},{escaped}", meta())), -32602),
        ("version in another case", ECHO, echo(x, &format!("{},{upper}", meta())), -32602),
        ("look-alike of the version", ECHO, echo(x, &look_alike), -32602),
        (
            "_meta twice",
            ECHO,
            call(&format!(
                r#"{{"name":"echo","arguments":{x},"_meta":{{{0}}},"_meta":{{{0}}}}}"#,
                meta()
            )),
            -32602,
        ),
        ("arguments twice inside", ECHO, echo(r#"{"text":"a","text":"b"}"#, &meta()), -32602),
        ("a look-alike argument", ECHO, echo("{\"t\u{435}xt\":\"x\"}", &meta()), 0),
        ("not UTF-8", ECHO, not_utf8, -32700),
        ("a lone surrogate", ECHO, echo(r#"{"text":"\ud800"}"#, &meta()), -32602),
        ("URI of another resource", READ, read("memo://two"), -32602),
    ]
}

#[tokio::test]
async fn hostile_messages_of_the_newest_revision_are_answered_with_their_code() {
    let world = World::new();
    let site = Site::new(&world).await;
    for (name, [method, target], input, expected) in cases() {
        let mut lines = Lines::open(&world);
        lines.send_raw(&input).await;
        lines.send_raw(b"\n").await;
        let answer = lines.next().await.unwrap();
        assert_eq!(code(&answer), expected, "{name}: {answer}");
        assert!(answer.to_string().len() < 5_000, "{name}: echoes its input");
        let after = message(true, 2, "tools/list", json!({}));
        assert_eq!(lines.ask(&after).await["id"], 2, "{name}");

        let request = Request::post(input)
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", method)
            .header("Mcp-Name", target);
        let mut wire = site.connect().await;
        let response = wire.ask(&request).await;
        // Over HTTP the headers of a read say another URI than the body, which is refused before the URI is looked up.
        let expected = if name == "URI of another resource" { -32020 } else { expected };
        assert_eq!(code(&response.json()), expected, "{name}: {response:?}");
        assert!(response.body.len() < 5_000, "{name}: echoes its input");
        let after = Request::modern(2, "tools/list", json!({}));
        assert_eq!(wire.ask(&after).await.json()["id"], 2, "{name}");
    }
}

#[tokio::test]
async fn a_uri_of_a_megabyte_is_refused_without_being_repeated() {
    let world = World::new();
    let site = Site::new(&world).await;
    let uri = format!("memo://{}", "A".repeat(1_000_000));
    let mut lines = Lines::open(&world);
    let answer = lines.ask(&message(true, 1, "resources/read", json!({"uri": uri}))).await;
    assert_eq!((code(&answer), answer.to_string().len() < 5_000), (-32602, true));
    // A header can't carry it: the head is too long for the listener.
    let mut wire = site.connect().await;
    wire.send(&Request::modern(1, "resources/read", json!({"uri": uri})).to_bytes()).await;
    let status = wire.status_or_close().await;
    assert!(status.is_none_or(|status| status == 431), "{status:?}");
    // Without the header the message is refused for that, unread.
    let bare = Request::modern(1, "resources/read", json!({"uri": uri})).without("Mcp-Name");
    let response = site.ask(&bare).await;
    assert_eq!((response.status, response.error_code()), (400, -32020));
    assert!(response.body.len() < 5_000);
    let after = site.ask(&Request::tool(2, "echo", json!({"text": "x"}))).await;
    assert_eq!(after.status, 200);
}
