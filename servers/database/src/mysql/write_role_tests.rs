//! Changes by roles that may do less than everything: what the server forbids, what the guard can't see, and what is hidden.

use super::testing::TestDatabase;
use super::write_tests::{open, server};
use super::{Database, MysqlSettings};
use crate::engine::Engine as _;
use crate::error::{DatabaseError, ErrorKind};
use crate::promises::{ColumnName, Promised, Promises};
use crate::request::QueryRequest;
use crate::write::WriteRequest;
use crate::write_testing::{preview, touched, write};

const WRITER: &str = "SELECT, SHOW VIEW, INSERT, UPDATE, DELETE, TRIGGER";

/// Settings of a new role without any privilege.
async fn role(server: &TestDatabase) -> MysqlSettings {
    let settings = server.settings_with("SELECT").await;
    server
        .run(&format!("REVOKE ALL PRIVILEGES ON {}.* FROM '{}'@'%'", server.name, settings.user))
        .await;
    settings
}

async fn grant(server: &TestDatabase, settings: &MysqlSettings, privileges: &str, table: &str) {
    server
        .run(&format!("GRANT {privileges} ON {}.{table} TO '{}'@'%'", server.name, settings.user))
        .await;
}

#[tokio::test]
async fn a_role_without_the_right_to_write_is_told_so() {
    let server = server().await;
    let settings = server.settings_with("SELECT, TRIGGER").await;
    let database = open(settings.clone());
    let before = server.state().await;
    let refused = preview(&database, "DELETE FROM people").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert!(refused.to_string().contains("GRANT it INSERT"), "{refused}");
    database.settled().await;
    assert_eq!(server.state().await, before);
    database.close().await;
    // The server keeps the privileges on a database with each session.
    grant(&server, &settings, "INSERT, UPDATE, DELETE", "*").await;
    let database = open(settings.clone());
    assert_eq!(write(&database, "DELETE FROM people WHERE id = 1", 1).await, Ok(touched(1)));
    // What it may write is what it is meant to.
    assert_eq!(database.check().await.unwrap().warnings, Vec::<String>::new());
    database.close().await;
    let reading = Database::open(settings).unwrap();
    assert!(reading.writer().is_none());
    assert_eq!(reading.check().await.unwrap().warnings.len(), 1);
    reading.close().await;
}

#[tokio::test]
async fn triggers_that_the_role_may_not_see_are_not_taken_for_absent() {
    let server = server().await;
    let settings = server.settings_with("SELECT, INSERT, UPDATE, DELETE").await;
    let database = open(settings.clone());
    let before = server.state().await;
    for sql in ["INSERT INTO leaky VALUES (1)", "DELETE FROM people", "DELETE FROM traced"] {
        let refused = preview(&database, sql).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{sql}");
        assert!(refused.to_string().contains("GRANT TRIGGER"), "{sql}: {refused}");
        database.settled().await;
        assert_eq!(server.state().await, before, "{sql}");
    }
    grant(&server, &settings, "TRIGGER", "people").await;
    assert_eq!(preview(&database, "DELETE FROM people").await, Ok(touched(2)));
    assert!(preview(&database, "DELETE FROM traced").await.is_err());
    // What a trigger changes is looked at too.
    grant(&server, &settings, "TRIGGER", "traced").await;
    let refused = preview(&database, "DELETE FROM traced").await.unwrap_err();
    assert!(refused.to_string().contains("log (its triggers cannot be seen)"), "{refused}");
    grant(&server, &settings, "TRIGGER", "log").await;
    assert_eq!(preview(&database, "DELETE FROM traced").await, Ok(touched(2)));
    database.close().await;
}

/// The users' addresses are hidden by what the role may do.
async fn hiding(server: &TestDatabase) -> MysqlSettings {
    let settings = role(server).await;
    grant(
        server,
        &settings,
        "SELECT (id, name, created_at), INSERT, UPDATE, DELETE, TRIGGER",
        "users",
    )
    .await;
    grant(server, &settings, WRITER, "people").await;
    grant(server, &settings, WRITER, "orders").await;
    settings
}

fn promised(database: Database) -> Promised<Database> {
    let hidden_columns = vec![ColumnName::parse("users.email").unwrap()];
    Promised::new(database, Promises { hidden_columns, ..Promises::default() }).unwrap()
}

