//! Changes on a real server: looked at without a trace, and made only as they were looked at, by roles that may.

use super::Postgres;
use super::scratch::Scratch;
use super::settings::PostgresSettings;
use crate::engine::Engine as _;
use crate::error::{DatabaseError, ErrorKind};
use crate::request::{Parameters, QueryRequest};
use crate::write::{MAX_STATEMENT_BYTES, WriteRequest};
use crate::write_testing::{preview, touched, write};

/// All that a change could reach: rows with their versions, the catalogue, roles, locks, files and settings.
pub(super) const DIGEST: &str = "SELECT md5(string_agg(x, E'\n' ORDER BY x)) FROM ( \
     SELECT 'users' || u::text || u.xmin || u.ctid AS x FROM users u UNION ALL SELECT 'orders' || o::text || o.xmin FROM orders o \
     UNION ALL SELECT 'people' || p::text || p.xmin FROM people p UNION ALL SELECT 'parted' || p::text || p.xmin FROM parted p \
     UNION ALL SELECT 'audit' || a::text || a.xmin FROM audit a UNION ALL SELECT 'due' || d::text || d.xmin FROM due d \
     UNION ALL SELECT 'class' || c.oid || c.relname || c.relkind::text || coalesce(c.relacl::text, '') FROM pg_class c \
       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_(toast_)?temp_' \
     UNION ALL SELECT 'proc' || p.oid || p.proname || p.prosrc FROM pg_proc p WHERE p.oid >= 16384 \
     UNION ALL SELECT 'role' || a.rolname || a.rolsuper || coalesce(a.rolpassword, '') FROM pg_authid a WHERE a.rolname IN ('postgres', 'r' || current_database()) \
     UNION ALL SELECT 'large' || l.oid FROM pg_largeobject_metadata l \
     UNION ALL SELECT 'lock' || l.objid FROM pg_locks l WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
     UNION ALL SELECT 'file' || f FROM pg_ls_dir('.') f WHERE f !~ '^postmaster') d";

const FIXTURE: &str = "CREATE TABLE audit(id int, what text); \
     CREATE TABLE parted(id int PRIMARY KEY, v text) PARTITION BY RANGE (id); \
     CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (100); INSERT INTO parted VALUES (1, 'a'), (2, 'b'); \
     CREATE VIEW named AS SELECT id, name FROM users; \
     CREATE TABLE due(id int PRIMARY KEY, user_id int REFERENCES users DEFERRABLE INITIALLY DEFERRED, CHECK (id > 0)); \
     INSERT INTO due VALUES (1, 1); \
     CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO audit VALUES (coalesce(NEW.id, OLD.id), TG_OP); RETURN NULL; END'; \
     CREATE TRIGGER noted AFTER UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION note(); \
     CREATE TABLE ruled(id int); CREATE RULE other AS ON DELETE TO ruled DO INSTEAD DELETE FROM people; \
     CREATE TABLE guarded(id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; \
     CREATE POLICY evil ON guarded FOR ALL USING (purge_users() = 1) WITH CHECK (true); \
     CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw; \
     CREATE FOREIGN TABLE abroad(id int, v text) SERVER s OPTIONS (filename 'PG_VERSION'); \
     CREATE TABLE mixed(id int, v text) PARTITION BY RANGE (id); CREATE TABLE mixed_here PARTITION OF mixed FOR VALUES FROM (0) TO (10); \
     CREATE FOREIGN TABLE mixed_abroad PARTITION OF mixed FOR VALUES FROM (10) TO (20) SERVER s OPTIONS (filename 'PG_VERSION')";

pub(super) async fn scratch() -> Scratch {
    let scratch = Scratch::with_fixture().await;
    scratch.execute(FIXTURE).await;
    scratch
}

pub(super) fn open(mut settings: PostgresSettings) -> Postgres {
    settings.writes = true;
    Postgres::open(settings).unwrap()
}

