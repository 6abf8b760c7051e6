//! `wharf keys`: makes, lists, rotates and revokes API keys. A key is printed once, alone on stdout, so that it can go
//! straight into a secret store; what is to be known about it goes to stderr.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use wharf_auth::resource::api_key::{Issued, KeyInfo, KeyStore, NewKey};

use crate::{
    access::unreadable,
    cli::{KeysCommand, KeysFile},
    config::{self, Asked},
    exit::Exit,
    failure::Failure,
    printer::{self, Printer},
};

/// Longest time that a key may be valid, in seconds: ten years.
const MAX_SECONDS: u64 = 3_650 * 86_400;
const PERIOD_HELP: &str = "expected a time such as 90d; units: s, m, h, d; at most 3650d";

/// Does what was asked.
///
/// # Errors
/// A key file that can't be used, or a request that makes no sense.
pub(crate) fn run(command: &KeysCommand) -> anyhow::Result<Exit> {
    let now = SystemTime::now();
    match command {
        KeysCommand::New { name, allow, expires, file } => {
            let new = NewKey { name: name.clone(), allow: allow.clone(), expires_in: *expires };
            let issued = store(file)?.create(&new, now).map_err(|error| unreadable(&error))?;
            show(&issued, file.json)?;
        }
        KeysCommand::List { file } => {
            let keys = store(file)?.list().map_err(|error| unreadable(&error))?;
            if file.json {
                let keys: Vec<Value> = keys.iter().map(as_json).collect();
                printer::write_json(&json!({ "keys": keys }))?;
            } else {
                printer::write(table(&keys, now, Printer::stdout()).as_bytes())?;
            }
        }
        KeysCommand::Revoke { key, file } => {
            let revoked = store(file)?.revoke(key).map_err(|error| unreadable(&error))?;
            if file.json {
                printer::write_json(&json!({ "revoked": as_json(&revoked) }))?;
            } else {
                printer::note(&format!("revoked {} ({})", revoked.name, revoked.id));
            }
        }
        KeysCommand::Rotate { key, overlap, expires, file } => {
            let rotated = store(file)?.rotate(key, *overlap, *expires, now);
            show(&rotated.map_err(|error| unreadable(&error))?, file.json)?;
        }
    }
    Ok(Exit::Success)
}

fn store(file: &KeysFile) -> Result<KeyStore, Failure> {
    if let Some(path) = &file.file {
        return Ok(KeyStore::at(path));
    }
    let settings = config::load(file.config.as_deref(), std::env::vars_os(), &Asked::default())?;
    settings.auth.keys_file.map(KeyStore::at).ok_or_else(|| {
        Failure::new(Exit::Usage, "there is no key file")
            .hint("name one with --file, or as keys_file in [auth] of wharf.toml")
    })
}

/// Prints a new key: the only time that anybody sees it.
fn show(issued: &Issued, json: bool) -> anyhow::Result<()> {
    let info = &issued.info;
    if json {
        let mut object = as_json(info);
        object["key"] = issued.key.expose().into();
        return printer::write_json(&object);
    }
    let mut told = format!("{} ({}) may use: {}\n", info.name, info.id, info.allow.join(", "));
    match info.expires_at {
        Some(end) => told.push_str(&format!("It is valid until {}.\n", date(end))),
        None => told.push_str("It does not expire; --expires 90d would have set an end.\n"),
    }
    if let Some(end) = info.previous_expires_at {
        told.push_str(&format!("The key before it is valid until {}.\n", date(end)));
    }
    told.push_str("It is shown only now:\n");
    printer::note(&told);
    printer::write(format!("{}\n", issued.key.expose()).as_bytes())
}

fn as_json(info: &KeyInfo) -> Value {
    json!({
        "id": info.id,
        "name": info.name,
        "allow": info.allow,
        "createdAt": date(info.created_at),
        "expiresAt": info.expires_at.map(date),
        "previousExpiresAt": info.previous_expires_at.map(date),
    })
}

fn table(keys: &[KeyInfo], now: SystemTime, printer: Printer) -> String {
    if keys.is_empty() {
        return "no keys\n".to_owned();
    }
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let expiry = |end: Option<u64>| match end {
        None => "never".to_owned(),
        Some(end) if end <= now => format!("expired {}", date(end)),
        Some(end) => date(end),
    };
    let head = ["NAME", "ID", "CREATED", "EXPIRES", "ALLOW"].map(str::to_owned).to_vec();
    let rows = keys.iter().map(|key| {
        let (created, expires) = (date(key.created_at), expiry(key.expires_at));
        vec![key.name.clone(), key.id.clone(), created, expires, key.allow.join(",")]
    });
    printer.table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// Reads `90d` and the like.
///
/// # Errors
/// With what would be accepted.
pub(crate) fn parse_period(text: &str) -> Result<Duration, String> {
    match parse_overlap(text)? {
        Duration::ZERO => Err("must not be zero".into()),
        period => Ok(period),
    }
}

/// Reads `24h` and the like, or `0s`.
///
/// # Errors
/// With what would be accepted.
pub(crate) fn parse_overlap(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(PERIOD_HELP.into()),
    };
    let number: u64 = number.parse().map_err(|_| PERIOD_HELP)?;
    let seconds = number.checked_mul(unit_seconds).filter(|seconds| *seconds <= MAX_SECONDS);
    seconds.map(Duration::from_secs).ok_or_else(|| PERIOD_HELP.into())
}

/// Seconds since 1970 as RFC 3339, in UTC. The calendar is Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>), for dates since 1970.
fn date(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // The year begins with March, so that the leap day comes last.
    let march = (5 * day + 2) / 153;
    let (month, day) =
        (if march < 10 { march + 3 } else { march - 9 }, day - (153 * march + 2) / 5 + 1);
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let check = |seconds: u64, expected: &str| assert_eq!(date(seconds), expected);
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_399, "2000-02-28T23:59:59Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(951_868_800, "2000-03-01T00:00:00Z");
        check(1_709_251_199, "2024-02-29T23:59:59Z");
        check(1_800_000_000, "2027-01-15T08:00:00Z");
        check(4_107_542_400, "2100-03-01T00:00:00Z");
        check(253_402_300_799, "9999-12-31T23:59:59Z");
    }

    #[test]
    fn periods_are_a_number_and_a_unit() {
        assert_eq!(parse_period("90d"), Ok(Duration::from_secs(90 * 86_400)));
        assert_eq!(parse_period("24h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(parse_overlap("0s"), Ok(Duration::ZERO));
        assert_eq!(parse_period("3650d"), Ok(Duration::from_secs(MAX_SECONDS)));
        assert_eq!(parse_period("0d"), Err("must not be zero".into()));
        for bad in [
            "",
            "d",
            "90",
            "90 d",
            "-1d",
            "1.5d",
            "90D",
            "3651d",
            "99999999999999999999d",
            "9999999999999999d",
            "٣d",
        ] {
            assert_eq!(parse_period(bad), Err(PERIOD_HELP.into()), "{bad}");
        }
    }
}
