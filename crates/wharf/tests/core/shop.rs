//! A tool that does things between questions, and a record of what was really done.

use std::sync::{Arc, Mutex};

use futures_util::future::{join, poll_immediate};
use serde_json::Value;
use wharf::{Answer, Args, Ask, Server, Tool, ToolError};

use crate::{
    faulty::Faulty,
    rounds::{ask, form, params, said, state_of},
    wire::Site,
    world::{Guard, Signals, Text, World, failure_of},
};

/// What was really done, in order.
pub(crate) type Done = Arc<Mutex<Vec<String>>>;

async fn told(ask: &Ask, key: &str) -> Result<String, ToolError> {
    Ok(match ask.form_with(key, form(key)).await? {
        Answer::Accepted(form) => form["said"].as_str().unwrap_or_default().to_owned(),
        other => format!("{other:?}"),
    })
}

/// Does what its text says, between questions.
pub(crate) async fn act(
    ask: Ask,
    text: String,
    done: Done,
    signals: Arc<Signals>,
) -> Result<String, ToolError> {
    let effect = |name: &str| {
        let (done, name) = (Arc::clone(&done), name.to_owned());
        async move {
            done.lock().unwrap().push(name.clone());
            Ok::<_, ToolError>(format!("{name}{}", done.lock().unwrap().len()))
        }
    };
    let first = told(&ask, "first").await?;
    match text.as_str() {
        // One effect, a question, another effect.
        "pay" => {
            let charged = ask.once("charge", effect(&first)).await?;
            let second = told(&ask, "second").await?;
            let sent = ask.once("send", effect(&second)).await?;
            Ok(format!("{charged} {sent}"))
        }
        // Two questions, then an effect; some need no second question.
        "late" => {
            let second = if first == "skip" { first } else { told(&ask, "second").await? };
            ask.once("charge", effect(&second)).await
        }
        "slow" => {
            let slow = async {
                let _guard = Guard(Arc::clone(&signals));
                signals.started.raise();
                signals.open.wait().await;
                effect(&first).await
            };
            ask.once("charge", slow).await
        }
        // Stops half-way by itself, and comes to the same line again.
        "stop" => {
            drop(poll_immediate(ask.once("charge", std::future::pending::<Result<(), _>>())).await);
            ask.once("charge", effect(&first)).await
        }
        "panic" => {
            let panics =
                async { if done.lock().is_ok() { panic!("secret-detail") } else { Ok(()) } };
            ask.once("charge", panics).await?;
            Ok(String::new())
        }
        "fail" => {
            let failed = ask.once("charge", async {
                effect("tried").await?;
                Err::<String, _>(ToolError::unavailable("the bank is closed"))
            });
            let Err(error) = failed.await else { return Ok("it can not succeed".into()) };
            if told(&ask, "second").await? == "give up" {
                return Err(error);
            }
            ask.once("charge", effect(&first)).await
        }
        "large" => {
            let size = first.parse::<usize>().unwrap();
            let large = ask.once("charge", async { Ok(effect(&"x".repeat(size)).await?.len()) });
            let length = large.await?;
            let text = ask.once("large", async { Ok("y".repeat(length)) }).await?;
            told(&ask, "second").await?;
            Ok(text.len().to_string())
        }
        "same" => {
            let (one, two) =
                join(ask.once("one", effect("one")), ask.once("two", effect("two"))).await;
            let again = ask.once("one", effect("again")).await?;
            Ok(format!("{} {} {again}", one?, two?))
        }
        "retype" => {
            ask.once("charge", effect("x")).await?;
            ask.once("charge", async { Ok(1_u8) }).await.map(|number| number.to_string())
        }
        name => ask.once(name.trim_start_matches("name:"), effect("named")).await,
    }
}

pub(crate) struct Shop {
    pub(crate) world: World,
    pub(crate) done: Done,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self::with(|server| server)
    }

    pub(crate) fn with(change: impl FnOnce(Server) -> Server) -> Self {
        let done = Done::default();
        let world = World::with(|server, signals| {
            let (done, signals) = (Arc::clone(&done), Arc::clone(signals));
            let tool =
                Tool::new("act").handler(move |ask: Ask, Args(Text { text }): Args<Text>| {
                    act(ask, text, Arc::clone(&done), Arc::clone(&signals))
                });
            change(server.tool(tool))
        });
        Self { world, done }
    }

    pub(crate) fn keeping_in(store: &Arc<Faulty>) -> Self {
        Self::with(|server| server.state_store(store.clone()))
    }

    pub(crate) fn done(&self) -> Vec<String> {
        self.done.lock().unwrap().clone()
    }
}

pub(crate) async fn begin(site: &Site, text: &str) -> Value {
    state_of(&ask(site, params("act", text, Value::Null, &Value::Null)).await, "first")
}

/// Answers `key` to the call that does `text`.
pub(crate) async fn go_on(
    site: &Site,
    text: &str,
    key: &str,
    answer: &str,
    state: &Value,
) -> Value {
    ask(site, params("act", text, said(key, answer), state)).await
}

#[track_caller]
pub(crate) fn assert_fails(answer: &Value, code: &str, part: &str) {
    let failure = failure_of(&answer["result"]);
    assert_eq!(failure["code"], code, "{answer}");
    assert!(failure["message"].as_str().unwrap().contains(part), "{answer}");
    assert!(!answer.to_string().contains("secret"), "{answer}");
}

pub(crate) const USED: &str = "these answers were used already";
pub(crate) const UNKNOWN: &str = "the outcome of \"charge\" is unknown";
pub(crate) const UNKEPT: &str = "its result could not be kept";

pub(crate) fn text_of(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"))
}
