//! Answers to a server's questions, written down before it asks.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

/// One answer, and the question that it is for.
#[derive(Debug, Clone)]
struct Scripted {
    question: String,
    reply: Reply,
}

#[derive(Debug, Clone)]
enum Reply {
    Answer(Value),
    Decline,
    Cancel,
}

/// A question as it arrived: by `input_required` with a key, or from a legacy session without one.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) key: Option<String>,
    pub(crate) method: String,
    pub(crate) params: Value,
}

impl Question {
    /// Matches the key, a part of the message, or the name of a field: the last two exist in every revision.
    fn is(&self, wanted: &str) -> bool {
        let field = |name: &str| self.params["requestedSchema"]["properties"].get(name).is_some();
        let said = |text: &Value| text.as_str().is_some_and(|text| text.contains(wanted));
        let messages = self.params["messages"].as_array().into_iter().flatten();
        self.key.as_deref() == Some(wanted)
            || self.method == wanted
            || said(&self.params["message"])
            || said(&self.params["url"])
            || field(wanted)
            || messages.into_iter().any(|message| said(&message["content"]["text"]))
    }

    /// For the message of a failing test.
    fn told(&self) -> String {
        let text = match self.params["message"].as_str() {
            Some(message) => format!("{message:?}"),
            None => self.params.to_string(),
        };
        let key = self.key.as_ref().map(|key| format!(" (key {key:?})")).unwrap_or_default();
        format!("{} {text}{key}", self.method)
    }

    /// The result that the server gets.
    fn reply(&self, reply: Reply) -> Value {
        match (self.method.as_str(), reply) {
            ("elicitation/create", Reply::Decline) => json!({"action": "decline"}),
            ("elicitation/create", Reply::Cancel) => json!({"action": "cancel"}),
            // A URL that was opened has no content.
            ("elicitation/create", Reply::Answer(_)) if self.params["mode"] == "url" => {
                json!({"action": "accept"})
            }
            ("elicitation/create", Reply::Answer(content)) => {
                json!({"action": "accept", "content": content})
            }
            ("sampling/createMessage", Reply::Answer(Value::String(text))) => json!({
                "role": "assistant",
                "model": "scripted",
                "stopReason": "endTurn",
                "content": {"type": "text", "text": text},
            }),
            (_, Reply::Answer(Value::Array(roots))) => json!({"roots": roots}),
            (_, Reply::Answer(value)) => value,
            (method, _) => panic!("{method} can't be declined or cancelled: answer it"),
        }
    }
}

/// The script of one client.
#[derive(Debug)]
pub(crate) struct Script {
    answers: Mutex<Vec<Scripted>>,
    /// The first question that nothing was scripted for.
    unanswered: watch::Sender<Option<String>>,
}

impl Default for Script {
    fn default() -> Self {
        Self { answers: Mutex::default(), unanswered: watch::Sender::new(None) }
    }
}

impl Clone for Script {
    fn clone(&self) -> Self {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { answers: Mutex::new(answers), ..Self::default() }
    }
}

impl Script {
    pub(crate) fn answer(&self, question: String, content: Value) {
        self.add(question, Reply::Answer(content));
    }

    pub(crate) fn decline(&self, question: String) {
        self.add(question, Reply::Decline);
    }

    pub(crate) fn cancel(&self, question: String) {
        self.add(question, Reply::Cancel);
    }

    fn add(&self, question: String, reply: Reply) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push(Scripted { question, reply });
    }

    /// The first answer that fits, which is used up by it. Without one the test fails: see [`Script::unanswered`].
    pub(crate) fn find(&self, question: &Question) -> Option<Value> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.iter().position(|scripted| question.is(&scripted.question)) {
            Some(place) => {
                let scripted = answers.remove(place);
                drop(answers);
                Some(question.reply(scripted.reply))
            }
            None => {
                let known: Vec<_> =
                    answers.iter().map(|scripted| format!("{:?}", scripted.question)).collect();
                let known = match known.as_slice() {
                    [] => "no answer is left in the script".to_owned(),
                    known => format!("the script has answers for {}", known.join(", ")),
                };
                let text = format!("the server asked {}, and {known}", question.told());
                self.unanswered
                    .send_if_modified(|slot| slot.is_none().then(|| *slot = Some(text)).is_some());
                None
            }
        }
    }

    /// Resolves when a question can't be answered. Cancel-safe.
    pub(crate) async fn unanswered(&self) -> String {
        let mut asked = self.unanswered.subscribe();
        // It can't fail: the sender is `self`.
        drop(asked.wait_for(Option::is_some).await);
        self.missing()
    }

    /// The question that can't be answered, in words.
    pub(crate) fn missing(&self) -> String {
        self.unanswered.borrow().clone().unwrap_or_default()
    }

    /// What was scripted and not asked for.
    pub(crate) fn unused(&self) -> Vec<String> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.iter().map(|scripted| scripted.question.clone()).collect()
    }
}
