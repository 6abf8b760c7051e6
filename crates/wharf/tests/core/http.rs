//! HTTP itself: lies about lengths, slowness, foreign names, and everything that a request can be besides a message.

use std::time::Duration;

use serde_json::json;

use crate::{
    wire::{Request, Site},
    world::World,
};

fn ping() -> Request {
    Request::legacy(1, "ping", json!({}))
}

fn echo() -> Request {
    Request::tool(1, "echo", json!({"text": "x"}))
}

/// Whatever was sent, the next client is served.
async fn assert_alive(site: &Site) {
    assert_eq!(site.ask(&echo()).await.json()["result"]["content"][0]["text"], "x");
}

#[tokio::test]
async fn requests_for_other_names_and_from_other_pages_are_refused() {
    let site = Site::new(&World::new()).await;
    let port = site.addr.port();
    let own = format!("127.0.0.1:{port}");
    for (name, value, status) in [
        ("Host", "localhost", 200),
        ("Host", "LOCALHOST:1", 200),
        ("Host", own.as_str(), 200),
        ("Host", "[::1]:80", 200),
        ("Host", "evil.example", 403),
        ("Host", "localhost.evil.example", 403),
        ("Host", "127.0.0.1.evil.example", 403),
        ("Host", "evil.example:80", 403),
        ("Host", "10.0.0.1", 403),
        ("Host", "0.0.0.0", 403),
        ("Host", "2130706433", 403),
        ("Host", "localhost.", 403),
        ("Host", "", 400),
        ("Host", "127.0.0.1:8080@evil.example", 400),
        ("Host", "localhost/mcp", 400),
        ("Host", "localhost,evil.example", 403),
        ("Host", "local host", 400),
        ("Origin", "http://localhost:3000", 200),
        ("Origin", "https://127.0.0.1", 200),
        ("Origin", "http://[::1]:3000", 200),
        ("Origin", "null", 403),
        ("Origin", "", 403),
        ("Origin", "https://evil.example", 403),
        ("Origin", "http://localhost.evil.example", 403),
        ("Origin", "http://localhost@evil.example", 403),
        ("Origin", "file://", 403),
        ("Origin", "chrome-extension://localhost", 403),
        ("Origin", "http://localhost, https://evil.example", 403),
    ] {
        let response = site.ask(&ping().header(name, value)).await;
        assert_eq!(response.status, status, "{name}: {value}");
    }
    for request in [
        ping().without("Host"),
        ping().also("Host", "localhost"),
        ping().also("Host", "evil.example"),
    ] {
        assert_eq!(site.ask(&request).await.status, 400, "{request:?}");
    }
    let two = ping().header("Origin", "http://localhost").also("Origin", "https://evil.example");
    assert_eq!(site.ask(&two).await.status, 403);
    // The checks come first, whatever the method and path.
    for line in ["GET /livez HTTP/1.1", "OPTIONS /mcp HTTP/1.1", "DELETE /mcp HTTP/1.1"] {
        let request = Request::new("GET").line(line).header("Host", "evil.example");
        assert_eq!(site.ask(&request).await.status, 403, "{line}");
    }
}

