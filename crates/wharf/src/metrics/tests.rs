use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    cache_policy::CacheStatus,
    caller::Caller,
    context::RequestId,
    error::{Class, ErrorKind},
    protocol::Revision,
};

struct Ended {
    target: String,
    outcome: &'static str,
    elapsed: Duration,
    cache: Option<CacheStatus>,
}

fn ended(target: &str) -> Ended {
    Ended {
        target: target.to_owned(),
        outcome: CallRecord::OK,
        elapsed: Duration::from_millis(3),
        cache: None,
    }
}

impl Ended {
    fn record(&self, metrics: &Metrics) {
        metrics.record(&CallRecord {
            request_id: RequestId::next(),
            server: "shop",
            method: "tools/call",
            target: "whatever the client wrote",
            registered: &self.target,
            caller: &Caller::anonymous(),
            revision: Revision::V2026_07_28,
            outcome: self.outcome,
            class: Class::Success,
            cache: self.cache,
            elapsed: self.elapsed,
        });
    }
}

fn refusal(reason: &'static str) -> RefusalRecord<'static> {
    RefusalRecord {
        request_id: RequestId::next(),
        server: "shop",
        client_addr: None,
        caller: None,
        outcome: ErrorKind::InvalidInput.code(),
        class: Class::CallerFault,
        reason,
        status: None,
    }
}

/// The value of the one line with this name and these labels.
fn value(text: &str, series: &str) -> String {
    let mut found = text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let value = found.next().unwrap_or_else(|| panic!("no {series} in\n{text}"));
    assert_eq!(found.next(), None, "{series} twice");
    value.to_owned()
}

#[test]
fn what_all_threads_count_is_added_up() {
    let metrics = Metrics::new();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                ended("sell").record(&metrics);
                Ended { outcome: "TIMEOUT", elapsed: Duration::from_secs(400), ..ended("sell") }
                    .record(&metrics);
                Ended { cache: Some(CacheStatus::Hit), ..ended("look") }.record(&metrics);
                metrics.refused(&refusal("not_json"));
                let trouble = StoreTrouble { server: "shop", part: "rate_limit", allowed: true };
                metrics.store_trouble(&trouble);
            });
        }
    });
    let text = metrics.text(MetricsFormat::Prometheus);
    let sell = r#"method="tools/call",server="shop",target="sell""#;
    for (series, expected) in [
        (r#"wharf_calls_total{method="tools/call",outcome="OK",server="shop",target="sell"}"#.to_owned(), "16"),
        (r#"wharf_calls_total{method="tools/call",outcome="TIMEOUT",server="shop",target="sell"}"#.to_owned(), "16"),
        (format!("wharf_call_duration_seconds_count{{{sell}}}"), "32"),
        (format!("wharf_call_duration_seconds_sum{{{sell}}}"), "6400.048"),
        // A range includes its upper bound, and holds those before it.
        (format!("wharf_call_duration_seconds_bucket{{{sell},le=\"0.0025\"}}"), "0"),
        (format!("wharf_call_duration_seconds_bucket{{{sell},le=\"0.005\"}}"), "16"),
        (format!("wharf_call_duration_seconds_bucket{{{sell},le=\"300\"}}"), "16"),
        (format!("wharf_call_duration_seconds_bucket{{{sell},le=\"+Inf\"}}"), "32"),
        (r#"wharf_kept_results_total{server="shop",status="hit",target="look"}"#.to_owned(), "16"),
        (r#"wharf_kept_results_total{server="shop",status="miss",target="look"}"#.to_owned(), "0"),
        (r#"wharf_refusals_total{reason="not_json",server="shop"}"#.to_owned(), "16"),
        (r#"wharf_store_trouble_total{allowed="true",part="rate_limit",server="shop"}"#.to_owned(), "16"),
    ] {
        assert_eq!(value(&text, &series), expected, "{series}");
    }
    assert!(
        !text.contains(r#"wharf_kept_results_total{server="shop",status="hit",target="sell"}"#)
    );
    assert!(!text.contains("whatever the client wrote"));
}

#[test]
fn a_duration_at_a_bound_belongs_to_it() {
    let metrics = Metrics::new();
    Ended { elapsed: Duration::from_micros(100), ..ended("t") }.record(&metrics);
    Ended { elapsed: Duration::from_micros(101), ..ended("t") }.record(&metrics);
    Ended { elapsed: Duration::ZERO, ..ended("t") }.record(&metrics);
    let text = metrics.text(MetricsFormat::Prometheus);
    let bucket = |le| {
        let labels = format!(r#"{{method="tools/call",server="shop",target="t",le="{le}"}}"#);
        value(&text, &format!("wharf_call_duration_seconds_bucket{labels}"))
    };
    assert_eq!((bucket("0.0001"), bucket("0.00025")), ("2".to_owned(), "3".to_owned()));
}

#[test]
fn series_are_bounded_and_no_call_is_lost() {
    let metrics = Metrics::new();
    for n in 0..10_010 {
        ended(&format!("tool_{n}")).record(&metrics);
    }
    // Known ones are still counted by their names.
    ended("tool_7").record(&metrics);
    let text = metrics.text(MetricsFormat::OpenMetrics);
    let calls: Vec<&str> =
        text.lines().filter(|line| line.starts_with("wharf_calls_total")).collect();
    assert_eq!(calls.len(), 10_001);
    let total: u64 =
        calls.iter().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
    assert_eq!(total, 10_011);
    let series = |target| {
        value(
            &text,
            &format!(
                r#"wharf_calls_total{{method="tools/call",outcome="OK",server="shop",target="{target}"}}"#
            ),
        )
    };
    assert_eq!((series(""), series("tool_7")), ("10".to_owned(), "2".to_owned()));
}

struct Source(fn(&mut Measurements));

impl MetricsSource for Source {
    fn measure(&self, out: &mut Measurements) {
        self.0(out);
    }
}

fn measured(source: fn(&mut Measurements)) -> String {
    let metrics = Metrics::new();
    metrics.add_source(Arc::new(Source(source)));
    metrics.add_source(Arc::new(Source(|out| out.gauge("last_source", "Was asked", &[], 1_u64))));
    let text = metrics.text(MetricsFormat::OpenMetrics);
    assert_eq!(value(&text, "last_source"), "1");
    assert!(text.ends_with("# EOF\n"));
    text
}

#[test]
fn values_are_written_exactly_and_labels_are_escaped() {
    let text = measured(|out| {
        out.counter("a_b", "Counts", &[("z", "1"), ("a", "q\"b\\n\nl")], u64::MAX);
        out.gauge("temperature", "Measures", &[], -0.5);
        out.gauge("nothing", "Measures", &[], f64::NAN);
    });
    assert_eq!(value(&text, r#"a_b_total{a="q\"b\\n\nl",z="1"}"#), u64::MAX.to_string());
    assert_eq!(value(&text, "temperature"), "-0.5");
    assert_eq!(value(&text, "nothing"), "NaN");
    assert!(
        text.contains("# TYPE a_b counter\n") && text.contains("# HELP temperature Measures\n")
    );
}

#[test]
fn what_would_spoil_the_whole_text_is_left_out() {
    let text = measured(|out| {
        out.gauge("two words", "no name", &[], 1_u64);
        out.gauge("9lives", "no name", &[], 1_u64);
        out.gauge("", "no name", &[], 1_u64);
        out.gauge("lines", "two\nlines", &[], 1_u64);
        out.counter("twice_total", "would be twice_total_total", &[], 1_u64);
        out.gauge("odd_label", "no label", &[("a-b", "")], 1_u64);
        out.gauge("le_label", "the histogram's own", &[("le", "")], 1_u64);
        out.gauge("same_label", "twice", &[("a", "1"), ("a", "2")], 1_u64);
        out.gauge("good", "of one kind", &[], 1_u64);
        out.counter("good", "of another", &[], 2_u64);
        out.gauge("good", "again", &[], 3_u64);
    });
    for left_out in
        ["two words", "9lives", "two\nlines", "twice", "odd_label", "le_label", "same_label{"]
    {
        assert!(
            !text.lines().any(|line| !line.starts_with('#') && line.contains(left_out)),
            "{left_out}"
        );
    }
    assert_eq!(value(&text, "good"), "1");
    assert!(!text.contains("good_total"));
}

#[test]
fn a_source_that_panics_takes_nothing_else_with_it() {
    let text = measured(|out| {
        out.gauge("before", "said before", &[], 1_u64);
        panic!("no");
    });
    assert_eq!(value(&text, "before"), "1");
}

#[test]
fn formats_are_what_the_client_asks_for() {
    let openmetrics =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2";
    assert_eq!(MetricsFormat::accepted_by(openmetrics), MetricsFormat::OpenMetrics);
    for accept in ["", "*/*", "text/plain", "application/json"] {
        assert_eq!(MetricsFormat::accepted_by(accept), MetricsFormat::Prometheus);
    }
    let text = Metrics::new().text(MetricsFormat::Prometheus);
    assert!(!text.contains("# EOF"), "which is OpenMetrics only");
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_measured() {
    let text = Metrics::new().text(MetricsFormat::Prometheus);
    let number = |name| value(&text, name).parse::<f64>().unwrap();
    assert!(number("process_resident_memory_bytes") > 1e6);
    assert!(number("process_open_fds") >= 3.0);
    assert!(number("process_max_fds") >= number("process_open_fds"));
    assert!(number("process_cpu_seconds_total") >= 0.0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let age = now.as_secs_f64() - number("process_start_time_seconds");
    assert!((-1.0..3600.0).contains(&age), "{age}");
}
