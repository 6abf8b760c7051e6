//! How a test says which server it talks to, and as whom.

use std::{
    collections::HashMap, ffi::OsString, future::IntoFuture, pin::Pin, sync::Arc, time::Duration,
};

use http::{HeaderName, HeaderValue};
use rmcp::{
    RoleClient,
    model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion},
    service::{ClientLifecycleMode, ClientServiceExt},
    transport::{
        IntoTransport, StreamableHttpClientTransport, TokioChildProcess, Transport,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::Value;
use wharf::{
    Caller, ClientCapability, LogLevel, Revision, Service,
    transport::{Shutdown, memory},
};

use super::{
    connection::{Client, Running},
    handler::Handler,
    journal::{Journal, Recorded},
    script::Script,
};
use crate::{
    IntoService,
    process::{Complaints, command},
};

/// Longest wait for an answer, unless a test says otherwise. Only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(super) enum Target {
    Memory(Service, Caller),
    Command(Vec<OsString>),
    Http(String),
}

/// A client that is about to connect: `.await` connects it. Clones share nothing: each is a client of its own, with its
/// own copy of the script.
#[derive(Clone)]
#[must_use = "nothing is connected until it is awaited"]
pub struct ClientBuilder {
    target: Target,
    revision: Revision,
    capabilities: Vec<ClientCapability>,
    headers: HashMap<HeaderName, HeaderValue>,
    script: Script,
    pub(super) log_level: Option<LogLevel>,
    pub(super) patience: Duration,
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder").field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of `server`, connected in memory: works with paused time.
    pub fn memory(server: impl IntoService) -> ClientBuilder {
        ClientBuilder::new(Target::Memory(server.into_service(), Caller::local()))
    }

    /// A client of the server that a command starts, spoken to over its stdin and stdout. The process ends with the
    /// client; its stderr is told when something fails.
    ///
    /// Needs real time: a paused clock runs ahead of another process.
    pub fn command<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> ClientBuilder {
        ClientBuilder::new(Target::Command(words.into_iter().map(Into::into).collect()))
    }

    /// A client of the server at `url`, over Streamable HTTP. Needs real time.
    pub fn http(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(Target::Http(url.into()))
    }
}

impl ClientBuilder {
    fn new(target: Target) -> Self {
        Self {
            target,
            revision: Revision::ALL[0],
            capabilities: vec![
                ClientCapability::ElicitationForm,
                ClientCapability::ElicitationUrl,
                ClientCapability::Sampling,
                ClientCapability::Roots,
            ],
            headers: HashMap::new(),
            script: Script::default(),
            log_level: None,
            patience: PATIENCE,
        }
    }

    /// The revision to speak; the newest unless set.
    pub fn revision(mut self, revision: Revision) -> Self {
        self.revision = revision;
        self
    }

    /// Who calls, in memory; [`Caller::local`] unless set.
    ///
    /// # Panics
    /// Over HTTP and for a command, where the server decides who calls.
    #[track_caller]
    pub fn caller(mut self, who: Caller) -> Self {
        match &mut self.target {
            Target::Memory(_, caller) => *caller = who,
            _ => panic!("only a client in memory chooses its caller"),
        }
        self
    }

    /// A client that can't do this; it can do everything unless told.
    pub fn without(mut self, capability: ClientCapability) -> Self {
        self.capabilities.retain(|kept| *kept != capability);
        self
    }

