//! A database of one test's own on the shared server, made, filled and dropped by the server's own client.

use super::client;
use super::services::{mysql_url, postgres_url, url_of_database};

/// The server's kind, which has a client of its own.
#[derive(Clone, Copy)]
enum Kind {
    Postgres,
    MariaDb,
}

/// An empty database, dropped with this value.
pub struct OwnDatabase {
    /// Its URL, with every privilege.
    pub url: String,
    kind: Kind,
    name: String,
}

impl OwnDatabase {
    /// On the shared PostgreSQL.
    pub fn postgres(purpose: &str) -> Self {
        Self::new(Kind::Postgres, purpose, "")
    }

    /// On the shared MariaDB; its texts are of this character set and collation.
    pub fn mariadb(purpose: &str, text: &str) -> Self {
        Self::new(Kind::MariaDb, purpose, text)
    }

    fn new(kind: Kind, purpose: &str, options: &str) -> Self {
        // Digests of a whole server leave out what begins so: other tests make and drop it meanwhile.
        let name = format!("wharf_test_{purpose}_{}", std::process::id());
        kind.run(&kind.server(), &format!("CREATE DATABASE {name} {options}"));
        Self { url: url_of_database(&kind.server(), &name), kind, name }
    }

    /// Runs SQL and returns the answer, as the client prints it.
    pub fn run(&self, sql: &str) -> String {
        self.kind.run(&self.url, sql)
    }
}

impl Drop for OwnDatabase {
    /// In bounded time, whatever still uses it: a test that fails ends here too. What fails here is gone with the server.
    fn drop(&mut self) {
        let (server, name) = (self.kind.server(), &self.name);
        let mut dropping = match self.kind {
            Kind::Postgres => {
                client::psql_command(&server, &format!("DROP DATABASE {name} WITH (FORCE)"))
            }
            Kind::MariaDb => {
                let mut command = client::mariadb_command(&server);
                let sql = format!("SET lock_wait_timeout = 5; DROP DATABASE {name}");
                command.args(["--execute", &sql]);
                command
            }
        };
        let _ = dropping.output();
    }
}

impl Kind {
    fn server(self) -> String {
        match self {
            Self::Postgres => postgres_url(),
            Self::MariaDb => mysql_url(),
        }
    }

    fn run(self, url: &str, sql: &str) -> String {
        match self {
            Self::Postgres => client::psql(url, sql),
            Self::MariaDb => client::mariadb(url, sql),
        }
    }
}
