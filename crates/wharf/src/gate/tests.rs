//! The gate alone: calls that are admitted, wait, leave and come back.

use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, FutureExt as _};

use super::*;
use crate::{
    Server, Tool,
    call::Call,
    layers::testing::{Calls, read},
};

struct Site {
    calls: Calls,
    gate: Arc<Gate>,
}

impl Site {
    fn new(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let server = Server::new("gated", "1.0.0")
            .tool(Tool::new("free").handler(|| async {}))
            .tool(Tool::new("narrow").concurrency(1).handler(|| async {}));
        Self { calls: Calls::of(server), gate: Arc::new(Gate::new(&limits)) }
    }

    /// A call that comes to the gate.
    fn comes(&self, caller: &str, tool: &str) -> Coming {
        let call = self.calls.tool(caller, tool);
        if self.gate.try_admit(&call.context, call.line()) {
            return Coming { call, line: None };
        }
        let (gate, context) = (Arc::clone(&self.gate), Arc::clone(&call.context));
        Coming { call, line: Some(Box::pin(async move { gate.admit(&context).await })) }
    }

    fn callers(&self) -> usize {
        self.gate.callers.as_ref().unwrap().len()
    }
}

/// A call at the gate; its end when it is dropped.
struct Coming {
    call: Call,
    line: Option<BoxFuture<'static, Result<(), Error>>>,
}

impl Coming {
    /// Whether it is in by now.
    fn is_in(&mut self) -> bool {
        self.outcome().unwrap_or(Ok(false)).unwrap()
    }

    /// What it is refused with.
    fn refusal(&mut self) -> serde_json::Value {
        match self.outcome() {
            Some(Err(Error::Failed(failure))) => read(&failure),
            other => panic!("not refused: {other:?}"),
        }
    }

    fn outcome(&mut self) -> Option<Result<bool, Error>> {
        let Some(line) = &mut self.line else { return Some(Ok(true)) };
        match line.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(result) => {
                self.line = None;
                Some(result.map(|()| true))
            }
            Poll::Pending => None,
        }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.line = None;
        self.call.context.leave();
    }
}

#[test]
fn a_caller_waits_for_its_own_calls_only_and_in_order() {
    let site = Site::new(|limits| limits.concurrency_per_caller = Some(2));
    let mut running = vec![site.comes("ann", "free"), site.comes("ann", "free")];
    let (mut third, mut fourth) = (site.comes("ann", "free"), site.comes("ann", "free"));
    assert!(running.iter_mut().all(Coming::is_in) && !third.is_in() && !fourth.is_in());
    assert!(site.comes("bob", "free").is_in());
    // Whoever comes while others wait does not overtake them.
    drop(running.pop());
    let mut fifth = site.comes("ann", "free");
    assert!(!fifth.is_in() && !fourth.is_in() && third.is_in());
    drop(running.pop());
    assert!(!fifth.is_in() && fourth.is_in());
    // One that gives up leaves the line to the next.
    let mut sixth = site.comes("ann", "free");
    assert!(!sixth.is_in());
    drop(fifth);
    drop(third);
    assert!(sixth.is_in());
}

#[test]
fn a_tool_has_a_limit_of_its_own() {
    let site = Site::new(|_| {});
    let mut one = site.comes("ann", "narrow");
    let mut two = site.comes("bob", "narrow");
    assert!(one.is_in() && !two.is_in() && site.comes("bob", "free").is_in());
    drop(one);
    assert!(two.is_in());
}

#[test]
fn who_waits_for_a_narrow_limit_holds_no_other_permit() {
    let site = Site::new(|limits| {
        limits.concurrency = 2;
        limits.concurrency_per_caller = Some(1);
    });
    let mut one = site.comes("ann", "free");
    let mut waiting: Vec<_> = (0..10).map(|_| site.comes("ann", "narrow")).collect();
    assert!(one.is_in() && !waiting.iter_mut().any(Coming::is_in));
    // The second of the server's two permits and the narrow tool are both there for someone else.
    assert!(site.comes("bob", "narrow").is_in());
    let mut bob = site.comes("bob", "narrow");
    assert!(bob.is_in());
    drop(one);
    assert_eq!(waiting.iter_mut().map(Coming::is_in).filter(|is_in| *is_in).count(), 0);
    drop(bob);
    assert_eq!(waiting.iter_mut().map(Coming::is_in).filter(|is_in| *is_in).count(), 1);
}

