//! Leases. Their tokens come from the ledger, so they go on after a restart.

use std::time::Duration;

use wharf::state::Lease;

use super::{
    clock::deadline,
    failure::Fault,
    transaction::{Content, Kind, Row, Transaction},
};

impl Transaction<'_> {
    pub(super) fn acquire(&mut self, name: &[u8], ttl: Duration) -> Result<Option<Lease>, Fault> {
        if self.live(Kind::Lease, name)?.is_some() {
            return Ok(None);
        }
        let deadline = deadline(self.now, Some(ttl));
        let number = self.ledger.number + 1;
        self.set(Kind::Lease, name, None, Content { number, deadline, ..Content::default() })?;
        self.ledger.number = number;
        Ok(Some(Lease::new(name.to_vec(), u64::try_from(number).unwrap_or_default())))
    }

    pub(super) fn renew(&mut self, lease: &Lease, ttl: Duration) -> Result<bool, Fault> {
        let Some(row) = self.held(lease)? else { return Ok(false) };
        let deadline = deadline(self.now, Some(ttl));
        let content = Content { number: row.number, deadline, ..Content::default() };
        self.set(Kind::Lease, &lease.name, Some(&row), content)?;
        Ok(true)
    }

    pub(super) fn release(&mut self, lease: &Lease) -> Result<bool, Fault> {
        let Some(row) = self.held(lease)? else { return Ok(false) };
        self.remove(row.id, row.bytes)?;
        Ok(true)
    }

    fn held(&mut self, lease: &Lease) -> Result<Option<Row>, Fault> {
        let row = self.live(Kind::Lease, &lease.name)?;
        Ok(row.filter(|row| u64::try_from(row.number) == Ok(lease.token)))
    }
}
