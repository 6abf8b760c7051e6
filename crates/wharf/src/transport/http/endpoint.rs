//! One server's endpoint: POST for messages, GET for a legacy session's stream, DELETE for its end.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;

use super::{
    batch,
    body::ResponseBody,
    forwarded, reply,
    sessions::{HttpSession, Sessions},
    settings::HttpSettings,
    stream::{Frames, alive, event, priming},
};
use crate::{
    caller::{Authenticator, Caller, Challenge, Credentials},
    dispatch::{Edge, Finished, Listening, Received, Running, Step},
    outbox::Outgoing,
    protocol::{HeaderView, Id, RpcError},
    server::Service,
};

const SESSION: &str = "mcp-session-id";

/// One server behind one path.
pub(super) struct Endpoint {
    pub(super) path: String,
    pub(super) service: Service,
    pub(super) sessions: Sessions,
    pub(super) authenticator: Arc<dyn Authenticator>,
    pub(super) settings: Arc<HttpSettings>,
}

/// What a client accepts.
#[derive(Clone, Copy)]
pub(super) struct Accepts {
    json: bool,
    events: bool,
}

impl Accepts {
    fn of(headers: &HeaderMap) -> Self {
        let mut accepts = Self { json: false, events: false };
        let mut any = false;
        for value in headers.get_all(header::ACCEPT) {
            any = true;
            for range in value.to_str().unwrap_or_default().split(',') {
                let range = range.split(';').next().unwrap_or_default().trim();
                let is = |name: &str| range.eq_ignore_ascii_case(name);
                accepts.json |= is("application/json") || is("application/*") || is("*/*");
                accepts.events |= is("text/event-stream") || is("text/*") || is("*/*");
            }
        }
        if any { accepts } else { Self { json: true, events: true } }
    }
}

/// One request, past the checks of the listener.
pub(super) struct Exchange<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) headers: &'a HeaderMap,
    pub(super) caller: Arc<Caller>,
    pub(super) session: Option<Arc<HttpSession>>,
    /// A session id was sent that names none of this caller's.
    pub(super) lost: bool,
    pub(super) accepts: Accepts,
}

impl Endpoint {
    /// Serves one request.
    pub(super) async fn serve<B>(&self, request: Request<B>, peer: IpAddr) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let (parts, body) = request.into_parts();
        let client = forwarded::client_addr(peer, &parts.headers, &self.settings.trusted_proxies);
        let credentials = Credentials { headers: &parts.headers, client_addr: Some(client) };
        let caller = match self.authenticator.authenticate(credentials).await {
            Ok(caller) => caller,
            Err(challenge) => return refuse(&challenge),
        };
        let id = parts.headers.get(SESSION).and_then(|id| id.to_str().ok());
        let session = id.and_then(|id| self.sessions.find(id, &caller));
        let lost = parts.headers.contains_key(SESSION) && session.is_none();
        let accepts = Accepts::of(&parts.headers);
        let exchange =
            Exchange { endpoint: self, headers: &parts.headers, caller, session, lost, accepts };
        match parts.method {
            Method::POST => exchange.post(body).await,
            Method::GET => exchange.get(),
            Method::DELETE => exchange.delete(id),
            _ => {
                let mut response =
                    reply::text(StatusCode::METHOD_NOT_ALLOWED, "send messages with POST");
                response
                    .headers_mut()
                    .insert(header::ALLOW, HeaderValue::from_static("POST, GET, DELETE"));
                response
            }
        }
    }
}

