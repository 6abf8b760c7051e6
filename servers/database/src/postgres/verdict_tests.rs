//! A statement that was allowed is judged anew as soon as its names could mean something else.

use super::Postgres;
use super::scratch::Scratch;
use crate::engine::Engine as _;
use crate::error::DatabaseError;
use crate::request::QueryRequest;

async fn is_refused(database: &Postgres, sql: &str) -> bool {
    match database.query(QueryRequest::new(sql)).await {
        Ok(_) => false,
        Err(DatabaseError::Refused { .. }) => true,
        Err(other) => panic!("{sql}: {other}"),
    }
}

const EVIL: &str = "LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM kept; RETURN 1; END'";

#[tokio::test]
async fn every_change_of_meaning_is_seen_by_the_next_call() {
    let scratch = Scratch::empty().await;
    scratch
        .execute(
            "CREATE TABLE kept(id int, label text); INSERT INTO kept VALUES (1, 'a'); CREATE SCHEMA late; \
             CREATE FUNCTION f(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'; \
             CREATE FUNCTION g(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT f($1)'; \
             CREATE FUNCTION evil_name(name) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'; \
             CREATE VIEW v AS SELECT id FROM kept; CREATE VIEW w AS SELECT id FROM v; \
             CREATE TYPE pair AS (a int, b int); CREATE TABLE pairs(p pair); INSERT INTO pairs VALUES (ROW(1,2)); \
             CREATE DOMAIN small AS int; CREATE DOMAIN held AS int; CREATE TYPE holder AS (a held); CREATE TABLE plain(id int); INSERT INTO plain VALUES (1); \
             CREATE TABLE indexed(id int); CREATE TABLE limited(id int); CREATE TABLE measured(id int, n int); \
             CREATE TABLE parent(id int); CREATE TABLE child() INHERITS (parent); CREATE TABLE elder(id int); \
             CREATE TABLE heir() INHERITS (elder); \
             CREATE FUNCTION touches(int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END'; \
             CREATE FUNCTION claims(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.touches($1); END'",
        )
        .await;
    let database = Postgres::open(scratch.superuser()).unwrap();
    for (sql, change) in [
        // A function is replaced, directly and behind another one.
        ("SELECT f(1)", format!("CREATE OR REPLACE FUNCTION f(int) RETURNS int {EVIL}")),
        ("SELECT g(1)", String::new()),
        // A better match appears, for a function of PostgreSQL itself too.
        ("SELECT length(label::name) FROM kept", format!("CREATE FUNCTION length(name) RETURNS int {EVIL}")),
        // A function is renamed into place.
        (
            "SELECT upper('a'::name)",
            format!("CREATE FUNCTION hidden(name) RETURNS int {EVIL}; ALTER FUNCTION hidden(name) RENAME TO upper"),
        ),
        // A view behind a view changes.
        ("SELECT * FROM w", "CREATE OR REPLACE VIEW v AS SELECT f(id) AS id FROM kept".into()),
        // A cast and an operator appear.
        (
            "SELECT p::text FROM pairs",
            format!("CREATE FUNCTION pair_text(pair) RETURNS text {EVIL}; CREATE CAST (pair AS text) WITH FUNCTION pair_text(pair)"),
        ),
        (
            "SELECT 'a'::name || 'b'::name",
            "CREATE FUNCTION joined(name, name) RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END'; \
             CREATE OPERATOR || (LEFTARG = name, RIGHTARG = name, FUNCTION = joined)"
                .into(),
        ),
        // A check on a domain and a policy on a table appear.
        ("SELECT 1::small", format!("CREATE FUNCTION checks(int) RETURNS int {EVIL}; ALTER DOMAIN small ADD CHECK (checks(VALUE) = 1)")),
        (
            "SELECT * FROM plain",
            "ALTER TABLE plain ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON plain FOR SELECT USING (checks(id) = 1)".into(),
        ),
        // What the planner works out appears: in an index, a check and statistics, also of an heir and of a new one below it.
        ("SELECT * FROM indexed", "CREATE INDEX ON indexed ((id + claims(1)))".into()),
        ("SELECT * FROM limited", "ALTER TABLE limited ADD CHECK (id > claims(1))".into()),
        ("SELECT * FROM measured", "CREATE STATISTICS s ON (id + claims(1)), n FROM measured".into()),
        ("SELECT * FROM parent", "CREATE INDEX ON child (id) WHERE id > claims(1)".into()),
        (
            "SELECT * FROM elder",
            "CREATE TABLE late_heir() INHERITS (heir); CREATE INDEX ON late_heir ((id + claims(1)))".into(),
        ),
        // A text is converted by a domain that gets a check, which runs as soon as the statement is prepared.
        (
            "SELECT '(1)'::holder",
            "ALTER DOMAIN held ADD CHECK (checks(VALUE) IS NOT NULL) NOT VALID".into(),
        ),
        // Arrays get another order.
        (
            "SELECT ARRAY[p] = ARRAY[p] FROM pairs",
            format!(
                "CREATE FUNCTION pair_is(pair, pair) RETURNS boolean {EVIL}; CREATE FUNCTION pair_order(pair, pair) RETURNS int {EVIL}; \
                 CREATE OPERATOR =@= (LEFTARG = pair, RIGHTARG = pair, FUNCTION = pair_is); \
                 CREATE OPERATOR CLASS pair_ops DEFAULT FOR TYPE pair USING btree AS OPERATOR 3 =@=, FUNCTION 1 pair_order(pair, pair)"
            ),
        ),
        // A table turns into a view of the same name.
        ("SELECT id FROM kept", "ALTER TABLE kept RENAME TO moved; CREATE VIEW kept AS SELECT f(id) AS id FROM moved".into()),
        // A column is dropped, and its name becomes that of a function.
        (
            "SELECT m.label FROM moved m",
            format!("ALTER TABLE moved DROP COLUMN label; CREATE FUNCTION label(moved) RETURNS text {EVIL}"),
        ),
    ] {
        if change.is_empty() {
            assert!(is_refused(&database, sql).await, "{sql}");
            continue;
        }
        for _ in 0..2 {
            assert!(!is_refused(&database, sql).await, "before the change: {sql}");
        }
        scratch.execute(&change).await;
        assert!(is_refused(&database, sql).await, "after the change: {sql}");
    }
    database.close().await;
}

