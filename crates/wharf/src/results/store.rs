//! Putting pages into the store, within a bound, and finding them again.

use std::{num::NonZeroU32, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{
    PREFIX,
    page::{OVERHEAD_BYTES, Page},
    piece::Piece,
};
use crate::{
    context::CallContext,
    state::{Quota, StateError, Take},
};

const HANDLE_BYTES: usize = 24;
pub(super) const HANDLE_CHARS: usize = HANDLE_BYTES / 3 * 4;
/// Longest page, in bytes: any store takes it, also when a page is escaped on its way.
const PAGE_BYTES: usize = 256 * 1024;
/// Longest time that a call is held up by keeping what its result lacks.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pages that were kept.
#[derive(Debug)]
pub(crate) struct Kept {
    handle: String,
    pub(crate) pages: usize,
    pub(crate) ttl: Duration,
    /// Whether there was room for everything.
    pub(crate) is_complete: bool,
}

impl Kept {
    /// Where the page is; the first is 1.
    pub(crate) fn uri(&self, page: usize) -> String {
        format!("{PREFIX}{}/{page}", self.handle)
    }
}

/// Keeps `pieces` of a result of `tool` for the caller of `context`, in pages that a budget of `budget` bytes allows. None when there is no room
/// for them, or no store.
pub(crate) async fn keep(
    context: &CallContext,
    tool: &str,
    pieces: &[Piece],
    budget: usize,
) -> Option<Kept> {
    let limits = &context.core.limits;
    // What a bucket gave out last may still be kept when it has filled again, so each holds half of what it stands for.
    let all_bytes = limits.kept_results_bytes / 2;
    let caller_bytes = all_bytes / 2;
    let mut left = caller_bytes;
    let mut pages = Vec::new();
    let page_bytes = PAGE_BYTES.min(budget);
    let is_complete =
        pieces.iter().all(|piece| piece.pages(tool, page_bytes, &mut left, &mut pages));
    let count = u32::try_from(pages.len()).ok().filter(|count| *count > 0)?;
    pages.iter_mut().for_each(|page| page.pages = count);
    let mut handle = [0; HANDLE_BYTES];
    // Without randomness there is no handle that nobody guesses.
    getrandom::fill(&mut handle).ok()?;
    let handle = URL_SAFE_NO_PAD.encode(handle);
    let putting = put(context, &handle, &pages, [caller_bytes, all_bytes]);
    match tokio::time::timeout(PATIENCE, putting).await {
        Ok(Ok(true)) => {
            let pages = pages.len();
            Some(Kept { handle, pages, ttl: limits.kept_results_ttl, is_complete })
        }
        Ok(Ok(false)) => None,
        Ok(Err(error)) => {
            let request_id = context.request_id;
            tracing::warn!(%request_id, %error, "the rest of a cut result could not be kept");
            None
        }
        Err(_) => {
            let request_id = context.request_id;
            tracing::warn!(%request_id, "the rest of a cut result could not be kept in time");
            None
        }
    }
}

/// Whether there was room.
async fn put(
    context: &CallContext,
    handle: &str,
    pages: &[Page<'_>],
    [caller_bytes, all_bytes]: [usize; 2],
) -> Result<bool, StateError> {
    let (state, ttl) = (&context.core.state, context.core.limits.kept_results_ttl);
    let cost: usize = pages.iter().map(|page| page.chunk.len() + OVERHEAD_BYTES).sum();
    // No more than the caller's bucket holds, rounding aside: that is how much was cut into pages.
    let cost_kib = u32::try_from(cost.div_ceil(1024)).unwrap_or(u32::MAX);
    // The caller's own bucket first: one that keeps too much takes no room from the others.
    let server = context.core.name();
    let buckets = [
        (digest(&[b"caller", server.as_bytes(), context.caller.id.as_bytes()]), caller_bytes),
        (digest(&[b"server", server.as_bytes()]), all_bytes),
    ];
    for (name, bytes) in buckets {
        let Some(kib) = u32::try_from(bytes / 1024).ok().and_then(NonZeroU32::new) else {
            return Ok(false);
        };
        let name = [b"wr", &name[..]].concat();
        match state.take(&name, Quota::new(kib, ttl), cost_kib.min(kib.get())).await? {
            Take::Granted { .. } => {}
            Take::Wait(_) => return Ok(false),
        }
    }
    for (page, number) in pages.iter().zip(1_u32..) {
        let name = name(context, handle, number);
        state.put(&name, &page.encode(), Some(ttl)).await?;
    }
    Ok(true)
}

/// What a page is called in the store. Whoever can read the store's names can't read results with them.
pub(super) fn name(context: &CallContext, handle: &str, page: u32) -> Vec<u8> {
    let server = context.core.name().as_bytes();
    let name = digest(&[b"page", server, context.caller.id.as_bytes(), handle.as_bytes()]);
    [b"wr", &name[..], &page.to_le_bytes()].concat()
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
