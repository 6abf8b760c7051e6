//! HTTP requests against a listener without a socket: a request line's method and path, header lines, and a body. Whatever
//! comes, there is a response, and it is no failure of the server.

use std::cell::OnceCell;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use tokio::runtime::Runtime;
use wharf::transport::http::{Http, HttpService, HttpSettings};

struct Site {
    http: HttpService,
    runtime: Runtime,
}

#[expect(clippy::expect_used, reason = "without its server the target can't run")]
fn site() -> Site {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let mut settings = HttpSettings::default();
    settings.cors_origins = vec!["https://app.example.com".into()];
    settings.trusted_proxies = "127.0.0.0/8".parse().into_iter().collect();
    settings.sessions.max = 8;
    let http = Http::new(settings).service(crate::message::service());
    Site { http: http.into_service(), runtime: runtime.expect("a runtime") }
}

/// `METHOD PATH`, header lines, an empty line, a body.
pub(crate) fn run(data: &[u8]) {
    wharf::fuzz::headers(data);
    let Some(request) = request(data) else { return };
    thread_local! { static SITE: OnceCell<Site> = const { OnceCell::new() }; }
    SITE.with(|site| {
        let site = site.get_or_init(self::site);
        site.runtime.block_on(async {
            let local = ([127, 0, 0, 1], 1).into();
            let response = site.http.serve(request, local, local).await;
            let status = response.status().as_u16();
            assert!(status < 500 || status == 503, "{status}");
            // A stream may go on for ever; what is not one ends.
            let kind = response.headers().get("content-type").cloned();
            if kind.is_none_or(|kind| kind != "text/event-stream") {
                let body = response.into_body().collect().await;
                assert!(body.is_ok_and(|body| body.to_bytes().len() < 64 * 1024));
            }
        });
    });
}

fn request(data: &[u8]) -> Option<Request<Full<Bytes>>> {
    let split = data.windows(2).position(|window| window == b"\n\n").unwrap_or(data.len());
    let (head, body) = (&data[..split], data.get(split + 2..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut line = std::str::from_utf8(lines.next()?).ok()?.split(' ');
    let mut request = Request::builder().method(line.next()?).uri(line.next()?);
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..at], &line[at + 1..]);
        request = request
            .header(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    request.body(Full::new(Bytes::copy_from_slice(body))).ok()
}
