//! The answers over axum, with nothing around the handler.

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;

use crate::answer::{Answer, answer};

const BODY_LIMIT_BYTES: usize = 16 << 20;

/// Serves until the process is killed.
#[tokio::main]
pub async fn serve(address: &str) -> anyhow::Result<()> {
    let app =
        Router::new().route("/mcp", post(handle)).layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES));
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}/mcp", listener.local_addr()?);
    // Without this, Nagle's algorithm and delayed acknowledgements cost 40 ms an answer.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

async fn handle(body: Bytes) -> Response {
    match answer(&body) {
        Answer::Message(bytes) => {
            ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
        }
        Answer::Nothing => StatusCode::ACCEPTED.into_response(),
        Answer::Refused => StatusCode::BAD_REQUEST.into_response(),
    }
}
