//! Changes on a real server: looked at without a trace, made only as they were looked at, and refused in every other form.

use std::sync::Arc;
use std::time::Duration;

use super::Postgres;
use super::scratch::Scratch;
use super::settings::PostgresSettings;
use crate::engine::Engine as _;
use crate::error::{DatabaseError, ErrorKind};
use crate::request::{Parameters, QueryRequest};
use crate::write::{MAX_STATEMENT_BYTES, Touched, WriteRequest};

/// All that a change could reach: rows with their versions, the catalogue, roles, locks, files and settings.
const DIGEST: &str = "SELECT md5(string_agg(x, E'\n' ORDER BY x)) FROM ( \
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

async fn scratch() -> Scratch {
    let scratch = Scratch::with_fixture().await;
    scratch.execute(FIXTURE).await;
    scratch
}

fn open(mut settings: PostgresSettings) -> Postgres {
    settings.writes = true;
    Postgres::open(settings).unwrap()
}

fn request(sql: &str) -> WriteRequest {
    WriteRequest { sql: sql.to_owned(), ..WriteRequest::default() }
}

fn touched(rows: u64) -> Touched {
    Touched { rows, further_rows: None }
}

async fn preview(database: &Postgres, sql: &str) -> Result<Touched, DatabaseError> {
    database.writer().unwrap().preview(&request(sql)).await
}

async fn write(database: &Postgres, sql: &str, rows: u64) -> Result<Touched, DatabaseError> {
    database.writer().unwrap().write(&request(sql), touched(rows)).await
}

