//! The counters that the compiler puts into the code under test (`-C passes=sancov-module` with inline 8-bit counters, see
//! `scripts/fuzz`): which edges an input ran through, and roughly how often.
//!
//! The one unsafe place of the fuzzer: the instrumentation hands its counters over as two pointers.

#![allow(unsafe_code, reason = "the counters of the instrumentation are a pair of pointers")]

use std::sync::atomic::{AtomicPtr, Ordering};

static START: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static END: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());

/// Called by a constructor of each instrumented object before `main`, each time with the same, whole section.
#[unsafe(no_mangle)]
extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, end: *mut u8) {
    START.store(start, Ordering::Relaxed);
    END.store(end, Ordering::Relaxed);
}

/// How many counters there are; none when nothing was instrumented.
fn count() -> usize {
    let (start, end) = (START.load(Ordering::Relaxed), END.load(Ordering::Relaxed));
    if start.is_null() {
        return 0;
    }
    // SAFETY: the linker put one array of bytes between the two.
    unsafe { end.offset_from_unsigned(start) }
}

/// Copies the counters out and sets them to zero.
fn take(into: &mut [u8]) {
    let start = START.load(Ordering::Relaxed);
    assert_eq!(into.len(), count());
    if start.is_null() {
        return;
    }
    // SAFETY: `into` is as long as the array at `start`, which lives as long as the program and belongs to nobody in Rust.
    // Instrumented code of another thread may count at the same time; a count that is lost or torn does not matter.
    unsafe {
        std::ptr::copy_nonoverlapping(start, into.as_mut_ptr(), into.len());
        std::ptr::write_bytes(start, 0, into.len());
    }
}

/// What was reached so far.
#[derive(Debug)]
pub(crate) struct Coverage {
    /// For each edge, one bit for each order of magnitude of how often an input ran through it.
    seen: Vec<u8>,
    counts: Vec<u8>,
    pub(crate) edges: usize,
}

impl Coverage {
    pub(crate) fn new() -> Self {
        Self { seen: vec![0; count()], counts: vec![0; count()], edges: 0 }
    }

    pub(crate) fn is_instrumented(&self) -> bool {
        !self.seen.is_empty()
    }

    /// Forgets what ran before the next input.
    pub(crate) fn reset(&mut self) {
        take(&mut self.counts);
    }

    /// Whether the input that just ran reached something new; remembers it.
    pub(crate) fn learn(&mut self) -> bool {
        const BLOCK: usize = 64;
        take(&mut self.counts);
        let mut new = false;
        for (counts, seen) in self.counts.chunks(BLOCK).zip(self.seen.chunks_mut(BLOCK)) {
            // Most of the code is not reached by any one input.
            if counts.iter().fold(0, |all, count| all | count) == 0 {
                continue;
            }
            for (count, seen) in counts.iter().zip(seen) {
                let bit = magnitude(*count);
                if bit & !*seen != 0 {
                    self.edges += usize::from(*seen == 0);
                    *seen |= bit;
                    new = true;
                }
            }
        }
        new
    }
}

/// One bit for each order of magnitude.
fn magnitude(count: u8) -> u8 {
    match count {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        4..=7 => 8,
        8..=15 => 16,
        16..=31 => 32,
        32..=127 => 64,
        _ => 128,
    }
}
