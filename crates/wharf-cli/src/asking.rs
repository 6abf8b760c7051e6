//! Asking: answers to a server's elicitation. Answers come from `--answer`, then from the person at the terminal; without either
//! the question is declined and stderr says how to answer it. Only forms are offered: a URL question would have to open a browser,
//! so that capability is not declared and such a question is declined.

use std::{
    collections::VecDeque,
    io::{self, BufRead, IsTerminal, Write},
    sync::{Mutex, PoisonError},
};

use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use serde_json::{Map, Value};

use crate::{
    form::{Field, fields},
    printer::printable,
};

/// One `--answer`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// The filled form.
    Accept(Map<String, Value>),
    /// No.
    Decline,
    /// Not now.
    Cancel,
}

/// Reads `--answer`.
///
/// # Errors
/// Neither a JSON object nor one of the two words.
pub(crate) fn parse_reply(text: &str) -> Result<Reply, String> {
    match text {
        "decline" => Ok(Reply::Decline),
        "cancel" => Ok(Reply::Cancel),
        _ => serde_json::from_str(text)
            .map(Reply::Accept)
            .map_err(|error| format!("expected a JSON object, decline or cancel: {error}")),
    }
}

impl From<Reply> for ElicitResult {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Accept(content) => {
                Self::new(ElicitationAction::Accept).with_content(Value::Object(content))
            }
            Reply::Decline => Self::new(ElicitationAction::Decline),
            Reply::Cancel => Self::new(ElicitationAction::Cancel),
        }
    }
}

/// Where answers come from.
#[derive(Debug)]
pub(crate) struct Asker {
    prepared: Mutex<VecDeque<Reply>>,
    /// Held while a person answers, so two questions do not share the terminal.
    terminal: tokio::sync::Mutex<()>,
}

impl Asker {
    /// Answers with `prepared`, in order, before it asks a person.
    pub(crate) fn new(prepared: Vec<Reply>) -> Self {
        Self { prepared: Mutex::new(prepared.into()), terminal: tokio::sync::Mutex::default() }
    }

    /// Answers one question. After a dropped future the terminal may still swallow one line.
    pub(crate) async fn answer(&self, question: ElicitRequestParams) -> ElicitResult {
        let ElicitRequestParams::FormElicitationParams { message, requested_schema, .. } = question
        else {
            say("the server wants a page opened, which wharf does not do; declined");
            return Reply::Decline.into();
        };
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(reply) = prepared {
            return reply.into();
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            say(&format!("the server asks: {}", printable(&message)));
            say("declined: nobody is at a terminal; answer with --answer JSON");
            return Reply::Decline.into();
        }
        let order = requested_schema.property_order.clone().unwrap_or_default();
        let schema = serde_json::to_value(&requested_schema).unwrap_or_default();
        let _terminal = self.terminal.lock().await;
        let asked = tokio::task::spawn_blocking(move || {
            ask(&message, &fields(&schema, &order), &mut io::stdin().lock(), &mut io::stderr())
        });
        match asked.await {
            Ok(Ok(reply)) => reply.into(),
            _ => Reply::Cancel.into(),
        }
    }
}

/// A line for the person.
fn say(text: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(io::stderr(), "wharf: {text}");
}

/// Asks for every field. The end of the input cancels, so a closed terminal never accepts anything.
fn ask(
    message: &str,
    fields: &[Field],
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> io::Result<Reply> {
    writeln!(output, "The server asks: {}", printable(message))?;
    loop {
        write!(output, "Answer? [Y]es, [d]ecline, [c]ancel: ")?;
        match line(input, output)?.as_deref().map(|text| text.trim().to_lowercase()).as_deref() {
            None | Some("c" | "cancel") => return Ok(Reply::Cancel),
            Some("d" | "decline" | "n" | "no") => return Ok(Reply::Decline),
            Some("" | "y" | "yes") => break,
            Some(_) => {}
        }
    }
    let mut content = Map::new();
    for field in fields {
        match ask_field(field, input, output)? {
            Given::Value(value) => drop(content.insert(field.name.clone(), value)),
            Given::Nothing => {}
            Given::End => return Ok(Reply::Cancel),
        }
    }
    Ok(Reply::Accept(content))
}

enum Given {
    Value(Value),
    Nothing,
    End,
}

fn ask_field(field: &Field, input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<Given> {
    for line in field.explanation() {
        writeln!(output, "  {}", printable(&line))?;
    }
    loop {
        write!(output, "{}: ", printable(&field.label()))?;
        let Some(text) = line(input, output)? else {
            return Ok(Given::End);
        };
        match field.read(text.trim()) {
            Ok(Some(value)) => return Ok(Given::Value(value)),
            Ok(None) => return Ok(Given::Nothing),
            Err(problem) => writeln!(output, "  {}", printable(&problem))?,
        }
    }
}

/// One line without its end, or nothing at the end of the input.
fn line(input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<Option<String>> {
    output.flush()?;
    let mut text = String::new();
    match input.read_line(&mut text)? {
        0 => Ok(None),
        _ => Ok(Some(text)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(schema: &Value, typed: &str) -> (Reply, String) {
        let mut output = Vec::new();
        let reply = ask("Who?", &fields(schema, &[]), &mut typed.as_bytes(), &mut output).unwrap();
        (reply, String::from_utf8(output).unwrap())
    }

    fn accepted(value: Value) -> Reply {
        parse_reply(&value.to_string()).unwrap()
    }

    #[test]
    fn fields_are_typed_and_asked_again_when_wrong() {
        let schema = json!({
            "properties": {
                "age": {"type": "integer", "minimum": 1},
                "name": {"type": "string"},
                "sure": {"type": "boolean", "default": true},
            },
            "required": ["name"],
        });
        let (reply, output) = asked(&schema, "y\nold\n0\n7\n\nAda\n\n");
        assert_eq!(reply, accepted(json!({"age": 7, "name": "Ada", "sure": true})));
        assert!(output.contains("a whole number"), "{output}");
        assert!(output.contains("at least 1"), "{output}");
        assert!(output.contains("needed"), "{output}");
    }

    #[test]
    fn refusals_and_the_end_of_input_send_nothing() {
        let schema = json!({"properties": {"name": {"type": "string"}}});
        for (typed, expected) in [
            ("d\n", Reply::Decline),
            ("c\n", Reply::Cancel),
            ("", Reply::Cancel),
            ("what\ny\n", Reply::Cancel),
        ] {
            assert_eq!(asked(&schema, typed).0, expected, "{typed:?}");
        }
    }

    #[test]
    fn questions_cannot_command_the_terminal() {
        let schema =
            json!({"properties": {"x": {"type": "string", "description": "\u{1b}[2Jgone"}}});
        let (_, output) = asked(&schema, "y\nvalue\n");
        assert!(!output.contains('\u{1b}'), "{output}");
    }

    #[test]
    fn replies_are_objects_or_words() {
        assert_eq!(parse_reply("decline"), Ok(Reply::Decline));
        assert_eq!(parse_reply("cancel"), Ok(Reply::Cancel));
        assert!(parse_reply("[1]").is_err());
        assert!(parse_reply("yes").is_err());
    }
}
