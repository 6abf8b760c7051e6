//! Which names a request may use for this server, and which pages may talk to it. Host and Origin are checked
//! separately: one stops DNS rebinding, the other stops foreign pages (specification, streamable-http security).

use std::{borrow::Cow, net::IpAddr};

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};

use super::{body::ResponseBody, reply, settings::HttpSettings};

/// What a listener lets through.
#[derive(Debug)]
pub(super) struct Guard {
    hosts: Vec<String>,
    origins: Vec<String>,
    cors: Vec<String>,
}

/// Where the connection ends on this side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connection {
    pub(super) peer: IpAddr,
    pub(super) local: IpAddr,
}

impl Guard {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        let lower = |items: &[String]| {
            items.iter().map(|item| item.to_ascii_lowercase()).collect::<Vec<_>>()
        };
        let trim = |items: Vec<String>| -> Vec<String> {
            items.into_iter().map(|item| item.trim_end_matches('/').to_owned()).collect()
        };
        let mut hosts = lower(&settings.allowed_hosts);
        let cors = trim(lower(&settings.cors_origins));
        let mut origins = trim(lower(&settings.allowed_origins));
        origins.extend(cors.iter().cloned());
        if let Some(url) = settings.public_url.as_ref().and_then(|url| url.parse::<Uri>().ok())
            && let Some(authority) = url.authority()
        {
            hosts.push(authority.as_str().to_ascii_lowercase());
            let scheme = url.scheme_str().unwrap_or("https");
            origins.push(format!("{scheme}://{}", authority.as_str().to_ascii_lowercase()));
        }
        Self { hosts, origins, cors }
    }

    /// Refuses names and pages that are not allowed.
    pub(super) fn check<B>(
        &self,
        request: &Request<B>,
        connection: Connection,
    ) -> Result<(), Box<http::Response<ResponseBody>>> {
        let refuse =
            |status, reason, text: &str| Err(Box::new(reply::refusal(status, reason, text)));
        let mut values = request.headers().get_all(header::HOST).iter();
        let host = match (values.next(), values.next()) {
            (Some(host), None) => host.to_str().ok(),
            _ => None,
        };
        let Some(host) = host.and_then(authority) else {
            return refuse(
                StatusCode::BAD_REQUEST,
                "host",
                "exactly one well-formed Host header is required",
            );
        };
        // A request line may carry a name of its own (RFC 9112 section 3.2.2); both must be allowed.
        let named = request.uri().authority();
        let named = named.map(|authority| Cow::Owned(authority.as_str().to_ascii_lowercase()));
        for name in std::iter::once(host).chain(named) {
            if !self.allows_host(&name, connection) {
                return refuse(
                    StatusCode::FORBIDDEN,
                    "host",
                    "this Host is not allowed; add it to http.allowed_hosts, or set http.public_url",
                );
            }
        }
        for origin in request.headers().get_all(header::ORIGIN) {
            if !origin.to_str().is_ok_and(|origin| self.allows_origin(origin, connection)) {
                return refuse(
                    StatusCode::FORBIDDEN,
                    "origin",
                    "this Origin is not allowed; add it to http.allowed_origins",
                );
            }
        }
        Ok(())
    }

    fn allows_host(&self, host: &str, connection: Connection) -> bool {
        let name = without_port(host);
        let literal = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let local = connection.local.to_canonical();
        let own = match &literal {
            // The address that the client has really connected to, or any loopback name where that is loopback.
            Ok(address) => {
                address.to_canonical() == local || (local.is_loopback() && address.is_loopback())
            }
            Err(_) => name == "localhost" && local.is_loopback(),
        };
        own || self.hosts.iter().any(|allowed| allowed == host || allowed == name)
    }

    fn allows_origin(&self, origin: &str, connection: Connection) -> bool {
        let origin = origin.to_ascii_lowercase();
        if self.origins.iter().any(|allowed| *allowed == origin || allowed == "*") {
            return true;
        }
        // Pages of this machine may use a server that only this machine reaches.
        let Some(rest) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
        else {
            return false;
        };
        let Some(host) = authority(rest) else { return false };
        let name = without_port(&host);
        let loopback = name == "localhost"
            || name
                .trim_start_matches('[')
                .trim_end_matches(']')
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        loopback && connection.local.to_canonical().is_loopback()
    }

    /// Adds what lets a configured page read the answer.
    pub(super) fn allow_reading(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if self.cors.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin else { return };
        let listed = origin.to_str().is_ok_and(|text| {
            self.cors.iter().any(|allowed| allowed.eq_ignore_ascii_case(text) || allowed == "*")
        });
        if listed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("Mcp-Session-Id, WWW-Authenticate, Retry-After"),
            );
        }
    }

    /// Answers a preflight (Fetch standard, CORS-preflight fetch), where CORS is configured.
    pub(super) fn preflight<B>(
        &self,
        request: &Request<B>,
    ) -> Option<http::Response<ResponseBody>> {
        let headers = request.headers();
        if request.method() != Method::OPTIONS || self.cors.is_empty() {
            return None;
        }
        let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        let mut response = reply::empty(StatusCode::NO_CONTENT);
        let out = response.headers_mut();
        out.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("POST, GET, DELETE"),
        );
        // Header names only; the checks on their values still come with the request itself.
        if let Some(wanted) = wanted {
            out.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
        }
        out.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        Some(response)
    }
}

