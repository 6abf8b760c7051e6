//! Inputs that are well-formed enough to get past the first check: JSON, messages, schemas with arguments, templates with
//! URIs, expressions and statements.

use crate::mutate::Random;

fn pick<'a>(random: &mut Random, items: &[&'a str]) -> &'a str {
    random.choose(items).copied().unwrap_or_default()
}

fn list(random: &mut Random, most: usize, mut item: impl FnMut(&mut Random) -> String) -> String {
    let count = random.below(most + 1);
    (0..count).map(|_| item(random)).collect::<Vec<_>>().join(",")
}

const SCALARS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-1",
    "5.0",
    "1e3",
    "\"\"",
    "\"x\"",
    "\"5\"",
    "\"true\"",
    "\"[1]\"",
    "\"{}\"",
    "\"\\u0000\"",
    "9007199254740993",
    "1e999",
    "\" 5\"",
    "\"null\"",
];
const NAMES: &[&str] =
    &["a", "b", "c", "name", "uri", "text", "_meta", "a/b", "~0", "\\u0061", "$ref"];

/// Any JSON value.
fn json(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 2 } else { 4 }) {
        0 | 1 => pick(random, SCALARS).to_owned(),
        2 => format!("[{}]", list(random, 4, |random| json(random, depth - 1))),
        _ => object(random, depth),
    }
}

fn object(random: &mut Random, depth: usize) -> String {
    let member = |random: &mut Random| {
        let name = pick(random, NAMES);
        format!("\"{name}\":{}", json(random, depth.saturating_sub(1)))
    };
    format!("{{{}}}", list(random, 4, member))
}

/// A JSON-RPC message with some members missing, repeated or wrong.
pub(crate) fn envelope(random: &mut Random) -> Vec<u8> {
    let member = |random: &mut Random| match random.below(8) {
        0 | 1 => "\"jsonrpc\":\"2.0\"".to_owned(),
        2 => format!("\"id\":{}", json(random, 1)),
        3 => "\"id\":1".to_owned(),
        4 => format!("\"method\":\"{}\"", pick(random, METHODS)),
        5 => format!("\"params\":{}", object(random, 3)),
        6 => format!("\"{}\":{}", pick(random, &["result", "error", "x"]), json(random, 2)),
        _ => format!("\"{}\":{}", pick(random, NAMES), json(random, 1)),
    };
    let mut members = vec!["\"jsonrpc\":\"2.0\"".to_owned()];
    members.extend((0..random.below(5)).map(|_| member(random)));
    let message = format!("{{{}}}", members.join(","));
    if random.below(8) == 0 { format!("[{message}]") } else { message }.into_bytes()
}

const METHODS: &[&str] = &[
    "initialize",
    "ping",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "resources/subscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "server/discover",
    "subscriptions/listen",
    "notifications/cancelled",
    "notifications/initialized",
    "nonsense",
];

/// Lines of messages as the server of `message.rs` may understand them; the first byte chooses the era.
pub(crate) fn messages(random: &mut Random) -> Vec<u8> {
    let mut out = vec![b'0' + u8::try_from(random.below(2)).unwrap_or(0), b'\n'];
    for _ in 0..=random.below(4) {
        let method = pick(random, METHODS);
        let params = match random.below(8) {
            0 => object(random, 3),
            1 => format!("\"name\":\"echo\",\"arguments\":{}", object(random, 3)),
            2 => "\"name\":\"echo\",\"arguments\":{\"text\":\"x\"}".to_owned(),
            3 => format!("\"uri\":\"memo://{}\"", pick(random, &["one", "two/3", "%41", "%zz"])),
            4 => format!("\"cursor\":{}", json(random, 1)),
            5 => format!(
                "\"name\":\"ask\",\"arguments\":{{}},\"inputResponses\":{},\"requestState\":{}",
                json(random, 3),
                json(random, 0)
            ),
            6 => format!("\"notifications\":{}", object(random, 2)),
            _ => format!(
                "\"ref\":{{\"type\":\"ref/prompt\",\"name\":\"greet\"}},\"argument\":{}",
                object(random, 1)
            ),
        };
        let params = params.trim_start_matches('{').trim_end_matches('}');
        let comma = if params.is_empty() { "" } else { "," };
        let id = random.below(3);
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{{{params}{comma}{META}}}}}\n"
        );
        out.extend_from_slice(line.as_bytes());
    }
    out
}

const META: &str = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}}";

/// A schema on one line and arguments on the next.
pub(crate) fn schema(random: &mut Random) -> Vec<u8> {
    let mut schema = place(random, 3);
    schema.insert_str(1, "\"type\":\"object\",");
    if schema.ends_with(",}") {
        schema.replace_range(schema.len() - 2.., "}");
    }
    format!("{schema}\n{}", object(random, 3)).into_bytes()
}

