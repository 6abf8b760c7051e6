//! Servers and their databases: names, kinds, and what a kind does not have.

use super::refused;

#[test]
fn an_unknown_kind_of_server_is_refused() {
    refused(
        "[servers.a]\nkind = \"databse\"\n",
        &[],
        r#"
error: invalid value for `servers.a.kind`
 --> wharf.toml:2:8
  |
2 | kind = "databse"
  |        ^^^^^^^^^ expected "calculator" or "database" or "files"; did you mean `database`?"#,
    );
}

#[test]
fn a_database_needs_a_source() {
    refused(
        "[servers.a]\nkind = \"database\"\n",
        &[],
        r#"
error: `servers.a.path` is missing
 --> wharf.toml:1:10
  |
1 | [servers.a]
  |          ^ add `url = "postgres://…"`, `path = "FILE"` or `sample = true`"#,
    );
}

#[test]
fn databases_are_checked_each_at_its_line() {
    refused(
        "[servers.a]\nkind = \"database\"\nsample = true\ndefault_database = \"salse\"\n\
         [servers.a.databases.sales]\nurl = \"http://u:secret@h/db\"\n\
         [servers.a.databases.Old]\npath = \"old.db\"\n\
         [servers.a.databases.x]\npath = \"x.db\"\nsession = [\"a=b\"]\nmin_connections = 9\n",
        &[],
        r#"
error: `servers.a.sample` belongs to one of the databases
 --> wharf.toml:3:1
  |
3 | sample = true
  | ^^^^^^ move it into the section of the database that it is meant for

error: `servers.a.default_database` names no database
 --> wharf.toml:4:1
  |
4 | default_database = "salse"
  | ^^^^^^^^^^^^^^^^ there are: x

error: invalid value for `servers.a.databases.sales.url`
 --> wharf.toml:6:7
  |
6 | url = "********************"
  |       ^^^^^^^^^^^^^^^^^^^^^^ expected an address that begins with "postgres://" or "mysql://"; for a file of SQLite use `path`

error: "Old" can't be a name in [servers.a.databases]
 --> wharf.toml:7:22
  |
7 | [servers.a.databases.Old]
  |                      ^^^ expected 1 to 64 of a-z, 0-9, '_' and '-'

error: `servers.a.databases.x.session` needs `url`
  --> wharf.toml:11:1
   |
11 | session = ["a=b"]
   | ^^^^^^^ remove this: SQLite has no such thing

error: `servers.a.databases.x.min_connections` is too large
  --> wharf.toml:12:1
   |
12 | min_connections = 9
   | ^^^^^^^^^^^^^^^ expected at most `max_connections`"#,
    );
}

#[test]
fn bounds_of_a_database_are_checked_at_their_lines() {
    refused(
        "[servers.a]\nkind = \"database\"\nsample = true\nmax_connections = 257\nmax_waiting = 10001\n\
         result_limit = \"1KiB\"\ncell_limit = \"2KiB\"\n[servers.b]\nkind = \"database\"\nsample = true\n\
         cell_limit = \"15B\"\nresult_limit = \"65MiB\"\nmax_waiting = -1\n",
        &[],
        r#"
error: invalid value for `servers.a.max_connections`
 --> wharf.toml:4:19
  |
4 | max_connections = 257
  |                   ^^^ expected an integer from 1 to 256

error: invalid value for `servers.a.max_waiting`
 --> wharf.toml:5:15
  |
5 | max_waiting = 10001
  |               ^^^^^ expected an integer from 0 to 10000

error: `servers.a.cell_limit` is too large
 --> wharf.toml:7:1
  |
7 | cell_limit = "2KiB"
  | ^^^^^^^^^^ expected at most `result_limit`

error: invalid value for `servers.b.cell_limit`
  --> wharf.toml:11:14
   |
11 | cell_limit = "15B"
   |              ^^^^^ expected a size from 16B to 64MiB

error: invalid value for `servers.b.result_limit`
  --> wharf.toml:12:16
   |
12 | result_limit = "65MiB"
   |                ^^^^^^^ expected a size from 1KiB to 64MiB

error: invalid value for `servers.b.max_waiting`
  --> wharf.toml:13:15
   |
13 | max_waiting = -1
   |               ^^ expected an integer from 0 to 10000"#,
    );
}

#[test]
fn what_a_kind_of_database_lacks_is_refused_at_its_line() {
    refused(
        "[servers.a]\nkind = \"database\"\nsample = true\nnotify = true\n\
         [servers.b]\nkind = \"database\"\npath = \"x.db\"\nnotify = true\nrow_security = [\"t\"]\n\
         [servers.c]\nkind = \"database\"\nurl = \"mysql://u:p@h/d\"\nnotify = true\nwrites = true\nrow_security = [\"t\"]\n\
         [servers.d]\nkind = \"database\"\nurl = \"postgres://u:p@h/d\"\nnotify = \"maybe\"\n",
        &[],
        r#"
error: `servers.a.notify` needs `url`
 --> wharf.toml:4:1
  |
4 | notify = true
  | ^^^^^^ remove this: SQLite has no such thing

error: `servers.b.notify` needs `url`
 --> wharf.toml:8:1
  |
8 | notify = true
  | ^^^^^^ remove this: SQLite has no such thing

error: `servers.b.row_security` needs `url`
 --> wharf.toml:9:1
  |
9 | row_security = ["t"]
  | ^^^^^^^^^^^^ remove this: SQLite has no such thing

error: `servers.c.notify` needs another database than MySQL
  --> wharf.toml:13:1
   |
13 | notify = true
   | ^^^^^^ remove this: MySQL tells of no changes

error: `servers.c.row_security` needs another database than MySQL
  --> wharf.toml:15:1
   |
15 | row_security = ["t"]
   | ^^^^^^^^^^^^ remove this: MySQL has no such thing

error: invalid value for `servers.d.notify`
  --> wharf.toml:19:10
   |
19 | notify = "maybe"
   |          ^^^^^^^ expected true or false, found a string"#,
    );
}

#[test]
fn a_key_of_another_kind_is_told_where_it_belongs() {
    refused(
        "[servers.a]\nkind = \"calculator\"\npath = \"x\"\n",
        &[],
        r#"
error: unknown key `path` in [servers.a]
 --> wharf.toml:3:1
  |
3 | path = "*"
  | ^^^^
  |
  = `path` is a key of [servers.<name>] with kind = "database"
  = accepted keys: kind, limits, rate_limits, tools"#,
    );
}

#[test]
fn a_bad_server_name_is_refused() {
    refused(
        "[servers.A_b]\nkind = \"calculator\"\n",
        &[],
        r#"
error: invalid server name "A_b"
 --> wharf.toml:1:10
  |
1 | [servers.A_b]
  |          ^^^ expected 1 to 32 of a-z, 0-9 and -"#,
    );
}