async fn until_idle(database: &Postgres) {
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
    assert_eq!(changed, Err(DatabaseError::Changed { expected: 2, found: 3 }));
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
async fn whatever_is_no_write_of_rows_is_refused_without_effect_even_to_a_superuser() {
    let scratch = scratch().await;
    let mut settings = scratch.superuser();
    settings.allow_foreign_tables = true;
    let database = open(settings);
    let before = scratch.value(DIGEST).await;
    for sql in [
        "SELECT 1",
        "TABLE users",
        "VALUES (1)",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "SELECT * INTO stolen FROM users",
        "SELECT id FROM users FOR UPDATE",
        "DROP TABLE orders",
        "CREATE TABLE x(a int)",
        "ALTER TABLE users RENAME TO x",
        "TRUNCATE orders",
        "COPY users TO '/tmp/wharf_stolen'",
        "COPY users FROM PROGRAM 'true'",
        "DO $$BEGIN DELETE FROM orders; END$$",
        "CALL wipe_users()",
        "GRANT ALL ON users TO PUBLIC",
        "ALTER ROLE postgres PASSWORD 'x'",
        "SET ROLE postgres",
        "VACUUM",
        "BEGIN",
        "COMMIT",
        "PREPARE p AS DELETE FROM users",
        "EXPLAIN ANALYZE DELETE FROM orders",
        "DECLARE c CURSOR FOR SELECT 1",
        "LISTEN x",
        "NOTIFY x",
        "DELETE FROM orders; DELETE FROM users",
        "DELETE FROM orders; COMMIT",
        "DELETE FROM orders; END; DELETE FROM users",
        "DELETE FROM orders RETURNING *",
        "INSERT INTO people VALUES (9, 'x') RETURNING purge_users()",
        "MERGE INTO people p USING users u ON p.id = u.id WHEN MATCHED THEN DELETE",
        "WITH u AS (SELECT 1 AS id) MERGE INTO people p USING u ON p.id = u.id WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM orders RETURNING id) DELETE FROM people",
        "WITH gone AS (DELETE FROM orders RETURNING id) INSERT INTO people SELECT id, 'x' FROM gone",
        "DELETE FROM people WHERE id = purge_users()",
        "DELETE FROM people WHERE id IN (SELECT sd_purge())",
        "UPDATE people SET ssn = pg_read_file('PG_VERSION')",
        "INSERT INTO people VALUES (1, (SELECT rolpassword FROM pg_authid WHERE rolsuper LIMIT 1))",
        "INSERT INTO people SELECT 1, purge_users()::text FROM v_purge",
        "INSERT INTO people VALUES (nextval('order_seq'), 'x')",
        "INSERT INTO people VALUES (1, set_config('role', 'x', false))",
        "INSERT INTO people VALUES (1, lo_create(0)::text)",
        "INSERT INTO people VALUES (1, pg_sleep(1)::text)",
        "DELETE FROM people WHERE pg_try_advisory_lock(4711)",
        "INSERT INTO parted VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = purge_users()::text",
        "INSERT INTO parted VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = 'x' WHERE purge_users() = 1",
        "UPDATE pg_authid SET rolpassword = NULL",
        "UPDATE pg_catalog.pg_class SET relname = 'x' WHERE relname = 'users'",
        "DELETE FROM pg_proc WHERE proname = 'note'",
        "INSERT INTO information_schema.sql_features(feature_id) VALUES ('x')",
        "UPDATE pg_settings SET setting = '1' WHERE name = 'work_mem'",
        "INSERT INTO pg_largeobject VALUES (1, 0, 'x')",
        "UPDATE named SET name = 'x'",
        "DELETE FROM named",
        "INSERT INTO user_stats VALUES (1)",
        "INSERT INTO abroad VALUES (1, 'x')",
        "DELETE FROM abroad",
        "DELETE FROM mixed",
        "INSERT INTO mixed VALUES (15, 'x')",
        "UPDATE order_seq SET last_value = 9",
        "DELETE FROM ruled",
        "DELETE FROM guarded",
        "DELETE FROM people WHERE CURRENT OF c",
        "-- nothing",
        "",
        "UPDATE people SET id = '\0'",
    ] {
        for refused in [preview(&database, sql).await, write(&database, sql, 1).await] {
            assert!(refused.is_err(), "ran: {sql}");
            let broke = matches!(
                refused,
                Err(DatabaseError::Internal { .. }
                    | DatabaseError::Unavailable { .. }
                    | DatabaseError::Changed { .. })
            );
            assert!(!broke, "{sql} {refused:?}");
        }
        until_idle(&database).await;
        assert_eq!(scratch.value(DIGEST).await, before, "{sql}");
    }
    database.close().await;
}

#[tokio::test]
async fn refused_writes_say_what_to_do() {
    let scratch = scratch().await;
    let database = open(scratch.superuser());
    for (sql, part) in [
        ("DELETE FROM people RETURNING id", "leave RETURNING out"),
        (
            "MERGE INTO people p USING users u ON false WHEN MATCHED THEN DELETE",
            "INSERT, UPDATE or DELETE",
        ),
        (
            "WITH x AS (DELETE FROM people RETURNING 1) DELETE FROM users",
            "a WITH clause that changes data",
        ),
        ("UPDATE named SET name = 'x'", "change the table behind it"),
        ("DELETE FROM ruled", "rules"),
        ("DELETE FROM guarded", "public.purge_users, which table public.guarded uses"),
        ("DELETE FROM mixed", "public.mixed_abroad"),
        ("UPDATE pg_class SET relname = 'x'", "the database's own"),
        ("INSERT INTO people VALUES (nextval('order_seq'), 'x')", "changes a sequence"),
        ("SELECT 1", "execute_query"),
    ] {
        let refused = preview(&database, sql).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{sql}");
        let text = refused.to_string();
        assert!(text.starts_with("only single changes of rows are allowed: "), "{sql}: {text}");
        assert!(text.contains(part), "{sql}: {text}");
    }
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

#[tokio::test]
async fn a_write_waits_briefly_for_a_lock_of_somebody_else() {
    let scratch = scratch().await;
    let mut settings = scratch.superuser();
    settings.lock_timeout = Duration::from_millis(200);
    let database = open(settings);
    scratch.execute("BEGIN; UPDATE people SET ssn = 'held' WHERE id = 1").await;
    let busy = write(&database, "DELETE FROM people", 2).await.unwrap_err();
    assert!(matches!(busy, DatabaseError::Busy { .. }), "{busy:?}");
    scratch.execute("COMMIT").await;
    assert_eq!(write(&database, "DELETE FROM people", 2).await, Ok(touched(2)));
    database.close().await;
}

#[tokio::test]
async fn a_write_that_runs_out_of_time_or_is_dropped_is_rolled_back() {
    let scratch = scratch().await;
    let database = Arc::new(open(scratch.superuser()));
    let before = scratch.value(DIGEST).await;
    let endless =
        "INSERT INTO people SELECT g, 'x' FROM generate_series(1, 1000000000) g WHERE g < 0";
    let slow = WriteRequest { timeout: Some(Duration::from_secs(1)), ..request(endless) };
    let stopped = database.writer().unwrap().write(&slow, touched(0)).await;
    assert_eq!(stopped, Err(DatabaseError::Timeout { timeout: Duration::from_secs(1) }));
    let running = tokio::spawn({
        let database = Arc::clone(&database);
        async move { write(&database, endless, 0).await }
    });
    let active = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query ~ '^INSERT'";
    while scratch.value(active).await != "1" {
        tokio::task::yield_now().await;
    }
    running.abort();
    while scratch.value(active).await != "0" {
        tokio::task::yield_now().await;
    }
    until_idle(&database).await;
    assert_eq!(scratch.value(DIGEST).await, before);
    assert_eq!(write(&database, "DELETE FROM people WHERE id = 1", 1).await, Ok(touched(1)));
    database.close().await;
}

#[tokio::test]
async fn writes_at_once_are_each_made_whole_or_not() {
    let scratch = scratch().await;
    let mut settings = scratch.superuser();
    settings.pool.max_waiting = 100;
    settings.pool.acquire_timeout = Duration::from_secs(60);
    let database = open(settings);
    let once = (0..20).map(|_| write(&database, "DELETE FROM people WHERE id = 1", 1));
    let answers = futures_util::future::join_all(once).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let others =
        |answer: &&Result<_, _>| **answer == Err(DatabaseError::Changed { expected: 1, found: 0 });
    assert_eq!(answers.iter().filter(others).count(), 19, "{answers:?}");
    database.close().await;
}

#[tokio::test]
async fn a_write_whose_session_is_ended_in_the_middle_is_an_error_and_nothing_is_done() {
    let scratch = scratch().await;
    scratch
        .execute(
            "CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'; \
             CREATE TRIGGER ends AFTER DELETE ON people EXECUTE FUNCTION ends(); \
             CREATE CONSTRAINT TRIGGER ends_late AFTER UPDATE ON people DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ends()",
        )
        .await;
    let database = open(scratch.superuser());
    let before = scratch.value(DIGEST).await;
    for (sql, rows) in [("DELETE FROM people", 2), ("UPDATE people SET ssn = 'x' WHERE id = 1", 1)]
    {
        let lost = write(&database, sql, rows).await.unwrap_err();
        assert!(matches!(lost, DatabaseError::Unavailable { .. }), "{sql} {lost:?}");
        until_idle(&database).await;
        assert_eq!(scratch.value(DIGEST).await, before, "{sql}");
    }
    database.close().await;
}
