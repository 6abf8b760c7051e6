//! The requests that are sent, and what a right answer to them is.
//!
//! A request is built once as bytes; each send patches its id and its first operand in
//! place, so that no answer can come from a cache and building requests costs next to nothing.

use memchr::memmem::find;

use crate::options::{Era, Options, Target};

/// Every id has eight digits, so that a template can be patched in place.
pub const FIRST_ID: u64 = 10_000_000;
const SECOND_OPERAND: u64 = 52_345;
/// Where the id, `isError` and an error are looked for: the ends of the answer.
const EDGE_BYTES: usize = 400;

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"loadgen","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"loadgen","version":"1.0.0"}}}"#;
/// What a legacy client says after the handshake.
pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// The first message of a connection: the handshake, or a question that needs no handshake.
pub fn greeting(era: Era) -> String {
    match era {
        Era::Modern => {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{{META}}}}}"#)
        }
        Era::Legacy => INITIALIZE.to_owned(),
    }
}

/// The request that is repeated, with the placeholders that [`Template`] patches.
pub fn body(options: &Options) -> String {
    let meta = if options.era == Era::Modern { META } else { "" };
    let comma = if meta.is_empty() { "" } else { "," };
    let call = |arguments: String| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{FIRST_ID},"method":"tools/call","params":{{{arguments}{comma}{meta}}}}}"#
        )
    };
    match options.target {
        Target::Add => {
            call(format!(r#""name":"add","arguments":{{"a":10000,"b":{SECOND_OPERAND}}}"#))
        }
        Target::Echo => {
            let text = "x".repeat(options.size_bytes);
            call(format!(r#""name":"echo","arguments":{{"text":"{text}"}}"#))
        }
        Target::List => {
            format!(
                r#"{{"jsonrpc":"2.0","id":{FIRST_ID},"method":"tools/list","params":{{{meta}}}}}"#
            )
        }
    }
}

/// Header lines that the revision asks for, each with its line end.
pub fn protocol_headers(options: &Options) -> String {
    match (options.era, options.target) {
        (Era::Legacy, _) => "MCP-Protocol-Version: 2025-11-25\r\n".to_owned(),
        (Era::Modern, Target::List) => {
            "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\n".to_owned()
        }
        (Era::Modern, target) => {
            let name = if target == Target::Add { "add" } else { "echo" };
            format!(
                "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {name}\r\n"
            )
        }
    }
}

/// What the answer to one sent request has to carry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    /// The id of the request.
    pub id: u64,
    sum: u64,
}

/// A request as bytes, with the places that change from send to send.
pub struct Template {
    /// The bytes to send.
    pub bytes: Vec<u8>,
    id_at: usize,
    operand_at: Option<usize>,
    text_at: Option<usize>,
}

impl Template {
    /// Finds the placeholders of [`body`]; `None` when there is no id.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let id_at = find(&bytes, b"\"id\":10000000")? + 5;
        let operand_at = find(&bytes, b"\"a\":10000").map(|at| at + 4);
        let text_at = find(&bytes, b"\"text\":\"xxxxxxxx").map(|at| at + 8);
        Some(Self { bytes, id_at, operand_at, text_at })
    }

    /// Makes this the request number `n`.
    pub fn patch(&mut self, n: u64) -> Expected {
        let id = FIRST_ID + n % 89_999_999;
        let operand = 10_000 + n % 20_000;
        write_digits(&mut self.bytes[self.id_at..self.id_at + 8], id);
        if let Some(at) = self.operand_at {
            write_digits(&mut self.bytes[at..at + 5], operand);
        }
        if let Some(at) = self.text_at {
            write_digits(&mut self.bytes[at..at + 8], id);
        }
        Expected { id, sum: operand + SECOND_OPERAND }
    }
}

fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Whether an answer is right: the id, no error, and the value that the tool computes.
pub fn is_right(options: &Options, answer: &[u8], expected: Expected) -> bool {
    let mut id = [0; 8];
    write_digits(&mut id, expected.id);
    let start = &answer[..answer.len().min(EDGE_BYTES)];
    let end = &answer[answer.len().saturating_sub(EDGE_BYTES)..];
    let at_an_edge = |needle: &[u8]| find(start, needle).is_some() || find(end, needle).is_some();
    if !at_an_edge(&id) || find(start, b"\"error\":").is_some() || at_an_edge(b"\"isError\":true") {
        return false;
    }
    match options.target {
        Target::Add => {
            let mut text = [b'"'; 6];
            write_digits(&mut text[1..], expected.sum);
            find(answer, &text).is_some()
        }
        Target::Echo => is_echoed(answer, &id, options.size_bytes),
        Target::List => {
            memchr::memmem::find_iter(answer, b"\"inputSchema\"").count() == options.expect_tools
        }
    }
}

/// Whether the text came back whole: the patched digits, then the filling, then the closing quote.
fn is_echoed(answer: &[u8], digits: &[u8; 8], size_bytes: usize) -> bool {
    // A short needle and a plain comparison: a needle of a megabyte costs more than the server does.
    let needle = [b"\"".as_slice(), digits].concat();
    memchr::memmem::find_iter(answer, &needle).any(|at| {
        let rest = &answer[at + needle.len()..];
        let filling = size_bytes - digits.len();
        rest.get(..filling).is_some_and(|text| text.iter().all(|byte| *byte == b'x'))
            && rest.get(filling) == Some(&b'"')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &str) -> Options {
        let arguments = format!("http --url http://localhost:1/mcp {arguments}");
        Options::parse(arguments.split_whitespace().map(str::to_owned)).unwrap()
    }

    #[test]
    fn patched_requests_are_json_with_the_new_values() {
        for era in ["modern", "legacy"] {
            for target in ["add", "echo", "list"] {
                let options = options(&format!("--era {era} --target {target} --size 20"));
                let mut template = Template::new(body(&options).into_bytes()).unwrap();
                let expected = template.patch(7);
                let sent: serde_json::Value = serde_json::from_slice(&template.bytes).unwrap();
                assert_eq!(sent["id"], expected.id);
                assert_eq!(sent["params"].get("_meta").is_some(), era == "modern");
                if target == "add" {
                    assert_eq!(sent["params"]["arguments"]["a"], 10_007);
                }
            }
        }
    }

    #[test]
    fn only_the_right_answer_counts() {
        let add = options("");
        let expected = Template::new(body(&add).into_bytes()).unwrap().patch(7);
        let check = |answer: &str, right: bool| {
            assert_eq!(is_right(&add, answer.as_bytes(), expected), right, "{answer}");
        };
        check(r#"{"id":10000007,"result":{"content":[{"text":"62352"}]}}"#, true);
        check(r#"{"id":10000008,"result":{"content":[{"text":"62352"}]}}"#, false);
        check(r#"{"id":10000007,"result":{"content":[{"text":"62353"}]}}"#, false);
        check(r#"{"id":10000007,"result":{"content":[{"text":"62352"}],"isError":true}}"#, false);
        check(r#"{"id":10000007,"error":{"code":-32603,"message":"62352"}}"#, false);
        check("", false);
    }

    #[test]
    fn an_echo_comes_back_whole() {
        let echo = options("--target echo --size 10");
        let expected = Template::new(body(&echo).into_bytes()).unwrap().patch(7);
        let check = |answer: &str, right: bool| {
            assert_eq!(is_right(&echo, answer.as_bytes(), expected), right, "{answer}");
        };
        check(r#"{"id":10000007,"result":{"content":[{"text":"10000007xx"}]}}"#, true);
        check(r#"{"id":10000007,"result":{"content":[{"text":"10000007x"}]}}"#, false);
        check(r#"{"id":10000007,"result":{"content":[{"text":"10000007xxx"}]}}"#, false);
        check(r#"{"id":10000007,"result":{"content":[{"text":"10000008xx"}]}}"#, false);
    }
}