#[tokio::test]
async fn hidden_columns_are_not_read_by_changes_either() {
    let server = server().await;
    let engine = promised(open(hiding(&server).await));
    assert!(engine.check().await.is_ok());
    let before = server.state().await;
    let writer = engine.writer().unwrap();
    let preview = async |sql: &str| {
        writer.preview(&WriteRequest { sql: sql.into(), ..WriteRequest::default() }).await
    };
    for sql in [
        "INSERT INTO people SELECT id, email FROM users",
        "INSERT INTO people SELECT * FROM (SELECT id, email FROM users) x",
        "INSERT INTO people(id, ssn) VALUES (1, (SELECT email FROM users LIMIT 1))",
        "INSERT INTO people(id) SELECT 1 FROM users ORDER BY email LIMIT 1",
        "UPDATE people, users SET people.ssn = users.email WHERE people.id = users.id",
        "UPDATE people SET ssn = (SELECT max(email) FROM users)",
        "UPDATE users SET name = email",
        "UPDATE users SET name = 'x' WHERE email LIKE 'u1%'",
        "UPDATE users SET name = 'x' ORDER BY email LIMIT 1",
        "UPDATE users SET email = concat(email, 'x')",
        "DELETE FROM users WHERE email = 'u1@example.test'",
        "DELETE FROM users ORDER BY email LIMIT 1",
        "DELETE p FROM people p JOIN users u ON u.email = p.ssn",
        "DELETE p FROM people p NATURAL JOIN users u WHERE u.email > 'u'",
        "INSERT INTO users(id, name) VALUES (1, 'x') ON DUPLICATE KEY UPDATE name = email",
        "REPLACE INTO people SELECT id, email FROM users",
    ] {
        let refused = preview(sql).await;
        assert!(matches!(refused, Err(DatabaseError::ChangeRefused { .. })), "{sql} {refused:?}");
    }
    // The number of rows does not tell whether a guess is right.
    for guess in ["u1@example.test", "other@example.test"] {
        let sql = format!("UPDATE users SET email = '{guess}' WHERE id = 1");
        assert_eq!(preview(&sql).await, Ok(touched(1)), "{guess}");
    }
    assert_eq!(preview("UPDATE users SET name = 'x' WHERE id = 1").await, Ok(touched(1)));
    let refused = engine.query(QueryRequest::new("SELECT email FROM users")).await;
    assert!(matches!(refused, Err(DatabaseError::Refused { .. })), "{refused:?}");
    assert_eq!(server.state().await, before);
    engine.close().await;
}

#[tokio::test]
async fn nothing_is_changed_while_a_column_that_is_to_be_hidden_can_be_read() {
    let server = server().await;
    let settings = hiding(&server).await;
    grant(&server, &settings, "SELECT", "users").await;
    let engine = promised(open(settings));
    let before = server.state().await;
    let request = WriteRequest { sql: "DELETE FROM people".into(), ..WriteRequest::default() };
    let writer = engine.writer().unwrap();
    for broken in [writer.preview(&request).await, writer.write(&request, touched(2)).await] {
        assert!(matches!(broken, Err(DatabaseError::PromiseBroken { .. })), "{broken:?}");
    }
    assert_eq!(server.state().await, before);
    engine.close().await;
}

#[tokio::test]
async fn rows_behind_a_view_are_neither_read_nor_changed_through_the_table() {
    // There is no row security in MySQL: the guide says to grant a view that filters.
    let server = server().await;
    server.run("CREATE VIEW few AS SELECT id, name FROM users WHERE id < 3").await;
    let settings = role(&server).await;
    grant(&server, &settings, "SELECT, SHOW VIEW, INSERT, UPDATE, DELETE, TRIGGER", "few").await;
    grant(&server, &settings, WRITER, "people").await;
    let database = open(settings);
    let before = server.state().await;
    for sql in [
        "DELETE FROM users WHERE id = 5",
        "UPDATE users SET name = 'x' WHERE id = 5",
        "INSERT INTO people SELECT id, name FROM users",
        // A view could filter by what a statement does not see.
        "DELETE FROM few",
        "UPDATE few SET name = 'x' WHERE id = 1",
    ] {
        let refused = preview(&database, sql).await;
        // What the role may not touch at all is not there for it.
        let typed = matches!(
            refused,
            Err(DatabaseError::ChangeRefused { .. } | DatabaseError::NoSuchTable { .. })
        );
        assert!(typed, "{sql} {refused:?}");
    }
    let refused =
        preview(&database, "INSERT INTO people SELECT id, name FROM few").await.unwrap_err();
    assert!(refused.to_string().contains("put the values into params"), "{refused}");
    let read = database.query(QueryRequest::new("SELECT id FROM few")).await.unwrap();
    assert_eq!(read.row_count, 2);
    assert_eq!(preview(&database, "INSERT INTO people VALUES (1, 'user 1')").await, Ok(touched(1)));
    database.settled().await;
    assert_eq!(server.state().await, before);
    database.close().await;
}
