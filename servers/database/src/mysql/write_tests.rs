//! Changes on a real server: looked at without a trace, made only as they were looked at, and refused in every other form.

use mysql_async::prelude::Queryable as _;

use super::testing::TestDatabase;
use super::{Database, MysqlSettings};
use crate::engine::Engine as _;
use crate::error::{DatabaseError, ErrorKind};
use crate::request::{Parameters, QueryRequest};
use crate::write::{MAX_STATEMENT_BYTES, WriteRequest};
use crate::write_testing::{preview, touched, write};

/// Tables that can be changed, and tables that cannot because of what lies behind them.
const FIXTURE: &str = "CREATE TABLE log(id INT, what VARCHAR(50)); \
     CREATE TABLE parents(id INT PRIMARY KEY, name VARCHAR(40) UNIQUE, `long` DECIMAL(5,2), at DATE); \
     INSERT INTO parents VALUES (1, 'a', 1, NULL), (2, 'b', 2, NULL), (3, 'c', 3, NULL); \
     CREATE TABLE children(id INT PRIMARY KEY, parent INT NOT NULL, CHECK (id > 0), \
       FOREIGN KEY (parent) REFERENCES parents(id) ON DELETE CASCADE); INSERT INTO children VALUES (1, 1), (2, 1), (3, 2); \
     CREATE TABLE traced(id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO traced VALUES (1, 'a'), (2, 'b'); \
     CREATE TRIGGER traced_i AFTER INSERT ON traced FOR EACH ROW INSERT INTO log VALUES (NEW.id, 'insert'); \
     CREATE TRIGGER traced_u BEFORE UPDATE ON traced FOR EACH ROW BEGIN DECLARE n INT; SELECT count(*) INTO n FROM log FOR UPDATE; \
       IF n > 100 THEN DELETE FROM log WHERE id < 0 ORDER BY id LIMIT 1; END IF; SET NEW.v = concat(NEW.v, '!'); \
       INSERT INTO log SET id = NEW.id, what = 'update' ; UPDATE log l SET l.what = l.what WHERE l.id = NEW.id; END; \
     CREATE TRIGGER traced_d AFTER DELETE ON traced FOR EACH ROW REPLACE INTO log(id, what) VALUES (OLD.id, 'delete'); \
     CREATE TABLE versioned(id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING; INSERT INTO versioned VALUES (1, 1), (2, 2); \
     CREATE TABLE parted(id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (10), PARTITION mid VALUES LESS THAN (20)); \
     INSERT INTO parted VALUES (1, 1), (11, 11); CREATE VIEW named AS SELECT id, name FROM users; \
     CREATE TABLE in_memory(id INT) ENGINE = MEMORY; CREATE TABLE in_aria(id INT) ENGINE = Aria TRANSACTIONAL = 1; \
     CREATE TABLE in_myisam(id INT) ENGINE = MyISAM; CREATE TABLE in_csv(id INT NOT NULL) ENGINE = CSV; \
     INSERT INTO in_memory VALUES (1); INSERT INTO in_aria VALUES (1); INSERT INTO in_myisam VALUES (1); INSERT INTO in_csv VALUES (1); \
     CREATE TABLE leaky(id INT); CREATE TRIGGER leaks AFTER INSERT ON leaky FOR EACH ROW INSERT INTO audit VALUES ('leaky'); \
     CREATE TABLE deep(id INT); CREATE TRIGGER deeper AFTER INSERT ON deep FOR EACH ROW INSERT INTO leaky VALUES (NEW.id); \
     CREATE TABLE joins(id INT); CREATE TRIGGER joined AFTER INSERT ON joins FOR EACH ROW UPDATE log JOIN in_aria a ON a.id = log.id SET a.id = 2, log.id = 2; \
     CREATE TABLE wipes(id INT); CREATE TRIGGER wiped AFTER INSERT ON wipes FOR EACH ROW DELETE FROM in_memory; \
     CREATE TABLE calls(id INT); CREATE TRIGGER called AFTER INSERT ON calls FOR EACH ROW CALL wipe_users(); \
     CREATE TABLE naps_t(id INT); CREATE TRIGGER napped AFTER INSERT ON naps_t FOR EACH ROW SET @x = sleep(9); \
     CREATE TABLE files_t(id INT); CREATE TRIGGER filed AFTER INSERT ON files_t FOR EACH ROW SELECT 1 INTO OUTFILE 'wt_outfile_trigger'; \
     CREATE TABLE global_t(id INT); CREATE TRIGGER globals AFTER INSERT ON global_t FOR EACH ROW SET GLOBAL max_error_count = 63; \
     CREATE TABLE func_t(id INT); CREATE TRIGGER func AFTER INSERT ON func_t FOR EACH ROW SET @x = liar(); \
     SET sql_mode = 'ANSI_QUOTES'; CREATE TABLE ansi(id INT); CREATE TRIGGER ansi_t AFTER INSERT ON ansi FOR EACH ROW INSERT INTO \"audit\" VALUES ('ansi'); SET sql_mode = DEFAULT; \
     CREATE TABLE signals(id INT); CREATE TRIGGER signalled BEFORE INSERT ON signals FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not on a Sunday'";

