//! Calls, cancellations, answers and losses in every order: a withdrawn call is never answered twice, a call that nobody
//! withdrew is answered exactly once, and the record of each says what its client saw.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinHandle};
use wharf::{Args, Tool};

use crate::{
    conversation::{Lines, initialize_request, message},
    wire::{Direct, Request, Response},
    world::World,
};

/// What a client does next. A number chooses one of its earlier calls.
#[derive(Clone, Debug)]
enum Step {
    /// Calls a tool that waits until it is let go.
    Wait,
    /// Calls a tool that answers at once.
    Quick,
    /// Lets a waiting call go.
    Open(usize),
    /// Withdraws a call.
    Cancel(usize),
    /// Gives the server time to do all that it can.
    Settle,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Wait),
        2 => Just(Step::Quick),
        3 => any::<usize>().prop_map(Step::Open),
        3 => any::<usize>().prop_map(Step::Cancel),
        2 => Just(Step::Settle),
    ];
    prop::collection::vec(step, 1..24)
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Key {
    key: i64,
}

/// One gate for each call.
#[derive(Clone, Default)]
struct Gates(Arc<Mutex<HashMap<i64, Arc<Semaphore>>>>);

impl Gates {
    fn of(&self, key: i64) -> Arc<Semaphore> {
        let mut gates = self.0.lock().unwrap();
        Arc::clone(gates.entry(key).or_insert_with(|| Arc::new(Semaphore::new(0))))
    }

    fn open(&self, key: i64) {
        self.of(key).add_permits(1);
    }
}

fn world(gates: &Gates) -> World {
    World::with(|server, _| {
        let gates = gates.clone();
        server.timeout(Duration::from_secs(1_000_000)).tool(Tool::new("keyed").handler(
            move |Args(Key { key }): Args<Key>| {
                let gate = gates.of(key);
                async move {
                    drop(gate.acquire().await);
                    key.to_string()
                }
            },
        ))
    })
}

/// What is known of one call. The server reads and runs in its own order until the client lets it settle.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Its answer may come: it was quick, or was let go.
    open: bool,
    cancelled: bool,
    /// Settled while it was open and not withdrawn.
    answered: bool,
    /// Settled while it was withdrawn.
    gone: bool,
}

impl Known {
    /// How often an answer may have come.
    fn answers(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self { answered: true, .. } | Self { open: true, cancelled: false, .. } => 1..=1,
            Self { open: true, .. } => 0..=1,
            Self { open: false, .. } => 0..=0,
        }
    }

    fn let_go(&mut self) {
        // A gate that opens for a call that is gone opens for nobody.
        self.open |= !self.gone;
    }

    fn settle(&mut self) {
        self.answered |= self.open && !self.cancelled;
        self.gone |= self.cancelled && !self.open;
    }
}

/// Runs on a runtime whose clock stands still: sleeping waits until nobody can go on.
fn paused<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap().block_on(future)
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn tool(id: i64, step: &Step) -> Value {
    match step {
        Step::Quick => json!({"name": "echo", "arguments": {"text": id.to_string()}}),
        _ => json!({"name": "keyed", "arguments": {"key": id}}),
    }
}

fn cancel(id: i64) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
}

/// The records say the same as the answers: OK for each that came, CANCELLED for each other.
async fn assert_records(world: &mut World, answers: &[usize]) {
    let mut outcomes = HashMap::<String, usize>::new();
    for _ in 0..answers.len() {
        let (target, outcome) = loop {
            let record = world.recorded().await;
            if !record.0.is_empty() {
                break record;
            }
        };
        assert!(target == "keyed" || target == "echo");
        *outcomes.entry(outcome).or_default() += 1;
    }
    let answered: usize = answers.iter().sum();
    assert_eq!(outcomes.remove("OK").unwrap_or(0), answered, "{outcomes:?}");
    assert_eq!(outcomes.remove("CANCELLED").unwrap_or(0), answers.len() - answered);
    assert!(outcomes.is_empty(), "{outcomes:?}");
}

async fn over_lines(steps: &[Step], modern: bool, leave: bool) {
    let gates = Gates::default();
    let mut world = world(&gates);
    // With no grace at all the end of the input is a race with every answer.
    let mut lines = Lines::with_grace(&world, Duration::from_secs(10));
    if !modern {
        lines.initialize("2025-11-25", json!({})).await;
    }
    let mut calls: Vec<Known> = Vec::new();
    for step in steps {
        let chosen = |number: &usize| (!calls.is_empty()).then(|| number % calls.len().max(1));
        match step {
            Step::Wait | Step::Quick => {
                let id = i64::try_from(calls.len()).unwrap();
                lines.send(&message(modern, id, "tools/call", tool(id, step))).await;
                let quick = matches!(step, Step::Quick);
                calls.push(Known { open: quick, ..Known::default() });
            }
            Step::Open(number) => {
                let Some(call) = chosen(number) else { continue };
                gates.open(i64::try_from(call).unwrap());
                calls[call].let_go();
            }
            Step::Cancel(number) => {
                let Some(call) = chosen(number) else { continue };
                lines.send(&cancel(i64::try_from(call).unwrap())).await;
                calls[call].cancelled = true;
            }
            Step::Settle => {
                settle().await;
                calls.iter_mut().for_each(Known::settle);
            }
        }
    }
    if leave {
        // What has not been withdrawn is answered, for its client may still read; what waits for ever is not.
        lines.end().await;
    }
    settle().await;
    calls.iter_mut().for_each(Known::settle);
    let mut answers = vec![0; calls.len()];
    if !leave {
        for (id, call) in calls.iter_mut().enumerate() {
            gates.open(i64::try_from(id).unwrap());
            call.let_go();
        }
        settle().await;
        lines.end().await;
    }
    while let Some(answer) = lines.next().await {
        let id = usize::try_from(answer["id"].as_i64().unwrap()).unwrap();
        assert_eq!(answer["result"]["content"][0]["text"], id.to_string(), "{answer}");
        answers[id] += 1;
    }
    for (id, call) in calls.iter().enumerate() {
        assert!(
            call.answers().contains(&answers[id]),
            "call {id}: {call:?}, {} answers",
            answers[id]
        );
    }
    assert_records(&mut world, &answers).await;
}