#[test]
fn every_line_is_bounded_and_says_whose_it_is() {
    let check = |change: fn(&mut Limits), callers: [&str; 2], tool, code, limit: Option<&str>| {
        let site = Site::new(|limits| {
            limits.concurrency_per_caller = Some(1);
            change(limits);
        });
        let [mut one, mut two, mut three] =
            [callers[0], callers[1], callers[1]].map(|caller| site.comes(caller, tool));
        assert!(one.is_in() && !two.is_in());
        let refusal = three.refusal();
        assert_eq!((&refusal["code"], &refusal["details"]["limit"]), (&json!(code), &json!(limit)));
        assert_eq!(refusal["retry_after_seconds"], 1);
        // Refused is out: the place of the one before is still its own.
        drop((one, three));
        assert!(two.is_in());
    };
    let own = |limits: &mut Limits| limits.queue_per_caller = 1;
    check(own, ["ann", "ann"], "free", "RATE_LIMITED", Some("concurrency_per_caller"));
    let tool = |limits: &mut Limits| {
        limits.concurrency_per_caller = Some(10);
        limits.queue_per_tool = 1;
    };
    check(tool, ["ann", "bob"], "narrow", "SERVICE_UNAVAILABLE", Some("tool_concurrency"));
    // Who waits for a narrow limit counts among all who wait.
    let all = |limits: &mut Limits| limits.queue = 1;
    check(all, ["ann", "ann"], "free", "SERVICE_UNAVAILABLE", None);
}

#[test]
fn there_are_no_more_lines_than_callers_with_a_call_in_progress() {
    let site = Site::new(|limits| limits.concurrency_per_caller = Some(1));
    let mut in_progress = std::collections::VecDeque::new();
    for caller in 0..10_000 {
        in_progress.push_back(site.comes(&format!("caller {caller}"), "free"));
        in_progress.push_back(site.comes(&format!("caller {caller}"), "free"));
        if in_progress.len() > 100 {
            drop(in_progress.drain(..2));
        }
        assert!(site.callers() <= 50);
    }
    in_progress.clear();
    assert_eq!(site.callers(), 0);
}

#[test]
fn a_call_that_asks_a_person_makes_room_and_comes_back_in_line() {
    let site = Site::new(|limits| {
        limits.concurrency = 1;
        limits.concurrency_per_caller = Some(1);
    });
    let asking = site.comes("ann", "narrow");
    let mut next = site.comes("ann", "narrow");
    assert!(!next.is_in());
    assert!(asking.call.context.release());
    assert!(next.is_in());
    // Answered, it waits for the same three permits as everyone.
    let (gate, context) = (Arc::clone(&site.gate), Arc::clone(&asking.call.context));
    let line = async move { gate.admit(&context).await }.boxed();
    let mut back = Coming { call: site.calls.tool("zoe", "free"), line: Some(line) };
    assert!(!back.is_in());
    drop(next);
    assert!(back.is_in());
    assert!(!site.comes("bob", "narrow").is_in());
    drop(asking);
    assert!(site.comes("bob", "narrow").is_in());
    assert_eq!(site.callers(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn permits_are_not_lost_when_calls_come_and_give_up_at_once() {
    let site = Site::new(|limits| {
        limits.concurrency = 3;
        limits.concurrency_per_caller = Some(2);
    });
    let site = Arc::new((site.calls.0.clone(), site.gate));
    let tasks = (0..200_u32).map(|number| {
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let calls = Calls(site.0.clone());
            for round in 0..20 {
                let tool = if round % 3 == 0 { "narrow" } else { "free" };
                let call = calls.tool(&format!("caller {}", number % 5), tool);
                if !site.1.try_admit(&call.context, call.line()) {
                    let line = site.1.admit(&call.context);
                    // Every other one gives up before its turn, or at it.
                    if number % 2 == 0 {
                        let patience = std::time::Duration::from_micros(u64::from(number));
                        drop(tokio::time::timeout(patience, line).await);
                    } else {
                        line.await.unwrap();
                    }
                }
                tokio::task::yield_now().await;
                call.context.leave();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let free: Vec<_> = (0..4).map_while(|_| site.1.server.try_enter()).collect();
    assert_eq!(free.len(), 3);
    assert_eq!(site.1.callers.as_ref().unwrap().len(), 0);
}
