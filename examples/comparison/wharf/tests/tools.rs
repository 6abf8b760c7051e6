//! Every tool, the resource and the prompt, in both eras of the protocol.

use serde_json::{Value, json};
use wharf::{ErrorKind, Revision};
use wharf_testkit::{Client, ClientBuilder, advance};

const ERAS: [Revision; 2] = [Revision::V2025_11_25, Revision::V2026_07_28];

fn memory(revision: Revision) -> ClientBuilder {
    Client::memory(comparison_wharf::server()).revision(revision)
}

#[tokio::test]
async fn arguments_are_typed_and_their_constraints_are_checked() {
    for revision in ERAS {
        let client = memory(revision).await;
        let feet = json!({"value": 1, "from": "foot", "to": "inch"});
        assert_eq!(client.call("convert_length", feet).await.text(), "12.000");
        let created = client.call("create_task", json!({"title": "Paint"})).await;
        let task: Value = created.structured();
        assert_eq!((&task["priority"], &task["hours"]), (&json!("normal"), &json!(1)));
        for (wrong, place) in [
            (json!({"title": ""}), "/title"),
            (json!({"title": "x", "label": "No!"}), "/label"),
            (json!({"title": "x", "hours": 41}), "/hours"),
            (json!({"title": "x", "priority": "urgent"}), "/priority"),
            (json!({"title": "x", "hurs": 3}), "/hurs"),
        ] {
            let refused = client.call("create_task", wrong).await;
            assert_eq!(
                refused.expect_error(ErrorKind::InvalidInput).details()[0]["pointer"],
                place
            );
        }
    }
}

#[tokio::test]
async fn tasks_are_shared_and_a_wrong_id_names_the_right_ones() {
    for revision in ERAS {
        let client = memory(revision).await;
        let titles = json!({"titles": ["a", "b", "c"]});
        assert_eq!(client.call("import_tasks", titles).await.text(), "imported 3 tasks");
        assert_eq!(client.progress().len(), 3);
        let list: Value = client.call("list_tasks", json!({"limit": 1})).await.structured();
        assert_eq!((&list["total"], &list["tasks"][0]["title"]), (&json!(3), &json!("a")));
        let wrong = client.call("complete_task", json!({"id": 9})).await;
        assert_eq!(wrong.message(), "there is no task 9; the tasks are [1, 2, 3]");
        let done: Value = client.call("complete_task", json!({"id": 1})).await.structured();
        assert_eq!(done["done"], true);
        assert_eq!(client.call("wait_for_task", json!({"id": 1})).await.text(), "task 1 is done");
        let chart = client.call("task_chart", json!({})).await;
        assert_eq!(chart.result()["content"][0]["mimeType"], "image/svg+xml");
        assert!(client.read("task://1").await.text().contains(r#""title":"a""#));
        let plan = client.prompt("plan_day", json!({"hours": "4"})).await.text();
        assert_eq!(plan, "Plan a day of 4 hours with: b, c");
        client
            .prompt("plan_day", json!({"hours": "99"}))
            .await
            .expect_error(ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn the_person_is_asked() {
    for revision in ERAS {
        let client = memory(revision)
            .answer("Who does", json!({"owner": "Ada"}))
            .decline("Delete")
            .answer("Delete", json!({"confirmed": true}))
            .await;
        assert!(!client.call("create_task", json!({"title": "Paint"})).await.is_error());
        let task: Value = client.call("assign_task", json!({"id": 1})).await.structured();
        assert_eq!(task["owner"], "Ada");
        let delete = async || client.call("delete_task", json!({"id": 1})).await.text();
        assert_eq!(delete().await, "nothing was deleted");
        assert_eq!(delete().await, "deleted task 1");
        client.assert_all_asked();
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_the_task_or_after_two_seconds() {
    let client = memory(Revision::V2026_07_28).await;
    assert!(!client.call("create_task", json!({"title": "Paint"})).await.is_error());
    let wait = client.call("wait_for_task", json!({"id": 1}));
    let (late, ()) = tokio::join!(wait, advance(std::time::Duration::from_secs(3)));
    late.expect_error(ErrorKind::Timeout);
    let wait = client.call("wait_for_task", json!({"id": 1}));
    let (waited, done) = tokio::join!(wait, client.call("complete_task", json!({"id": 1})));
    assert!(!done.is_error());
    assert_eq!(waited.text(), "task 1 is done");
}

#[tokio::test]
async fn a_panic_is_answered_and_the_server_goes_on() {
    let client = memory(Revision::V2026_07_28).await;
    let divide = async |people| client.call("hours_per_person", json!({"people": people})).await;
    divide(0).await.expect_error(ErrorKind::Internal);
    assert_eq!(divide(1).await.text(), "0");
}
