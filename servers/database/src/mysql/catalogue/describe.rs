//! Describes one table or view: columns, keys, constraints and indexes.

use mysql_async::{Conn, Row};

use super::list::kind;
use super::question::{ask, number, said, schemas, shown_schema, text};
use crate::catalog::{
    ColumnDescription, ForeignKey, IndexDescription, TableDescription, TableKind,
};
use crate::engine::Dialect;
use crate::error::DatabaseError;
use crate::mysql::session::Flavor;
use crate::names::{TableName, near_names};

/// Everything needed to write a query against the table.
pub(in crate::mysql) async fn describe(
    conn: &mut Conn,
    flavor: Flavor,
    table: &TableName,
    configured: Option<&str>,
) -> Result<TableDescription, DatabaseError> {
    let (schema, name, kind, comment) = find(conn, table, configured).await?;
    let mut columns = columns(conn, flavor, &schema, &name).await?;
    let mut indexes = indexes(conn, &schema, &name).await?;
    let primary_key = match indexes.iter().position(|index| index.name == "PRIMARY") {
        Some(at) => indexes.remove(at).columns.into_iter().flatten().collect(),
        None => Vec::new(),
    };
    for column in &mut columns {
        column.primary_key = primary_key.contains(&column.name);
    }
    let whole =
        |index: &IndexDescription| index.columns.iter().cloned().collect::<Option<Vec<_>>>();
    let unique = indexes.iter().filter(|index| index.unique).filter_map(whole).collect();
    let sql = match kind {
        TableKind::View => definition(conn, &schema, &name).await?,
        _ => None,
    };
    Ok(TableDescription {
        foreign_keys: foreign_keys(conn, &schema, &name, configured).await?,
        checks: checks(conn, flavor, &schema, &name).await?,
        schema: shown_schema(&schema, configured),
        name,
        kind,
        comment,
        columns,
        primary_key,
        unique,
        indexes,
        sql,
    })
}

type Found = (String, String, TableKind, Option<String>);

async fn find(
    conn: &mut Conn,
    table: &TableName,
    configured: Option<&str>,
) -> Result<Found, DatabaseError> {
    const ONE: &str = "SELECT table_schema, table_name, table_type, engine, table_comment \
                       FROM information_schema.tables WHERE table_schema = ? AND table_name = ? LIMIT 1";
    const ANY: &str = "SELECT table_schema, table_name, table_type, engine, table_comment FROM information_schema.tables \
                       WHERE table_name = ? AND table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') \
                       ORDER BY table_schema LIMIT 2";
    for (schema, name) in table.readings() {
        let rows = match schema.or(configured) {
            Some(schema) => ask(conn, ONE, &[schema, name]).await?,
            None => ask(conn, ANY, &[name]).await?,
        };
        match rows.as_slice() {
            [] => {}
            [row] => {
                let (Some(schema), Some(name)) = (text(row, 0), text(row, 1)) else { continue };
                let kind = kind(text(row, 2).as_deref(), &text(row, 3).unwrap_or_default());
                return Ok((schema, name, kind, said(row, 4).filter(|_| kind != TableKind::View)));
            }
            _ => {
                let rule = "several schemas have such a table; name the schema";
                return Err(DatabaseError::invalid("schema", rule));
            }
        }
    }
    Err(unknown(conn, table, configured).await)
}

async fn unknown(conn: &mut Conn, table: &TableName, configured: Option<&str>) -> DatabaseError {
    let wanted = table.schema.as_deref();
    let schemas = match schemas(conn, wanted, configured).await {
        Ok(schemas) => schemas,
        Err(error) => return error,
    };
    let mut names = Vec::new();
    for schema in schemas {
        let rows = ask(
            conn,
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ? LIMIT 10000",
            &[&schema],
        )
        .await;
        match rows {
            Ok(rows) => names.extend(rows.iter().filter_map(|row| text(row, 0))),
            Err(error) => return error,
        }
    }
    let suggestions = near_names(&table.name, names.iter().map(String::as_str));
    DatabaseError::UnknownTable { name: table.shown(), suggestions }
}

async fn columns(
    conn: &mut Conn,
    flavor: Flavor,
    schema: &str,
    name: &str,
) -> Result<Vec<ColumnDescription>, DatabaseError> {
    let rows = ask(
        conn,
        "SELECT column_name, column_type, is_nullable, column_default, extra, character_maximum_length, column_comment \
         FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
        &[schema, name],
    )
    .await?;
    Ok(rows.iter().map(|row| column(row, flavor)).collect())
}

fn column(row: &Row, flavor: Flavor) -> ColumnDescription {
    let extra = text(row, 4).unwrap_or_default().to_ascii_uppercase();
    // `DEFAULT_GENERATED` of MySQL only says that the default is an expression.
    let generated = extra.contains(" GENERATED") || extra.contains("AUTO_INCREMENT");
    let default = text(row, 3).filter(|default| default != "NULL");
    let default = match flavor {
        // MySQL shows the value where there is no expression.
        Flavor::MySql if !extra.contains("DEFAULT_GENERATED") => default.map(literal),
        _ => default,
    };
    ColumnDescription {
        nullable: text(row, 2).as_deref() == Some("YES"),
        default,
        generated,
        max_length: number(row, 5),
        comment: said(row, 6),
        ..ColumnDescription::new(text(row, 0).unwrap_or_default(), text(row, 1).unwrap_or_default())
    }
}

