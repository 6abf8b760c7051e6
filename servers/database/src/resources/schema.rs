//! `db://{database}/schema`: every table with its columns, types and keys.
//!
//! It is a list of its own for each database, so that clients find it in `resources/list`, and a template for those that
//! look for templates.

use serde::Serialize;
use wharf::{Args, Json, Resource, ResourceBuilder, State, ToolError};

use crate::{
    Databases, completions,
    overview::{self, Overview},
    tools::{deadline, refuse},
};

#[derive(Serialize)]
struct Schema {
    database: String,
    #[serde(flatten)]
    overview: Overview,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Variables {
    database: String,
}

/// The template, and a resource for each database.
pub(super) fn all(databases: &Databases) -> Vec<Resource> {
    let describe = |resource: ResourceBuilder| {
        resource.title("Schema").mime_type("application/json").timeout(deadline(databases))
    };
    let template = describe(Resource::template("db://{database}/schema", "schema"))
        .description("The tables of a database with columns, types and keys.")
        .complete("database", completions::database)
        .handler(|Args(Variables { database }), State(databases)| read(databases, database));
    let mut all = vec![template];
    for name in databases.names() {
        let uri = format!("db://{name}/schema");
        let database = name.to_owned();
        let resource = describe(Resource::new(uri, format!("schema of {name}")));
        all.push(resource.handler(move |State(databases)| read(databases, database.clone())));
    }
    all
}

async fn read(databases: Databases, database: String) -> Result<Json<Schema>, ToolError> {
    let (database, engine) = databases.get(Some(&database)).map_err(refuse)?;
    let overview = overview::of(&**engine).await.map_err(refuse)?;
    Ok(Json(Schema { database: database.to_owned(), overview }))
}