pub(super) async fn until_idle(database: &Postgres) {
    while database.pool_stats().in_use > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_preview_counts_and_changes_nothing() {
    let scratch = scratch().await;
    let database = open(scratch.superuser());
    let before = scratch.value(DIGEST).await;
    for (sql, rows) in [
        ("UPDATE users SET name = upper(name) WHERE id <= 3", 3),
        ("DELETE FROM users WHERE id > 1", 19),
        ("DELETE FROM ONLY people p USING users u WHERE u.id = p.id;", 2),
        (
            "INSERT INTO orders(user_id, total) SELECT id, 1.5 FROM users WHERE id < 5 -- and so on",
            4,
        ),
        (
            "INSERT INTO orders(user_id, total, created_at) VALUES (1, DEFAULT, now()), (2, 3, '2024-01-01')",
            2,
        ),
        ("INSERT INTO parted VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = excluded.v", 1),
        ("INSERT INTO parted VALUES (1, 'x') ON CONFLICT DO NOTHING", 0),
        (
            "WITH few AS (SELECT id FROM users LIMIT 2) UPDATE orders SET total = 0 FROM few WHERE user_id = few.id",
            20,
        ),
        ("UPDATE parted_low SET (id, v) = (SELECT 50, 'y') WHERE id = 1", 1),
        ("UPDATE users SET created_at = DEFAULT WHERE id = 1", 1),
        ("UPDATE orders SET meta['k'] = '2' WHERE id = 1", 1),
        ("DELETE FROM users WHERE id = 99", 0),
    ] {
        assert_eq!(preview(&database, sql).await, Ok(touched(rows)), "{sql}");
        until_idle(&database).await;
        assert_eq!(scratch.value(DIGEST).await, before, "{sql}");
    }
    database.close().await;
}

#[tokio::test]
async fn a_write_is_committed_only_as_it_was_previewed() {
    let scratch = scratch().await;
    let database = open(scratch.superuser());
    let sql = "DELETE FROM people WHERE id > 0";
    assert_eq!(preview(&database, sql).await, Ok(touched(2)));
    scratch.execute("INSERT INTO people VALUES (3, 'x')").await;
    let before = scratch.value(DIGEST).await;
    let changed = write(&database, sql, 2).await;
    assert_eq!(changed, Err(DatabaseError::Changed { expected: touched(2), found: touched(3) }));
    assert_eq!(scratch.value(DIGEST).await, before);
    assert_eq!(write(&database, sql, 3).await, Ok(touched(3)));
    assert_eq!(scratch.value("SELECT count(*) FROM people").await, "0");
    // Triggers and references of the owner run with it.
    assert_eq!(write(&database, "DELETE FROM users WHERE id = 7", 1).await, Ok(touched(1)));
    assert_eq!(scratch.value("SELECT string_agg(a::text, ' ') FROM audit a").await, "(7,DELETE)");
    assert_eq!(scratch.value("SELECT count(*) FROM orders WHERE user_id = 7").await, "0");
    // The session is as good as new: it reads, and only reads.
    let read = database.query(QueryRequest::new("SELECT current_setting('transaction_read_only')"));
    assert_eq!(serde_json::to_string(&read.await.unwrap().rows).unwrap(), "[[\"on\"]]");
    database.close().await;
}

#[tokio::test]
async fn written_values_are_bound_and_never_become_sql() {
    let scratch = scratch().await;
    let database = open(scratch.superuser());
    let hostile = "'); DROP TABLE users; --";
    let request = WriteRequest {
        sql: "UPDATE users SET name = $1 WHERE id = $2".into(),
        params: Parameters::Positional(vec![hostile.into(), 1.into()]),
        timeout: None,
    };
    let writer = database.writer().unwrap();
    assert_eq!(writer.write(&request, touched(1)).await, Ok(touched(1)));
    assert_eq!(scratch.value("SELECT name FROM users WHERE id = 1").await, hostile);
    let missing = WriteRequest { params: Parameters::default(), ..request };
    assert!(matches!(writer.preview(&missing).await, Err(DatabaseError::InvalidArgument { .. })));
    let long = format!("DELETE FROM users WHERE name = '{}'", "x".repeat(MAX_STATEMENT_BYTES));
    assert!(matches!(preview(&database, &long).await, Err(DatabaseError::TooLarge { .. })));
    database.close().await;
}

#[tokio::test]
async fn a_write_that_breaks_a_constraint_leaves_nothing_even_if_it_is_deferred() {
    let scratch = scratch().await;
    let database = open(scratch.superuser());
    let before = scratch.value(DIGEST).await;
    for (sql, part) in [
        ("INSERT INTO due VALUES (2, 1), (1, 2)", "due_pkey"),
        ("INSERT INTO due VALUES (0, 1)", "due_id_check"),
        ("INSERT INTO due VALUES (5, 999)", "due_user_id_fkey"),
        ("UPDATE due SET user_id = 999", "due_user_id_fkey"),
        ("INSERT INTO parted VALUES (1000, 'x')", "no partition"),
    ] {
        for failed in [preview(&database, sql).await, write(&database, sql, 1).await] {
            let Err(DatabaseError::Failed { message }) = failed else { panic!("{sql} {failed:?}") };
            assert!(message.contains(part), "{sql}: {message}");
        }
    }
    until_idle(&database).await;
    assert_eq!(scratch.value(DIGEST).await, before);
    database.close().await;
}

#[tokio::test]
async fn a_role_without_the_right_to_write_is_told_so() {
    let scratch = scratch().await;
    let settings = scratch.reader().await;
    let role = settings.user.clone();
    let database = open(settings);
    let before = scratch.value(DIGEST).await;
    let refused = preview(&database, "DELETE FROM people").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    let text = refused.to_string();
    assert!(
        text.contains("permission denied for table people") && text.contains("GRANT"),
        "{text}"
    );
    until_idle(&database).await;
    assert_eq!(scratch.value(DIGEST).await, before);
    scratch.execute(&format!("GRANT INSERT, DELETE ON people TO {role}")).await;
    assert_eq!(write(&database, "DELETE FROM people WHERE id = 1", 1).await, Ok(touched(1)));
    // What it may write is what it is meant to, and what it may not be is still told.
    assert_eq!(database.check().await.unwrap().warnings, Vec::<String>::new());
    database.close().await;
    let mut plain = scratch.reader_settings(&role);
    plain.writes = false;
    let reading = Postgres::open(plain).unwrap();
    assert!(reading.writer().is_none());
    reading.close().await;
}
