//! One server out of several: names, clashes, and what becomes of everything else.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use wharf::{
    AuditSink, BuildError, CallRecord, CompletionQuery, Event, EventBus, Extension, Json, LocalBus,
    Probe, Prompt, Readiness, RefusalRecord, Resource, Server, Tool,
};

use crate::{
    conversation::{Conversation, Lines, Way, message},
    wire::{Request, Site},
    world::{Signal, World, failure_of},
};

fn part(name: &'static str) -> Server {
    let complete = |_: CompletionQuery| async { vec!["x"] };
    Server::new(name, "2.0.0")
        .title("lost")
        .tool(Tool::new("search").handler(move || async move { format!("{name} searched") }))
        .prompt(Prompt::new("plan").complete("x", complete).handler(move || async move { name }))
}

fn text(uri: &str) -> Resource {
    Resource::new(uri, "text").handler(|| async { "contents" })
}

#[tokio::test]
async fn prefixed_parts_keep_their_names_apart_and_their_uris_as_they_are() {
    let world = World::bare(|server| {
        let mail = part("mail").resource(text("mail://inbox"));
        let nested = part("deep").merge_prefixed("deeper", part("deepest"));
        server
            .tool(Tool::new("search").handler(|| async { "own" }))
            .merge_prefixed("web", part("web"))
            .merge_prefixed("mail", mail)
            .merge_prefixed("x-1", nested)
    });
    for way in Way::ALL {
        let mut client = Conversation::open(&world, way).await;
        let list = client.ask("tools/list", json!({})).await.unwrap();
        let names: Vec<_> = list["tools"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
        let expected = ["search", "web_search", "mail_search", "x-1_search", "x-1_deeper_search"];
        assert_eq!(names, expected);
        for (name, text) in expected.into_iter().zip(["own", "web", "mail", "deep", "deepest"]) {
            let said = client.call(name, json!({})).await["content"][0]["text"].take();
            assert!(said.as_str().unwrap().starts_with(text), "{name}: {said}");
        }
        let got = client.ask("prompts/get", json!({"name": "mail_plan"})).await.unwrap();
        assert_eq!(got["messages"][0]["content"]["text"], "mail");
        let reference = json!({"type": "ref/prompt", "name": "x-1_deeper_plan"});
        let complete = json!({"ref": reference, "argument": {"name": "x", "value": ""}});
        let completed = client.ask("completion/complete", complete).await.unwrap();
        assert_eq!(completed["completion"]["values"], json!(["x"]));
        assert!(client.ask("resources/read", json!({"uri": "mail://inbox"})).await.is_ok());
    }
}

#[test]
fn clashes_name_both_servers_and_what_to_do() {
    let build = |server: Server| server.build().map(|_| ()).map_err(|error| error.to_string());
    let check = |server: Server, expected: &str| {
        let told = build(server).unwrap_err();
        assert!(told.contains(expected), "{told}\n{expected}");
    };
    let both = part("a").merge(part("b"));
    check(both, "tool \"search\" is in \"a\" and in \"b\"; merge one of the two with a prefix");
    let both = part("a").merge(part("b"));
    check(both, "prompt \"plan\" is in \"a\" and in \"b\"; merge one of the two with a prefix");
    let resources = |name| Server::new(name, "1").resource(text("x:y"));
    check(
        resources("a").merge_prefixed("p", resources("b")),
        "resource \"x:y\" is in \"a\" and in \"b\"; give one of the two another URI",
    );
    // A prefix can run into a name: that is found too.
    let long = Server::new("c", "1").tool(Tool::new("b_search").handler(|| async { "" }));
    let collided = Server::new("o", "1").merge_prefixed("a_b", part("b")).merge_prefixed("a", long);
    check(collided, "tool \"a_b_search\" is in \"b\" and in \"c\"");
    // Within one server, and between two of one name, there is only one name to tell.
    check(part("a").merge(part("a")), "tool \"search\" is registered twice");
    // Names that no client could call.
    for bad in ["", "a.b", "a/b", "a b", "ä"] {
        let what = format!("the prefix {bad:?} for \"b\": the name is not allowed");
        check(part("a").merge_prefixed(bad, part("b")), &what);
    }
    let endless = part("a").merge_prefixed("p".repeat(60), part("b"));
    check(endless, "use 1 to 64 of A-Z");
    // A defect inside a part is told with the rest.
    let inner = part("b").merge_prefixed("", part("c"));
    check(part("a").merge_prefixed("p", inner), "the prefix \"\" for \"c\"");
    let Err(BuildError::Several(all)) = part("a").merge(part("b")).build() else { panic!() };
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn instructions_and_extensions_are_joined() {
    let extension = |method: &str, level: u64| {
        let handler = || async { Json(json!({"served": true})) };
        Extension::new("com.example/x").setting("level", level).method(method, handler)
    };
    let world = World::bare(|server| {
        server
            .instructions("First.")
            .extension(extension("x/one", 1))
            .merge(Server::new("b", "1").extension(extension("x/two", 1)))
            .merge_prefixed("c", Server::new("c", "1").instructions("Use search."))
            .merge(Server::new("d", "1").instructions("Last.").dynamic())
    });
    let mut lines = Lines::open(&world);
    let told = lines.ask(&message(true, 1, "server/discover", json!({}))).await["result"].take();
    assert_eq!(
        told["instructions"],
        "First.\n\nTools and prompts that this part names are called \"c_…\" here:\nUse search.\n\nLast."
    );
    assert_eq!(told["capabilities"]["extensions"], json!({"com.example/x": {"level": 1}}));
    assert!(
        told["capabilities"].get("prompts").is_some(),
        "one dynamic part makes a dynamic whole"
    );
    for method in ["x/one", "x/two"] {
        let capabilities = json!({"extensions": {"com.example/x": {}}});
        let params = json!({"_meta": {wharf::keys::CLIENT_CAPABILITIES: capabilities}});
        let answer = lines.ask(&message(true, 1, method, params)).await;
        assert_eq!(answer["result"]["served"], true, "{answer}");
    }
    let with = |name, extension| Server::new(name, "1").extension(extension);
    for (other, expected) in [
        (extension("x/one", 1), "method \"x/one\" is in \"a\" and in \"b\""),
        (
            extension("x/two", 2),
            "extension \"com.example/x\" with other settings is in \"a\" and in \"b\"",
        ),
    ] {
        let error = with("a", extension("x/one", 1)).merge(with("b", other)).build().unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

struct Fixed(&'static str, bool);

impl Probe for Fixed {
    fn name(&self) -> &str {
        self.0
    }

    fn check(&self) -> BoxFuture<'_, Readiness> {
        let unready = || Readiness::NotReady("gone".into());
        let readiness = if self.1 { Readiness::Ready } else { unready() };
        Box::pin(std::future::ready(readiness))
    }
}

#[tokio::test]
async fn every_probe_is_asked_under_a_name_of_its_own() {
    let probed = |name: &str, ready| Server::new(name, "1").probe(Arc::new(Fixed("disk", ready)));
    let world = World::bare(|server| {
        server
            .probe(Arc::new(Fixed("disk", true)))
            .merge(probed("b", true))
            .merge_prefixed("c", probed("c", false))
    });
    let site = Site::new(&world).await;
    let health = site.ask(&Request::new("GET").line("GET /health HTTP/1.1")).await;
    assert_eq!(health.status, 503, "{health:?}");
    let checks = &health.json()["servers"]["attacked"]["checks"];
    assert_eq!(*checks, json!({"disk": "ready", "b_disk": "ready", "c_disk": "gone"}));
}

#[tokio::test(start_paused = true)]
async fn a_part_keeps_the_time_that_it_was_given() {
    let slow = |name: &str| {
        let work = || async {
            tokio::time::sleep(Duration::from_secs(8)).await;
            "done"
        };
        Server::new(name, "1").tool(Tool::new(name).handler(work))
    };
    let world = World::bare(|server| {
        server.merge(slow("hasty").timeout(Duration::from_secs(5))).merge(slow("usual"))
    });
    let mut client = Conversation::open(&world, Way::LinesModern).await;
    assert_eq!(failure_of(&client.call("hasty", json!({})).await)["code"], "TIMEOUT");
    assert_eq!(client.call("usual", json!({})).await["content"][0]["text"], "done");
}

struct Told(Arc<Signal>);

impl AuditSink for Told {
    fn record(&self, _: &CallRecord<'_>) {
        self.0.raise();
    }

    fn refused(&self, _: &RefusalRecord<'_>) {}
}

#[tokio::test]
async fn sinks_and_buses_of_a_part_serve_a_whole_that_has_none() {
    let [outer, inner] = [(); 2].map(|()| Arc::<Signal>::default());
    let bus = Arc::new(LocalBus::default());
    let audited =
        |server: Server, signal: &Arc<Signal>| server.audit(Arc::new(Told(signal.clone())));
    let part = audited(part("part"), &inner).events(bus.clone());
    let service = Server::new("whole", "1").merge(part).build().unwrap();
    let mut events = bus.subscribe();
    service.handle().publish(Event::ToolsChanged);
    assert_eq!(events.next().await, Some(Event::ToolsChanged));
    let (stream, _task) = wharf::transport::memory::connect(
        &service,
        wharf::Caller::local(),
        &wharf::transport::Shutdown::new(Duration::ZERO),
    );
    let answer = one_call(stream).await;
    assert_eq!(answer["result"]["content"][0]["text"], "part searched");
    assert!(inner.is_raised());
    // The whole's own sink stays the only one.
    let whole = audited(Server::new("whole", "1"), &outer);
    let both = whole.merge(audited(self::part("part"), &inner)).build().unwrap();
    let (stream, _task) = wharf::transport::memory::connect(
        &both,
        wharf::Caller::local(),
        &wharf::transport::Shutdown::new(Duration::ZERO),
    );
    inner.wait().await;
    one_call(stream).await;
    assert!(outer.is_raised() && !inner.is_raised());
}

async fn one_call(stream: tokio::io::DuplexStream) -> Value {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let mut stream = BufReader::new(stream);
    let call = message(true, 1, "tools/call", json!({"name": "search", "arguments": {}}));
    stream.write_all(format!("{call}\n").as_bytes()).await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    serde_json::from_str(&line).unwrap()
}