/// A client over HTTP: each call is a request of its own. In a session a notification withdraws a call; without one the
/// client leaves.
struct OverHttp {
    http: Arc<Direct>,
    session: Option<String>,
    calls: Vec<(Known, Option<JoinHandle<Response>>)>,
}

impl OverHttp {
    async fn open(world: &World, modern: bool) -> Self {
        let http = Arc::new(Direct::with(world, |_| {}));
        let session = if modern {
            None
        } else {
            let begun = http.ask(&initialize_request("2025-11-25", json!({}))).await;
            Some(begun.header("mcp-session-id").unwrap().to_owned())
        };
        Self { http, session, calls: Vec::new() }
    }

    fn call(&mut self, step: &Step) {
        let id = i64::try_from(self.calls.len()).unwrap();
        let request = match &self.session {
            None => Request::modern(id, "tools/call", tool(id, step)),
            Some(session) => {
                Request::legacy(id, "tools/call", tool(id, step)).header("Mcp-Session-Id", session)
            }
        };
        let http = Arc::clone(&self.http);
        let asking = tokio::spawn(async move { http.ask(&request).await });
        let known = Known { open: matches!(step, Step::Quick), ..Known::default() };
        self.calls.push((known, Some(asking)));
    }

    async fn cancel(&mut self, call: usize) {
        self.calls[call].0.cancelled = true;
        if let Some(session) = &self.session {
            let body = cancel(i64::try_from(call).unwrap()).to_string();
            let request = Request::post(body).header("Mcp-Session-Id", session);
            assert_eq!(self.http.ask(&request).await.status, 202);
        } else if let Some(asking) = self.calls[call].1.take_if(|asking| !asking.is_finished()) {
            asking.abort();
        }
    }

    /// How often each call was answered.
    async fn answers(&mut self) -> Vec<usize> {
        let mut answers = Vec::new();
        for (id, (known, asking)) in self.calls.iter_mut().enumerate() {
            let response = match asking.take() {
                Some(asking) => asking.await.ok(),
                None => None,
            };
            let answered = response.is_some_and(|response| {
                assert_eq!(response.status, 200);
                // A withdrawn call ends as a stream without events.
                (!response.body.is_empty()).then(|| response.json()).is_some_and(|answer| {
                    let text = &answer["result"]["content"][0]["text"];
                    assert_eq!(*text, id.to_string(), "{answer}");
                    true
                })
            });
            let count = usize::from(answered);
            assert!(known.answers().contains(&count), "call {id}: {known:?}, {count} answers");
            answers.push(count);
        }
        answers
    }
}

async fn over_http(steps: &[Step], modern: bool) {
    let gates = Gates::default();
    let mut world = world(&gates);
    let mut client = OverHttp::open(&world, modern).await;
    for step in steps {
        let count = client.calls.len();
        match step {
            Step::Wait | Step::Quick => client.call(step),
            Step::Open(number) if count > 0 => {
                gates.open(i64::try_from(number % count).unwrap());
                client.calls[number % count].0.let_go();
            }
            Step::Cancel(number) if count > 0 => {
                // Without a fence the server may not know the call yet, and a notification that comes first is for nobody.
                settle().await;
                client.calls.iter_mut().for_each(|(known, _)| known.settle());
                client.cancel(number % count).await;
                settle().await;
                client.calls.iter_mut().for_each(|(known, _)| known.settle());
            }
            Step::Open(_) | Step::Cancel(_) => {}
            Step::Settle => {
                settle().await;
                client.calls.iter_mut().for_each(|(known, _)| known.settle());
            }
        }
    }
    settle().await;
    client.calls.iter_mut().for_each(|(known, _)| known.settle());
    for (id, (known, _)) in client.calls.iter_mut().enumerate() {
        gates.open(i64::try_from(id).unwrap());
        known.let_go();
    }
    let answers = client.answers().await;
    assert_records(&mut world, &answers).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_lines_each_call_is_answered_once_or_was_withdrawn(steps in steps(), modern: bool) {
        paused(over_lines(&steps, modern, false));
    }

    #[test]
    fn at_the_end_of_the_input_no_call_is_answered_twice_or_lost(steps in steps(), modern: bool) {
        paused(over_lines(&steps, modern, true));
    }

    #[test]
    fn over_http_each_call_is_answered_once_or_was_withdrawn(steps in steps(), modern: bool) {
        paused(over_http(&steps, modern));
    }
}
