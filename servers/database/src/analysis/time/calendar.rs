//! Dates and times as databases write them, and the periods that they fall into.
//!
//! The proleptic Gregorian calendar, computed as in Howard Hinnant's "chrono-compatible low-level date algorithms". Times
//! with an offset become UTC; times without one are taken as they are. Fractions of a second are read and dropped.

use serde::Serialize;

const DAY: i64 = 86_400;

/// A moment in seconds since 1970-01-01T00:00:00.
pub(crate) type Seconds = i64;

/// Reads `YYYY-MM-DD`, perhaps with a time behind a space or `T`, and perhaps an offset behind that.
pub(crate) fn parse(text: &str) -> Option<Seconds> {
    let (date, rest) = text.split_at_checked(10)?;
    let (year, month, day) = parse_date(date)?;
    let midnight = days_from_civil(year, month, day) * DAY;
    if rest.is_empty() {
        return Some(midnight);
    }
    let time = rest.strip_prefix([' ', 'T', 't'])?;
    let (clock, offset) = split_offset(time)?;
    Some(midnight + parse_clock(clock)? - offset)
}

/// Whether the text has the shape of a date, whatever its month and day are.
pub(crate) fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

fn parse_date(date: &str) -> Option<(i64, i64, i64)> {
    let mut parts = date.split('-');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let valid = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    (valid && parts.next().is_none()).then_some((year, month, day))
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fraction`; a leap second and `24:00:00` are allowed, as in PostgreSQL.
fn parse_clock(clock: &str) -> Option<Seconds> {
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = whole.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |part| digits(part, 2))?;
    let valid = (hour < 24 || (hour, minute, second) == (24, 0, 0)) && minute < 60 && second <= 60;
    (valid && parts.next().is_none()).then_some(hour * 3_600 + minute * 60 + second)
}

/// The clock, and the offset behind it in seconds: `Z`, `+02`, `+0200`, `+02:00` or `+02:00:00`.
fn split_offset(time: &str) -> Option<(&str, Seconds)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let digits_only: String =
        time[at + 1..].chars().filter(|character| *character != ':').collect();
    let field = |from: usize| match digits_only.get(from..from + 2) {
        Some(text) => digits(text, 2),
        None => (digits_only.len() <= from).then_some(0),
    };
    let (hours, minutes, seconds) = (field(0)?, field(2)?, field(4)?);
    if !matches!(digits_only.len(), 2 | 4 | 6) || hours > 15 || minutes > 59 || seconds > 59 {
        return None;
    }
    let offset = hours * 3_600 + minutes * 60 + seconds;
    Some((time[..at].trim_end(), if time.as_bytes()[at] == b'-' { -offset } else { offset }))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let all = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The moment as text, in the same form for every database.
pub(crate) fn write(seconds: Seconds) -> String {
    let (year, month, day) = civil_from_days(seconds.div_euclid(DAY));
    let of_day = seconds.rem_euclid(DAY);
    if of_day == 0 {
        return format!("{year:04}-{month:02}-{day:02}");
    }
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// A length of time that rows are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Period {
    Minute,
    Hour,
    Day,
    /// From Monday on, as in ISO 8601.
    Week,
    Month,
    Year,
}

impl Period {
    pub(crate) const ALL: [Self; 6] =
        [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The number of the period that holds a moment; neighbours differ by one.
    pub(crate) fn of(self, seconds: Seconds) -> i64 {
        let days = seconds.div_euclid(DAY);
        match self {
            Self::Minute => seconds.div_euclid(60),
            Self::Hour => seconds.div_euclid(3_600),
            Self::Day => days,
            // 1970-01-01 was a Thursday.
            Self::Week => (days + 3).div_euclid(7),
            Self::Month => {
                let (year, month, _) = civil_from_days(days);
                year * 12 + month - 1
            }
            Self::Year => civil_from_days(days).0,
        }
    }

    /// The first moment of a period.
    pub(crate) fn start(self, number: i64) -> Seconds {
        match self {
            Self::Minute => number * 60,
            Self::Hour => number * 3_600,
            Self::Day => number * DAY,
            Self::Week => (number * 7 - 3) * DAY,
            Self::Month => {
                days_from_civil(number.div_euclid(12), number.rem_euclid(12) + 1, 1) * DAY
            }
            Self::Year => days_from_civil(number, 1, 1) * DAY,
        }
    }

    /// The period as people write it.
    pub(crate) fn label(self, number: i64) -> String {
        let start = write(self.start(number));
        match self {
            Self::Minute | Self::Hour if start.len() == 10 => format!("{start}T00:00"),
            Self::Minute | Self::Hour => start[..16].to_owned(),
            Self::Day | Self::Week => start,
            Self::Month => start[..start.len() - 3].to_owned(),
            Self::Year => start[..start.len() - 6].to_owned(),
        }
    }

    /// Lengths of cycles that people live by, in periods.
    pub(crate) fn cycles(self) -> &'static [usize] {
        match self {
            Self::Minute => &[60],
            Self::Hour => &[24, 168],
            Self::Day => &[7, 30, 365],
            Self::Week => &[4, 13, 52],
            Self::Month => &[3, 6, 12],
            Self::Year => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_read_as_databases_write_them() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(parse(text).map(write).as_deref(), expected, "{text:?}");
        }
        check("1970-01-01", Some("1970-01-01"));
        check("2024-02-29", Some("2024-02-29"));
        check("1900-02-29", None);
        check("2000-02-29 23:59:59.999", Some("2000-02-29T23:59:59"));
        check("2024-03-01T00:30+02", Some("2024-02-29T22:30:00"));
        check("2024-03-01 00:30:00-05:30", Some("2024-03-01T06:00:00"));
        check("2024-03-01 12:00Z", Some("2024-03-01T12:00:00"));
        check("2024-12-31 24:00:00", Some("2025-01-01"));
        check("0001-01-01", Some("0001-01-01"));
        for wrong in [
            "",
            "2024",
            "2024-13-01",
            "2024-00-10",
            "2024-04-31",
            "2024-1-1",
            "infinity",
            "2024-01-01x",
            "2024-01-01 25:00",
            "2024-01-01 10",
            "2024-01-01 10:00+",
            "2024-01-01 10:00+99",
            "12024-01-01",
            "2024-01-01 BC",
            "é024-01-01",
            "2024-01-0é",
            "2024-01-01 10:00:00.",
        ] {
            check(wrong, None);
        }
        assert!(looks_like_date("2024-02-31") && !looks_like_date("2024/02/31"));
    }

    #[test]
    fn periods_are_known() {
        let at = parse("2024-02-29 13:45:10").unwrap();
        for (period, label) in [
            (Period::Minute, "2024-02-29T13:45"),
            (Period::Hour, "2024-02-29T13:00"),
            (Period::Day, "2024-02-29"),
            (Period::Week, "2024-02-26"),
            (Period::Month, "2024-02"),
            (Period::Year, "2024"),
        ] {
            assert_eq!(period.label(period.of(at)), label);
        }
        assert_eq!(Period::Hour.label(0), "1970-01-01T00:00");
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_its_period(seconds in -62_135_596_800_i64..253_402_300_799) {
            prop_assert_eq!(parse(&write(seconds)), Some(seconds));
            for period in Period::ALL {
                let number = period.of(seconds);
                prop_assert!(period.start(number) <= seconds && seconds < period.start(number + 1));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9T:+. é-]{0,30}") {
            parse(&text);
        }
    }
}
