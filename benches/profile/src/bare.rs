//! What is compared with: a task without HTTP, and the bare handler on hyper and on axum.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use axum::serve::ListenerExt;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::answer::{Answer, answer as answer_to};
use crate::{Options, client};

const BODY_LIMIT_BYTES: usize = 16 << 20;

/// Answers each request, whose length is known, with the same bytes.
pub async fn answer(options: &Options) -> anyhow::Result<SocketAddr> {
    let request = client::call(options, None);
    let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let Answer::Message(body) = answer_to(body.as_bytes()) else { anyhow::bail!("no answer") };
    let mut response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    response.extend_from_slice(&body);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let mut received = vec![0; request.len()];
        loop {
            stream.read_exact(&mut received).await?;
            stream.write_all(&response).await?;
        }
        #[expect(unreachable_code, reason = "gives the block its type")]
        std::io::Result::Ok(())
    });
    Ok(address)
}

async fn handle(body: Bytes) -> Response<Full<Bytes>> {
    match answer_to(&body) {
        Answer::Message(bytes) => {
            let mut response = Response::new(Full::new(Bytes::from(bytes)));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        Answer::Nothing | Answer::Refused => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    }
}

/// The handler on hyper alone.
pub async fn hyper() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let Ok((stream, _)) = listener.accept().await else { return };
        drop(stream.set_nodelay(true));
        let service = service_fn(|request: Request<Incoming>| async move {
            let body = request.into_body().collect().await?.to_bytes();
            Ok::<_, hyper::Error>(handle(body).await)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        drop(connection.await);
    });
    Ok(address)
}

/// The handler on axum, as `bare-axum` serves it.
pub async fn axum() -> anyhow::Result<SocketAddr> {
    let body_of = |body: Bytes| async move { Ok::<_, Infallible>(handle(body).await) };
    let app =
        Router::new().route("/mcp", post(body_of)).layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}