#[tokio::test]
async fn only_json_over_post_is_a_message() {
    let site = Site::new(&World::new()).await;
    for (name, value, status) in [
        ("Content-Type", "application/json; charset=utf-8", 200),
        ("Content-Type", "APPLICATION/JSON", 200),
        ("Content-Type", "text/plain", 415),
        ("Content-Type", "application/x-www-form-urlencoded", 415),
        ("Content-Type", "application/jsonp", 415),
        ("Content-Type", "", 415),
        ("Accept", "application/json", 200),
        ("Accept", "text/event-stream", 200),
        ("Accept", "*/*", 200),
        ("Accept", "application/*;q=0.5, text/html", 200),
        ("Accept", "text/html", 406),
        ("Accept", "application/jsonx", 406),
        ("Accept", "", 406),
    ] {
        let response = site.ask(&ping().header(name, value)).await;
        assert_eq!(response.status, status, "{name}: {value}");
    }
    assert_eq!(site.ask(&ping().without("Content-Type")).await.status, 415);
    assert_eq!(site.ask(&ping().without("Accept")).await.status, 200);
    let both = ping().header("Content-Type", "text/plain").also("Content-Type", "application/json");
    assert_eq!(site.ask(&both).await.status, 415);
    // A client that takes streams only gets the answer as one.
    let stream = site.ask(&ping().header("Accept", "text/event-stream")).await;
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    assert_eq!(stream.json()["id"], 1);
    for (line, status) in [
        ("PUT /mcp HTTP/1.1", 405),
        ("PATCH /mcp HTTP/1.1", 405),
        ("OPTIONS /mcp HTTP/1.1", 405),
        ("HEAD /mcp HTTP/1.1", 405),
        ("TRACE /mcp HTTP/1.1", 405),
        ("MCP /mcp HTTP/1.1", 405),
        ("POST / HTTP/1.1", 404),
        ("POST /mcp/ HTTP/1.1", 404),
        ("POST /MCP HTTP/1.1", 404),
        ("POST //mcp HTTP/1.1", 404),
        ("POST /mcp/../mcp HTTP/1.1", 404),
        ("POST /%6dcp HTTP/1.1", 404),
        ("POST /mcp?x=1 HTTP/1.1", 200),
        ("POST http://localhost/mcp HTTP/1.1", 200),
        ("POST http://evil.example/mcp HTTP/1.1", 403),
        ("POST http://localhost:1@evil.example/mcp HTTP/1.1", 403),
        ("OPTIONS * HTTP/1.1", 404),
        ("CONNECT localhost:80 HTTP/1.1", 404),
        ("POST /mcp HTTP/1.0", 200),
        ("POST /mcp HTTP/2.0", 400),
        ("POST /mcp", 400),
        ("POST /m cp HTTP/1.1", 400),
    ] {
        let mut wire = site.connect().await;
        wire.send(&ping().line(line).to_bytes()).await;
        let response = wire.head().await;
        assert_eq!(response.status, status, "{line}");
        let allow = (status == 405).then_some("POST, GET, DELETE");
        assert_eq!(response.header("allow"), allow, "{line}");
    }
    assert_alive(&site).await;
}

