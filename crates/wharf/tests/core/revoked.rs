//! A credential that ends while something goes on: the call that runs is stopped and answered with that, open streams end,
//! and sessions are gone. In both eras, over real sockets.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use wharf::{
    Authenticator, Caller, Challenge, Credentials, Event, Grants, Progress, Service, Tool,
    transport::http::{Http, HttpSettings},
};

use crate::{
    conversation::initialize_request,
    wire::{Direct, Request, Site},
    world::{World, failure_of},
};

/// Everybody is who they say, until they are withdrawn.
#[derive(Default)]
struct Keys(Mutex<HashSet<String>>);

impl Keys {
    fn withdraw(&self, name: &str) {
        self.0.lock().unwrap().insert(name.to_owned());
    }

    fn knows(&self, name: &str) -> bool {
        !self.0.lock().unwrap().contains(name)
    }
}

impl Authenticator for Keys {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        let name = credentials.headers.get("x-name").and_then(|name| name.to_str().ok());
        let caller = name
            .filter(|name| self.knows(name))
            .map(|name| Arc::new(Caller::authenticated(name, name).with_grants(Grants::all())));
        let caller = caller.ok_or_else(|| Challenge::unauthorized("Bearer"));
        Box::pin(std::future::ready(caller))
    }

    fn recognises(&self, caller: &Caller) -> bool {
        self.knows(&caller.id)
    }
}

fn http(service: &Service, keys: &Arc<Keys>) -> Http {
    let mut settings = HttpSettings::default();
    settings.review_interval = Duration::from_millis(10);
    Http::new(settings).service(service.clone()).authenticator(Arc::clone(keys) as _)
}

fn world() -> World {
    World::with(|server, signals| {
        let signals = Arc::clone(signals);
        server.tool(Tool::new("narrate").handler(move |progress: Progress| {
            let signals = Arc::clone(&signals);
            async move {
                let _guard = crate::world::Guard(Arc::clone(&signals));
                progress.report(1.0).await;
                signals.started.raise();
                std::future::pending::<()>().await;
            }
        }))
    })
}

fn by(name: &str, request: Request) -> Request {
    request.header("X-Name", name)
}

async fn session(site: &Site, name: &str) -> String {
    let begun = site.ask(&by(name, initialize_request("2025-11-25", json!({})))).await;
    begun.header("mcp-session-id").unwrap().to_owned()
}

fn call(modern: bool, session: &str, tool: &str) -> Request {
    let params = json!({"name": tool, "arguments": {}, "_meta": {"progressToken": 1}});
    match modern {
        true => Request::modern(7, "tools/call", params),
        false => Request::legacy(7, "tools/call", params).header("Mcp-Session-Id", session),
    }
}

fn assert_revoked(result: &Value) {
    let failure = failure_of(result);
    assert_eq!(failure["code"], "AUTHENTICATION_FAILED", "{result}");
    assert!(failure["message"].as_str().unwrap().contains("withdrawn or has expired"), "{result}");
}

#[tokio::test]
async fn a_call_whose_key_is_revoked_is_stopped_and_answered_with_that() {
    for modern in [true, false] {
        let mut world = world();
        let keys = Arc::<Keys>::default();
        let site = Site::start(http(&world.service, &keys)).await;
        let (ann, bob) = match modern {
            true => (String::new(), String::new()),
            false => (session(&site, "ann").await, session(&site, "bob").await),
        };
        let (mut one, mut other) = (site.connect().await, site.connect().await);
        one.send(&by("ann", call(modern, &ann, "never")).to_bytes()).await;
        world.signals.started.wait().await;
        other.send(&by("bob", call(modern, &bob, "gate")).to_bytes()).await;
        world.signals.started.wait().await;
        keys.withdraw("ann");
        let answer = one.response().await;
        assert_eq!(answer.status, 200);
        assert_revoked(&answer.json()["result"]);
        world.signals.dropped.wait().await;
        // Nobody else notices.
        world.signals.open.raise();
        let answer = other.response().await.json();
        assert_eq!(answer["result"]["content"][0]["text"], "passed", "{modern}");
        // The next request does not get in.
        assert_eq!(site.ask(&by("ann", call(modern, &ann, "echo"))).await.status, 401);
        let expected = [("never", "AUTHENTICATION_FAILED"), ("gate", "OK")];
        world.assert_recorded(&expected).await;
    }
}

