//! `[rate_limits]`: how often each server may be called; and how often one of them.

use wharf::{Rate, StoreFailure};

use super::{
    field::{Optional, Section, Setting},
    kind::{COUNT, COUNT_OR_ZERO, Facts, Kind, PLAIN, choice, no_choice},
    reader::Reader,
};

/// The rate limits of each server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RateLimits {
    pub(crate) per_caller: Option<Rate>,
    pub(crate) per_caller_burst: Option<u32>,
    pub(crate) daily_per_caller: Option<u32>,
    pub(crate) per_server: Option<Rate>,
    pub(crate) store_failure: StoreFailure,
}

pub(super) const SECTION: Section = Section {
    path: "rate_limits",
    kind: None,
    text: "How often each server may be called; further calls are refused with `RATE_LIMITED` and the time to wait. Lists cost nothing. All anonymous callers are one.",
    fields: &[&PER_CALLER, &PER_CALLER_BURST, &DAILY_PER_CALLER, &PER_SERVER, &STORE_FAILURE],
    below: &[],
};

/// The same for one server.
pub(super) const OF_SERVER: Section = Section {
    path: "servers.<name>.rate_limits",
    kind: None,
    text: "In place of `[rate_limits]` for one server. `per_caller_burst` belongs to the `per_caller` of its section.",
    fields: SECTION.fields,
    below: &[],
};

/// A rate, or none.
pub(super) const RATE: Kind<Option<Rate>> = Kind {
    facts: Facts {
        name: "rate",
        pattern: Some("^([1-9][0-9]*/[smhd]|off)$"),
        example: "60/m",
        ..PLAIN
    },
    parse: |_, text, _| match text {
        "off" => Ok(None),
        _ => text.parse().map(Some).map_err(|_| {
            "expected a rate such as \"60/m\", with /s, /m, /h or /d, or \"off\"".into()
        }),
    },
};
const FAILURES: Kind<StoreFailure> = choice(&["allow", "refuse"], |facts, text, _| match text {
    "allow" => Ok(StoreFailure::Allow),
    "refuse" => Ok(StoreFailure::Refuse),
    _ => Err(no_choice(facts, text)),
});

static PER_CALLER: Setting<Option<Rate>> = Setting {
    key: "per_caller",
    kind: RATE,
    default: "6000/m",
    text: "Calls by each caller: a number per `/s`, `/m`, `/h` or `/d`, or `off`.",
};
static PER_CALLER_BURST: Optional<usize> = Optional {
    key: "per_caller_burst",
    kind: COUNT,
    text: "Calls that a caller may make at once. Without it, as many as `per_caller` names.",
};
static DAILY_PER_CALLER: Setting<usize> = Setting {
    key: "daily_per_caller",
    kind: COUNT_OR_ZERO,
    default: "0",
    text: "Calls by each caller in a day; 0 for any number. They come back evenly over the day, there is no midnight at which everyone starts anew.",
};
static PER_SERVER: Setting<Option<Rate>> = Setting {
    key: "per_server",
    kind: RATE,
    default: "off",
    text: "Calls by all callers together, for each server.",
};
static STORE_FAILURE: Setting<StoreFailure> = Setting {
    key: "store_failure",
    kind: FAILURES,
    default: "allow",
    text: "What becomes of calls that can't be counted because the state store is gone, slow or full: they go on uncounted, with a warning in the log, or are refused.",
};

impl RateLimits {
    /// `outer` stands in for what is not written.
    pub(super) fn read(mut section: Reader<'_, '_>, outer: Option<&Self>) -> Self {
        // Every number here fits: the kinds end at a thousand million.
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let daily = |limits: &Self| limits.daily_per_caller.unwrap_or(0) as usize;
        let burst = section.read(&PER_CALLER_BURST).map(number);
        // Another rate does not take the burst of the one that it replaces.
        let inherited = outer.filter(|_| !section.has(&PER_CALLER));
        let inherited = inherited.and_then(|outer| outer.per_caller_burst);
        Self {
            per_caller_burst: burst.or(inherited),
            per_caller: section.read_or(&PER_CALLER, outer.map(|o| o.per_caller)),
            daily_per_caller: Some(number(section.read_or(&DAILY_PER_CALLER, outer.map(daily))))
                .filter(|calls| *calls > 0),
            per_server: section.read_or(&PER_SERVER, outer.map(|o| o.per_server)),
            store_failure: section.read_or(&STORE_FAILURE, outer.map(|o| o.store_failure)),
        }
    }
}