#[tokio::test]
async fn pages_may_read_answers_only_where_cors_says_so() {
    let page = "https://app.example.com";
    let preflight = Request::new("OPTIONS")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "mcp-method");
    let site = Site::new(&World::new()).await;
    let response = site.ask(&preflight.clone().header("Origin", page)).await;
    assert_eq!((response.status, response.header("access-control-allow-origin")), (403, None));
    let response = site.ask(&ping().header("Origin", "http://localhost")).await;
    assert_eq!(response.header("access-control-allow-origin"), None);

    let site =
        Site::with(&World::new(), |settings| settings.cors_origins = vec![page.into()]).await;
    let response = site.ask(&preflight.clone().header("Origin", page)).await;
    assert_eq!(response.status, 204);
    assert_eq!(response.header("access-control-allow-origin"), Some(page));
    assert_eq!(response.header("access-control-allow-methods"), Some("POST, GET, DELETE"));
    assert_eq!(response.header("access-control-allow-headers"), Some("mcp-method"));
    assert_eq!(response.header("access-control-allow-credentials"), None);
    let response = site.ask(&ping().header("Origin", page)).await;
    assert_eq!(
        (response.status, response.header("access-control-allow-origin")),
        (200, Some(page))
    );
    assert_eq!(response.header("vary"), Some("Origin"));
    for other in ["https://app.example.com.evil.example", "http://app.example.com", "null"] {
        let response = site.ask(&preflight.clone().header("Origin", other)).await;
        assert_eq!((response.status, response.header("access-control-allow-origin")), (403, None));
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_unread() {
    let site = Site::with(&World::new(), |settings| settings.body_limit_bytes = 1000).await;
    let padded = |length: usize| {
        let mut request = ping();
        request.body.resize(length, b' ');
        request
    };
    assert_eq!(site.ask(&padded(1000)).await.status, 200);
    let text = "the body is longer than 1000 bytes, the most allowed\n";
    let refused = site.ask(&padded(1001)).await;
    assert_eq!((refused.status, refused.text()), (413, text));
    // 64 MB are only announced: the answer comes before any of them.
    for length in ["67108864", "9223372036854775807"] {
        let mut wire = site.connect().await;
        let mut head = ping().header("Content-Length", length).head();
        head.extend_from_slice(b"\r\n");
        wire.send(&head).await;
        let response = wire.response().await;
        assert_eq!((response.status, response.header("connection")), (413, Some("close")));
        assert!(wire.is_closed().await);
    }
    // In chunks no length is announced: it is counted.
    let mut wire = site.connect().await;
    let mut bytes = ping().header("Transfer-Encoding", "chunked").head();
    bytes.extend_from_slice(b"\r\n");
    for _ in 0..11 {
        bytes.extend_from_slice(format!("64\r\n{}\r\n", " ".repeat(100)).as_bytes());
    }
    wire.send(&bytes).await;
    assert_eq!(wire.response().await.status, 413);
    assert!(wire.is_closed().await);
    assert_alive(&site).await;
}

#[tokio::test]
async fn lies_about_the_length_end_the_connection() {
    let mut world = World::new();
    let site = Site::new(&world).await;
    let body = String::from_utf8(echo().body).unwrap();
    let (length, chunk) = (body.len(), format!("{:x}\r\n{body}\r\n", body.len()));
    let chunked = ("Transfer-Encoding", "chunked");
    for (name, headers, body) in [
        ("both", vec![("Content-Length", "10"), chunked], "0\r\n\r\n".to_owned()),
        ("two lengths", vec![("Content-Length", "5"), ("Content-Length", "6")], body.clone()),
        ("a list", vec![("Content-Length", "5, 6")], body.clone()),
        ("negative", vec![("Content-Length", "-1")], body.clone()),
        ("signed", vec![("Content-Length", "+5")], body.clone()),
        ("hex", vec![("Content-Length", "0x5")], body.clone()),
        ("too big", vec![("Content-Length", "99999999999999999999")], body.clone()),
        ("chunked twice over", vec![("Transfer-Encoding", "chunked, gzip")], chunk.clone()),
        ("unknown coding", vec![("Transfer-Encoding", "xchunked")], chunk.clone()),
        ("no chunk size", vec![chunked], "\r\n\r\n".to_owned()),
        ("garbage", vec![chunked], "zz\r\nx\r\n".to_owned()),
        ("huge chunk", vec![chunked], "fffffffffffffffff\r\nx".to_owned()),
        ("chunk too short", vec![chunked], format!("5\r\n{body}\r\n0\r\n\r\n")),
        ("no end of chunk", vec![chunked], format!("{length:x}\r\n{body}0\r\n\r\n")),
    ] {
        let mut request = echo();
        for (name, value) in headers {
            request = request.also(name, value);
        }
        let mut bytes = request.head();
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body.as_bytes());
        let mut wire = site.connect().await;
        wire.send(&bytes).await;
        let response = wire.response().await;
        assert_eq!(response.status, 400, "{name}");
        assert!(wire.is_closed().await, "{name}");
    }
    world.assert_recorded(&[]).await;
    // A well-formed chunked body is a body.
    let mut bytes = echo().header("Transfer-Encoding", "chunked").head();
    bytes.extend_from_slice(format!("\r\n{chunk}0\r\n\r\n").as_bytes());
    let mut wire = site.connect().await;
    wire.send(&bytes).await;
    assert_eq!(wire.response().await.status, 200);
    // Half a body and then nothing: no half message is executed.
    let mut bytes = echo().to_bytes();
    bytes.truncate(bytes.len() - 1);
    let mut wire = site.connect().await;
    wire.send(&bytes).await;
    drop(wire);
    assert_alive(&site).await;
    world.assert_recorded(&[("echo", "OK"), ("echo", "OK")]).await;
}