    /// A header on every HTTP request, such as a credential.
    ///
    /// # Panics
    /// When it is no header.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => drop(self.headers.insert(name, value)),
            _ => panic!("{name} is no header with that value"),
        }
        self
    }

    /// Asks for log messages from this level on.
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.log_level = Some(level);
        self
    }

    /// Longest wait for any answer: 60 seconds unless set. With paused time that is no wait, but a handler that takes
    /// longer needs more.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Answers the next question that `question` names: by its key (2026-07-28 only), a part of its message or prompt,
    /// the name of one of its fields, or its method. `content` is a form's content; for a model's text it is a string
    /// or a whole result; for roots a list or a whole result. Each answer is given once.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use wharf::{Ask, Form, Revision, Server, Tool, ToolError};
    /// # use wharf_testkit::Client;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let server = Server::new("demo", "1.0.0").tool(Tool::new("greet").handler(|ask: Ask| async move {
    ///     let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
    ///     let answer = ask.form_with("who", Form::new("What is your name?", schema)).await?;
    ///     let content = answer.accept()?;
    ///     Ok::<_, ToolError>(format!("Hello, {}!", content["name"].as_str().unwrap_or_default()))
    /// }));
    /// let service = server.build().unwrap();
    /// for revision in [Revision::V2026_07_28, Revision::V2025_11_25] {
    ///     let client =
    ///         Client::memory(&service).revision(revision).answer("What is your name?", json!({"name": "Ada"})).await;
    ///     assert_eq!(client.call("greet", json!({})).await.text(), "Hello, Ada!");
    ///     client.assert_all_asked();
    /// }
    /// # }
    /// ```
    pub fn answer(self, question: impl Into<String>, content: Value) -> Self {
        self.script.answer(question.into(), content);
        self
    }

    /// Declines the next question that `question` names, as the person would.
    pub fn decline(self, question: impl Into<String>) -> Self {
        self.script.decline(question.into());
        self
    }

    /// Closes the next question that `question` names without an answer.
    pub fn cancel(self, question: impl Into<String>) -> Self {
        self.script.cancel(question.into());
        self
    }

    fn config(&self) -> ClientConfig {
        let mut declared = serde_json::Map::new();
        for capability in &self.capabilities {
            let (name, mode) = match capability {
                ClientCapability::ElicitationForm => ("elicitation", Some("form")),
                ClientCapability::ElicitationUrl => ("elicitation", Some("url")),
                ClientCapability::Sampling => ("sampling", None),
                ClientCapability::Roots => ("roots", None),
                _ => continue,
            };
            let entry = declared.entry(name).or_insert_with(|| Value::Object(Default::default()));
            if let Some(mode) = mode {
                entry[mode] = Value::Object(Default::default());
            }
        }
        let capabilities: ClientCapabilities =
            serde_json::from_value(declared.into()).unwrap_or_default();
        let name = Implementation::new("wharf-testkit", env!("CARGO_PKG_VERSION"));
        let mut config = ClientConfig::new(capabilities, name);
        config.protocol_version = version(self.revision);
        config
    }

    /// Connects.
    ///
    /// # Panics
    /// When there is no connection; the message says why, with what the server said on stderr.
    pub async fn connect(self) -> Client {
        let journal = Arc::<Journal>::default();
        let config = self.config();
        let Self { target, revision, headers, script, log_level, patience, .. } = self;
        let script = Arc::new(script);
        let handler = Handler { script: Arc::clone(&script), config };
        let mut complaints = None;
        let mut served = None;
        let joined = match target {
            Target::Memory(service, caller) => {
                // Without grace: what still runs when the client leaves is dropped at once.
                let shutdown = Shutdown::new(Duration::ZERO);
                let (stream, task) = memory::connect(&service, caller, &shutdown);
                served = Some((shutdown, task));
                let transport = IntoTransport::<RoleClient, _, _>::into_transport(stream);
                join(handler, transport, &journal, revision, patience).await
            }
            Target::Command(words) => {
                let spawned = TokioChildProcess::builder(command(&words))
                    .stderr(std::process::Stdio::piped())
                    .spawn();
                let (transport, stderr) = match spawned {
                    Ok(spawned) => spawned,
                    Err(error) => panic!("can't start {}: {error}", words[0].display()),
                };
                complaints = Some(Complaints::of(stderr));
                join(handler, transport, &journal, revision, patience).await
            }
            Target::Http(url) => {
                let settings =
                    StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers);
                let transport = StreamableHttpClientTransport::from_config(settings);
                join(handler, transport, &journal, revision, patience).await
            }
        };
        let running = match joined {
            Ok(running) => running,
            Err(error) => {
                let told = match &complaints {
                    Some(complaints) => complaints.told().await,
                    None => String::new(),
                };
                panic!("there is no connection in {revision}: {error}{told}")
            }
        };
        Client::new(running, revision, script, journal, complaints, served, patience, log_level)
            .await
    }
}

impl IntoFuture for ClientBuilder {
    type Output = Client;
    type IntoFuture = Pin<Box<dyn Future<Output = Client> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.connect())
    }
}

fn version(revision: Revision) -> ProtocolVersion {
    // Every revision of Wharf is one that the SDK has a constant for.
    serde_json::from_value(revision.as_str().into()).unwrap_or_default()
}

/// Begins in the way of the revision.
async fn join<T: Transport<RoleClient> + 'static>(
    handler: Handler,
    transport: T,
    journal: &Arc<Journal>,
    revision: Revision,
    patience: Duration,
) -> Result<Running, String> {
    let lifecycle = match revision.is_modern() {
        true => ClientLifecycleMode::Discover { preferred_versions: vec![version(revision)] },
        false => ClientLifecycleMode::Initialize,
    };
    let transport = Recorded { inner: transport, journal: Arc::clone(journal) };
    let began = Box::pin(handler.serve_with_lifecycle(transport, lifecycle));
    let running = match tokio::time::timeout(patience, began).await {
        Ok(began) => began.map_err(|error| error.to_string())?,
        Err(_) => return Err(format!("no answer within {patience:?}")),
    };
    let agreed = running.peer_info().map(|info| info.protocol_version.to_string());
    match agreed {
        Some(agreed) if agreed == revision.as_str() => Ok(running),
        agreed => Err(format!("the server wants {}", agreed.unwrap_or_default())),
    }
}
