//! Results that are too long, over each transport and in each era: cut, and read on page by page.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use wharf::{
    Authenticator, Caller, Challenge, Content, Credentials, Grants, Json, Limits, Tool,
    transport::http::{Http, HttpSettings},
};

use crate::{
    conversation::{Lines, initialize, message},
    sessions::site_of_two_callers,
    wire::{Request, Site},
    world::World,
};

fn whole() -> String {
    (0..20_000).map(|line| format!("{line} \u{1}\"é\n")).collect()
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Table {
    rows: Vec<u32>,
    more: bool,
}

fn world() -> World {
    World::with(|server, _| {
        let mut limits = Limits::default();
        limits.response_bytes = 20_000;
        server
            .limits(limits)
            .tool(Tool::new("long").handler(|| async { whole() }))
            .tool(Tool::new("longer").response_budget(500_000).handler(|| async { whole() }))
            .tool(
                Tool::new("table")
                    .handler(|| async { Json(Table { rows: (0..20_000).collect(), more: false }) }),
            )
            .tool(
                Tool::new("picture").handler(|| async { Content::image([7; 30_000], "image/png") }),
            )
    })
}

/// Asks over one transport in one era.
enum Client {
    Http(Site, Option<String>),
    Lines(Box<Lines>, bool),
}

impl Client {
    async fn all(world: &World) -> Vec<Self> {
        let site = Site::new(world).await;
        let session = initialize(&site, "2025-11-25", json!({})).await;
        let mut legacy = Lines::open(world);
        legacy.initialize("2025-06-18", json!({})).await;
        vec![
            Self::Http(Site::new(world).await, None),
            Self::Http(site, Some(session)),
            Self::Lines(Box::new(Lines::open(world)), true),
            Self::Lines(Box::new(legacy), false),
        ]
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        match self {
            Self::Http(site, None) => site.ask(&Request::modern(1, method, params)).await.json(),
            Self::Http(site, Some(session)) => {
                let request = Request::legacy(1, method, params);
                site.ask(&request.header("Mcp-Session-Id", session)).await.json()
            }
            Self::Lines(lines, modern) => {
                lines.send(&message(*modern, 1, method, params)).await;
                lines.next().await.expect("an answer")
            }
        }
    }

    async fn call(&mut self, tool: &str) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": {}})).await["result"].take()
    }

    /// Every page from `result` on.
    async fn pages(&mut self, result: &Value) -> Vec<Value> {
        let mut pages = Vec::new();
        let mut next = result["_meta"]["dev.wharf/rest"].clone();
        while next.is_string() {
            let mut answer = self.ask("resources/read", json!({"uri": next})).await;
            let page = answer["result"]["contents"][0].take();
            assert_eq!(page["uri"], next, "{answer}");
            next = page["_meta"]["dev.wharf/next"].clone();
            pages.push(page);
        }
        pages
    }
}

#[tokio::test]
async fn a_long_text_is_read_on_by_every_client() {
    let world = world();
    for mut client in Client::all(&world).await {
        let result = client.call("long").await;
        assert_eq!(result["_meta"]["dev.wharf/truncated"], true, "{result}");
        assert_eq!(result["content"][2]["type"], "resource_link");
        let mut text = result["content"][0]["text"].as_str().unwrap().to_owned();
        assert!((15_000..20_000).contains(&text.len()));
        for page in client.pages(&result).await {
            text.push_str(page["text"].as_str().unwrap());
        }
        assert_eq!(text, whole());
        // A tool may be allowed more.
        let result = client.call("longer").await;
        assert_eq!(result["content"][0]["text"], whole());
        assert!(result["_meta"]["dev.wharf/truncated"].is_null());
    }
}