#[tokio::test]
async fn hostile_heads_are_refused() {
    let site = Site::new(&World::new()).await;
    let long = "x".repeat(1_000_000);
    let many: String = (0..1000).map(|n| format!("x-{n}: 1\r\n")).collect();
    for (name, head) in [
        ("not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n".to_owned()),
        ("no version", "GET /mcp\r\n\r\n".to_owned()),
        ("space before the colon", "POST /mcp HTTP/1.1\r\nHost : localhost\r\n\r\n".to_owned()),
        ("folded", "POST /mcp HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n".to_owned()),
        ("NUL", "POST /mcp HTTP/1.1\r\nHost: local\0host\r\n\r\n".to_owned()),
        ("long line", format!("POST /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        ("long header", format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\nx: {long}\r\n\r\n")),
        ("many headers", format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\n{many}\r\n")),
    ] {
        let mut wire = site.connect().await;
        wire.send(head.as_bytes()).await;
        let status = wire.status_or_close().await;
        assert!(
            status.is_none_or(|status| matches!(status, 400 | 414 | 431)),
            "{name}: {status:?}"
        );
    }
    assert_alive(&site).await;
}

#[tokio::test]
async fn slow_clients_lose_and_others_do_not_notice() {
    let site = Site::with(&World::new(), |settings| {
        settings.header_timeout = Duration::from_millis(150);
        settings.idle_timeout = Duration::from_millis(400);
    })
    .await;
    // A head that never ends, and one that never begins.
    let mut dribbling = site.connect().await;
    dribbling.send(b"POST /mcp HTTP/1.1\r\nHost: local").await;
    let mut silent = site.connect().await;
    // A body that never ends: an answer says so, also to one who waits for 100-continue.
    let mut body = ping().to_bytes();
    body.truncate(body.len() - 1);
    let mut slow = site.connect().await;
    slow.send(&body).await;
    let mut polite = site.connect().await;
    let mut head = ping().header("Expect", "100-continue").header("Content-Length", "50").head();
    head.extend_from_slice(b"\r\n");
    polite.send(&head).await;
    assert_alive(&site).await;
    let response = slow.response().await;
    assert_eq!((response.status, response.text()), (408, "the body took too long to arrive\n"));
    assert_eq!(response.header("connection"), Some("close"));
    assert!(slow.is_closed().await);
    assert_eq!(polite.head().await.status, 100);
    assert_eq!(polite.response().await.status, 408);
    assert!(dribbling.status_or_close().await.is_none_or(|status| status == 408));
    assert!(silent.status_or_close().await.is_none());
    // A connection that was served and is then silent is closed too, in its own time.
    let mut idle = site.connect().await;
    assert_eq!(idle.ask(&ping()).await.status, 200);
    assert_eq!(idle.ask(&ping()).await.status, 200);
    assert!(idle.is_closed().await);
}

#[tokio::test]
async fn a_long_call_is_not_a_slow_client() {
    let world = World::new();
    let site = Site::with(&world, |settings| {
        settings.header_timeout = Duration::from_millis(50);
        settings.idle_timeout = Duration::from_millis(50);
        settings.keep_alive = Duration::from_millis(50);
    })
    .await;
    let mut wire = site.connect().await;
    wire.send(&Request::tool(1, "gate", json!({})).to_bytes()).await;
    world.signals.started.wait().await;
    // A listen stream says that it is alive; several such signs are longer than every limit.
    let mut listening = site.connect().await;
    let filter = json!({"notifications": {}});
    listening.open(&Request::modern(2, "subscriptions/listen", filter)).await;
    for _ in 0..6 {
        listening.frame().await.unwrap();
    }
    world.signals.open.raise();
    assert_eq!(wire.response().await.json()["result"]["content"][0]["text"], "passed");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let site = Site::new(&World::new()).await;
    let mut wire = site.connect().await;
    let mut bytes = Vec::new();
    for id in 0..50 {
        bytes.extend(Request::legacy(id, "ping", json!({})).to_bytes());
    }
    wire.send(&bytes).await;
    for id in 0..50 {
        assert_eq!(wire.response().await.json()["id"], id);
    }
}

#[tokio::test]
async fn connections_are_bounded() {
    let site = Site::with(&World::new(), |settings| settings.max_connections = 2).await;
    let (mut first, mut second) = (site.connect().await, site.connect().await);
    assert_eq!(first.ask(&ping()).await.status, 200);
    assert_eq!(second.ask(&ping()).await.status, 200);
    let mut third = site.connect().await;
    let refused = third.head().await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    drop(first);
    loop {
        // The place comes back once the server has noticed.
        let mut next = site.connect().await;
        next.send(&ping().to_bytes()).await;
        if next.status_or_close().await == Some(200) {
            break;
        }
    }
}
