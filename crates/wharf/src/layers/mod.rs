//! The middleware: one layer per file, each a tower layer over [`Call`](crate::Call). Layers know neither HTTP nor stdio.

mod authorize;
mod catch_panic;
mod concurrency;
#[cfg(test)]
pub(crate) mod faulty;
mod gated;
mod handle;
mod idempotency;
mod rate_limit;
mod record;
mod response_budget;
mod result_cache;
#[cfg(test)]
pub(crate) mod testing;
mod timeout;
mod trace;
mod validate;

pub(crate) use authorize::AuthorizeLayer;
pub(crate) use catch_panic::{CatchPanicLayer, caught};
pub(crate) use concurrency::ConcurrencyLayer;
pub(crate) use handle::Handle;
pub(crate) use idempotency::IdempotencyLayer;
pub use rate_limit::{Rate, RateError, RateLimits, StoreFailure};
pub(crate) use rate_limit::{RateLimitLayer, ToolRates};
pub(crate) use record::RecordLayer;
pub(crate) use response_budget::{ResponseBudgetLayer, text_boundary};
pub(crate) use result_cache::{ResultCacheLayer, ResultStore};
pub(crate) use timeout::TimeoutLayer;
pub(crate) use trace::TraceLayer;
pub(crate) use validate::ValidateLayer;
