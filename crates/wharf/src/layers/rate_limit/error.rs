//! What a caller is told that calls too often: which limit, and when to come back.

use std::time::Duration;

use serde_json::json;

use super::{Rate, buckets::Scope};
use crate::error::{Error, ErrorKind, Failure};

/// RATE_LIMITED.
pub(super) fn rate_limited(scope: Scope, rate: Rate, wait: Duration) -> Error {
    let whose = match scope {
        Scope::ToolPerCaller => "you may call this tool",
        Scope::PerCaller | Scope::DailyPerCaller => "you may call this server",
        Scope::Tool => "this tool may be called by everyone together",
        Scope::Server => "this server may be called by everyone together",
    };
    let seconds = wait.as_millis().div_ceil(1000);
    let mut failure = Failure::new(
        ErrorKind::RateLimited,
        format!("too many calls: {whose} {rate}; wait {seconds} s, then call again"),
    );
    failure.retry_after = Some(wait);
    failure.details = Some(json!({"limit": scope.name(), "rate": rate.to_string()}));
    Error::Failed(failure)
}
