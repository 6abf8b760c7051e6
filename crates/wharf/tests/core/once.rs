//! Side effects between questions: done once, whatever the client brings again, and however the server stops half-way.

use std::{sync::Arc, time::Duration};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use wharf::{Args, Ask, Limits, Server, Tool};

use crate::{
    conversation::{Lines, message},
    faulty::{Fault, Faulty},
    rounds::{ask, assert_refused, params, said, state_of},
    sessions::site_of_two_callers,
    shop::{Done, Shop, UNKEPT, UNKNOWN, USED, act, assert_fails, begin, go_on, text_of},
    wire::{Request, Site},
    world::Text,
};

#[tokio::test]
async fn an_effect_is_done_once_over_all_rounds() {
    let shop = Shop::new();
    let site = Site::new(&shop.world).await;
    let one = begin(&site, "pay").await;
    assert!(shop.done().is_empty());
    let two = state_of(&go_on(&site, "pay", "first", "a", &one).await, "second");
    assert_eq!(shop.done(), ["a"]);
    let answer = go_on(&site, "pay", "second", "b", &two).await;
    assert_eq!((text_of(&answer), shop.done()), ("a1 b2", vec!["a".into(), "b".into()]));
    // Another call is another flow.
    let one = begin(&site, "pay").await;
    state_of(&go_on(&site, "pay", "first", "c", &one).await, "second");
    assert_eq!(shop.done(), ["a", "b", "c"]);
}

#[tokio::test]
async fn on_a_legacy_session_an_effect_is_done_once_and_needs_no_store() {
    let store = Faulty::new();
    store.set(Fault::All);
    let shop = Shop::keeping_in(&store);
    let mut lines = Lines::open(&shop.world);
    lines.initialize("2025-11-25", json!({"elicitation": {}})).await;
    for (text, replies, expected) in [
        ("pay", &["a", "b"][..], Ok("a1 b2")),
        ("fail", &["c", "again"], Ok("c4")),
        ("stop", &["d"], Err(UNKNOWN)),
        ("same", &["e"], Ok("one5 two6 one5")),
    ] {
        let arguments = json!({"name": "act", "arguments": {"text": text}});
        let mut reply = lines.ask(&message(false, 1, "tools/call", arguments)).await;
        for said in replies {
            assert_eq!(reply["method"], "elicitation/create", "{reply}");
            let result = json!({"action": "accept", "content": {"said": said}});
            reply =
                lines.ask(&json!({"jsonrpc": "2.0", "id": reply["id"], "result": result})).await;
        }
        match expected {
            Ok(expected) => assert_eq!(text_of(&reply), expected),
            Err(part) => assert_fails(&reply, "CONFLICT", part),
        }
    }
    assert_eq!(shop.done(), ["a", "b", "tried", "c", "one", "two"]);
}

#[tokio::test]
async fn a_state_that_was_used_is_refused() {
    let shop = Shop::new();
    let site = Site::new(&shop.world).await;
    let one = begin(&site, "pay").await;
    let two = state_of(&go_on(&site, "pay", "first", "a", &one).await, "second");
    // With the same answer, with another one, and with answers to both questions.
    for answer in ["a", "other"] {
        assert_fails(&go_on(&site, "pay", "first", answer, &one).await, "CONFLICT", USED);
    }
    let mut both = said("first", "a");
    both["second"] = said("second", "b")["second"].take();
    assert_fails(&ask(&site, params("act", "pay", both, &one)).await, "CONFLICT", USED);
    assert_eq!(shop.done(), ["a"]);
    assert_eq!(text_of(&go_on(&site, "pay", "second", "b", &two).await), "a1 b2");
    for (key, state) in [("second", &two), ("first", &one), ("second", &one)] {
        // Without its first answer the older state only asks again, which is harmless.
        let answer = go_on(&site, "pay", key, "c", state).await;
        if (key, state) == ("second", &one) {
            state_of(&answer, "first");
        } else {
            assert_fails(&answer, "CONFLICT", USED);
        }
    }
    assert_eq!(shop.done(), ["a", "b"]);
}