pub(super) async fn server() -> TestDatabase {
    let server = TestDatabase::new().await;
    server.run(FIXTURE).await;
    server
}

pub(super) fn open(mut settings: MysqlSettings) -> Database {
    settings.writes = true;
    Database::open(settings).unwrap()
}

/// The first value of a question, outside of what is tested.
pub(super) async fn value(server: &TestDatabase, question: &str) -> String {
    let mut admin = server.admin().await;
    admin.query_drop(format!("USE {}", server.name)).await.unwrap();
    let found: Option<Option<String>> = admin.query_first(question).await.unwrap();
    admin.disconnect().await.unwrap();
    found.flatten().unwrap_or_default()
}

#[tokio::test]
async fn a_preview_counts_and_changes_nothing() {
    let server = server().await;
    let database = open(server.settings());
    let before = server.state().await;
    for (sql, rows) in [
        ("UPDATE users SET name = upper(name) WHERE id <= 3", 3),
        // What stays as it is was found all the same.
        ("UPDATE users SET name = name WHERE id <= 3", 3),
        ("update `users` as u set u.name = replace(u.name, 'user', 'x') where u.id = 1;", 1),
        ("DELETE FROM users WHERE id > 1", 19),
        ("DELETE FROM people ORDER BY id DESC LIMIT 1 -- the last", 1),
        ("DELETE FROM parents WHERE id = 1", 1),
        ("DELETE p FROM people p JOIN users u ON u.id = p.id", 2),
        ("DELETE FROM people, c USING people JOIN children c ON c.id = people.id", 4),
        ("UPDATE people p JOIN users u ON u.id = p.id SET p.ssn = u.name, u.name = 'x'", 4),
        (
            "UPDATE orders, (SELECT id FROM user_totals WHERE id < 3) few SET total = 0 WHERE user_id = few.id",
            20,
        ),
        ("UPDATE orders SET total = total * 1.005 WHERE id = 1", 1),
        ("INSERT INTO people VALUES (9, 'x'), (10, 'y')", 2),
        ("INSERT people(id) SELECT id FROM users WHERE id < 5", 4),
        ("INSERT INTO people SET id = 7, ssn = DEFAULT", 1),
        (
            "INSERT INTO people WITH few AS (SELECT id FROM users LIMIT 2) SELECT id, 'x' FROM few",
            2,
        ),
        ("INSERT INTO people(id) VALUES (order_total(1))", 1),
        (
            "INSERT INTO parents(id, name) VALUES (1, 'z') ON DUPLICATE KEY UPDATE name = VALUES(name)",
            1,
        ),
        (
            "INSERT INTO parents(id, name) VALUES (1, 'a') ON DUPLICATE KEY UPDATE name = VALUES(name)",
            1,
        ),
        (
            "INSERT INTO parents(id, name) VALUES (1, 'z'), (2, 'b'), (9, 'y') ON DUPLICATE KEY UPDATE name = VALUES(name)",
            3,
        ),
        // One row takes the place of two.
        ("REPLACE INTO parents(id, name) VALUES (3, 'b')", 3),
        ("INSERT INTO parted VALUES (5, 5), (15, 15)", 2),
        ("UPDATE parted PARTITION (low) SET v = 9", 1),
        ("UPDATE parted SET id = 12 WHERE id = 1", 1),
        ("UPDATE versioned SET v = 9", 2),
        ("DELETE FROM traced", 2),
        ("UPDATE traced SET v = 'x' WHERE id = 1", 1),
        ("INSERT INTO traced VALUES (7, 'x')", 1),
        // The trigger that may not run is one on INSERT.
        ("DELETE FROM leaky", 0),
        ("DELETE FROM users WHERE id = 99", 0),
    ] {
        assert_eq!(preview(&database, sql).await, Ok(touched(rows)), "{sql}");
        database.settled().await;
        assert_eq!(server.state().await, before, "{sql}");
    }
    // A counter goes on, as the guide says.
    assert_eq!(preview(&database, "INSERT INTO users(name) VALUES ('x')").await, Ok(touched(1)));
    database.settled().await;
    assert_eq!(value(&server, "SELECT count(*) FROM users").await, "20");
    database.close().await;
}

