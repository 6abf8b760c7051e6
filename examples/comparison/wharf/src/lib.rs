//! The ten tools, the resource and the prompt of `docs/comparison.md`, written with Wharf. The same server is written with
//! other frameworks in the folders beside this one; `region` comments are what the lines are counted by. It keeps its
//! tasks in memory and persists nothing.

// region: shared
use std::{sync::Arc, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use wharf::{
    Answer, Ask, Content, Json, Progress, PromptMessage, Server, State, ToolError, prompt,
    resource, tool,
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

    fn find(&self, id: u32) -> Result<Task, ToolError> {
        self.change(id, |_| ())
    }

    fn change(&self, id: u32, change: impl FnOnce(&mut Task)) -> Result<Task, ToolError> {
        let mut found = Err(());
        self.0.send_modify(|tasks| {
            found = tasks.iter_mut().find(|task| task.id == id).ok_or(()).map(|task| {
                change(task);
                task.clone()
            });
        });
        found.map_err(|()| {
            let ids: Vec<_> = self.0.borrow().iter().map(|task| task.id).collect();
            ToolError::invalid_input(format!("there is no task {id}; the tasks are {ids:?}"))
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

/// Convert a length from one unit to another.
#[tool(read_only)]
async fn convert_length(
    /// The length in the unit `from`.
    value: f64,
    from: Unit,
    to: Unit,
) -> String {
    format!("{:.3}", value * from.metres() / to.metres())
}
// endregion

// region: create_task
/// Add a task to the list.
#[tool]
async fn create_task(
    /// What is to be done.
    #[arg(min_length = 1, max_length = 80)]
    title: String,
    #[arg(default = Priority::Normal)] priority: Priority,
    /// A word in lower case.
    #[arg(pattern = "^[a-z][a-z0-9-]*$")]
    label: Option<String>,
    /// How long it takes.
    #[arg(range = 1..=40, default = 1)]
    hours: u32,
    State(tasks): State<Tasks>,
) -> Json<Task> {
    Json(tasks.add(title, priority, label, hours))
}
// endregion

// region: list_tasks
#[derive(Serialize, JsonSchema)]
struct TaskList {
    /// How many there are, with those that are left out.
    total: usize,
    tasks: Vec<Task>,
}

/// List the tasks, oldest first.
#[tool(read_only)]
async fn list_tasks(
    /// Only those of this priority.
    priority: Option<Priority>,
    /// How many at most.
    #[arg(range = 1..=100, default = 20)]
    limit: usize,
    State(tasks): State<Tasks>,
) -> Json<TaskList> {
    let mut tasks = tasks.0.borrow().clone();
    tasks.retain(|task| priority.is_none_or(|priority| task.priority == priority));
    let total = tasks.len();
    tasks.truncate(limit);
    Json(TaskList { total, tasks })
}
// endregion

// region: complete_task
/// Mark a task as done.
#[tool(idempotent)]
async fn complete_task(id: u32, State(tasks): State<Tasks>) -> Result<Json<Task>, ToolError> {
    tasks.change(id, |task| task.done = true).map(Json)
}
// endregion

// region: delete_task
/// Delete a task, if the person agrees.
#[tool(destructive)]
async fn delete_task(id: u32, ask: Ask, State(tasks): State<Tasks>) -> Result<String, ToolError> {
    let task = tasks.find(id)?;
    if !ask.confirm("sure", format!("Delete the task {:?}?", task.title)).await?.is_yes() {
        return Ok("nothing was deleted".to_owned());
    }
    tasks.0.send_modify(|tasks| tasks.retain(|task| task.id != id));
    Ok(format!("deleted task {id}"))
}
// endregion

// region: assign_task
#[derive(Serialize, Deserialize, JsonSchema)]
struct Assignment {
    /// Who does it.
    #[schemars(length(min = 1, max = 40))]
    owner: String,
}

/// Ask the person who does a task.
#[tool]
async fn assign_task(
    id: u32,
    ask: Ask,
    State(tasks): State<Tasks>,
) -> Result<Json<Task>, ToolError> {
    let task = tasks.find(id)?;
    let question = format!("Who does {:?}?", task.title);
    match ask.form::<Assignment>("owner", question).await? {
        Answer::Accepted(form) => tasks.change(id, |task| task.owner = Some(form.owner)).map(Json),
        _ => Ok(Json(task)),
    }
}
// endregion

// region: import_tasks
/// Add many tasks, one for each title.
#[tool]
async fn import_tasks(
    #[arg(min_items = 1, max_items = 100)] titles: Vec<String>,
    progress: Progress,
    State(tasks): State<Tasks>,
) -> String {
    let total = titles.len();
    for (done, title) in titles.into_iter().enumerate() {
        let task = tasks.add(title, Priority::Normal, None, 1);
        progress.report_of((done + 1) as f64, total as f64, &*task.title).await;
    }
    format!("imported {total} tasks")
}
// endregion

// region: task_chart
/// Draw open and finished tasks as bars.
#[tool(read_only)]
async fn task_chart(State(tasks): State<Tasks>) -> Content {
    let (all, done) = {
        let tasks = tasks.0.borrow();
        (tasks.len(), tasks.iter().filter(|task| task.done).count())
    };
    let bar = |y, count| format!(r#"<rect y="{y}" width="{}" height="20"/>"#, count * 10);
    let bars = bar(0, all - done) + &bar(30, done);
    let svg = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" height="50">{bars}</svg>"#);
    Content::image(svg, "image/svg+xml")
}
// endregion

// region: wait_for_task
/// Wait until a task is done, for two seconds at most.
#[tool(read_only, timeout = "2s")]
async fn wait_for_task(id: u32, State(tasks): State<Tasks>) -> Result<String, ToolError> {
    tasks.find(id)?;
    let is_done = |tasks: &Vec<Task>| tasks.iter().any(|task| task.id == id && task.done);
    tasks.0.subscribe().wait_for(is_done).await?;
    Ok(format!("task {id} is done"))
}
// endregion

// region: hours_per_person
/// Divide the open work among people. It has a bug on purpose: nobody thought of 0 people.
#[tool(read_only)]
async fn hours_per_person(people: u32, State(tasks): State<Tasks>) -> String {
    let open: u32 = tasks.0.borrow().iter().filter(|task| !task.done).map(|task| task.hours).sum();
    (open / people).to_string()
}
// endregion

// region: task (resource)
/// One task.
#[resource("task://{id}", mime_type = "application/json")]
async fn task(id: u32, State(tasks): State<Tasks>) -> Result<Json<Task>, ToolError> {
    tasks.find(id).map(Json)
}
// endregion

// region: plan_day (prompt)
/// Plan a day with the open tasks.
#[prompt]
async fn plan_day(
    /// How many hours there are.
    #[arg(range = 1..=12, default = 8)]
    hours: u32,
    State(tasks): State<Tasks>,
) -> PromptMessage {
    let open: Vec<_> =
        tasks.0.borrow().iter().filter(|task| !task.done).map(|task| task.title.clone()).collect();
    PromptMessage::user(format!("Plan a day of {hours} hours with: {}", open.join(", ")))
}
// endregion

// region: shared
/// The server with all of it.
pub fn server() -> Server {
    Server::new("tasks", "1.0.0")
        .state(Tasks::default())
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
        .resource(task)
        .prompt(plan_day)
}

/// Serves stdin and stdout.
///
/// # Errors
/// When the server is ill described, or stdin or stdout fails.
pub async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let shutdown = wharf::transport::Shutdown::on_signals(Duration::from_secs(5))?;
    let service = server().build()?;
    Ok(wharf::transport::stdio::serve(&service, wharf::Caller::local(), &shutdown).await?)
}
// endregion
