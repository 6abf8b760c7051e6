//! Kinds of values: how each is written, checked, and described in the manual and the schema.
//!
//! A kind says what it accepts and never repeats the value: the report quotes the line, and a secret must not be quoted.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{SecretBox, zeroize::Zeroizing};
use wharf::{Grants, transport::http::Network};

use super::{report::did_you_mean, units};

/// What TOML type a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    String,
    Integer,
    Boolean,
    /// Either `"4MiB"` or `1000`.
    StringOrInteger,
}

impl Written {
    /// As an error names it.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Boolean => "true or false",
            Self::StringOrInteger => "a string or an integer",
        }
    }
}

/// What manual, schema and messages need to know about a kind.
#[derive(Debug)]
pub(super) struct Facts {
    /// As the manual calls it.
    pub(super) name: &'static str,
    pub(super) written: Written,
    /// Never quoted, may be `file:…`.
    pub(super) secret: bool,
    /// Smallest and largest number.
    pub(super) range: Option<(u64, u64)>,
    /// The only values.
    pub(super) choices: &'static [&'static str],
    /// A regular expression that every literal value matches, for the schema.
    pub(super) pattern: Option<&'static str>,
    /// A well-formed value for messages.
    pub(super) example: &'static str,
}

/// How to read a `T`.
pub(super) struct Kind<T: 'static> {
    pub(super) facts: Facts,
    /// The value in this text; relative paths start at the folder.
    pub(super) parse: fn(&Facts, &str, &Path) -> Result<T, String>,
}

/// Any text.
pub(super) const PLAIN: Facts = Facts {
    name: "string",
    written: Written::String,
    secret: false,
    range: None,
    choices: &[],
    pattern: None,
    example: "",
};

pub(super) const BOOLEAN: Kind<bool> = Kind {
    facts: Facts { name: "boolean", written: Written::Boolean, ..PLAIN },
    parse: |_, text, _| text.parse().map_err(|_| "expected true or false".into()),
};

/// A number of at least one.
pub(super) const COUNT: Kind<usize> = Kind {
    facts: Facts {
        name: "integer",
        written: Written::Integer,
        range: Some((1, 1_000_000_000)),
        ..PLAIN
    },
    parse: |facts, text, _| {
        let (min, max) = facts.range.unwrap_or((0, 1_000_000_000));
        let number: Option<u64> = text.parse().ok();
        number
            .filter(|number| (min..=max).contains(number))
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| format!("expected an integer from {min} to {max}"))
    },
};

/// A number that may be zero.
pub(super) const COUNT_OR_ZERO: Kind<usize> =
    Kind { facts: Facts { range: Some((0, 1_000_000_000)), ..COUNT.facts }, parse: COUNT.parse };

/// A duration longer than zero.
pub(super) const DURATION: Kind<Duration> = Kind {
    facts: Facts { name: "duration", pattern: Some("^[0-9]+(ms|s|m|h)$"), example: "30s", ..PLAIN },
    parse: |_, text, _| match units::duration(text)? {
        Duration::ZERO => Err("must not be zero".into()),
        duration => Ok(duration),
    },
};

/// A duration that may be zero.
pub(super) const DURATION_OR_ZERO: Kind<Duration> =
    Kind { facts: DURATION.facts, parse: |_, text, _| units::duration(text) };

/// Bytes.
pub(super) const SIZE: Kind<usize> = Kind {
    facts: Facts {
        name: "size",
        written: Written::StringOrInteger,
        pattern: Some("^[0-9]+(B|KiB|MiB|GiB)?$"),
        example: "4MiB",
        ..PLAIN
    },
    parse: |_, text, _| units::size_bytes(text),
};

/// An address to listen on.
pub(super) const ADDRESS: Kind<SocketAddr> = Kind {
    facts: Facts { name: "address and port", example: "127.0.0.1:8080", ..PLAIN },
    parse: |_, text, _| {
        text.parse().map_err(|_| {
            "expected an IP address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"".into()
        })
    },
};

/// An address or a block, kept as it is written.
pub(super) const NETWORK: Kind<String> = Kind {
    facts: Facts { name: "IP address or CIDR block", example: "10.0.0.0/8", ..PLAIN },
    parse: |_, text, _| {
        text.parse::<Network>().map(|_| text.to_owned()).map_err(|_| {
            "expected an IP address or a block, such as \"10.0.0.0/8\" or \"fd00::/8\"".into()
        })
    },
};

