//! `wharf doctor`: looks at everything that a start would use, and says what should be changed.
//!
//! It is for whoever runs the servers, so that it tells what no caller is told: roles that may write, promises that are not
//! kept, files that can't be read. It changes nothing and serves nothing.

use std::time::Duration;

use serde_json::{Value, json};
use wharf::Readiness;
use wharf_database::{Databases, engine::Engine, error::DatabaseError};

use crate::{
    access,
    cli::MatrixOptions,
    commands::matrix,
    durable,
    exit::Exit,
    hosting::{self, Hosted},
    printer::{self, Printer},
};

/// Longest wait for one thing that is looked at.
const PATIENCE: Duration = Duration::from_secs(15);

/// One thing that was looked at.
struct Finding {
    server: String,
    what: String,
    state: State,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Warning,
    Problem,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// Looks at everything and prints what it found.
///
/// # Errors
/// A configuration that can't be used at all: there is nothing to look at then.
pub(crate) async fn run(options: &MatrixOptions) -> anyhow::Result<Exit> {
    let settings = options.server.settings(None)?;
    let store = durable::open(&settings.state).await?;
    let hosted = hosting::build(&settings, store.as_ref(), None)?;
    let mut findings = vec![keys(&settings.auth, &hosted).await];
    for server in &hosted {
        findings.extend(of_server(server).await);
    }
    if options.json {
        printer::write_json(&as_json(&findings))?;
    } else {
        printer::write(table(&findings, Printer::stdout()).as_bytes())?;
    }
    for databases in hosted.iter().filter_map(|server| server.databases.as_ref()) {
        let _ = tokio::time::timeout(PATIENCE, databases.close()).await;
    }
    if let Some(store) = store {
        store.close().await;
    }
    let any = findings.iter().any(|finding| finding.state == State::Problem);
    Ok(if any { Exit::ToolFailed } else { Exit::Success })
}

/// The keys, and whether the permissions name anything.
async fn keys(auth: &crate::config::Auth, hosted: &[Hosted]) -> Finding {
    let (state, text) = match access::authenticator(auth) {
        Err(failure) => (State::Problem, failure.to_string()),
        Ok(access) => match access.probe {
            Some(probe) => of_readiness(probe.check().await),
            None => (State::Good, "nobody needs a key".to_owned()),
        },
    };
    let names = access::callers(auth).and_then(|callers| matrix::check_names(&callers, hosted));
    let (state, text) = match names {
        Err(failure) if state != State::Problem => (State::Problem, failure.to_string()),
        _ => (state, text),
    };
    Finding { server: "-".to_owned(), what: "keys".to_owned(), state, text }
}

async fn of_server(server: &Hosted) -> Vec<Finding> {
    let finding = |what: String, (state, text): (State, String)| Finding {
        server: server.name.clone(),
        what,
        state,
        text,
    };
    let mut findings = Vec::new();
    for (name, engine) in server.databases.iter().flat_map(Databases::iter) {
        for told in of_database(&**engine).await {
            findings.push(finding(format!("database {name}"), told));
        }
    }
    let own = |name: &str| findings.iter().any(|finding| finding.what == name);
    let probes = tokio::time::timeout(PATIENCE, server.service.check()).await;
    let others: Vec<Finding> = match probes {
        // What the databases say for others is less than what has been told already.
        Ok(said) => said
            .into_iter()
            .filter(|(name, _)| !own(name))
            .map(|(name, readiness)| finding(name, of_readiness(readiness)))
            .collect(),
        Err(_elapsed) => vec![finding("checks".to_owned(), late())],
    };
    findings.extend(others);
    if findings.is_empty() {
        findings.push(finding("server".to_owned(), (State::Good, "nothing to look at".to_owned())));
    }
    findings
}

async fn of_database(engine: &dyn Engine) -> Vec<(State, String)> {
    match tokio::time::timeout(PATIENCE, engine.check()).await {
        Ok(Ok(health)) if health.warnings.is_empty() => {
            vec![(State::Good, format!("{} can be read", engine.dialect().name()))]
        }
        Ok(Ok(health)) => health.warnings.into_iter().map(|text| (State::Warning, text)).collect(),
        Ok(Err(error)) => vec![(State::Problem, for_operator(&error))],
        Err(_elapsed) => vec![late()],
    }
}

/// The message, and the detail that callers are not told.
fn for_operator(error: &DatabaseError) -> String {
    match error.detail() {
        Some(detail) => format!("{error} ({detail})"),
        None => error.to_string(),
    }
}

fn late() -> (State, String) {
    (State::Problem, format!("no answer within {} s", PATIENCE.as_secs()))
}

fn of_readiness(readiness: Readiness) -> (State, String) {
    match readiness {
        Readiness::Ready => (State::Good, "ready".to_owned()),
        Readiness::Degraded(text) => (State::Warning, text),
        Readiness::NotReady(text) => (State::Problem, text),
        _ => (State::Warning, "it says something that this version does not know".to_owned()),
    }
}

fn table(findings: &[Finding], printer: Printer) -> String {
    let head = ["server", "what", "state", "said"].map(str::to_owned).to_vec();
    let body = findings.iter().map(|finding| {
        vec![
            finding.server.clone(),
            finding.what.clone(),
            finding.state.as_str().to_owned(),
            printer.safe(&finding.text).into_owned(),
        ]
    });
    printer.table(&std::iter::once(head).chain(body).collect::<Vec<_>>())
}

fn as_json(findings: &[Finding]) -> Value {
    let rows = findings.iter().map(|finding| {
        json!({
            "server": finding.server,
            "what": finding.what,
            "state": finding.state.as_str(),
            "said": finding.text,
        })
    });
    json!({"findings": rows.collect::<Vec<_>>()})
}
