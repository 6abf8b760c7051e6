//! Columns of dates and times: reading them, counting rows per period, and what the counts show.

pub(crate) mod calendar;
pub(crate) mod series;