/// A `host[:port]` in lower case, if it is nothing else.
fn authority(text: &str) -> Option<Cow<'_, str>> {
    if is_plain(text) {
        return Some(Cow::Borrowed(text));
    }
    let authority: http::uri::Authority = text.parse().ok()?;
    let plain = !authority.as_str().contains('@') && !authority.host().is_empty();
    plain.then(|| Cow::Owned(authority.as_str().to_ascii_lowercase()))
}

/// Whether `text` is a name or an address of version 4 in lower case, perhaps with a port: nothing is left to parse.
fn is_plain(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "80"));
    let in_name = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-')
    };
    !host.is_empty()
        && host.bytes().all(in_name)
        && (1..=5).contains(&port.len())
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') =>
        {
            // An IPv6 literal keeps its brackets, so a colon inside it never looks like a port.
            if name.starts_with('[') == name.ends_with(']') { name } else { host }
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        settings: &HttpSettings,
        local: &str,
        headers: &[(&str, &str)],
        expected: Option<u16>,
    ) {
        let mut request = Request::builder().uri("/mcp");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let connection =
            Connection { peer: "127.0.0.1".parse().unwrap(), local: local.parse().unwrap() };
        let result = Guard::new(settings).check(&request.body(()).unwrap(), connection);
        let status = result.err().map(|response| response.status().as_u16());
        assert_eq!(status, expected, "{local} {headers:?}");
    }

    #[test]
    fn hosts_and_origins_are_checked_separately() {
        let plain = HttpSettings::default();
        for host in ["localhost", "LocalHost:8080", "127.0.0.1:8080", "[::1]:8080", "127.1.2.3"] {
            check(&plain, "127.0.0.1", &[("host", host)], None);
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "10.0.0.1",
            "127.0.0.1.evil.example",
        ] {
            check(&plain, "127.0.0.1", &[("host", host)], Some(403));
        }
        for host in ["127.0.0.1:8080@evil.example", "a@localhost", "", "local host", "localhost/x"]
        {
            check(&plain, "127.0.0.1", &[("host", host)], Some(400));
        }
        check(&plain, "127.0.0.1", &[], Some(400));
        check(&plain, "127.0.0.1", &[("host", "localhost"), ("host", "localhost")], Some(400));
        check(&plain, "10.0.0.5", &[("host", "localhost")], Some(403));
        check(&plain, "10.0.0.5", &[("host", "10.0.0.5:80")], None);
        let origin = |origin, expected| {
            check(&plain, "127.0.0.1", &[("host", "localhost"), ("origin", origin)], expected)
        };
        origin("http://localhost:3000", None);
        origin("http://[::1]:3000", None);
        origin("null", Some(403));
        origin("https://evil.example", Some(403));
        origin("http://localhost.evil.example", Some(403));
        origin("http://localhost@evil.example", Some(403));
        origin("file://", Some(403));
    }

    #[test]
    fn what_needs_no_parsing_would_be_parsed_the_same_way() {
        let texts = [
            "localhost",
            "localhost:8080",
            "127.0.0.1:1",
            "a.b-c",
            "-",
            ".",
            "a:",
            ":80",
            "a:b",
            "a:1:2",
            "A:1",
            "a:123456",
            "[::1]:80",
            "a@b",
            "a/b",
            "a b",
            "",
            "a:00080",
            "9:9",
            "a..b",
        ];
        for text in texts {
            let parsed = text.parse::<http::uri::Authority>().ok();
            assert!(
                !is_plain(text) || parsed.is_some_and(|parsed| parsed.as_str() == text),
                "{text}"
            );
        }
        assert!(is_plain("localhost:8080") && is_plain("127.0.0.1") && !is_plain("[::1]"));
    }

    #[test]
    fn configuration_adds_names() {
        let settings = HttpSettings {
            public_url: Some("https://mcp.example.com/mcp".into()),
            allowed_hosts: vec!["internal".into()],
            allowed_origins: vec!["https://app.example.com/".into()],
            ..HttpSettings::default()
        };
        check(
            &settings,
            "10.0.0.5",
            &[("host", "mcp.example.com"), ("origin", "https://mcp.example.com")],
            None,
        );
        check(
            &settings,
            "10.0.0.5",
            &[("host", "internal:9000"), ("origin", "https://app.example.com")],
            None,
        );
        check(
            &settings,
            "10.0.0.5",
            &[("host", "internal"), ("origin", "http://app.example.com")],
            Some(403),
        );
        check(
            &settings,
            "10.0.0.5",
            &[("host", "internal"), ("origin", "http://localhost")],
            Some(403),
        );
    }
}
