//! PostgreSQL's grammar and the tables that its queries read.

use crate::grammar::{Grammar, Of};

pub(crate) const GRAMMAR: Grammar = Grammar {
    tables: &["t1", "t2", "t3"],
    columns: COLUMNS,
    literals: LITERALS,
    rules: RULES,
    generic: &[
        "CASE WHEN {bool} THEN {K} ELSE {K} END",
        "CASE WHEN {bool} THEN {K} END",
        "coalesce({K}, {K})",
        "(SELECT {K})",
    ],
    aggregates: AGGREGATES,
    windows: WINDOWS,
    exact: &["bool", "int", "big", "text", "date", "ts", "tstz", "uuid", "bytes", "mood", "ints", "inet"],
    bare: &[],
    set_operations: &["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"],
    joins: &["JOIN", "LEFT JOIN", "RIGHT JOIN"],
    joins_of_queries: &["JOIN", "LEFT JOIN", "RIGHT JOIN"],
    series: "(SELECT generate_series(-1, 3) AS n)",
    side: ("(", ")"),
    order_by: |column| format!("{column}::text COLLATE \"C\" NULLS FIRST"),
    names: &["a", "b", "\"a\"", "\"A b\"", "\"quo\"\"te\"", "\"größe\"", "\"select\""],
};

/// The types of the columns, in the order of [`COLUMNS`].
pub(crate) const TYPES: &str = "b bool, i int, s smallint, l bigint, n numeric(12,2), w numeric, f double precision, \
     wf double precision, r real, x text, v varchar(40), c char(5), d date, t time, tt timetz, ts timestamp, wts timestamp, \
     tz timestamptz, wtz timestamptz, iv interval, u uuid, j json, jb jsonb, \"By te\" bytea, ia int[], ta text[], ir int4range, \
     e mood, cp pair, ip inet, bt bit(4), vb varbit, m money, mac macaddr, pt point, tsv tsvector";

const COLUMNS: &[Of] = &[
    ("bool", "b"), ("int", "i"), ("int", "s"), ("big", "l"), ("num", "n"), ("wide", "w"), ("float", "f"), ("wild", "wf"),
    ("real", "r"), ("text", "x"), ("text", "v"), ("char", "c"), ("date", "d"), ("time", "t"), ("timetz", "tt"), ("ts", "ts"),
    ("wild_ts", "wts"), ("tstz", "tz"), ("wild_tstz", "wtz"), ("iv", "iv"), ("uuid", "u"), ("json", "j"), ("jsonb", "jb"),
    ("bytes", "\"By te\""), ("ints", "ia"), ("texts", "ta"), ("range", "ir"), ("mood", "e"), ("pair", "cp"), ("inet", "ip"),
    ("bits", "bt"), ("varbits", "vb"), ("money", "m"), ("mac", "mac"), ("point", "pt"), ("tsv", "tsv"),
];

