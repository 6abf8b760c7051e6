//! The targets: what is run, what its inputs are made of, and how well-formed ones are generated.

use crate::{input, message, mutate::Random, request, sql};

/// One target.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Runs one input; panics when something that must hold does not.
    pub(crate) run: fn(&[u8]),
    /// Words that inputs are made of.
    pub(crate) words: &'static [&'static str],
    pub(crate) generate: Option<fn(&mut Random) -> Vec<u8>>,
}

const JSON: &[&str] = &[
    "{\"jsonrpc\":\"2.0\",",
    "\"id\":1,",
    "\"id\":\"x\"",
    "\"method\":\"ping\"",
    "\"params\":{",
    "\"result\":{}",
    "\"error\":{}",
    "\\u0000",
    "\\ud800",
    "\\u006dethod",
    "\"\"",
    "null",
    "true",
    "[[",
    "}}",
    "\"_meta\":{",
    "io.modelcontextprotocol/protocolVersion",
    "2026-07-28",
    "2025-03-26",
    "\"progressToken\":",
    "\"arguments\":{\"text\":\"x\"}",
    "\"name\":\"echo\"",
    "\"cursor\":\"",
    "\"uri\":\"memo://",
    "traceparent",
    "\"requestId\":1",
    "\"inputResponses\":{",
    "\"requestState\":\"",
    "\u{17f}",
    "\u{200b}",
    "tools/call",
];
const PG_TREE: &[&str] = &[
    "({QUERY :commandType 1 :utilityStmt <> :resultRelation 0 :hasModifyingCTE false :hasForUpdate false ",
    ":rtable ({RANGETBLENTRY :rtekind 0 :relid 16386 ",
    "{FUNCEXPR :funcid 2331 :args (",
    "{OPEXPR :opno 96 :opfuncid 65 ",
    "{CONST :consttype 23 :constvalue 4 [ 1 0 0 0 ]}",
    ":resname :opno ",
    ":colnames (\"id\" \"a\\ b\")",
    "(o 23 25)",
    "(b 8 9)",
    "<>",
    "})",
    "\\",
];
const HEADERS: &[&str] = &[
    "mcp-method:",
    "mcp-name:",
    "mcp-protocol-version:",
    "mcp-session-id:",
    "last-event-id:",
    "host:",
    "origin:",
    "accept:",
    "content-type:",
    "x-forwarded-for:",
    "authorization:",
    "=?base64?",
    "?=",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "http://localhost",
    "https://",
    "application/json",
    "text/event-stream",
    "*/*",
    ";q=0",
    "0-0",
    "2026-07-28",
    "2025-11-25",
    "tools/call",
    "echo",
    "POST",
    "GET",
    "DELETE",
    "OPTIONS",
    "/mcp",
    "\n\n",
];
const TEMPLATES: &[&str] = &[
    "{", "}", "{+", "{#", "{?a,b}", "{&c}", "{/d}", "{;e}", "{.f}", ":3}", "*}", "://", "%2F",
    "%zz", "%ff", "\n",
];
const SCHEMAS: &[&str] = &[
    "\"type\":\"object\"",
    "\"properties\":{",
    "\"items\":{",
    "\"anyOf\":[",
    "\"oneOf\":[",
    "\"allOf\":[",
    "\"not\":{",
    "\"$ref\":\"#\"",
    "\"$ref\":\"#/$defs/a\"",
    "\"$defs\":{",
    "\"enum\":[",
    "\"const\":",
    "\"required\":[",
    "\"additionalProperties\":false",
    "\"pattern\":\"",
    "\"format\":\"",
    "\"minimum\":",
    "\"maxLength\":",
    "\"prefixItems\":[",
    "\"if\":{",
    "\"then\":{",
    "\"$anchor\":\"",
    "\"$dynamicRef\":\"#\"",
    "\"5\"",
    "\n",
];
const MATH: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "^",
    "**",
    "%",
    "(",
    ")",
    ",",
    "!",
    "e",
    "pi",
    "sqrt(",
    "log(",
    "sin(",
    "gcd(",
    "min(",
    "factorial(",
    "binomial(",
    "1e999",
    "0x",
    "0b",
    "1_000",
    "99999999999999999999",
    ".",
    "E+",
];
pub(crate) const SQL: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "users",
    "orders",
    "notes",
    "sqlite_master",
    "pragma_table_info",
    "WITH RECURSIVE",
    "AS",
    "UNION ALL",
    "ORDER BY",
    "LIMIT",
    "JOIN",
    "INSERT INTO",
    "UPDATE",
    "DELETE FROM",
    "DROP TABLE",
    "ATTACH",
    "PRAGMA",
    "table_info",
    "writable_schema",
    "query_only",
    "temp_store_directory",
    "EXPLAIN",
    "QUERY PLAN",
    "VACUUM",
    "load_extension",
    "readfile",
    "writefile",
    "fts3_tokenizer",
    "randomblob",
    "zeroblob",
    "json_each",
    "count",
    "*",
    "1",
    "'x'",
    "\"id\"",
    "[id]",
    "`id`",
    "id",
    "name",
    ";",
    "--",
    "/*",
    "*/",
    "\n",
    "?1",
    ":a",
    "x'00'",
    "=",
    "main",
    ".",
    "OVER",
    "RETURNING",
    "BEGIN",
    "CREATE TEMP TABLE",
    "REPLACE",
    "LIKE",
    "GLOB",
    "MATCH",
    "CAST",
];

/// All of them.
pub(crate) const ALL: &[Target] = &[
    Target {
        name: "envelope",
        run: wharf::fuzz::envelope,
        words: JSON,
        generate: Some(input::envelope),
    },
    Target { name: "message", run: message::run, words: JSON, generate: Some(input::messages) },
    Target { name: "headers", run: request::run, words: HEADERS, generate: None },
    Target {
        name: "uri_template",
        run: wharf::fuzz::uri_template,
        words: TEMPLATES,
        generate: Some(input::template),
    },
    Target {
        name: "cursor",
        run: wharf::fuzz::cursor,
        words: &["tool_1", "tool_7", "AA"],
        generate: None,
    },
    Target { name: "sealed_state", run: message::sealed, words: &["AA", "AQ"], generate: None },
    Target {
        name: "schema",
        run: wharf::fuzz::schema,
        words: SCHEMAS,
        generate: Some(input::schema),
    },
    Target { name: "calculator", run: calculator, words: MATH, generate: Some(input::expression) },
    Target { name: "sql", run: sql::run, words: SQL, generate: Some(input::sql) },
    Target { name: "pg_tree", run: pg_tree, words: PG_TREE, generate: None },
];

/// What PostgreSQL writes about an analysed statement is read or refused.
fn pg_tree(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        wharf_database::postgres::fuzz::read_tree(text);
    }
}

/// An expression either has an answer or is refused, within its budget.
fn calculator(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let limits = wharf_calculator::eval::Limits::default();
    match wharf_calculator::eval::evaluate(text, &limits) {
        // An exact answer is its own answer. An approximation may be too large to be read as a number again.
        Ok(answer) if answer.exact && answer.value.len() < 1000 => {
            let again = wharf_calculator::eval::evaluate(&answer.value, &limits);
            let same = again.as_ref().is_ok_and(|again| again.value == answer.value);
            assert!(same, "{answer:?} {again:?}");
        }
        Ok(_) => {}
        Err(error) => assert!(error.to_string().len() < 4096, "{error}"),
    }
}
