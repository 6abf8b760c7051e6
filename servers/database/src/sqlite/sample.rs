//! The embedded sample database: built in memory when it is first needed, then shared as read-only bytes.

use std::sync::OnceLock;

use rusqlite::{Connection, MAIN_DB, params_from_iter};

use crate::error::DatabaseError;

const SCHEMA: &str = include_str!("../../sample/schema.sql");

/// The tables in the order that their references need.
const TABLES: &[(&str, &str)] = &[
    ("states", include_str!("../../sample/states.csv")),
    ("airports", include_str!("../../sample/airports.csv")),
    ("routes", include_str!("../../sample/routes.csv")),
    ("wildlife_strikes", include_str!("../../sample/wildlife_strikes.csv")),
];

/// The sample as the bytes of an SQLite database file.
pub(super) fn image() -> Result<&'static [u8], DatabaseError> {
    static IMAGE: OnceLock<Result<Vec<u8>, String>> = OnceLock::new();
    match IMAGE.get_or_init(|| build().map_err(|error| error.to_string())) {
        Ok(bytes) => Ok(bytes),
        Err(detail) => Err(DatabaseError::internal(format!("embedded sample: {detail}"))),
    }
}

fn build() -> rusqlite::Result<Vec<u8>> {
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    let transaction = connection.transaction()?;
    for (table, csv) in TABLES {
        let mut lines = csv.lines();
        let columns = lines.next().unwrap_or_default();
        let places = vec!["?"; columns.split(',').count()].join(", ");
        let sql = format!("INSERT INTO {table} ({columns}) VALUES ({places})");
        let mut insert = transaction.prepare(&sql)?;
        for line in lines {
            let fields = split_fields(line);
            let values =
                fields.iter().map(|field| if field.is_empty() { None } else { Some(field) });
            insert.execute(params_from_iter(values))?;
        }
    }
    // The planner's statistics travel with the image, so that listings and joins know the sizes.
    transaction.execute_batch("ANALYZE")?;
    transaction.commit()?;
    Ok(connection.serialize(MAIN_DB)?.to_vec())
}

/// The fields of one line of CSV. The sample's own files hold no line breaks in fields.
fn split_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                push(&mut fields, '"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => push(&mut fields, other),
        }
    }
    fields
}

fn push(fields: &mut [String], character: char) {
    if let Some(field) = fields.last_mut() {
        field.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_as_csv() {
        assert_eq!(split_fields("a,,\"b,\"\"c\"\"\""), ["a", "", "b,\"c\""]);
        assert_eq!(split_fields(""), [""]);
    }

    #[test]
    fn the_sample_is_whole_and_its_references_hold() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.deserialize_bytes(MAIN_DB, image().unwrap()).unwrap();
        for (table, rows) in
            [("states", 56), ("airports", 3376), ("routes", 5366), ("wildlife_strikes", 1112)]
        {
            let count: i64 = connection
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
                .unwrap();
            assert_eq!(count, rows, "{table}");
        }
        let broken: i64 = connection
            .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(broken, 0);
        let empty: i64 = connection
            .query_row(
                "SELECT count(*) FROM airports WHERE city = '' OR state_code = ''",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(empty, 0);
    }
}
