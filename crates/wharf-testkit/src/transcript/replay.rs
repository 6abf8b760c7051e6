//! Replaying: each line in its turn, and nothing beside them.

use serde_json::Value;

use super::{
    parse::{Action, Transcript},
    pattern::{self, Kept},
};
use crate::{Wire, diff};

impl Transcript {
    /// Sends what the client says and compares what the server says; then ends the input, and the server must have nothing
    /// more to say. Over HTTP, what one request gets is in order, and what two get at once is not: let a transcript wait
    /// for each answer.
    ///
    /// # Panics
    /// With the line and a diff where the two differ, when a message is missing, and when there is one too many.
    pub async fn replay(&self, mut wire: Wire) {
        let mut kept = Kept::new();
        for step in &self.steps {
            let told = match &step.action {
                Action::Send(message) => match pattern::substitute(message, &kept) {
                    Ok(message) => {
                        wire.send(&message).await;
                        continue;
                    }
                    Err(problem) => problem,
                },
                Action::Expect(expected) => match wire.receive().await {
                    Ok(Some(found)) => match difference(expected, &found, &mut kept) {
                        None => continue,
                        Some(difference) => {
                            format!("the server said something else:\n{difference}")
                        }
                    },
                    Ok(None) => format!("the server has ended, and should say {expected:#}"),
                    Err(error) => format!("{error}; it should say {expected:#}"),
                },
            };
            panic!("{}, line {}, over {}: {told}", self.name, step.line, wire.name())
        }
        self.expect_the_end(wire).await;
    }

    async fn expect_the_end(&self, mut wire: Wire) {
        wire.finish().await;
        let told = match wire.receive().await {
            Ok(None) => return,
            Ok(Some(more)) => format!("the server said more: {more:#}"),
            Err(error) => error,
        };
        panic!("{}, at its end, over {}: {told}", self.name, wire.name())
    }
}

fn difference(expected: &Value, found: &Value, kept: &mut Kept) -> Option<String> {
    let filled = pattern::fill(expected, found, kept);
    (filled != *found).then(|| diff::values(&filled, found))
}
