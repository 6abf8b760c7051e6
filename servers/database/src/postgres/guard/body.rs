//! Has PostgreSQL analyse text without running it.
//!
//! `CREATE FUNCTION … BEGIN ATOMIC` stores a body as an analysed tree in `pg_proc.prosqlbody`. The function lives in the session's
//! temporary schema under a random name, and the transaction around it is always rolled back.
//!
//! It is made with the extended protocol, which takes one statement: a body that ends itself (`SELECT 1; END; COMMIT; …`) would
//! otherwise have the rest of it run at once.

use std::fmt::Write as _;

use tokio_postgres::types::Type;

use super::super::session::Session;
use super::catalogue::Function;
use crate::error::DatabaseError;

const TREE: &str = "SELECT p.prosqlbody::text FROM pg_catalog.pg_proc p \
     WHERE p.proname OPERATOR(pg_catalog.=) $1::pg_catalog.text::pg_catalog.name \
       AND p.pronamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()";

/// How the analysis of the caller's statement ended.
pub(super) enum Analysis {
    /// The tree.
    Tree(String),
    /// The server understood the statement before, and refuses it as the body of a function: it is no query.
    NoQuery(tokio_postgres::Error),
    /// The server cannot analyse at all.
    Impossible(String),
}

/// Analyses the caller's statement, which the server has already taken for exactly one.
pub(super) async fn analyse_statement(
    session: &Session,
    sql: &str,
    parameters: &[Type],
) -> Result<Analysis, DatabaseError> {
    let name = random_name()?;
    let mut create = format!("CREATE FUNCTION pg_temp.{name}(");
    for (index, parameter) in parameters.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let _ = write!(create, "{separator}{}", type_name(session, parameter).await?);
    }
    // The statement may end in a comment, which the line break ends.
    let _ = write!(create, ") RETURNS pg_catalog.void BEGIN ATOMIC {sql}\n; END");
    match session.client().execute(&create, &[]).await {
        Ok(_) => Ok(Analysis::Tree(read_tree(session, &name).await?)),
        Err(error) => match error.code().map(tokio_postgres::error::SqlState::code) {
            // No TEMP privilege, and a transaction that cannot write.
            Some("42501" | "25006") => Ok(Analysis::Impossible(error.to_string())),
            Some(code) if code.starts_with("42") || code.starts_with("0A") => {
                Ok(Analysis::NoQuery(error))
            }
            _ => Err(session.own_error(&error)),
        },
    }
}

/// Analyses the body of an SQL function that is stored as text; nothing when that depends on the call.
pub(super) async fn analyse(
    session: &Session,
    function: &Function,
    search_path: &str,
) -> Result<Option<String>, DatabaseError> {
    let Some(result) = &function.result else { return Ok(None) };
    let name = random_name()?;
    let own_path = function.config.iter().find_map(|setting| setting.strip_prefix("search_path="));
    let path = own_path.map_or_else(|| search_path.to_owned(), str::to_owned);
    session.batch("SAVEPOINT wharf_body").await?;
    let set_path = session.prepared("SELECT set_config('search_path', $1, true)").await?;
    let set = session.client().query(&set_path, &[&path]).await;
    set.map_err(|error| session.own_error(&error))?;
    let create = format!(
        "CREATE FUNCTION pg_temp.{name}({}) RETURNS {result} BEGIN ATOMIC {}\n; END",
        function.arguments, function.source
    );
    let tree = match session.client().execute(&create, &[]).await {
        Ok(_) => Some(read_tree(session, &name).await?),
        Err(error) if error.as_db_error().is_some() => None,
        Err(error) => return Err(session.own_error(&error)),
    };
    session.batch("ROLLBACK TO SAVEPOINT wharf_body; RELEASE SAVEPOINT wharf_body").await?;
    Ok(tree)
}

async fn read_tree(session: &Session, name: &str) -> Result<String, DatabaseError> {
    let statement = session.prepared(TREE).await?;
    let row = session.client().query_one(&statement, &[&name]).await;
    let row = row.map_err(|error| session.own_error(&error))?;
    row.try_get(0).map_err(|error| DatabaseError::internal(error.to_string()))
}

async fn type_name(session: &Session, parameter: &Type) -> Result<String, DatabaseError> {
    let statement = session.prepared("SELECT pg_catalog.format_type($1, NULL)").await?;
    let row = session.client().query_one(&statement, &[&parameter.oid()]).await;
    let row = row.map_err(|error| session.own_error(&error))?;
    row.try_get(0).map_err(|error| DatabaseError::internal(error.to_string()))
}

/// A name that no statement can guess.
fn random_name() -> Result<String, DatabaseError> {
    let random = getrandom::u64().map_err(|error| DatabaseError::internal(error.to_string()))?;
    Ok(format!("wharf_{random:016x}"))
}
