//! Rows within one transaction, at one point in time, and the ledger that says how much room they take.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};
use wharf::state::StateError;

use super::{SqliteLimits, failure::Fault, job::Access};

/// Each has its own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Value = 0,
    Quota = 1,
    Lease = 2,
    Log = 3,
    /// A log that has expired and whose name is in use again.
    Remains = 4,
}

/// One row of `entries`.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) value: Option<Vec<u8>>,
    /// A lease's token, when a quota's bucket is full, or a log's newest dropped entry.
    pub(super) number: i64,
    /// Entries of a log.
    pub(super) count: i64,
    /// What the ledger counts for it.
    pub(super) bytes: i64,
    deadline: Option<i64>,
}

/// What a row becomes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Content<'a> {
    pub(super) value: Option<&'a [u8]>,
    pub(super) number: i64,
    pub(super) count: i64,
    /// What it takes besides its key.
    pub(super) bytes: i64,
    pub(super) deadline: Option<i64>,
}

/// Kept in the file, so that every process counts the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) entries: i64,
    pub(super) bytes: i64,
    /// The last lease token or log sequence that was given out.
    pub(super) number: i64,
    pub(super) clock: i64,
}

impl Ledger {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT entries, bytes, number, clock FROM ledger";
        connection.prepare_cached(sql)?.query_row([], |row| {
            Ok(Self {
                entries: row.get(0)?,
                bytes: row.get(1)?,
                number: row.get(2)?,
                clock: row.get(3)?,
            })
        })
    }

    pub(super) fn write(self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "UPDATE ledger SET entries = ?1, bytes = ?2, number = ?3, clock = ?4";
        let values = params![self.entries, self.bytes, self.number, self.clock];
        connection.prepare_cached(sql)?.execute(values).map(drop)
    }
}

pub(super) struct Transaction<'c> {
    pub(super) connection: &'c Connection,
    pub(super) limits: &'c SqliteLimits,
    pub(super) access: Access,
    pub(super) now: i64,
    pub(super) ledger: Ledger,
    /// Something was changed, so the ledger has to be written.
    pub(super) is_changed: bool,
}

impl Transaction<'_> {
    /// The row of `key`, unless it has expired: then it is removed, so that no clock can bring it back.
    pub(super) fn live(&mut self, kind: Kind, key: &[u8]) -> Result<Option<Row>, Fault> {
        let sql = "SELECT id, value, number, count, bytes, deadline FROM entries \
                   WHERE kind = ?1 AND key = ?2";
        let row =
            self.connection.prepare_cached(sql)?.query_row(params![kind as i64, key], |row| {
                Ok(Row {
                    id: row.get(0)?,
                    value: row.get(1)?,
                    number: row.get(2)?,
                    count: row.get(3)?,
                    bytes: row.get(4)?,
                    deadline: row.get(5)?,
                })
            });
        let Some(row) = row.optional()? else { return Ok(None) };
        if row.deadline.is_none_or(|deadline| deadline > self.now) {
            return Ok(Some(row));
        }
        if self.access == Access::Read {
            return Err(Fault::Expired);
        }
        match kind {
            Kind::Log => self.set_aside(&row, key)?,
            _ => self.remove(row.id, row.bytes)?,
        }
        Ok(None)
    }

    /// Makes or replaces the row of `key`; `found` is what [`live`](Self::live) found.
    pub(super) fn set(
        &mut self,
        kind: Kind,
        key: &[u8],
        found: Option<&Row>,
        content: Content<'_>,
    ) -> Result<i64, Fault> {
        let bytes = size(key).saturating_add(content.bytes);
        let grows = bytes - found.map_or(0, |row| row.bytes);
        self.reserve(i64::from(found.is_none()), grows)?;
        self.is_changed = true;
        self.ledger.bytes += grows;
        let Content { value, number, count, deadline, .. } = content;
        if let Some(row) = found {
            let sql = "UPDATE entries SET value = ?2, number = ?3, count = ?4, bytes = ?5, deadline = ?6 \
                       WHERE id = ?1";
            let values = params![row.id, value, number, count, bytes, deadline];
            self.connection.prepare_cached(sql)?.execute(values)?;
            return Ok(row.id);
        }
        self.ledger.entries += 1;
        let sql = "INSERT INTO entries(kind, key, value, number, count, bytes, deadline) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let values = params![kind as i64, key, value, number, count, bytes, deadline];
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Removes a row that has no entries of a log.
    pub(super) fn remove(&mut self, id: i64, bytes: i64) -> Result<(), Fault> {
        self.is_changed = true;
        self.ledger.entries -= 1;
        self.ledger.bytes -= bytes;
        self.connection.prepare_cached("DELETE FROM entries WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// A number that was never given out before.
    pub(super) fn number(&mut self) -> i64 {
        self.is_changed = true;
        self.ledger.number += 1;
        self.ledger.number
    }

    /// Makes sure that there is room, if need be by removing all that has expired.
    pub(super) fn reserve(&mut self, entries: i64, bytes: i64) -> Result<(), Fault> {
        loop {
            let Some(bound) = self.lacks(entries, bytes) else { return Ok(()) };
            if self.sweep(64)? == 0 {
                return Err(StateError::Full { bound }.into());
            }
        }
    }

    fn lacks(&self, entries: i64, bytes: i64) -> Option<&'static str> {
        let over = |now: i64, more: i64, max: usize| {
            more > 0 && now.saturating_add(more) > i64::try_from(max).unwrap_or(i64::MAX)
        };
        if over(self.ledger.entries, entries, self.limits.entries) {
            return Some("entries");
        }
        over(self.ledger.bytes, bytes, self.limits.bytes).then_some("bytes")
    }
}

/// As the file counts bytes.
pub(super) fn size(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

/// The value of a row as callers get it.
pub(super) fn value(row: Option<Row>) -> Option<Bytes> {
    row.map(|row| Bytes::from(row.value.unwrap_or_default()))
}
