//! The migration that makes PostgreSQL tell which rows change, on a real PostgreSQL, heard by its own client.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use support::database::OwnDatabase;
use wharf_database::changes::RowChange;

const MIGRATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/notify_row_changes.sql");

/// A database with the migration in it, for one test.
struct Migrated {
    own: OwnDatabase,
}

impl Migrated {
    fn new(name: &str) -> Self {
        let migrated = Self { own: OwnDatabase::postgres(&format!("notify_{name}")) };
        // Twice: whoever installs it again changes nothing.
        for _ in 0..2 {
            migrated.script(&std::fs::read_to_string(MIGRATION).unwrap());
        }
        migrated
    }

    /// Runs a script in one session and returns what it prints.
    fn script(&self, sql: &str) -> String {
        let mut command = Command::new("psql");
        command.args(["--no-psqlrc", "-qXAt", "-v", "ON_ERROR_STOP=1", "-f", "-", &self.own.url]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = command.spawn().unwrap();
        client.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let done = client.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// The changes that a listener hears of while a script runs.
    fn heard(&self, sql: &str) -> Vec<(String, Vec<String>)> {
        let printed = self.script(&format!("LISTEN wharf_rows;\n{sql}"));
        let heard = printed.lines().filter_map(|line| {
            let told =
                line.strip_prefix("Asynchronous notification \"wharf_rows\" with payload \"")?;
            let change = RowChange::parse(told.rsplit_once("\" received from server").unwrap().0);
            let RowChange { schema, table, id, .. } = change.unwrap();
            Some((format!("{}.{table}", schema.unwrap()), id))
        });
        heard.collect()
    }

    #[track_caller]
    fn check(&self, sql: &str, expected: &[(&str, &[&str])]) {
        let heard = self.heard(sql);
        let heard: Vec<(&str, Vec<&str>)> = heard
            .iter()
            .map(|(table, id)| (table.as_str(), id.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<(&str, Vec<&str>)> =
            expected.iter().map(|(table, id)| (*table, id.to_vec())).collect();
        assert_eq!(heard, expected, "{sql}");
    }
}

fn trigger(table: &str) -> String {
    format!(
        "CREATE TRIGGER wharf_row_changes AFTER INSERT OR UPDATE OR DELETE ON {table} \
         FOR EACH ROW EXECUTE FUNCTION wharf_notify_row_change();\n"
    )
}

#[test]
fn every_kind_of_change_names_its_row() {
    let database = Migrated::new("kinds");
    database.script(&format!(
        "CREATE TABLE users(id int PRIMARY KEY, name text);\n{}",
        trigger("users")
    ));
    let of = |id: &'static [&'static str]| ("public.users", id);
    database.check("INSERT INTO users VALUES (1, 'a'), (2, 'b');", &[of(&["1"]), of(&["2"])]);
    database.check("UPDATE users SET name = 'c' WHERE id = 2;", &[of(&["2"])]);
    database.check("UPDATE users SET id = 3 WHERE id = 2;", &[of(&["2"]), of(&["3"])]);
    database.check("DELETE FROM users WHERE id = 3;", &[of(&["3"])]);
    database.check("BEGIN; INSERT INTO users VALUES (9, 'x'); ROLLBACK;", &[]);
    // One message for the same change twice in a transaction; it leaves at the commit.
    let twice = "BEGIN; UPDATE users SET name = 'd'; UPDATE users SET name = 'e'; COMMIT;";
    database.check(twice, &[of(&["1"])]);
}

#[test]
fn keys_are_written_alike_whoever_writes_the_row() {
    let database = Migrated::new("keys");
    let tables = [
        r#"CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."we""ird/ö`"(b bytea, "x,y" timestamptz, n numeric, PRIMARY KEY ("x,y", b, n));"#,
        "CREATE TABLE included(a int, b int, PRIMARY KEY (a) INCLUDE (b));",
        "CREATE TABLE texts(id text PRIMARY KEY);",
        "CREATE TABLE flags(id bool PRIMARY KEY);",
        "CREATE TABLE parts(id int, day date, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);",
        "CREATE TABLE parts_2024 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
        "CREATE TABLE keyless(x int);",
    ];
    let mut script = tables.join("\n");
    for table in [r#""a.b"."we""ird/ö`""#, "included", "texts", "flags", "parts", "keyless"] {
        script.push_str(&trigger(table));
    }
    database.script(&script);
    database.check(
        r#"SET bytea_output = escape; SET datestyle = 'German';
           INSERT INTO "a.b"."we""ird/ö`" VALUES ('\x00ff', '2024-01-02 03:04:05+00', 1.50);"#,
        &[("a.b.we\"ird/ö`", &["2024-01-02 03:04:05+00", "0x00ff", "1.50"])],
    );
    database.check("INSERT INTO included VALUES (1, 2);", &[("public.included", &["1"])]);
    database.check("INSERT INTO flags VALUES (true);", &[("public.flags", &["true"])]);
    database
        .check(r#"INSERT INTO texts VALUES (E'q"\'\\\n`');"#, &[("public.texts", &["q\"'\\\n`"])]);
    database.check(
        "INSERT INTO parts VALUES (5, '2024-05-05');",
        &[("public.parts", &["2024-05-05", "5"])],
    );
    // What can't be told does not stop the write.
    database.check("INSERT INTO keyless VALUES (1);", &[]);
    database.check("INSERT INTO texts VALUES (repeat('x', 9000));", &[]);
    assert_eq!(database.own.run("SELECT count(*) FROM texts"), "2");
}

#[test]
fn functions_of_a_writer_are_not_called() {
    let database = Migrated::new("attack");
    database.script(&format!(
        "CREATE TABLE users(id int PRIMARY KEY);\n{}
         CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$;
         CREATE FUNCTION public.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$;",
        trigger("users")
    ));
    database.check(
        "SET search_path = public, pg_catalog; INSERT INTO users VALUES (1);",
        &[("public.users", &["1"])],
    );
}
