//! Leases in memory.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{MemoryStore, deadline};
use crate::state::{Lease, StateError};

impl MemoryStore {
    pub(super) fn acquire_now(
        &self,
        name: &[u8],
        ttl: Duration,
    ) -> Result<Option<Lease>, StateError> {
        self.key(name)?;
        let now = Instant::now();
        self.with_room(now, || {
            let mut table = self.leases.lock(name);
            if table.live(name, now).is_some() {
                return Ok(None);
            }
            let token = self.number();
            table.set(&self.budget, name, token, 0, deadline(now, Some(ttl)), now)?;
            Ok(Some(Lease::new(Bytes::copy_from_slice(name), token)))
        })
    }

    pub(super) fn renew_now(&self, lease: &Lease, ttl: Duration) -> Result<bool, StateError> {
        let now = Instant::now();
        self.with_room(now, || {
            let mut table = self.leases.lock(&lease.name);
            let held = table.live(&lease.name, now) == Some(&lease.token);
            if held {
                let deadline = deadline(now, Some(ttl));
                table.set(&self.budget, &lease.name, lease.token, 0, deadline, now)?;
            }
            Ok(held)
        })
    }

    pub(super) fn release_now(&self, lease: &Lease) -> bool {
        let now = Instant::now();
        let mut table = self.leases.lock(&lease.name);
        let held = table.live(&lease.name, now) == Some(&lease.token);
        if held {
            table.remove(&self.budget, &lease.name, now);
        }
        held
    }
}
