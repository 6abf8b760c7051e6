//! Targets: which server a command line means, and how to reach it. A target is an http(s) URL, or everything after `--` as a
//! command that speaks MCP on its stdin and stdout. The protocol itself is rmcp's client; nothing here builds a message.

use std::{collections::HashMap, ffi::OsString, time::Duration};

use http::{HeaderName, HeaderValue, Uri};
use rmcp::{
    model::ProtocolVersion,
    service::{
        ClientInitializeError, ClientLifecycleMode, ClientServiceExt, RoleClient, RunningService,
    },
    transport::{
        StreamableHttpClientTransport, TokioChildProcess,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use secrecy::ExposeSecret;
use tokio::process::Command;

use crate::{
    cli::{ClientOptions, Era},
    exit::Exit,
    failure::Failure,
    handler::Handler,
};

/// The server a command line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A Streamable HTTP endpoint.
    Url(String),
    /// A program and its arguments, spoken to over stdio.
    Command(Vec<OsString>),
}

impl Target {
    /// Splits the words of a command line: with a command after `--` every word belongs to the subcommand, otherwise the first
    /// one is the URL.
    ///
    /// # Errors
    /// A usage failure when there is no server, or the first word is no http(s) URL.
    pub(crate) fn split(
        words: &[String],
        command: &[OsString],
    ) -> Result<(Self, Vec<String>), Failure> {
        if !command.is_empty() {
            return Ok((Self::Command(command.to_vec()), words.to_vec()));
        }
        let Some((url, rest)) = words.split_first() else {
            return Err(Failure::usage("no server: give a URL, or a command after --"));
        };
        let is_http = url.parse::<Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
        });
        if !is_http {
            return Err(Failure::usage(format!(
                "'{url}' is not an http(s) URL; a command that speaks stdio goes after --"
            )));
        }
        Ok((Self::Url(url.clone()), rest.to_vec()))
    }

    /// Connects and agrees on a protocol version. Dropping the future ends a spawned command.
    ///
    /// # Errors
    /// Every reason why there is no connection.
    pub(crate) async fn connect(
        &self,
        options: &ClientOptions,
        handler: impl Fn() -> Handler,
    ) -> Result<RunningService<RoleClient, Handler>, Failure> {
        let connected = self.attempt(options, options.era, handler()).await?;
        let connected = match connected {
            // rmcp takes this for the end of the negotiation, but the server has named what it would speak. Its first
            // connection is gone by now.
            Err(ClientInitializeError::NoCompatibleProtocolVersion {
                server_supported, ..
            }) if matches!(options.era, Era::Auto)
                && server_supported.iter().any(ProtocolVersion::has_initialize) =>
            {
                self.attempt(options, Era::Legacy, handler()).await?
            }
            connected => connected,
        };
        connected.map_err(Failure::from)
    }

    async fn attempt(
        &self,
        options: &ClientOptions,
        era: Era,
        handler: Handler,
    ) -> Result<Result<RunningService<RoleClient, Handler>, ClientInitializeError>, Failure> {
        let lifecycle = lifecycle(era);
        Ok(match self {
            Self::Url(url) => {
                let transport =
                    StreamableHttpClientTransport::from_config(http_settings(url, options)?);
                Box::pin(handler.serve_with_lifecycle(transport, lifecycle)).await
            }
            Self::Command(words) => {
                if !options.headers.is_empty() {
                    return Err(Failure::usage("--header is for URLs; a command has no headers"));
                }
                let transport = spawn(words)?;
                Box::pin(handler.serve_with_lifecycle(transport, lifecycle)).await
            }
        })
    }
}

fn lifecycle(era: Era) -> ClientLifecycleMode {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    match era {
        Era::Auto => ClientLifecycleMode::Auto {
            preferred_versions,
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        },
        Era::Modern => ClientLifecycleMode::Discover { preferred_versions },
        Era::Legacy => ClientLifecycleMode::Initialize,
    }
}

fn http_settings(
    url: &str,
    options: &ClientOptions,
) -> Result<StreamableHttpClientTransportConfig, Failure> {
    let mut headers = HashMap::new();
    for header in &options.headers {
        let (name, value) = parse_header(header.expose_secret())
            .map_err(|problem| Failure::usage(format!("--header: {problem}")))?;
        if headers.insert(name.clone(), value).is_some() {
            return Err(Failure::usage(format!("--header {name} is given twice")));
        }
    }
    let token = options.token.as_ref().map(ExposeSecret::expose_secret);
    // An empty variable is how shells and CI systems say that there is none.
    let token = token.filter(|token| !token.is_empty());
    let mut settings = StreamableHttpClientTransportConfig::with_uri(url);
    if let Some(token) = token {
        if HeaderValue::from_str(token).is_err() {
            return Err(Failure::usage("the token has a character that no header may carry"));
        }
        if headers.contains_key(&http::header::AUTHORIZATION) {
            return Err(Failure::usage("a token and --header Authorization exclude each other"));
        }
        settings = settings.auth_header(token);
    }
    Ok(settings.custom_headers(headers))
}

/// Starts the command. Its stderr is ours, so its complaints reach the person. It gets a process group of its own: Ctrl-C in a
/// terminal goes to the whole group, and would kill the server before the request could be cancelled.
fn spawn(words: &[OsString]) -> Result<TokioChildProcess, Failure> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Failure::usage("no command after --"));
    };
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    TokioChildProcess::new(command).map_err(|error| {
        Failure::new(Exit::Transport, format!("cannot start '{}': {error}", program.display()))
    })
}

/// Reads `--header 'Name: value'`.
///
/// # Errors
/// Says which half is wrong. The value may be a secret, so it is not repeated.
fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let (name, value) = text.split_once(':').ok_or("expected 'Name: value'")?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| "the name is no header name")?;
    let mut value = HeaderValue::from_str(value.trim())
        .map_err(|_| "the value has a character that no header may carry")?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Reads `--timeout`.
///
/// # Errors
/// Not a positive number of seconds up to a day.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    const DAY: f64 = 86_400.0;
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= DAY => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("expected seconds, more than 0 and at most {DAY}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(words: &[&str], command: &[&str]) -> Result<(Target, Vec<String>), String> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let command: Vec<_> = command.iter().map(OsString::from).collect();
        Target::split(&words, &command).map_err(|failure| failure.to_string())
    }

    #[test]
    fn first_word_is_the_url_unless_a_command_follows() {
        let url = "https://example.com/mcp";
        let (target, rest) = split(&[url, "add", "a=1"], &[]).unwrap();
        assert_eq!(target, Target::Url(url.to_owned()));
        assert_eq!(rest, ["add", "a=1"]);
        let (target, rest) = split(&["add"], &["./server", "--stdio"]).unwrap();
        assert_eq!(target, Target::Command(vec!["./server".into(), "--stdio".into()]));
        assert_eq!(rest, ["add"]);
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for words in [
            &[][..],
            &["add"],
            &["localhost:80"],
            &["ftp://host/"],
            &["http://"],
            &["http:/x"],
            &["/mcp"],
        ] {
            assert!(split(words, &[]).is_err(), "{words:?}");
        }
    }

    #[test]
    fn headers_and_timeouts_are_checked() {
        let (name, value) = parse_header("X-Key:  s3cret ").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-key", "s3cret"));
        for text in ["s3cret", "bad name: v", ": v", "X: a\nY: b", "X: a\u{0}"] {
            assert!(parse_header(text).is_err(), "{text:?}");
        }
        assert_eq!(parse_timeout("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "nan", "inf", "1e99", ""] {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }
}
