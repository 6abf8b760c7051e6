//! Times of files as RFC 3339, to the second and in UTC.
//!
//! Any time that a file system can hold is foreign input: those outside the years 1 to 9999, which RFC 3339 cannot write,
//! are left out.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: i64 = 86_400;

/// `2026-07-28T12:00:00Z`.
pub(crate) fn rfc3339(time: SystemTime) -> Option<String> {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok()?,
        Err(before) => {
            let before = before.duration();
            // Rounded down, as it is after 1970.
            let whole = i64::try_from(before.as_secs()).ok()?;
            -whole - i64::from(before.subsec_nanos() > 0)
        }
    };
    let (year, month, day) = civil(seconds.div_euclid(SECONDS_PER_DAY))?;
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// The date of a day counted from 1970-01-01, by Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>): years begin in March, so that the leap day is the last.
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    let days = days.checked_add(719_468)?;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (1..=9_999).contains(&year).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        #[track_caller]
        fn check(seconds: i64, expected: Option<&str>) {
            let distance = Duration::from_secs(seconds.unsigned_abs());
            let time = if seconds < 0 {
                UNIX_EPOCH.checked_sub(distance)
            } else {
                UNIX_EPOCH.checked_add(distance)
            };
            assert_eq!(rfc3339(time.unwrap()).as_deref(), expected, "{seconds}");
        }
        // Expected values from `date -u -d @N +%FT%TZ`.
        check(0, Some("1970-01-01T00:00:00Z"));
        check(-1, Some("1969-12-31T23:59:59Z"));
        check(951_782_400, Some("2000-02-29T00:00:00Z"));
        check(951_868_800, Some("2000-03-01T00:00:00Z"));
        check(1_785_240_000, Some("2026-07-28T12:00:00Z"));
        check(4_107_542_399, Some("2100-02-28T23:59:59Z"));
        check(4_107_542_400, Some("2100-03-01T00:00:00Z"));
        check(253_402_300_799, Some("9999-12-31T23:59:59Z"));
        check(253_402_300_800, None);
        check(-62_135_596_800, Some("0001-01-01T00:00:00Z"));
        check(-62_135_596_801, None);
        check(i64::MAX / 2, None);
        check(i64::MIN / 2, None);
    }
}
