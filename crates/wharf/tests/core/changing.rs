//! Changing what a server offers while it runs: batches, hidden items, and what clients are told.

use serde_json::{Value, json};
use wharf::{
    BuildError, Changes, CompletionQuery, Event, Handle, Limits, Prompt, Resource, Server, Tool,
};

use crate::{
    conversation::{Conversation, Lines, Way, message},
    world::World,
};

pub(crate) fn tool(name: &str) -> Tool {
    Tool::new(name).handler(|| async { "served" })
}

fn prompt(name: &str) -> Prompt {
    let complete = |_: CompletionQuery| async { vec!["a suggestion"] };
    Prompt::new(name).complete("x", complete).handler(|| async { "hello" })
}

fn text(uri: &str) -> Resource {
    Resource::new(uri, "text").handler(|| async { "contents" })
}

pub(crate) fn names(result: &Value, list: &str, key: &str) -> Vec<String> {
    let items = result[list].as_array().unwrap().iter();
    items.map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn tools(client: &mut Conversation) -> Vec<String> {
    names(&client.ask("tools/list", json!({})).await.unwrap(), "tools", "name")
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
