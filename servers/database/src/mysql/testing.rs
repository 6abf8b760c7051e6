//! What tests of this engine share: a database of their own on the server of `scripts/services`, and a digest of everything
//! that an attack could change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder};
use secrecy::SecretString;

use super::MysqlSettings;

const FIXTURE: &str = include_str!("../../tests/corpus/fixture_mysql.sql");

/// Statements that take a digest of the server; each row is a line. `{db}` is the database.
const STATE: &[&str] = &[
    "SELECT table_schema, table_name, table_type, coalesce(auto_increment, 0), create_options \
     FROM information_schema.tables WHERE table_schema = '{db}' ORDER BY 2",
    "SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = '{db}' ORDER BY 1",
    "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = '{db}' ORDER BY 1",
    "SELECT event_name FROM information_schema.events WHERE event_schema = '{db}' ORDER BY 1",
    "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT LIKE 'wt\\_%' AND schema_name NOT LIKE 'wharf%' ORDER BY 1",
    "SELECT user, host, priv FROM mysql.global_priv WHERE user NOT LIKE 'wt\\_%' ORDER BY 1, 2",
    "SELECT * FROM mysql.func",
    "SELECT * FROM mysql.servers",
    "SELECT variable_name, global_value FROM information_schema.system_variables \
     WHERE global_value IS NOT NULL AND variable_name NOT LIKE 'GTID%' AND variable_name NOT LIKE '%TIMESTAMP%' ORDER BY 1",
    "SELECT next_not_cached_value FROM `{db}`.order_seq",
];

/// A database of one test.
pub(super) struct TestDatabase {
    pub(super) name: String,
    opts: Opts,
}

impl TestDatabase {
    /// A fresh database with the fixture in it.
    pub(super) async fn new() -> Self {
        let database = Self::empty().await;
        database.run(FIXTURE).await;
        database
    }

    /// A fresh database without anything.
    pub(super) async fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var("WHARF_TEST_MYSQL_URL").unwrap_or_else(|_| {
            panic!(
                "WHARF_TEST_MYSQL_URL is not set: run `scripts/services run cargo nextest run -p wharf-database`, \
                 or `scripts/services start` first"
            )
        });
        let opts = Opts::from_url(&url).expect("a URL of a MariaDB server");
        let opts = OptsBuilder::from_opts(opts).prefer_socket(false).db_name(None::<String>);
        let nanos = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wt_{}_{nanos}_{count}", std::process::id());
        let database = Self { name, opts: opts.into() };
        let mut admin = database.admin().await;
        admin
            .query_drop(format!("CREATE DATABASE {} CHARACTER SET utf8mb4", database.name))
            .await
            .unwrap();
        admin.disconnect().await.unwrap();
        database
    }

    /// A connection with every privilege, outside of what is tested.
    pub(super) async fn admin(&self) -> Conn {
        Conn::new(self.opts.clone()).await.expect("the MariaDB of scripts/services answers")
    }

    /// Runs statements with every privilege.
    pub(super) async fn run(&self, sql: &str) {
        let mut admin = self.admin().await;
        admin.query_drop(format!("USE {}; {sql}", self.name)).await.unwrap();
        admin.disconnect().await.unwrap();
    }

    /// Settings of the user with every privilege.
    pub(super) fn settings(&self) -> MysqlSettings {
        self.settings_of(self.opts.user().unwrap(), self.opts.pass().unwrap())
    }

    fn settings_of(&self, user: &str, password: &str) -> MysqlSettings {
        let password = SecretString::from(password);
        let mut settings = MysqlSettings::new(self.opts.ip_or_hostname(), user, password);
        settings.port = self.opts.tcp_port();
        settings.database = Some(self.name.clone());
        settings.pool.max = 5;
        // How busy the machine is is not what any test is about. One of a deadline names it.
        settings.connect_timeout = Duration::from_secs(60);
        settings.limits.default_timeout = Duration::from_secs(120);
        settings
    }

    /// Settings of a new user with these privileges on the database.
    pub(super) async fn settings_with(&self, privileges: &str) -> MysqlSettings {
        let user = self.name.clone();
        self.run(&format!(
            "CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY 'pw-{user}'; \
             GRANT {privileges} ON {}.* TO '{user}'@'%'",
            self.name
        ))
        .await;
        self.settings_of(&user, &format!("pw-{user}"))
    }

    /// Everything an attack could change: rows, structure, sequences, accounts, variables, functions, files.
    pub(super) async fn state(&self) -> BTreeMap<String, String> {
        let mut admin = self.admin().await;
        let mut state = BTreeMap::new();
        for question in STATE {
            let rows: Vec<mysql_async::Row> =
                admin.query(question.replace("{db}", &self.name)).await.unwrap();
            let text = rows.iter().map(|row| format!("{row:?}\n")).collect();
            state.insert((*question).to_owned(), text);
        }
        let tables: Vec<String> = admin
            .query(format!(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = '{}' AND table_type = 'BASE TABLE'",
                self.name
            ))
            .await
            .unwrap();
        for table in tables {
            let question = format!("CHECKSUM TABLE `{}`.`{}`", self.name, table.replace('`', "``"));
            let sum: Option<(String, Option<u64>)> = admin.query_first(question).await.unwrap();
            state.insert(table, format!("{sum:?}"));
        }
        admin.disconnect().await.unwrap();
        state.insert("files".into(), format!("{:?}", self.files()));
        state
    }

    /// Files that a statement could have written: in the server's folder and where anybody may write.
    fn files(&self) -> Vec<String> {
        let data = std::env::var_os("WHARF_TEST_MYSQL_DATA")
            .expect("scripts/services sets WHARF_TEST_MYSQL_DATA");
        let data = std::path::PathBuf::from(data);
        let mut files = Vec::new();
        for folder in [data.join(&self.name), data, std::env::temp_dir()] {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            let names =
                entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
            files.extend(names.filter(|name| name.contains("outfile") || name.contains("pwn")));
        }
        files.sort();
        files
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // From a thread of its own, since a test's runtime ends with the test. What fails is gone with the server.
        let (name, opts) = (self.name.clone(), self.opts.clone());
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let Ok(mut admin) = Conn::new(opts).await else { return };
                let _ = admin
                    .query_drop(format!(
                        "SET lock_wait_timeout = 5; DROP DATABASE IF EXISTS {name}; DROP USER IF EXISTS '{name}'@'%'"
                    ))
                    .await;
                let _ = admin.disconnect().await;
            });
        })
        .join();
    }
}
