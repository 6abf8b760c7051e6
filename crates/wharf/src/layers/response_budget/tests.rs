//! The layer alone: what is left of long results, and that nothing is lost on the way to their pages.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::advance;
use tower::{Layer, Service as _};

use super::{ResponseBudgetLayer, cut::size};
use crate::{
    Content, Limits, Server, Tool, ToolResult,
    call::{Operation, Outcome, Reply},
    content::ResourceContents,
    error::Error,
    layers::{
        Handle,
        testing::{Calls, Mock, run},
    },
    state::{MemoryLimits, MemoryStore},
};

const BUDGET: usize = 10_000;

fn rows_schema() -> Value {
    let rows = json!({"type": "array", "items": {"type": "integer"}});
    json!({"type": "object", "properties": {"rows": rows}, "required": ["rows"], "additionalProperties": false})
}

struct Site {
    calls: Calls,
}

impl Site {
    fn new() -> Self {
        Self::with(|_| {}, MemoryLimits::default())
    }

    fn with(change: impl FnOnce(&mut Limits), room: MemoryLimits) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let tool = |name: &'static str| Tool::new(name).response_budget(BUDGET);
        let exact = json!({"type": "object", "properties": {"rows": {"minItems": 20_000}}});
        let server = Server::new("long", "1.0.0")
            .limits(limits)
            .state_store(Arc::new(MemoryStore::new(room)))
            .tool(tool("free").handler(|| async {}))
            .tool(tool("rows").output_schema(rows_schema()).handler(|| async {}))
            .tool(tool("exact").output_schema(exact).handler(|| async {}));
        Self { calls: Calls::of(server) }
    }

    /// What a call of `tool` by `caller` gives when the handler gives `result`.
    async fn answer(&self, caller: &str, tool: &str, result: &ToolResult) -> ToolResult {
        let result = result.clone();
        let inner = Mock::replying(move || result.clone());
        let service = ResponseBudgetLayer::new(1024 * 1024).layer(inner);
        let result = run(&service, self.calls.tool(caller, tool)).await.unwrap();
        assert!(size(&result) <= BUDGET, "{}", size(&result));
        result
    }

    /// A page, if the caller can read it.
    async fn read(&self, caller: &str, uri: &str) -> Option<ResourceContents> {
        let resource = Arc::clone(&self.calls.0.0.results);
        let variables = resource.variables_of(uri)?;
        let call = Operation::ReadResource { resource, uri: uri.into(), variables };
        match Handle.call(self.calls.call(caller, call)).await {
            Ok(Outcome::Complete(Reply::Resource(mut contents, _))) => {
                assert_eq!(contents.len(), 1);
                contents.pop()
            }
            Err(Error::Failed(failure)) => {
                assert_eq!(failure.kind, crate::ErrorKind::ResourceNotFound);
                None
            }
            other => panic!("{other:?}"),
        }
    }

    /// Everything from the first page on.
    async fn rest(&self, caller: &str, result: &ToolResult) -> Vec<ResourceContents> {
        let mut pages = Vec::new();
        let mut next = result.meta.get("dev.wharf/rest").cloned();
        while let Some(uri) = next {
            let page = self.read(caller, uri.as_str().unwrap()).await.unwrap();
            assert!(size(&ToolResult::new().with(Content::resource(page.clone()))) <= BUDGET + 300);
            pages.push(page.clone());
            assert_eq!(page.meta.get("dev.wharf/page"), Some(&json!(pages.len())));
            next = page.meta.get("dev.wharf/next").cloned();
        }
        let count = result.meta.get("dev.wharf/rest_pages").cloned().unwrap_or(json!(0));
        assert_eq!(count, json!(pages.len()));
        pages
    }
}

fn lines(count: usize) -> String {
    (0..count).map(|line| format!("line {line} ä\n")).collect()
}

fn text_of(block: &Content) -> &str {
    match block {
        Content::Text { text, .. } => text,
        other => panic!("no text: {other:?}"),
    }
}

