//! A rate as people say it: so many calls in such a time, and how many of them at once.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use crate::state::Quota;

/// How often something may be done: a token bucket that fills evenly and holds at most a burst.
///
/// ```
/// use wharf::Rate;
///
/// let rate = Rate::per_minute(30).burst(5);
/// assert_eq!(rate, "30/m".parse::<Rate>()?.burst(5));
/// assert_eq!(rate.to_string(), "30/m");
/// # Ok::<(), wharf::RateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    tokens: NonZeroU32,
    unit: Unit,
    /// Worked out once: a call should not divide.
    quota: Quota,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

impl Unit {
    const fn period(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        })
    }

    const fn letter(self) -> char {
        match self {
            Self::Second => 's',
            Self::Minute => 'm',
            Self::Hour => 'h',
            Self::Day => 'd',
        }
    }
}

impl Rate {
    const fn new(tokens: u32, unit: Unit) -> Self {
        let tokens = match NonZeroU32::new(tokens) {
            Some(tokens) => tokens,
            None => NonZeroU32::MIN,
        };
        Self { tokens, unit, quota: Quota::new(tokens, unit.period()) }
    }

    /// `calls` per second, all of which may come at once. Zero counts as one.
    pub const fn per_second(calls: u32) -> Self {
        Self::new(calls, Unit::Second)
    }

    /// `calls` per minute, all of which may come at once. Zero counts as one.
    pub const fn per_minute(calls: u32) -> Self {
        Self::new(calls, Unit::Minute)
    }

    /// `calls` per hour, all of which may come at once. Zero counts as one.
    pub const fn per_hour(calls: u32) -> Self {
        Self::new(calls, Unit::Hour)
    }

    /// `calls` per day, all of which may come at once. Zero counts as one.
    pub const fn per_day(calls: u32) -> Self {
        Self::new(calls, Unit::Day)
    }

    /// At most `calls` at once. Zero counts as one.
    #[must_use]
    pub const fn burst(mut self, calls: u32) -> Self {
        let calls = match NonZeroU32::new(calls) {
            Some(calls) => calls,
            None => NonZeroU32::MIN,
        };
        self.quota = self.quota.with_burst(calls);
        self
    }

    /// The bucket.
    pub const fn quota(&self) -> Quota {
        self.quota
    }
}

impl fmt::Display for Rate {
    /// Without the burst, as [`FromStr`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tokens, self.unit.letter())
    }
}

/// A text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a rate such as \"60/m\": a number from 1 on, and one of /s, /m, /h, /d")]
#[non_exhaustive]
pub struct RateError;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (number, unit) = text.split_once('/').ok_or(RateError)?;
        let unit = match unit {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            "d" => Unit::Day,
            _ => return Err(RateError),
        };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let tokens = number.parse().ok().filter(|tokens| digits && *tokens > 0);
        Ok(Self::new(tokens.ok_or(RateError)?, unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_a_number_and_a_unit() {
        let check = |text: &str, expected: Option<Rate>| {
            assert_eq!(text.parse().ok(), expected, "{text:?}");
        };
        check("60/m", Some(Rate::per_minute(60)));
        check("1/s", Some(Rate::per_second(1)));
        check("4294967295/h", Some(Rate::per_hour(u32::MAX)));
        check("5000/d", Some(Rate::per_day(5000)));
        let wrong = ["", "/", "60", "60/", "/m", "0/m", "-1/m", "+1/m", "1.5/m", "60/min", "60 /m"];
        for wrong in wrong.into_iter().chain(["60/M", "4294967296/s", "6٠/m", "60/m/s", "off"]) {
            check(wrong, None);
        }
    }

    #[test]
    fn a_rate_is_a_bucket_of_its_burst() {
        let quota = Rate::per_minute(30).burst(5).quota();
        assert_eq!((quota.interval(), quota.burst()), (Duration::from_secs(2), 5));
        assert_eq!(Rate::per_day(10).quota().burst(), 10);
        // Never a bucket that holds nothing: it would refuse forever.
        assert_eq!(Rate::per_second(0).burst(0).quota().burst(), 1);
    }
}
