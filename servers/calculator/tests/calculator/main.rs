//! The calculator as its clients meet it: over memory, HTTP and stdio, in both eras.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use serde_json::{Value, json};
use wharf::{ErrorKind, Revision, Server};
use wharf_calculator::Settings;
use wharf_testkit::{Client, ClientBuilder, HttpSite, Transcript, Wire, assert_snapshots, example};

fn server() -> Server {
    wharf_calculator::server(Settings::default())
}

async fn calculate(client: &Client, expression: &str) -> Value {
    client.call("calculate", json!({"expression": expression})).await.structured()
}

#[tokio::test]
async fn what_models_read_is_under_review() {
    assert_snapshots(server(), "tests/snapshots").await;
}

/// What must be the same over every transport and in both eras.
async fn use_it(client: ClientBuilder) {
    for (revision, client) in [(Revision::V2025_11_25, &client), (Revision::V2026_07_28, &client)] {
        let client = client.clone().revision(revision).await;
        let answer = calculate(&client, "1/3 + 1/6").await;
        assert_eq!(
            answer,
            json!({"value": "0.5", "exact": true, "kind": "rational"}),
            "{revision}"
        );
        assert_eq!(calculate(&client, "2^100").await["value"], "1267650600228229401496703205376");
        assert_eq!(client.read("greeting://Ada").await.text(), "Hello, Ada!");
        let refused = client.call("calculate", json!({"expression": "1/0"})).await;
        refused.expect_error(ErrorKind::InvalidInput);
        client.close().await;
    }
}

#[tokio::test]
async fn it_works_in_memory() {
    use_it(Client::memory(server())).await;
}

#[tokio::test]
async fn it_works_over_http() {
    let site = HttpSite::start(server()).await;
    use_it(Client::http(site.url())).await;
    site.shut_down().await;
}

#[tokio::test]
async fn it_works_over_stdio() {
    use_it(Client::command([example("calculator_stdio")])).await;
}

#[tokio::test]
async fn the_wire_is_the_same_over_every_transport() {
    let transcript = Transcript::load("tests/transcripts/calculate.txt");
    transcript.replay(Wire::memory(server())).await;
    transcript.replay(Wire::command([example("calculator_stdio")])).await;
    let site = HttpSite::start(server()).await;
    transcript.replay(Wire::http(site.url())).await;
}

#[tokio::test]
async fn arguments_outside_the_schema_are_refused_with_their_pointer() {
    let client = Client::memory(server()).await;
    let check = async |arguments: Value, pointer: &str, rule: &str| {
        let refused = client.call("calculate", arguments.clone()).await;
        refused.expect_error(ErrorKind::InvalidInput);
        let details = refused.details();
        assert_eq!(
            (&details[0]["pointer"], &details[0]["rule"]),
            (&json!(pointer), &json!(rule)),
            "{details}"
        );
        assert!(!refused.message().contains("SECRET"), "{}", refused.message());
    };
    check(json!({}), "/expression", "required").await;
    check(json!({"expression": ""}), "/expression", "minLength").await;
    check(json!({"expression": "SECRET".repeat(1000)}), "/expression", "maxLength").await;
    check(json!({"expression": ["SECRET"]}), "/expression", "type").await;
    check(json!({"expression": null}), "/expression", "type").await;
    check(json!({"expression": "1", "base": "SECRET"}), "/base", "additionalProperties").await;
}

#[tokio::test]
async fn an_expression_that_is_wrong_is_refused_where_it_is_wrong() {
    let client = Client::memory(server()).await;
    let check = async |expression: &str, column: Value, said: &str| {
        let refused = client.call("calculate", json!({"expression": expression})).await;
        refused.expect_error(ErrorKind::InvalidInput);
        assert_eq!(refused.details()["column"], column, "{expression}: {}", refused.message());
        assert!(refused.message().contains(said), "{expression}: {}", refused.message());
    };
    check("2 +", json!(4), "end").await;
    check("sqr(4)", json!(1), "sqrt").await;
    check("1 / 0", json!(3), "division by zero").await;
    check("   ", Value::Null, "empty").await;
}

#[tokio::test]
async fn hostile_expressions_cost_a_bounded_amount_and_harm_no_other_caller() {
    let client = Client::memory(server()).await;
    let deep = format!("{}1{}", "(".repeat(2000), ")".repeat(2000));
    for expression in [
        deep.as_str(),
        &"-".repeat(4096),
        &"9".repeat(4096),
        "9^9^9^9",
        "(10^10)!",
        "2^(2^40)",
        "comb(10^12, 5*10^11)",
        "\u{202e}1+1",
        "1\0+1",
        "__import__('os')",
        "\u{feff}2",
    ] {
        let (hostile, other) = tokio::join!(
            client.call("calculate", json!({"expression": expression})),
            calculate(&client, "6*7"),
        );
        assert_eq!(other["value"], "42");
        // A number of 4096 digits is an answer; everything else is refused as the author's to mend.
        if !expression.starts_with('9') || expression.contains('^') {
            hostile.expect_error(ErrorKind::InvalidInput);
        }
    }
}

#[tokio::test]
async fn a_thousand_callers_at_once_each_get_their_own_answer() {
    let client = Client::memory(server()).patience(Duration::from_secs(120)).await;
    let calls = (0..1000).map(|n| {
        let client = &client;
        async move { (n, calculate(client, &format!("{n}*{n}")).await) }
    });
    for (n, answer) in futures_util::future::join_all(calls).await {
        assert_eq!(answer["value"], (n * n).to_string());
    }
}

#[tokio::test]
async fn greetings_are_bounded_and_names_are_only_text() {
    let client = Client::memory(server()).await;
    assert_eq!(client.read("greeting://%7Bname%7D").await.text(), "Hello, {name}!");
    assert_eq!(client.read("greeting://..%2F..%2Fetc").await.text(), "Hello, ../../etc!");
    assert!(client.read(&format!("greeting://{}", "x".repeat(101))).await.is_error());
    assert!(client.read("greeting://").await.is_error());
    assert!(client.read("greeting://a/b").await.is_error());
}
