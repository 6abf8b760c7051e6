//! `db://{database}/{table}/{id}`: one row by its primary key.
//!
//! Numbers that JSON would not carry are tagged (`{"integer": "…"}`), because no list of columns stands beside the row to
//! say what a bare string is.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use wharf::{Json, Resource, State, ToolError, Uri};

use super::address::{RowAddress, encode, row_uri, table_part};
use crate::{
    Databases,
    catalog::TableDescription,
    completions,
    error::DatabaseError,
    names::{TableName, unique_names},
    result::{Cell, Column},
    rows::{self, Lookup},
    tools::{deadline, refuse},
};

#[derive(serde::Serialize)]
struct Row {
    database: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    table: String,
    row: Named,
}

/// Cells by the names of their columns, in the table's order.
struct Named(Vec<(String, Cell)>);

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, cell) in &self.0 {
            map.serialize_entry(name, cell)?;
        }
        map.end()
    }
}

impl Named {
    fn new(columns: &[Column], cells: Vec<Cell>) -> Self {
        let names = unique_names(columns.iter().map(|column| column.name.as_str()));
        let tag = |cell: Cell| cell.tagged().map_or(cell, Cell::Tagged);
        Self(names.into_iter().zip(cells.into_iter().map(tag)).collect())
    }
}

/// The template.
pub(super) fn template(databases: &Databases) -> Resource {
    Resource::template("db://{database}/{table}/{id}", "row")
        .title("Row")
        .description(
            "One row by its primary key, such as db://main/users/42. Values of a key with several columns are separated by \
             commas. The table may be schema.table.",
        )
        .mime_type("application/json")
        .timeout(deadline(databases))
        .complete("database", completions::database)
        .complete("table", completions::table)
        .handler(read)
}

async fn read(Uri(uri): Uri, State(databases): State<Databases>) -> Result<Json<Row>, ToolError> {
    let address = RowAddress::parse(&uri).ok_or_else(|| {
        ToolError::not_found("a row is at db://DATABASE/TABLE/KEY, each part percent-encoded")
    })?;
    let (database, engine) = databases.get(Some(&address.database)).map_err(refuse)?;
    let table = engine.describe(&TableName::new(&*address.table)).await.map_err(refuse)?;
    let part = own_spelling(&address, &table).map_err(|right| {
        let message = format!(
            "no table is spelled like this here; the rows of the one that this finds are at db://{database}/{}/KEY",
            encode(&right)
        );
        ToolError::not_found(message)
    })?;
    let key = address.key(table.primary_key.len());
    match rows::by_key(&**engine, &table, &key).await.map_err(readable)? {
        Lookup::Found { columns, cells } => Ok(Json(Row {
            database: database.to_owned(),
            schema: table.schema,
            table: table.name,
            row: Named::new(&columns, cells),
        })),
        Lookup::Elsewhere { key } => Err(elsewhere(&row_uri(database, part, &key))),
        Lookup::Nothing => Err(ToolError::not_found(
            "the table has no row with this key; find it with execute_query, with the key in params",
        )),
    }
}

fn elsewhere(right: &str) -> ToolError {
    /// A longer one tells nobody anything.
    const MAX_SHOWN_BYTES: usize = 500;
    let mut message = String::from("no row has a key that is written like this");
    if right.len() <= MAX_SHOWN_BYTES {
        message.push_str("; the one that the database takes for equal is at ");
        message.push_str(right);
    }
    ToolError::not_found(message)
}

/// The table as it stands in the address, if that is the way in which the database spells it: no row has two addresses that
/// differ in letter case, and permissions that name one are not evaded by another.
///
/// # Errors
/// The right spelling.
fn own_spelling<'a>(address: &'a RowAddress, table: &TableDescription) -> Result<&'a str, String> {
    let whole = table_part(table.schema.as_deref(), &table.name);
    if address.table == table.name || address.table == whole {
        Ok(&address.table)
    } else {
        Err(whole)
    }
}

/// A statement of ours that fails does so because of the key: nobody can change it.
fn readable(error: DatabaseError) -> ToolError {
    match error {
        DatabaseError::Failed { message }
        | DatabaseError::NoSuchTable { message, .. }
        | DatabaseError::Syntax { message, .. } => ToolError::invalid_input(format!(
            "the database does not take the key: {message}; write it as the column's type is written"
        )),
        DatabaseError::TooLarge { .. } => ToolError::invalid_input(
            "the row is too large for a resource; select some of its columns with execute_query",
        ),
        other => refuse(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_their_names_their_order_and_their_exactness() {
        let column =
            |name: &str| Column { name: name.into(), declared_type: None, value_types: Vec::new() };
        let columns = [column("__proto__"), column(""), column("a"), column("a"), column("\"\n")];
        let cells = vec![
            Cell::Integer(i64::MAX),
            Cell::Real(f64::INFINITY),
            Cell::Integer(1),
            Cell::Text("9223372036854775807".into()),
            Cell::Null,
        ];
        let json = serde_json::to_string(&Named::new(&columns, cells)).unwrap();
        assert_eq!(
            json,
            r#"{"__proto__":{"integer":"9223372036854775807"},"":{"real":"Infinity"},"a":1,"a:2":"9223372036854775807","\"\n":null}"#
        );
    }
}