fn refuse(challenge: &Challenge) -> Response<ResponseBody> {
    let status = StatusCode::from_u16(challenge.status).unwrap_or(StatusCode::UNAUTHORIZED);
    let mut response = reply::text(status, &challenge.message);
    let www_authenticate = Some(&challenge.www_authenticate).filter(|value| !value.is_empty());
    if let Some(Ok(value)) = www_authenticate.map(|value| HeaderValue::from_str(value)) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    if let Some(seconds) = challenge.retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn lost_session() -> Response<ResponseBody> {
    let mut error =
        RpcError::invalid_request("no such session; it may have expired: send initialize again");
    error.status = 404;
    reply::error(&error, None)
}

impl Exchange<'_> {
    async fn post<B>(&self, body: B) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        if !is_json(self.headers) {
            return reply::text(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send Content-Type: application/json",
            );
        }
        if !self.accepts.json && !self.accepts.events {
            let text = "answers are JSON or event streams: send Accept: application/json, text/event-stream";
            return reply::text(StatusCode::NOT_ACCEPTABLE, text);
        }
        let settings = &self.endpoint.settings;
        let body = match read(body, settings.body_limit_bytes, settings.header_timeout).await {
            Ok(body) => body,
            Err(refused) => return *refused,
        };
        let response = match self.receive(&body, self.accepts.events) {
            Received::Nothing if self.lost => lost_session(),
            Received::Nothing => reply::empty(StatusCode::ACCEPTED),
            Received::Refused { body, status } => reply::json(status, body),
            Received::Batch(items) => batch::answer(self, &items).await,
            Received::Call(running) => self.call(running).await,
        };
        // A session is idle from its last answer on, not from the question.
        if let Some(session) = &self.session {
            session.touch();
        }
        response
    }

    pub(super) fn receive(&self, message: &Bytes, can_stream: bool) -> Received {
        let session = self.session.as_ref().map(|session| &session.session);
        let edge = Edge {
            caller: &self.caller,
            session,
            lost_session: self.lost,
            in_flight: session.map(|session| &session.in_flight),
            headers: Some(HeaderView(self.headers)),
            can_stream,
            sessionless: true,
        };
        self.endpoint.service.0.receive(message, &edge)
    }

    /// Drives a call: its answer as JSON, unless it says something before.
    async fn call(&self, mut running: Box<Running>) -> Response<ResponseBody> {
        let new_session = running.new_session.take();
        match running.next().await {
            Step::Finished(Finished::Reply { body, status, challenge }) => match new_session {
                Some(session) if self.endpoint.sessions.enabled() && status == 200 => {
                    match self.endpoint.sessions.begin(session) {
                        Ok(session) => {
                            let mut response = self.finished(body, status);
                            if let Ok(id) = HeaderValue::from_str(&session.id) {
                                response.headers_mut().insert(SESSION, id);
                            }
                            response
                        }
                        Err(_) => too_many_sessions(running.id()),
                    }
                }
                _ => {
                    let mut response = self.finished(body, status);
                    if let Some(Ok(challenge)) = challenge.as_deref().map(HeaderValue::from_str) {
                        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                    }
                    response
                }
            },
            Step::Finished(Finished::Listen { subscription, place }) => {
                if !self.accepts.events {
                    let text = "a listen stream needs Accept: text/event-stream";
                    return reply::text(StatusCode::NOT_ACCEPTABLE, text);
                }
                self.events(ListenFrames(Listening::new(running, subscription, place)))
            }
            // Withdrawn: an answer is forbidden, so the response is a stream without events.
            Step::Finished(Finished::Silent) => {
                reply::events(ResponseBody::stream(stream::empty()))
            }
            Step::Outgoing(first) => self.upgrade(running, first),
        }
    }

    fn finished(&self, body: Vec<u8>, status: u16) -> Response<ResponseBody> {
        if self.accepts.json || status != 200 {
            return reply::json(status, body);
        }
        reply::events(ResponseBody::full(event(&body, None)))
    }

    fn events(&self, frames: impl Frames) -> Response<ResponseBody> {
        reply::events(ResponseBody::stream(alive(frames, self.endpoint.settings.keep_alive)))
    }

    /// The call says something before its answer: the response becomes a stream.
    fn upgrade(&self, running: Box<Running>, first: Outgoing) -> Response<ResponseBody> {
        match &self.session {
            Some(session) if session.session.revision.has_polling() => {
                let replay = session.detach(running, first);
                let reader = replay.read(0, Some(priming(&replay.event_id(0))));
                self.events(reader)
            }
            _ => self.events(CallFrames { running: Some(running), first: Some(first) }),
        }
    }

    fn get(&self) -> Response<ResponseBody> {
        if !self.endpoint.sessions.enabled() || (self.session.is_none() && !self.lost) {
            let mut response = reply::text(
                StatusCode::METHOD_NOT_ALLOWED,
                "there is no session here: send messages with POST",
            );
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let Some(session) = &self.session else { return lost_session() };
        if !self.accepts.events {
            return reply::text(StatusCode::NOT_ACCEPTABLE, "send Accept: text/event-stream");
        }
        let (replay, after) = match self.headers.get("last-event-id") {
            None => (session.standalone(&self.endpoint.service), 0),
            Some(id) => match id.to_str().ok().and_then(|id| session.resume(id)) {
                Some(found) => found,
                None => {
                    return reply::text(
                        StatusCode::BAD_REQUEST,
                        "Last-Event-ID names no stream of this session",
                    );
                }
            },
        };
        let first = (after == 0 && session.session.revision.has_polling())
            .then(|| priming(&replay.event_id(0)));
        self.events(replay.read(after, first))
    }

    fn delete(&self, id: Option<&str>) -> Response<ResponseBody> {
        match id {
            _ if !self.endpoint.sessions.enabled() => {
                reply::text(StatusCode::METHOD_NOT_ALLOWED, "there are no sessions here")
            }
            Some(id) if self.endpoint.sessions.end(id, &self.caller) => {
                reply::empty(StatusCode::NO_CONTENT)
            }
            Some(_) => lost_session(),
            None => reply::text(
                StatusCode::BAD_REQUEST,
                "send the Mcp-Session-Id of the session to end",
            ),
        }
    }
}

