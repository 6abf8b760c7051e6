//! Who may use what: over HTTP with callers that an authenticator knows, and on a connection whose caller configuration
//! gives, in both eras.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use wharf::{
    AllowAnonymous, AuditSink, Authenticator, CallRecord, Caller, Challenge, Credentials, Grants,
    Prompt, RefusalRecord, Resource, Server, Service, Tool,
    transport::http::{Http, HttpSettings},
};

use crate::{
    conversation::{Lines, message},
    wire::{Request, Response, Site},
};

/// Every bearer token is somebody who may use what it says, with `+` for a space.
struct Tokens;

impl Authenticator for Tokens {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Caller>, Challenge>> {
        Box::pin(async move {
            let header = credentials.headers.get("authorization");
            let token = header
                .and_then(|value| value.to_str().ok())
                .and_then(|text| text.strip_prefix("Bearer "))
                .ok_or_else(|| Challenge::unauthorized("Bearer"))?;
            let grants = Grants::parse(token.split('+')).unwrap();
            Ok(Arc::new(Caller::authenticated(token, token).with_grants(grants.into())))
        })
    }
}

type Records = Arc<Mutex<Vec<(String, String)>>>;

struct Audit(Records);

impl AuditSink for Audit {
    fn record(&self, record: &CallRecord<'_>) {
        let entry = (record.target.to_owned(), record.outcome.to_owned());
        self.0.lock().unwrap().push(entry);
    }

    fn refused(&self, _: &RefusalRecord<'_>) {}
}

fn service(records: &Records) -> Service {
    let tool = |name: &str| Tool::new(name.to_owned());
    Server::new("any", "1")
        .hosted_as("hub")
        .audit(Arc::new(Audit(Arc::clone(records))))
        .tool(tool("look").handler(|| async { "seen" }))
        .tool(tool("write").scopes(["issues:write"]).handler(|| async { "written" }))
        .tool(tool("erase").handler(|| async { "erased" }))
        .resource(Resource::new("pub://a", "a").handler(|| async { "a" }))
        .resource(Resource::new("secret://b", "b").handler(|| async { "b" }))
        .prompt(Prompt::new("ask").handler(|| async { "please" }))
        .build()
        .unwrap()
}

async fn site(records: &Records) -> Site {
    let http = Http::new(HttpSettings::default()).service(service(records));
    Site::start(http.authenticator(Arc::new(Tokens))).await
}

async fn ask(site: &Site, token: &str, request: Request) -> Response {
    site.ask(&request.header("Authorization", &format!("Bearer {token}"))).await
}

/// The names or URIs of a list.
async fn listed(site: &Site, token: &str, method: &str) -> Vec<String> {
    let answer = ask(site, token, Request::modern(1, method, json!({}))).await.json();
    let lists = answer["result"].as_object().unwrap().values();
    let items = lists.filter_map(Value::as_array).flatten();
    let name = |item: &Value| {
        item.get("uri").or(item.get("name")).and_then(Value::as_str).map(str::to_owned)
    };
    items.filter_map(name).collect()
}

#[tokio::test]
async fn lists_show_what_the_caller_may_use() {
    let site = site(&Records::default()).await;
    for (token, method, expected) in [
        ("*", "tools/list", vec!["look", "write", "erase"]),
        ("tools", "tools/list", vec!["look", "erase"]),
        ("tools+issues:write", "tools/list", vec!["look", "write", "erase"]),
        ("hub:*+!hub:erase", "tools/list", vec!["look", "write"]),
        ("any:*", "tools/list", vec![]),
        ("resources", "tools/list", vec![]),
        ("hub:pub://*", "resources/list", vec!["pub://a"]),
        ("*+!hub:secret://*", "resources/list", vec!["pub://a"]),
        ("tools", "prompts/list", vec![]),
        ("hub:ask", "prompts/list", vec!["ask"]),
    ] {
        assert_eq!(listed(&site, token, method).await, expected, "{token} {method}");
    }
}

#[tokio::test]
async fn what_is_not_granted_is_denied_and_audited() {
    let records = Records::default();
    let site = site(&records).await;
    let call = |name| Request::tool(1, name, json!({}));
    let denied = ask(&site, "hub:look", call("erase")).await;
    assert_eq!(denied.status, 200);
    let result = &denied.json()["result"];
    assert_eq!(result["isError"], true);
    assert_eq!(result["structuredContent"]["code"], "PERMISSION_DENIED");
    assert_eq!(result["structuredContent"]["details"]["required_scopes"], "hub:erase");
    assert!(records.lock().unwrap().contains(&("erase".into(), "PERMISSION_DENIED".into())));
    // A denial says nothing about how to get around it.
    let denied = ask(&site, "*+!hub:erase", call("erase")).await.json();
    assert_eq!(denied["result"]["structuredContent"]["code"], "PERMISSION_DENIED");
    assert!(denied["result"]["structuredContent"].get("details").is_none());
    // Nothing else changes for what may be used.
    let allowed = ask(&site, "hub:look", call("look")).await.json();
    assert_eq!(allowed["result"]["content"][0]["text"], "seen");
}

#[tokio::test]
async fn a_missing_scope_is_a_challenge_for_whoever_came_with_a_token() {
    let site = site(&Records::default()).await;
    let modern = Request::tool(1, "write", json!({}));
    let legacy = Request::legacy(1, "tools/call", json!({"name": "write", "arguments": {}}));
    for request in [modern, legacy] {
        let refused = ask(&site, "tools", request.clone()).await;
        assert_eq!(refused.status, 403);
        let challenge = refused.header("www-authenticate").unwrap_or_default();
        assert_eq!(challenge, "Bearer error=\"insufficient_scope\", scope=\"issues:write\"");
        let error = &refused.json()["error"];
        assert_eq!(error["data"]["code"], "PERMISSION_DENIED");
        assert!(error["message"].as_str().unwrap().contains("issues:write"));
        assert_eq!(ask(&site, "tools+issues:write", request).await.status, 200);
    }
    // Without a token nobody can step up: the result says it.
    let grants = Arc::new(Grants::parse(["tools"]).unwrap());
    let http = Http::new(HttpSettings::default())
        .service(service(&Records::default()))
        .authenticator(Arc::new(AllowAnonymous::with_grants(grants)));
    let open = Site::start(http).await;
    let told = open.ask(&Request::tool(1, "write", json!({}))).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.json()["result"]["structuredContent"]["code"], "PERMISSION_DENIED");
}

