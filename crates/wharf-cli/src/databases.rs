//! From the configuration of databases to the engines that serve them, and what runs beside the calls of their servers.

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use wharf_database::{
    ChangeRelay, Databases,
    engine::{Engine, Health},
    error::DatabaseError,
    limits::Limits,
    mysql::{self, MysqlSettings},
    pool::PoolSettings,
    postgres::{Postgres, PostgresSettings, SecretUrl},
    promises::{Promised, Promises},
    sqlite::{self, SqliteSettings},
};

use crate::{
    config::{Database, DatabaseSource, DatabaseUrl, OneDatabase, ServerKind, Settings},
    exit::Exit,
    failure::Failure,
    hosting::Hosted,
};

/// The databases of one server. They are opened when they are first asked.
///
/// # Errors
/// [`DatabaseError::InvalidArgument`] names the setting that can't be used.
pub(crate) fn of(configured: &Database) -> Result<Databases, DatabaseError> {
    let engines = configured.databases.iter().map(|(name, one)| Ok((name.clone(), engine(one)?)));
    Databases::new(engines.collect::<Result<Vec<_>, DatabaseError>>()?, configured.default.clone())
}

/// A call to try it with, in the words of `wharf call`.
pub(crate) fn example(configured: &Database) -> &'static [&'static str] {
    let is_sample = |(_, one): &(String, OneDatabase)| one.source == DatabaseSource::Sample;
    match configured.databases.as_slice() {
        [only] if is_sample(only) => &[
            "execute_query",
            "query=SELECT name, departures FROM airport_traffic ORDER BY 2 DESC LIMIT 3",
        ],
        [_] => &["list_tables"],
        _ => &["list_databases"],
    }
}

/// Longest wait for a database at the start.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// Tries the promises of all databases before anything is served, and tells the operator about roles that may do too much.
///
/// # Errors
/// A promise that is not kept, with what keeps it. A database that can't be reached is no failure: it may come later, and
/// answers nothing before its promises have been tried.
pub(crate) async fn keep_promises(settings: &Settings, hosted: &[Hosted]) -> Result<(), Failure> {
    for server in &settings.servers {
        let ServerKind::Database(configured) = &server.kind else { continue };
        let served = hosted.iter().find(|hosted| hosted.name == server.name);
        let Some(databases) = served.and_then(|hosted| hosted.databases.as_ref()) else { continue };
        for (name, one) in &configured.databases {
            if one.hidden_columns.is_empty() && one.row_security.is_empty() {
                continue;
            }
            let Ok((_, engine)) = databases.get(Some(name)) else { continue };
            match tokio::time::timeout(START_PATIENCE, engine.check()).await {
                Ok(Err(DatabaseError::PromiseBroken { what, advice })) => {
                    let text = format!("the database {name:?} of {:?}: {what}", server.name);
                    return Err(Failure::new(Exit::Usage, text).hint(&advice));
                }
                Ok(checked) => tell(name, checked.map_err(|error| error.to_string())),
                Err(_elapsed) => tell(name, Err("it did not answer in time".to_owned())),
            }
        }
    }
    Ok(())
}

/// Loudly, at the start: later nobody looks.
fn tell(name: &str, checked: Result<Health, String>) {
    match checked {
        Ok(health) => health.warnings.iter().for_each(|warning| {
            tracing::warn!(database = name, "{warning}; `wharf doctor` shows this again");
        }),
        Err(reason) => tracing::warn!(database = name, reason, "it can't be read yet"),
    }
}

/// What runs beside the calls of servers: the notifications of their databases, and the connections.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub(crate) struct Running {
    relays: Vec<ChangeRelay>,
    databases: Vec<Databases>,
    /// Looks at each database once; a server does not wait for that.
    checks: tokio::task::JoinSet<()>,
}

