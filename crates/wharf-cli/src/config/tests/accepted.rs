//! Files and variables that make settings.

use std::{path::PathBuf, time::Duration};

use secrecy::ExposeSecret;
use wharf::{Grants, Rate, StoreFailure};
use wharf_database::promises::ColumnName;

use super::load_text;
use crate::config::{
    Asked, Database, DatabaseSource, DatabaseUrl, Level, LogFormat, OneDatabase, Server,
    ServerKind, field::Shape, http::Tls, load, settings::SECTIONS,
};

/// The servers with what distinguishes them.
fn kinds(servers: &[Server]) -> Vec<(&str, &ServerKind)> {
    servers.iter().map(|server| (server.name.as_str(), &server.kind)).collect()
}

#[test]
fn nothing_written_is_the_documented_default() {
    let settings = load_text("", &[]).unwrap();
    let http = wharf::transport::http::HttpSettings::default();
    assert_eq!(settings.auth.keys_file, None);
    assert_eq!((&settings.auth.local, &settings.auth.anonymous), (&Grants::all(), &Grants::all()));
    let limit = wharf_auth::resource::api_key::FailureLimit::default();
    assert_eq!(settings.auth.failures, limit.failures as usize);
    assert_eq!(settings.auth.failure_window, limit.window);
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.http.body_limit_bytes, http.body_limit_bytes);
    assert_eq!(settings.http.header_timeout, http.header_timeout);
    assert_eq!(settings.http.idle_timeout, http.idle_timeout);
    assert_eq!(settings.http.max_connections, http.max_connections);
    assert!(!settings.http.danger_allow_unauthenticated);
    assert_eq!((settings.http.public_url, settings.http.tls), (None, None));
    assert!(settings.http.allowed_hosts.is_empty() && settings.http.trusted_proxies.is_empty());
    assert_eq!(settings.sessions.enabled, http.sessions.enabled);
    assert_eq!(settings.sessions.idle_expiry, http.sessions.idle_expiry);
    assert_eq!(settings.sessions.max, http.sessions.max);
    assert_eq!(settings.sessions.replay_events, http.sessions.replay_events);
    assert_eq!(settings.sessions.resume_window, http.sessions.resume_window);
    assert_eq!(settings.limits.request_timeout, Duration::from_secs(30));
    assert_eq!(settings.limits.shutdown_grace, Duration::from_secs(10));
    assert_eq!(
        [
            settings.limits.concurrency,
            settings.limits.queue,
            settings.limits.concurrency_per_connection,
            settings.limits.page_size
        ],
        [1024, 16384, 16384, 1000]
    );
    let limits = wharf::Limits::default();
    assert_eq!(settings.limits.concurrency_per_caller, limits.concurrency_per_caller);
    assert_eq!(settings.limits.response_budget, limits.response_bytes);
    let rates = &settings.servers[0].rate_limits;
    assert_eq!((rates.per_caller, rates.per_caller_burst), (Some(Rate::per_minute(6000)), None));
    assert_eq!((rates.daily_per_caller, rates.per_server), (None, None));
    assert_eq!(rates.store_failure, StoreFailure::Allow);
    assert!(settings.state.keys.is_empty() && settings.state.file.is_none());
    assert_eq!((settings.logging.format, settings.logging.level), (LogFormat::Text, Level::Info));
    let database = only("sample", one(DatabaseSource::Sample));
    assert_eq!(
        kinds(&settings.servers),
        [("calculator", &ServerKind::Calculator), ("database", &ServerKind::Database(database))]
    );
}

/// One database with the default bounds.
fn one(source: DatabaseSource) -> OneDatabase {
    OneDatabase {
        source,
        row_limit: 10_000,
        timeout: Duration::from_secs(300),
        result_bytes: 480 << 10,
        cell_bytes: 64 << 10,
        min_connections: 0,
        max_connections: 4,
        idle_lifetime: Duration::from_secs(300),
        acquire_timeout: Duration::from_secs(5),
        max_waiting: 256,
        statement_cache: 64,
        ca_file: None,
        session: Vec::new(),
        allow_functions: Vec::new(),
        writes: false,
        notify: false,
        hidden_columns: Vec::new(),
        row_security: Vec::new(),
    }
}

fn only(name: &str, database: OneDatabase) -> Database {
    Database { databases: vec![(name.to_owned(), database)], default: None }
}

const FULL: &str = r#"
[http]
listen = "[::]:0"
public_url = "https://${HOST:-mcp.example.com}/mcp"
allowed_hosts = ["internal", "internal:8080", "[::1]:80"]
allowed_origins = ["https://app.example.com", "vscode-webview://abc"]
cors_origins = ["*"]
trusted_proxies = ["10.0.0.0/8", "::1"]
body_limit = 1000
header_timeout = "500ms"
idle_timeout = "1h"
max_connections = "${CONNECTIONS}"
danger_allow_unauthenticated = true
tls_cert = "cert.pem"
tls_key = "/etc/key.pem"

