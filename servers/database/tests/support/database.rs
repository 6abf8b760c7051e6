//! A database of one test's own on the shared server, made, filled and dropped by the server's own client.

use super::client;
use super::services::{mysql_url, postgres_url, url_of_database};

/// An empty database. It is dropped with this value, whoever is still connected.
pub struct OwnDatabase {
    /// Its URL, with every privilege.
    pub url: String,
    server: String,
    dropping: String,
    client: fn(&str, &str) -> String,
}

impl OwnDatabase {
    /// On the shared PostgreSQL.
    pub fn postgres(purpose: &str) -> Self {
        Self::new(client::psql, postgres_url(), purpose, "", "WITH (FORCE)")
    }

    /// On the shared MariaDB; its texts are of this character set and collation.
    pub fn mariadb(purpose: &str, text: &str) -> Self {
        Self::new(client::mariadb, mysql_url(), purpose, text, "")
    }

    fn new(
        client: fn(&str, &str) -> String,
        server: String,
        purpose: &str,
        made: &str,
        dropped: &str,
    ) -> Self {
        // Digests of a whole server leave out what begins so: other tests make and drop it meanwhile.
        let name = format!("wharf_test_{purpose}_{}", std::process::id());
        client(&server, &format!("CREATE DATABASE {name} {made}"));
        let url = url_of_database(&server, &name);
        Self { url, server, dropping: format!("DROP DATABASE {name} {dropped}"), client }
    }

    /// Runs SQL and returns the answer, as the client prints it.
    pub fn run(&self, sql: &str) -> String {
        (self.client)(&self.url, sql)
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        (self.client)(&self.server, &self.dropping);
    }
}
