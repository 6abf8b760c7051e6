//! The checked settings, and the list of sections.

use super::{
    auth::{self, Auth},
    field::Section,
    http::{self, Http},
    limits::{self, Limits},
    logging::{self, Logging},
    metrics::{self, Metrics},
    rate_limits::{self, RateLimits},
    reader::Loading,
    servers::{self, Server},
    sessions::{self, Sessions},
    state::{self, State},
};

/// Everything that can be configured, checked. Nothing in it needs to be parsed again.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) http: Http,
    pub(crate) auth: Auth,
    pub(crate) sessions: Sessions,
    /// Those of the process; each server has its own.
    pub(crate) limits: Limits,
    pub(crate) state: State,
    pub(crate) logging: Logging,
    pub(crate) metrics: Metrics,
    /// Never empty, in the order of their names.
    pub(crate) servers: Vec<Server>,
}

/// All sections in the order of the manual; a new one is a file and a line here and below.
pub(super) const SECTIONS: &[Section] = &[
    http::SECTION,
    auth::SECTION,
    sessions::SECTION,
    limits::SECTION,
    rate_limits::SECTION,
    state::SECTION,
    logging::SECTION,
    metrics::SECTION,
    servers::KINDS[0].section,
    servers::KINDS[1].section,
    servers::KINDS[2].section,
    servers::OF_EACH[0].1,
    servers::OF_EACH[1].1,
    servers::OF_EACH[2].1,
];

impl Settings {
    /// Reads every section. What comes back is only good without problems.
    pub(super) fn read(loading: &mut Loading<'_>) -> Self {
        let limits = Limits::read(loading.section(limits::SECTION), None);
        let rate_limits = RateLimits::read(loading.section(rate_limits::SECTION), None);
        Self {
            http: Http::read(loading.section(http::SECTION)),
            auth: Auth::read(loading.section(auth::SECTION)),
            sessions: Sessions::read(loading.section(sessions::SECTION)),
            state: State::read(loading.section(state::SECTION)),
            logging: Logging::read(loading.section(logging::SECTION)),
            metrics: Metrics::read(loading.section(metrics::SECTION)),
            servers: servers::read(loading, &limits, &rate_limits),
            limits,
        }
    }
}
