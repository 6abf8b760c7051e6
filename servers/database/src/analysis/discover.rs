//! The first stage: which table it is, which of its columns may be read, and how its rows are found again.

use super::dialect::{self, Class, Identity};
use super::questions::{PATIENCE, Questions};
use crate::catalog::TableDescription;
use crate::engine::Dialect;
use crate::error::{DatabaseError, ErrorKind};
use crate::names::TableName;

/// The table under analysis.
pub(crate) struct Subject {
    pub(crate) dialect: Dialect,
    pub(crate) description: TableDescription,
    /// The class of each column.
    pub(crate) classes: Vec<Class>,
    pub(crate) identity: Identity,
    /// The table in a FROM clause.
    pub(crate) from: String,
    /// Columns that may not be read. They are not among those of the description.
    pub(crate) unreadable: Vec<String>,
}

/// Looks the table up.
pub(crate) async fn discover(
    questions: &Questions<'_>,
    name: &TableName,
) -> Result<Subject, DatabaseError> {
    let dialect = questions.dialect();
    let mut description = questions.within_time(questions.engine.describe(name)).await?;
    if description.columns.is_empty() {
        return Err(DatabaseError::invalid("table", "has no columns to analyse"));
    }
    let mut storage = None;
    if let Some((sql, params)) = dialect::storage_question(dialect, &description) {
        let params = params.into_iter().map(serde_json::Value::String).collect();
        let answer = questions.ask(sql.to_owned(), params, 1, PATIENCE).await?;
        storage = answer.rows.into_iter().flatten().next();
    }
    let identity = dialect::identity(dialect, &description, storage.as_ref());
    let from = dialect::from(dialect, &description);
    let readable = readable(questions, &description, &from).await?;
    let mut unreadable = Vec::new();
    let mut readable = readable.into_iter();
    description.columns.retain(|column| {
        let may_be_read = readable.next().unwrap_or(false);
        if !may_be_read {
            unreadable.push(column.name.clone());
        }
        may_be_read
    });
    let classes = description
        .columns
        .iter()
        .map(|column| dialect::class(dialect, &column.declared_type))
        .collect();
    Ok(Subject { dialect, description, classes, identity, from, unreadable })
}

/// Which columns may be read: the database itself is asked, by statements that give no row.
///
/// # Errors
/// The database's refusal where no column may be read.
async fn readable(
    questions: &Questions<'_>,
    description: &TableDescription,
    from: &str,
) -> Result<Vec<bool>, DatabaseError> {
    /// Columns asked for at once; a refusal is narrowed down by halves.
    const AT_ONCE: usize = 100;
    let columns = &description.columns;
    let mut readable = vec![false; columns.len()];
    let mut refusal = None;
    let starts = (0..columns.len()).step_by(AT_ONCE);
    let mut open: Vec<_> = starts.map(|at| at..columns.len().min(at + AT_ONCE)).collect();
    while let Some(range) = open.pop() {
        let names = columns[range.clone()].iter();
        let list: Vec<String> =
            names.map(|column| dialect::column(questions.dialect(), &column.name)).collect();
        let sql = format!("SELECT {} FROM {from} LIMIT 0", list.join(", "));
        match questions.ask(sql, Vec::new(), 1, PATIENCE).await {
            Ok(_) => readable[range].fill(true),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                refusal = Some(error);
                let middle = range.start + range.len() / 2;
                if range.len() > 1 {
                    open.extend([range.start..middle, middle..range.end]);
                }
            }
            Err(error) => return Err(error),
        }
    }
    match refusal {
        Some(refusal) if !readable.contains(&true) => Err(refusal),
        _ => Ok(readable),
    }
}
