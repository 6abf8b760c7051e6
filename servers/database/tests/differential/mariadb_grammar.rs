//! MariaDB's grammar and the tables that its queries read.
//!
//! A subquery in brackets that only names columns of the query around it is left out: 10.11 loses them when it prepares a statement.
//! All text has one collation that tells apart whatever looks different. Single floats have six digits at most, since the
//! client writes no more of them.

use crate::grammar::{Grammar, Of};

pub(crate) const GRAMMAR: Grammar = Grammar {
    tables: &["t1", "t2", "t3"],
    columns: COLUMNS,
    literals: LITERALS,
    rules: RULES,
    generic: &["CASE WHEN {bool} THEN {K} ELSE {K} END", "if({bool}, {K}, {K})", "coalesce({K}, {K})"],
    aggregates: AGGREGATES,
    windows: WINDOWS,
    exact: &["bool", "int", "big", "text", "date", "datetime", "bytes"],
    bare: &["bit"],
    set_operations: &["UNION", "UNION ALL", "INTERSECT", "EXCEPT"],
    joins: &["JOIN", "LEFT JOIN", "RIGHT JOIN"],
    joins_of_queries: &["JOIN", "LEFT JOIN", "RIGHT JOIN"],
    series: "(SELECT -1 AS n UNION ALL SELECT 0 UNION ALL SELECT 2)",
    side: ("(", ")"),
    order_by: |column| format!("left(hex(concat({column})), 500)"),
    names: &["a", "b", "`a`", "`A b`", "`quo``te`", "`größe`", "`select`"],
};

/// The types of the columns, in the order of [`COLUMNS`].
pub(crate) const TYPES: &str = "b BOOLEAN, i INT, s SMALLINT, l BIGINT, ul BIGINT UNSIGNED, n DECIMAL(12,2), w DECIMAL(65,30), f DOUBLE, wf DOUBLE, \
     r FLOAT, x TEXT, v VARCHAR(40), c CHAR(5), d DATE, t TIME, t6 TIME(6), dt DATETIME, dt6 DATETIME(6), ts TIMESTAMP(3) NULL, y YEAR, \
     by_ VARBINARY(20), bl BLOB, j JSON, e ENUM('sad','so, so','ok'), st SET('a','b','c'), bt BIT(12), u UUID, ip INET6";

const COLUMNS: &[Of] = &[
    ("bool", "b"), ("int", "i"), ("int", "s"), ("big", "l"), ("unsigned", "ul"), ("num", "n"), ("wide", "w"), ("float", "f"), ("wild", "wf"), ("single", "r"),
    ("text", "x"), ("text", "v"), ("text", "c"), ("date", "d"), ("time", "t"), ("time6", "t6"), ("datetime", "dt"), ("datetime6", "dt6"), ("stamp", "ts"), ("year", "y"),
    ("bytes", "by_"), ("bytes", "bl"), ("json", "j"), ("enum", "e"), ("set", "st"), ("bit", "bt"), ("uuid", "u"), ("inet", "ip"),
];

