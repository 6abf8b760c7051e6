//! Changing what a server offers while something is under way: calls, pages of a list, other updates.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::json;
use wharf::{Changes, Handle, Limits, Tool};

use crate::{
    changing::{names, tool, tools},
    conversation::{Conversation, Way},
    world::{Guard, Signals, World},
};

/// A server of only these tools.
fn world_of(names: &[&str], page_size: usize) -> World {
    World::bare(|mut server| {
        let mut limits = Limits::default();
        limits.page_size = page_size;
        for name in names {
            server = server.tool(tool(name));
        }
        server.limits(limits)
    })
}

#[tokio::test]
async fn a_call_that_runs_keeps_what_it_called() {
    for way in Way::ALL {
        let world = World::new();
        let mut client = Conversation::open(&world, way).await;
        let begun = client.begin(3, "gate").await;
        world.signals.started.wait().await;
        let handle = world.service.handle();
        handle
            .update(|c| {
                c.remove_tool("gate");
                c.add_tool(tool("gate"));
            })
            .unwrap();
        assert_eq!(client.call("gate", json!({})).await["content"][0]["text"], "served");
        handle.update(|c| c.remove_tool("gate")).unwrap();
        let gone = json!({"name": "gate", "arguments": {}});
        assert_eq!(client.ask("tools/call", gone).await.unwrap_err()["code"], -32602);
        world.signals.open.raise();
        let answer = client.answer(begun).await;
        assert_eq!(answer["result"]["content"][0]["text"], "passed", "{answer}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_while_its_item_keeps_its_place() {
    type Describe = fn(&mut Changes);
    let cases: [(Describe, Option<&[&str]>); 7] = [
        (|c| c.remove_tool("a"), Some(&["c", "d"])),
        (
            |c| {
                c.remove_tool("c");
                c.hide_tool("a");
            },
            Some(&["d", "e"]),
        ),
        (
            |c| {
                c.remove_tool("c");
                c.remove_tool("d");
                c.remove_tool("e");
            },
            Some(&[]),
        ),
        (|c| c.add_tool(tool("f")), Some(&["c", "d"])),
        (
            |c| {
                c.hide_tool("b");
                c.show_tool("b");
            },
            Some(&["c", "d"]),
        ),
        (|c| c.hide_tool("b"), None),
        // At the end of the list now: to go on after it would skip c, d and e.
        (
            |c| {
                c.remove_tool("b");
                c.add_tool(tool("b"));
            },
            None,
        ),
    ];
    for (index, (describe, expected)) in cases.into_iter().enumerate() {
        let world = world_of(&["a", "b", "c", "d", "e"], 2);
        let mut client = Conversation::open(&world, Way::LinesModern).await;
        let first = client.ask("tools/list", json!({})).await.unwrap();
        assert_eq!(names(&first, "tools", "name"), ["a", "b"]);
        world.service.handle().update(describe).unwrap();
        let page = client.ask("tools/list", json!({"cursor": first["nextCursor"]})).await;
        match expected {
            Some(expected) => {
                assert_eq!(names(&page.unwrap(), "tools", "name"), expected, "case {index}");
            }
            None => assert_eq!(page.unwrap_err()["code"], -32602, "case {index}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_at_once_lose_nothing_and_hold_no_reader_up() {
    const THREADS: usize = 4;
    const EACH: usize = 40;
    let world = world_of(&["steady"], 10_000);
    let mut client = Conversation::open(&world, Way::LinesModern).await;
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let handle = world.service.handle();
            std::thread::spawn(move || {
                for n in 0..EACH {
                    let (keep, pass) = (format!("keep_{thread}_{n}"), format!("pass_{thread}_{n}"));
                    handle
                        .update(|c| {
                            c.add_tool(tool(&keep));
                            c.add_tool(tool(&pass));
                        })
                        .unwrap();
                    handle.update(|c| c.remove_tool(pass)).unwrap();
                }
            })
        })
        .collect();
    while !threads.iter().all(std::thread::JoinHandle::is_finished) {
        assert_eq!(client.call("steady", json!({})).await["content"][0]["text"], "served");
        let names = tools(&mut client).await;
        // A batch is seen as a whole: who passes came with who stays.
        for name in names.iter().filter_map(|name| name.strip_prefix("pass_")) {
            assert!(names.contains(&format!("keep_{name}")), "half a batch: {name}");
        }
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(tools(&mut client).await.len(), 1 + THREADS * EACH);
}

/// Asks for an update of its own when the tool that holds it goes away.
struct Last(Handle, Arc<AtomicBool>);

impl Drop for Last {
    fn drop(&mut self) {
        let updated = self.0.update(|c| c.add_tool(tool("afterwards")));
        self.1.store(updated.is_ok(), Ordering::SeqCst);
    }
}

#[tokio::test]
async fn what_a_removed_tool_does_at_its_end_may_be_another_update() {
    let world = world_of(&["steady"], 10);
    let handle = world.service.handle();
    let done = Arc::new(AtomicBool::new(false));
    let last = Last(handle.clone(), Arc::clone(&done));
    let with_last = Tool::new("last").handler(move || {
        let _kept = &last;
        async { "served" }
    });
    handle.update(|c| c.add_tool(with_last)).unwrap();
    handle.update(|c| c.remove_tool("last")).unwrap();
    assert!(done.load(Ordering::SeqCst));
    // And one inside the description of another, which holds no lock either.
    let inner = handle.clone();
    handle.update(|_| inner.update(|c| c.remove_tool("afterwards")).unwrap()).unwrap();
    let mut client = Conversation::open(&world, Way::LinesModern).await;
    assert_eq!(tools(&mut client).await, ["steady"]);
}

#[tokio::test]
async fn a_removed_tool_is_dropped_once_nobody_runs_it() {
    let world = world_of(&["steady"], 10);
    let signals = Arc::<Signals>::default();
    let guard = Guard(Arc::clone(&signals));
    let held = Tool::new("held").handler(move || {
        let _kept = &guard;
        async { "served" }
    });
    let handle = world.service.handle();
    handle.update(|c| c.add_tool(held)).unwrap();
    handle.update(|c| c.hide_tool("held")).unwrap();
    assert!(!signals.dropped.is_raised());
    handle.update(|c| c.remove_tool("held")).unwrap();
    assert!(signals.dropped.is_raised(), "an old snapshot was kept");
}
