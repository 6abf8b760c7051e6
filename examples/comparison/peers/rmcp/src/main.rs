//! The ten tools, the resource and the prompt of `docs/comparison.md`, written with rmcp.

// region: shared
use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rmcp::{
    ErrorData, Json, RoleServer, ServerHandler, ServiceExt,
    handler::server::wrapper::Parameters,
    model::{
        ContentBlock, ListResourceTemplatesResult, PaginatedRequestParams,
        ProgressNotificationParam, PromptMessage, ReadResourceRequestParams, ReadResourceResponse,
        ReadResourceResult, ResourceContents, ResourceTemplate, Role, ServerCapabilities,
        ServerConfig,
    },
    prompt, prompt_handler, prompt_router,
    service::{ElicitationError, RequestContext},
    tool, tool_handler, tool_router,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

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

// region: delete_task
#[derive(Deserialize, JsonSchema)]
struct Confirmation {
    confirmed: bool,
}
rmcp::elicit_safe!(Confirmation);
// endregion

// region: assign_task
#[derive(Deserialize, JsonSchema)]
struct Assignment {
    /// Who does it.
    #[schemars(length(min = 1, max = 40))]
    owner: String,
}
rmcp::elicit_safe!(Assignment);
// endregion

// region: plan_day (prompt)
#[derive(Deserialize, JsonSchema)]
struct PlanDay {
    /// How many hours there are.
    hours: Option<String>,
}
// endregion

// region: shared
#[tool_router]
impl Tasks {
    // endregion
    // region: convert_length
    /// Convert a length from one unit to another.
    #[tool(annotations(read_only_hint = true))]
    async fn convert_length(&self, Parameters(input): Parameters<ConvertLength>) -> String {
        format!("{:.3}", input.value * input.from.metres() / input.to.metres())
    }
    // endregion

    // region: create_task
    /// Add a task to the list.
    #[tool]
    async fn create_task(&self, Parameters(input): Parameters<CreateTask>) -> Json<Task> {
        Json(self.add(input.title, input.priority, input.label, input.hours))
    }
    // endregion

    // region: list_tasks
    /// List the tasks, oldest first.
    #[tool(annotations(read_only_hint = true))]
    async fn list_tasks(&self, Parameters(input): Parameters<ListTasks>) -> Json<TaskList> {
        let mut tasks = self.0.borrow().clone();
        tasks.retain(|task| input.priority.is_none_or(|priority| task.priority == priority));
        let total = tasks.len();
        tasks.truncate(input.limit);
        Json(TaskList { total, tasks })
    }
    // endregion

    // region: complete_task
    /// Mark a task as done.
    #[tool(annotations(idempotent_hint = true))]
    async fn complete_task(
        &self,
        Parameters(Id { id }): Parameters<Id>,
    ) -> Result<Json<Task>, String> {
        self.change(id, |task| task.done = true).map(Json)
    }
    // endregion

    // region: delete_task
    /// Delete a task, if the person agrees.
    #[tool(annotations(destructive_hint = true))]
    async fn delete_task(
        &self,
        Parameters(Id { id }): Parameters<Id>,
        context: RequestContext<RoleServer>,
    ) -> Result<String, String> {
        let task = self.find(id)?;
        let question = format!("Delete the task {:?}?", task.title);
        match context.peer.elicit::<Confirmation>(question).await {
            Ok(Some(Confirmation { confirmed: true })) => {
                self.0.send_modify(|tasks| tasks.retain(|task| task.id != id));
                Ok(format!("deleted task {id}"))
            }
            Ok(_) | Err(ElicitationError::UserDeclined | ElicitationError::UserCancelled) => {
                Ok("nothing was deleted".to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }
    // endregion

    // region: assign_task
    /// Ask the person who does a task.
    #[tool]
    async fn assign_task(
        &self,
        Parameters(Id { id }): Parameters<Id>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Task>, String> {
        let task = self.find(id)?;
        match context.peer.elicit::<Assignment>(format!("Who does {:?}?", task.title)).await {
            Ok(Some(form)) => self.change(id, |task| task.owner = Some(form.owner)).map(Json),
            Ok(None) | Err(ElicitationError::UserDeclined | ElicitationError::UserCancelled) => {
                Ok(Json(task))
            }
            Err(error) => Err(error.to_string()),
        }
    }
    // endregion

    // region: import_tasks
    /// Add many tasks, one for each title.
    #[tool]
    async fn import_tasks(
        &self,
        Parameters(input): Parameters<ImportTasks>,
        context: RequestContext<RoleServer>,
    ) -> Result<String, String> {
        let total = input.titles.len();
        for (done, title) in input.titles.into_iter().enumerate() {
            let task = self.add(title, Priority::Normal, None, 1);
            if let Some(token) = context.meta.get_progress_token() {
                let progress = ProgressNotificationParam::new(token, (done + 1) as f64)
                    .with_total(total as f64)
                    .with_message(task.title);
                context.peer.notify_progress(progress).await.map_err(|error| error.to_string())?;
            }
        }
        Ok(format!("imported {total} tasks"))
    }
    // endregion

    // region: task_chart
    /// Draw open and finished tasks as bars.
    #[tool(annotations(read_only_hint = true))]
    async fn task_chart(&self) -> ContentBlock {
        let (all, done) = {
            let tasks = self.0.borrow();
            (tasks.len(), tasks.iter().filter(|task| task.done).count())
        };
        let bar = |y, count| format!(r#"<rect y="{y}" width="{}" height="20"/>"#, count * 10);
        let bars = bar(0, all - done) + &bar(30, done);
        let svg = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" height="50">{bars}</svg>"#);
        ContentBlock::image(BASE64_STANDARD.encode(svg), "image/svg+xml")
    }
    // endregion

    // region: wait_for_task
    /// Wait until a task is done, for two seconds at most.
    #[tool(annotations(read_only_hint = true))]
    async fn wait_for_task(
        &self,
        Parameters(Id { id }): Parameters<Id>,
        context: RequestContext<RoleServer>,
    ) -> Result<String, String> {
        self.find(id)?;
        let is_done = |tasks: &Vec<Task>| tasks.iter().any(|task| task.id == id && task.done);
        let mut changes = self.0.subscribe();
        tokio::select! {
            waited = tokio::time::timeout(Duration::from_secs(2), changes.wait_for(is_done)) => {
                waited.map_err(|_| "timed out after 2 s".to_owned())?.map_err(|e| e.to_string())?;
                Ok(format!("task {id} is done"))
            }
            () = context.ct.cancelled() => Err("cancelled".to_owned()),
        }
    }
    // endregion

    // region: hours_per_person
    /// Divide the open work among people. It has a bug on purpose: nobody thought of 0 people.
    #[tool(annotations(read_only_hint = true))]
    async fn hours_per_person(&self, Parameters(input): Parameters<HoursPerPerson>) -> String {
        let open: u32 =
            self.0.borrow().iter().filter(|task| !task.done).map(|task| task.hours).sum();
        (open / input.people).to_string()
    }
    // endregion
    // region: shared
}
// endregion

// region: plan_day (prompt)
#[prompt_router]
impl Tasks {
    /// Plan a day with the open tasks.
    #[prompt]
    async fn plan_day(
        &self,
        Parameters(input): Parameters<PlanDay>,
    ) -> Result<Vec<PromptMessage>, ErrorData> {
        let hours: u32 = input.hours.as_deref().unwrap_or("8").parse().unwrap_or(0);
        if !(1..=12).contains(&hours) {
            return Err(ErrorData::invalid_params("hours must be from 1 to 12", None));
        }
        let open: Vec<_> =
            self.0.borrow().iter().filter(|t| !t.done).map(|t| t.title.clone()).collect();
        let text = format!("Plan a day of {hours} hours with: {}", open.join(", "));
        Ok(vec![PromptMessage::new_text(Role::User, text)])
    }
}
// endregion

// region: shared
#[tool_handler]
#[prompt_handler]
impl ServerHandler for Tasks {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
    }
    // endregion

    // region: task (resource)
    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let template = ResourceTemplate::new("task://{id}", "task")
            .with_description("One task.")
            .with_mime_type("application/json");
        Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let missing = |text: String| ErrorData::resource_not_found(text, None);
        let id = request.uri.strip_prefix("task://").and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| missing(format!("there is no resource {}", request.uri)))?;
        let task = self.find(id).map_err(missing)?;
        let text = serde_json::to_string(&task)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let contents = ResourceContents::text(text, request.uri).with_mime_type("application/json");
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
    // endregion
    // region: shared
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Tasks::default().serve(rmcp::transport::stdio()).await?;
    server.waiting().await?;
    Ok(())
}
// endregion
