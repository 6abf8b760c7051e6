//! What one server, or one of its tools, has in place of what all have.

use std::time::Duration;

use wharf::{Rate, StoreFailure};

use super::load_text;
use crate::config::Server;

const TWO: &str = r#"
[limits]
request_timeout = "20s"
concurrency_per_caller = 4

[rate_limits]
per_caller = "60/m"
per_caller_burst = 5
daily_per_caller = 1000
store_failure = "refuse"

[servers.plain]
kind = "calculator"

[servers.sales]
kind = "database"
sample = true
limits.request_timeout = "90s"
limits.concurrency_per_caller = 0

[servers.sales.rate_limits]
per_caller = "6/s"
daily_per_caller = 0

[servers.sales.tools.execute_query]
timeout = "2m"
rate = "off"
rate_per_caller = "10/m"
concurrency = 2
response_budget = "64KiB"

[servers.sales.tools.list_tables]
cache_ttl = "0s"

[servers.sales.tools.describe_table]
disabled = true
"#;

fn named<'a>(servers: &'a [Server], name: &str) -> &'a Server {
    servers.iter().find(|server| server.name == name).unwrap()
}

#[test]
fn a_server_takes_from_the_process_what_it_does_not_say() {
    let settings = load_text(TWO, &[]).unwrap();
    let (plain, sales) = (named(&settings.servers, "plain"), named(&settings.servers, "sales"));
    assert_eq!(plain.limits, settings.limits);
    assert_eq!(plain.limits.request_timeout, Duration::from_secs(20));
    assert_eq!(plain.rate_limits.per_caller_burst, Some(5));
    assert!(plain.tools.is_empty());

    assert_eq!(sales.limits.request_timeout, Duration::from_secs(90));
    assert_eq!(
        (plain.limits.concurrency_per_caller, sales.limits.concurrency_per_caller),
        (Some(4), None)
    );
    assert_eq!(sales.limits.queue, settings.limits.queue);
    let rates = &sales.rate_limits;
    // The burst belongs to the rate that was replaced.
    assert_eq!((rates.per_caller, rates.per_caller_burst), (Some(Rate::per_second(6)), None));
    assert_eq!((rates.daily_per_caller, rates.per_server), (None, None));
    assert_eq!(rates.store_failure, StoreFailure::Refuse);
}

#[test]
fn a_tool_keeps_what_is_not_said_of_it() {
    let settings = load_text(TWO, &[]).unwrap();
    let tools = &named(&settings.servers, "sales").tools;
    let query = &tools["execute_query"];
    assert_eq!(query.timeout, Some(Duration::from_secs(120)));
    assert_eq!((query.rate, query.rate_per_caller), (Some(None), Some(Some(Rate::per_minute(10)))));
    assert_eq!((query.concurrency, query.response_bytes), (Some(2), Some(65_536)));
    assert_eq!((query.cache_ttl, query.disabled), (None, false));
    let mut off = wharf::ToolOverrides::default();
    off.disabled = true;
    assert_eq!(tools["describe_table"], off);
    assert_eq!(tools["list_tables"].cache_ttl, Some(Duration::ZERO));
}

#[test]
fn variables_reach_below_a_server() {
    let variables = [
        ("WHARF__SERVERS__MY_DB__KIND", "calculator"),
        ("WHARF__SERVERS__MY_DB__LIMITS__QUEUE", "7"),
        ("WHARF__SERVERS__MY_DB__RATE_LIMITS__PER_SERVER", "1/s"),
        ("WHARF__SERVERS__MY_DB__TOOLS__LIST_TABLES__RATE", "2/s"),
        ("WHARF__SERVERS__MY_DB__TOOLS__LIST_TABLES__TIMEOUT", ""),
    ];
    let settings = load_text("", &variables).unwrap();
    let server = named(&settings.servers, "my-db");
    assert_eq!((server.limits.queue, settings.limits.queue), (7, 16_384));
    assert_eq!(server.rate_limits.per_server, Some(Rate::per_second(1)));
    let tool = &server.tools["list_tables"];
    assert_eq!((tool.rate, tool.timeout), (Some(Some(Rate::per_second(2))), None));
}

#[test]
fn what_is_wrong_below_a_server_is_told_where_it_stands() {
    let check = |below: &str, variables: &[(&str, &str)], expected: &[&str]| {
        let toml = format!("[servers.a]\nkind = \"calculator\"\n{below}");
        let report = load_text(&toml, variables).unwrap_err().to_string();
        for expected in expected {
            assert!(report.contains(expected), "{expected}\n{report}");
        }
        assert_eq!(report.matches("error:").count(), expected.len().min(1), "{report}");
    };
    check(
        "[servers.a.limits]\nqueu = 3",
        &[],
        &["unknown key `queu` in [servers.a.limits]", "did you mean `queue`?"],
    );
    check(
        "[servers.a.limits]\nshutdown_grace = \"3s\"",
        &[],
        &["unknown key `shutdown_grace` in [servers.a.limits]", "is a key of [limits]"],
    );
    check(
        "[servers.a.tools.x]\nrate = \"3/x\"",
        &[],
        &["invalid value for `servers.a.tools.x.rate`", "expected a rate"],
    );
    check("tools = 3", &[], &["`servers.a.tools` must be a section"]);
    check("tools.x = 3", &[], &["`servers.a.tools.x` must be a section"]);
    check(
        "[servers.a.rate_limit]\nper_caller = \"1/s\"",
        &[],
        &["unknown key `rate_limit` in [servers.a]", "did you mean `rate_limits`?"],
    );
    check(
        "",
        &[("WHARF__SERVERS__A__LIMITS__QUEU", "3")],
        &["unknown key `queu` in [servers.a.limits]", "WHARF__SERVERS__A__LIMITS__QUEU"],
    );
    check(
        "",
        &[("WHARF__SERVERS__A__TOOLS__X__QUEUE", "3")],
        &["unknown key `queue` in [servers.a.tools.x]"],
    );
}
