//! Tells clients which rows changed: from what databases tell to `notifications/resources/updated`.
//!
//! One task does it for all databases of a server, and whoever starts it joins it. It waits for databases and never for
//! clients: the event bus drops what a slow one does not read and says so. Repeated changes of one row that arrive together
//! are told once.
//!
//! It refuses to look at rows. A client hears of an address that it may read, and what is there it has to ask.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use wharf::{Event, Handle};

use crate::changes::{Change, RowChange};
use crate::names::TableName;
use crate::resources::{row_uris, table_part};
use crate::{Databases, engine::Engine};

/// Changes that are looked at together.
const BATCH: usize = 256;
/// Tables whose names are remembered.
const MAX_NAMES: usize = 1_024;
/// How long it is remembered which table a name without a schema finds.
const NAMES_ARE_GOOD_FOR: Duration = Duration::from_secs(60);
/// Longest wait for a database to say so.
const PATIENCE: Duration = Duration::from_secs(2);

/// The task that tells of changes. Dropping it ends the task; [`close`](Self::close) also waits for its end.
#[derive(Debug)]
#[must_use = "dropping it ends the notifications"]
pub struct ChangeRelay {
    ending: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl ChangeRelay {
    /// Starts to tell the clients of a server which rows of these databases change. Where no database tells of changes,
    /// there is nothing to run.
    ///
    /// Must be called inside of a tokio runtime. The server stays alive until the relay ends.
    ///
    /// ```
    /// use wharf_database::{ChangeRelay, Databases, sqlite::{Database, SqliteSettings}};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let databases = Databases::one("sample", Database::open(SqliteSettings::sample())?)?;
    /// let service = wharf_database::server(databases.clone()).build()?;
    /// let relay = ChangeRelay::start(service.handle(), &databases);
    /// // Serve, and then:
    /// relay.close().await;
    /// databases.close().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(handle: Handle, databases: &Databases) -> Self {
        let ending = CancellationToken::new();
        let sources: Vec<_> = databases
            .iter()
            .filter_map(|(name, engine)| {
                let mut changes = engine.changes()?;
                let name = name.to_owned();
                let told = stream::poll_fn(move |context| changes.poll_recv(context));
                Some(told.map(move |change| (name.clone(), change)).boxed())
            })
            .collect();
        let task = (!sources.is_empty()).then(|| {
            let told = Teller { handle, databases: databases.clone(), plain_names: HashMap::new() };
            tokio::spawn(run(told, sources, ending.clone()))
        });
        Self { ending, task }
    }

    /// Ends the task and waits for its end. Cancel-safe: the task ends in any case.
    pub async fn close(mut self) {
        self.ending.cancel();
        if let Some(task) = self.task.take() {
            // A panic of the task was logged where it happened; there is nothing left to save.
            drop(task.await);
        }
    }
}

impl Drop for ChangeRelay {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

async fn run(
    mut teller: Teller,
    sources: Vec<BoxStream<'static, (String, Change)>>,
    ending: CancellationToken,
) {
    let mut batches = stream::select_all(sources).ready_chunks(BATCH);
    let telling = async {
        while let Some(batch) = batches.next().await {
            teller.tell(batch).await;
        }
    };
    tokio::select! {
        biased;
        () = ending.cancelled() => {}
        () = telling => {}
    }
}

struct Teller {
    handle: Handle,
    databases: Databases,
    /// Whether the table's name without its schema finds it, by database, schema and name, and since when this is known.
    plain_names: HashMap<(String, String, String), (bool, Instant)>,
}

impl Teller {
    async fn tell(&mut self, batch: Vec<(String, Change)>) {
        // Whatever else is in the batch, every row may be different: this event says so to everyone who watches any.
        if batch.iter().any(|(_, change)| *change == Change::Missed) {
            self.handle.publish(Event::Lagged);
            return;
        }
        let mut told = HashSet::new();
        for (database, change) in batch {
            let Change::Row(row) = change else { continue };
            for uri in self.uris(&database, &row).await {
                if told.insert(uri.clone()) {
                    self.handle.publish(Event::ResourceUpdated { uri: uri.into() });
                }
            }
        }
    }

    /// The addresses of a row: under `schema.table`, and under `table` where that finds the same table.
    async fn uris(&mut self, database: &str, row: &RowChange) -> Vec<String> {
        let whole = table_part(row.schema.as_deref(), &row.table);
        let mut uris = row_uris(database, &whole, &row.id);
        if let Some(schema) = &row.schema
            && self.has_plain_name(database, schema, &row.table).await
        {
            uris.extend(row_uris(database, &row.table, &row.id));
        }
        uris
    }

    /// Whoever watches `db://main/users/1` must not hear of `secret.users`, so the database is asked.
    async fn has_plain_name(&mut self, database: &str, schema: &str, table: &str) -> bool {
        let key = (database.to_owned(), schema.to_owned(), table.to_owned());
        if let Some((known, since)) = self.plain_names.get(&key)
            && since.elapsed() < NAMES_ARE_GOOD_FOR
        {
            return *known;
        }
        let Ok((_, engine)) = self.databases.get(Some(database)) else { return false };
        let finds = finds(&**engine, schema, table).await;
        if self.plain_names.len() >= MAX_NAMES {
            self.plain_names.clear();
        }
        self.plain_names.insert(key, (finds, Instant::now()));
        finds
    }
}

async fn finds(engine: &dyn Engine, schema: &str, table: &str) -> bool {
    match timeout(PATIENCE, engine.describe(&TableName::new(table))).await {
        Ok(Ok(found)) => found.schema.as_deref() == Some(schema) && found.name == table,
        _ => false,
    }
}
