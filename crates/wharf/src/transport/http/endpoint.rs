//! One server's endpoint: POST for messages, GET for a legacy session's stream, DELETE for its end.

use std::{future::poll_fn, net::IpAddr, sync::Arc, task::Poll};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;

use super::{
    batch,
    body::ResponseBody,
    body_read::read_body,
    forwarded,
    incoming::{Accepts, is_json},
    reply,
    sessions::{HttpSession, Sessions},
    settings::HttpSettings,
    stream::{Frames, alive, event, priming},
    under_way::UnderWay,
};
use crate::{
    caller::{Authenticator, Caller, Challenge, Credentials},
    dispatch::{Edge, Finished, Listening, Received, Running, Step},
    error::ErrorKind,
    outbox::Outgoing,
    protocol::{HeaderView, Id, RpcError},
    server::{Service, core::Refusal},
};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// One server behind one path.
pub(super) struct Endpoint {
    pub(super) path: String,
    pub(super) service: Service,
    pub(super) sessions: Sessions,
    pub(super) under_way: UnderWay,
    pub(super) authenticator: Arc<dyn Authenticator>,
    pub(super) settings: Arc<HttpSettings>,
}

/// One request, past the checks of the listener.
pub(super) struct Exchange<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) headers: &'a HeaderMap,
    pub(super) caller: Arc<Caller>,
    pub(super) client_addr: IpAddr,
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
        let client_addr = self.client_addr(peer, &parts.headers);
        let credentials = Credentials { headers: &parts.headers, client_addr: Some(client_addr) };
        let caller = match self.authenticator.authenticate(credentials).await {
            Ok(caller) => caller,
            Err(challenge) => {
                let response = refuse(&challenge);
                self.record_refusal(&response, client_addr, None);
                return response;
            }
        };
        let header = parts.headers.get(SESSION);
        let id = header.and_then(|id| id.to_str().ok());
        let session = id.and_then(|id| self.sessions.find(id, &caller));
        let lost = header.is_some() && session.is_none();
        let accepts = Accepts::of(&parts.headers);
        let headers = &parts.headers;
        let exchange =
            Exchange { endpoint: self, headers, caller, client_addr, session, lost, accepts };
        let response = match parts.method {
            Method::POST => exchange.post(body).await,
            Method::GET => exchange.get(),
            Method::DELETE => exchange.delete(id),
            _ => not_allowed("send messages with POST", "POST, GET, DELETE"),
        };
        self.record_refusal(&response, client_addr, Some(&exchange.caller));
        response
    }

    /// The client's address behind trusted proxies.
    pub(super) fn client_addr(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        forwarded::client_addr(peer, headers, &self.settings.trusted_proxies)
    }

    /// Records a response, if it refuses what never became a call.
    pub(super) fn record_refusal(
        &self,
        response: &Response<ResponseBody>,
        client_addr: IpAddr,
        caller: Option<&Caller>,
    ) {
        let Some((reason, status)) = reply::refused(response) else { return };
        self.service.0.record_refusal(&Refusal {
            kind: kind_of(status),
            reason,
            status: Some(status),
            client_addr: Some(client_addr),
            caller,
        });
    }

    /// Ends what goes on for callers who are no longer recognised. Calls first: a session that ends withdraws its own, and
    /// a withdrawn call is not answered.
    pub(super) fn review(&self) {
        let recognises = |caller: &Caller| self.authenticator.recognises(caller);
        let calls = self.under_way.review(recognises);
        let sessions = self.sessions.review(recognises);
        if calls + sessions > 0 {
            tracing::info!(
                server = self.service.0.name(),
                calls,
                sessions,
                "calls, streams and sessions of callers who are no longer recognised were ended"
            );
        }
    }
}

/// What a status says, in the taxonomy's words.
fn kind_of(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::AuthenticationFailed,
        403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::ResourceNotFound,
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::ServiceUnavailable,
        _ => ErrorKind::InvalidInput,
    }
}

pub(super) fn not_allowed(text: &str, allow: &'static str) -> Response<ResponseBody> {
    let mut response = reply::refusal(StatusCode::METHOD_NOT_ALLOWED, "method", text);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

pub(super) fn refuse(challenge: &Challenge) -> Response<ResponseBody> {
    let status = StatusCode::from_u16(challenge.status).unwrap_or(StatusCode::UNAUTHORIZED);
    let mut response = reply::refusal(status, challenge.reason, &challenge.message);
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
    reply::because("no_session", reply::error(&error, None))
}

impl Exchange<'_> {
    async fn post<B>(&self, body: B) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        if !is_json(self.headers) {
            return reply::refusal(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                "send Content-Type: application/json",
            );
        }
        if !self.accepts.json && !self.accepts.events {
            let text = "answers are JSON or event streams: send Accept: application/json, text/event-stream";
            return reply::refusal(StatusCode::NOT_ACCEPTABLE, "media_type", text);
        }
        let settings = &self.endpoint.settings;
        let body = match read_body(body, settings.body_limit_bytes, settings.header_timeout).await {
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
            client_addr: Some(self.client_addr),
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
        match self.first_step(&mut running).await {
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
                    return reply::refusal(StatusCode::NOT_ACCEPTABLE, "media_type", text);
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

    /// What a call does first. Whatever goes on after the first look can outlive its caller's credential, and is looked
    /// after; most calls are over by then.
    pub(super) async fn first_step(&self, running: &mut Running) -> Step {
        let looked = poll_fn(|cx| Poll::Ready(running.poll_next(cx))).await;
        if !matches!(looked, Poll::Ready(Step::Finished(Finished::Reply { .. }))) {
            self.endpoint.under_way.add(running.context());
        }
        match looked {
            Poll::Ready(step) => step,
            Poll::Pending => running.next().await,
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
            return not_allowed("there is no session here: send messages with POST", "POST");
        }
        let Some(session) = &self.session else { return lost_session() };
        if !self.accepts.events {
            return reply::refusal(
                StatusCode::NOT_ACCEPTABLE,
                "media_type",
                "send Accept: text/event-stream",
            );
        }
        let (replay, after) = match self.headers.get("last-event-id") {
            None => (session.standalone(&self.endpoint.service), 0),
            Some(id) => match id.to_str().ok().and_then(|id| session.resume(id)) {
                Some(found) => found,
                None => {
                    return reply::refusal(
                        StatusCode::BAD_REQUEST,
                        "no_stream",
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
                not_allowed("there are no sessions here", "POST")
            }
            Some(id) if self.endpoint.sessions.end(id, &self.caller) => {
                reply::empty(StatusCode::NO_CONTENT)
            }
            Some(_) => lost_session(),
            None => reply::refusal(
                StatusCode::BAD_REQUEST,
                "no_session",
                "send the Mcp-Session-Id of the session to end",
            ),
        }
    }
}

fn too_many_sessions(id: &Id) -> Response<ResponseBody> {
    let mut response = reply::json(
        503,
        RpcError::no_room(
            "this server has as many sessions as it allows; end one with DELETE, or try again later",
        )
        .to_message(Some(id)),
    );
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    reply::because("too_many_sessions", response)
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
