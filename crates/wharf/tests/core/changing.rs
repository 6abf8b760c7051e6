//! Changing what a server offers while it runs: batches, hidden items, cursors, calls in flight, and many at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};
use wharf::{
    BuildError, Changes, CompletionQuery, Event, Handle, Limits, Prompt, Resource, Server, Tool,
};

use crate::{
    conversation::{Conversation, Lines, Way, message},
    world::{Guard, Signals, World},
};

fn tool(name: &str) -> Tool {
    Tool::new(name).handler(|| async { "served" })
}

fn prompt(name: &str) -> Prompt {
    let complete = |_: CompletionQuery| async { vec!["a suggestion"] };
    Prompt::new(name).complete("x", complete).handler(|| async { "hello" })
}

fn text(uri: &str) -> Resource {
    Resource::new(uri, "text").handler(|| async { "contents" })
}

fn names(result: &Value, list: &str, key: &str) -> Vec<String> {
    let items = result[list].as_array().unwrap().iter();
    items.map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

async fn tools(client: &mut Conversation) -> Vec<String> {
    names(&client.ask("tools/list", json!({})).await.unwrap(), "tools", "name")
}

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
async fn what_is_hidden_is_answered_as_if_it_had_never_been_registered() {
    let requests = |way: Way| {
        let complete =
            |reference: Value| json!({"ref": reference, "argument": {"name": "x", "value": ""}});
        let mut requests = vec![
            ("tools/list", json!({})),
            ("tools/call", json!({"name": "secret", "arguments": {}})),
            ("tools/call", json!({"name": "secret", "arguments": 7})),
            // The hint for a near miss must not give it away.
            ("tools/call", json!({"name": "secre", "arguments": {}})),
            ("prompts/list", json!({})),
            ("prompts/get", json!({"name": "plan"})),
            ("completion/complete", complete(json!({"type": "ref/prompt", "name": "plan"}))),
            ("resources/list", json!({})),
            ("resources/templates/list", json!({})),
            ("resources/read", json!({"uri": "vault://key"})),
            ("resources/read", json!({"uri": "cave://1/deep"})),
            // A template that can be reached answers for the hidden resource.
            ("resources/read", json!({"uri": "open://covered"})),
            (
                "completion/complete",
                complete(json!({"type": "ref/resource", "uri": "cave://{n}/deep"})),
            ),
        ];
        if !way.is_modern() {
            requests.push(("resources/subscribe", json!({"uri": "vault://key"})));
            requests.push(("resources/subscribe", json!({"uri": "cave://1/deep"})));
        }
        requests
    };
    let common = |server: Server| {
        server
            .dynamic()
            .tool(tool("open"))
            .resource(Resource::template("open://{x}", "open").handler(|| async { "by template" }))
    };
    for way in Way::ALL {
        let never = World::bare(common);
        let hidden = World::bare(|server| {
            let complete = |_: CompletionQuery| async { vec!["1"] };
            let cave = Resource::template("cave://{n}/deep", "cave").complete("n", complete);
            common(server)
                .tool(tool("secret"))
                .prompt(prompt("plan"))
                .resource(text("vault://key"))
                .resource(text("open://covered"))
                .resource(cave.handler(|| async { "dark" }))
        });
        let mut client = Conversation::open(&hidden, way).await;
        let mut before = Vec::new();
        for (method, params) in requests(way) {
            before.push(client.ask(method, params).await);
        }
        let hide = |changes: &mut Changes| {
            changes.hide_tool("secret");
            changes.hide_prompt("plan");
            changes.hide_resource("vault://key");
            changes.hide_resource("open://covered");
            changes.hide_resource("cave://{n}/deep");
        };
        let show = |changes: &mut Changes| {
            changes.show_tool("secret");
            changes.show_prompt("plan");
            changes.show_resource("vault://key");
            changes.show_resource("open://covered");
            changes.show_resource("cave://{n}/deep");
        };
        hidden.service.handle().update(hide).unwrap();
        let mut other = Conversation::open(&never, way).await;
        for ((method, params), before) in requests(way).into_iter().zip(&before) {
            let answer = client.ask(method, params.clone()).await;
            assert_eq!(answer, other.ask(method, params.clone()).await, "{method} {params}");
            assert_ne!(answer, *before, "{method} {params} shows no difference at all");
        }
        hidden.service.handle().update(show).unwrap();
        for ((method, params), before) in requests(way).into_iter().zip(before) {
            assert_eq!(client.ask(method, params).await, before, "shown again, in its place");
        }
    }
}

#[tokio::test]
async fn a_batch_is_told_once_per_list_that_looks_different() {
    let world = World::with(|server, _| server.dynamic());
    let handle = world.service.handle();
    let mut lines = Lines::open(&world);
    let filter = json!({"toolsListChanged": true, "promptsListChanged": true,
        "resourcesListChanged": true, "resourceSubscriptions": ["memo://one", "memo://hidden"]});
    let listen = message(true, 1, "subscriptions/listen", json!({"notifications": filter}));
    lines.ask(&listen).await;
    let fence = Event::ResourceUpdated { uri: "memo://one".into() };
    let mut check = async |expected: &[&str], describe: &dyn Fn(&mut Changes)| {
        let result = handle.update(describe);
        // Whatever the update says comes before this.
        handle.publish(fence.clone());
        for method in expected.iter().chain(&["resources/updated"]) {
            let told = lines.next().await.unwrap();
            assert_eq!(told["method"], format!("notifications/{method}"), "{expected:?}");
            assert_ne!(told["params"]["uri"], "memo://hidden");
        }
        result
    };
    let (t, p, r) = ("tools/list_changed", "prompts/list_changed", "resources/list_changed");
    check(&[t], &|c| {
        c.add_tool(tool("a"));
        c.add_tool(tool("b"));
        c.remove_tool("a");
    })
    .await
    .unwrap();
    check(&[t, p, r], &|c| {
        c.add_resource(text("memo://hidden"));
        c.add_prompt(prompt("p"));
        c.add_tool(tool("c"));
    })
    .await
    .unwrap();
    check(&[r], &|c| {
        let template = Resource::template("t://{x}", "t").handler(|| async { "x" });
        c.hide_resource("memo://hidden");
        c.add_resource(template);
    })
    .await
    .unwrap();
    // Nothing looks different: nobody is told.
    check(&[], &|_| ()).await.unwrap();
    check(&[], &|c| {
        c.add_tool(tool("d"));
        c.hide_tool("d");
    })
    .await
    .unwrap();
    check(&[], &|c| {
        c.hide_tool("d");
        c.hide_tool("c");
        c.show_tool("c");
    })
    .await
    .unwrap();
    // Refused: nobody is told either.
    check(&[], &|c| {
        c.add_tool(tool("e"));
        c.remove_tool("nothing");
    })
    .await
    .unwrap_err();
    // Whoever waits for news of something hidden hears none.
    handle.publish(Event::ResourceUpdated { uri: "memo://hidden".into() });
    check(&[], &|_| ()).await.unwrap();
}

#[tokio::test]
async fn a_batch_with_anything_wrong_in_it_changes_nothing_and_names_it_all() {
    let world = World::bare(|server| server.tool(tool("one")).resource(text("a:b")));
    let mut client = Conversation::open(&world, Way::LinesModern).await;
    let handle = world.service.handle();
    let bad_schema = Tool::new("bad").input_schema(json!({"type": "strin"}));
    let result = handle.update(|changes| {
        changes.add_tool(tool("two"));
        changes.hide_tool("one");
        changes.add_tool(tool("no spaces"));
        changes.add_tool(tool("one"));
        changes.add_tool(bad_schema.handler(|| async { "" }));
        changes.add_resource(text("a:b"));
        changes.remove_tool("three");
        changes.show_prompt("four");
        changes.hide_resource("c:d");
        changes.add_prompt(prompt("five"));
    });
    let Err(BuildError::Several(errors)) = result else { panic!("{result:?}") };
    let mut told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    told.sort();
    let expected = [
        "clients were told that there are no completions here",
        "clients were told that there are no prompts here",
        "prompt \"four\" is not registered",
        "resource \"a:b\" is registered twice",
        "resource \"c:d\" is not registered",
        "tool \"bad\": ",
        "tool \"no spaces\": the name is not allowed",
        "tool \"one\" is registered twice",
        "tool \"three\" is not registered",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
    assert_eq!(tools(&mut client).await, ["one"]);
    assert!(handle.update(|changes| changes.remove_tool("one")).is_ok());
    assert_eq!(tools(&mut client).await, [] as [&str; 0]);
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

#[tokio::test]
async fn what_is_declared_stays_true() {
    let complete = |_: CompletionQuery| async { vec!["x"] };
    let template = Resource::template("t://{x}", "t").complete("x", complete);
    let template = template.handler(|| async { "x" });
    type Change = Box<dyn FnOnce(Server) -> Server>;
    let cases: [(Change, &[&str]); 6] = [
        (Box::new(|server| server), &["logging"]),
        (Box::new(|server| server.tool(tool("t"))), &["logging", "tools"]),
        (Box::new(|server| server.resource(text("a:b"))), &["logging", "resources"]),
        (Box::new(|server| server.resource(template)), &["completions", "logging", "resources"]),
        (Box::new(|server| server.prompt(prompt("p"))), &["completions", "logging", "prompts"]),
        (Box::new(Server::dynamic), &["completions", "logging", "prompts", "resources", "tools"]),
    ];
    for (change, expected) in cases {
        let world = World::bare(change);
        let mut lines = Lines::open(&world);
        let discovered = lines.ask(&message(true, 1, "server/discover", json!({}))).await;
        let agreed = lines.initialize("2025-11-25", json!({})).await;
        for told in [&discovered, &agreed] {
            let told = told["result"]["capabilities"].as_object().unwrap();
            let mut told: Vec<_> = told.keys().collect();
            told.sort();
            assert_eq!(told, expected);
        }
        let handle = world.service.handle();
        let declares = |name| expected.contains(&name);
        assert_eq!(handle.update(|c| c.add_tool(tool("u"))).is_ok(), declares("tools"));
        let plain = || Prompt::new("q").handler(|| async { "q" });
        assert_eq!(handle.update(|c| c.add_prompt(plain())).is_ok(), declares("prompts"));
        let added = handle.update(|c| c.add_resource(text("e:f")));
        assert_eq!(added.is_ok(), declares("resources"));
        let both = declares("prompts") && declares("completions");
        assert_eq!(handle.update(|c| c.add_prompt(prompt("r"))).is_ok(), both);
    }
}

#[tokio::test]
async fn a_handler_can_change_its_own_server() {
    let world = World::bare(|server| {
        server.tool(Tool::new("grow").handler(|handle: Handle| async move {
            handle.update(|c| {
                c.add_tool(tool("grown"));
                c.remove_tool("grow");
            })
        }))
    });
    let mut client = Conversation::open(&world, Way::LinesLegacy).await;
    let result = client.ask("tools/call", json!({"name": "grow"})).await.unwrap();
    assert_eq!(result.get("isError"), None, "{result}");
    assert_eq!(tools(&mut client).await, ["grown"]);
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
async fn what_is_registered_is_bounded() {
    let limited = |server: Server| {
        let mut limits = Limits::default();
        limits.registered = 2;
        server.limits(limits).dynamic().tool(tool("a"))
    };
    let world = World::bare(limited);
    let handle = world.service.handle();
    handle
        .update(|c| {
            c.add_prompt(prompt("b"));
            c.hide_prompt("b");
        })
        .unwrap();
    let error = handle.update(|c| c.add_resource(text("c:d"))).unwrap_err();
    assert!(matches!(error, BuildError::TooMany { count: 3, limit: 2 }), "{error}");
    handle
        .update(|c| {
            c.remove_tool("a");
            c.add_resource(text("c:d"));
        })
        .unwrap();
    let server = limited(Server::new("x", "1")).tool(tool("b")).tool(tool("c"));
    assert!(matches!(server.build(), Err(BuildError::TooMany { count: 3, limit: 2 })));
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
