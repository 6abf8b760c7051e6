//! The ten tools, the resource and the prompt of `docs/comparison.md`, written with tower-mcp.

// region: shared
use std::{collections::HashMap, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tower::timeout::TimeoutLayer;
use tower_mcp::{
    BidirectionalStdioTransport, CallToolResult, ElicitAction, ElicitFormParams, ElicitFormSchema,
    GetPromptResult, McpRouter, NoParams, PromptBuilder, ReadResourceResult,
    ResourceTemplateBuilder, ToolBuilder,
    extract::{Context, Json, State},
    protocol::ElicitFieldValue,
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Priority {
    Low,
    #[default]
    Normal,
    High,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Task {
    id: u32,
    title: String,
    priority: Priority,
    label: Option<String>,
    hours: u32,
    owner: Option<String>,
    done: bool,
}

#[derive(Clone, Default)]
struct Tasks(Arc<watch::Sender<Vec<Task>>>);

impl Tasks {
    fn add(&self, title: String, priority: Priority, label: Option<String>, hours: u32) -> Task {
        let mut added = None;
        self.0.send_modify(|tasks| {
            let id = tasks.last().map_or(1, |task| task.id + 1);
            let task = Task { id, title, priority, label, hours, owner: None, done: false };
            added = Some(task.clone());
            tasks.push(task);
        });
        added.unwrap_or_else(|| unreachable!("the closure ran"))
    }

    fn find(&self, id: u32) -> Result<Task, String> {
        self.change(id, |_| ())
    }

    fn change(&self, id: u32, change: impl FnOnce(&mut Task)) -> Result<Task, String> {
        let mut found = Err(());
        self.0.send_modify(|tasks| {
            found = tasks.iter_mut().find(|task| task.id == id).ok_or(()).map(|task| {
                change(task);
                task.clone()
            });
        });
        found.map_err(|()| {
            let ids: Vec<_> = self.0.borrow().iter().map(|task| task.id).collect();
            format!("there is no task {id}; the tasks are {ids:?}")
        })
    }
}
// endregion

// region: convert_length
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Metre,
    Foot,
    Inch,
}

impl Unit {
    fn metres(self) -> f64 {
        match self {
            Self::Metre => 1.0,
            Self::Foot => 0.3048,
            Self::Inch => 0.0254,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct ConvertLength {
    /// The length in the unit `from`.
    value: f64,
    from: Unit,
    to: Unit,
}
// endregion

// region: create_task
#[derive(Deserialize, JsonSchema)]
struct CreateTask {
    /// What is to be done.
    #[schemars(length(min = 1, max = 80))]
    title: String,
    #[serde(default)]
    priority: Priority,
    /// A word in lower case.
    #[schemars(regex(pattern = "^[a-z][a-z0-9-]*$"))]
    label: Option<String>,
    /// How long it takes.
    #[schemars(range(min = 1, max = 40))]
    #[serde(default = "one_hour")]
    hours: u32,
}

fn one_hour() -> u32 {
    1
}
// endregion

// region: list_tasks
#[derive(Deserialize, JsonSchema)]
struct ListTasks {
    /// Only those of this priority.
    priority: Option<Priority>,
    /// How many at most.
    #[schemars(range(min = 1, max = 100))]
    #[serde(default = "twenty")]
    limit: usize,
}

fn twenty() -> usize {
    20
}

#[derive(Serialize, JsonSchema)]
struct TaskList {
    /// How many there are, with those that are left out.
    total: usize,
    tasks: Vec<Task>,
}
// endregion

// region: shared
#[derive(Deserialize, JsonSchema)]
struct Id {
    id: u32,
}
// endregion

// region: import_tasks
#[derive(Deserialize, JsonSchema)]
struct ImportTasks {
    #[schemars(length(min = 1, max = 100))]
    titles: Vec<String>,
}
// endregion

// region: hours_per_person
#[derive(Deserialize, JsonSchema)]
struct HoursPerPerson {
    people: u32,
}
// endregion

// region: shared
fn answer(found: Result<Task, String>) -> tower_mcp::Result<CallToolResult> {
    match found {
        Ok(task) => CallToolResult::from_serialize(&task),
        Err(message) => Ok(CallToolResult::error(message)),
    }
}

fn router(tasks: Tasks) -> McpRouter {
    // endregion
    // region: convert_length
    let convert_length = ToolBuilder::new("convert_length")
        .description("Convert a length from one unit to another.")
        .read_only()
        .handler(|input: ConvertLength| async move {
            let converted = input.value * input.from.metres() / input.to.metres();
            Ok(CallToolResult::text(format!("{converted:.3}")))
        })
        .build();
    // endregion

    // region: create_task
    let create_task = ToolBuilder::new("create_task")
        .description("Add a task to the list.")
        .output_schema_for::<Task>()
        .extractor_handler(
            tasks.clone(),
            |State(tasks): State<Tasks>, Json(input): Json<CreateTask>| async move {
                answer(Ok(tasks.add(input.title, input.priority, input.label, input.hours)))
            },
        )
        .build();
    // endregion

    // region: list_tasks
    let list_tasks = ToolBuilder::new("list_tasks")
        .description("List the tasks, oldest first.")
        .read_only()
        .output_schema_for::<TaskList>()
        .extractor_handler(
            tasks.clone(),
            |State(tasks): State<Tasks>, Json(input): Json<ListTasks>| async move {
                let mut tasks = tasks.0.borrow().clone();
                tasks.retain(|t| input.priority.is_none_or(|priority| t.priority == priority));
                let total = tasks.len();
                tasks.truncate(input.limit);
                CallToolResult::from_serialize(&TaskList { total, tasks })
            },
        )
        .build();
    // endregion

    // region: complete_task
    let complete_task = ToolBuilder::new("complete_task")
        .description("Mark a task as done.")
        .idempotent()
        .output_schema_for::<Task>()
        .extractor_handler(
            tasks.clone(),
            |State(tasks): State<Tasks>, Json(Id { id }): Json<Id>| async move {
                answer(tasks.change(id, |task| task.done = true))
            },
        )
        .build();
    // endregion

    // region: delete_task
    let delete_task = ToolBuilder::new("delete_task")
        .description("Delete a task, if the person agrees.")
        .destructive()
        .extractor_handler(
            tasks.clone(),
            |State(tasks): State<Tasks>, context: Context, Json(Id { id }): Json<Id>| async move {
                let task = match tasks.find(id) {
                    Ok(task) => task,
                    Err(message) => return Ok(CallToolResult::error(message)),
                };
                let params = ElicitFormParams {
                    mode: None,
                    message: format!("Delete the task {:?}?", task.title),
                    requested_schema: ElicitFormSchema::new().boolean_field(
                        "confirmed",
                        None,
                        true,
                    ),
                    meta: None,
                };
                let content = context.elicit_form(params).await?.content.unwrap_or_default();
                if !matches!(content.get("confirmed"), Some(ElicitFieldValue::Boolean(true))) {
                    return Ok(CallToolResult::text("nothing was deleted"));
                }
                tasks.0.send_modify(|tasks| tasks.retain(|task| task.id != id));
                Ok(CallToolResult::text(format!("deleted task {id}")))
            },
        )
        .build();
    // endregion

    // region: assign_task
    let assign_task = ToolBuilder::new("assign_task")
        .description("Ask the person who does a task.")
        .output_schema_for::<Task>()
        .extractor_handler(
            tasks.clone(),
            |State(tasks): State<Tasks>, context: Context, Json(Id { id }): Json<Id>| async move {
                let task = match tasks.find(id) {
                    Ok(task) => task,
                    Err(message) => return Ok(CallToolResult::error(message)),
                };
                let params = ElicitFormParams {
                    mode: None,
                    message: format!("Who does {:?}?", task.title),
                    requested_schema: ElicitFormSchema::new().string_field(
                        "owner",
                        Some("Who does it."),
                        true,
                    ),
                    meta: None,
                };
                let asked = context.elicit_form(params).await?;
                let mut content = asked.content.unwrap_or_default();
                match (asked.action, content.remove("owner")) {
                    (ElicitAction::Accept, Some(ElicitFieldValue::String(owner))) => {
                        answer(tasks.change(id, |task| task.owner = Some(owner)))
                    }
                    _ => answer(Ok(task)),
                }
            },
        )
        .build();
    // endregion

    // region: import_tasks
    let import_tasks = ToolBuilder::new("import_tasks")
        .description("Add many tasks, one for each title.")
        .extractor_handler(
            tasks.clone(),
            |State(tasks): State<Tasks>, context: Context, Json(input): Json<ImportTasks>| async move {
                let total = input.titles.len();
                for (done, title) in input.titles.into_iter().enumerate() {
                    let task = tasks.add(title, Priority::Normal, None, 1);
                    let done = (done + 1) as f64;
                    context.report_progress(done, Some(total as f64), Some(&task.title)).await;
                }
                Ok(CallToolResult::text(format!("imported {total} tasks")))
            },
        )
        .build();
    // endregion

    // region: task_chart
    let task_chart = ToolBuilder::new("task_chart")
        .description("Draw open and finished tasks as bars.")
        .read_only()
        .extractor_handler(
            tasks.clone(),
            |State(tasks): State<Tasks>, _: Json<NoParams>| async move {
                let (all, done) = {
                    let tasks = tasks.0.borrow();
                    (tasks.len(), tasks.iter().filter(|task| task.done).count())
                };
                let bar =
                    |y, count| format!(r#"<rect y="{y}" width="{}" height="20"/>"#, count * 10);
                let bars = bar(0, all - done) + &bar(30, done);
                let svg =
                    format!(r#"<svg xmlns="http://www.w3.org/2000/svg" height="50">{bars}</svg>"#);
                Ok(CallToolResult::image(BASE64_STANDARD.encode(svg), "image/svg+xml"))
            },
        )
        .build();
    // endregion

    // region: wait_for_task
    let wait_for_task = ToolBuilder::new("wait_for_task")
        .description("Wait until a task is done, for two seconds at most.")
        .read_only()
        .extractor_handler(
            tasks.clone(),
            |State(tasks): State<Tasks>, Json(Id { id }): Json<Id>| async move {
                if let Err(message) = tasks.find(id) {
                    return Ok(CallToolResult::error(message));
                }
                let is_done = |tasks: &Vec<Task>| tasks.iter().any(|t| t.id == id && t.done);
                let mut changes = tasks.0.subscribe();
                changes.wait_for(is_done).await.map_err(tower_mcp::Error::tool_from)?;
                Ok(CallToolResult::text(format!("task {id} is done")))
            },
        )
        .layer(TimeoutLayer::new(Duration::from_secs(2)))
        .build();
    // endregion

    // region: hours_per_person
    // It has a bug on purpose: nobody thought of 0 people.
    let hours_per_person = ToolBuilder::new("hours_per_person")
        .description("Divide the open work among people.")
        .read_only()
        .extractor_handler(
            tasks.clone(),
            |State(tasks): State<Tasks>, Json(input): Json<HoursPerPerson>| async move {
                let open: u32 =
                    tasks.0.borrow().iter().filter(|task| !task.done).map(|task| task.hours).sum();
                Ok(CallToolResult::text((open / input.people).to_string()))
            },
        )
        .build();
    // endregion

    // region: task (resource)
    let found = tasks.clone();
    let task = ResourceTemplateBuilder::new("task://{id}")
        .name("task")
        .description("One task.")
        .mime_type("application/json")
        .handler(move |uri: String, variables: HashMap<String, String>| {
            let tasks = found.clone();
            async move {
                let id = variables.get("id").and_then(|id| id.parse().ok());
                let task = id.ok_or_else(|| "an id is a number".to_owned());
                let task = task.and_then(|id| tasks.find(id));
                let task = task.map_err(tower_mcp::Error::invalid_params)?;
                Ok(ReadResourceResult::json(uri, &task))
            }
        });
    // endregion

    // region: plan_day (prompt)
    let planned = tasks.clone();
    let plan_day = PromptBuilder::new("plan_day")
        .description("Plan a day with the open tasks.")
        .optional_arg("hours", "How many hours there are.")
        .handler(move |arguments: HashMap<String, String>| {
            let tasks = planned.clone();
            async move {
                let hours = arguments.get("hours").map_or("8", String::as_str);
                let hours: u32 = hours.parse().unwrap_or(0);
                if !(1..=12).contains(&hours) {
                    return Err(tower_mcp::Error::invalid_params("hours must be from 1 to 12"));
                }
                let open: Vec<_> =
                    tasks.0.borrow().iter().filter(|t| !t.done).map(|t| t.title.clone()).collect();
                let text = format!("Plan a day of {hours} hours with: {}", open.join(", "));
                Ok(GetPromptResult::user_message(text))
            }
        })
        .build();
    // endregion

    // region: shared
    McpRouter::new()
        .server_info("tasks", "1.0.0")
        .tool(convert_length)
        .tool(create_task)
        .tool(list_tasks)
        .tool(complete_task)
        .tool(delete_task)
        .tool(assign_task)
        .tool(import_tasks)
        .tool(task_chart)
        .tool(wait_for_task)
        .tool(hours_per_person)
        .resource_template(task)
        .prompt(plan_day)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(BidirectionalStdioTransport::new(router(Tasks::default())).run().await?)
}
// endregion
