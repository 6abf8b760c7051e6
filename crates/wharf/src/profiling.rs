//! Stacks that lack their outer layers, so that `benches/profile` can tell what each layer costs. Not part of the public API:
//! it exists only with the feature `profiling`, which adds this module and changes nothing unless [`keep_layers`] is called.
//!
//! What is built this way lacks authorization, limits or validation. It must serve nobody but a profiler.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The layers of the stack, innermost first.
pub const LAYERS: [&str; 11] = [
    "kept results",
    "response budget",
    "idempotency",
    "validate",
    "rate limit",
    "authorize",
    "concurrency",
    "timeout",
    "catch panic",
    "record",
    "trace",
];

static KEPT: AtomicUsize = AtomicUsize::new(LAYERS.len());

/// Servers that are built from now on have only the innermost `count` layers.
pub fn keep_layers(count: usize) {
    KEPT.store(count, Ordering::Relaxed);
}

pub(crate) fn kept_layers() -> usize {
    KEPT.load(Ordering::Relaxed)
}