impl Running {
    /// Starts it. Needs the runtime.
    pub(crate) fn start(hosted: &[Hosted]) -> Self {
        let with_databases = hosted.iter().filter_map(|server| {
            let databases = server.databases.clone()?;
            Some((ChangeRelay::start(server.service.handle(), &databases), databases))
        });
        let (relays, databases): (_, Vec<Databases>) = with_databases.unzip();
        let mut checks = tokio::task::JoinSet::new();
        for databases in &databases {
            for (name, engine) in databases.iter() {
                let (name, engine) = (name.to_owned(), Arc::clone(engine));
                checks.spawn(async move {
                    let checked = tokio::time::timeout(START_PATIENCE, engine.check()).await;
                    tell(
                        &name,
                        checked.map_or_else(
                            |_elapsed| Err("it did not answer in time".to_owned()),
                            |checked| checked.map_err(|error| error.to_string()),
                        ),
                    );
                });
            }
        }
        Self { relays, databases, checks }
    }

    /// Ends it, once no call runs any more.
    pub(crate) async fn close(mut self) {
        /// A database that can't be reached must not keep the process.
        const PATIENCE: Duration = Duration::from_secs(5);
        self.checks.shutdown().await;
        for relay in self.relays {
            relay.close().await;
        }
        for databases in self.databases {
            if tokio::time::timeout(PATIENCE, databases.close()).await.is_err() {
                tracing::warn!("a database did not close its connections in time");
            }
        }
    }
}

fn engine(one: &OneDatabase) -> Result<Arc<dyn Engine>, DatabaseError> {
    match &one.source {
        DatabaseSource::Sample => sqlite(one, SqliteSettings::sample()),
        DatabaseSource::Path(path) => sqlite(one, SqliteSettings::file(path)),
        DatabaseSource::Postgres(url) => postgres(one, url),
        DatabaseSource::Mysql(url) => mysql(one, url),
    }
}

/// Behind its promises, if there are any.
fn promised(one: &OneDatabase, engine: impl Engine) -> Result<Arc<dyn Engine>, DatabaseError> {
    let promises = Promises {
        hidden_columns: one.hidden_columns.clone(),
        row_security: one.row_security.clone(),
    };
    Ok(if promises.is_empty() {
        Arc::new(engine)
    } else {
        Arc::new(Promised::new(engine, promises)?)
    })
}

fn postgres(one: &OneDatabase, url: &DatabaseUrl) -> Result<Arc<dyn Engine>, DatabaseError> {
    let mut settings = PostgresSettings::from_url(&SecretUrl(url.0.expose_secret()))?;
    bound(one, &mut settings.limits);
    settings.pool = pool(one);
    if let Some(file) = &one.ca_file {
        settings.tls.root_certificates = Some(file.clone());
    }
    settings.session.extend(one.session.iter().cloned());
    settings.writes = one.writes;
    settings.notify = one.notify;
    settings.allow_functions.extend(one.allow_functions.iter().cloned());
    promised(one, Postgres::open(settings)?)
}

fn mysql(one: &OneDatabase, url: &DatabaseUrl) -> Result<Arc<dyn Engine>, DatabaseError> {
    if one.notify {
        return Err(DatabaseError::InvalidArgument {
            argument: "notify".into(),
            message: "MySQL tells of no changes; leave it out".into(),
        });
    }
    let mut settings = MysqlSettings::from_url(&url.0)?;
    bound(one, &mut settings.limits);
    settings.pool = pool(one);
    settings.writes = one.writes;
    settings.root_certificates.clone_from(&one.ca_file);
    settings.allow_functions.clone_from(&one.allow_functions);
    for (name, value) in &one.session {
        if name.eq_ignore_ascii_case("time_zone") {
            settings.time_zone.clone_from(value);
        } else {
            settings.session.push((name.clone(), value.clone()));
        }
    }
    promised(one, mysql::Database::open(settings)?)
}