fn texts(pages: &[ResourceContents]) -> String {
    pages.iter().map(|page| page.text.as_deref().unwrap()).collect()
}

#[tokio::test]
async fn what_fits_is_not_touched() {
    let site = Site::new();
    let result = ToolResult::text("x".repeat(BUDGET));
    let answer = site.answer("ann", "free", &result).await;
    assert_eq!((answer.content, answer.meta.is_empty()), (result.content, true));
    let structured = ToolResult::structured(&json!({"rows": [1]})).unwrap();
    assert!(site.answer("ann", "rows", &structured).await.meta.is_empty());
}

#[tokio::test]
async fn a_long_text_is_cut_at_a_line_and_goes_on_in_its_pages() {
    let site = Site::new();
    let whole = lines(5000);
    let answer = site.answer("ann", "free", &ToolResult::text(&*whole)).await;
    assert!(!answer.is_error);
    assert_eq!(answer.meta.get("dev.wharf/truncated"), Some(&json!(true)));
    assert_eq!(answer.meta.get("dev.wharf/size_bytes"), Some(&json!(whole.len())));
    let kept = text_of(&answer.content[0]);
    assert!(kept.len() > BUDGET - 1200 && kept.ends_with('\n'));
    let pages = site.rest("ann", &answer).await;
    assert!(pages.len() >= 6);
    assert!(pages.iter().all(|page| page.text.as_deref().unwrap().ends_with('\n')));
    assert_eq!(format!("{kept}{}", texts(&pages)), whole);
    // In words and as a link, for whoever reads which.
    let uri = answer.meta.get("dev.wharf/rest").unwrap().as_str().unwrap();
    assert!(text_of(&answer.content[1]).contains(uri));
    let link = serde_json::to_value(&answer.content[2]).unwrap();
    assert_eq!((&link["type"], &link["uri"]), (&json!("resource_link"), &json!(uri)));
}

#[tokio::test]
async fn one_byte_too_many_is_too_many() {
    let site = Site::new();
    let answer = site.answer("ann", "free", &ToolResult::text("é".repeat(BUDGET / 2) + "x")).await;
    assert_eq!(answer.meta.get("dev.wharf/truncated"), Some(&json!(true)));
    let pages = site.rest("ann", &answer).await;
    assert_eq!(text_of(&answer.content[0]).len() + texts(&pages).len(), BUDGET + 1);
}

#[tokio::test]
async fn blocks_of_every_kind_survive_in_order() {
    let site = Site::new();
    let bytes: Vec<u8> = (0..20_000_u32).map(|byte| byte as u8).collect();
    let result = ToolResult::text("first")
        .with(Content::image(&bytes, "image/png"))
        .with(Content::text("second"))
        .with(Content::resource(ResourceContents::text("a://b", lines(1000)).mime_type("text/csv")))
        .with(Content::audio([1, 2, 3], "audio/wav"));
    let answer = site.answer("ann", "free", &result).await;
    assert_eq!(text_of(&answer.content[0]), "first");
    assert_eq!(answer.content.len(), 3);
    let pages = site.rest("ann", &answer).await;
    let of = |mime: &str| -> Vec<_> {
        pages.iter().filter(|page| page.mime_type.as_deref() == Some(mime)).cloned().collect()
    };
    // Each page of bytes is base64 by itself.
    let mut image = Vec::new();
    for page in of("image/png") {
        use base64::{Engine, engine::general_purpose::STANDARD};
        image.extend(STANDARD.decode(page.blob.unwrap()).unwrap());
    }
    assert_eq!(image, bytes);
    assert_eq!(texts(&of("text/plain")), "second");
    assert_eq!(texts(&of("text/csv")), lines(1000));
    assert_eq!(of("audio/wav")[0].blob.as_deref(), Some("AQID"));
}

