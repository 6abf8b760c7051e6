//! `db://{database}/pool`: the connections of a database and what they did, for whoever operates the server.
//!
//! It demands the scope `admin`: how busy others are is no business of those who only query.

use serde::Serialize;
use wharf::{Args, Json, Resource, State, ToolError};

use crate::{Databases, completions, engine::PoolStats, tools::refuse};

#[derive(Serialize)]
struct Pool {
    database: String,
    #[serde(flatten)]
    stats: PoolStats,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Variables {
    database: String,
}

/// The template.
pub(super) fn template() -> Resource {
    Resource::template("db://{database}/pool", "pool")
        .title("Connection pool")
        .description("Connections of a database: open, in use, waiting; statements and errors.")
        .mime_type("application/json")
        .scopes(["admin"])
        .complete("database", completions::database)
        .handler(read)
}

async fn read(
    Args(Variables { database }): Args<Variables>,
    State(databases): State<Databases>,
) -> Result<Json<Pool>, ToolError> {
    let (database, engine) = databases.get(Some(&database)).map_err(refuse)?;
    Ok(Json(Pool { database: database.to_owned(), stats: engine.pool_stats() }))
}
