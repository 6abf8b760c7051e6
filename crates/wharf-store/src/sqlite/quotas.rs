//! Quotas: the file remembers when each bucket is full again.

use std::time::Duration;

use wharf::state::{Quota, Take};

use super::{
    clock::nanos,
    failure::Fault,
    transaction::{Content, Kind, Transaction},
};

/// A bucket that takes centuries to fill is as good as one that takes a century.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

impl Transaction<'_> {
    pub(super) fn take(&mut self, key: &[u8], quota: Quota, cost: u32) -> Result<Take, Fault> {
        let found = self.live(Kind::Quota, key)?;
        let lacking = found.as_ref().map_or(0, |row| row.number.saturating_sub(self.now));
        let lacking = Duration::from_nanos(u64::try_from(lacking).unwrap_or_default());
        let (take, lacking) = quota.take(cost, lacking);
        let full_at = self.now.saturating_add(nanos(lacking.min(CENTURY)));
        let content = Content { number: full_at, deadline: Some(full_at), ..Content::default() };
        match found {
            // A refusal costs no write, however many there are.
            Some(row) if row.number == full_at => {}
            Some(row) if full_at <= self.now => self.remove(row.id, row.bytes)?,
            // A bucket that is full takes no room.
            None if full_at <= self.now => {}
            found => drop(self.set(Kind::Quota, key, found.as_ref(), content)?),
        }
        Ok(take)
    }
}
