//! One call of a tool, a round at a time: what the server asks comes back, and the test says when it is answered.
//!
//! The client of the test kit answers at once. Here something can happen while the person thinks, and an answer can be given twice.

use serde_json::{Value, json};
use wharf::Service;
use wharf_testkit::Wire;

/// A call by a client of 2026-07-28, which can put questions to a person.
pub(crate) struct Rounds {
    wire: Wire,
    tool: &'static str,
    arguments: Value,
    made: u32,
}

impl Rounds {
    /// Nothing is sent yet.
    pub(crate) fn new(service: Service, tool: &'static str, arguments: Value) -> Self {
        Self { wire: Wire::memory(service), tool, arguments, made: 0 }
    }

    /// The first round, without any answers: the result, which may be a question.
    pub(crate) async fn begin(&mut self) -> Value {
        self.send(json!({})).await
    }

    /// The round in which the person agrees to the one question of a result.
    pub(crate) async fn agree(&mut self, asked: &Value) -> Value {
        let key = asked["inputRequests"].as_object().unwrap().keys().next().unwrap();
        let answer = json!({"action": "accept", "content": {"confirmed": true}});
        let answers =
            json!({"requestState": asked["requestState"], "inputResponses": {key: answer}});
        self.send(answers).await
    }

    async fn send(&mut self, answers: Value) -> Value {
        self.made += 1;
        let mut params = json!({
            "name": self.tool,
            "arguments": self.arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
            },
        });
        params.as_object_mut().unwrap().extend(answers.as_object().unwrap().clone());
        let request =
            json!({"jsonrpc": "2.0", "id": self.made, "method": "tools/call", "params": params});
        self.wire.send(&request.to_string()).await;
        self.wire.next().await.unwrap()["result"].take()
    }
}
