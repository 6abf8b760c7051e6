//! The kept results of one server, bounded by their size; those that were not asked for again go first (quick_cache's Clock-PRO).

use std::{
    collections::HashMap,
    future::Future,
    hash::{BuildHasher, Hasher},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use quick_cache::{
    OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use tokio::time::Instant;

use crate::{content::Content, handler::ToolResult};

/// What one kept result costs beside its content, in bytes.
const OVERHEAD_BYTES: usize = 512;
/// Names whose generations are remembered one by one; more make everything forgotten at once.
const MAX_NAMES: usize = 4096;
/// A part of the cache with a lock of its own has room for this much, so that any result that has a budget fits into one.
const PART_BYTES: u64 = 8 << 20;
const MAX_PARTS: u64 = 64;

/// A result and when it is too old.
pub(super) struct Kept {
    pub(super) result: ToolResult,
    expires: Instant,
    made: Moment,
}

/// Before or after another one: counted, since the clock may stand still between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Kept {
    /// Time is tokio's, which tests can pause; the cache's own clock is not.
    pub(super) fn is_too_old(&self) -> bool {
        Instant::now() >= self.expires
    }

    /// Whether it was made at that moment or later.
    pub(super) fn is_since(&self, moment: Moment) -> bool {
        self.made >= moment
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
    max_bytes: u64,
    /// Made when a result is first looked for: most servers keep none.
    kept: OnceLock<Results>,
    generations: ArcSwap<Generations>,
    moments: AtomicU64,
}

type Results = Cache<[u8; 32], Entry, BySize, Digested>;

/// How a run ended, for those who ask the same.
#[derive(Clone)]
enum Entry {
    Kept(Arc<Kept>),
    /// The run gave nothing to keep. Told to those who waited for it, and then removed.
    Nothing,
}

/// What an entry costs, in bytes.
#[derive(Debug, Clone, Copy)]
struct BySize;

impl Weighter<[u8; 32], Entry> for BySize {
    fn weight(&self, _: &[u8; 32], entry: &Entry) -> u64 {
        match entry {
            Entry::Kept(kept) => kept.size_bytes() as u64,
            Entry::Nothing => 0,
        }
    }
}

/// A part of a key is its hash: keys are digests already.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Digested;

impl BuildHasher for Digested {
    type Hasher = FirstBytes;

    fn build_hasher(&self) -> FirstBytes {
        FirstBytes::default()
    }
}

/// The first eight bytes of the longest text that is written. (A length comes before it.)
#[derive(Debug, Default)]
pub(crate) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl ResultStore {
    /// Keeps at most `max_bytes`.
    pub(crate) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            kept: OnceLock::new(),
            generations: ArcSwap::default(),
            moments: AtomicU64::new(0),
        }
    }

    fn kept(&self) -> &Results {
        self.kept.get_or_init(|| {
            let parts = (self.max_bytes / PART_BYTES).clamp(1, MAX_PARTS);
            let items = self.max_bytes / OVERHEAD_BYTES as u64;
            let options = OptionsBuilder::new()
                .estimated_items_capacity(usize::try_from(items).unwrap_or(usize::MAX))
                .weight_capacity(self.max_bytes)
                .shards(parts as usize)
                .build();
            match options {
                Ok(options) => {
                    Cache::with_options(options, BySize, Digested, DefaultLifecycle::default())
                }
                // Not reached, since everything that has to be set is set above.
                Err(_) => Cache::with(0, 0, BySize, Digested, DefaultLifecycle::default()),
            }
        })
    }

    /// Now.
    pub(super) fn moment(&self) -> Moment {
        Moment(self.moments.load(Ordering::SeqCst))
    }

    /// What is worth keeping of a result.
    pub(super) fn keep(&self, result: &ToolResult, ttl: Duration) -> Option<Arc<Kept>> {
        let expires = Instant::now().checked_add(ttl)?;
        (!result.is_error).then(|| {
            let made = Moment(self.moments.fetch_add(1, Ordering::SeqCst));
            Arc::new(Kept { result: result.clone(), expires, made })
        })
    }

    /// What is kept under `key`, however old it is. Without any it runs `run` and keeps what that gives, or waits for another
    /// run of the same key. `None` if that gave nothing to keep.
    pub(super) async fn get_or_run(
        &self,
        key: [u8; 32],
        run: impl Future<Output = Option<Arc<Kept>>>,
    ) -> Option<Arc<Kept>> {
        let kept = self.kept();
        match kept.get_value_or_guard_async(&key).await {
            Ok(Entry::Kept(found)) => Some(found),
            Ok(Entry::Nothing) => None,
            // Dropped half-way, it lets the next one who waits run.
            Err(place) => {
                let made = run.await;
                // Refused only where the place was given away, which happens nowhere.
                let _ = place.insert(made.clone().map_or(Entry::Nothing, Entry::Kept));
                if made.is_none() {
                    kept.remove_if(&key, |entry| matches!(entry, Entry::Nothing));
                }
                made
            }
        }
    }

    /// Forgets `old`, if it is still what is kept under `key`.
    pub(super) fn forget(&self, key: &[u8; 32], old: &Arc<Kept>) {
        self.kept()
            .remove_if(key, |entry| matches!(entry, Entry::Kept(now) if Arc::ptr_eq(now, old)));
    }

    /// Changes whenever the tool or one of the tags is invalidated.
    pub(super) fn generation(&self, tool: &str, tags: &[Arc<str>]) -> u64 {
        let generations = self.generations.load();
        if generations.names.is_empty() {
            return generations.all;
        }
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

    /// What is kept, in bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.kept.get().map_or(0, Results::weight)
    }
}

fn tool_name(tool: &str) -> String {
    format!("tool {tool}")
}

fn tag_name(tag: &str) -> String {
    format!("tag {tag}")
}
