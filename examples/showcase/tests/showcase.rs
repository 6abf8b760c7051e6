//! The examples through the client of the test kit, in memory and in every revision.

use serde_json::json;
use showcase::{
    asking::{self, Reservations},
    notes, shop, sums,
};
use wharf::{Caller, ClientCapability, ErrorKind, Grants, Revision};
use wharf_testkit::{Changes, Client};

const ASKING: [Revision; 3] = [Revision::V2026_07_28, Revision::V2025_11_25, Revision::V2025_06_18];

#[tokio::test]
async fn sums_add_in_every_revision() {
    for revision in Revision::ALL {
        let client = Client::memory(sums::server()).revision(revision).await;
        assert_eq!(client.call("add", json!({"a": 2, "b": 40})).await.text(), "42");
        assert_eq!(client.call("add", json!({"a": 2})).await.text(), "3");
        let refused = client.call("add", json!({"a": i64::MAX})).await;
        assert!(refused.expect_error(ErrorKind::InvalidInput).message().contains("smaller"));
        client.call("add", json!({"a": "two"})).await.expect_error(ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn notes_are_listed_read_suggested_and_deleted() {
    for revision in Revision::ALL {
        let client = Client::memory(notes::server()).revision(revision).await;
        assert!(client.list_resources().await.is_empty());
        for (name, text) in [("tea", "Green"), ("milk", "Two"), ("milk", "Three")] {
            client.call("write_note", json!({"name": name, "text": text})).await.text();
        }
        let listed = client.list_resources().await;
        let uris: Vec<_> =
            listed.iter().map(|resource| resource["uri"].as_str().unwrap()).collect();
        assert_eq!(uris.len(), 2);
        assert!(uris.contains(&"note:///tea") && uris.contains(&"note:///milk"), "{uris:?}");
        assert_eq!(client.read("note:///milk").await.text(), "Three");
        assert_eq!(client.complete_resource("note:///{name}", "name", "t", &[]).await, ["tea"]);

        client.call("delete_note", json!({"name": "tea"})).await.text();
        let again = client.call("delete_note", json!({"name": "tea"})).await;
        again.expect_error(ErrorKind::ResourceNotFound);
        assert!(client.read("note:///tea").await.is_error());
        assert_eq!(client.list_resources().await.len(), 1);
        let bad = client.call("write_note", json!({"name": "../tea", "text": "x"})).await;
        bad.expect_error(ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn notes_tell_who_listens() {
    for revision in [Revision::V2026_07_28, Revision::V2025_11_25] {
        let client = Client::memory(notes::server()).revision(revision).await;
        client.call("write_note", json!({"name": "tea", "text": "Green"})).await.text();
        client.listen(Changes::lists().resource("note:///tea")).await;
        client.forget();
        client.call("write_note", json!({"name": "tea", "text": "Black"})).await.text();
        let updated = client.notified("notifications/resources/updated").await;
        assert_eq!(updated.params["uri"], "note:///tea");
        assert!(!client.changes().contains(&"notifications/resources/list_changed".to_owned()));
        client.call("delete_note", json!({"name": "tea"})).await.text();
        client.notified("notifications/resources/list_changed").await;
    }
}

#[tokio::test]
async fn the_hundred_and_first_note_is_refused_and_the_others_are_kept() {
    let client = Client::memory(notes::server()).await;
    for number in 0..100 {
        let note = json!({"name": format!("n{number}"), "text": "x"});
        client.call("write_note", note).await.text();
    }
    let refused = client.call("write_note", json!({"name": "more", "text": "x"})).await;
    refused.expect_error(ErrorKind::Conflict);
    client.call("write_note", json!({"name": "n7", "text": "replaced"})).await.text();
    assert_eq!(client.list_resources().await.len(), 100);
}

#[tokio::test]
async fn notes_written_and_deleted_at_once_are_listed_as_they_are_kept() {
    let client = Client::memory(notes::server()).await;
    for _ in 0..20 {
        let write = client.call("write_note", json!({"name": "tea", "text": "Green"}));
        let delete = client.call("delete_note", json!({"name": "tea"}));
        let (wrote, _) = tokio::join!(write, delete);
        wrote.text();
        let is_kept = !client.read("note:///tea").await.is_error();
        assert_eq!(client.list_resources().await.len(), usize::from(is_kept));
    }
}

#[tokio::test]
async fn a_table_is_booked_once_however_often_the_handler_runs() {
    for revision in ASKING {
        let reservations = Reservations::default();
        let client = Client::memory(asking::server(reservations.clone()))
            .revision(revision)
            .answer("What kind of table", json!({"persons": 4, "day": "friday"}))
            .answer("Book a table for 4 on Friday?", json!({"confirmed": true}))
            .answer("Where would you like to sit?", json!({"choice": "garden"}))
            .await;
        let booked = client.call("book_table", json!({})).await.text();
        assert_eq!(booked, "Table 1 for 4 is booked, garden.");
        assert_eq!(reservations.count(), 1);
        client.assert_all_asked();
    }
}

#[tokio::test]
async fn nothing_is_booked_without_consent() {
    for revision in ASKING {
        let reservations = Reservations::default();
        let server = || asking::server(reservations.clone());
        let wish = json!({"persons": 2, "day": "saturday"});
        let declines = Client::memory(server()).revision(revision).decline("What kind").await;
        let says_no = Client::memory(server())
            .revision(revision)
            .answer("What kind", wish.clone())
            .answer("Book a table", json!({"confirmed": false}))
            .await;
        let closes = Client::memory(server())
            .revision(revision)
            .answer("What kind", wish)
            .cancel("Book a table")
            .await;
        for client in [declines, says_no, closes] {
            assert_eq!(client.call("book_table", json!({})).await.text(), "Nothing was booked.");
            client.assert_all_asked();
        }
        assert_eq!(reservations.count(), 0);
    }
}

#[tokio::test]
async fn a_client_that_cannot_be_asked_is_told_so() {
    for revision in ASKING {
        let reservations = Reservations::default();
        let client = Client::memory(asking::server(reservations.clone()))
            .revision(revision)
            .without(ClientCapability::ElicitationForm)
            .await;
        assert!(client.call("book_table", json!({})).await.is_error());
        assert_eq!(reservations.count(), 0);
    }
}

#[tokio::test]
async fn the_shop_keeps_quotes_and_takes_each_order_once() {
    for revision in Revision::ALL {
        let service = shop::server().build().unwrap();
        let client = Client::memory(&service).revision(revision).await;
        let quote = || client.call("quote", json!({"articles": ["rope", "anchor", "rope"]}));
        let cache = |meta: &serde_json::Value| meta["dev.wharf/cache"].clone();
        let first = quote().await;
        assert_eq!(first.text(), "{\"total\":13000}");
        assert_eq!(cache(&first.result()["_meta"]), "miss");
        assert_eq!(cache(&quote().await.result()["_meta"]), "hit");
        let order =
            |name: &'static str| client.call("order", json!({"order": name, "article": "anchor"}));
        assert_eq!(order("a-1").await.text(), "a-1: one anchor");
        // The same order again takes nothing: the only anchor is gone already.
        let again = order("a-1").await;
        assert_eq!(again.text(), "a-1: one anchor");
        assert_eq!(again.result()["_meta"]["dev.wharf/replayed"], true);
        order("a-2").await.expect_error(ErrorKind::Conflict);
        // What the order changed is not answered from before.
        assert_eq!(cache(&quote().await.result()["_meta"]), "miss");
        let unknown = client.call("quote", json!({"articles": ["boat"]})).await;
        unknown.expect_error(ErrorKind::ResourceNotFound);
    }
}

#[tokio::test]
async fn the_shop_sells_to_who_may_buy_and_not_too_fast() {
    let service = shop::server().build().unwrap();
    let grants = Grants::parse(["shop:quote"]).unwrap();
    let looker = Caller::authenticated("looker", "looker").with_grants(grants.into());
    let client = Client::memory(&service).caller(looker).await;
    let names: Vec<_> = client.list_tools().await.iter().map(|tool| tool["name"].clone()).collect();
    assert_eq!(names, ["quote"]);
    let order = client.call("order", json!({"order": "x", "article": "rope"})).await;
    assert!(order.is_error());

    let buyer = Client::memory(&service).await;
    for n in 0..60 {
        let order = json!({"order": n.to_string(), "article": "rope"});
        let _ = buyer.call("order", order).await;
    }
    let refused = buyer.call("order", json!({"order": "late", "article": "rope"})).await;
    let refused = refused.expect_error(ErrorKind::RateLimited);
    assert_eq!(refused.details()["limit"], "tool");
}
