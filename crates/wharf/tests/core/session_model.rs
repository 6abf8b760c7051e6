//! Legacy sessions against a reference model: requests of two callers in any order, streams that are read and left, calls
//! that are under way, ends and expiries. Paused time, no sockets.

use std::{sync::Arc, time::Duration};

use http::Response;
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinHandle, time::Instant};
use wharf::{
    Tool,
    transport::http::{Http, HttpSettings, ResponseBody},
};

use crate::{
    conversation::initialize_request,
    sessions::ByName,
    wire::{self, Direct, Request},
    world::World,
};

const IDLE: Duration = Duration::from_secs(10);
const MAX: usize = 3;

/// What happens next. A number chooses a session, alive or long gone; `true` is the second caller.
#[derive(Clone, Debug)]
enum Step {
    Initialize(bool),
    Ping(usize, bool),
    Delete(usize, bool),
    /// Opens the stream of changes, replacing an earlier one.
    Read(usize, bool),
    /// Comes back to the stream of changes.
    Resume(usize, bool),
    /// Closes the streams that are read.
    Leave(usize),
    /// Begins a call that waits.
    Call(usize, bool),
    /// Lets all waiting calls of all sessions go.
    Open,
    Sleep(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let session = || any::<usize>();
    // Mostly the right caller.
    let caller = || prop::bool::weighted(0.15);
    let step = prop_oneof![
        4 => prop::bool::weighted(0.3).prop_map(Step::Initialize),
        4 => (session(), caller()).prop_map(|(s, c)| Step::Ping(s, c)),
        2 => (session(), caller()).prop_map(|(s, c)| Step::Delete(s, c)),
        3 => (session(), caller()).prop_map(|(s, c)| Step::Read(s, c)),
        2 => (session(), caller()).prop_map(|(s, c)| Step::Resume(s, c)),
        2 => session().prop_map(Step::Leave),
        3 => (session(), caller()).prop_map(|(s, c)| Step::Call(s, c)),
        2 => Just(Step::Open),
        // Never exactly the expiry: either side of the edge is right.
        4 => prop::sample::select(vec![1, 3, 6, 11, 25]).prop_map(Step::Sleep),
    ];
    prop::collection::vec(step, 1..40)
}

/// A session as it should be.
struct Known {
    id: String,
    owner: bool,
    alive: bool,
    used: Instant,
    /// Whether the stream of changes was ever opened.
    has_stream: bool,
    reading: Option<Response<ResponseBody>>,
    calls: Vec<JoinHandle<wire::Response>>,
}

impl Known {
    fn expires(&self, now: Instant) -> bool {
        self.reading.is_none() && self.calls.is_empty() && now >= self.used + IDLE
    }
}

struct Model {
    world: World,
    /// Lets calls go.
    gate: Arc<Semaphore>,
    http: Arc<Direct>,
    sessions: Vec<Known>,
}

fn name(caller: bool) -> &'static str {
    if caller { "bob" } else { "ann" }
}

