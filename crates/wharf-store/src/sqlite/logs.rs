//! Bounded logs. An entry that is dropped disappears at once; the rows of many that are dropped at once go bit by bit.

use rusqlite::{OptionalExtension as _, params};
use wharf::state::{LogBound, LogEntry, LogPage};

use super::{
    clock::deadline,
    failure::Fault,
    transaction::{Content, Kind, Row, Transaction, size},
};

/// What the ledger counts for an entry besides its bytes: an empty one takes room too.
const ENTRY_BYTES: i64 = 32;
/// Rows of dropped entries that an append removes.
const DROP_CHUNK: i64 = 256;
/// Bytes of entries in one page, unless a single one is longer: a page is one message in memory.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// The oldest entries of a log, up to and with `last`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dropped {
    pub(super) count: i64,
    /// What the ledger counts for them.
    pub(super) bytes: i64,
    last: i64,
}

impl Transaction<'_> {
    pub(super) fn append(
        &mut self,
        name: &[u8],
        entry: &[u8],
        bound: LogBound,
    ) -> Result<u64, Fault> {
        let found = self.live(Kind::Log, name)?;
        let keep = i64::try_from(bound.entries.max(1)).unwrap_or(i64::MAX);
        let (count, newest_dropped) = match &found {
            Some(row) => self.shrunk(row, keep)?,
            None => (0, 0),
        };
        let mut content = Content {
            number: newest_dropped,
            count: count + 1,
            deadline: deadline(self.now, Some(bound.ttl)),
            ..Content::default()
        };
        let held = found.as_ref().map_or(0, |row| row.bytes - size(name));
        let more = size(entry) + ENTRY_BYTES;
        let mut dropped = Dropped::default();
        let id = match &found {
            None => {
                content.bytes = more;
                self.set(Kind::Log, name, None, content)?
            }
            Some(row) => {
                dropped = self.droppable(row.id, newest_dropped, DROP_CHUNK)?;
                content.bytes = held + more - dropped.bytes;
                match self.set(Kind::Log, name, Some(row), content) {
                    // All that was dropped has to go to make room.
                    Err(Fault::Refused(_)) if dropped.count == DROP_CHUNK => {
                        dropped = self.droppable(row.id, newest_dropped, i64::MAX)?;
                        content.bytes = held + more - dropped.bytes;
                        self.set(Kind::Log, name, Some(row), content)?
                    }
                    set => set?,
                }
            }
        };
        self.drop_entries(id, dropped)?;
        let sequence = self.number();
        let sql = "INSERT INTO log(sequence, entry, value) VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(sql)?.execute(params![sequence, id, entry])?;
        Ok(u64::try_from(sequence).unwrap_or_default())
    }

    /// How many entries are left, and which one is the newest that was dropped, once there is a place for one more.
    fn shrunk(&self, row: &Row, keep: i64) -> Result<(i64, i64), Fault> {
        let over = row.count.saturating_add(1).saturating_sub(keep).clamp(0, row.count);
        if over == 0 {
            return Ok((row.count, row.number));
        }
        let sql = "SELECT sequence FROM log WHERE entry = ?1 AND sequence > ?2 \
                   ORDER BY sequence LIMIT 1 OFFSET ?3";
        let newest: Option<i64> = self
            .connection
            .prepare_cached(sql)?
            .query_row([row.id, row.number, over - 1], |row| row.get(0))
            .optional()?;
        Ok((row.count - over, newest.unwrap_or(row.number)))
    }

    /// Up to `most` of a log's oldest entries that are not newer than `newest`.
    pub(super) fn droppable(&self, id: i64, newest: i64, most: i64) -> Result<Dropped, Fault> {
        let sql = "SELECT count(*), coalesce(sum(length(value) + ?4), 0), coalesce(max(sequence), 0) FROM \
                   (SELECT sequence, value FROM log WHERE entry = ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3)";
        let values = [id, newest, most, ENTRY_BYTES];
        let dropped = self.connection.prepare_cached(sql)?.query_row(values, |row| {
            Ok(Dropped { count: row.get(0)?, bytes: row.get(1)?, last: row.get(2)? })
        })?;
        Ok(dropped)
    }

    pub(super) fn drop_entries(&mut self, id: i64, dropped: Dropped) -> Result<(), Fault> {
        if dropped.count > 0 {
            self.is_changed = true;
            let sql = "DELETE FROM log WHERE entry = ?1 AND sequence <= ?2";
            self.connection.prepare_cached(sql)?.execute([id, dropped.last])?;
        }
        Ok(())
    }

    pub(super) fn read_from(
        &mut self,
        name: &[u8],
        after: u64,
        limit: usize,
    ) -> Result<LogPage, Fault> {
        let Some(row) = self.live(Kind::Log, name)? else { return Ok(LogPage::default()) };
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let sql = "SELECT sequence, value FROM log WHERE entry = ?1 AND sequence > ?2 \
                   ORDER BY sequence LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query([row.id, after.max(row.number), limit])?;
        let (mut entries, mut bytes) = (Vec::new(), 0_usize);
        while let Some(row) = rows.next()? {
            let value: Vec<u8> = row.get(1)?;
            bytes = bytes.saturating_add(value.len() + size_of::<LogEntry>());
            if bytes > PAGE_BYTES && !entries.is_empty() {
                break;
            }
            let sequence = u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default();
            entries.push(LogEntry { sequence, value: value.into() });
        }
        Ok(LogPage { entries, missed: after < row.number })
    }
}