/// An `http` or `https` URL.
pub(super) const URL: Kind<String> = Kind {
    facts: Facts { name: "URL", example: "https://mcp.example.com", ..PLAIN },
    parse: |_, text, _| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        rest.filter(|rest| is_authority(rest.split('/').next().unwrap_or_default()))
            .filter(|rest| !rest.contains(|c: char| "?#\\".contains(c) || !c.is_ascii_graphic()))
            .map(|_| text.to_owned())
            .ok_or_else(|| "expected a URL such as \"https://mcp.example.com\"".into())
    },
};

/// A web origin: scheme, host and port, and nothing after them.
pub(super) const ORIGIN: Kind<String> = Kind {
    facts: Facts { name: "origin", example: "https://app.example.com", ..PLAIN },
    parse: |_, text, _| {
        let parts = text.trim_end_matches('/').split_once("://");
        let is_scheme = |scheme: &str| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        };
        let good = parts.is_some_and(|(scheme, rest)| is_scheme(scheme) && is_authority(rest));
        if good || text == "*" {
            return Ok(text.to_owned());
        }
        Err("expected an origin such as \"https://app.example.com\", without a path, or \"*\""
            .into())
    },
};

/// A value of the `Host` header.
pub(super) const HOST: Kind<String> = Kind {
    facts: Facts { name: "host", example: "mcp.example.com", ..PLAIN },
    parse: |_, text, _| {
        if is_authority(text) {
            return Ok(text.to_owned());
        }
        Err("expected a host such as \"mcp.example.com\" or \"mcp.example.com:8443\", without a scheme".into())
    },
};

/// A file.
pub(super) const PATH: Kind<PathBuf> = Kind {
    facts: Facts { name: "path", ..PLAIN },
    parse: |_, text, folder| {
        if text.is_empty() || text.contains('\0') {
            return Err("expected the path of a file".into());
        }
        Ok(folder.join(text))
    },
};

/// A pattern of permissions.
pub(super) const PATTERN: Kind<String> = Kind {
    facts: Facts {
        name: "permission",
        pattern: Some(r"^!?(\*|tools|resources|prompts|admin|[!-~]+:[!-~]+)$"),
        example: "database:*",
        ..PLAIN
    },
    parse: |_, text, _| {
        Grants::parse([text]).map(|_| text.to_owned()).map_err(|error| error.to_string())
    },
};

/// 32 secret bytes.
pub(super) const KEY: Kind<SecretBox<[u8; 32]>> = Kind {
    facts: Facts { name: "secret key", secret: true, ..PLAIN },
    parse: |_, text, _| {
        key(text).ok_or_else(|| {
            "expected 32 bytes as base64 or 64 hex digits; make one with: openssl rand -base64 32"
                .into()
        })
    },
};

/// A host with an optional port: what may stand between `//` and `/`, without user names and wildcards.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let good = address.parse::<std::net::Ipv6Addr>().is_ok();
            (
                if good { "localhost" } else { "" },
                port.strip_prefix(':').or(Some("0").filter(|_| port.is_empty())),
            )
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, Some("0")),
        },
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    port.is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok())
        && host.split('.').all(is_label)
}

/// Base64 with or without padding, or hex. Nothing in between is left behind unwiped.
fn key(text: &str) -> Option<SecretBox<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    if text.len() == 64 {
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let nibble = |digit: u8| char::from(digit).to_digit(16);
            *byte = u8::try_from(nibble(digits[0])? << 4 | nibble(digits[1])?).ok()?;
        }
    } else {
        let text = text.strip_suffix('=').unwrap_or(text);
        let mut padded = Zeroizing::new([b'='; 44]);
        let mut decoded = Zeroizing::new([0_u8; 33]);
        if text.len() != 43 {
            return None;
        }
        padded[..43].copy_from_slice(text.as_bytes());
        if STANDARD.decode_slice(padded.as_slice(), decoded.as_mut_slice()).ok()? != 32 {
            return None;
        }
        bytes.copy_from_slice(&decoded[..32]);
    }
    Some(SecretBox::init_with_mut(|out: &mut [u8; 32]| out.copy_from_slice(bytes.as_slice())))
}

/// The error for a text that is none of the choices.
pub(super) fn no_choice(facts: &Facts, text: &str) -> String {
    let all: Vec<String> = facts.choices.iter().map(|choice| format!("\"{choice}\"")).collect();
    let expected = format!("expected {}", all.join(" or "));
    match did_you_mean(text, facts.choices.iter().copied()) {
        Some(hint) => format!("{expected}; {hint}"),
        None => expected,
    }
}

/// A kind with a few values, made from its name and the reader of one.
pub(super) const fn choice<T>(
    choices: &'static [&'static str],
    parse: fn(&Facts, &str, &Path) -> Result<T, String>,
) -> Kind<T> {
    Kind { facts: Facts { name: "choice", choices, ..PLAIN }, parse }
}