[sessions]
enabled = false
idle_expiry = "5m"
max = 0x10
replay_events = 0
resume_window = "0s"

[limits]
request_timeout = "1s"
concurrency = 1
queue = 0
concurrency_per_connection = 1_000
page_size = 7
shutdown_grace = "0s"
concurrency_per_caller = 4
response_budget = "64KiB"

[rate_limits]
per_caller = "60/m"
per_caller_burst = 5
daily_per_caller = 1000
per_server = "10/s"
store_failure = "refuse"

[state]
file = "state.db"
keys = [
  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
  "000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
]

[logging]
format = "json"
level = "debug"
expose_internal_errors = true

[servers.sums]
kind = "calculator"

[servers.data-1]
kind = "database"
path = "data.db"
row_limit = 5
timeout = "2s"
result_limit = "2MiB"
cell_limit = "16B"
min_connections = 1
max_connections = 2
idle_lifetime = "1m"
acquire_timeout = "1s"
max_waiting = 0
statement_cache = 16
writes = true
"#;

#[test]
fn every_key_is_read() {
    let settings = load_text(FULL, &[("CONNECTIONS", "12")]).unwrap();
    let http = settings.http;
    assert_eq!(http.listen.to_string(), "[::]:0");
    assert_eq!(http.public_url.as_deref(), Some("https://mcp.example.com/mcp"));
    assert_eq!(http.allowed_hosts, ["internal", "internal:8080", "[::1]:80"]);
    assert_eq!(http.allowed_origins, ["https://app.example.com", "vscode-webview://abc"]);
    assert_eq!((http.cors_origins, http.trusted_proxies.len()), (vec!["*".to_owned()], 2));
    assert_eq!((http.body_limit_bytes, http.max_connections), (1000, 12));
    assert_eq!(http.header_timeout + http.idle_timeout, Duration::from_millis(3_600_500));
    assert!(http.danger_allow_unauthenticated);
    let tls = Tls { cert: PathBuf::from("cert.pem"), key: PathBuf::from("/etc/key.pem") };
    assert_eq!(http.tls, Some(tls));
    let sessions = settings.sessions;
    assert_eq!((sessions.enabled, sessions.max, sessions.replay_events), (false, 16, 0));
    assert_eq!(sessions.idle_expiry + sessions.resume_window, Duration::from_secs(300));
    let limits = settings.limits;
    assert_eq!((limits.concurrency, limits.queue), (1, 0));
    assert_eq!((limits.concurrency_per_connection, limits.page_size), (1000, 7));
    assert_eq!(limits.request_timeout + limits.shutdown_grace, Duration::from_secs(1));
    assert_eq!((limits.concurrency_per_caller, limits.response_budget), (Some(4), 65_536));
    let rates = &settings.servers[0].rate_limits;
    assert_eq!((rates.per_caller, rates.per_caller_burst), (Some(Rate::per_minute(60)), Some(5)));
    assert_eq!(
        (rates.daily_per_caller, rates.per_server),
        (Some(1000), Some(Rate::per_second(10)))
    );
    assert_eq!(rates.store_failure, StoreFailure::Refuse);
    let expected: [u8; 32] = std::array::from_fn(|at| at as u8);
    assert_eq!(settings.state.file, Some(PathBuf::from("state.db")));
    assert_eq!(settings.state.keys.len(), 3);
    assert!(settings.state.keys.iter().all(|key| *key.expose_secret() == expected));
    assert_eq!((settings.logging.format, settings.logging.level), (LogFormat::Json, Level::Debug));
    assert!(settings.logging.expose_internal_errors);
    let database = OneDatabase {
        row_limit: 5,
        timeout: Duration::from_secs(2),
        result_bytes: 2 << 20,
        cell_bytes: 16,
        min_connections: 1,
        max_connections: 2,
        idle_lifetime: Duration::from_secs(60),
        acquire_timeout: Duration::from_secs(1),
        max_waiting: 0,
        statement_cache: 16,
        writes: true,
        notify: false,
        ..one(DatabaseSource::Path("data.db".into()))
    };
    let database = only("main", database);
    assert_eq!(
        kinds(&settings.servers),
        [("data-1", &ServerKind::Database(database)), ("sums", &ServerKind::Calculator)]
    );
}

