//! `long_running_analysis`: what a table's values are like.

use futures_util::future::BoxFuture;
use serde_json::json;
use wharf::{Content, Progress, State, ToolError, ToolResult, tool};

use super::refuse;
use crate::{
    Databases,
    analysis::{AnalysisType, Interrupted, Stage, Watcher, analyse, markdown},
    names::TableName,
};

/// Tells the client.
struct Reporter(Progress);

impl Watcher for Reporter {
    fn tell<'a>(
        &'a self,
        stage: Stage,
        done: usize,
        total: usize,
        message: &'a str,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if self.0.is_wanted() {
                let message = format!("{}: {message}", stage.name());
                self.0.report_of(stage.reached(done, total), 100.0, message.as_str()).await;
            }
        })
    }
}

/// Analyse a table's values (sampled if it is large): columns, quality, correlations, or rows over time.
#[tool(title = "Analyse table", read_only, idempotent, open_world = false)]
pub(crate) async fn long_running_analysis(
    /// As list_tables gives it.
    #[arg(min_length = 1, max_length = 256)]
    table: String,
    analysis_type: AnalysisType,
    /// Default if left out.
    database: Option<String>,
    /// If several have such a table.
    #[arg(min_length = 1, max_length = 200)]
    schema: Option<String>,
    progress: Progress,
    State(databases): State<Databases>,
) -> Result<ToolResult, ToolError> {
    let (_, engine) = databases.get(database.as_deref()).map_err(refuse)?;
    let name = TableName { schema, name: table };
    let analysed = Box::pin(analyse(&**engine, &name, analysis_type, &Reporter(progress))).await;
    let report = analysed.map_err(interrupted)?;
    let mut answer = ToolResult::structured(&report)?;
    // The text is the report for readers; the figures beside it are for programs.
    answer.content = vec![Content::text(markdown(&report))];
    Ok(answer)
}

/// The failure of a stage, with everything that the stages before it found: a caller who waited for it need not ask again.
fn interrupted(Interrupted { error, stage, report }: Interrupted) -> ToolError {
    let failure = refuse(error);
    if report.completed_stages.is_empty() {
        return failure;
    }
    failure.details(json!({"failed_stage": stage, "report": *report}))
}
