//! Removes what has expired, a little at a time.

use rusqlite::params;

use super::{
    failure::Fault,
    transaction::{Kind, Row, Transaction, size},
};

/// Entries of one log that are removed at a time.
const LOG_CHUNK: i64 = 64;

impl Transaction<'_> {
    /// Removes up to `most` rows that have expired, and says for how many it did something.
    pub(super) fn sweep(&mut self, most: usize) -> Result<usize, Fault> {
        let sql =
            "SELECT id, kind, bytes FROM entries WHERE deadline <= ?1 ORDER BY deadline LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let expired = statement.query_map(params![self.now, most], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?))
        })?;
        let expired = expired.collect::<rusqlite::Result<Vec<_>>>()?;
        drop(statement);
        for (id, kind, bytes) in &expired {
            if [Kind::Log as i64, Kind::Remains as i64].contains(kind) {
                self.shorten(*id, *bytes)?;
            } else {
                self.remove(*id, *bytes)?;
            }
        }
        Ok(expired.len())
    }

    /// Removes some entries of an expired log, and the log with the last of them.
    fn shorten(&mut self, id: i64, bytes: i64) -> Result<(), Fault> {
        let dropped = self.droppable(id, i64::MAX, LOG_CHUNK)?;
        self.drop_entries(id, dropped)?;
        self.ledger.bytes -= dropped.bytes;
        if dropped.count < LOG_CHUNK {
            // What is left is the name.
            return self.remove(id, bytes - dropped.bytes);
        }
        let sql = "UPDATE entries SET bytes = ?2 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute([id, bytes - dropped.bytes])?;
        Ok(())
    }

    /// Gives the name of an expired log free without removing all of its entries at once.
    pub(super) fn set_aside(&mut self, row: &Row, key: &[u8]) -> Result<(), Fault> {
        self.is_changed = true;
        let name = row.id.to_be_bytes();
        let bytes = row.bytes - size(key) + size(&name);
        self.ledger.bytes += bytes - row.bytes;
        let sql = "UPDATE entries SET kind = ?2, key = ?3, bytes = ?4 WHERE id = ?1";
        let values = params![row.id, Kind::Remains as i64, name, bytes];
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }
}