#[tokio::test]
async fn a_fork_of_an_older_round_is_refused() {
    let shop = Shop::new();
    let site = Site::new(&shop.world).await;
    let one = begin(&site, "late").await;
    // Nothing was done yet, so both forks may go on asking; only one of them may act.
    let two = state_of(&go_on(&site, "late", "first", "a", &one).await, "second");
    let fork = state_of(&go_on(&site, "late", "first", "b", &one).await, "second");
    assert_eq!(text_of(&go_on(&site, "late", "second", "x", &two).await), "x1");
    assert_fails(&go_on(&site, "late", "second", "y", &fork).await, "CONFLICT", USED);
    // A fork that would act in an earlier round than the one that was won.
    assert_fails(&go_on(&site, "late", "first", "skip", &one).await, "CONFLICT", USED);
    assert_eq!(shop.done(), ["x"]);
}

#[tokio::test]
async fn who_comes_while_an_effect_runs_is_refused() {
    let shop = Shop::new();
    let site = Site::new(&shop.world).await;
    let one = begin(&site, "slow").await;
    let first = go_on(&site, "slow", "first", "a", &one);
    let second = async {
        shop.world.signals.started.wait().await;
        let refused = go_on(&site, "slow", "first", "a", &one).await;
        shop.world.signals.open.raise();
        refused
    };
    let (first, second) = join(first, second).await;
    assert_eq!(text_of(&first), "a1");
    assert_fails(&second, "CONFLICT", UNKNOWN);
    assert_fails(&go_on(&site, "slow", "first", "a", &one).await, "CONFLICT", USED);
    assert_eq!(shop.done(), ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_continue_at_once_exactly_one_wins() {
    let shop = Shop::new();
    let site = Site::new(&shop.world).await;
    for round in 1..=20 {
        let one = begin(&site, "pay").await;
        let all = join_all((0..8).map(|n| {
            let (site, one) = (&site, &one);
            async move { go_on(site, "pay", "first", &n.to_string(), one).await }
        }));
        let won = all.await.into_iter().filter(|answer| {
            let won = answer["result"]["resultType"] == "input_required";
            if !won {
                assert_fails(answer, "CONFLICT", "");
            }
            won
        });
        assert_eq!(won.count(), 1);
        assert_eq!(shop.done().len(), round);
    }
}

#[tokio::test]
async fn a_changed_or_foreign_state_does_nothing() {
    let shop = Shop::new();
    let site = site_of_two_callers(&shop.world).await;
    let as_caller = async |name: &str, params| {
        site.ask(&Request::modern(1, "tools/call", params).header("X-Name", name)).await.json()
    };
    let begun = as_caller("ann", params("act", "pay", Value::Null, &Value::Null)).await;
    let one = state_of(&begun, "first");
    let answers = || said("first", "a");
    assert_refused(&as_caller("bob", params("act", "pay", answers(), &one)).await);
    assert_refused(&as_caller("ann", params("act", "late", answers(), &one)).await);
    let text = one.as_str().unwrap();
    for at in (0..text.len()).step_by(11) {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = json!(String::from_utf8(bytes).unwrap());
        assert_refused(&as_caller("ann", params("act", "pay", answers(), &changed)).await);
    }
    assert!(shop.done().is_empty());
    state_of(&as_caller("ann", params("act", "pay", answers(), &one)).await, "second");
    assert_eq!(shop.done(), ["a"]);
}

#[tokio::test]
async fn a_state_of_another_server_with_the_same_keys_does_nothing() {
    let key = || vec![wharf::SealingKey::new(&[7; 32]).unwrap()];
    let shop = Shop::with(|server| server.sealing_keys(key()));
    let done = Done::default();
    let other = {
        let done = Arc::clone(&done);
        let tool = Tool::new("act").handler(move |ask: Ask, Args(Text { text }): Args<Text>| {
            act(ask, text, Arc::clone(&done), Arc::default())
        });
        Server::new("another", "1.0.0").sealing_keys(key()).tool(tool).build().unwrap()
    };
    let site = Site::new(&shop.world).await;
    let http = wharf::transport::http::Http::new(Default::default()).service(other);
    let other = Site::start(http).await;
    let one = begin(&site, "pay").await;
    assert_refused(&go_on(&other, "pay", "first", "a", &one).await);
    assert!(done.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_flow_ends_and_its_records_outlive_it() {
    for (lifetime, valid) in [(Duration::ZERO, false), (Duration::from_secs(60), true)] {
        let store = Faulty::new();
        let shop = Shop::with(|server| {
            let mut limits = Limits::default();
            limits.flow_lifetime = lifetime;
            server.limits(limits).state_store(store.clone())
        });
        let site = Site::new(&shop.world).await;
        let one = begin(&site, "pay").await;
        let answer = go_on(&site, "pay", "first", "a", &one).await;
        if !valid {
            assert_refused(&answer);
            assert!(store.is_empty() && shop.done().is_empty());
            continue;
        }
        let two = state_of(&answer, "second");
        assert_eq!(text_of(&go_on(&site, "pay", "second", "b", &two).await), "a1 b2");
        let kept = store.kept();
        // Two rounds won; each effect begun, found or done.
        assert!(kept.len() >= 6, "{kept:?}");
        let slack = Duration::from_secs(10 * 60);
        for ttl in kept {
            assert!(ttl > slack && ttl <= lifetime + slack, "{ttl:?}");
        }
    }
}

#[tokio::test]
async fn an_effect_that_was_cut_off_is_never_repeated() {
    let shop = Shop::new();
    let site = Site::new(&shop.world).await;
    let one = begin(&site, "slow").await;
    // The client goes away in the middle of it.
    let mut wire = site.connect().await;
    let request = params("act", "slow", said("first", "a"), &one);
    wire.send(&Request::modern(1, "tools/call", request).to_bytes()).await;
    shop.world.signals.started.wait().await;
    drop(wire);
    shop.world.signals.dropped.wait().await;
    shop.world.signals.open.raise();
    for answer in ["a", "b"] {
        assert_fails(&go_on(&site, "slow", "first", answer, &one).await, "CONFLICT", UNKNOWN);
    }
    // A handler that stops it by itself learns the same, at once.
    let one = begin(&site, "stop").await;
    assert_fails(&go_on(&site, "stop", "first", "a", &one).await, "CONFLICT", UNKNOWN);
    // And so does one that panics in it.
    let one = begin(&site, "panic").await;
    assert_fails(&go_on(&site, "panic", "first", "a", &one).await, "INTERNAL_ERROR", "");
    assert_fails(&go_on(&site, "panic", "first", "a", &one).await, "CONFLICT", UNKNOWN);
    assert!(shop.done().is_empty());
    // Whoever begins anew does so knowingly.
    let one = begin(&site, "pay").await;
    state_of(&go_on(&site, "pay", "first", "a", &one).await, "second");
}

#[tokio::test]
async fn without_its_store_nothing_is_begun() {
    let store = Faulty::new();
    let shop = Shop::keeping_in(&store);
    let site = Site::new(&shop.world).await;
    for fault in [Fault::All, Fault::Results, Fault::Confirmation] {
        let one = begin(&site, "pay").await;
        store.set(fault);
        let away = "can't reach or extend its state right now";
        let answer = go_on(&site, "pay", "first", "a", &one).await;
        assert_fails(&answer, "SERVICE_UNAVAILABLE", away);
        // Questions need no store.
        begin(&site, "pay").await;
        store.set(Fault::None);
        assert!(shop.done().is_empty());
        // The same round may be tried again unless the store has won it in secret.
        let answer = go_on(&site, "pay", "first", "a", &one).await;
        if fault == Fault::Confirmation {
            assert_fails(&answer, "CONFLICT", USED);
        } else {
            state_of(&answer, "second");
            assert_eq!(std::mem::take(&mut *shop.done.lock().unwrap()), ["a"]);
        }
    }
}

#[tokio::test]
async fn what_was_done_stays_done_when_its_result_can_not_be_kept() {
    let store = Faulty::new();
    let shop = Shop::keeping_in(&store);
    let site = Site::new(&shop.world).await;
    let one = begin(&site, "slow").await;
    let first = go_on(&site, "slow", "first", "a", &one);
    let fail = async {
        shop.world.signals.started.wait().await;
        store.set(Fault::All);
        shop.world.signals.open.raise();
    };
    let (answer, ()) = join(first, fail).await;
    // To say that it failed would invite a second try.
    assert_eq!((text_of(&answer), shop.done()), ("a1", vec!["a".to_owned()]));
    store.set(Fault::None);
    assert_fails(&go_on(&site, "slow", "first", "a", &one).await, "CONFLICT", UNKNOWN);

    let one = begin(&site, "large").await;
    let two = state_of(&go_on(&site, "large", "first", "70000", &one).await, "second");
    let answer = go_on(&site, "large", "second", "b", &two).await;
    assert_fails(&answer, "CONFLICT", UNKEPT);
    let one = begin(&site, "large").await;
    let two = state_of(&go_on(&site, "large", "first", "60000", &one).await, "second");
    assert_eq!(text_of(&go_on(&site, "large", "second", "b", &two).await), "60001");
}

#[tokio::test]
async fn a_full_store_refuses_before_anything_is_done() {
    // Room for the round and for nothing else.
    let shop = Shop::keeping_in(&Faulty::with(|limits| limits.entries = 1));
    let site = Site::new(&shop.world).await;
    let one = begin(&site, "pay").await;
    for _ in 0..2 {
        let answer = go_on(&site, "pay", "first", "a", &one).await;
        let expected = if text_of(&answer).contains(USED) {
            ("CONFLICT", USED)
        } else {
            ("SERVICE_UNAVAILABLE", "extend its state")
        };
        assert_fails(&answer, expected.0, expected.1);
    }
    assert!(shop.done().is_empty());
    // Room to begin, none for the result: what was done is known, its result is not.
    let shop = Shop::keeping_in(&Faulty::with(|limits| limits.bytes = 1000));
    let site = Site::new(&shop.world).await;
    let one = begin(&site, "pay").await;
    let long = "x".repeat(1000);
    let two = state_of(&go_on(&site, "pay", "first", &long, &one).await, "second");
    assert_fails(&go_on(&site, "pay", "second", "b", &two).await, "CONFLICT", UNKEPT);
    assert_eq!(shop.done(), [long]);
}

#[tokio::test]
async fn an_effect_that_failed_may_be_tried_again() {
    let shop = Shop::new();
    let site = Site::new(&shop.world).await;
    let one = begin(&site, "fail").await;
    let two = state_of(&go_on(&site, "fail", "first", "a", &one).await, "second");
    // The handler runs again from its first line, and what failed there is tried again.
    let answer = go_on(&site, "fail", "second", "give up", &two).await;
    assert_fails(&answer, "SERVICE_UNAVAILABLE", "the bank is closed");
    assert_eq!(shop.done(), ["tried", "tried"]);
    // Its round is used up all the same.
    assert_fails(&go_on(&site, "fail", "second", "again", &two).await, "CONFLICT", USED);
}

#[tokio::test]
async fn effects_are_told_apart_by_their_names() {
    let shop = Shop::keeping_in(&Faulty::new());
    let site = Site::new(&shop.world).await;
    let one = begin(&site, "same").await;
    let answer = go_on(&site, "same", "first", "a", &one).await;
    assert_eq!(text_of(&answer), "one1 two2 one1");
    assert_eq!(shop.done(), ["one", "two"]);
    let one = begin(&site, "retype").await;
    assert_fails(&go_on(&site, "retype", "first", "a", &one).await, "INTERNAL_ERROR", "");
    for (name, fits) in [("", false), (&"n".repeat(129)[..], false), (&"ä/".repeat(42), true)] {
        let text = format!("name:{name}");
        let one = begin(&site, &text).await;
        let answer = go_on(&site, &text, "first", "a", &one).await;
        if fits {
            assert!(text_of(&answer).starts_with("named"), "{answer}");
        } else {
            assert_fails(&answer, "INTERNAL_ERROR", "");
        }
    }
}
