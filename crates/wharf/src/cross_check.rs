//! Debug builds hold each short cut against the long way that it replaces: the plain reading of a schema against the general
//! validator, a message that is read at once against the strict readers. So every test is a test of those, too.

use std::sync::atomic::{AtomicBool, Ordering};

static OFF: AtomicBool = AtomicBool::new(false);

/// Whether to compare.
pub(crate) fn is_on() -> bool {
    cfg!(debug_assertions) && !OFF.load(Ordering::Relaxed)
}

/// Stops comparing, for a test that counts what the short cuts cost.
pub fn switch_off() {
    OFF.store(true, Ordering::Relaxed);
}