fn sqlite(
    one: &OneDatabase,
    mut settings: SqliteSettings,
) -> Result<Arc<dyn Engine>, DatabaseError> {
    bound(one, &mut settings.limits);
    settings.pool = pool(one);
    settings.writes = one.writes;
    settings.hidden_columns.clone_from(&one.hidden_columns);
    promised(one, sqlite::Database::open(settings)?)
}

fn bound(one: &OneDatabase, limits: &mut Limits) {
    limits.max_rows = one.row_limit;
    limits.default_rows = limits.default_rows.min(one.row_limit);
    limits.max_timeout = one.timeout;
    limits.default_timeout = limits.default_timeout.min(one.timeout);
    limits.max_result_bytes = one.result_bytes;
    // The default of a cell may be more than what somebody wants of a whole result.
    limits.max_cell_bytes = one.cell_bytes.min(one.result_bytes);
}

fn pool(one: &OneDatabase) -> PoolSettings {
    PoolSettings {
        min: one.min_connections,
        max: one.max_connections,
        idle_lifetime: one.idle_lifetime,
        acquire_timeout: one.acquire_timeout,
        max_waiting: one.max_waiting,
        statement_cache: one.statement_cache,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use wharf_database::request::QueryRequest;

    use super::*;
    use crate::config::tests::load_text;

    fn sample() -> OneDatabase {
        OneDatabase {
            source: DatabaseSource::Sample,
            row_limit: 3,
            timeout: Duration::from_secs(20),
            result_bytes: 2_048,
            cell_bytes: 16,
            min_connections: 0,
            max_connections: 1,
            idle_lifetime: Duration::from_secs(1),
            acquire_timeout: Duration::from_secs(1),
            max_waiting: 0,
            statement_cache: 64,
            ca_file: None,
            session: Vec::new(),
            allow_functions: Vec::new(),
            writes: false,
            notify: false,
            hidden_columns: Vec::new(),
            row_security: Vec::new(),
        }
    }

    #[tokio::test]
    async fn configured_bounds_are_in_force() {
        let engine = engine(&sample()).unwrap();
        let long = QueryRequest::new("SELECT 'longer than sixteen bytes' AS cut, 1");
        assert_eq!(engine.query(long).await.unwrap().cut_cells, 1);
        let many = QueryRequest { row_limit: Some(4), ..QueryRequest::new("SELECT 1") };
        assert!(engine.query(many).await.is_err());
        // One that does not end has the one connection, and nobody may wait for it.
        let endless =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
        let mut first = Box::pin(engine.query(QueryRequest::new(endless)));
        assert!((&mut first).now_or_never().is_none());
        let second = engine.query(QueryRequest::new("SELECT 1")).await;
        assert!(matches!(second, Err(DatabaseError::Busy { .. })), "{second:?}");
    }

    #[test]
    fn a_small_result_makes_cells_small_too() {
        let mut limits = Limits::default();
        bound(&OneDatabase { cell_bytes: 64 << 10, ..sample() }, &mut limits);
        assert_eq!((limits.max_cell_bytes, limits.check()), (2_048, Ok(())));
    }

    #[test]
    fn rows_are_changed_only_where_the_configuration_says_so_whatever_the_database_is() {
        for source in [
            "url = \"mysql://w:p@127.0.0.1/shop\"",
            "url = \"mariadb://w:p@127.0.0.1/shop\"",
            "url = \"postgres://w:p@127.0.0.1/shop\"",
            "path = \"data.db\"",
        ] {
            for (writes, further) in [
                (true, "writes = true"),
                (true, "writes = true\nhidden_columns = [\"users.email\"]"),
                (false, "writes = false"),
                (false, "hidden_columns = [\"users.email\"]"),
            ] {
                let text = format!("[servers.data]\nkind = \"database\"\n{source}\n{further}\n");
                let settings = load_text(&text, &[]).unwrap();
                let ServerKind::Database(database) = &settings.servers[0].kind else { panic!() };
                let opened = engine(&database.databases[0].1).unwrap();
                assert_eq!(opened.writer().is_some(), writes, "{text}");
            }
        }
    }
}
