//! The server's resources, one per file: rows, schemas and pools.
//!
//! They read through the same [`Engine`](crate::engine::Engine) as the tools, behind the same boundaries and bounds.

mod address;
mod pool;
mod row;
mod schema;

use wharf::Resource;

pub(crate) use address::{row_uris, table_part};

use crate::Databases;

/// The templates, and the schema of each database.
pub(crate) fn all(databases: &Databases) -> Vec<Resource> {
    let mut all = vec![row::template(databases), pool::template()];
    all.extend(schema::all(databases));
    all
}
