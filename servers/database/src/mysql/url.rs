//! Settings from an address: `mysql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`.
//!
//! Parts are percent-decoded. What is not understood is refused, and no refusal repeats a part of the address.

use secrecy::{ExposeSecret as _, SecretString};

use super::settings::{MysqlSettings, Tls};
use crate::error::DatabaseError;

impl MysqlSettings {
    /// Settings for the server at an address, with the default bounds.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] says what is wrong with the address, without repeating it.
    pub fn from_url(url: &SecretString) -> Result<Self, DatabaseError> {
        let url = url.expose_secret();
        let rest = ["mysql://", "mariadb://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let rest = rest.ok_or_else(|| wrong("must begin with mysql://"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        // A password may hold an @ that was not encoded; a host may not.
        let (account, address) =
            authority.rsplit_once('@').ok_or_else(|| wrong("must name USER:PASSWORD@HOST"))?;
        let (user, password) = account.split_once(':').unwrap_or((account, ""));
        let (host, port) = host_and_port(address)?;
        let mut settings = Self::new(host, decoded(user)?, SecretString::from(decoded(password)?));
        settings.port = port;
        settings.database = Some(decoded(database)?).filter(|name| !name.is_empty());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode" | "ssl-mode", mode)) => settings.tls = tls(mode)?,
                _ => return Err(wrong("knows only sslmode behind the question mark")),
            }
        }
        Ok(settings)
    }
}

fn tls(mode: &str) -> Result<Tls, DatabaseError> {
    Ok(match mode.to_ascii_lowercase().replace('_', "-").as_str() {
        // Other clients do not verify for `require`; a password that goes to whoever answers must be asked for by name.
        "verify-full" | "verify-identity" | "require" | "required" => Tls::Verify,
        "danger-unverified" => Tls::DangerUnverified,
        // The driver cannot check a certificate without the name in it.
        "verify-ca" => {
            return Err(wrong("needs sslmode verify-full; verify-ca is not available for MySQL"));
        }
        "prefer" | "preferred" => Tls::DangerPreferred,
        "disable" | "disabled" => Tls::DangerPlain,
        _ => {
            let rule =
                "needs sslmode to be verify-full, require, prefer, disable or danger-unverified";
            return Err(wrong(rule));
        }
    })
}

fn host_and_port(address: &str) -> Result<(&str, u16), DatabaseError> {
    let port = |text: &str| text.parse().map_err(|_| wrong("has a port that is no number"));
    if let Some(rest) = address.strip_prefix('[') {
        let (host, rest) =
            rest.split_once(']').ok_or_else(|| wrong("has a [ that is not closed"))?;
        return match rest.strip_prefix(':') {
            Some(text) => Ok((host, port(text)?)),
            None if rest.is_empty() => Ok((host, 3306)),
            None => Err(wrong("has something between host and port")),
        };
    }
    match address.split_once(':') {
        Some((host, text)) => Ok((host, port(text)?)),
        None => Ok((address, 3306)),
    }
}

/// Percent-decoding; the result must be text.
fn decoded(text: &str) -> Result<String, DatabaseError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default())
            }
            _ => return Err(wrong("has a % that is not followed by two hexadecimal digits")),
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong("has a part that is not UTF-8"))
}

fn wrong(rule: &str) -> DatabaseError {
    DatabaseError::invalid("url", format!("the address {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<MysqlSettings, DatabaseError> {
        MysqlSettings::from_url(&SecretString::from(url))
    }

    #[test]
    fn every_part_is_read() {
        let settings =
            parse("mysql://rea%40der:p%3Aw@db.example:3307/my%20shop?sslmode=require").unwrap();
        assert_eq!((settings.host.as_str(), settings.port), ("db.example", 3307));
        assert_eq!(settings.user, "rea@der");
        assert_eq!(settings.password.expose_secret(), "p:w");
        assert_eq!(settings.database.as_deref(), Some("my shop"));
        assert_eq!(settings.tls, Tls::Verify);
        let unverified = parse("mysql://u@h/d?sslmode=danger-unverified").unwrap();
        assert_eq!(unverified.tls, Tls::DangerUnverified);
        let short = parse("mariadb://u@[::1]").unwrap();
        assert_eq!((short.host.as_str(), short.port, short.database), ("::1", 3306, None));
        assert_eq!(short.tls, Tls::Automatic);
        assert_eq!(parse("mysql://u:a@b@h/").unwrap().password.expose_secret(), "a@b");
    }

    #[test]
    fn mistakes_are_named_and_not_repeated() {
        for url in [
            "postgres://u:hunter2@h/d",
            "mysql://hunter2",
            "mysql://u:hunter2@h:x/d",
            "mysql://u:hunter2@[::1/d",
            "mysql://u:%zz@h/d",
            "mysql://u:%ff@h/d",
            "mysql://u:hunter2@h/d?sslmode=hunter2",
            "mysql://u:hunter2@h/d?sslmode=verify-ca",
            "mysql://u:hunter2@h/d?hunter2=1",
        ] {
            let error = parse(url).expect_err(url);
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(error.to_string().starts_with("url: the address "), "{error}");
        }
    }
}
