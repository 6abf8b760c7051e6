//! What an HTTP listener allows. Defaults are safe: loopback names only, no CORS, bounded everything.

use std::time::Duration;

use super::forwarded::Network;

/// The bounds and rules of one listener.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpSettings {
    /// Where clients reach it, such as `https://mcp.example.com`: its host and origin are allowed.
    pub public_url: Option<String>,
    /// Further values of `Host` that are allowed, without a port for any port.
    pub allowed_hosts: Vec<String>,
    /// Further values of `Origin` that are allowed, such as `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// Origins whose pages may read answers (CORS). Off when empty; each is allowed as an origin too.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Largest request body, in bytes; larger ones get 413.
    pub body_limit_bytes: usize,
    /// Longest time from a request's first byte to the end of its headers, and again for its body.
    pub header_timeout: Duration,
    /// Longest time that a connection may be silent between requests, or take nothing of a response.
    pub idle_timeout: Duration,
    /// Connections at once; further ones get 503.
    pub max_connections: usize,
    /// How often a silent stream says that it is alive.
    pub keep_alive: Duration,
    /// How often the listener asks whether the callers of what goes on are still recognised: a key that was revoked ends
    /// its calls, streams and sessions within this.
    pub review_interval: Duration,
    /// Legacy sessions.
    pub sessions: SessionSettings,
    /// Serves others than this machine without authentication.
    pub danger_allow_unauthenticated: bool,
}

/// Legacy sessions (revisions up to 2025-11-25).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionSettings {
    /// Whether `initialize` begins one. Without, legacy clients are served statelessly and can't be asked anything.
    pub enabled: bool,
    /// A session without requests and streams ends after this long.
    pub idle_expiry: Duration,
    /// Sessions at once; `initialize` is refused with 503 past it.
    pub max: usize,
    /// Events that each stream keeps for a client that comes back.
    pub replay_events: usize,
    /// How long a call whose client has gone waits for it to come back.
    pub resume_window: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            public_url: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            body_limit_bytes: 4 * 1024 * 1024,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            max_connections: 10_000,
            keep_alive: Duration::from_secs(15),
            review_interval: Duration::from_secs(1),
            sessions: SessionSettings::default(),
            danger_allow_unauthenticated: false,
        }
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            idle_expiry: Duration::from_secs(10 * 60),
            max: 10_000,
            replay_events: 256,
            resume_window: Duration::from_secs(60),
        }
    }
}
