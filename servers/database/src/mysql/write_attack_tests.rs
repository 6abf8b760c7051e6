//! Every statement that is no single change of InnoDB's rows, against a role that may do everything: refused, and without a trace.

use super::write_tests::{open, server};
use crate::error::DatabaseError;
use crate::write_testing::{preview, write};

/// What is refused to a role that may do everything.
const ATTACKS: &[&str] = &[
    "SELECT 1",
    "TABLE users",
    "(SELECT 1)",
    "VALUES (1)",
    "WITH x AS (SELECT 1) SELECT * FROM x",
    "WITH x AS (SELECT 1) DELETE FROM orders",
    "SHOW TABLES",
    "SELECT 1 INTO OUTFILE 'wt_outfile_write'",
    "SELECT id FROM users FOR UPDATE",
    "EXPLAIN DELETE FROM orders",
    "ANALYZE DELETE FROM orders",
    "ANALYZE FORMAT=JSON UPDATE orders SET total = 0",
    "DROP TABLE orders",
    "CREATE TABLE x(a INT)",
    "CREATE TEMPORARY TABLE users(a INT)",
    "CREATE TRIGGER x BEFORE INSERT ON users FOR EACH ROW SET @a = 1",
    "ALTER TABLE users ENGINE = MyISAM",
    "TRUNCATE orders",
    "TRUNCATE TABLE orders",
    "RENAME TABLE users TO x",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE people",
    "LOAD DATA LOCAL INFILE '/etc/passwd' REPLACE INTO TABLE people",
    "LOAD XML INFILE '/etc/passwd' INTO TABLE people",
    "CALL wipe_users()",
    "DO purge_users()",
    "SET GLOBAL max_error_count = 63",
    "SET @x = 1",
    "SET STATEMENT max_statement_time = 0 FOR DELETE FROM orders",
    "SET SESSION TRANSACTION READ WRITE",
    "HANDLER orders OPEN",
    "LOCK TABLES orders WRITE",
    "FLUSH TABLES",
    "GRANT ALL ON *.* TO x",
    "CREATE USER x",
    "BEGIN",
    "START TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "XA START 'x'",
    "BEGIN NOT ATOMIC DELETE FROM orders; COMMIT; END",
    "PREPARE p FROM 'DELETE FROM orders'",
    "EXECUTE IMMEDIATE 'DELETE FROM orders'",
    "OPTIMIZE TABLE orders",
    "KILL 1",
    "SHUTDOWN",
    "DELETE FROM orders; DELETE FROM users",
    "DELETE FROM orders; COMMIT",
    "DELETE FROM orders /*! LIMIT 1 */",
    "/*!50000 DELETE FROM orders */",
    "/*M! DELETE FROM orders */",
    "DELETE /*!40000 QUICK */ FROM orders",
    "DELETE FROM orders WHERE id = 1 --\n; DELETE FROM users",
    "DELETE FROM orders RETURNING *",
    "INSERT INTO people VALUES (9, 'x') RETURNING id",
    "REPLACE INTO parents(id) VALUES (1) RETURNING id",
    "INSERT IGNORE INTO children VALUES (9, 999)",
    "INSERT LOW_PRIORITY INTO people VALUES (9, 'x')",
    "INSERT HIGH_PRIORITY INTO people VALUES (9, 'x')",
    "INSERT DELAYED INTO people VALUES (9, 'x')",
    "REPLACE DELAYED people VALUES (9, 'x')",
    "UPDATE IGNORE children SET parent = 999",
    "UPDATE LOW_PRIORITY people SET id = 1",
    "DELETE QUICK FROM people",
    "DELETE LOW_PRIORITY IGNORE FROM people",
    "DELETE HISTORY FROM versioned",
    "DELETE HISTORY FROM versioned BEFORE SYSTEM_TIME now()",
    "UPDATE versioned FOR PORTION OF p FROM '2020-01-01' TO '2021-01-01' SET v = 1",
    "DELETE FROM versioned FOR PORTION OF p FROM '2020-01-01' TO '2021-01-01'",
    "INSERT INTO people SELECT 1, 'x' INTO OUTFILE 'wt_outfile_write'",
    "INSERT INTO people SELECT 1, 'x' INTO @a, @b",
    "INSERT INTO people SELECT 1, @x := 5",
    "INSERT INTO people SELECT id, name FROM users FOR UPDATE",
    "INSERT INTO people SELECT id, name FROM users LOCK IN SHARE MODE",
    "INSERT INTO people SELECT id, name FROM users PROCEDURE ANALYSE()",
    "INSERT INTO people VALUES (1, load_file('/etc/passwd'))",
    "INSERT INTO people VALUES (sleep(5), 'x')",
    "INSERT INTO people VALUES (get_lock('wt_write', 0), 'x')",
    "INSERT INTO people VALUES (nextval(order_seq), 'x')",
    "INSERT INTO people VALUES (NEXT VALUE FOR order_seq, 'x')",
    "INSERT INTO people VALUES (benchmark(100, 1), 'x')",
    "INSERT INTO people VALUES (1, @@report_password)",
    "INSERT INTO people SELECT 1, priv FROM mysql.global_priv LIMIT 1",
    "INSERT INTO people SELECT 1, x FROM v_liar",
    "INSERT INTO people VALUES (purge_users(), 'x')",
    "DELETE FROM people WHERE id = purge_users()",
    "DELETE FROM people WHERE id IN (SELECT sd_purge())",
    "UPDATE people SET id = calls_purge()",
    "UPDATE people SET ssn = 'x' ORDER BY liar()",
    "UPDATE people SET id = (SELECT calls_wipe())",
    "INSERT INTO parents(id) VALUES (1) ON DUPLICATE KEY UPDATE name = liar()",
    "INSERT INTO parents(id) VALUES (1) ON DUPLICATE KEY UPDATE name = 'x'; DELETE FROM users",
    "INSERT INTO mysql.global_priv VALUES ('%', 'x', '{}')",
    "DELETE FROM mysql.proc",
    "UPDATE mysql.time_zone_name SET name = 'x'",
    "UPDATE mysql.func SET ret = 1",
    "INSERT INTO information_schema.tables(table_name) VALUES ('x')",
    "UPDATE performance_schema.setup_actors SET enabled = 'NO'",
    "UPDATE people, mysql.proc SET people.id = 1",
    "DELETE FROM mysql.proc USING mysql.proc JOIN people",
    "DELETE proc FROM people JOIN mysql.proc",
    "UPDATE named SET name = 'x'",
    "DELETE FROM named",
    "INSERT INTO named VALUES (99, 'x')",
    "UPDATE people p JOIN named n ON n.id = p.id SET n.name = 'x'",
    "INSERT INTO order_seq VALUES (1, 1, 1, 1, 1, 1, 1, 1)",
    "INSERT INTO in_memory VALUES (2)",
    "DELETE FROM in_memory",
    "DELETE FROM in_aria",
    "UPDATE in_myisam SET id = 2",
    "REPLACE in_csv VALUES (2)",
    "REPLACE INTO audit VALUES ('x')",
    "UPDATE people, in_myisam SET in_myisam.id = 2",
    "UPDATE (people JOIN in_aria) SET in_aria.id = 2",
    "UPDATE people NATURAL JOIN in_memory SET in_memory.id = 2",
    "DELETE m FROM people JOIN in_myisam m",
    "DELETE FROM m USING people, in_myisam AS m",
    "INSERT INTO leaky VALUES (1)",
    "REPLACE INTO leaky VALUES (1)",
    "INSERT INTO deep SELECT 1",
    "INSERT INTO joins VALUES (1)",
    "INSERT INTO wipes VALUES (1)",
    "INSERT INTO calls VALUES (1)",
    "INSERT INTO naps_t VALUES (1)",
    "INSERT INTO files_t VALUES (1)",
    "INSERT INTO global_t VALUES (1)",
    "INSERT INTO func_t VALUES (1)",
    "INSERT INTO ansi VALUES (1)",
    "INSERT INTO seq_1_to_5 VALUES (1)",
    "INSERT INTO not_there VALUES (1)",
    "DELETE FROM not_there",
    "INSERT INTO .people VALUES (1, 'x')",
    "INSERT INTO a.b.people VALUES (1, 'x')",
    "INSERT (1, 2, 3, 4)",
    "UPDATE people",
    "DELETE",
    "DELETE.people FROM people",
    "-- nothing",
    "",
    ";",
    "UPDATE people SET id = '\0'",
];

#[tokio::test]
async fn whatever_is_no_write_of_rows_is_refused_without_effect_even_to_a_role_with_every_privilege()
 {
    let server = server().await;
    let mut settings = server.settings();
    settings.allow_remote_engines = true;
    let database = open(settings);
    let before = server.state().await;
    for sql in ATTACKS {
        for refused in [preview(&database, sql).await, write(&database, sql, 1).await] {
            assert!(refused.is_err(), "ran: {sql}");
            let broke = matches!(
                refused,
                Err(DatabaseError::Internal { .. }
                    | DatabaseError::Unavailable { .. }
                    | DatabaseError::Changed { .. }
                    | DatabaseError::Timeout { .. }
                    | DatabaseError::Refused { .. })
            );
            assert!(!broke, "{sql} {refused:?}");
        }
        database.settled().await;
        let after = server.state().await;
        for (question, was) in &before {
            assert_eq!(after.get(question), Some(was), "changed by {sql:?}: {question}");
        }
        assert_eq!(after.len(), before.len(), "{sql}");
    }
    database.close().await;
}
