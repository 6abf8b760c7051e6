//! A tool that blocks its thread. Nothing can interrupt such a tool: what holds is that it takes one worker of the runtime,
//! and on stdio its own connection, and nothing else.
//!
//! The client here blocks too, on threads of its own, so that nothing in it wakes a worker of the server by accident.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use wharf::{
    Tool,
    transport::{
        Shutdown,
        http::{Http, HttpSettings},
    },
};

use crate::{
    conversation::{Lines, initialize_request, message},
    wire::Request,
    world::{PATIENCE, World},
};

/// Holds threads until it is opened.
#[derive(Default)]
struct Latch {
    held: AtomicUsize,
    open: Mutex<bool>,
    changed: Condvar,
}

impl Latch {
    fn hold(&self) {
        self.held.fetch_add(1, Ordering::SeqCst);
        let open = self.open.lock().unwrap();
        let waited = self.changed.wait_timeout_while(open, PATIENCE, |open| !*open).unwrap();
        assert!(!waited.1.timed_out(), "nobody was served in the meantime");
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }

    fn wait_until_held(&self, threads: usize) {
        while self.held.load(Ordering::SeqCst) < threads {
            std::thread::yield_now();
        }
    }
}

fn world(latch: &Arc<Latch>) -> World {
    World::with(|server, _| {
        let latch = Arc::clone(latch);
        server.tool(Tool::new("block").handler(move || {
            let latch = Arc::clone(&latch);
            async move {
                latch.hold();
                "unblocked"
            }
        }))
    })
}

fn runtime(workers: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .unwrap()
}

/// Serves on the runtime; gives the address.
fn site(runtime: &tokio::runtime::Runtime, world: &World) -> (SocketAddr, Shutdown) {
    let http = Http::new(HttpSettings::default()).service(world.service.clone());
    let bound = runtime.block_on(http.bind("127.0.0.1:0".parse().unwrap())).unwrap();
    let (addr, shutdown) = (bound.local_addr(), Shutdown::new(std::time::Duration::ZERO));
    let ending = shutdown.clone();
    runtime.spawn(async move { bound.serve(&ending).await });
    (addr, shutdown)
}

fn send(addr: SocketAddr, request: &Request) -> TcpStream {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request.clone().header("Connection", "close").to_bytes()).unwrap();
    stream
}

fn receive(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("no answer");
    text
}

fn session(addr: SocketAddr) -> String {
    let begun = receive(send(addr, &initialize_request("2025-11-25", json!({}))));
    let line = begun.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
    line.unwrap().to_owned()
}

#[test]
fn blocking_calls_over_http_leave_the_other_workers_to_the_others() {
    for modern in [true, false] {
        let latch = Arc::<Latch>::default();
        let (world, runtime) = (world(&latch), runtime(4));
        let (addr, _shutdown) = site(&runtime, &world);
        let session = (!modern).then(|| session(addr));
        let call = |id: i64, tool: &str, arguments: Value| match &session {
            None => Request::tool(id, tool, arguments),
            Some(session) => {
                let params = json!({"name": tool, "arguments": arguments});
                Request::legacy(id, "tools/call", params).header("Mcp-Session-Id", session)
            }
        };
        let mut blocked = Vec::new();
        for id in 0..3 {
            blocked.push(send(addr, &call(id, "block", json!({}))));
            latch.wait_until_held(blocked.len());
            for other in 10..20 {
                let answer = receive(send(addr, &call(other, "echo", json!({"text": "alive"}))));
                assert!(answer.contains("alive"), "{id} {modern}: {answer}");
            }
        }
        latch.open();
        for stream in blocked {
            assert!(receive(stream).contains("unblocked"));
        }
    }
}

/// A connection of lines is one task, which polls a call for the first time itself: that is what makes a quick call cheap.
#[test]
fn a_blocking_call_on_lines_delays_its_own_connection_and_loses_nothing() {
    for modern in [true, false] {
        let latch = Arc::<Latch>::default();
        let (world, runtime) = (world(&latch), runtime(4));
        let held = Arc::clone(&latch);
        runtime.block_on(async {
            let (mut own, mut other) = (Lines::open(&world), Lines::open(&world));
            if !modern {
                own.initialize("2025-11-25", json!({})).await;
                other.initialize("2025-11-25", json!({})).await;
            }
            let call = |id: i64, tool: &str, arguments: Value| {
                message(modern, id, "tools/call", json!({"name": tool, "arguments": arguments}))
            };
            own.send(&call(1, "block", json!({}))).await;
            tokio::task::spawn_blocking(move || held.wait_until_held(1)).await.unwrap();
            own.send(&call(2, "echo", json!({"text": "after"}))).await;
            for id in 0..10 {
                let answer = other.ask(&call(id, "echo", json!({"text": "alive"}))).await;
                assert_eq!(answer["result"]["content"][0]["text"], "alive", "{modern}: {answer}");
            }
            latch.open();
            for (id, text) in [(1, "unblocked"), (2, "after")] {
                let answer = own.next().await.unwrap();
                assert_eq!(
                    (&answer["id"], &answer["result"]["content"][0]["text"]),
                    (&json!(id), &json!(text))
                );
            }
        });
    }
}
