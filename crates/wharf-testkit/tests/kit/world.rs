//! A server with one of everything that the kit can look at.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::sync::Notify;
use wharf::{
    Answer, Args, Ask, CompletionQuery, Events, Form, Json, Log, LogLevel, Progress, Prompt,
    Resource, Server, Tool, ToolError,
};

#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema, Debug, PartialEq)]
pub(crate) struct Text {
    /// What to say.
    #[schemars(length(max = 20))]
    pub(crate) text: String,
}

/// What happens inside the server.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    pub(crate) started: Notify,
    pub(crate) dropped: Notify,
}

struct Guard(Arc<Signals>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.dropped.notify_one();
    }
}

pub(crate) fn server() -> Server {
    asking(speaking(Server::new("world", "1.0.0").instructions("Try everything.")))
        .tool(
            Tool::new("echo")
                .description("Says it again")
                .handler(|Args(text): Args<Text>| async move { Json(text) }),
        )
        .tool(Tool::new("slow").timeout(Duration::from_secs(7200)).handler(|| async {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            "done"
        }))
        .prompt(
            Prompt::new("say")
                .complete("text", |query: CompletionQuery| async move {
                    let words = ["one", "other", "two"].into_iter();
                    words.filter(|word| word.starts_with(&query.value)).collect::<Vec<_>>()
                })
                .handler(|Args(Text { text }): Args<Text>| async move { format!("Say {text}") }),
        )
        .resource(Resource::new("memo://one", "one").handler(|| async { "first" }))
        .resource(
            Resource::template("memo://by/{text}", "by")
                .complete("text", |query: CompletionQuery| async move { vec![query.value + "!"] })
                .handler(|Args(Text { text }): Args<Text>| async move { text }),
        )
}

/// A server whose one tool never ends, and tells when it begins and is dropped.
pub(crate) fn endless(signals: &Arc<Signals>) -> Server {
    let signals = Arc::clone(signals);
    Server::new("endless", "1.0.0").tool(Tool::new("endless").handler(move || {
        let signals = Arc::clone(&signals);
        async move {
            let _guard = Guard(Arc::clone(&signals));
            signals.started.notify_one();
            std::future::pending::<()>().await;
        }
    }))
}

fn speaking(server: Server) -> Server {
    server
        .tool(Tool::new("work").handler(|progress: Progress, log: Log| async move {
            for done in 1..=20 {
                progress.report_of(f64::from(done), 20.0, None).await;
                log.send(LogLevel::Info, json!({"done": done})).await;
            }
            "worked"
        }))
        .tool(Tool::new("step").handler(|progress: Progress| async move {
            progress.report_of(1.0, 2.0, None).await;
            "stepped"
        }))
        .tool(Tool::new("change").handler(|events: Events| async move {
            events.tools_changed();
            events.resource_updated("memo://one");
            events.resource_updated("memo://two");
            events.prompts_changed();
            events.resources_changed();
            "changed"
        }))
}

fn form(message: &str, field: &str) -> Form {
    let schema =
        json!({"type": "object", "properties": {field: {"type": "string"}}, "required": [field]});
    Form::new(message, schema)
}

fn told<T: serde::Serialize>(answer: &Answer<T>) -> String {
    match answer {
        Answer::Accepted(content) => json!(content).to_string(),
        Answer::Declined => "declined".to_owned(),
        _ => "cancelled".to_owned(),
    }
}

fn asking(server: Server) -> Server {
    server
        .tool(Tool::new("greet").handler(|ask: Ask| async move {
            let first =
                ask.form_with("first", form("What is your first name?", "first_name")).await?;
            let last = ask.form_with("last", form("And your last name?", "last_name")).await?;
            Ok::<_, ToolError>(format!("{} {}", told(&first), told(&last)))
        }))
        .tool(Tool::new("everything").handler(|ask: Ask| async move {
            let prompt = json!({"role": "user", "content": {"type": "text", "text": "Capital?"}});
            let answers = ask
                .round()
                .form_with("who", form("Who?", "who"))
                .sample("capital", json!({"messages": [prompt], "maxTokens": 5}))
                .roots("roots")
                .send()
                .await?;
            let (capital, roots) = (answers.value("capital")?, answers.value("roots")?);
            let who = told(&answers.answer("who")?);
            Ok::<_, ToolError>(format!(
                "{who} {} {}",
                capital["content"]["text"], roots["roots"][0]["uri"]
            ))
        }))
        .tool(Tool::new("consent").handler(|ask: Ask| async move {
            let answer = ask.url("consent", "Please sign in", "https://example.com/").await?;
            Ok::<_, ToolError>(told(&answer.map(|()| json!({}))))
        }))
}