#[test]
fn variables_override_the_file() {
    let file =
        "[http]\nlisten = 'bad'\ntls_cert = 'a'\ntls_key = 'b'\nallowed_hosts = ['${UNSET}']";
    let settings = load_text(
        file,
        &[
            ("wharf__http__LISTEN", "127.0.0.1:1"),
            ("WHARF__HTTP__ALLOWED_HOSTS", "a, b"),
            ("WHARF__HTTP__TLS_CERT", ""),
            ("WHARF__HTTP__TLS_KEY", ""),
            ("WHARF__LIMITS__QUEUE", "0"),
            ("WHARF__SERVERS__MY_DB__KIND", "database"),
            ("WHARF__SERVERS__MY_DB__SAMPLE", "true"),
        ],
    )
    .unwrap();
    assert_eq!(settings.http.listen.port(), 1);
    assert_eq!(settings.http.allowed_hosts, ["a", "b"]);
    assert_eq!((settings.http.tls, settings.limits.queue), (None, 0));
    assert_eq!(settings.servers.len(), 1);
    assert_eq!(settings.servers[0].name, "my-db");
}

#[test]
fn relative_paths_start_at_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any.toml");
    std::fs::write(&path, "[http]\ntls_cert = 'c'\ntls_key = '/k'\n").unwrap();
    let variables = [("WHARF__HTTP__TLS_KEY".into(), "k".into())];
    let tls = load(Some(&path), variables, &Asked::default()).unwrap().http.tls.unwrap();
    assert_eq!(tls, Tls { cert: folder.path().join("c"), key: "k".into() });
}

#[test]
fn permissions_are_lists_and_an_empty_one_is_nothing() {
    let check = |toml: &str, variables: &[(&str, &str)], expected: &[&str]| {
        let auth = load_text(toml, variables).unwrap().auth;
        assert_eq!(auth.local.patterns().collect::<Vec<_>>(), expected, "{toml} {variables:?}");
        assert_eq!(auth.anonymous, Grants::all());
    };
    check("", &[], &["*"]);
    check("[auth]\nlocal_allow = ['tools', '!db:x_*']", &[], &["tools", "!db:x_*"]);
    check("[auth]\nlocal_allow = []", &[], &[]);
    check("", &[("WHARF__AUTH__LOCAL_ALLOW", "tools, db:*")], &["db:*", "tools"]);
    check("[auth]\nlocal_allow = ['*']", &[("WHARF__AUTH__LOCAL_ALLOW", "")], &[]);
}

#[test]
fn several_databases_stand_in_sections_of_their_own() {
    let file = "[servers.data]\nkind = 'database'\ndefault_database = 'sales'\n\
                [servers.data.databases.sales]\nurl = 'postgres://a:secret@db/sales'\n\
                ca_file = 'ca.pem'\nsession = ['work_mem=64MB', 'search_path=a, b']\n\
                allow_functions = ['reports.now']\nhidden_columns = ['people.ssn']\nrow_security = ['orders']\n\
                [servers.data.databases.old_one]\npath = 'old.db'\n";
    let variables = [
        ("WHARF__SERVERS__DATA__DATABASES__OLD_ONE__ROW_LIMIT", "7"),
        ("WHARF__SERVERS__DATA__DATABASES__MORE__URL", "mysql://a@db/more"),
    ];
    let settings = load_text(file, &variables).unwrap();
    let url = |text: &str| DatabaseUrl(text.to_owned().into());
    let mut sales = one(DatabaseSource::Postgres(url("postgres://a:secret@db/sales")));
    sales.ca_file = Some("ca.pem".into());
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    sales.session = vec![pair("work_mem", "64MB"), pair("search_path", "a, b")];
    sales.allow_functions = vec!["reports.now".to_owned()];
    sales.hidden_columns = vec![ColumnName::parse("people.ssn").unwrap()];
    sales.row_security = vec!["orders".to_owned()];
    let mut old = one(DatabaseSource::Path("old.db".into()));
    old.row_limit = 7;
    let more = one(DatabaseSource::Mysql(url("mysql://a@db/more")));
    let databases =
        vec![("more".to_owned(), more), ("old_one".to_owned(), old), ("sales".to_owned(), sales)];
    let expected = Database { databases, default: Some("sales".to_owned()) };
    assert_eq!(kinds(&settings.servers), [("data", &ServerKind::Database(expected))]);
    assert!(!format!("{settings:?}").contains("secret"));
}

#[test]
fn tables_are_sound() {
    for section in
        SECTIONS.iter().flat_map(|section| section.below.iter().copied().chain([section]))
    {
        let mut keys: Vec<&str> = section.keys().collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), section.fields.len(), "{} names a key twice", section.path);
        for field in section.fields {
            let text = field.text();
            assert!(text.ends_with('.') && !text.contains(['|', '\n']), "{}", field.key());
            // A default that could be seen is no secret.
            let is_one = matches!(field.shape(), Shape::One(_));
            assert!(!(is_one && field.facts().secret), "{}", field.key());
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in "[\\[\\]{}=.,\"'#a-z$é\u{1f600}\r\n 0-9-]{0,80}") {
        if let Err(error) = load_text(&text, &[]) {
            proptest::prop_assert!(error.to_string().starts_with("error: "));
        }
    }
}
