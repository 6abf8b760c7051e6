//! A database of one test, and the engine over it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder};
use secrecy::SecretString;
use serde_json::Value;
use tokio::task::JoinHandle;
use wharf_database::error::DatabaseError;
use wharf_database::mysql::{Database, MysqlSettings};
use wharf_database::request::QueryRequest;
use wharf_database::result::QueryResult;

use super::support::services::{mysql_url, url_of_database};

const FIXTURE: &str = include_str!("../corpus/fixture_mysql.sql");

/// A query that would be counting for days.
pub(crate) const ENDLESS: &str = "SELECT count(*) FROM orders_big a, orders_big b, orders_big c";

/// A database with the fixture in it, and a URL to it with every privilege.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl Fixture {
    /// On the shared server.
    pub(crate) async fn new() -> Self {
        Self::on(&mysql_url()).await
    }

    /// On the server of this URL.
    pub(crate) async fn on(url: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let nanos = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
        let name = format!("wt_{}_{nanos}_{count}", std::process::id());
        let fixture = Self { url: url_of_database(url, &name), name: name.clone() };
        let mut admin = connect(url).await;
        admin.query_drop(format!("CREATE DATABASE {name}; USE {name}; {FIXTURE}")).await.unwrap();
        admin.disconnect().await.unwrap();
        fixture
    }

    /// Settings of a role that may only read, which is made for this database.
    pub(crate) async fn reader(&self) -> MysqlSettings {
        self.role("SELECT, SHOW VIEW, EXECUTE").await
    }

    /// Settings of a role with these privileges on this database.
    pub(crate) async fn role(&self, privileges: &str) -> MysqlSettings {
        let name = &self.name;
        self.run(&format!(
            "CREATE USER '{name}'@'%' IDENTIFIED BY 'pw{name}'; GRANT {privileges} ON {name}.* TO '{name}'@'%'"
        ))
        .await;
        let mut settings = self.everything();
        settings.user = name.clone();
        settings.password = SecretString::from(format!("pw{name}"));
        settings
    }

    /// Settings of the role with every privilege.
    pub(crate) fn everything(&self) -> MysqlSettings {
        let mut settings = MysqlSettings::from_url(&SecretString::from(self.url.as_str())).unwrap();
        // How busy the machine is is not what any test is about. One of a deadline names it.
        settings.connect_timeout = Duration::from_secs(60);
        settings.limits.default_timeout = Duration::from_secs(120);
        settings
    }

    /// An engine of a role that may only read.
    pub(crate) async fn database(&self) -> Database {
        Database::open(self.reader().await).unwrap()
    }

    /// Runs statements with every privilege.
    pub(crate) async fn run(&self, sql: &str) {
        let mut admin = self.admin().await;
        admin.query_drop(sql).await.unwrap();
        admin.disconnect().await.unwrap();
    }

    pub(crate) async fn admin(&self) -> Conn {
        connect(&self.url).await
    }

    /// How many sessions of the reading role the server has.
    pub(crate) async fn sessions(&self) -> usize {
        let mut admin = self.admin().await;
        let count = admin
            .query_first(format!(
                "SELECT count(*) FROM information_schema.processlist WHERE user = '{}'",
                self.name
            ))
            .await
            .unwrap();
        admin.disconnect().await.unwrap();
        count.unwrap()
    }

    /// Waits until the server has noticed that the role is not connected any more.
    pub(crate) async fn until_gone(&self) {
        within(Duration::from_secs(20), async {
            while self.sessions().await > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Makes a connection busy with a statement that does not end by itself, and waits until the server runs it.
    pub(crate) async fn keep_busy(
        &self,
        database: &Database,
    ) -> JoinHandle<Result<QueryResult, DatabaseError>> {
        let endless = limited(ENDLESS, Duration::from_secs(60));
        let asking = database.clone();
        let running = tokio::spawn(async move { asking.query(endless).await });
        self.until_busy(1).await;
        running
    }

    /// Waits until the reading role has so many sessions that do something other than wait.
    pub(crate) async fn until_busy(&self, wanted: usize) {
        let mut admin = self.admin().await;
        let question = format!(
            "SELECT count(*) FROM information_schema.processlist WHERE user = '{}' AND command <> 'Sleep'",
            self.name
        );
        within(Duration::from_secs(20), async {
            loop {
                let count: Option<usize> = admin.query_first(&question).await.unwrap();
                if count == Some(wanted) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        admin.disconnect().await.unwrap();
    }
}

async fn connect(url: &str) -> Conn {
    let opts = OptsBuilder::from_opts(Opts::from_url(url).unwrap()).prefer_socket(false);
    Conn::new(opts).await.expect("the MariaDB of scripts/services answers")
}

/// The rows as JSON.
pub(crate) async fn rows(database: &Database, sql: &str) -> Value {
    match query(database, sql).await {
        Ok(result) => serde_json::to_value(result.rows).unwrap(),
        Err(error) => panic!("{sql}: {error} {:?}", error.detail()),
    }
}

pub(crate) async fn query(database: &Database, sql: &str) -> Result<QueryResult, DatabaseError> {
    database.query(QueryRequest::new(sql)).await
}

/// A query with a time limit.
pub(crate) fn limited(sql: &str, timeout: Duration) -> QueryRequest {
    QueryRequest { timeout: Some(timeout), ..QueryRequest::new(sql) }
}

/// The future's value, or a failed test.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, future).await.expect("it should have ended by now")
}

/// Waits until no connection is in use.
pub(crate) async fn until_idle(database: &Database) {
    within(Duration::from_secs(20), async {
        while database.pool_stats().in_use > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