fn too_many_sessions(id: &Id) -> Response<ResponseBody> {
    let mut response = reply::json(
        503,
        RpcError::new(
            -31007,
            503,
            crate::error::ErrorKind::ServiceUnavailable,
            "this server has as many sessions as it allows; end one with DELETE, or try again later",
        )
        .to_message(Some(id)),
    );
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    response
}

fn is_json(headers: &HeaderMap) -> bool {
    let value =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// Reads a body within its bounds.
async fn read<B>(
    body: B,
    limit: usize,
    timeout: Duration,
) -> Result<Bytes, Box<Response<ResponseBody>>>
where
    B: Body<Data = Bytes> + Send,
    B::Error: std::fmt::Display,
{
    let too_large = || {
        let text = format!("the body is longer than {limit} bytes, the most allowed");
        Box::new(closing(reply::text(StatusCode::PAYLOAD_TOO_LARGE, &text)))
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let collect = async {
        let mut body = std::pin::pin!(body);
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) =
                frame.map_err(|_| Box::new(reply::empty(StatusCode::BAD_REQUEST)))?.into_data()
            else {
                continue;
            };
            if first.len() + rest.len() + data.len() > limit {
                return Err(too_large());
            }
            // One frame is the common case, and is not copied.
            if first.is_empty() && rest.is_empty() {
                first = data;
            } else {
                if rest.is_empty() {
                    rest.reserve(first.len() + data.len());
                    rest.extend_from_slice(&std::mem::take(&mut first));
                }
                rest.extend_from_slice(&data);
            }
        }
        Ok(if rest.is_empty() { first } else { rest.freeze() })
    };
    tokio::time::timeout(timeout, collect).await.unwrap_or_else(|_| {
        Err(Box::new(closing(reply::text(
            StatusCode::REQUEST_TIMEOUT,
            "the body took too long to arrive",
        ))))
    })
}

/// The rest of the request is not read: the connection can't be used again.
fn closing(mut response: Response<ResponseBody>) -> Response<ResponseBody> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A call whose stream can't be resumed: dropping the stream drops the call.
struct CallFrames {
    running: Option<Box<Running>>,
    first: Option<Outgoing>,
}

impl Frames for CallFrames {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let running = self.running.as_mut()?;
            let step = match self.first.take() {
                Some(first) => Step::Outgoing(first),
                None => running.next().await,
            };
            match step {
                Step::Outgoing(Outgoing::Message(message)) => return Some(event(&message, None)),
                // This client could not come back for the answer.
                Step::Outgoing(Outgoing::Release) => {}
                Step::Finished(Finished::Reply { body, .. }) => {
                    self.running = None;
                    return Some(event(&body, None));
                }
                Step::Finished(_) => return None,
            }
        }
    }
}

struct ListenFrames(Listening);

impl Frames for ListenFrames {
    async fn next(&mut self) -> Option<Bytes> {
        self.0.next().await.map(|message| event(&message, None))
    }
}
