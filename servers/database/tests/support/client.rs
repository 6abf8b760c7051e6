//! The databases' own clients, `psql` and `mariadb`: what a test prepares with, and what it believes about the state.
//!
//! They share no code with what is tested, so an error in a driver cannot hide itself. Each call is a process and blocks.

use std::process::Command;

use super::services::address;

/// Runs SQL with `psql` and returns its answer, one line a row, `|` between columns; the test fails where a statement does.
pub fn psql(url: &str, sql: &str) -> String {
    output(psql_command(url, sql), sql)
}

/// `psql` about to run this.
pub fn psql_command(url: &str, sql: &str) -> Command {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "-qXAt", "-v", "ON_ERROR_STOP=1", "-c", sql, url]);
    command
}

/// Asks with `psql` until this is the answer. What the test has running goes on meanwhile.
pub async fn until_answered(url: &str, sql: &str, expected: &str) {
    loop {
        let (url, sql) = (url.to_owned(), sql.to_owned());
        let answer = tokio::task::spawn_blocking(move || psql(&url, &sql)).await.unwrap();
        if answer == expected {
            return;
        }
    }
}

/// Runs SQL with `mariadb` and returns its answer, one line a row, tabs between columns; the test fails where a statement does.
pub fn mariadb(url: &str, sql: &str) -> String {
    let mut command = mariadb_command(url);
    command.args(["--skip-column-names", "--execute", sql]);
    output(command, sql)
}

/// The client `mariadb` for batches, connected to this URL.
pub fn mariadb_command(url: &str) -> Command {
    let (account, database) = (between(url, "://", "@"), url.rsplit_once('/').unwrap().1);
    let (user, password) =
        account.split_once(':').expect("a URL of scripts/services has a password");
    let address = address(url);
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "--protocol=TCP", "--batch", "--default-character-set=utf8mb4"]);
    command.arg(format!("--host={}", address.ip())).arg(format!("--port={}", address.port()));
    command.arg(format!("--user={user}")).arg(format!("--database={database}"));
    command.env("MYSQL_PWD", password);
    command
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let start = text.find(before).map_or(0, |at| at + before.len());
    &text[start..start + text[start..].find(after).unwrap_or(text.len() - start)]
}

fn output(mut command: Command, sql: &str) -> String {
    let done = command
        .output()
        .unwrap_or_else(|e| panic!("{:?} cannot be run: {e}", command.get_program()));
    assert!(done.status.success(), "{sql}\n{}", String::from_utf8_lossy(&done.stderr));
    let mut text = String::from_utf8(done.stdout).expect("UTF-8, which the client was asked for");
    text.truncate(text.trim_end_matches('\n').len());
    text
}
