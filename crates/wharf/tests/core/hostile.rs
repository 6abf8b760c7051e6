//! Hostile messages beyond the corpus: keys that two parsers read differently, ids and nestings without end, bytes that
//! are no text, and batches where there are none.

use serde_json::{Value, json};

use crate::{
    conversation::initialize,
    corpus::{code, over_http, over_lines},
    wire::{Request, Site},
    world::World,
};

/// A name, the bytes, and the codes that answer them as in the corpus' table.
type Case = (&'static str, Vec<u8>, &'static [i64]);

fn text(name: &'static str, text: &str, expected: &'static [i64]) -> Case {
    (name, text.as_bytes().to_vec(), expected)
}

/// Further messages of the same kinds.
fn invented() -> Vec<Case> {
    let call = |inside: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{inside}}}"#)
    };
    let echo = |arguments: &str| call(&format!(r#"{{"name":"echo","arguments":{arguments}}}"#));
    let ping = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    vec![
        text("id twice", r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, &[-32600]),
        text("method twice", r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"x"}"#, &[-32600]),
        text(
            "method twice, once escaped",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","\u006dethod":"x"}"#,
            &[-32600],
        ),
        text(
            "params twice",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}"#,
            &[-32600],
        ),
        text(
            "jsonrpc twice",
            r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#,
            &[-32600],
        ),
        text("name twice", &call(r#"{"name":"echo","name":"echo"}"#), &[-32602]),
        text(
            "arguments twice",
            &call(r#"{"name":"echo","arguments":{"text":"x"},"arguments":{}}"#),
            &[-32602],
        ),
        text("_meta twice", &call(r#"{"name":"echo","_meta":{},"_meta":{}}"#), &[-32602]),
        text("twice inside the arguments", &echo(r#"{"text":"a","text":"b"}"#), &[-32602]),
        text(
            "twice deep inside the arguments",
            &echo(r#"{"text":"a","x":[{"y":1,"y":1}]}"#),
            &[-32602],
        ),
        text("wrong case of method", r#"{"jsonrpc":"2.0","id":1,"Method":"ping"}"#, &[-32600]),
        text(
            "wrong case beside the right one",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"x"}"#,
            &[-32600],
        ),
        text("wrong case of name", &call(r#"{"Name":"echo"}"#), &[-32602]),
        text(
            "look-alike of method",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"m\u{435}thod\":\"ping\"}",
            &[-32600],
        ),
        text(
            "zero-width in method",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\u{200b}\":\"ping\"}",
            &[-32600],
        ),
        text(
            "look-alike value",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\u{456}ng\"}",
            &[-32601],
        ),
        text("largest integer id", &ping("9223372036854775807"), &[0]),
        text("integer id past it", &ping("9223372036854775808"), &[-32600]),
        text("id with an exponent", &ping("1e2"), &[-32600]),
        text("huge integer id", &ping(&"9".repeat(100_000)), &[-32600]),
        text("longest string id", &ping(&format!("\"{}\"", "x".repeat(1024))), &[0]),
        text("string id past it", &ping(&format!("\"{}\"", "x".repeat(1025))), &[-32600]),
        text("huge string id", &ping(&format!("\"{}\"", "x".repeat(1_000_000))), &[-32600]),
        text("object id", &ping("{}"), &[-32600]),
        text("true id", &ping("true"), &[-32600]),
        text("array id", &ping("[1]"), &[-32600]),
        text("no version", r#"{"id":1,"method":"ping"}"#, &[-32600]),
        text("number version", r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, &[-32600]),
        text("neither method nor result", r#"{"jsonrpc":"2.0","id":1}"#, &[-32600]),
        text(
            "both result and error",
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            &[-32600],
        ),
        text(
            "method and result",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            &[-32600],
        ),
        text("an answer nobody waits for", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, &[]),
        text("an answer without id", r#"{"jsonrpc":"2.0","result":{}}"#, &[-32600]),
        text(
            "an unknown notification",
            r#"{"jsonrpc":"2.0","method":"notifications/x","params":[1]}"#,
            &[],
        ),
        text(
            "cancelled without an id",
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
            &[],
        ),
        text("deep params", &call(&deep("{\"a\":", "}")), &[-32602]),
        text("deep arguments", &echo(&format!("{{\"text\":{}}}", deep("[", "]"))), &[-32602]),
        text(
            "deep unknown member",
            &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","x":{}}}"#, deep("[", "]")),
            &[0],
        ),
        text("deep object", &deep("{\"a\":", "}"), &[-32600]),
        text("lone surrogate in a name", &call(r#"{"name":"\ud800"}"#), &[-32602]),
        text("NUL in a name", &call(r#"{"name":"ec\u0000ho"}"#), &[-32602]),
        text(
            "name of a megabyte",
            &call(&format!(r#"{{"name":"{}"}}"#, "x".repeat(1_000_000))),
            &[-32602],
        ),
        text(
            "method of a megabyte",
            &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(1_000_000)),
            &[-32601],
        ),
        text("number as a name", &call(r#"{"name":7}"#), &[-32602]),
        text("arguments as a list", &echo("[]"), &[-32602]),
        text("params as text", &call("\"x\""), &[-32602]),
        text("null params", &call("null"), &[-32602]),
        text("a number past every range", &echo(r#"{"text":1e999}"#), &[-32602]),
        text("comment", "{\"jsonrpc\":\"2.0\",/**/\"id\":1,\"method\":\"ping\"}", &[-32700]),
        text("trailing comma", r#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#, &[-32700]),
        text("single quotes", "{'jsonrpc':'2.0','id':1,'method':'ping'}", &[-32700]),
        text("NaN", r#"{"jsonrpc":"2.0","id":NaN,"method":"ping"}"#, &[-32700]),
        text("two messages", &format!("{}{}", ping("1"), ping("2")), &[-32700]),
        text("byte order mark", &format!("\u{feff}{}", ping("1")), &[-32700]),
        ("not UTF-8", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}".to_vec(), &[-32700]),
        (
            "overlong UTF-8",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc0\xae\"}".to_vec(),
            &[-32700],
        ),
        ("UTF-16", "{\"id\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect(), &[-32700]),
        ("NUL bytes", vec![0; 1000], &[-32700]),
        text("a batch of batches", "[[]]", &[-32600]),
        text("a deep batch", &deep("[", "]"), &[-32600]),
        text("a batch of a million", &format!("[{}1]", "1,".repeat(1_000_000)), &[-32600]),
    ]
}

#[tokio::test]
async fn further_hostile_messages_are_answered_with_their_code() {
    let world = World::new();
    let site = Site::new(&world).await;
    for (name, input, expected) in invented() {
        over_lines(&world, &input, expected, name).await;
        over_http(&site, &input, expected, name).await;
    }
}

#[tokio::test]
async fn batches_over_http_exist_in_one_revision_only() {
    let site = Site::new(&World::new()).await;
    let ping = |id: i64| json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
    for (revision, allowed) in
        [("2024-11-05", false), ("2025-03-26", true), ("2025-06-18", false), ("2025-11-25", false)]
    {
        let session = initialize(&site, revision, json!({})).await;
        let ask = async |batch: Value| {
            let request = Request::post(batch.to_string()).header("Mcp-Session-Id", &session);
            site.ask(&request).await
        };
        let answer = ask(json!([ping(1)])).await;
        if !allowed {
            assert_eq!((answer.status, answer.error_code()), (400, -32600), "{revision}");
            continue;
        }
        let init = json!({"jsonrpc": "2.0", "id": 9, "method": "initialize", "params": {"protocolVersion": revision}});
        let note = json!({"jsonrpc": "2.0", "method": "x"});
        let answer = ask(json!([ping(1), 5, [ping(3)], note, init, ping(4)])).await.json();
        let codes: Vec<_> = answer.as_array().unwrap().iter().map(code).collect();
        assert_eq!(codes, [0, -32600, -32600, -32600, 0], "{answer}");
        assert_eq!(
            (&answer[0]["id"], &answer[3]["id"], &answer[4]["id"]),
            (&json!(1), &json!(9), &json!(4))
        );
        assert_eq!(ask(json!([note])).await.status, 202);
        let most: Vec<_> = (0..1000).map(ping).collect();
        assert_eq!(ask(json!(most)).await.json().as_array().unwrap().len(), 1000);
        let over: Vec<_> = (0..1001).map(ping).collect();
        for bad in [json!(over), json!([])] {
            let answer = ask(bad).await;
            assert_eq!((answer.status, answer.error_code()), (400, -32600));
        }
    }
}
