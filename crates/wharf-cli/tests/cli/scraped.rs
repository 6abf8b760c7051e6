//! `/metrics` of `wharf serve`, as Prometheus reads it: on from the first start, for a key of its own, with the pools of databases.

use std::{fs, process::Stdio};

use crate::{
    everything::wharf,
    raw,
    serving::{Serving, command},
};

/// The value of one series.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn metrics_are_there_from_the_first_start() {
    let serving = Serving::start("", &["database", "--sample"]);
    let (_, url) = &serving.urls[0];
    wharf(&["call", url, "execute_query", "query=SELECT 1"]).assert().success();
    wharf(&["call", url, "execute_query", "query=SELECT nothing"]).assert().failure();
    let (status, text) = raw::metrics(url, None);
    assert_eq!(status, 200, "{text}");
    let calls = |outcome| {
        let labels = r#"server="database",target="execute_query""#;
        value(
            &text,
            &format!(r#"wharf_calls_total{{method="tools/call",outcome="{outcome}",{labels}}}"#),
        )
    };
    assert_eq!((calls("OK"), calls("INVALID_INPUT")), (Some(1.0), Some(1.0)), "{text}");
    let pool = |name: &str, more: &str| {
        value(
            &text,
            &format!(r#"wharf_database_{name}{{database="sample",server="database"{more}}}"#),
        )
    };
    assert!(pool("queries_total", "").is_some_and(|queries| queries >= 1.0), "{text}");
    assert_eq!(pool("query_errors_total", ""), Some(1.0), "{text}");
    assert!(pool("query_seconds_total", "").is_some_and(|seconds| seconds > 0.0), "{text}");
    assert_eq!(pool("connections", r#",state="in_use""#), Some(0.0), "{text}");
    assert!(pool("connections", r#",state="idle""#).is_some_and(|idle| idle >= 1.0), "{text}");
    assert_eq!((pool("waiting", ""), pool("timeouts_total", "")), (Some(0.0), Some(0.0)), "{text}");
    assert_eq!(pool("connections_max", ""), Some(4.0), "{text}");
}

#[test]
fn metrics_can_be_turned_off() {
    let config = "[metrics]\nenabled = false\n[servers.calculator]\nkind = 'calculator'\n";
    let serving = Serving::start(config, &[]);
    assert_eq!(raw::metrics(&serving.urls[0].1, None).0, 404);
}

#[test]
fn a_scraper_has_a_key_that_opens_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = "[auth]\nkeys_file = 'keys.json'\n[servers.calculator]\nkind = 'calculator'\n";
    fs::write(folder.path().join("wharf.toml"), config).expect("a file");
    let new_key = |name: &str, allow: &str| {
        let made = command(&folder, &["keys", "new", "--name", name, "--allow", allow]);
        let made = { made }.output().expect("it runs");
        String::from_utf8(made.stdout).expect("UTF-8").trim().to_owned()
    };
    let (scraper, agent) =
        (new_key("prometheus", "metrics:read"), new_key("agent", "calculator:*"));
    let mut serve = command(&folder, &["serve", "--listen", "127.0.0.1:0", "--json"]);
    serve.stdout(Stdio::piped()).stderr(Stdio::piped());
    let serving = Serving::spawn(serve, folder);
    let url = serving.url("calculator");
    assert_eq!(raw::metrics(url, Some(&scraper)).0, 200);
    assert_eq!(raw::metrics(url, None).0, 401);
    let (status, text) = raw::metrics(url, Some(&agent));
    assert_eq!(status, 403);
    assert!(text.contains("metrics:read"), "{text}");
    let mut call = wharf(&["call", url, "calculate", "expression=1+1"]);
    let refused = call.env("WHARF_TOKEN", &scraper).output().expect("it runs");
    assert!(!refused.status.success());
    // A refused call and the refusals of strangers are counted, and no key is named.
    let (_, text) = raw::metrics(url, Some(&scraper));
    assert!(text.contains(r#"outcome="PERMISSION_DENIED""#), "{text}");
    assert!(!text.contains("wharf_0") && !text.contains("agent"), "{text}");
}
