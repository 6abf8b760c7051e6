//! Keys as text against typed columns, over a real SQLite file and as statements for the other dialects.

use serde_json::json;

use super::*;
use crate::catalog::ColumnDescription;
use crate::names::TableName;
use crate::sqlite::{Database, SqliteSettings};

const FIXTURE: &str = r#"
CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO users VALUES (1, 'one'), (-5, 'minus'), (9007199254740993, 'odd'), (9007199254740992, 'even');
CREATE TABLE texts(code TEXT PRIMARY KEY);
INSERT INTO texts VALUES ('1'), ('01'), (''), ('a,b'), ('1 OR 1=1'), (char(0));
CREATE TABLE nocase(code TEXT COLLATE NOCASE PRIMARY KEY);
INSERT INTO nocase VALUES ('Abc');
CREATE TABLE anything(k PRIMARY KEY);
INSERT INTO anything VALUES (7), ('7'), (8), ('9'), (1.5), (x'00ff'), (NULL), ('0x01');
CREATE TABLE ints(k INT PRIMARY KEY);
INSERT INTO ints VALUES (3), ('three');
CREATE TABLE reals(k REAL PRIMARY KEY);
INSERT INTO reals VALUES (2), (0.1), (1e300);
CREATE TABLE pairs("b""x" TEXT, a INTEGER, v, PRIMARY KEY ("b""x", a)) WITHOUT ROWID;
INSERT INTO pairs VALUES ('SFO', 1, 'first'), ('1', 2, NULL);
CREATE TABLE keyless(a);
CREATE VIEW seen AS SELECT * FROM users;
CREATE VIRTUAL TABLE notes USING fts5(title);
"#;

struct Fixture {
    _directory: tempfile::TempDir,
    engine: Database,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch(FIXTURE).unwrap();
        let engine = Database::open(SqliteSettings::file(path)).unwrap();
        Self { _directory: directory, engine }
    }

    async fn look_up(&self, table: &str, key: &[&str]) -> Result<Lookup, DatabaseError> {
        let table = Engine::describe(&self.engine, &TableName::new(table)).await.unwrap();
        let key: Vec<String> = key.iter().map(|part| (*part).to_owned()).collect();
        by_key(&self.engine, &table, &key).await
    }

    /// What is found, as JSON: the row, `elsewhere` with the key, `nothing`, or the refusal.
    async fn check(&self, table: &str, key: &[&str], expected: serde_json::Value) {
        let found = match self.look_up(table, key).await {
            Ok(Lookup::Found { cells, .. }) => json!(cells),
            Ok(Lookup::Elsewhere { key }) => json!({"elsewhere": key}),
            Ok(Lookup::Nothing) => json!("nothing"),
            Err(error) => json!({"refused": error.to_string()}),
        };
        assert_eq!(found, expected, "{table} {key:?}");
    }
}

#[tokio::test]
async fn keys_are_compared_with_the_type_of_their_column() {
    let rows = Fixture::new();
    rows.check("users", &["1"], json!([1, "one"])).await;
    rows.check("users", &["-5"], json!([-5, "minus"])).await;
    rows.check("users", &["9007199254740993"], json!(["9007199254740993", "odd"])).await;
    rows.check("users", &["9007199254740992"], json!(["9007199254740992", "even"])).await;
    rows.check("users", &["18446744073709551616"], json!("nothing")).await;
    rows.check("texts", &["1"], json!(["1"])).await;
    rows.check("texts", &["01"], json!(["01"])).await;
    rows.check("texts", &[""], json!([""])).await;
    rows.check("texts", &["a,b"], json!(["a,b"])).await;
    rows.check("texts", &["1 OR 1=1"], json!(["1 OR 1=1"])).await;
    rows.check("texts", &["\0"], json!(["\0"])).await;
    rows.check("ints", &["3"], json!([3])).await;
    rows.check("ints", &["three"], json!(["three"])).await;
    rows.check("reals", &["2"], json!([2.0])).await;
    rows.check("reals", &["0.1"], json!([0.1])).await;
    rows.check("reals", &["1e+300"], json!([1e300])).await;
    rows.check("reals", &["1e300"], json!({"elsewhere": ["1e+300"]})).await;
    rows.check("anything", &["8"], json!([8])).await;
    rows.check("anything", &["9"], json!(["9"])).await;
    rows.check("anything", &["1.5"], json!([1.5])).await;
    rows.check("anything", &["0x00ff"], json!([{"base64": "AP8=", "full_bytes": 2}])).await;
    rows.check("anything", &["0x01"], json!(["0x01"])).await;
    rows.check("pairs", &["SFO", "1"], json!(["SFO", 1, "first"])).await;
    rows.check("pairs", &["1", "2"], json!(["1", 2, null])).await;
    rows.check("pairs", &["1", "1"], json!("nothing")).await;
}

#[tokio::test]
async fn a_row_is_given_only_for_its_own_key() {
    let rows = Fixture::new();
    for spelling in ["01", "1.0", "+1", " 1", "1e0", "1 "] {
        rows.check("users", &[spelling], json!({"elsewhere": ["1"]})).await;
    }
    for injected in
        ["1 OR 1=1", "1) OR (1=1", "1; DROP TABLE users", "'1'", "NULL", "id", "*", "0x1"]
    {
        rows.check("users", &[injected], json!("nothing")).await;
        rows.check("pairs", &["SFO", injected], json!("nothing")).await;
    }
    rows.check("nocase", &["Abc"], json!(["Abc"])).await;
    rows.check("nocase", &["abc"], json!({"elsewhere": ["Abc"]})).await;
    rows.check("anything", &["null"], json!("nothing")).await;
    let ambiguous = rows.look_up("anything", &["7"]).await.unwrap_err().to_string();
    assert!(
        ambiguous.contains("several rows whose keys differ only in their types"),
        "{ambiguous}"
    );
}