#[tokio::test]
async fn structured_content_that_no_schema_demands_is_left_out() {
    let site = Site::new();
    let value = json!({"rows": (0..1000).collect::<Vec<_>>()});
    let mut result = ToolResult::structured(&value).unwrap();
    // Its text alone fits: nothing is lost, so nothing is kept.
    let answer = site.answer("ann", "free", &padded(&result, BUDGET)).await;
    assert!(answer.structured.is_none() && !answer.is_error);
    result.content = vec![Content::text("in short")];
    let value = json!({"rows": (0..5000).collect::<Vec<_>>()});
    result.structured = ToolResult::structured(&value).unwrap().structured;
    let answer = site.answer("ann", "free", &result).await;
    assert!(answer.structured.is_none() && !answer.is_error);
    assert_eq!(text_of(&answer.content[0]), "in short");
    let pages = site.rest("ann", &answer).await;
    assert_eq!(pages[0].mime_type.as_deref(), Some("application/json"));
    assert_eq!(serde_json::from_str::<Value>(&texts(&pages)).unwrap(), value);
}

/// `result` made longer than `bytes` by a text.
fn padded(result: &ToolResult, bytes: usize) -> ToolResult {
    result.clone().with(Content::text("x".repeat(bytes)))
}

#[tokio::test]
async fn structured_content_that_a_schema_demands_stays_whole_or_valid() {
    let site = Site::new();
    let numbers = |count: i64| json!({"rows": (0..count).collect::<Vec<_>>()});
    // Two copies do not fit, one does: it stays whole.
    let value = numbers(1300);
    let answer = site.answer("ann", "rows", &ToolResult::structured(&value).unwrap()).await;
    let structured = answer.structured.as_ref().unwrap().get();
    assert_eq!(serde_json::from_str::<Value>(structured).unwrap(), value);
    assert_eq!(answer.meta.get("dev.wharf/truncated"), Some(&json!(true)));
    let text = text_of(&answer.content[0]).to_owned() + &texts(&site.rest("ann", &answer).await);
    assert_eq!(text, value.to_string());

    // Not even one does: it is shortened as far as the schema accepts, and its text says the same.
    let value = numbers(20_000);
    let answer = site.answer("ann", "rows", &ToolResult::structured(&value).unwrap()).await;
    let structured = answer.structured.as_ref().unwrap().get();
    let short: Value = serde_json::from_str(structured).unwrap();
    let rows = short["rows"].as_array().unwrap();
    assert!(rows.len() > 500 && *rows == value["rows"].as_array().unwrap()[..rows.len()]);
    assert!(crate::schema::accepts(&rows_schema(), &short));
    assert_eq!(text_of(&answer.content[0]), structured);
    assert!(!answer.is_error);
    let pages = site.rest("ann", &answer).await;
    assert_eq!(serde_json::from_str::<Value>(&texts(&pages)).unwrap(), value);
}

#[tokio::test]
async fn where_the_schema_accepts_nothing_shorter_the_result_is_a_failure_that_forbids_a_repeat() {
    let site = Site::new();
    let value = json!({"rows": (0..20_000).collect::<Vec<_>>()});
    let answer = site.answer("ann", "exact", &ToolResult::structured(&value).unwrap()).await;
    assert!(answer.is_error && answer.structured.is_none());
    assert!(text_of(&answer.content[0]).contains("was carried out, do not repeat it"));
    let pages = site.rest("ann", &answer).await;
    assert_eq!(serde_json::from_str::<Value>(&texts(&pages)).unwrap(), value);
    // A failure of the handler need not fit the schema and is cut like any text.
    let mut failure = ToolResult::structured(&json!({"code": "x".repeat(BUDGET)})).unwrap();
    failure.is_error = true;
    let answer = site.answer("ann", "exact", &failure).await;
    assert!(answer.is_error && answer.structured.is_none());
    assert!(text_of(&answer.content[0]).starts_with("{\"code\":\"xxx"));
}

