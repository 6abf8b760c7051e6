//! SQLite's grammar and the tables that its queries read.
//!
//! The bundled SQLite and the system's shell may be of different versions: what has changed between them (sums of fractions
//! that are not exact, the text of a real, a constant of a subquery in an outer join, which 3.40 takes for NULL)
//! is left out.

use crate::grammar::{Grammar, Of};

pub(crate) const GRAMMAR: Grammar = Grammar {
    tables: &["t1", "t2", "t3"],
    columns: COLUMNS,
    literals: LITERALS,
    rules: RULES,
    generic: &["CASE WHEN {bool} THEN {K} ELSE {K} END", "iif({bool}, {K}, {K})", "coalesce({K}, {K})", "(SELECT {K})"],
    aggregates: AGGREGATES,
    windows: WINDOWS,
    exact: &["bool", "int", "big", "text", "date", "bytes"],
    bare: &[],
    set_operations: &["UNION", "UNION ALL", "INTERSECT", "EXCEPT"],
    joins: &["JOIN", "LEFT JOIN"],
    joins_of_queries: &["JOIN"],
    series: "(SELECT value AS n FROM json_each('[-1,0,2]'))",
    side: ("SELECT * FROM (", ")"),
    order_by: |column| format!("typeof({column}), {column}"),
    names: &["a", "b", "\"a\"", "\"A b\"", "\"quo\"\"te\"", "\"größe\"", "\"select\""],
};

pub(crate) const TYPES: &str = "b BOOLEAN, i INTEGER, l BIGINT, f REAL, wf DOUBLE, x TEXT, v VARCHAR(10), d DATE, by BLOB, y, j JSON, n NUMERIC";

const COLUMNS: &[Of] = &[
    ("bool", "b"), ("int", "i"), ("big", "l"), ("float", "f"), ("wild", "wf"), ("text", "x"), ("text", "v"), ("date", "d"), ("bytes", "by"),
    ("any", "y"), ("json", "j"), ("num", "n"),
];

pub(crate) const LITERALS: &[Of] = &[
    ("bool", "1"), ("bool", "0"), ("bool", "NULL"), ("int", "0"), ("int", "1"), ("int", "-3"), ("int", "7"), ("int", "42"), ("int", "NULL"),
    ("big", "9007199254740991"), ("big", "9007199254740992"), ("big", "-9007199254740993"), ("big", "9223372036854775807"),
    ("big", "(-9223372036854775807 - 1)"), ("big", "5"), ("big", "NULL"),
    ("float", "0.5"), ("float", "-2.25"), ("float", "1024.0"), ("float", "0.0"), ("float", "NULL"),
    ("wild", "9e999"), ("wild", "-9e999"), ("wild", "0.1"), ("wild", "1e308"), ("wild", "1e15"), ("wild", "1e16"), ("wild", "123456789.12345679"), ("wild", "1e-5"),
    ("text", "''"), ("text", "'NULL'"), ("text", "'a'"), ("text", "'A b'"), ("text", "'it''s; -- \"x\"'"), ("text", "'é∑😀'"), ("text", "'a'||char(9,10)||'b'"),
    ("text", "'9007199254740993'"), ("text", "' a,b '"), ("text", "'Infinity'"), ("text", "NULL"),
    ("date", "'2024-02-29'"), ("date", "'1999-12-31 23:59:59'"), ("date", "NULL"), ("bytes", "x'00ff10'"), ("bytes", "x''"), ("bytes", "x'4e554c4c'"), ("bytes", "NULL"),
    ("any", "1"), ("any", "'1'"), ("any", "1.5"), ("any", "x'31'"), ("any", "9007199254740993"), ("any", "'9007199254740993'"), ("any", "9e999"), ("any", "NULL"),
    ("json", "'{\"a\": [1, 2.5, null], \"k\": \"x\"}'"), ("json", "'[]'"), ("json", "'\"s\"'"), ("json", "NULL"),
    ("num", "1.5"), ("num", "3"), ("num", "'12'"), ("num", "'abc'"), ("num", "NULL"),
];