#[tokio::test]
async fn structured_content_stays_what_its_schema_says() {
    let world = world();
    for mut client in Client::all(&world).await {
        let result = client.call("table").await;
        assert!(result.get("isError").is_none(), "{result}");
        let table = &result["structuredContent"];
        let rows = table["rows"].as_array().unwrap();
        assert!((500..19_000).contains(&rows.len()) && table["more"] == false);
        let pages = client.pages(&result).await;
        let text: String = pages.iter().map(|page| page["text"].as_str().unwrap()).collect();
        let all: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(all["rows"].as_array().unwrap().len(), 20_000);
        let pages = client.call("picture").await;
        let pages = client.pages(&pages).await;
        assert!(pages.len() > 1 && pages.iter().all(|page| page["mimeType"] == "image/png"));
    }
}

#[tokio::test]
async fn a_client_of_the_first_revision_gets_the_address_in_words() {
    let world = world();
    let mut lines = Lines::open(&world);
    lines.initialize("2024-11-05", json!({})).await;
    let mut client = Client::Lines(Box::new(lines), false);
    let result = client.call("long").await;
    assert_eq!(result["content"].as_array().unwrap().len(), 2);
    let rest = result["_meta"]["dev.wharf/rest"].as_str().unwrap();
    assert!(result["content"][1]["text"].as_str().unwrap().contains(rest));
}

#[tokio::test]
async fn a_page_of_someone_else_does_not_exist() {
    let mut world = world();
    let site = site_of_two_callers(&world).await;
    let ask = async |name: &str, method: &str, params: Value| {
        site.ask(&Request::modern(1, method, params).header("X-Name", name)).await.json()
    };
    let call = json!({"name": "long", "arguments": {}});
    let result = ask("ann", "tools/call", call).await;
    let uri = json!({"uri": result["result"]["_meta"]["dev.wharf/rest"]});
    let refused = ask("bob", "resources/read", uri.clone()).await;
    assert_eq!(refused["error"]["code"], -32602);
    assert_eq!(refused["error"]["data"]["code"], "RESOURCE_NOT_FOUND");
    let made_up = format!("wharf://results/{}/1", "A".repeat(32));
    let unknown = ask("bob", "resources/read", json!({"uri": made_up})).await;
    assert_eq!(refused["error"]["message"], unknown["error"]["message"]);
    assert!(ask("ann", "resources/read", uri).await["result"]["contents"].is_array());
    // What is recorded names no handle.
    let (long, read) = (("long", "OK"), ("wharf://results/", "OK"));
    let missed = ("wharf://results/", "RESOURCE_NOT_FOUND");
    world.assert_recorded(&[long, missed, missed, read]).await;
    // Nothing of it is listed.
    let templates = ask("ann", "resources/templates/list", json!({})).await;
    assert_eq!(templates["result"]["resourceTemplates"], json!([]));
}

/// One caller with the grants that the request names.
struct ByGrants;

impl Authenticator for ByGrants {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        let grants = credentials.headers.get("x-grants").and_then(|text| text.to_str().ok());
        let grants = Grants::parse(grants.unwrap_or_default().split(' ')).unwrap();
        let caller = Caller::authenticated("ann", "ann").with_grants(Arc::new(grants));
        Box::pin(std::future::ready(Ok(Arc::new(caller))))
    }
}

#[tokio::test]
async fn a_page_is_for_who_may_use_the_tool_that_made_it() {
    let world = world();
    let http = Http::new(HttpSettings::default()).service(world.service.clone());
    let site = Site::start(http.authenticator(Arc::new(ByGrants))).await;
    let ask = async |grants: &str, method: &str, params: Value| {
        site.ask(&Request::modern(1, method, params).header("X-Grants", grants)).await.json()
    };
    let call = json!({"name": "long", "arguments": {}});
    let result = ask("attacked:long", "tools/call", call).await;
    let uri = json!({"uri": result["result"]["_meta"]["dev.wharf/rest"]});
    // The tool alone is enough: the page is a part of its answer.
    let page = ask("attacked:long", "resources/read", uri.clone()).await;
    assert!(page["result"]["contents"].is_array(), "{page}");
    // Without it nothing else is, not even every resource.
    for grants in ["attacked:table", "resources", "tools !attacked:long"] {
        let refused = ask(grants, "resources/read", uri.clone()).await;
        assert_eq!(refused["error"]["data"]["code"], "RESOURCE_NOT_FOUND", "{grants} {refused}");
    }
}