#[tokio::test]
async fn a_call_that_streams_says_so_at_the_end_of_its_stream() {
    for modern in [true, false] {
        let mut world = world();
        let keys = Arc::<Keys>::default();
        let site = Site::start(http(&world.service, &keys)).await;
        let ann = if modern { String::new() } else { session(&site, "ann").await };
        let mut wire = site.connect().await;
        wire.open(&by("ann", call(modern, &ann, "narrate"))).await;
        world.signals.started.wait().await;
        keys.withdraw("ann");
        let mut last = Value::Null;
        while let Some(event) = wire.event().await {
            last = event.data;
        }
        assert_eq!(last["id"], 7, "{modern} {last}");
        assert_revoked(&last["result"]);
        world.signals.dropped.wait().await;
        world.assert_recorded(&[("narrate", "AUTHENTICATION_FAILED")]).await;
    }
}

#[tokio::test]
async fn open_streams_and_sessions_end_with_the_key() {
    let world = world();
    let keys = Arc::<Keys>::default();
    let site = Site::start(http(&world.service, &keys)).await;
    let listen = Request::modern(
        9,
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    );
    let id = session(&site, "ann").await;
    let (mut modern, mut legacy) = (site.connect().await, site.connect().await);
    modern.open(&by("ann", listen.clone())).await;
    assert_eq!(
        modern.event().await.unwrap().data["method"],
        "notifications/subscriptions/acknowledged"
    );
    legacy.open(&by("ann", Request::new("GET").header("Mcp-Session-Id", &id))).await;
    let mut others = site.connect().await;
    others.open(&by("bob", listen)).await;
    others.event().await.unwrap();
    keys.withdraw("ann");
    let last = modern.event().await.unwrap().data;
    assert_eq!((&last["id"], &last["error"]["code"]), (&json!(9), &json!(-31001)), "{last}");
    assert!(modern.event().await.is_none());
    while legacy.event().await.is_some() {}
    // What happens now is told to those who are left.
    world.service.handle().publish(Event::ToolsChanged);
    assert_eq!(others.event().await.unwrap().data["method"], "notifications/tools/list_changed");
    // A key that comes back begins anew.
    keys.0.lock().unwrap().clear();
    let ping = Request::legacy(1, "ping", json!({})).header("Mcp-Session-Id", &id);
    assert_eq!(site.ask(&by("ann", ping)).await.status, 404);
}

#[tokio::test]
async fn a_batch_is_answered_whole_when_the_key_ends() {
    let world = world();
    let keys = Arc::<Keys>::default();
    let site = Site::start(http(&world.service, &keys)).await;
    let one = |id: u32, tool: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
    let body = json!([one(1, "never"), {"jsonrpc": "2.0", "id": 2, "method": "ping"}]);
    let request = Request::post(body.to_string()).header("MCP-Protocol-Version", "2025-03-26");
    let mut wire = site.connect().await;
    wire.send(&by("ann", request).to_bytes()).await;
    world.signals.started.wait().await;
    keys.withdraw("ann");
    let answers = wire.response().await.json();
    assert_revoked(&answers[0]["result"]);
    assert_eq!(answers[1]["result"], json!({}));
}

#[tokio::test]
async fn without_a_listener_a_review_does_the_same() {
    let world = world();
    let keys = Arc::<Keys>::default();
    let direct = Arc::new(Direct(http(&world.service, &keys).into_service()));
    let asking = {
        let direct = Arc::clone(&direct);
        tokio::spawn(async move { direct.ask(&by("ann", call(true, "", "never"))).await })
    };
    world.signals.started.wait().await;
    direct.0.review();
    assert!(!asking.is_finished());
    keys.withdraw("ann");
    direct.0.review();
    assert_revoked(&asking.await.unwrap().json()["result"]);
}