#[tokio::test(start_paused = true)]
async fn pages_are_their_callers_alone_and_for_a_while() {
    let site = Site::new();
    let answer = site.answer("ann", "free", &ToolResult::text(lines(5000))).await;
    let uri = answer.meta.get("dev.wharf/rest").unwrap().as_str().unwrap().to_owned();
    assert!(site.read("ann", &uri).await.is_some());
    assert!(site.read("bob", &uri).await.is_none());
    let (start, _) = uri.rsplit_once('/').unwrap();
    assert_eq!(start.len(), crate::results::PREFIX.len() + 32);
    for wrong in ["0", "01", "7777", "-1", "+1", "x", "", "1/2", "4294967297", "1000000", "٣"] {
        assert!(site.read("ann", &format!("{start}/{wrong}")).await.is_none(), "{wrong}");
    }
    for wrong in ["", "A", &"A".repeat(32), &"A".repeat(100_000)] {
        let uri = format!("{}{wrong}/1", crate::results::PREFIX);
        assert!(site.read("ann", &uri).await.is_none());
    }
    // The same result again has another handle.
    let again = site.answer("ann", "free", &ToolResult::text(lines(5000))).await;
    assert_ne!(again.meta.get("dev.wharf/rest").unwrap(), &json!(uri));
    advance(Duration::from_secs(599)).await;
    assert!(site.read("ann", &uri).await.is_some());
    advance(Duration::from_secs(1)).await;
    assert!(site.read("ann", &uri).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn one_caller_can_not_keep_more_than_its_share() {
    let kept = |answer: &ToolResult| answer.meta.get("dev.wharf/rest").is_some();
    let store = MemoryLimits { bytes: 2 * 1024 * 1024, ..MemoryLimits::default() };
    let site = Site::with(|limits| limits.kept_results_bytes = 1024 * 1024, store);
    // A quarter of it at once, the beginning of what is longer.
    let answer = site.answer("ann", "free", &ToolResult::text("x".repeat(1_000_000))).await;
    let pages = site.rest("ann", &answer).await;
    assert!((200_000..256 * 1024).contains(&texts(&pages).len()), "{}", texts(&pages).len());
    assert!(text_of(&answer.content[1]).contains("A part of the rest"));
    for _ in 0..10 {
        let answer = site.answer("ann", "free", &ToolResult::text("x".repeat(1_000_000))).await;
        assert!(!kept(&answer) && answer.content.len() == 2);
        assert!(text_of(&answer.content[1]).contains("was not kept"));
    }
    assert!(kept(&site.answer("bob", "free", &ToolResult::text("x".repeat(1_000_000))).await));
    assert!(!kept(&site.answer("eve", "free", &ToolResult::text("x".repeat(1_000_000))).await));
    advance(Duration::from_secs(600)).await;
    assert!(kept(&site.answer("ann", "free", &ToolResult::text("x".repeat(1_000_000))).await));
}

#[tokio::test]
async fn without_a_store_a_result_is_cut_all_the_same() {
    let room = MemoryLimits { entries: 0, ..MemoryLimits::default() };
    let site = Site::with(|_| {}, room);
    let answer = site.answer("ann", "free", &ToolResult::text(lines(5000))).await;
    assert_eq!(answer.meta.get("dev.wharf/truncated"), Some(&json!(true)));
    assert!(answer.meta.get("dev.wharf/rest").is_none());
    assert!(text_of(&answer.content[1]).contains("was not kept"));
}

#[tokio::test]
async fn hostile_results_stay_within_the_budget() {
    let site = Site::new();
    let meta = crate::Meta::new().with("x", "y".repeat(50_000));
    for result in [
        ToolResult::text("x").meta(meta.clone()),
        ToolResult::new().with(Content::text("x").meta(meta)),
        (0..20_000).fold(ToolResult::new(), |result, _| result.with("x")),
        ToolResult::text("\u{0}".repeat(100_000)),
        ToolResult::new().with(Content::link(crate::ResourceLink::new("a:b", "x".repeat(50_000)))),
        ToolResult::new().with(Content::image("x", "m".repeat(50_000))),
    ] {
        let answer = site.answer("ann", "free", &result).await;
        assert_eq!(answer.meta.get("dev.wharf/truncated"), Some(&json!(true)));
        drop(site.rest("ann", &answer).await);
    }
}
