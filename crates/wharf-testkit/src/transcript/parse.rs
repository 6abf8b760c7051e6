//! Reading transcripts. A mistake in one is told with its line: a transcript that is half understood proves nothing.

use std::path::Path;

use serde_json::Value;

use super::pattern;

/// A transcript, ready to be replayed. The format is described in its [module](crate::transcript).
///
/// ```
/// # use wharf::{Server, Tool};
/// # use wharf_testkit::{Transcript, Wire};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = Server::new("demo", "1.0.0").tool(Tool::new("hello").handler(|| async { "hi" }));
/// let transcript = Transcript::parse(
///     r#"
/// ## Nobody has said hello to begin with.
/// > {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello"}}
/// < {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"<string>"}}
/// "#,
/// );
/// transcript.replay(Wire::memory(server)).await;
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Transcript {
    /// Where it is from, for messages.
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) action: Action,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    Send(String),
    Expect(Value),
}

impl Transcript {
    /// Reads the transcript in a file; the path is relative to the crate under test.
    ///
    /// # Panics
    /// When there is none, or it can't be understood.
    #[track_caller]
    pub fn load(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::read(name, &text),
            Err(error) => panic!("{name}: {error}"),
        }
    }

    /// Reads a transcript.
    ///
    /// # Panics
    /// When it can't be understood.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        Self::read("transcript".to_owned(), text)
    }

    #[track_caller]
    fn read(name: String, text: &str) -> Self {
        match steps(text) {
            Ok(steps) if steps.is_empty() => panic!("{name}: nothing is said in it"),
            Ok(steps) => Self { name, steps },
            Err((line, problem)) => panic!("{name}, line {line}: {problem}"),
        }
    }
}

fn steps(text: &str) -> Result<Vec<Step>, (usize, String)> {
    let mut said: Vec<(usize, char, String)> = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let continued = content.starts_with([' ', '\t']);
        match (content.trim(), content.split_at_checked(1)) {
            ("", _) => {}
            (comment, _) if comment.starts_with('#') => {}
            (more, _) if continued => match said.last_mut() {
                Some((_, _, text)) => *text = format!("{text} {more}"),
                None => return Err((line, "this continues nothing".to_owned())),
            },
            (_, Some((side @ (">" | "<"), rest))) => {
                let side = if side == ">" { '>' } else { '<' };
                said.push((line, side, rest.trim().to_owned()));
            }
            _ => {
                let rule = "a line begins with '>', '<', '#' or a space";
                return Err((line, rule.to_owned()));
            }
        }
    }
    said.into_iter()
        .map(|(line, side, text)| step(line, side, text).map_err(|problem| (line, problem)))
        .collect()
}

fn step(line: usize, side: char, text: String) -> Result<Step, String> {
    let action = match side {
        '>' => Action::Send(text),
        _ => {
            let expected =
                serde_json::from_str(&text).map_err(|error| format!("this is no JSON: {error}"))?;
            pattern::check(&expected)?;
            Action::Expect(expected)
        }
    };
    Ok(Step { line, action })
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn mistakes_are_told_with_their_line() {
        #[track_caller]
        fn check(text: &str, line: usize, problem: &str) {
            let (found, told) = steps(text).unwrap_err();
            assert!(found == line && told.contains(problem), "line {found}: {told}");
        }
        check("# x\n\n{}", 3, "a line begins with");
        check("\n  {}", 2, "continues nothing");
        check("> {}\n< {", 2, "no JSON");
        check("> {}\n< {\"a\":\"<strnig>\"}", 2, "no placeholder is called \"<strnig>\"");
        check("> {}\n< {\"a\":[\"...\",1]}", 2, "at the end");
    }

    #[test]
    fn lines_continue_and_what_is_sent_may_be_broken() {
        let steps =
            steps("> {\"a\":\n   1,\n# between\n\n   \"a\":2\n< {\"b\":\n\t\"<any>\"}").unwrap();
        let told: Vec<_> =
            steps.iter().map(|step| (step.line, format!("{:?}", step.action))).collect();
        assert_eq!(told[0], (1, r#"Send("{\"a\": 1, \"a\":2")"#.to_owned()));
        assert_eq!((told.len(), told[1].0), (2, 6));
    }
}