/// Also what the tables are filled with.
pub(crate) const LITERALS: &[Of] = &[
    ("bool", "true"), ("bool", "false"), ("bool", "CAST(NULL AS SIGNED)"), ("int", "0"), ("int", "1"), ("int", "2"), ("int", "-3"), ("int", "7"), ("int", "42"), ("int", "CAST(NULL AS SIGNED)"),
    ("big", "9007199254740991"), ("big", "9007199254740992"), ("big", "-9007199254740993"), ("big", "9223372036854775807"), ("big", "-9223372036854775808"),
    ("big", "5"), ("big", "CAST(NULL AS SIGNED)"), ("unsigned", "18446744073709551615"), ("unsigned", "CAST(9007199254740993 AS UNSIGNED)"), ("unsigned", "CAST(0 AS UNSIGNED)"),
    ("num", "1.50"), ("num", "-0.25"), ("num", "1234567890.12"), ("num", "0.00"), ("num", "CAST(NULL AS DECIMAL(12,2))"),
    ("wide", "CAST('12345678901234567890123456789012345.123456789012345678901234567890' AS DECIMAL(65,30))"), ("wide", "CAST(1e-30 AS DECIMAL(65,30))"), ("wide", "CAST(-1 AS DECIMAL(65,30))"),
    ("float", "0.5e0"), ("float", "-2.25e0"), ("float", "1024e0"), ("float", "0e0"), ("float", "CAST(NULL AS DOUBLE)"),
    ("wild", "0.1e0"), ("wild", "1e308"), ("wild", "5e-324"), ("wild", "-1e15"), ("wild", "1e16"), ("wild", "123456789.12345679e0"), ("wild", "1e-5"), ("wild", "9007199254740993e0"),
    ("single", "CAST(0.1 AS FLOAT)"), ("single", "CAST(123456 AS FLOAT)"), ("single", "CAST(1e30 AS FLOAT)"), ("single", "CAST(1.5e-30 AS FLOAT)"), ("single", "CAST(-7 AS FLOAT)"),
    ("text", "(_utf8mb4'' COLLATE utf8mb4_nopad_bin)"), ("text", "(_utf8mb4'NULL' COLLATE utf8mb4_nopad_bin)"), ("text", "(_utf8mb4'a' COLLATE utf8mb4_nopad_bin)"),
    ("text", "(_utf8mb4'A b' COLLATE utf8mb4_nopad_bin)"), ("text", "(_utf8mb4'<&>' COLLATE utf8mb4_nopad_bin)"), ("text", "(_utf8mb4'é∑😀' COLLATE utf8mb4_nopad_bin)"),
    ("text", "(_utf8mb4'a\\tb\\r\\n' COLLATE utf8mb4_nopad_bin)"), ("text", "(_utf8mb4'0x41' COLLATE utf8mb4_nopad_bin)"), ("text", "(_utf8mb4'\"\\'\\\\' COLLATE utf8mb4_nopad_bin)"),
    ("text", "(CAST(NULL AS CHAR) COLLATE utf8mb4_nopad_bin)"),
    ("date", "DATE'2024-02-29'"), ("date", "DATE'1999-12-31'"), ("date", "DATE'0001-01-01'"), ("date", "CAST(NULL AS DATE)"),
    ("time", "TIME'23:59:59'"), ("time", "TIME'-838:59:59'"), ("time", "TIME'100:00:01'"), ("time6", "TIME'00:00:00.000001'"), ("time6", "TIME'-12:34:56.500000'"), ("time6", "CAST(NULL AS TIME(6))"),
    ("datetime", "TIMESTAMP'2024-02-29 12:34:56'"), ("datetime", "TIMESTAMP'1000-01-01 00:00:00'"), ("datetime", "CAST(NULL AS DATETIME)"),
    ("datetime6", "TIMESTAMP'2024-02-29 12:34:56.789012'"), ("datetime6", "TIMESTAMP'9999-12-31 23:59:59.999999'"), ("datetime6", "TIMESTAMP'2024-01-01 00:00:00.000000'"),
    ("stamp", "CAST('2024-07-01 12:00:00.001' AS DATETIME(3))"), ("stamp", "CAST('1970-01-02 00:00:00.000' AS DATETIME(3))"),
    ("year", "CAST(2024 AS INT)"), ("year", "1901"), ("year", "NULL"), ("bytes", "x'00FF10'"), ("bytes", "x''"), ("bytes", "x'4E554C4C'"), ("bytes", "CAST(NULL AS BINARY)"),
    ("json", "'{\"b\" : 1,  \"a\": [1.00, null], \"k\": \"é\"}'"), ("json", "'[]'"), ("json", "'\"s\"'"), ("json", "NULL"),
    ("enum", "'ok'"), ("enum", "'so, so'"), ("enum", "NULL"), ("set", "'a,c'"), ("set", "''"), ("bit", "b'101'"), ("bit", "b'111111111111'"), ("bit", "NULL"),
    ("uuid", "CAST('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' AS UUID)"), ("uuid", "CAST(NULL AS UUID)"), ("inet", "CAST('::1' AS INET6)"), ("inet", "CAST('::ffff:10.1.2.3' AS INET6)"), ("inet", "CAST(NULL AS INET6)"),
];