#[tokio::test]
async fn what_has_no_rows_with_keys_is_refused_with_another_way() {
    let rows = Fixture::new();
    let refused = async |table: &str, key: &[&str], expected: &str| {
        let error = rows.look_up(table, key).await.unwrap_err();
        assert!(matches!(error, DatabaseError::InvalidArgument { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{table}: {error}");
    };
    refused("keyless", &["1"], "has no primary key").await;
    refused("notes", &["1"], "has no primary key").await;
    refused("seen", &["1"], "is a view").await;
    refused("users", &["1", "2"], "has 1 column, \"id\", and 2 were given").await;
    refused("pairs", &["SFO"], "has 2 columns, \"b\\\"x\", \"a\", and 1 was given").await;
    let many = vec!["1"; 5_000];
    refused("users", &many, "and 5000 were given").await;
}

fn table(schema: &str, columns: &[(&str, &str)]) -> TableDescription {
    TableDescription {
        schema: Some(schema.into()),
        name: "t\"`".into(),
        kind: TableKind::Table,
        comment: None,
        columns: columns.iter().map(|(name, of)| ColumnDescription::new(*name, *of)).collect(),
        primary_key: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
        foreign_keys: Vec::new(),
        unique: Vec::new(),
        indexes: Vec::new(),
        checks: Vec::new(),
        sql: None,
    }
}

#[track_caller]
fn bound(dialect: Dialect, declared: &str, text: &str) -> Result<(String, Value), String> {
    let request = statement(dialect, &table("s", &[("k", declared)]), &[text.to_owned()]);
    let request = request.map_err(|error| error.to_string())?;
    let Parameters::Positional(mut values) = request.params else { panic!("named") };
    assert_eq!(values.len(), 1);
    let condition = request.sql.split_once(" WHERE ").unwrap().1.to_owned();
    Ok((condition, values.remove(0)))
}

#[test]
fn network_databases_get_values_that_they_compare_exactly() {
    #[track_caller]
    fn check(dialect: Dialect, declared: &str, text: &str, condition: &str, value: Value) {
        let condition = format!("({condition}) LIMIT 4");
        assert_eq!(bound(dialect, declared, text), Ok((condition, value)), "{declared} {text}");
    }
    use Dialect::{Mysql, Postgres};
    check(Postgres, "bigint", "42", "\"k\" = $1", json!("42"));
    check(Postgres, "uuid", "a'b", "\"k\" = $1", json!("a'b"));
    check(Postgres, "bytea", "0x00ff", "\"k\" = $1", json!("\\x00ff"));
    check(Postgres, "numeric(12,2)", "1.50", "\"k\" = $1", json!("1.50"));
    check(Mysql, "bigint unsigned", "18446744073709551615", "`k` = ?", json!(u64::MAX));
    check(Mysql, "int(11)", "-7", "`k` = ?", json!(-7));
    check(Mysql, "varchar(20)", "7", "`k` = ?", json!("7"));
    check(Mysql, "binary(16)", "0xab", "`k` = ?", json!({"base64": "qw=="}));
    let cast = "`k` = CAST(? AS DECIMAL(65, 30))";
    check(Mysql, "decimal(30,10)", "9007199254740993.5", cast, json!("9007199254740993.5"));
}

#[test]
fn a_key_that_is_no_value_of_its_type_is_refused_before_the_database_guesses() {
    use Dialect::{Mysql, Postgres};
    for (dialect, declared, text, expected) in [
        (Mysql, "int", "1 OR 1=1", "write an integer such as 42"),
        (Mysql, "int", "1abc", "write an integer such as 42"),
        (Mysql, "bigint unsigned", "01", "write an integer such as 42"),
        (Mysql, "bigint", "18446744073709551616", "write an integer such as 42"),
        (Mysql, "decimal(5,2)", "1e3", "write a number such as 1.50"),
        (Mysql, "decimal(5,2)", "", "write a number such as 1.50"),
        (Mysql, "decimal(5,2)", "1 OR 1=1", "write a number such as 1.50"),
        (Mysql, "blob", "abc", "write 0x and hexadecimal digits"),
        (Postgres, "integer", "1 OR 1=1", "write an integer such as 42"),
        (Postgres, "integer", "0x1f", "write an integer such as 42"),
        (Postgres, "bytea", "\\x00", "write 0x and hexadecimal digits"),
        (Postgres, "bytea", "0xABCD", "write 0x and hexadecimal digits"),
        (Postgres, "bytea", "0xabc", "write 0x and hexadecimal digits"),
        (Postgres, "bytea", "0x€0", "write 0x and hexadecimal digits"),
    ] {
        let refused = bound(dialect, declared, text).unwrap_err();
        assert!(refused.contains(expected), "{declared} {text}: {refused}");
    }
}

#[test]
fn names_are_quoted_and_catalogues_refused() {
    let key = ["1".to_owned()];
    let quoted = |dialect| statement(dialect, &table("s.x", &[("k\"`", "int")]), &key).unwrap().sql;
    assert_eq!(
        quoted(Dialect::Postgres),
        "SELECT * FROM \"s.x\".\"t\"\"`\" WHERE (\"k\"\"`\" = $1) LIMIT 4"
    );
    assert_eq!(quoted(Dialect::Mysql), "SELECT * FROM `s.x`.`t\"``` WHERE (`k\"``` = ?) LIMIT 4");
    for (dialect, schema) in [(Dialect::Postgres, "pg_catalog"), (Dialect::Mysql, "mysql")] {
        let refused = statement(dialect, &table(schema, &[("oid", "oid")]), &key).unwrap_err();
        assert!(refused.to_string().contains("the database's own catalogue"), "{refused}");
    }
}
