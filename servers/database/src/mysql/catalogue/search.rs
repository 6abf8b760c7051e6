//! Finds tables, views, columns and functions by name.

use mysql_async::{Conn, Row};

use super::list::kind;
use super::question::{each, said, schemas, shown_schema, text};
use crate::catalog::TableKind;
use crate::error::DatabaseError;
use crate::names::matches_pattern;
use crate::search::{Finding, FindingKind, Findings, Search};

const TABLES: &str = "SELECT table_name, table_type, engine, table_comment FROM information_schema.tables \
                      WHERE table_schema = ? AND table_type <> 'SEQUENCE' ORDER BY table_name";
const COLUMNS: &str = "SELECT column_name, table_name, column_type, column_comment FROM information_schema.columns \
                       WHERE table_schema = ? ORDER BY column_name, table_name";
/// A procedure cannot be called from a query, so only functions are found.
const FUNCTIONS: &str = "SELECT r.routine_name, r.dtd_identifier, r.routine_comment, \
        (SELECT group_concat(p.parameter_name, ' ', p.dtd_identifier ORDER BY p.ordinal_position SEPARATOR ', ') \
         FROM information_schema.parameters p WHERE p.specific_schema = r.routine_schema \
          AND p.specific_name = r.specific_name AND p.ordinal_position > 0) \
     FROM information_schema.routines r WHERE r.routine_schema = ? AND r.routine_type = 'FUNCTION' ORDER BY 1";

/// What is asked about each schema, and what a row of the answer is.
type Question = (&'static str, fn(&Row) -> Finding);

/// Everything whose name matches, up to the limit of the search.
pub(in crate::mysql) async fn search(
    conn: &mut Conn,
    search: &Search,
    configured: Option<&str>,
) -> Result<Findings, DatabaseError> {
    let schemas = schemas(conn, search.schema.as_deref(), configured).await?;
    let mut found: Vec<Finding> = Vec::new();
    let questions: [Question; 3] = [(TABLES, table), (COLUMNS, column), (FUNCTIONS, function)];
    for (question, finding) in questions {
        for schema in &schemas {
            // One more than wanted shows that there are more.
            if found.len() > search.limit {
                break;
            }
            each(conn, question, &[schema], |row| {
                if text(row, 0).is_some_and(|name| matches_pattern(&search.pattern, &name)) {
                    found
                        .push(Finding { schema: shown_schema(schema, configured), ..finding(row) });
                }
                found.len() <= search.limit
            })
            .await?;
        }
    }
    let truncated = found.len() > search.limit;
    found.truncate(search.limit);
    Ok(Findings { found, truncated })
}

fn table(row: &Row) -> Finding {
    let view = kind(text(row, 1).as_deref(), "") == TableKind::View;
    Finding {
        kind: if view { FindingKind::View } else { FindingKind::Table },
        // A view's comment is the word VIEW.
        comment: said(row, 3).filter(|_| !view),
        ..named(row)
    }
}

fn column(row: &Row) -> Finding {
    Finding {
        kind: FindingKind::Column,
        table: text(row, 1),
        type_name: text(row, 2),
        comment: said(row, 3),
        ..named(row)
    }
}

fn function(row: &Row) -> Finding {
    let arguments = text(row, 3).unwrap_or_default();
    let type_name = text(row, 1).map(|result| format!("({arguments}) {result}"));
    Finding { kind: FindingKind::Function, type_name, comment: said(row, 2), ..named(row) }
}

fn named(row: &Row) -> Finding {
    Finding {
        kind: FindingKind::Table,
        schema: None,
        table: None,
        name: text(row, 0).unwrap_or_default(),
        type_name: None,
        comment: None,
    }
}
