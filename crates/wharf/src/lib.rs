//! Wharf: build and run production-grade Model Context Protocol (MCP) servers.
//!
//! A [`Server`] is described with a builder, built once into a [`Service`], and served by any transport in
//! [`transport`]. Handlers are plain async functions; the same production stack surrounds each of them, over HTTP and
//! stdio, for clients of every revision of the specification from 2024-11-05 to 2026-07-28.

mod cache;
mod call;
mod caller;
mod capability;
mod content;
mod context;
mod dispatch;
mod error;
mod events;
mod gate;
mod handler;
mod layers;
mod listen;
mod meta;
mod observe;
mod outbox;
mod peer;
mod protocol;
mod schema;
mod seal;
mod server;
mod session;
mod stack;
pub mod state;
pub mod transport;

pub use cache::CacheHint;
pub use call::{Call, Outcome, Reply};
pub use caller::{AllowAnonymous, Authenticator, Caller, CallerKind, Challenge, Credentials};
pub use capability::{ClientCapability, Missing};
pub use content::{Annotations, Content, Icon, ResourceContents, ResourceLink, Role};
pub use context::RequestId;
pub use error::{Class, Error, ErrorKind, Failure, ToolError};
pub use events::{Event, EventBus, EventStream, LocalBus};
pub use handler::{
    Answer, Answers, Args, Ask, BoxHandler, Cancel, ClientInfo, CompletionValues, Events, Form,
    FormError, FromCall, Handler, IntoCompletion, IntoPrompt, IntoResource, IntoToolResult,
    Invocation, Json, Log, Polling, Progress, PromptMessage, PromptResult, Question, Round,
    ToolResult, Uri,
};
pub use listen::Subscription;
pub use meta::Meta;
pub use observe::{AuditSink, CallRecord, MetricsSink, Probe, Readiness};
pub use protocol::{Id, LogLevel, Revision, RpcError, keys};
pub use seal::{KeyLength, SealingKey};
pub use server::{
    BuildError, CompletionQuery, Extension, Handle, IntoExtensionResult, Limits, Prompt,
    PromptBuilder, Resource, ResourceBuilder, Server, Service, Tool, ToolBuilder,
};
