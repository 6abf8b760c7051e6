//! Every bound of a server, named, with its default.

use std::time::Duration;

/// The bounds of one server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Longest time that one call may take, unless its tool says otherwise.
    pub request_timeout: Duration,
    /// Calls that run at once; further ones wait in line.
    pub concurrency: usize,
    /// Calls that wait in line at most; further ones are refused with SERVICE_UNAVAILABLE.
    pub queue: usize,
    /// Calls of one caller that run at once; further ones wait in line. None: as many as the server runs.
    pub concurrency_per_caller: Option<usize>,
    /// Calls that wait because their caller has too many; further ones are refused with RATE_LIMITED. They also count
    /// among those that `queue` bounds.
    pub queue_per_caller: usize,
    /// Calls that wait because a tool's own limit on how many run at once is reached; further ones are refused with
    /// SERVICE_UNAVAILABLE. They also count among those that `queue` bounds.
    pub queue_per_tool: usize,
    /// Most bytes that one tool call may answer with, unless its tool says otherwise; at least 4 KiB. A longer result is cut
    /// and links to pages with the rest.
    pub response_bytes: usize,
    /// Bytes of cut results that are kept for reading on, at most: a caller's own are at most half of them, and one
    /// result's a quarter. Past them results are cut without a link.
    pub kept_results_bytes: usize,
    /// How long they are kept.
    pub kept_results_ttl: Duration,
    /// Calls of one stdio or in-memory connection that are being served or wait in line; further ones are refused with
    /// SERVICE_UNAVAILABLE. An HTTP/1.1 connection has one at a time by its nature.
    pub concurrency_per_connection: usize,
    /// Items on one page of a list.
    pub page_size: usize,
    /// Tools, resources and prompts that are registered, hidden ones included: what a program adds while it runs must end
    /// somewhere.
    pub registered: usize,
    /// Open `subscriptions/listen` streams.
    pub listen_streams: usize,
    /// Resources that one listen stream may watch.
    pub listen_resources: usize,
    /// How long a client has to come back with the answers to an `input_required` result.
    pub request_state_ttl: Duration,
    /// How long the outcome of a call with an idempotency key is kept.
    pub idempotency_ttl: Duration,
    /// How long a process that runs a call with an idempotency key may be silent before the call counts as cut off, so
    /// that the next call with its key is told so and does not wait any longer.
    pub idempotency_lease: Duration,
    /// Most bytes of results that are kept for tools with a [`CachePolicy`](crate::CachePolicy).
    pub result_cache_bytes: u64,
    /// How long a call may go on over all its rounds of questions. What [`Ask::once`](crate::Ask::once) has recorded is
    /// kept for as long.
    pub flow_lifetime: Duration,
    /// Longest message on stdio and in-memory connections, in bytes. (HTTP has its own body limit.)
    pub message_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(30),
            concurrency: 1024,
            queue: 16 * 1024,
            concurrency_per_caller: None,
            response_bytes: 1024 * 1024,
            kept_results_bytes: 16 * 1024 * 1024,
            kept_results_ttl: Duration::from_secs(10 * 60),
            queue_per_caller: 256,
            queue_per_tool: 4096,
            concurrency_per_connection: 16 * 1024,
            page_size: 1000,
            registered: 100_000,
            listen_streams: 4096,
            listen_resources: 1024,
            request_state_ttl: Duration::from_secs(15 * 60),
            idempotency_ttl: Duration::from_secs(24 * 60 * 60),
            idempotency_lease: Duration::from_secs(10),
            result_cache_bytes: 64 * 1024 * 1024,
            flow_lifetime: Duration::from_secs(2 * 60 * 60),
            message_bytes: 4 * 1024 * 1024,
        }
    }
}