fn literal(value: String) -> String {
    if value.parse::<f64>().is_ok() { value } else { format!("'{}'", value.replace('\'', "''")) }
}

/// All indexes in the server's order, the primary key among them.
async fn indexes(
    conn: &mut Conn,
    schema: &str,
    name: &str,
) -> Result<Vec<IndexDescription>, DatabaseError> {
    let rows = ask(
        conn,
        "SELECT index_name, non_unique, column_name, sub_part, index_type FROM information_schema.statistics \
         WHERE table_schema = ? AND table_name = ? ORDER BY index_name = 'PRIMARY' DESC, index_name, seq_in_index",
        &[schema, name],
    )
    .await?;
    let mut indexes: Vec<IndexDescription> = Vec::new();
    for row in &rows {
        let index_name = text(row, 0).unwrap_or_default();
        if indexes.last().is_none_or(|last| last.name != index_name) {
            indexes.push(IndexDescription {
                name: index_name,
                columns: Vec::new(),
                unique: number(row, 1) == Some(0),
                partial: false,
                definition: None,
            });
        }
        // An expression has no column, and a prefix of a column is no whole column.
        let (column, prefix) = (text(row, 2), number(row, 3));
        if let Some(index) = indexes.last_mut() {
            let part = column.as_ref().map_or("an expression".to_owned(), |name| {
                Dialect::Mysql.quote(name)
                    + &prefix.map(|length| format!("({length})")).unwrap_or_default()
            });
            index.columns.push(column.filter(|_| prefix.is_none()));
            let kind = text(row, 4).unwrap_or_default();
            let parts = match index.definition.take() {
                Some(mut parts) => {
                    parts.truncate(parts.len() - 1);
                    format!("{parts}, {part})")
                }
                None => format!("{kind} ({part})"),
            };
            index.definition = Some(parts);
        }
    }
    for index in &mut indexes {
        let says_more = index.columns.contains(&None)
            || index.definition.as_ref().is_some_and(|text| !text.starts_with("BTREE "));
        index.definition = index.definition.take().filter(|_| says_more);
    }
    Ok(indexes)
}

async fn foreign_keys(
    conn: &mut Conn,
    schema: &str,
    name: &str,
    configured: Option<&str>,
) -> Result<Vec<ForeignKey>, DatabaseError> {
    let rows = ask(
        conn,
        "SELECT k.constraint_name, k.column_name, k.referenced_table_schema, k.referenced_table_name, \
                k.referenced_column_name, r.delete_rule, r.update_rule \
         FROM information_schema.key_column_usage k \
         JOIN information_schema.referential_constraints r \
           ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name \
          AND r.table_name = k.table_name \
         WHERE k.table_schema = ? AND k.table_name = ? AND k.referenced_table_name IS NOT NULL \
         ORDER BY k.constraint_name, k.ordinal_position",
        &[schema, name],
    )
    .await?;
    let mut keys: Vec<(String, ForeignKey)> = Vec::new();
    for row in &rows {
        let constraint = text(row, 0).unwrap_or_default();
        if keys.last().is_none_or(|(last, _)| *last != constraint) {
            let table = text(row, 3).unwrap_or_default();
            let elsewhere = text(row, 2).and_then(|schema| shown_schema(&schema, configured));
            let key = ForeignKey {
                columns: Vec::new(),
                references_table: elsewhere
                    .map_or(table.clone(), |schema| format!("{schema}.{table}")),
                references_columns: Vec::new(),
                on_delete: text(row, 5).unwrap_or_default(),
                on_update: text(row, 6).unwrap_or_default(),
            };
            keys.push((constraint, key));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.extend(text(row, 1));
            key.references_columns.extend(text(row, 4));
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

async fn checks(
    conn: &mut Conn,
    flavor: Flavor,
    schema: &str,
    name: &str,
) -> Result<Vec<String>, DatabaseError> {
    let sql = match flavor {
        Flavor::MariaDb => {
            "SELECT check_clause FROM information_schema.check_constraints \
             WHERE constraint_schema = ? AND table_name = ? ORDER BY constraint_name"
        }
        Flavor::MySql => {
            "SELECT c.check_clause FROM information_schema.table_constraints t \
             JOIN information_schema.check_constraints c USING (constraint_schema, constraint_name) \
             WHERE t.table_schema = ? AND t.table_name = ? AND t.constraint_type = 'CHECK' ORDER BY constraint_name"
        }
    };
    let rows = ask(conn, sql, &[schema, name]).await?;
    Ok(rows.iter().filter_map(|row| text(row, 0)).collect())
}

async fn definition(
    conn: &mut Conn,
    schema: &str,
    name: &str,
) -> Result<Option<String>, DatabaseError> {
    let rows = ask(
        conn,
        "SELECT view_definition FROM information_schema.views WHERE table_schema = ? AND table_name = ? LIMIT 1",
        &[schema, name],
    )
    .await?;
    Ok(rows.first().and_then(|row| said(row, 0)))
}
