//! Values, and compare-and-swap.

use std::time::Duration;

use bytes::Bytes;
use wharf::state::Swap;

use super::{
    clock::deadline,
    failure::Fault,
    transaction::{Content, Kind, Transaction, size, value},
};

impl Transaction<'_> {
    pub(super) fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        Ok(value(self.live(Kind::Value, key)?))
    }

    /// Sets the value if it is `expected`; the outer `None` expects nothing.
    pub(super) fn swap(
        &mut self,
        key: &[u8],
        expected: Option<Option<&[u8]>>,
        new: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Swap, Fault> {
        let found = self.live(Kind::Value, key)?;
        let known = found.as_ref().map(|row| row.value.as_deref().unwrap_or_default());
        if expected.is_some_and(|expected| expected != known) {
            return Ok(Swap::Differs(value(found)));
        }
        if ttl == Some(Duration::ZERO) {
            if let Some(row) = found {
                self.remove(row.id, row.bytes)?;
            }
            return Ok(Swap::Done);
        }
        let content = Content {
            value: Some(new),
            bytes: size(new),
            deadline: deadline(self.now, ttl),
            ..Content::default()
        };
        self.set(Kind::Value, key, found.as_ref(), content)?;
        Ok(Swap::Done)
    }

    pub(super) fn delete(&mut self, key: &[u8]) -> Result<bool, Fault> {
        let found = self.live(Kind::Value, key)?;
        if let Some(row) = &found {
            self.remove(row.id, row.bytes)?;
        }
        Ok(found.is_some())
    }
}
