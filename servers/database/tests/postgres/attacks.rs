//! The attacks on arguments against a superuser's PostgreSQL.

use wharf_database::Databases;
use wharf_database::postgres::{Postgres, PostgresSettings, SecretUrl};

use super::arguments;
use super::support::client::psql;
use super::support::services::{postgres_url, url_of_database};

#[tokio::test]
async fn attacks_on_other_arguments_fail() {
    let name = format!("arguments_{}", std::process::id());
    psql(&postgres_url(), &format!("CREATE DATABASE {name}"));
    let url = url_of_database(&postgres_url(), &name);
    psql(&url, include_str!("../corpus/postgres_fixture.sql"));
    let digest = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM pg_class WHERE relpersistence <> 't')";
    let before = psql(&url, digest);
    let settings = PostgresSettings::from_url(&SecretUrl(&url)).unwrap();
    let databases = Databases::one("main", Postgres::open(settings).unwrap()).unwrap();
    arguments::meet_all(&wharf_database::server(databases.clone()).build().unwrap()).await;
    databases.close().await;
    assert_eq!(psql(&url, digest), before);
    psql(&postgres_url(), &format!("DROP DATABASE {name} WITH (FORCE)"));
}
