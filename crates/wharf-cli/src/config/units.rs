//! Durations and sizes as people write them: `30s`, `4MiB`.
//!
//! One number and one unit. Fractions and sums (`1.5h`, `1m30s`) are refused: there is one way to write a value, so that
//! two files can be compared.

use std::time::Duration;

/// Longest accepted duration. Far below where adding it to a clock overflows.
pub(super) const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Largest accepted size, in bytes. Fits a `usize` everywhere.
pub(super) const MAX_SIZE_BYTES: usize = 1 << 30;

const DURATION_HELP: &str = "expected a duration such as \"30s\"; units: ms, s, m, h";
const SIZE_HELP: &str = "expected a size such as \"4MiB\"; units: B, KiB, MiB, GiB";

/// Digits, and what follows them.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, unit))
}

/// Reads `30s` and the like; zero is accepted here and refused by the key that can't have it.
///
/// # Errors
/// With what would be accepted.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text).ok_or(DURATION_HELP)?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err(DURATION_HELP.into()),
    };
    number
        .checked_mul(unit_ms)
        .map(Duration::from_millis)
        .filter(|duration| *duration <= MAX_DURATION)
        .ok_or_else(|| format!("too long; at most {}h", MAX_DURATION.as_secs() / 3600))
}

/// Reads `4MiB` and the like, in bytes; zero is refused, since every size here is a limit.
///
/// # Errors
/// With what would be accepted.
pub(super) fn size_bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text).ok_or(SIZE_HELP)?;
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(SIZE_HELP.into()),
    };
    match number.checked_mul(1 << shift).and_then(|bytes| usize::try_from(bytes).ok()) {
        Some(0) => Err("must not be zero".into()),
        Some(bytes) if bytes <= MAX_SIZE_BYTES => Ok(bytes),
        _ => Err("too large; at most 1GiB".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        let check = |text: &str, expected: Result<u64, &str>| {
            let result = duration(text).map(|duration| duration.as_millis() as u64);
            assert_eq!(result, expected.map_err(str::to_owned), "{text:?}");
        };
        check("30s", Ok(30_000));
        check("500ms", Ok(500));
        check("5m", Ok(300_000));
        check("1h", Ok(3_600_000));
        check("0s", Ok(0));
        check("8784h", Ok(31_622_400_000));
        check("8785h", Err("too long; at most 8784h"));
        check("18446744073709551615h", Err("too long; at most 8784h"));
        for bad in ["", "s", "30", "30 s", "-1s", "+1s", "1.5s", "1m30s", "30S", "30sec", "٣s"] {
            check(bad, Err(DURATION_HELP));
        }
        check("99999999999999999999s", Err(DURATION_HELP));
    }

    #[test]
    fn sizes_are_a_number_and_a_binary_unit() {
        let check = |text: &str, expected: Result<usize, &str>| {
            assert_eq!(size_bytes(text), expected.map_err(str::to_owned), "{text:?}");
        };
        check("1000", Ok(1000));
        check("7B", Ok(7));
        check("64KiB", Ok(65_536));
        check("4MiB", Ok(4_194_304));
        check("1GiB", Ok(MAX_SIZE_BYTES));
        check("2GiB", Err("too large; at most 1GiB"));
        check("18446744073709551615MiB", Err("too large; at most 1GiB"));
        check("0", Err("must not be zero"));
        check("0KiB", Err("must not be zero"));
        for bad in ["", "MiB", "4MB", "4mib", "4 MiB", "-4", "1.5MiB", "1e6"] {
            check(bad, Err(SIZE_HELP));
        }
    }
}
