//! The statements for each kind of database, and that nothing a table holds can become part of one.

use super::dialect::{
    Class, Identity, Method, class, column, counts_in_ranges, first_in_ranges, from, identity,
    period_start, random_rows, shortened,
};
use super::time::calendar::Period;
use crate::catalog::{ColumnDescription, TableDescription, TableKind};
use crate::engine::Dialect;
use crate::result::Cell;

fn table(kind: TableKind, columns: &[(&str, &str)], key: &[&str]) -> TableDescription {
    let column = |(name, declared): &(&str, &str)| ColumnDescription {
        primary_key: key.contains(name),
        ..ColumnDescription::new(*name, *declared)
    };
    TableDescription {
        schema: Some("s".into()),
        name: "t\"`x".into(),
        kind,
        comment: None,
        columns: columns.iter().map(column).collect(),
        primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
        foreign_keys: Vec::new(),
        unique: Vec::new(),
        indexes: Vec::new(),
        checks: Vec::new(),
        sql: None,
    }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

#[test]
fn types_have_classes() {
    #[track_caller]
    fn check(dialect: Dialect, declared: &str, expected: Class) {
        assert_eq!(class(dialect, declared), expected, "{declared}");
    }
    use Dialect::{Mysql, Postgres, Sqlite};
    check(Sqlite, "INTEGER", Class::Any);
    check(Postgres, "numeric(12,2)", Class::Number);
    check(Postgres, "double precision", Class::Number);
    check(Postgres, "bigint", Class::Number);
    check(Postgres, "integer[]", Class::Other);
    check(Postgres, "timestamp with time zone", Class::Time);
    check(Postgres, "time without time zone", Class::Other);
    check(Postgres, "character varying(20)", Class::Text);
    check(Postgres, "boolean", Class::Truth);
    check(Postgres, "bytea", Class::Bytes);
    check(Postgres, "interval", Class::Other);
    check(Postgres, "", Class::Other);
    check(Mysql, "BIGINT UNSIGNED", Class::Number);
    check(Mysql, "bigint(20) unsigned", Class::Number);
    check(Mysql, "enum('a','b')", Class::Text);
    check(Mysql, "datetime(6)", Class::Time);
    check(Mysql, "longblob", Class::Bytes);
}

#[test]
fn rows_are_found_again_by_what_the_database_has() {
    use Dialect::{Mysql, Postgres, Sqlite};
    let rowid = Some(&Cell::Integer(0));
    let plain = table(TableKind::Table, &[("a", "text")], &[]);
    assert_eq!(identity(Sqlite, &plain, rowid), Identity::Number("t.rowid".into()));
    assert_eq!(identity(Postgres, &plain, None), Identity::Place);
    assert_eq!(identity(Mysql, &plain, None), Identity::None);
    let taken = table(TableKind::Table, &[("ROWID", ""), ("_rowid_", "")], &[]);
    assert_eq!(identity(Sqlite, &taken, rowid), Identity::Number("t.oid".into()));
    let keyed = table(TableKind::Table, &[("a", "int(11)"), ("b", "text")], &["a"]);
    assert_eq!(identity(Mysql, &keyed, None), Identity::Number("t.`a`".into()));
    let unsigned = table(TableKind::Table, &[("a", "bigint unsigned")], &["a"]);
    assert_eq!(identity(Mysql, &unsigned, None), Identity::Columns(vec!["t.`a`".into()]));
    let without = Some(&Cell::Integer(1));
    assert_eq!(identity(Sqlite, &keyed, without), Identity::Columns(vec!["t.\"a\"".into()]));
    for kind in [TableKind::View, TableKind::Virtual, TableKind::Foreign] {
        for dialect in [Sqlite, Postgres, Mysql] {
            assert_eq!(
                identity(dialect, &table(kind, &[("a", "int")], &["a"]), rowid),
                Identity::None
            );
        }
    }
}

#[test]
fn keys_are_numbers_places_or_parameters() {
    let number = Identity::Number("t.id".into());
    let keys: [&[Cell]; 2] = [&[Cell::Integer(i64::MIN)], &[Cell::Integer(7)]];
    let (sql, params) = number.condition(Dialect::Sqlite, &keys).unwrap();
    assert_eq!((sql.as_str(), params.len()), ("t.id IN (-9223372036854775808, 7)", 0));
    assert_eq!(number.condition(Dialect::Sqlite, &[&[text("1) OR (1=1")]]), None);

    let place = [text("16384"), text("(0,1)")];
    let (sql, _) = Identity::Place.condition(Dialect::Postgres, &[&place]).unwrap();
    assert_eq!(
        sql,
        "t.ctid = ANY (ARRAY['(0,1)']::tid[]) AND (t.tableoid::text || t.ctid::text) = ANY (ARRAY['16384(0,1)'])"
    );
    for (part, place) in
        [("1'", "(0,1)"), ("1", "(0,1)'"), ("1", "0,1"), ("", "(0,1)"), ("1", "(,)")]
    {
        assert_eq!(
            Identity::Place.condition(Dialect::Postgres, &[&[text(part), text(place)]]),
            None
        );
    }

    let two = Identity::Columns(vec!["t.`a`".into(), "t.`b`".into()]);
    let key = [text("'; --"), Cell::Integer(1 << 60)];
    let (sql, params) = two.condition(Dialect::Mysql, &[&key, &key]).unwrap();
    assert_eq!(sql, "(t.`a`, t.`b`) IN ((?, ?), (?, ?))");
    assert_eq!(
        params[..2],
        [serde_json::json!("'; --"), serde_json::json!({"integer": "1152921504606846976"})]
    );
    let (sql, _) = two.condition(Dialect::Sqlite, &[&key]).unwrap();
    assert_eq!(sql, "(t.`a`, t.`b`) IN (VALUES (?, ?))");
    let cut = Cell::CutText { text: "a".into(), full_bytes: 9 };
    assert_eq!(two.condition(Dialect::Mysql, &[&[cut, Cell::Null]]), None);
}

#[test]
fn statements_fit_their_dialect() {
    use Dialect::{Mysql, Postgres, Sqlite};
    let subject = table(TableKind::Table, &[("a", "int")], &["a"]);
    assert_eq!(from(Postgres, &subject), "\"s\".\"t\"\"`x\" AS t");
    assert_eq!(from(Mysql, &subject), "`s`.`t\"``x` AS t");
    assert_eq!(column(Sqlite, "we\"ird"), "t.\"we\"\"ird\"");
    assert_eq!(shortened(Postgres, "a", Class::Number, 9), "t.\"a\"");
    assert_eq!(shortened(Postgres, "a", Class::Other, 9), "left(t.\"a\"::text, 10)");
    assert_eq!(shortened(Postgres, "a", Class::Bytes, 9), "substring(t.\"a\" FROM 1 FOR 10)");
    assert_eq!(shortened(Mysql, "a", Class::Text, 9), "LEFT(t.`a`, 10)");
    let (sql, method) = random_rows(Postgres, "x AS t", 0.001, 10_000_000);
    assert_eq!(
        (sql.as_str(), method),
        ("x AS t TABLESAMPLE SYSTEM (0.100000) REPEATABLE (1)", Method::TablesampleSystem)
    );
    let (sql, method) = random_rows(Postgres, "x AS t", 0.1, 100_000);
    assert_eq!(
        (sql.as_str(), method),
        ("x AS t TABLESAMPLE BERNOULLI (10.000000) REPEATABLE (1)", Method::TablesampleBernoulli)
    );
    assert_eq!(random_rows(Mysql, "x AS t", 0.1, 100_000).0, "x AS t WHERE RAND(1) < 0.100000000");
    assert_eq!(
        random_rows(Sqlite, "x AS t", 1e-12, 1).0,
        "x AS t WHERE abs(random() % 1000000) < 1"
    );
    assert_eq!(
        first_in_ranges("x AS t", "t.id", &[(i64::MIN, -5), (0, 9)]),
        "SELECT (SELECT t.id FROM x AS t WHERE t.id >= (-9223372036854775807 - 1) AND t.id <= -5 ORDER BY t.id LIMIT 1) \
         UNION ALL SELECT (SELECT t.id FROM x AS t WHERE t.id >= 0 AND t.id <= 9 ORDER BY t.id LIMIT 1)"
    );
    assert_eq!(
        counts_in_ranges("x AS t", "t.d", 1),
        "SELECT (SELECT count(*) FROM x AS t WHERE t.d >= ? AND t.d < ?)"
    );
    assert_eq!(
        period_start(Postgres, "d", Period::Week, true),
        "to_char(date_trunc('day', t.\"d\" AT TIME ZONE 'UTC'), 'YYYY-MM-DD HH24:MI')"
    );
    assert_eq!(period_start(Mysql, "d", Period::Month, false), "DATE_FORMAT(t.`d`, '%Y-%m-01')");
}
