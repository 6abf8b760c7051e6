//! `data-analysis-workflow`: a table looked at step by step.

use wharf::{State, ToolError, prompt};

use super::{
    Block, PREAMBLE,
    data::block,
    table::{Subject, subject},
};
use crate::Databases;

/// Analyse a table step by step: structure, quality, distributions, relations, report.
#[prompt(name = "data-analysis-workflow", title = "Analyse a table")]
pub(crate) async fn data_analysis_workflow(
    /// The table, or schema.table.
    #[arg(min_length = 1, max_length = 256)]
    table: String,
    /// What to find out; an overview if left out.
    #[arg(max_length = 4000)]
    goal: Option<String>,
    /// Default if left out.
    #[arg(max_length = 64)]
    database: Option<String>,
    State(databases): State<Databases>,
) -> Result<String, ToolError> {
    let Subject { database, dialect, facts } = subject(&databases, database, table).await?;
    let mut blocks =
        vec![Block { what: "the table, from the database's catalogue", json: block(&facts)? }];
    let goal = goal.filter(|goal| !goal.is_empty());
    let aim = match &goal {
        Some(_) => "towards the goal in block 2",
        None => "for an overview of what is in it and how far it can be trusted",
    };
    if let Some(goal) = &goal {
        blocks.push(Block { what: "the user's goal, as a JSON string", json: block(goal)? });
    }
    Ok(format!(
        "Analyse the table in block 1 of the {} database \"{database}\", {aim}.\n\n{PREAMBLE}\n\n{}\
         Work in this order, with execute_query on the database \"{database}\" and `sql_name` for the table; say after each \
         step what you found:\n\
         1. Structure: what one row stands for, the key, what refers to what. describe_table with samples shows rows.\n\
         2. Size and time: number of rows, first and last date if there is one.\n\
         3. Quality: for each column NULLs, distinct values, values outside of what its type or name promises, duplicates.\n\
         4. Distribution: for numbers minimum, maximum, mean and quantiles; for categories the most frequent values.\n\
         5. Relations: what changes together, within the table and across its foreign keys.\n\
         6. Report: findings with their numbers and the statement behind each, what they mean for the goal, what is uncertain.\n\n\
         Aggregate in SQL rather than fetch rows. On a large table look at a sample first, and say so in the report.",
        dialect.name(),
        Block::all(&blocks)
    ))
}
