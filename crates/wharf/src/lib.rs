//! Wharf: build and run production-grade Model Context Protocol (MCP) servers.
//!
//! A [`Server`] is described with a builder, built once into a [`Service`], and served by any transport in
//! [`transport`]. Handlers are plain async functions; the same production stack surrounds each of them, over HTTP and
//! stdio, for clients of every revision of the specification from 2024-11-05 to 2026-07-28.

mod batcher;
mod cache;
mod cache_policy;
mod call;
mod caller;
mod canonical;
mod capability;
mod content;
mod context;
#[doc(hidden)]
pub mod cross_check;
mod dispatch;
mod error;
mod events;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod gate;
mod handler;
mod layers;
mod listen;
mod meta;
mod metrics;
mod observe;
mod outbox;
mod peer;
#[cfg(feature = "profiling")]
#[doc(hidden)]
pub mod profiling;
mod protocol;
mod results;
mod schema;
mod scope;
mod seal;
mod server;
mod session;
mod shared;
mod stack;
pub mod state;
pub mod transport;

pub use batcher::{BatchLimits, Batcher, Loaded};
pub use cache::CacheHint;
pub use cache_policy::{CachePolicy, CacheStatus};
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
    Invocation, Json, Log, Polling, Progress, PromptMessage, PromptResult, Question, Requirements,
    Round, State, ToolResult, Uri,
};
pub use layers::{Rate, RateError, RateLimits, StoreFailure};
pub use listen::Subscription;
pub use meta::Meta;
pub use metrics::{Measurements, Metrics, MetricsFormat, MetricsSource, Number};
pub use observe::{
    AuditSink, CallRecord, MetricsSink, Probe, Readiness, RefusalRecord, StoreTrouble,
};
pub use protocol::{Id, LogLevel, Revision, RpcError, keys};
pub use scope::{Grants, PatternError, Refusal, Scope, ScopeError, Target, TargetKind};
pub use seal::{KeyLength, SealingKey};
pub use server::{
    BuildError, Changes, CompletionQuery, Extension, Handle, IntoExtensionResult, IntoItem,
    ItemFuture, Limits, Offered, Prompt, PromptBuilder, Resource, ResourceBuilder, Server, Service,
    Tool, ToolBuilder, ToolOverrides,
};
#[cfg(feature = "macros")]
pub use wharf_macros::{prompt, resource, tool};

#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private;

/// The examples of the README are compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
