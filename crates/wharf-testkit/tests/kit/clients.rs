//! The client in memory: every revision, every kind of request, questions, notifications, time.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use serde_json::json;
use wharf::{ClientCapability, ErrorKind, LogLevel, Revision};
use wharf_testkit::{Changes, Client, ClientBuilder, advance};

use crate::world::{Signals, Text, endless, server};

/// What a future panics with.
pub(crate) async fn panic_of<T>(future: impl Future<Output = T>) -> String {
    let Err(panic) = std::panic::AssertUnwindSafe(future).catch_unwind().await else {
        panic!("it should have failed the test")
    };
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

fn memory(revision: Revision) -> ClientBuilder {
    Client::memory(server()).revision(revision)
}

#[tokio::test]
async fn every_request_works_in_every_revision() {
    for revision in Revision::ALL {
        let client = memory(revision).await;
        assert_eq!(client.revision(), revision);
        assert_eq!(client.server_info()["instructions"], "Try everything.");
        assert!(client.tool_names().await.contains(&"echo".to_owned()));
        assert_eq!(client.list_resources().await[0]["uri"], "memo://one");
        assert_eq!(client.list_resource_templates().await[0]["uriTemplate"], "memo://by/{text}");
        assert_eq!(client.list_prompts().await[0]["name"], "say");
        let echoed = client.call("echo", json!({"text": "hi"})).await;
        if revision.has_structured_content() {
            assert_eq!(echoed.structured::<Text>(), Text { text: "hi".into() });
        }
        assert_eq!(echoed.text(), r#"{"text":"hi"}"#);
        assert_eq!(client.read("memo://one").await.text(), "first");
        assert_eq!(client.read("memo://by/me").await.text(), "me");
        assert_eq!(client.prompt("say", json!({"text": "hi"})).await.text(), "Say hi");
        assert_eq!(client.complete_prompt("say", "text", "o").await, ["one", "other"]);
        let completed = client.complete_resource("memo://by/{text}", "text", "a", &[]).await;
        assert_eq!(completed, ["a!"]);
        client.close().await;
    }
    let discovered = memory(Revision::V2026_07_28).await.discover().await;
    assert_eq!(discovered["supportedVersions"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn failures_of_both_kinds_are_told_apart() {
    for revision in Revision::ALL {
        let client = memory(revision).await;
        let refused = client.call("echo", json!({"text": "x".repeat(21)})).await;
        refused.expect_error(ErrorKind::InvalidInput);
        assert_eq!((refused.rpc_code(), refused.is_error()), (None, true));
        assert!(refused.message().contains("/text"), "{}", refused.message());
        let unknown = client.call("ecko", json!({})).await;
        assert_eq!(unknown.rpc_code(), Some(-32602));
        assert!(unknown.message().contains("did you mean \"echo\""));
        let missing = client.read("memo://none").await;
        missing.expect_error(ErrorKind::ResourceNotFound);
        let fine = client.call("echo", json!({"text": "x"})).await;
        assert_eq!((fine.error_code(), fine.rpc_code(), fine.is_error()), (None, None, false));
        for failed in [
            panic_of(async { fine.expect_error(ErrorKind::Timeout).is_error() }).await,
            panic_of(async { refused.text() }).await,
            panic_of(async { refused.expect_error(ErrorKind::Timeout).is_error() }).await,
            panic_of(async { fine.message() }).await,
        ] {
            assert!(failed.starts_with("tools/call echo "), "{failed}");
        }
    }
}

#[tokio::test]
async fn scripted_answers_serve_both_eras() {
    for revision in [Revision::V2025_06_18, Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = memory(revision)
            .answer("last_name", json!({"last_name": "Lovelace"}))
            .answer("your first name", json!({"first_name": "Ada"}))
            .answer("roots/list", json!([{"uri": "file:///a"}]))
            .answer("Capital?", json!("Paris"))
            .decline("Who?")
            .await;
        let greeted = client.call("greet", json!({})).await;
        assert_eq!(greeted.text(), r#"{"first_name":"Ada"} {"last_name":"Lovelace"}"#);
        let answered = client.call("everything", json!({})).await;
        assert_eq!(answered.text(), r#"declined "Paris" "file:///a""#);
        client.assert_all_asked();
        client.answer("first", json!({"first_name": "A"}));
        let left = panic_of(async { client.assert_all_asked() }).await;
        assert_eq!(left, r#"the server never asked for ["first"]"#);
    }
}

#[tokio::test]
async fn keys_name_questions_and_closing_them_is_an_answer() {
    let client = memory(Revision::V2026_07_28).cancel("first").decline("last").await;
    assert_eq!(client.call("greet", json!({})).await.text(), "cancelled declined");
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = memory(revision).answer("sign in", json!(null)).await;
        assert_eq!(client.call("consent", json!({})).await.text(), "{}");
    }
}

#[tokio::test]
async fn an_unscripted_question_fails_the_test_and_names_the_question() {
    for revision in [Revision::V2025_06_18, Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = memory(revision).answer("first_name", json!({"first_name": "Ada"})).await;
        let failed = panic_of(client.call("greet", json!({}))).await;
        let expected =
            r#"tools/call greet: the server asked elicitation/create "And your last name?""#;
        assert!(failed.starts_with(expected), "{failed}");
        assert!(failed.ends_with("no answer is left in the script"), "{failed}");
    }
}

#[tokio::test]
async fn a_client_that_can_not_be_asked_is_refused() {
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = memory(revision).without(ClientCapability::ElicitationForm).await;
        let refused = client.call("greet", json!({})).await;
        assert!(refused.message().contains("elicitation"), "{}", refused.message());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_before_an_answer_is_there_with_it_and_in_order() {
    for revision in Revision::ALL {
        let client = memory(revision).log_level(LogLevel::Info).await;
        for _ in 0..20 {
            client.forget();
            assert_eq!(client.call("work", json!({})).await.text(), "worked");
            let logs: Vec<_> =
                client.logs().iter().map(|log| log["data"]["done"].clone()).collect();
            assert_eq!(logs, (1..=20).map(|done| json!(done)).collect::<Vec<_>>());
            let progress: Vec<_> =
                client.progress().iter().map(|said| said["progress"].as_f64().unwrap()).collect();
            assert!(!progress.is_empty() && progress.is_sorted(), "{progress:?}");
        }
    }
    let silent = memory(Revision::V2026_07_28).await;
    assert_eq!(silent.call("work", json!({})).await.text(), "worked");
    assert!(silent.logs().is_empty());
}

#[tokio::test]
async fn changes_arrive_in_order_in_both_eras() {
    for revision in Revision::ALL {
        let client = memory(revision).await;
        client.listen(Changes::lists().resource("memo://one")).await;
        assert_eq!(client.call("change", json!({})).await.text(), "changed");
        client.notified("notifications/resources/list_changed").await;
        let changes = client.changes();
        let expected = [
            "tools/list_changed",
            "resources/updated",
            "prompts/list_changed",
            "resources/list_changed",
        ];
        assert_eq!(changes, expected.map(|name| format!("notifications/{name}")), "{revision}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_hour_passes_at_once() {
    let client = Client::memory(server()).patience(Duration::from_secs(4000)).await;
    let call = client.call("slow", json!({}));
    tokio::pin!(call);
    assert!(tokio::time::timeout(Duration::from_secs(3599), &mut call).await.is_err());
    assert_eq!(call.await.text(), "done");
    let began = tokio::time::Instant::now();
    advance(Duration::from_secs(86_400)).await;
    assert_eq!(began.elapsed(), Duration::from_secs(86_400));
}

#[tokio::test]
async fn advancing_a_running_clock_fails_the_test() {
    assert!(panic_of(advance(Duration::from_secs(1))).await.contains("frozen"));
}

#[tokio::test]
async fn dropping_a_call_cancels_it_and_dropping_a_client_too() {
    for revision in Revision::ALL {
        let signals = Arc::<Signals>::default();
        let client = Client::memory(endless(&signals)).revision(revision).await;
        {
            let call = client.call("endless", json!({}));
            tokio::select! {
                _ = call => panic!("it never ends"),
                () = signals.started.notified() => {}
            }
        }
        signals.dropped.notified().await;
        let call = client.call("endless", json!({}));
        tokio::select! {
            _ = call => panic!("it never ends"),
            () = signals.started.notified() => {}
        }
        drop(client);
        signals.dropped.notified().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_fails_the_test() {
    let signals = Arc::<Signals>::default();
    let client = Client::memory(endless(&signals)).patience(Duration::from_secs(2)).await;
    let failed = panic_of(client.call("endless", json!({}))).await;
    assert_eq!(failed, "tools/call endless: no answer within 2s");
}

#[tokio::test]
async fn two_calls_run_at_once_over_one_client() {
    let client = Client::memory(server()).await;
    let (one, two) = tokio::join!(
        client.call("echo", json!({"text": "one"})),
        client.call("echo", json!({"text": "two"})),
    );
    assert_eq!((one.text(), two.text()), (r#"{"text":"one"}"#.into(), r#"{"text":"two"}"#.into()));
}

#[tokio::test]
async fn arguments_that_are_no_object_fail_the_test() {
    let client = Client::memory(server()).await;
    assert!(panic_of(client.call("echo", json!([1]))).await.contains("arguments are an object"));
}

#[tokio::test]
async fn a_message_that_the_server_can_not_read_fails_the_test_at_once() {
    let client = Client::memory(server()).await;
    let failed = panic_of(client.call("echo", json!({"text": "x".repeat(5_000_000)}))).await;
    assert!(failed.starts_with("tools/call echo: the server could not read a message"), "{failed}");
}
