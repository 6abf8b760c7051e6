//! What an operator decides about one SQLite database.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::DatabaseError;
use crate::limits::Limits;
use crate::pool::PoolSettings;
use crate::promises::ColumnName;

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The sample that is part of the program.
    Sample,
    /// A database file. It is opened when it is first needed, and never created.
    File(PathBuf),
}

/// What an operator decides about one SQLite database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteSettings {
    /// Where the data is.
    pub source: Source,
    /// The bounds on one request.
    pub limits: Limits,
    /// The connections.
    pub pool: PoolSettings,
    /// How long a statement waits while another process writes to the file. Default 1 s.
    pub busy_timeout: Duration,
    /// Whether rows may be changed, by callers with the scope and with a person's consent. Default no. The sample can't be.
    pub writes: bool,
    /// Columns that no statement may name, directly or through a view. The schema must be `main` or absent.
    pub hidden_columns: Vec<ColumnName>,
}

impl SqliteSettings {
    /// The sample, with the default bounds.
    #[must_use]
    pub fn sample() -> Self {
        Self::new(Source::Sample)
    }

    /// A database file, with the default bounds.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Source::File(path.into()))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            limits: Limits::default(),
            pool: PoolSettings::default(),
            busy_timeout: Duration::from_secs(1),
            writes: false,
            hidden_columns: Vec::new(),
        }
    }

    /// Checks everything that can be checked without opening the database.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`] names the setting.
    pub fn check(&self) -> Result<(), DatabaseError> {
        self.limits.check()?;
        self.pool.check()?;
        if self.writes && self.source == Source::Sample {
            return Err(DatabaseError::invalid(
                "writes",
                "the sample can't be changed; name a file",
            ));
        }
        if let Source::File(path) = &self.source {
            let text = path.to_string_lossy();
            // SQLite gives these names a meaning of its own: a private, empty database.
            if text.is_empty() || text == ":memory:" {
                return Err(DatabaseError::invalid("path", "must name a database file"));
            }
        }
        Ok(())
    }
}
