//! Messages as they are on the wire, over each transport: for what no well-behaved client would send, and to see exactly
//! what comes back.

mod http;
mod lines;
mod sse;

use std::{ffi::OsString, time::Duration};

use serde_json::Value;

use self::{http::HttpLink, lines::LineLink};
use crate::IntoService;

/// Longest wait for a message. Only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection on which a test writes and reads messages itself.
///
/// ```
/// # use wharf::{Server, Tool};
/// # use wharf_testkit::Wire;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = Server::new("demo", "1.0.0").tool(Tool::new("hello").handler(|| async { "hi" }));
/// let mut wire = Wire::memory(server);
/// wire.send("{ this is no JSON").await;
/// assert_eq!(wire.next().await.unwrap()["error"]["code"], -32700);
/// # }
/// ```
#[derive(Debug)]
pub struct Wire {
    link: Link,
    name: &'static str,
}

#[derive(Debug)]
enum Link {
    Lines(Box<LineLink>),
    Http(Box<HttpLink>),
}

impl Wire {
    /// Lines to `server` in memory: works with paused time.
    pub fn memory(server: impl IntoService) -> Self {
        Self {
            link: Link::Lines(Box::new(LineLink::memory(&server.into_service()))),
            name: "memory",
        }
    }

    /// Lines to the process that a command starts; it ends with the wire. Needs real time.
    ///
    /// # Panics
    /// When it can't be started.
    #[track_caller]
    pub fn command<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Self {
        let words: Vec<_> = words.into_iter().map(Into::into).collect();
        Self { link: Link::Lines(Box::new(LineLink::command(&words))), name: "stdio" }
    }

    /// Messages to the server at `url`, each by a POST with the headers that its revision asks for; answers and streams
    /// come back in one row. A legacy session is kept, with its GET stream. Arguments that a tool wants repeated in
    /// headers (`x-mcp-header`) are not: its schema is not known here. Needs real time.
    pub fn http(url: impl Into<String>) -> Self {
        Self { link: Link::Http(Box::new(HttpLink::new(url.into()))), name: "HTTP" }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Sends a message, or anything else.
    ///
    /// # Panics
    /// When nobody reads it.
    pub async fn send(&mut self, message: &str) {
        let sent = async {
            match &mut self.link {
                Link::Lines(lines) => lines.send(message).await,
                Link::Http(http) => http.send(message).await,
            }
        };
        match tokio::time::timeout(PATIENCE, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("nothing can be sent over {}: {error}", self.name),
            Err(_) => panic!("the server did not read within {PATIENCE:?} over {}", self.name),
        }
    }

    /// The next message; `None` once the server has ended the connection.
    ///
    /// # Panics
    /// When none comes, or what comes is no message.
    pub async fn next(&mut self) -> Option<Value> {
        match self.receive().await {
            Ok(message) => message,
            Err(error) => panic!("over {}: {error}", self.name),
        }
    }

    pub(crate) async fn receive(&mut self) -> Result<Option<Value>, String> {
        let next = async {
            match &mut self.link {
                Link::Lines(lines) => lines.next().await,
                Link::Http(http) => http.next().await,
            }
        };
        match tokio::time::timeout(PATIENCE, next).await {
            Ok(next) => next,
            Err(_) => Err(format!("the server said nothing for {PATIENCE:?}")),
        }
    }

    /// Says that nothing more will be sent. What the server still has to say can be read until `None`; streams that
    /// never end by themselves are closed over HTTP.
    pub async fn finish(&mut self) {
        match &mut self.link {
            Link::Lines(lines) => lines.finish().await,
            Link::Http(http) => http.finish(PATIENCE).await,
        }
    }
}
