//! Entry points for the fuzz targets of modules that nothing else reaches from outside.
//!
//! Each takes whatever bytes come and panics when something that must hold does not. Not part of the public API: it exists
//! only with the feature `fuzzing`, which adds this module and changes nothing else.

use std::{cell::OnceCell, collections::HashSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::{
    protocol::{
        HeaderView, Id, Inside, Message, UriTemplate, decode_value, parse_message, parse_strict,
    },
    schema::InputSchema,
    scope::Grants,
    seal::{Sealer, SealingKey},
    server::{Server, Service, Tool, lists::ListKind},
};

/// Longest refusal: it never repeats what was sent.
const MAX_REFUSAL_BYTES: usize = 8 * 1024;

/// The envelope, and the tree that is built without duplicate keys.
pub fn envelope(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lenient = serde_json::from_str::<Value>(text);
    match parse_message(text, &mut Inside::default()) {
        Err(refused) => {
            let (error, id) = *refused;
            assert!(matches!(error.code, -32700 | -32600), "{error}");
            let message = error.to_message(id.as_ref());
            assert!(message.len() <= MAX_REFUSAL_BYTES, "a refusal of {} bytes", message.len());
            assert!(serde_json::from_slice::<Value>(&message).is_ok());
        }
        Ok(Message::Batch(items)) => {
            if let Ok(Value::Array(all)) = lenient {
                assert_eq!(all.len(), items.len());
            }
        }
        Ok(Message::Request { id, method, params }) => {
            // Deeper than serde_json goes there is no second opinion.
            if let Ok(value) = &lenient {
                assert_eq!(value["jsonrpc"], "2.0");
                assert_eq!(value["method"], *method);
                assert_eq!(params.is_some(), value.get("params").is_some());
                match id {
                    Id::Number(number) => assert_eq!(value["id"], number),
                    Id::String(text) => assert_eq!(value["id"], *text),
                }
            }
        }
        Ok(Message::Notification { method, .. }) => {
            if let Ok(value) = &lenient {
                assert_eq!(value["method"], *method);
                assert!(value.get("id").is_none());
            }
        }
        Ok(Message::Response { result, .. }) => {
            if let Ok(value) = &lenient {
                assert_eq!(result.is_ok(), value.get("result").is_some());
            }
        }
    }
    if let Ok(strict) = parse_strict(text) {
        assert!(serde_json::from_str::<Value>(text).is_ok());
        assert_eq!(parse_strict(&strict.to_string()).ok().as_ref(), Some(&strict));
    }
}

/// Header values: `name: value` lines, each read back.
pub fn headers(data: &[u8]) {
    let mut map = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = (&line[..at], line.get(at + 1..).unwrap_or_default());
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            map.append(name, value);
        }
    }
    for name in map.keys() {
        let view = HeaderView(&map);
        match view.value(name.as_str()) {
            Ok(Some(value)) => {
                assert!(view.expect(name.as_str(), &value).is_ok());
                let other = format!("{value}x");
                assert!(view.expect(name.as_str(), &other).is_err());
                // What was decoded can be encoded again.
                let encoded = format!("=?base64?{}?=", STANDARD.encode(&*value));
                assert_eq!(decode_value(&encoded).as_deref(), Some(&*value));
            }
            Ok(None) => assert!(!map.contains_key(name)),
            Err(error) => assert_eq!(error.code, -32020),
        }
    }
}

/// A template on the first line, a URI behind it.
pub fn uri_template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (template, uri) = text.split_once('\n').unwrap_or((text, text));
    match UriTemplate::parse(template) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(parsed) => {
            let _ = parsed.specificity();
            if let Some(found) = parsed.matches(uri) {
                let mut names = HashSet::new();
                for (name, _) in &found {
                    assert!(template.contains(&**name), "{name} is no variable of {template}");
                    assert!(names.insert(name), "{name} twice");
                }
                if !template.contains('{') {
                    assert_eq!(template, uri);
                }
            }
        }
    }
}

fn sealer() -> Sealer {
    Sealer::new(SealingKey::new(&[7; 32]).into_iter().collect())
}

/// A server with three pages of tools.
fn paged() -> Option<Service> {
    let limits = crate::Limits { page_size: 3, ..crate::Limits::default() };
    let server = Server::new("fuzzed", "1").limits(limits);
    let tool = |n: u8| Tool::new(format!("tool_{n}")).handler(|| async { "x" });
    (0..8).fold(server, |server, n| server.tool(tool(n))).build().ok()
}

/// Cursors: foreign text, and text that was sealed with the right key but says anything.
pub fn cursor(data: &[u8]) {
    thread_local! { static SERVICE: OnceCell<Option<Service>> = const { OnceCell::new() }; }
    let Some((&mode, rest)) = data.split_first() else { return };
    let Some(service) = SERVICE.with(|cell| cell.get_or_init(paged).clone()) else { return };
    let sealer = sealer();
    let sealed = sealer.seal("cursor", ListKind::Tools.method().as_bytes(), rest);
    let foreign = String::from_utf8_lossy(rest);
    let text = if mode % 2 == 0 { &*foreign } else { &*sealed };
    match service.0.registry.load().page(
        ListKind::Tools,
        Some(text),
        true,
        &sealer,
        ("fuzz", &Grants::all()),
    ) {
        Ok(page) => {
            assert!(mode % 2 == 1, "a made-up cursor opened");
            let page = format!("{{{}}}", String::from_utf8_lossy(&page));
            let page = serde_json::from_str::<Value>(&page);
            assert!(page.is_ok_and(|page| page["tools"].as_array().is_some_and(|t| t.len() <= 3)));
        }
        Err(error) => assert_eq!(error.code, -32602),
    }
}

/// Sealed texts: foreign ones, changed ones, and ones for another purpose or another owner.
pub fn sealed(data: &[u8]) {
    let Some((&at, rest)) = data.split_first() else { return };
    let sealer = sealer();
    assert!(sealer.open("state", b"ann", &String::from_utf8_lossy(rest)).is_err());
    let text = sealer.seal("state", b"ann", rest);
    assert_eq!(sealer.open("state", b"ann", &text).ok().as_deref(), Some(rest));
    assert!(sealer.open("cursor", b"ann", &text).is_err());
    assert!(sealer.open("state", b"bob", &text).is_err());
    let mut changed = text.clone().into_bytes();
    let at = usize::from(at) % changed.len();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8_lossy(&changed);
    assert!(sealer.open("state", b"ann", &changed).is_err());
    assert!(sealer.open("state", b"ann", &text[..at]).is_err());
}

/// A schema on the first line, arguments behind it: what is accepted is valid, what was valid is not touched, and a refusal is
/// short.
pub fn schema(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (schema, arguments) = text.split_once('\n').unwrap_or((text, "{}"));
    let (Ok(schema), Ok(given)) = (parse_strict(schema), parse_strict(arguments)) else { return };
    let Ok(compiled) = InputSchema::compile(&schema) else { return };
    let valid = compiled.accepts(&given);
    let mut arguments = given.clone();
    match compiled.check(&mut arguments) {
        Ok(()) => {
            assert!(compiled.accepts(&arguments));
            assert!(!valid || arguments == given, "valid arguments were changed");
        }
        Err(refusals) => {
            assert!(!valid, "valid arguments were refused");
            assert!(refusals.to_string().len() <= MAX_REFUSAL_BYTES);
            let _ = refusals.to_json();
        }
    }
}