#[tokio::test]
async fn a_write_is_committed_only_as_it_was_previewed() {
    let server = server().await;
    let database = open(server.settings());
    let sql = "DELETE FROM people WHERE id > 0";
    assert_eq!(preview(&database, sql).await, Ok(touched(2)));
    server.run("INSERT INTO people VALUES (3, 'x')").await;
    let before = server.state().await;
    let changed = write(&database, sql, 2).await;
    assert_eq!(changed, Err(DatabaseError::Changed { expected: touched(2), found: touched(3) }));
    assert_eq!(server.state().await, before);
    assert_eq!(write(&database, sql, 3).await, Ok(touched(3)));
    assert_eq!(value(&server, "SELECT count(*) FROM people").await, "0");
    // Triggers and references of the owner run with it.
    assert_eq!(write(&database, "DELETE FROM traced WHERE id = 1", 1).await, Ok(touched(1)));
    assert_eq!(write(&database, "UPDATE traced SET v = 'x'", 1).await, Ok(touched(1)));
    assert_eq!(value(&server, "SELECT v FROM traced").await, "x!");
    let log = "SELECT group_concat(concat(id, what) ORDER BY id) FROM log";
    assert_eq!(value(&server, log).await, "1delete,2update");
    assert_eq!(write(&database, "DELETE FROM parents WHERE id = 1", 1).await, Ok(touched(1)));
    assert_eq!(value(&server, "SELECT group_concat(id) FROM children").await, "3");
    let upsert =
        "INSERT INTO parents(id, name) VALUES (2, 'z') ON DUPLICATE KEY UPDATE name = VALUES(name)";
    assert_eq!(write(&database, upsert, 1).await, Ok(touched(1)));
    assert_eq!(value(&server, "SELECT name FROM parents WHERE id = 2").await, "z");
    // The session is as good as new: it reads, and only reads.
    let read = database.query(QueryRequest::new("SELECT @@tx_read_only, @@sql_mode"));
    let rows = serde_json::to_string(&read.await.unwrap().rows).unwrap();
    assert_eq!(rows, "[[1,\"STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION\"]]");
    database.close().await;
}

#[tokio::test]
async fn written_values_are_bound_and_never_become_sql() {
    let server = server().await;
    let database = open(server.settings());
    let hostile = "'); DROP TABLE users; -- \\";
    let writer = database.writer().unwrap();
    let positional = WriteRequest {
        sql: "UPDATE users SET name = ? WHERE id = ?".into(),
        params: Parameters::Positional(vec![hostile.into(), 1.into()]),
        timeout: None,
    };
    assert_eq!(writer.write(&positional, touched(1)).await, Ok(touched(1)));
    assert_eq!(value(&server, "SELECT name FROM users WHERE id = 1").await, hostile);
    let named = WriteRequest {
        sql:
            "INSERT INTO parents(id, name) VALUES (:id, :name) ON DUPLICATE KEY UPDATE name = :name"
                .into(),
        params: Parameters::Named(
            [("id".to_owned(), 1.into()), ("name".to_owned(), hostile.into())].into(),
        ),
        timeout: None,
    };
    assert_eq!(writer.write(&named, touched(1)).await, Ok(touched(1)));
    assert_eq!(value(&server, "SELECT name FROM parents WHERE id = 1").await, hostile);
    let missing = WriteRequest { params: Parameters::default(), ..positional };
    assert!(matches!(writer.preview(&missing).await, Err(DatabaseError::InvalidArgument { .. })));
    let long = format!("DELETE FROM users WHERE name = '{}'", "x".repeat(MAX_STATEMENT_BYTES));
    assert!(matches!(preview(&database, &long).await, Err(DatabaseError::TooLarge { .. })));
    database.close().await;
}