const RULES: &[Of] = &[
    ("bool", "({int} < {int})"), ("bool", "({text} = {text})"), ("bool", "({num} >= {float})"), ("bool", "({date} <= {date})"), ("bool", "({bool} AND {bool})"), ("bool", "({bool} OR {bool})"),
    ("bool", "(NOT {bool})"), ("bool", "({bool} IS NOT TRUE)"), ("bool", "({text} IS NULL)"), ("bool", "({int} BETWEEN {int} AND {int})"), ("bool", "({int} IN ({int}, {int}, 1))"),
    ("bool", "({text} LIKE '%a%')"), ("bool", "({text} REGEXP '^[a-z]')"), ("bool", "({int} <=> {int})"), ("bool", "{exists}"), ("bool", "({int} IN {list:int})"), ("bool", "({bytes} = {bytes})"),
    ("int", "({int} + {int})"), ("int", "({int} - {int})"), ("int", "({int} * 2)"), ("int", "abs({int})"), ("int", "char_length({text})"), ("int", "({int} DIV {int})"), ("int", "({int} % 7)"),
    ("int", "greatest({int}, {int})"), ("int", "{scalar:int}"), ("int", "year({date})"), ("int", "length({bytes})"), ("int", "locate('a', {text})"), ("int", "datediff({date}, {date})"), ("int", "json_length({json})"),
    ("big", "({int} * 3000000000)"), ("big", "least({big}, {big})"), ("big", "(SELECT count(*) FROM t2)"), ("unsigned", "({int} & 255)"), ("unsigned", "bit_count({big})"), ("unsigned", "(~ {big})"),
    ("num", "({num} + {num})"), ("num", "({num} * 2)"), ("num", "round({num}, 1)"), ("num", "round({num} / 4, 2)"), ("num", "abs({num})"), ("wide", "({wide} + 1)"), ("wide", "(- {wide})"), ("wide", "({int} / 4)"),
    ("float", "({float} + {float})"), ("float", "({float} * 2)"), ("float", "(- {float})"), ("float", "abs({float})"), ("wild", "(- {wild})"), ("wild", "sqrt(abs({wild}))"), ("wild", "({wild} / 3)"),
    ("text", "concat({text}, {text})"), ("text", "upper({text})"), ("text", "substr({text}, 2, 3)"), ("text", "replace({text}, 'a', {text})"), ("text", "(CAST({int} AS CHAR) COLLATE utf8mb4_nopad_bin)"),
    ("text", "(hex({bytes}) COLLATE utf8mb4_nopad_bin)"), ("text", "reverse({text})"), ("text", "lpad({text}, 6, 'é')"), ("text", "quote({text})"),
    ("date", "date_add({date}, INTERVAL {int} DAY)"), ("date", "last_day({date})"), ("datetime", "date_add({datetime}, INTERVAL 90 MINUTE)"), ("datetime6", "({datetime6} + INTERVAL 1 MICROSECOND)"),
    ("time", "timediff({datetime}, {datetime})"), ("time", "sec_to_time({int})"), ("bytes", "concat({bytes}, {bytes})"), ("bytes", "unhex(hex({text}))"),
    ("json", "json_array({int}, {text})"), ("json", "json_object('a', {num}, 'b', {text})"), ("json", "json_extract({json}, '$.a')"), ("inet", "CAST('fe80::1' AS INET6)"),
];

const AGGREGATES: &[Of] = &[
    ("int", "count(*)"), ("int", "count({text})"), ("int", "max({int})"), ("num", "sum({int})"), ("big", "count(DISTINCT {text})"), ("big", "max({big})"), ("num", "sum({num})"), ("num", "round(avg({num}), 3)"),
    ("wide", "sum({big})"), ("float", "sum({float})"), ("float", "min({float})"), ("bool", "max({bool})"), ("text", "min({text})"), ("text", "group_concat({text=a} ORDER BY {text=a} SEPARATOR '|')"),
    ("date", "max({date})"), ("datetime", "min({datetime})"), ("unsigned", "bit_or({int})"), ("bytes", "max({bytes})"),
];

const WINDOWS: &[Of] = &[
    ("big", "row_number() OVER (ORDER BY {order})"), ("big", "rank() OVER (PARTITION BY {partition} ORDER BY {order})"), ("num", "sum({int}) OVER (PARTITION BY {partition} ORDER BY {order})"),
    ("text", "lag({text}) OVER (ORDER BY {order})"), ("int", "first_value({int}) OVER (PARTITION BY {partition} ORDER BY {order} DESC)"), ("num", "sum({num}) OVER (ORDER BY {order} ROWS 2 PRECEDING)"),
    ("float", "max({float}) OVER (ORDER BY {order} ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)"), ("date", "lead({date}, 2) OVER (ORDER BY {order})"), ("int", "ntile(3) OVER (ORDER BY {order})"),
];