#[tokio::test]
async fn what_changed_harmlessly_goes_on() {
    let scratch = Scratch::with_fixture().await;
    let database = Postgres::open(scratch.reader().await).unwrap();
    let sql = "SELECT * FROM users ORDER BY id LIMIT 1";
    let columns = async || database.query(QueryRequest::new(sql)).await.unwrap().columns.len();
    assert_eq!(columns().await, 4);
    assert_eq!(columns().await, 4);
    scratch.execute("ALTER TABLE users ADD COLUMN note text; CREATE INDEX ON users(note)").await;
    assert_eq!(columns().await, 5);
    scratch.execute("ALTER TABLE users ALTER COLUMN note TYPE varchar(10)").await;
    let result = database.query(QueryRequest::new(sql)).await.unwrap();
    assert_eq!(result.columns[4].declared_type.as_deref(), Some("character varying(10)"));
    database.close().await;
}

#[tokio::test]
async fn the_operator_can_vouch_for_functions_and_foreign_tables() {
    let scratch = Scratch::with_fixture().await;
    scratch
        .execute(
            "CREATE FUNCTION counted() RETURNS bigint LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN (SELECT count(*) FROM users); END'; \
             CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw; \
             CREATE FOREIGN TABLE version(v text) SERVER s OPTIONS (filename 'PG_VERSION')",
        )
        .await;
    let strict = Postgres::open(scratch.superuser()).unwrap();
    let mut settings = scratch.superuser();
    settings.allow_functions.insert("public.counted".into());
    settings.allow_foreign_tables = true;
    let lenient = Postgres::open(settings).unwrap();
    for sql in ["SELECT counted()", "SELECT * FROM version"] {
        assert!(is_refused(&strict, sql).await, "{sql}");
        assert!(!is_refused(&lenient, sql).await, "{sql}");
    }
    strict.close().await;
    lenient.close().await;
}