#[tokio::test]
async fn resources_and_prompts_are_guarded_like_tools() {
    let site = site(&Records::default()).await;
    let read = |uri: &str| Request::modern(1, "resources/read", json!({"uri": uri}));
    let code = |answer: Value| answer["error"]["data"]["code"].clone();
    assert_eq!(
        ask(&site, "hub:pub://*", read("pub://a")).await.json()["result"]["contents"][0]["text"],
        "a"
    );
    assert_eq!(
        code(ask(&site, "hub:pub://*", read("secret://b")).await.json()),
        "PERMISSION_DENIED"
    );
    let prompt = Request::modern(1, "prompts/get", json!({"name": "ask"}));
    assert_eq!(code(ask(&site, "tools", prompt.clone()).await.json()), "PERMISSION_DENIED");
    assert!(ask(&site, "prompts", prompt).await.json()["result"]["messages"].is_array());
    let complete = Request::modern(
        1,
        "completion/complete",
        json!({
        "ref": {"type": "ref/prompt", "name": "ask"}, "argument": {"name": "x", "value": ""}}),
    );
    assert_eq!(code(ask(&site, "tools", complete).await.json()), "PERMISSION_DENIED");
}

#[tokio::test]
async fn nobody_listens_to_what_they_may_not_read() {
    let site = site(&Records::default()).await;
    let params = json!({"notifications": {"resourceSubscriptions": ["pub://a", "secret://b"]}});
    let request = Request::modern(7, "subscriptions/listen", params)
        .header("Authorization", "Bearer hub:pub://*");
    let mut stream = site.connect().await;
    stream.open(&request).await;
    let first = stream.event().await.unwrap().data;
    let honoured = &first["params"]["notifications"]["resourceSubscriptions"];
    assert_eq!(*honoured, json!(["pub://a"]));
}

#[tokio::test]
async fn a_local_caller_has_the_permissions_that_it_was_given() {
    let grants = Grants::parse(["hub:look"]).unwrap();
    let caller = Caller::local().with_grants(grants.into());
    let service = service(&Records::default());
    let mut lines = Lines::connect(&service, caller, std::time::Duration::ZERO);
    let listed = lines.ask(&message(true, 1, "tools/list", json!({}))).await;
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 1);
    // No token, no challenge: also a missing scope is a result.
    for tool in ["erase", "write"] {
        let params = json!({"name": tool, "arguments": {}});
        let denied = lines.ask(&message(true, 2, "tools/call", params)).await;
        let code = &denied["result"]["structuredContent"]["code"];
        assert_eq!(code, "PERMISSION_DENIED", "{denied}");
    }
}
