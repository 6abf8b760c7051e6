//! The same client over HTTP and a process, and what a failing test is told of a server that misbehaves there.

use serde_json::json;
use wharf::{
    Revision,
    transport::http::{Http, HttpSettings},
};
use wharf_testkit::{Changes, Client, ClientBuilder, HttpSite, Wire, example};

use crate::{clients::panic_of, world::server};

fn process() -> ClientBuilder {
    Client::command([example("world_stdio")])
}

/// What must be the same over every transport.
async fn talk(client: ClientBuilder, revision: Revision) {
    let client = client
        .revision(revision)
        .answer("first_name", json!({"first_name": "Ada"}))
        .decline("last name")
        .await;
    assert!(client.tool_names().await.contains(&"echo".to_owned()));
    assert_eq!(client.call("echo", json!({"text": "hi"})).await.text(), r#"{"text":"hi"}"#);
    if revision.has_structured_content() {
        let greeted = client.call("greet", json!({})).await;
        assert_eq!(greeted.text(), r#"{"first_name":"Ada"} declined"#);
        client.assert_all_asked();
    }
    assert_eq!(client.read("memo://one").await.text(), "first");
    assert_eq!(client.prompt("say", json!({"text": "hi"})).await.text(), "Say hi");
    client.listen(Changes::lists().resource("memo://one")).await;
    assert_eq!(client.call("change", json!({})).await.text(), "changed");
    client.notified("notifications/resources/list_changed").await;
    assert_eq!(client.changes().len(), 4);
    assert_eq!(client.call("work", json!({})).await.text(), "worked");
    assert!(!client.progress().is_empty());
    client.close().await;
}

#[tokio::test]
async fn every_revision_over_http() {
    let site = HttpSite::start(server()).await;
    for revision in Revision::ALL {
        talk(Client::http(site.url()), revision).await;
    }
    site.shut_down().await;
}

#[tokio::test]
async fn every_revision_over_stdio() {
    for revision in Revision::ALL {
        talk(process(), revision).await;
    }
}

#[tokio::test]
async fn a_process_that_dies_is_told_with_its_last_words() {
    let path = example("world_stdio");
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let words = [path.clone().into_os_string(), "--die".into()];
        let failed = panic_of(Client::command(words).revision(revision).connect()).await;
        assert!(failed.contains("stderr ends with:\nthe harbour is closed"), "{failed}");
    }
    let mut wire = Wire::command([path.into_os_string(), "--babble".into()]);
    assert!(panic_of(wire.next()).await.contains("good morning"));
    let failed = panic_of(async { Wire::command(["./no-such-server"]).next().await }).await;
    assert!(failed.starts_with("can't start ./no-such-server"), "{failed}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_ends_with_its_client() {
    let mut wire = Wire::command(["sh", "-c", "echo $$; exec sleep 600"]);
    let process = wire.next().await.unwrap();
    let runs = || {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // A process that has ended stays as a zombie until it is waited for.
        !stat.is_empty() && !stat.contains(") Z ")
    };
    assert!(runs());
    drop(wire);
    let ended = async {
        while runs() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(std::time::Duration::from_secs(20), ended).await.is_ok());
}

#[tokio::test]
async fn headers_reach_the_server() {
    let site =
        HttpSite::with(Http::new(HttpSettings::default()).service(server().build().unwrap())).await;
    let refused =
        panic_of(Client::http(site.url()).header("Origin", "https://evil.example").connect()).await;
    assert!(refused.contains("there is no connection"), "{refused}");
    let gone = panic_of(Client::http(format!("http://{}/nowhere", site.addr())).connect()).await;
    assert!(gone.contains("there is no connection"), "{gone}");
}
