//! The attacks on arguments against a superuser's PostgreSQL.

use wharf_database::Databases;
use wharf_database::postgres::{Postgres, PostgresSettings, SecretUrl};

use super::arguments;
use super::support::database::OwnDatabase;

#[tokio::test]
async fn attacks_on_other_arguments_fail() {
    let own = OwnDatabase::postgres("arguments");
    own.run(include_str!("../corpus/postgres_fixture.sql"));
    let digest = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM pg_class WHERE relpersistence <> 't')";
    let before = own.run(digest);
    let settings = PostgresSettings::from_url(&SecretUrl(&own.url)).unwrap();
    let databases = Databases::one("main", Postgres::open(settings).unwrap()).unwrap();
    arguments::meet_all(&wharf_database::server(databases.clone()).build().unwrap()).await;
    databases.close().await;
    assert_eq!(own.run(digest), before);
}
