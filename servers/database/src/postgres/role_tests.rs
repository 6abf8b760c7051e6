//! The operator hears about a role that may do more than read, and where the guard cannot work only a reading role goes on.

use super::Postgres;
use super::scratch::Scratch;
use crate::engine::Engine as _;
use crate::request::QueryRequest;

async fn warnings(database: &Postgres) -> Vec<String> {
    database.check().await.unwrap().warnings
}

#[tokio::test]
async fn a_role_that_may_only_read_needs_no_warning() {
    let scratch = Scratch::with_fixture().await;
    let database = Postgres::open(scratch.reader().await).unwrap();
    assert_eq!(warnings(&database).await, Vec::<String>::new());
    database.close().await;
}

#[tokio::test]
async fn every_dangerous_right_is_named_with_what_to_do() {
    let scratch = Scratch::with_fixture().await;
    let superuser = Postgres::open(scratch.superuser()).unwrap();
    let found = warnings(&superuser).await;
    assert!(
        found.iter().any(|w| w.contains("superuser") && w.contains("CREATE ROLE wharf_reader")),
        "{found:?}"
    );
    superuser.close().await;
    let settings = scratch.reader().await;
    let role = settings.user.clone();
    for (grant, part) in [
        (format!("GRANT INSERT ON users TO {role}"), "public.users"),
        (format!("GRANT CREATE ON SCHEMA public TO {role}"), "in the schema public"),
        (format!("GRANT pg_read_server_files TO {role}"), "pg_read_server_files"),
        (format!("ALTER ROLE {role} CREATEROLE"), "CREATEROLE"),
    ] {
        scratch.execute(&grant).await;
        let database = Postgres::open(settings.clone()).unwrap();
        let found = warnings(&database).await;
        let part = part.trim_start_matches("public.");
        assert!(found.iter().any(|warning| warning.contains(part)), "{part}: {found:?}");
        database.close().await;
    }
}

#[tokio::test]
async fn without_analysis_only_a_reading_role_goes_on() {
    let scratch = Scratch::with_fixture().await;
    let settings = scratch.reader().await;
    let (role, name) = (&settings.user, &scratch.name);
    scratch.execute(&format!("REVOKE TEMP ON DATABASE {name} FROM PUBLIC")).await;
    let count = || QueryRequest::new("SELECT count(*) FROM users");
    let reading = Postgres::open(settings.clone()).unwrap();
    assert_eq!(reading.query(count()).await.unwrap().row_count, 1);
    let found = warnings(&reading).await;
    assert!(found.iter().any(|warning| warning.contains("without the guard")), "{found:?}");
    // What the guard would refuse still changes nothing, and a command is no query for a cursor either.
    assert!(reading.query(QueryRequest::new("SELECT purge_users()")).await.is_err());
    assert!(reading.query(QueryRequest::new("DELETE FROM users")).await.is_err());
    assert!(
        reading.query(QueryRequest::new("EXPLAIN ANALYZE SELECT purge_users()")).await.is_err()
    );
    reading.close().await;

    let mut strict = settings.clone();
    strict.allow_unguarded_read_only_role = false;
    let strict = Postgres::open(strict).unwrap();
    let error = strict.query(count()).await.unwrap_err().to_string();
    assert!(error.contains("TEMP"), "{error}");
    strict.close().await;

    scratch.execute(&format!("GRANT pg_execute_server_program TO {role}")).await;
    let dangerous = Postgres::open(settings.clone()).unwrap();
    let error = dangerous.query(count()).await.unwrap_err().to_string();
    assert!(error.contains("a role that may only SELECT"), "{error}");
    dangerous.close().await;
}
