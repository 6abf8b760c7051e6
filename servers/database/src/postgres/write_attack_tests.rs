//! What is no change of rows, or reaches more than rows, is refused as a change: without a trace, and with words that help.

use super::write_tests::{DIGEST, open, scratch, until_idle};
use crate::engine::Engine as _;
use crate::error::{DatabaseError, ErrorKind};
use crate::write_testing::{preview, write};

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
