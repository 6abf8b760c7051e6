//! A database of its own for each test, on the server that the test command started.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio_postgres::{Client, NoTls};

use super::settings::{PostgresSettings, SecretUrl, Server};

const FIXTURE: &str = include_str!("../../tests/corpus/postgres_fixture.sql");

/// The server of the tests, as its superuser sees it.
pub(super) fn server() -> PostgresSettings {
    let url = std::env::var("WHARF_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!(
            "this test needs a PostgreSQL server whose superuser WHARF_TEST_POSTGRES_URL names; \
             run it with ./scripts/services run --only postgres cargo nextest run -p wharf-database"
        )
    });
    let mut settings = PostgresSettings::from_url(&SecretUrl(&url)).unwrap();
    // How busy the machine is is not what any test is about. One of a deadline names it.
    settings.connect_timeout = Duration::from_secs(60);
    settings.limits.default_timeout = Duration::from_secs(120);
    settings
}

pub(super) fn random() -> String {
    format!("{:016x}", getrandom::u64().unwrap())
}

/// A session of the superuser, beside the code under test.
pub(super) async fn admin(database: &str) -> Client {
    let settings = server();
    let Server::Tcp { host, port } = &settings.server else { panic!("a TCP server is expected") };
    let mut config = tokio_postgres::Config::new();
    config.host(host).port(*port).user(&settings.user).dbname(database);
    config.password(settings.password.as_ref().unwrap().expose_secret());
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A database with a role of its own, both dropped in the end.
pub(super) struct Scratch {
    pub(super) name: String,
    pub(super) admin: Client,
}

impl Scratch {
    pub(super) async fn empty() -> Self {
        let name = format!("wharf_test_{}", random());
        let server = admin(&server().database).await;
        // Copies of the template wait for each other.
        server.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
        let admin = admin(&name).await;
        Self { name, admin }
    }

    /// A database with the tables that the corpus refers to.
    pub(super) async fn with_fixture() -> Self {
        let scratch = Self::empty().await;
        scratch.execute(FIXTURE).await;
        scratch
    }

    pub(super) async fn execute(&self, sql: &str) {
        if let Err(error) = self.admin.batch_execute(sql).await {
            panic!("{error:?} in {sql}");
        }
    }

    /// The first value of a query, as text.
    pub(super) async fn value(&self, sql: &str) -> String {
        let messages =
            self.admin.simple_query(sql).await.unwrap_or_else(|error| panic!("{error:?} in {sql}"));
        let value = messages.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        value.unwrap_or_default()
    }

    /// The superuser's settings for this database.
    pub(super) fn superuser(&self) -> PostgresSettings {
        let mut settings = server();
        settings.database.clone_from(&self.name);
        settings
    }

    /// The settings of a new role that may only read.
    pub(super) async fn reader(&self) -> PostgresSettings {
        let role = format!("r{}", self.name);
        self.execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'p'; REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO {role}; \
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
        ))
        .await;
        self.reader_settings(&role)
    }

    /// The settings of a role that [`reader`](Self::reader) made.
    pub(super) fn reader_settings(&self, role: &str) -> PostgresSettings {
        let mut settings = self.superuser();
        settings.user = role.to_owned();
        settings.password = Some("p".to_owned().into());
        settings
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let name = self.name.clone();
        let cleaning = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let server = admin(&server().database).await;
                let _ = server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
                let _ = server.batch_execute(&format!("DROP ROLE IF EXISTS r{name}")).await;
            });
        });
        let _ = cleaning.join();
    }
}
