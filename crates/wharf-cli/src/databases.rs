//! From the configuration of databases to the engines that serve them.

use std::sync::Arc;

use wharf_database::{
    Databases,
    engine::Engine,
    error::DatabaseError,
    limits::Limits,
    pool::PoolSettings,
    sqlite::{self, SqliteSettings},
};

use crate::config::{Database, DatabaseSource, OneDatabase};

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

fn engine(one: &OneDatabase) -> Result<Arc<dyn Engine>, DatabaseError> {
    match &one.source {
        DatabaseSource::Sample => sqlite(one, SqliteSettings::sample()),
        DatabaseSource::Path(path) => sqlite(one, SqliteSettings::file(path)),
        DatabaseSource::Postgres(_) | DatabaseSource::Mysql(_) => {
            Err(DatabaseError::InvalidArgument {
                argument: "url".into(),
                message: "servers of databases are not part of this build".into(),
            })
        }
    }
}

fn sqlite(
    one: &OneDatabase,
    mut settings: SqliteSettings,
) -> Result<Arc<dyn Engine>, DatabaseError> {
    bound(one, &mut settings.limits);
    settings.pool = pool(one);
    settings.writes = one.writes;
    Ok(Arc::new(sqlite::Database::open(settings)?))
}

fn bound(one: &OneDatabase, limits: &mut Limits) {
    limits.max_rows = one.row_limit;
    limits.default_rows = limits.default_rows.min(one.row_limit);
    limits.max_timeout = one.timeout;
    limits.default_timeout = limits.default_timeout.min(one.timeout);
    limits.max_result_bytes = one.result_bytes;
    limits.max_cell_bytes = limits.max_cell_bytes.min(one.result_bytes);
}

fn pool(one: &OneDatabase) -> PoolSettings {
    PoolSettings {
        min: one.min_connections,
        max: one.max_connections,
        idle_lifetime: one.idle_lifetime,
        acquire_timeout: one.acquire_timeout,
        ..PoolSettings::default()
    }
}