/// Also what the tables are filled with.
pub(crate) const LITERALS: &[Of] = &[
    ("bool", "true"), ("bool", "false"), ("bool", "NULL::bool"),
    ("int", "0"), ("int", "1"), ("int", "2"), ("int", "-3"), ("int", "7"), ("int", "42"), ("int", "NULL::int"),
    ("big", "9007199254740991"), ("big", "9007199254740992"), ("big", "-9007199254740993"), ("big", "9223372036854775807"),
    ("big", "(-9223372036854775808)::bigint"), ("big", "5::bigint"), ("big", "NULL::bigint"),
    ("num", "1.50"), ("num", "-0.25"), ("num", "1234567890.12"), ("num", "0.00"), ("num", "NULL::numeric"),
    ("wide", "'NaN'::numeric"), ("wide", "'Infinity'::numeric"), ("wide", "'-Infinity'::numeric"), ("wide", "1e-20"),
    ("wide", "123456789012345678901234567890.123456789"), ("wide", "1.0"), ("wide", "1.00"), ("wide", "1e30"), ("wide", "-0.0"),
    ("float", "0.5::float8"), ("float", "-2.25::float8"), ("float", "1024::float8"), ("float", "0::float8"), ("float", "NULL::float8"),
    ("wild", "'NaN'::float8"), ("wild", "'Infinity'::float8"), ("wild", "'-Infinity'::float8"), ("wild", "'-0'::float8"),
    ("wild", "0.1::float8"), ("wild", "1e308::float8"), ("wild", "5e-324::float8"), ("wild", "1e15::float8"), ("wild", "1e16::float8"),
    ("wild", "123456789.123456789::float8"), ("wild", "1e-5::float8"), ("wild", "(2.0::float8 ^ 53)"),
    ("real", "0.1::real"), ("real", "16777216::real"), ("real", "3.4028235e38::real"), ("real", "'NaN'::real"), ("real", "1e-45::real"),
    ("real", "1e6::real"), ("real", "1234567::real"),
    ("text", "''"), ("text", "'NULL'"), ("text", "'a'"), ("text", "'A b'"), ("text", "'it''s; -- \"x\"'"), ("text", "'é∑😀'"),
    ("text", "E'a\\tb\\nc'"), ("text", "'\\x41'"), ("text", "'9007199254740993'"), ("text", "' a,b '"), ("text", "'`|`'"),
    ("text", "E'\\r\\n'"), ("text", "NULL::text"),
    ("char", "'ab'::char(5)"), ("char", "''::char(5)"), ("char", "'abcde'::char(5)"), ("char", "NULL::char(5)"),
    ("date", "'2024-02-29'::date"), ("date", "'1999-12-31'::date"), ("date", "'0001-01-01'::date"), ("date", "NULL::date"),
    ("time", "'23:59:59.999999'::time"), ("time", "'00:00'::time"), ("time", "'24:00'::time"), ("time", "NULL::time"),
    ("timetz", "'12:00:00.5+05:45'::timetz"), ("timetz", "'00:00-12'::timetz"), ("timetz", "NULL::timetz"),
    ("ts", "'2024-02-29 12:34:56.789'::timestamp"), ("ts", "'1970-01-01'::timestamp"), ("ts", "NULL::timestamp"),
    ("wild_ts", "'infinity'::timestamp"), ("wild_ts", "'-infinity'::timestamp"), ("wild_ts", "'4713-01-01 00:00:00 BC'::timestamp"),
    ("wild_ts", "'294276-12-31 23:59:59.999999'::timestamp"), ("wild_ts", "NULL::timestamp"),
    ("tstz", "'2024-07-01 12:00:00.000001+02'::timestamptz"), ("tstz", "'2024-03-31 01:30:00Z'::timestamptz"),
    ("tstz", "'2000-01-01 00:00:00-08'::timestamptz"), ("tstz", "NULL::timestamptz"),
    ("wild_tstz", "'infinity'::timestamptz"), ("wild_tstz", "'-infinity'::timestamptz"), ("wild_tstz", "'1850-01-01 00:00Z'::timestamptz"),
    ("wild_tstz", "'0044-03-15 12:00Z BC'::timestamptz"),
    ("iv", "'1 year 2 mons -3 days 04:05:06.789'::interval"), ("iv", "'-1 mons'::interval"), ("iv", "'0'::interval"),
    ("iv", "'-00:00:00.000001'::interval"), ("iv", "'100000 hours'::interval"), ("iv", "NULL::interval"),
    ("uuid", "'00000000-0000-0000-0000-000000000000'::uuid"), ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid"), ("uuid", "NULL::uuid"),
    ("json", "'{\"b\" : 1,  \"a\": [1.00, null], \"b\": \"é\"}'::json"), ("json", "'null'::json"), ("json", "'\"x\"'::json"), ("json", "NULL::json"),
    ("jsonb", "'{\"k\": 1, \"n\": {\"a\": [1, 2.50, \"x\\\"y\"]}}'::jsonb"), ("jsonb", "'[1e2, 12345678901234567890.1]'::jsonb"),
    ("jsonb", "'null'::jsonb"), ("jsonb", "'{}'::jsonb"), ("jsonb", "NULL::jsonb"),
    ("bytes", "'\\x00ff10'::bytea"), ("bytes", "''::bytea"), ("bytes", "'\\x5c78'::bytea"), ("bytes", "NULL::bytea"),
    ("ints", "'{1,NULL,-3}'::int[]"), ("ints", "'{}'::int[]"), ("ints", "'[0:1]={7,8}'::int[]"), ("ints", "'{{1,2},{3,4}}'::int[]"), ("ints", "NULL::int[]"),
    ("texts", "array['a,b', 'c\"d', '', NULL, 'NULL', '\\x', '{}']"), ("texts", "'{}'::text[]"), ("texts", "NULL::text[]"),
    ("range", "'[1,5)'::int4range"), ("range", "'(,3]'::int4range"), ("range", "'empty'::int4range"), ("range", "NULL::int4range"),
    ("mood", "'ok'::mood"), ("mood", "'so, so'::mood"), ("mood", "NULL::mood"),
    ("pair", "row(1, 'a,\"b\"')::pair"), ("pair", "row(NULL, NULL)::pair"), ("pair", "row(2, '')::pair"), ("pair", "NULL::pair"),
    ("inet", "'10.1.2.3/8'::inet"), ("inet", "'::1'::inet"), ("inet", "'192.168.0.1'::inet"), ("inet", "NULL::inet"),
    ("bits", "B'1010'"), ("bits", "B'0000'"), ("bits", "NULL::bit(4)"), ("varbits", "B'1'::varbit"), ("varbits", "B''::varbit"), ("varbits", "NULL::varbit"),
    ("money", "'-1234.56'::money"), ("money", "'0'::money"), ("mac", "'08:00:2b:01:02:03'::macaddr"), ("mac", "NULL::macaddr"),
    ("point", "'(1.5,-0.1)'::point"), ("point", "NULL::point"), ("tsv", "'fat:1A cat:2,3 ''it''''s''':: tsvector"), ("tsv", "''::tsvector"),
];

