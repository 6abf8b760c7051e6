//! Durations as the configuration file writes them: one number and one unit.

use std::time::Duration;

/// Far below where adding it to a clock overflows.
const MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
pub(crate) const HELP: &str =
    "expected one whole number and a unit, such as \"30s\"; units: ms, s, m, h";

/// Reads `30s` and the like.
///
/// # Errors
/// With what would be accepted.
pub(crate) fn parse(text: &str) -> Result<Duration, &'static str> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err(HELP),
    };
    let number: u64 = digits.parse().map_err(|_| HELP)?;
    match number.checked_mul(unit_ms).map(Duration::from_millis) {
        Some(Duration::ZERO) => Err("nothing can happen in no time; give at least \"1ms\""),
        Some(duration) if duration <= MAX => Ok(duration),
        _ => Err("too long; at most \"8784h\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_and_one_unit() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(parse(text).ok(), expected.map(Duration::from_millis), "{text:?}");
        };
        check("500ms", Some(500));
        check("30s", Some(30_000));
        check("2m", Some(120_000));
        check("1h", Some(3_600_000));
        check("8784h", Some(8784 * 3_600_000));
        for bad in [
            "",
            "30",
            "s",
            "30 s",
            "1.5h",
            "-1s",
            "1m30s",
            "0s",
            "8785h",
            "30sec",
            "٣s",
            "99999999999999999999s",
        ] {
            check(bad, None);
        }
    }
}