fn place(random: &mut Random, depth: usize) -> String {
    let inner = depth.saturating_sub(1);
    let keyword = |random: &mut Random| match random.below(if depth == 0 { 5 } else { 14 }) {
        0 => format!("\"type\":\"{}\"", pick(random, TYPES)),
        1 => format!("\"type\":[\"{}\",\"{}\"]", pick(random, TYPES), pick(random, TYPES)),
        2 => format!("\"enum\":[{}]", list(random, 3, |random| json(random, 1))),
        3 => format!("\"const\":{}", json(random, 1)),
        4 => format!(
            "\"{}\":{}",
            pick(
                random,
                &[
                    "minimum",
                    "maximum",
                    "minLength",
                    "maxLength",
                    "minItems",
                    "maxItems",
                    "multipleOf"
                ]
            ),
            pick(random, &["0", "1", "2", "0.5", "1e3"])
        ),
        5 | 6 => format!(
            "\"properties\":{{{}}}",
            list(random, 4, |random| format!(
                "\"{}\":{}",
                pick(random, NAMES),
                place(random, inner)
            ))
        ),
        7 => format!("\"items\":{}", place(random, inner)),
        8 => format!("\"prefixItems\":[{}]", list(random, 3, |random| place(random, inner))),
        9 => format!(
            "\"{}\":[{}]",
            pick(random, &["anyOf", "oneOf", "allOf"]),
            list(random, 3, |random| place(random, inner))
        ),
        10 => format!(
            "\"additionalProperties\":{}",
            if random.below(2) == 0 { "false".to_owned() } else { place(random, inner) }
        ),
        11 => format!(
            "\"$ref\":\"{}\"",
            pick(random, &["#", "#/$defs/a", "#/properties/a", "#/$defs/missing"])
        ),
        12 => format!("\"$defs\":{{\"a\":{}}}", place(random, inner)),
        _ => format!(
            "\"pattern\":\"{}\"",
            pick(random, &["^a+$", "(a+)+b", "^\\\\d{2}$", "[", "(?=x)"])
        ),
    };
    format!("{{{}}}", list(random, 3, keyword))
}

const TYPES: &[&str] = &["string", "integer", "number", "boolean", "array", "object", "null"];

/// A template on one line and a URI on the next.
pub(crate) fn template(random: &mut Random) -> Vec<u8> {
    let (mut template, mut uri) = ("a://".to_owned(), "a://".to_owned());
    for part in 0..=random.below(4) {
        if random.below(2) == 0 {
            let literal = pick(random, &["x", "/", ".txt", "?q=", "é", "//", "x.x"]);
            template.push_str(literal);
            uri.push_str(literal);
        } else {
            let operator = pick(random, &["", "+", "#", ".", "/", ";", "?", "&"]);
            template.push_str(&format!("{{{operator}v{part},w{part}}}"));
            if random.below(2) == 0 {
                template = template.replace(&format!(",w{part}"), "");
            }
            uri.push_str(operator);
            uri.push_str(pick(random, &["v", "1", "%41", "é", "a=b", "v0=1", "1,2", "%", ""]));
        }
    }
    format!("{template}\n{uri}").into_bytes()
}

/// An expression of the calculator.
pub(crate) fn expression(random: &mut Random) -> Vec<u8> {
    fn expression(random: &mut Random, depth: usize) -> String {
        match random.below(if depth == 0 { 2 } else { 7 }) {
            0 => pick(
                random,
                &["0", "1", "2", "3.5", "1e9", "1e-9", "10", "99999999999999999999", "0x10"],
            )
            .to_owned(),
            1 => pick(random, &wharf_calculator::eval::CONSTANT_NAMES).to_owned(),
            2 | 3 => format!(
                "{}{}{}",
                expression(random, depth - 1),
                pick(random, &["+", "-", "*", "/", "^", "%", "//", "**", " mod ", ","]),
                expression(random, depth - 1)
            ),
            4 => format!("({})", expression(random, depth - 1)),
            5 => format!("{}{}", pick(random, &["-", "+", "!"]), expression(random, depth - 1)),
            _ => {
                let names: Vec<_> = wharf_calculator::eval::function_names().collect();
                let name = pick(random, &names);
                let mut arguments = || expression(random, depth - 1);
                let (first, second) = (arguments(), arguments());
                if random.below(2) == 0 {
                    format!("{name}({first})")
                } else {
                    format!("{name}({first},{second})")
                }
            }
        }
    }
    expression(random, 5).into_bytes()
}

/// Tokens of SQL in an order that a parser often takes.
pub(crate) fn sql(random: &mut Random) -> Vec<u8> {
    let mut out = pick(
        random,
        &[
            "SELECT ",
            "WITH t AS (SELECT 1) SELECT ",
            "VALUES (",
            "EXPLAIN SELECT ",
            "PRAGMA ",
            "SELECT * FROM ",
        ],
    )
    .to_owned();
    for _ in 0..random.below(12) {
        out.push_str(pick(random, crate::targets::SQL));
        out.push_str(pick(random, &[" ", " ", " ", ",", "(", ")", ""]));
    }
    out.into_bytes()
}
