//! `sql-query-builder`: from a question to a query over one table.

use wharf::{State, ToolError, prompt};

use super::{
    Block, PREAMBLE,
    data::block,
    table::{Subject, subject},
};
use crate::{Databases, engine::Dialect};

/// Write and run a query over one table that answers a question.
#[prompt(name = "sql-query-builder", title = "Build an SQL query")]
pub(crate) async fn sql_query_builder(
    /// What you want to know.
    #[arg(min_length = 1, max_length = 4000)]
    question: String,
    /// The table, or schema.table.
    #[arg(min_length = 1, max_length = 256)]
    table: String,
    /// Default if left out.
    #[arg(max_length = 64)]
    database: Option<String>,
    State(databases): State<Databases>,
) -> Result<String, ToolError> {
    let Subject { database, dialect, facts } = subject(&databases, database, table).await?;
    let dialect_name = dialect.name();
    let params = match dialect {
        Dialect::Postgres => "$1, $2, …",
        Dialect::Sqlite | Dialect::Mysql => "? for each",
    };
    let blocks = [
        Block { what: "what the user asks, as a JSON string", json: block(&question)? },
        Block { what: "the table, from the database's catalogue", json: block(&facts)? },
    ];
    Ok(format!(
        "Write one {dialect_name} statement that reads from the database \"{database}\" and answers the question in block 1 \
         with the table in block 2.\n\n{PREAMBLE}\n\n{}\
         Rules:\n\
         - Use the columns that block 2 lists, with their types, and `sql_name` for the table. Names that need quotes keep them.\n\
         - Put values into params ({params}), not into the text of the statement.\n\
         - Before another table is joined, look at it with describe_table.\n\
         - Aggregate in SQL rather than fetch many rows; order rows whose order matters; limit them.\n\
         - If the table can't answer the question, say what is missing instead of guessing.\n\n\
         Show the statement, run it with execute_query on the database \"{database}\", and answer from its rows.",
        Block::all(&blocks)
    ))
}
