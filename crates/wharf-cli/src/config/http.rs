//! `[http]`: where and to whom the server speaks HTTP.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    field::{List, Optional, Section, Setting},
    kind::{ADDRESS, BOOLEAN, COUNT, DURATION, HOST, NETWORK, ORIGIN, PATH, SIZE, URL},
    reader::Reader,
};

/// How the server speaks HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<String>,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) cors_origins: Vec<String>,
    /// Each parses as a `wharf::transport::http::Network`.
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) body_limit_bytes: usize,
    pub(crate) header_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_connections: usize,
    pub(crate) danger_allow_unauthenticated: bool,
    /// None for plain HTTP.
    pub(crate) tls: Option<Tls>,
}

/// The files for HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

pub(super) const SECTION: Section = Section {
    path: "http",
    kind: None,
    text: "Where and to whom the server speaks HTTP.",
    fields: &[
        &LISTEN,
        &PUBLIC_URL,
        &ALLOWED_HOSTS,
        &ALLOWED_ORIGINS,
        &CORS_ORIGINS,
        &TRUSTED_PROXIES,
        &BODY_LIMIT,
        &HEADER_TIMEOUT,
        &IDLE_TIMEOUT,
        &MAX_CONNECTIONS,
        &DANGER_ALLOW_UNAUTHENTICATED,
        &TLS_CERT,
        &TLS_KEY,
    ],
    below: &[],
};

static LISTEN: Setting<SocketAddr> = Setting {
    key: "listen",
    kind: ADDRESS,
    default: "127.0.0.1:8080",
    text: "Where to listen. Port 0 takes any free port; `0.0.0.0` listens on every interface.",
};
static PUBLIC_URL: Optional<String> = Optional {
    key: "public_url",
    kind: URL,
    text: "Where clients reach the server, such as `https://mcp.example.com`. Its host and origin are allowed.",
};
static ALLOWED_HOSTS: List<String> = List {
    key: "allowed_hosts",
    kind: HOST,
    text: "Further values of the `Host` header that are allowed, without a port for any port. Others are refused, which stops DNS rebinding.",
};
static ALLOWED_ORIGINS: List<String> = List {
    key: "allowed_origins",
    kind: ORIGIN,
    text: "Further values of the `Origin` header that are allowed, such as `https://app.example.com`.",
};
static CORS_ORIGINS: List<String> = List {
    key: "cors_origins",
    kind: ORIGIN,
    text: "Origins whose pages may read answers (CORS). Each is an allowed origin too.",
};
static TRUSTED_PROXIES: List<String> = List {
    key: "trusted_proxies",
    kind: NETWORK,
    text: "Proxies whose `X-Forwarded-For` is believed.",
};
static BODY_LIMIT: Setting<usize> = Setting {
    key: "body_limit",
    kind: SIZE,
    default: "4MiB",
    text: "Largest request body; larger ones get 413.",
};
static HEADER_TIMEOUT: Setting<Duration> = Setting {
    key: "header_timeout",
    kind: DURATION,
    default: "10s",
    text: "Longest time that a client may take to send the headers of a request, and again its body.",
};
static IDLE_TIMEOUT: Setting<Duration> = Setting {
    key: "idle_timeout",
    kind: DURATION,
    default: "75s",
    text: "Longest time that a connection may be silent between requests.",
};
static MAX_CONNECTIONS: Setting<usize> = Setting {
    key: "max_connections",
    kind: COUNT,
    default: "10000",
    text: "Connections at once; further ones get 503.",
};
static DANGER_ALLOW_UNAUTHENTICATED: Setting<bool> = Setting {
    key: "danger_allow_unauthenticated",
    kind: BOOLEAN,
    default: "false",
    text: "Serves others than this machine without authentication: whoever reaches the port can call every tool.",
};
static TLS_CERT: Optional<PathBuf> = Optional {
    key: "tls_cert",
    kind: PATH,
    text: "PEM file with the certificate chain for HTTPS. Needs `tls_key`.",
};
static TLS_KEY: Optional<PathBuf> = Optional {
    key: "tls_key",
    kind: PATH,
    text: "PEM file with the private key for HTTPS. Needs `tls_cert`.",
};

impl Http {
    pub(super) fn read(mut section: Reader<'_, '_>) -> Self {
        Self {
            listen: section.read(&LISTEN),
            public_url: section.read(&PUBLIC_URL),
            allowed_hosts: section.read(&ALLOWED_HOSTS),
            allowed_origins: section.read(&ALLOWED_ORIGINS),
            cors_origins: section.read(&CORS_ORIGINS),
            trusted_proxies: section.read(&TRUSTED_PROXIES),
            body_limit_bytes: section.read(&BODY_LIMIT),
            header_timeout: section.read(&HEADER_TIMEOUT),
            idle_timeout: section.read(&IDLE_TIMEOUT),
            max_connections: section.read(&MAX_CONNECTIONS),
            danger_allow_unauthenticated: section.read(&DANGER_ALLOW_UNAUTHENTICATED),
            tls: tls(&mut section),
        }
    }
}

/// Both files or neither: one alone is a server that its operator believes to be encrypted.
fn tls(section: &mut Reader<'_, '_>) -> Option<Tls> {
    let (cert, key) = (section.read(&TLS_CERT), section.read(&TLS_KEY));
    for (given, missing) in [(&TLS_CERT, &TLS_KEY), (&TLS_KEY, &TLS_CERT)] {
        if section.is_set(given) && !section.is_set(missing) {
            let title = format!("`{}` needs `{}`", section.name(given), section.name(missing));
            let problem = section.problem(given, title);
            section.push(problem.label(format!("add `{}`, or remove this", missing.key)));
        }
    }
    Some(Tls { cert: cert?, key: key? })
}
