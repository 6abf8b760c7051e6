//! Transcripts pass over every transport, and fail for every kind of difference.

use wharf::{Server, Tool};
use wharf_testkit::{HttpSite, Transcript, Wire, example};

use crate::{clients::panic_of, world::server};

async fn everywhere(name: &str) {
    let transcript = Transcript::load(format!("tests/transcripts/{name}.txt"));
    transcript.replay(Wire::memory(server())).await;
    transcript.replay(Wire::command([example("world_stdio")])).await;
    let site = HttpSite::start(server()).await;
    transcript.replay(Wire::http(site.url())).await;
}

#[tokio::test]
async fn a_legacy_session_is_the_same_over_every_transport() {
    everywhere("legacy").await;
}

#[tokio::test]
async fn a_modern_exchange_is_the_same_over_every_transport() {
    everywhere("modern").await;
}

#[tokio::test]
async fn broken_messages_are_refused_over_every_transport() {
    everywhere("broken").await;
}

const CALL: &str = r#"> {"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{
    "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

fn small() -> Server {
    Server::new("small", "1.0.0").tool(Tool::new("hello").handler(|| async { "hi" }))
}

async fn failure(transcript: &str) -> String {
    panic_of(Transcript::parse(transcript).replay(Wire::memory(small()))).await
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_difference_fails_and_is_shown() {
    let expected = r#"{"jsonrpc":"2.0","id":1,"result":{"...":"<any>","tools":[{"name":"hello","...":"<any>"}]}}"#;
    Transcript::parse(&format!("{CALL}\n< {expected}")).replay(Wire::memory(small())).await;

    let differs = failure(&format!("{CALL}\n< {}", expected.replace("hello", "bye"))).await;
    assert!(
        differs.starts_with("transcript, line 3, over memory: the server said something else"),
        "{differs}"
    );
    assert!(
        differs.contains("-        \"name\": \"bye\"\n+        \"name\": \"hello\""),
        "{differs}"
    );
    assert!(!differs.contains("-    \"tools\""), "{differs}");

    let more = failure(CALL).await;
    assert!(
        more.starts_with("transcript, at its end, over memory: the server said more: {"),
        "{more}"
    );
    let between =
        failure(&format!("{CALL}\n{CALL}\n< {expected}\n< {expected}\n< {expected}")).await;
    assert!(between.contains("line 7") && between.contains("said nothing for"), "{between}");
    let unkept = failure(&CALL.replace("\"id\":1", "\"id\":\"<$one>\"")).await;
    assert!(unkept.contains("nothing was kept as \"one\""), "{unkept}");
}

#[tokio::test]
async fn more_than_expected_fails_over_http_too() {
    let site = HttpSite::start(small()).await;
    let failed = panic_of(Transcript::parse(CALL).replay(Wire::http(site.url()))).await;
    assert!(failed.contains("over HTTP: the server said more"), "{failed}");
    let refused =
        panic_of(Transcript::parse("> {}").replay(Wire::http(format!("{}/x", site.url())))).await;
    assert!(refused.contains("HTTP 404"), "{refused}");
}