const RULES: &[Of] = &[
    ("bool", "({int} < {int})"), ("bool", "({text} = {text})"), ("bool", "({num} >= {float})"), ("bool", "({date} <= {date})"),
    ("bool", "({bool} AND {bool})"), ("bool", "({bool} OR {bool})"), ("bool", "(NOT {bool})"), ("bool", "({bool} IS NOT TRUE)"),
    ("bool", "({text} IS NULL)"), ("bool", "({int} BETWEEN {int} AND {int})"), ("bool", "({int} IN ({int}, {int}, 1))"),
    ("bool", "({text} LIKE '%a%')"), ("bool", "({text} ~ '^[a-z]')"), ("bool", "({wide} <> {num})"), ("bool", "({wild} < {float})"),
    ("bool", "({int} IS DISTINCT FROM {int})"), ("bool", "{exists}"), ("bool", "({int} IN {list:int})"), ("bool", "({int} = ANY ({ints}))"),
    ("bool", "({jsonb} @> {jsonb})"), ("bool", "({jsonb} ? 'k')"), ("bool", "({range} @> {int})"), ("bool", "({range} && {range})"),
    ("bool", "({inet} << '10.0.0.0/8'::inet)"), ("bool", "({mood} < {mood})"), ("bool", "({wild_tstz} < {tstz})"), ("bool", "starts_with({text}, 'a')"),
    ("int", "({int} + {int})"), ("int", "({int} - {int})"), ("int", "({int} * 2)"), ("int", "abs({int})"), ("int", "length({text})"),
    ("int", "({int} / nullif({int}, 0))"), ("int", "mod({int}, 7)"), ("int", "greatest({int}, {int})"), ("int", "coalesce(array_length({ints}, 1), -1)"),
    ("int", "{scalar:int}"), ("int", "extract(year FROM {date})::int"), ("int", "octet_length({bytes})"), ("int", "({date} - {date})"),
    ("int", "position('a' in {text})"), ("int", "jsonb_array_length('[1,2]'::jsonb)"), ("int", "cardinality({texts})"), ("int", "({bool})::int"),
    ("big", "({int}::bigint * 3000000000)"), ("big", "least({big}, {big})"), ("big", "(SELECT count(*) FROM t2)"), ("big", "(({int} + 50)::bigint << 40)"),
    ("num", "({num} + {num})"), ("num", "({num} * 2)"), ("num", "round({num}, 1)"), ("num", "({num} / 3)"), ("num", "abs({num})"), ("num", "{int}::numeric(8,3)"),
    ("wide", "({wide} + 1)"), ("wide", "(- {wide})"), ("wide", "({big}::numeric * {big}::numeric)"), ("wide", "trunc({wide}, 2)"), ("wide", "(1 / 7::numeric)"),
    ("float", "({float} + {float})"), ("float", "({float} * 2)"), ("float", "(- {float})"), ("float", "abs({float})"), ("float", "{int}::float8"),
    ("wild", "(- {wild})"), ("wild", "({wild} / 3)"), ("wild", "sqrt(abs({wild}))"), ("wild", "{real}::float8"), ("wild", "{num}::float8"),
    ("real", "{float}::real"), ("real", "(- {real})"),
    ("text", "({text} || {text})"), ("text", "upper({text})"), ("text", "substr({text}, 2, 3)"), ("text", "replace({text}, 'a', {text})"), ("text", "{int}::text"),
    ("text", "{jsonb} ->> 'k'"), ("text", "{iv}::text"), ("text", "to_char({ts}, 'YYYY-MM-DD HH24:MI:SS.US')"), ("text", "quote_nullable({text})"),
    ("text", "concat({text}, {int}, {bool})"), ("text", "encode({bytes}, 'base64')"), ("text", "md5({text})"), ("text", "pg_typeof({int})::text"),
    ("text", "format('%s-%L', {int}, {text})"), ("text", "reverse({text})"), ("text", "array_to_string({texts}, ',', '*')"), ("text", "left({text}, -1)"),
    ("date", "({date} + {int})"), ("date", "date_trunc('month', {ts})::date"), ("date", "make_date(2000 + mod(abs({int}), 50), 2, 3)"),
    ("ts", "({ts} + {iv})"), ("ts", "date_trunc('hour', {ts})"), ("ts", "({tstz} AT TIME ZONE 'America/New_York')"),
    ("tstz", "({ts} AT TIME ZONE 'UTC')"), ("tstz", "({tstz} - {iv})"), ("wild_ts", "({date} + {time})"),
    ("iv", "({ts} - {ts})"), ("iv", "({iv} * 2)"), ("iv", "age({ts}, {ts})"), ("iv", "justify_hours({iv})"), ("time", "{ts}::time"),
    ("jsonb", "jsonb_build_object('a', {num}, 'b', {text})"), ("jsonb", "to_jsonb({ints})"), ("jsonb", "({jsonb} -> 'n')"), ("jsonb", "({jsonb} || jsonb_build_object('z', 1))"),
    ("json", "json_build_array({int}, {text}, {bool})"), ("json", "to_json({text})"), ("json", "row_to_json({pair})"),
    ("bytes", "({bytes} || {bytes})"), ("bytes", "convert_to({text}, 'UTF8')"), ("bytes", "sha256({bytes})"),
    ("ints", "({ints} || {int})"), ("ints", "array[{int}, {int}]"), ("ints", "array_remove(array[{int}, 1, {int}], 1)"),
    ("texts", "array[{text}, {text}]"), ("texts", "string_to_array({text}, 'a')"), ("range", "int4range({int=a}, {int=a} + 2)"), ("range", "({range} * {range})"),
    ("inet", "set_masklen({inet}, 24)"), ("inet", "network({inet})::inet"), ("bits", "(~ {bits})"), ("varbits", "({varbits} || B'01')"), ("money", "({money} * 2)"),
    ("uuid", "md5({text})::uuid"), ("pair", "row({int}, {text})::pair"), ("tsv", "to_tsvector('simple', {text})"), ("point", "({point} + point '(1,1)')"),
];

