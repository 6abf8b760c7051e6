//! `wharf serve`: hosts servers over HTTP until a signal ends it. Without arguments and without a file it serves the demo.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf::{
    Metrics,
    transport::{
        Shutdown,
        http::{Bound, Http, HttpSettings, ListenError, TlsSettings},
    },
};

use crate::{
    access,
    cli::ServeOptions,
    commands::matrix,
    config::{LogFormat, Settings},
    databases, durable,
    exit::Exit,
    failure::Failure,
    hosting::{self, Hosted},
    logging, printer,
};

/// Serves.
///
/// # Errors
/// A configuration that can't be used, or an address that can't be listened on.
pub(crate) async fn run(options: &ServeOptions) -> anyhow::Result<Exit> {
    let settings = options.server.settings(options.listen.as_deref())?;
    logging::start(&settings.logging);
    let store = durable::open(&settings.state).await?;
    let metrics = settings.metrics.enabled.then(|| Arc::new(Metrics::new()));
    let hosted = hosting::build(&settings, store.as_ref(), metrics.as_ref())?;
    // With one server of several, permissions may speak of the others.
    if options.server.server.is_none() {
        matrix::check_names(&access::callers(&settings.auth)?, &hosted)?;
    }
    databases::keep_promises(&settings, &hosted).await?;
    // Before the address is announced: a signal that comes right after it must find somebody.
    let shutdown = Shutdown::on_signals(settings.limits.shutdown_grace)?;
    let bound = listener(&settings, &hosted, metrics)?
        .bind(settings.http.listen)
        .await
        .map_err(|error| cannot_listen(&error))?;
    announce(&settings, &hosted, &bound, options.json)?;
    let running = databases::Running::start(&hosted);
    bound.serve(&shutdown).await;
    running.close().await;
    if let Some(store) = store {
        store.close().await;
    }
    tracing::info!("stopped");
    Ok(Exit::Success)
}

fn cannot_listen(error: &ListenError) -> Failure {
    let exit = match error {
        ListenError::Bind { .. } => Exit::Internal,
        _ => Exit::Usage,
    };
    let failure = Failure::new(exit, error.to_string());
    match error {
        ListenError::Unauthenticated(_) => failure.hint(
            "make an API key: wharf keys new --name NAME --allow '*'; see docs/guides/api-keys.md",
        ),
        ListenError::Bind { error, .. } if error.kind() == std::io::ErrorKind::AddrInUse => {
            failure.hint("choose another with --listen 127.0.0.1:PORT; port 0 takes any free one")
        }
        _ => failure,
    }
}

/// One server is at `/mcp`, several are at `/mcp/NAME`.
fn listener(
    settings: &Settings,
    hosted: &[Hosted],
    metrics: Option<Arc<Metrics>>,
) -> Result<Http, Failure> {
    let access = access::authenticator(&settings.auth)?;
    let mut http = Http::new(http_settings(settings)?).authenticator(access.authenticator);
    if let Some(probe) = access.probe {
        http = http.probe(probe);
    }
    if let Some(metrics) = metrics {
        http = http.metrics(metrics);
    }
    if let Some(tls) = &settings.http.tls {
        http = http.tls(TlsSettings { cert: tls.cert.clone(), key: tls.key.clone() });
    }
    Ok(match hosted {
        [only] => http.service(only.service.clone()),
        several => several
            .iter()
            .fold(http, |http, server| http.mount(server.name.clone(), server.service.clone())),
    })
}

fn http_settings(settings: &Settings) -> Result<HttpSettings, Failure> {
    let (configured, sessions) = (&settings.http, &settings.sessions);
    let networks = configured.trusted_proxies.iter().map(|network| network.parse());
    let mut http = HttpSettings::default();
    http.public_url.clone_from(&configured.public_url);
    http.allowed_hosts.clone_from(&configured.allowed_hosts);
    http.allowed_origins.clone_from(&configured.allowed_origins);
    http.cors_origins.clone_from(&configured.cors_origins);
    // The configuration has parsed each already.
    http.trusted_proxies = networks
        .collect::<Result<_, _>>()
        .map_err(|_| Failure::usage("http.trusted_proxies holds no network"))?;
    http.body_limit_bytes = configured.body_limit_bytes;
    http.header_timeout = configured.header_timeout;
    http.idle_timeout = configured.idle_timeout;
    http.max_connections = configured.max_connections;
    http.danger_allow_unauthenticated = configured.danger_allow_unauthenticated;
    http.sessions.enabled = sessions.enabled;
    http.sessions.idle_expiry = sessions.idle_expiry;
    http.sessions.max = sessions.max;
    http.sessions.replay_events = sessions.replay_events;
    http.sessions.resume_window = sessions.resume_window;
    Ok(http)
}

/// Says where the servers are and how to try one: on stderr for people, on stdout for scripts.
fn announce(
    settings: &Settings,
    hosted: &[Hosted],
    bound: &Bound,
    json: bool,
) -> anyhow::Result<()> {
    let urls = bound.urls();
    if settings.logging.format == LogFormat::Json {
        for (server, url) in hosted.iter().zip(&urls) {
            tracing::info!(server = server.name, "listening on {url}");
        }
    } else {
        printer::note(&told(hosted, &urls, &program()));
    }
    if json {
        let servers = hosted.iter().zip(&urls);
        let servers = servers.map(|(server, url)| json!({"name": server.name, "url": url}));
        printer::write_json(&json!({"servers": servers.collect::<Vec<Value>>()}))?;
    }
    Ok(())
}

fn told(hosted: &[Hosted], urls: &[String], program: &str) -> String {
    let width = hosted.iter().map(|server| server.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (server, url) in hosted.iter().zip(urls) {
        text.push_str(&format!("{:width$}  listening on {url}\n", server.name));
    }
    if let (Some(server), Some(url)) = (hosted.last(), urls.last()) {
        let words = server.example.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        text.push_str(&format!(
            "\nTry it from another terminal:\n  {program} call {url} {words}\n"
        ));
        text.push_str("\nCtrl-C stops.\n");
    }
    text
}

/// How this program was called, so that the line above can be pasted as it is.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    if called.is_empty() { "wharf".to_owned() } else { quoted(&called) }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("a=1"), "a=1");
        assert_eq!(quoted("expression=2^64 / 3"), "'expression=2^64 / 3'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