const RULES: &[Of] = &[
    ("bool", "({int} < {int})"), ("bool", "({text} = {text})"), ("bool", "({float} >= {int})"), ("bool", "({bool} AND {bool})"), ("bool", "({bool} OR {bool})"),
    ("bool", "(NOT {bool})"), ("bool", "({text} IS NULL)"), ("bool", "({int} BETWEEN {int} AND {int})"), ("bool", "({int} IN ({int}, {int}, 1))"),
    ("bool", "({text} LIKE '%a%')"), ("bool", "({text} GLOB '*a*')"), ("bool", "{exists}"), ("bool", "({int} IN {list:int})"), ("bool", "({any} IS {any})"), ("bool", "({any} < {any})"),
    ("int", "({int} + {int})"), ("int", "({int} - {int})"), ("int", "({int} * 2)"), ("int", "abs({int})"), ("int", "length({text})"), ("int", "({int} / {int})"),
    ("int", "({int} % 7)"), ("int", "max({int}, {int})"), ("int", "{scalar:int}"), ("int", "instr({text}, 'a')"), ("int", "unicode({text})"), ("int", "length({bytes})"),
    ("int", "json_array_length({json})"), ("int", "({int} << 3)"), ("int", "CAST({text} AS INTEGER)"), ("int", "CAST(strftime('%Y', {date}) AS INTEGER)"),
    ("big", "({int} * 3000000000)"), ("big", "min({big}, {big})"), ("big", "(SELECT count(*) FROM t2)"), ("big", "(~ {big})"),
    ("float", "({float} + {float})"), ("float", "({float} * 2)"), ("float", "(- {float})"), ("float", "abs({float})"), ("float", "CAST({int} AS REAL)"), ("float", "round({float})"),
    ("wild", "(- {wild})"), ("wild", "({wild} * {float})"), ("wild", "({wild} / 3)"),
    ("text", "({text} || {text})"), ("text", "upper({text})"), ("text", "substr({text}, 2, 3)"), ("text", "replace({text}, 'a', {text})"), ("text", "CAST({int} AS TEXT)"),
    ("text", "typeof({any})"), ("text", "quote({text})"), ("text", "hex({bytes})"), ("text", "trim({text})"), ("text", "printf('%s-%d', {text}, {int})"), ("text", "json_extract({json}, '$.k')"),
    ("date", "date({date}, '+1 day')"), ("date", "datetime({date})"), ("bytes", "CAST({text} AS BLOB)"), ("bytes", "zeroblob(3)"),
    ("json", "json_array({int}, {text})"), ("json", "json_object('a', {int}, 'b', {text})"), ("any", "{int}"), ("any", "{text}"), ("any", "{float}"), ("any", "+{any}"),
    ("num", "({num} + 1)"), ("num", "nullif({num}, 3)"),
];

const AGGREGATES: &[Of] = &[
    ("int", "count(*)"), ("int", "count({text})"), ("int", "max({int})"), ("int", "sum({int})"), ("big", "count(DISTINCT {text})"), ("big", "max({big})"),
    ("float", "sum({float})"), ("float", "total({float})"), ("float", "min({float})"), ("wild", "avg({float})"), ("bool", "max({bool})"), ("text", "min({text})"),
    ("text", "group_concat(DISTINCT {text})"), ("date", "max({date})"), ("int", "count(*) FILTER (WHERE {bool})"), ("any", "max({any})"), ("bytes", "min({bytes})"),
];

const WINDOWS: &[Of] = &[
    ("big", "row_number() OVER (ORDER BY {order})"), ("big", "rank() OVER (PARTITION BY {partition} ORDER BY {order})"),
    ("big", "sum({int}) OVER (PARTITION BY {partition} ORDER BY {order})"), ("text", "lag({text}) OVER (ORDER BY {order})"),
    ("int", "first_value({int}) OVER (PARTITION BY {partition} ORDER BY {order} DESC)"), ("float", "sum({float}) OVER (ORDER BY {order} ROWS 2 PRECEDING)"),
    ("float", "max({float}) OVER (ORDER BY {order} ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)"), ("date", "lead({date}, 2) OVER (ORDER BY {order})"),
    ("int", "ntile(3) OVER (ORDER BY {order})"), ("wild", "percent_rank() OVER (ORDER BY {order})"),
];
