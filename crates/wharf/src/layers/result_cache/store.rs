//! The kept results of one server, bounded by their size; the least useful ones go first (moka's TinyLFU).

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use moka::future::Cache;
use tokio::time::Instant;

use crate::{content::Content, handler::ToolResult};

/// What one kept result costs beside its content, in bytes.
const OVERHEAD_BYTES: usize = 512;
/// Names whose generations are remembered one by one; more make everything forgotten at once.
const MAX_NAMES: usize = 4096;

/// A result and when it is too old.
pub(super) struct Kept {
    pub(super) result: ToolResult,
    expires: Instant,
}

impl Kept {
    /// What is worth keeping of a result.
    pub(super) fn of(result: &ToolResult, ttl: Duration) -> Option<Arc<Self>> {
        let expires = Instant::now().checked_add(ttl)?;
        (!result.is_error).then(|| Arc::new(Self { result: result.clone(), expires }))
    }

    fn size_bytes(&self) -> usize {
        let content = |content: &Content| match content {
            Content::Text { text, .. } => text.len(),
            Content::Image { data, .. } | Content::Audio { data, .. } => data.len(),
            Content::Resource { resource, .. } => {
                resource.text.as_ref().map_or(0, String::len)
                    + resource.blob.as_ref().map_or(0, String::len)
            }
            Content::ResourceLink { link, .. } => link.uri.len(),
        };
        let structured = self.result.structured.as_ref().map_or(0, |raw| raw.get().len());
        OVERHEAD_BYTES + structured + self.result.content.iter().map(content).sum::<usize>()
    }
}

/// Counts of invalidations: by name, and of all.
#[derive(Default, Clone)]
struct Generations {
    all: u64,
    names: HashMap<Box<str>, u64>,
}

/// The kept results of one server.
pub(crate) struct ResultStore {
    kept: Cache<[u8; 32], Arc<Kept>>,
    generations: ArcSwap<Generations>,
}

/// The run gave nothing to keep.
#[derive(Debug)]
struct NotKept;

impl ResultStore {
    /// Keeps at most `max_bytes`.
    pub(crate) fn new(max_bytes: u64) -> Self {
        let kept = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, kept: &Arc<Kept>| u32::try_from(kept.size_bytes()).unwrap_or(u32::MAX))
            .build();
        Self { kept, generations: ArcSwap::default() }
    }

    /// What is kept under `key` and not too old. Time is tokio's, which tests can pause; the cache's own clock is not.
    pub(super) async fn fresh(&self, key: &[u8; 32]) -> Option<Arc<Kept>> {
        let kept = self.kept.get(key).await?;
        if Instant::now() < kept.expires {
            return Some(kept);
        }
        self.kept.invalidate(key).await;
        None
    }

    /// Runs `run` and keeps what it gives, or waits for another run of the same key. `None` if that gave nothing to keep.
    pub(super) async fn run(
        &self,
        key: [u8; 32],
        run: impl Future<Output = Option<Arc<Kept>>>,
    ) -> Option<Arc<Kept>> {
        self.kept.try_get_with(key, async { run.await.ok_or(NotKept) }).await.ok()
    }

    /// Changes whenever the tool or one of the tags is invalidated.
    pub(super) fn generation(&self, tool: &str, tags: &[Arc<str>]) -> u64 {
        let generations = self.generations.load();
        let names = tags.iter().map(|tag| tag_name(tag)).chain([tool_name(tool)]);
        let of = |name: String| generations.names.get(name.as_str()).copied().unwrap_or(0);
        // Each only ever grows, so the sum changes with any of them.
        generations.all + names.map(of).sum::<u64>()
    }

    /// Forgets the results of a tool. A run that is under way does not become a kept result any more.
    pub(crate) fn invalidate_tool(&self, tool: &str) {
        self.bump(&tool_name(tool));
    }

    /// Forgets the results of every tool with this tag.
    pub(crate) fn invalidate_tag(&self, tag: &str) {
        self.bump(&tag_name(tag));
    }

    fn bump(&self, name: &str) {
        self.generations.rcu(|now| {
            let mut next = Generations::clone(now);
            if next.names.len() >= MAX_NAMES && !next.names.contains_key(name) {
                // Sums never repeat: what is forgotten counts on in the total.
                next.all += next.names.values().sum::<u64>();
                next.names.clear();
            }
            *next.names.entry(name.into()).or_default() += 1;
            next
        });
    }

    #[cfg(test)]
    pub(super) async fn size_bytes(&self) -> u64 {
        self.kept.run_pending_tasks().await;
        self.kept.weighted_size()
    }
}

fn tool_name(tool: &str) -> String {
    format!("tool {tool}")
}

fn tag_name(tag: &str) -> String {
    format!("tag {tag}")
}