const AGGREGATES: &[Of] = &[
    ("int", "count(*)::int"), ("int", "count({text})::int"), ("int", "max({int})"), ("int", "sum({int})::int"), ("big", "count(DISTINCT {text})"),
    ("big", "max({big})"), ("big", "sum({int})"), ("num", "sum({num})"), ("num", "round(avg({num}), 4)"), ("wide", "sum({big})"), ("wide", "avg({int})"),
    ("float", "sum({float})"), ("float", "min({float})"), ("wild", "avg({float})"), ("bool", "bool_and({bool})"), ("bool", "bool_or({bool})"),
    ("text", "min({text})"), ("text", "string_agg({text=a}, '|' ORDER BY {text=a})"), ("date", "max({date})"), ("ts", "min({ts})"), ("tstz", "max({tstz})"),
    ("ints", "array_agg({int=a} ORDER BY {int=a})"), ("texts", "array_agg(DISTINCT {text})"), ("jsonb", "jsonb_agg({int=a} ORDER BY {int=a})"),
    ("mood", "max({mood})"), ("inet", "min({inet})"), ("iv", "sum({iv})"), ("int", "(count(*) FILTER (WHERE {bool}))::int"),
    ("float", "percentile_cont(0.5) WITHIN GROUP (ORDER BY {float})"), ("int", "mode() WITHIN GROUP (ORDER BY {int})"), ("bits", "bit_or({bits})"),
];

const WINDOWS: &[Of] = &[
    ("big", "row_number() OVER (ORDER BY {order})"), ("big", "rank() OVER (PARTITION BY {partition} ORDER BY {order})"),
    ("big", "sum({int}) OVER (PARTITION BY {partition} ORDER BY {order})"), ("text", "lag({text}) OVER (ORDER BY {order})"),
    ("int", "first_value({int}) OVER (PARTITION BY {partition} ORDER BY {order} DESC)"), ("num", "sum({num}) OVER (ORDER BY {order} ROWS 2 PRECEDING)"),
    ("float", "max({float}) OVER (ORDER BY {order} ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)"), ("date", "lead({date}, 2) OVER (ORDER BY {order})"),
    ("int", "ntile(3) OVER (ORDER BY {order})"), ("wild", "percent_rank() OVER (ORDER BY {order})"), ("ints", "array_agg({int}) OVER (ORDER BY {order} ROWS 1 PRECEDING)"),
];
