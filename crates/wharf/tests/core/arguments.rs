//! Arguments that pass the schema and not the type, and parameters that only look like the core's.

use serde_json::{Value, json};
use tracing::Level;
use wharf::{Args, Extension, Json, Prompt, Resource, Tool};

use crate::{
    conversation::{Conversation, Lines, Way, message},
    logs::Logs,
    world::{World, failure_of},
};

/// Stricter than the schema that it declares, and its error repeats what it was given.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
struct Address;

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(given: String) -> Result<Self, String> {
        if given.contains('@') { Ok(Self) } else { Err(format!("{given} is no address")) }
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Mail {
    #[expect(dead_code, reason = "only whether it can be read matters")]
    to: Vec<Address>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct One {
    #[expect(dead_code, reason = "only whether it can be read matters")]
    to: Address,
}

fn world() -> World {
    World::with(|server, _| {
        server
            .tool(Tool::new("mail").handler(|_: Args<Mail>| async { "sent" }))
            .prompt(Prompt::new("write").handler(|_: Args<One>| async { "Dear" }))
            .resource(Resource::template("box://{to}", "box").handler(|_: Args<One>| async { "x" }))
    })
}

#[tokio::test]
async fn a_value_that_its_type_refuses_is_named_by_its_place_and_never_logged() {
    let logs = Logs::collect();
    for way in Way::ALL {
        let mut client = Conversation::open(&world(), way).await;
        assert!(client.call("mail", json!({"to": ["a@b"]})).await.get("isError").is_none());
        let failure = failure_of(&client.call("mail", json!({"to": ["a@b", "hunter2"]})).await);
        assert_eq!(failure["code"], "INVALID_INPUT");
        let text = failure["message"].as_str().unwrap();
        assert!(text.starts_with("the argument at /to/1 does not fit this tool"), "{text}");
        for (method, params) in [
            ("prompts/get", json!({"name": "write", "arguments": {"to": "hunter2"}})),
            ("resources/read", json!({"uri": "box://hunter2"})),
        ] {
            let error = client.ask(method, params).await.unwrap_err();
            let text = error["message"].as_str().unwrap();
            assert!(text.starts_with("the argument at /to does not fit"), "{text}");
        }
    }
    // The operator still learns which type was the stricter one.
    let told = logs.matching(Level::DEBUG, "refuses the value at");
    assert_eq!(told.len(), 3 * Way::ALL.len(), "{told:?}");
    assert!(told.iter().all(|line| line.contains("arguments::")), "{told:?}");
    // A URI is the target of its call, which spans carry; nothing else repeats a value.
    let rest = logs.text().replace("box://hunter2", "");
    assert!(!rest.contains("hunter2"), "{rest}");
}

#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
struct Free {
    #[serde(rename = "URI")]
    uri: String,
    #[serde(rename = "Name")]
    name: String,
    cursor: u8,
}

#[tokio::test]
async fn an_extension_may_spell_its_parameters_as_it_likes() {
    let world = World::with(|server, _| {
        let method = |Args(free): Args<Free>| async move { Json(free) };
        server.extension(Extension::new("com.example/free").method("free/echo", method))
    });
    let mut lines = Lines::open(&world);
    let mut ask = async |method: &str, mut params: Value| {
        let capabilities = json!({"extensions": {"com.example/free": {}}});
        params["_meta"] = json!({wharf::keys::CLIENT_CAPABILITIES: capabilities});
        lines.ask(&message(true, 1, method, params)).await
    };
    let answer = ask("free/echo", json!({"URI": "a:b", "Name": "n", "cursor": 7})).await;
    let result = &answer["result"];
    assert_eq!(
        (&result["URI"], &result["Name"], &result["cursor"]),
        (&json!("a:b"), &json!("n"), &json!(7))
    );
    // The same key twice is an attack in every method.
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"free/echo","params":{"URI":"a:b","URI":"c:d","Name":"n","cursor":7,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"com.example/free":{}}}}}}"#;
    // The core's own methods stay strict about their own names.
    let wrong = ask("resources/read", json!({"URI": "memo://one"})).await;
    assert_eq!(wrong["error"]["code"], -32602);
    assert!(wrong["error"]["message"].as_str().unwrap().contains("write \"uri\""), "{wrong}");
    lines.send_raw(format!("{twice}\n").as_bytes()).await;
    assert_eq!(lines.next().await.unwrap()["error"]["code"], -32602);
}
