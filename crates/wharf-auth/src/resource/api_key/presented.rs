//! The key in a request: `Authorization: Bearer KEY` (RFC 6750 section 2.1) or `X-API-Key: KEY`, once.
//!
//! Two of them are refused, even when they are equal: a proxy that adds one, or picks another than we do, must not decide
//! who somebody is.

use http::{HeaderMap, HeaderName, header::AUTHORIZATION};

/// Longest key that is looked at; anything longer is none.
pub(super) const MAX_KEY_BYTES: usize = 512;
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What a request has to show.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    Nothing,
    /// Something that can't be a key.
    Unusable,
    Key(&'a str),
}

pub(super) fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut bearer = headers.get_all(AUTHORIZATION).iter();
    let mut plain = headers.get_all(X_API_KEY).iter();
    let key = match (bearer.next(), plain.next()) {
        (None, None) => return Presented::Nothing,
        (Some(value), None) => value.to_str().ok().and_then(token),
        (None, Some(value)) => value.to_str().ok().map(str::trim),
        (Some(_), Some(_)) => None,
    };
    let is_alone = bearer.next().is_none() && plain.next().is_none();
    let is_key = |key: &&str| {
        (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    key.filter(|_| is_alone).filter(is_key).map_or(Presented::Unusable, Presented::Key)
}

/// What follows the scheme, whose case does not matter (RFC 9110 section 11.1).
fn token(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn check(headers: &[(&'static str, &[u8])], expected: &Presented<'_>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        assert_eq!(presented(&map), *expected);
    }

    #[test]
    fn a_key_comes_once_and_in_one_of_two_headers() {
        check(&[], &Presented::Nothing);
        check(&[("authorization", b"Bearer abc")], &Presented::Key("abc"));
        check(&[("authorization", b"bEARER   abc ")], &Presented::Key("abc"));
        check(&[("x-api-key", b"abc")], &Presented::Key("abc"));
    }

    #[test]
    fn hostile_headers_hold_no_key() {
        let long = [b"Bearer ".as_slice(), &[b'a'; 1 << 20]].concat();
        for bad in [
            b"".as_slice(),
            b"Bearer",
            b"Bearer ",
            b"Basic YTpi",
            b"abc",
            b"Bearerabc",
            b"Bearer a b",
            b"Bearer a, Bearer b",
            b"Bearer \xff\xfe",
            b"Bearer caf\xc3\xa9",
            b"Bearer\tabc",
            &long,
        ] {
            // A list of two credentials has a space in it, so it is none either.
            check(&[("authorization", bad)], &Presented::Unusable);
        }
        check(
            &[("authorization", b"Bearer a"), ("authorization", b"Bearer a")],
            &Presented::Unusable,
        );
        check(&[("authorization", b"Bearer a"), ("x-api-key", b"a")], &Presented::Unusable);
        check(&[("x-api-key", b"a"), ("x-api-key", b"b")], &Presented::Unusable);
        check(&[("x-api-key", &[b'a'; MAX_KEY_BYTES + 1])], &Presented::Unusable);
        check(
            &[("x-api-key", &[b'a'; MAX_KEY_BYTES])],
            &Presented::Key(&"a".repeat(MAX_KEY_BYTES)),
        );
    }
}