impl Model {
    fn new() -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let world = World::with(|server, signals| {
            let (signals, gate) = (Arc::clone(signals), Arc::clone(&gate));
            let tool = Tool::new("hold").handler(move || {
                let (signals, gate) = (Arc::clone(&signals), Arc::clone(&gate));
                async move {
                    signals.started.raise();
                    gate.acquire().await.unwrap().forget();
                    "passed"
                }
            });
            server.timeout(Duration::from_secs(1_000_000)).tool(tool)
        });
        let mut settings = HttpSettings::default();
        settings.sessions.idle_expiry = IDLE;
        settings.sessions.max = MAX;
        let http =
            Http::new(settings).service(world.service.clone()).authenticator(Arc::new(ByName));
        Self { world, gate, http: Arc::new(Direct(http.into_service())), sessions: Vec::new() }
    }

    /// Lets time's effect show in the model.
    fn expire(&mut self) {
        let now = Instant::now();
        for session in &mut self.sessions {
            session.alive &= !session.expires(now);
        }
    }

    fn alive(&self) -> usize {
        self.sessions.iter().filter(|session| session.alive).count()
    }

    /// The session that a number chooses, and whether this caller finds it.
    fn find(&mut self, number: usize, other: bool) -> Option<(usize, bool, Request)> {
        self.expire();
        let count = self.sessions.len();
        let index = (count > 0).then(|| number % count)?;
        let session = &mut self.sessions[index];
        // `other` asks with the name of somebody else.
        let caller = session.owner ^ other;
        let found = session.alive && !other;
        if found {
            session.used = Instant::now();
        }
        let request = Request::new("GET")
            .header("Mcp-Session-Id", &session.id)
            .header("X-Name", name(caller));
        Some((index, found, request))
    }

    async fn initialize(&mut self, owner: bool) {
        self.expire();
        let request = initialize_request("2025-11-25", json!({})).header("X-Name", name(owner));
        let response = self.http.ask(&request).await;
        if self.alive() >= MAX {
            assert_eq!((response.status, response.header("mcp-session-id")), (503, None));
            return;
        }
        let id = response.header("mcp-session-id").expect("a session").to_owned();
        assert!(self.sessions.iter().all(|session| session.id != id), "an id came twice");
        self.sessions.push(Known {
            id,
            owner,
            alive: true,
            used: Instant::now(),
            has_stream: false,
            reading: None,
            calls: Vec::new(),
        });
    }

    async fn ping(&mut self, number: usize, other: bool) {
        let Some((index, found, _)) = self.find(number, other) else { return };
        let session = &self.sessions[index];
        let request = Request::legacy(1, "ping", json!({}))
            .header("Mcp-Session-Id", &session.id)
            .header("X-Name", name(session.owner ^ other));
        let status = self.http.ask(&request).await.status;
        assert_eq!(status, if found { 200 } else { 404 }, "ping of {index}");
    }

    async fn delete(&mut self, number: usize, other: bool) {
        let Some((index, found, request)) = self.find(number, other) else { return };
        let request = request.line("DELETE /mcp HTTP/1.1");
        let status = self.http.ask(&request).await.status;
        assert_eq!(status, if found { 204 } else { 404 }, "delete of {index}");
        if !found {
            return;
        }
        let session = &mut self.sessions[index];
        session.alive = false;
        // Its streams end and its calls are withdrawn: no answer.
        if let Some(stream) = session.reading.take() {
            drop(stream.into_body().collect().await.unwrap());
        }
        for call in session.calls.drain(..) {
            assert!(call.await.unwrap().body.is_empty());
        }
    }

    async fn read(&mut self, number: usize, other: bool, resume: bool) {
        let Some((index, found, mut request)) = self.find(number, other) else { return };
        if resume {
            request = request.header("Last-Event-ID", "0-0");
        }
        let has_stream = self.sessions[index].has_stream;
        let response = self.http.open(&request).await;
        let expected = match (found, resume && !has_stream) {
            (false, _) => 404,
            (true, true) => 400,
            (true, false) => 200,
        };
        assert_eq!(response.status().as_u16(), expected, "stream of {index}");
        if expected == 200 {
            let session = &mut self.sessions[index];
            session.has_stream = true;
            // The earlier reader is sent away by the new one.
            if let Some(earlier) = session.reading.replace(response) {
                drop(earlier.into_body().collect().await.unwrap());
            }
        }
    }

    fn leave(&mut self, number: usize) {
        self.expire();
        let count = self.sessions.len();
        if count == 0 {
            return;
        }
        let session = &mut self.sessions[number % count];
        if session.reading.take().is_some() {
            session.used = Instant::now();
        }
    }

    async fn call(&mut self, number: usize, other: bool) {
        let Some((index, found, _)) = self.find(number, other) else { return };
        let session = &mut self.sessions[index];
        let id = 100 + session.calls.len();
        let params = json!({"name": "hold", "arguments": {}});
        let request = Request::legacy(id, "tools/call", params)
            .header("Mcp-Session-Id", &session.id)
            .header("X-Name", name(session.owner ^ other));
        let http = Arc::clone(&self.http);
        let calling = tokio::spawn(async move { http.ask(&request).await });
        if found {
            self.world.signals.started.wait().await;
            session.calls.push(calling);
        } else {
            assert_eq!(calling.await.unwrap().status, 404, "call in {index}");
        }
    }

    async fn open(&mut self) {
        for session in &self.sessions {
            self.gate.add_permits(session.calls.len());
        }
        for session in &mut self.sessions {
            for call in session.calls.drain(..) {
                let answer = call.await.unwrap().json();
                assert_eq!(answer["result"]["content"][0]["text"], "passed", "{answer}");
                session.used = Instant::now();
            }
        }
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Initialize(owner) => self.initialize(owner).await,
            Step::Ping(session, other) => self.ping(session, other).await,
            Step::Delete(session, other) => self.delete(session, other).await,
            Step::Read(session, other) => self.read(session, other, false).await,
            Step::Resume(session, other) => self.read(session, other, true).await,
            Step::Leave(session) => self.leave(session),
            Step::Call(session, other) => self.call(session, other).await,
            Step::Open => self.open().await,
            Step::Sleep(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sessions_behave_as_the_model(steps in steps()) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut model = Model::new();
            for step in &steps {
                model.step(step).await;
            }
            model.open().await;
        });
    }
}