#[tokio::test]
async fn refused_writes_say_what_to_do() {
    let server = server().await;
    let database = open(server.settings());
    for (sql, part) in [
        ("DELETE FROM people RETURNING id", "leave RETURNING out"),
        (
            "DROP TABLE people",
            "DROP TABLE people was refused; send one INSERT, UPDATE, DELETE or REPLACE",
        ),
        ("SELECT 1", "execute_query"),
        ("WITH x AS (SELECT 1) DELETE FROM people", "as a subquery"),
        ("INSERT IGNORE INTO people VALUES (1, 'x')", "turns errors into warnings"),
        ("UPDATE named SET name = 'x'", "change the table behind it"),
        ("DELETE FROM in_aria", "engine Aria can not be rolled back"),
        ("INSERT INTO deep VALUES (1)", "audit (what is written to its engine MyISAM"),
        ("INSERT INTO calls VALUES (1)", "fires the trigger called (it uses CALL)"),
        ("INSERT INTO func_t VALUES (1)", "the stored function liar()"),
        ("UPDATE mysql.proc SET name = 'x'", "the database's own"),
    ] {
        let refused = preview(&database, sql).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{sql}");
        let text = refused.to_string();
        assert!(text.starts_with("only single changes of rows are allowed: "), "{sql}: {text}");
        assert!(text.contains(part), "{sql}: {text}");
    }
    let missing = preview(&database, "DELETE FROM parnts").await.unwrap_err();
    assert!(matches!(missing, DatabaseError::NoSuchTable { .. }), "{missing:?}");
    // Reading goes on saying what reading may do.
    let read = database.query(QueryRequest::new("DELETE FROM people")).await.unwrap_err();
    assert!(read.to_string().starts_with("only reading is allowed: "), "{read}");
    database.close().await;
}

#[tokio::test]
async fn a_write_that_breaks_a_rule_or_loses_a_part_of_a_value_leaves_nothing() {
    let server = server().await;
    let mut settings = server.settings();
    // An operator's own settings do not weaken a change.
    let lax =
        [("foreign_key_checks", "0"), ("check_constraint_checks", "0"), ("max_error_count", "0")];
    settings.session = lax.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let database = open(settings);
    let before = server.state().await;
    for (sql, part) in [
        ("INSERT INTO children VALUES (8, 1), (1, 1)", "Duplicate entry"),
        ("INSERT INTO children VALUES (0, 1)", "CONSTRAINT"),
        ("INSERT INTO children VALUES (9, 999)", "foreign key"),
        ("UPDATE children SET parent = NULL", "cannot be null"),
        ("UPDATE parents SET `long` = 5000", "Out of range"),
        ("UPDATE parents SET name = repeat('x', 50) WHERE id = 1", "too long"),
        ("UPDATE parents SET `long` = 'abc'", "abc"),
        ("UPDATE parents SET `long` = 1 / 0", "Division by 0"),
        ("UPDATE parents SET at = '2024-02-30'", "date"),
        ("UPDATE parents SET at = '0000-00-00'", "date"),
        ("INSERT INTO children(id) VALUES (9)", "default value"),
        ("INSERT INTO parted VALUES (1000, 1)", "partition"),
        ("DELETE FROM parents WHERE name = 5 AND id = 1", "warns"),
        ("INSERT INTO signals VALUES (1)", "not on a Sunday"),
        ("UPDATE people SET id = (SELECT max(id) FROM nothing_here)", "nothing_here"),
        ("UPDATE people SET nothing = 1", "nothing"),
    ] {
        for failed in [preview(&database, sql).await, write(&database, sql, 1).await] {
            let text = match failed {
                Err(
                    DatabaseError::Failed { message }
                    | DatabaseError::Syntax { message, .. }
                    | DatabaseError::NoSuchTable { message, .. },
                ) => message,
                other => panic!("{sql} {other:?}"),
            };
            assert!(text.contains(part), "{sql}: {text}");
        }
        database.settled().await;
        assert_eq!(server.state().await, before, "{sql}");
    }
    database.close().await;
}
