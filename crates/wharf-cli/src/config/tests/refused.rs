//! Everything that is refused, with the whole report.

use super::load_text;

/// The report must be this text, after its first line break.
#[track_caller]
fn refused(toml: &str, variables: &[(&str, &str)], expected: &str) {
    let report = load_text(toml, variables).unwrap_err().to_string();
    assert_eq!(report, expected.trim_start_matches('\n'), "instead:\n{report}\n");
}

#[test]
fn an_unknown_key_gets_a_suggestion() {
    refused(
        "[http]\nlistn = \"127.0.0.1:1\"\n",
        &[],
        r#"
error: unknown key `listn` in [http]
 --> wharf.toml:2:1
  |
2 | listn = "***********"
  | ^^^^^ did you mean `listen`?
  |
  = accepted keys: listen, public_url, allowed_hosts, allowed_origins, cors_origins, trusted_proxies, body_limit, header_timeout, idle_timeout, max_connections, danger_allow_unauthenticated, tls_cert, tls_key"#,
    );
}

#[test]
fn a_wrong_permission_says_what_is_accepted() {
    refused(
        "[auth]\nlocal_allow = [\"tools\", \"resource\"]\n",
        &[],
        r#"
error: invalid value for `auth.local_allow`
 --> wharf.toml:2:25
  |
2 | local_allow = ["tools", "resource"]
  |                         ^^^^^^^^^^ a pattern without a colon is none of the known words; did you mean resources?; accepted are *, tools, resources, prompts, admin, SERVER:*, SERVER:ITEM and a scope such as issues:write, where ITEM may have * in it, each with a leading ! to deny"#,
    );
}

#[test]
fn a_key_of_another_section_is_told_where_it_belongs() {
    refused(
        "[state]\nlevel = \"info\"\n",
        &[],
        r#"
error: unknown key `level` in [state]
 --> wharf.toml:2:1
  |
2 | level = "****"
  | ^^^^^
  |
  = `level` is a key of [logging]
  = accepted keys: file, keys"#,
    );
}

#[test]
fn an_unknown_section_gets_a_suggestion() {
    refused(
        "[limit]\nqueue = 1\n",
        &[],
        r#"
error: unknown section `limit`
 --> wharf.toml:1:2
  |
1 | [limit]
  |  ^^^^^ did you mean `limits`?
  |
  = accepted sections: http, auth, sessions, limits, rate_limits, state, logging, metrics, servers"#,
    );
}

#[test]
fn a_wrong_type_is_named() {
    refused(
        "[logging]\nlevel = 3\n",
        &[],
        r#"
error: invalid value for `logging.level`
 --> wharf.toml:2:9
  |
2 | level = 3
  |         ^ expected a string, found an integer"#,
    );
}

#[test]
fn a_list_is_no_string() {
    refused(
        "[http]\nallowed_hosts = \"a\"\n",
        &[],
        r#"
error: invalid value for `http.allowed_hosts`
 --> wharf.toml:2:17
  |
2 | allowed_hosts = "a"
  |                 ^^^ expected a list such as ["…"], found a string"#,
    );
}

#[test]
fn a_section_is_no_value() {
    refused(
        "state = 3\n",
        &[],
        r#"
error: `state` must be a section
 --> wharf.toml:1:1
  |
1 | state = *
  | ^^^^^ expected [state], found an integer"#,
    );
}

#[test]
fn a_bad_duration_names_the_units() {
    refused(
        "[http]\nheader_timeout = \"10 sec\" # soon\n",
        &[],
        r#"
error: invalid value for `http.header_timeout`
 --> wharf.toml:2:18
  |
2 | header_timeout = "10 sec" # soon
  |                  ^^^^^^^^ expected a duration such as "30s"; units: ms, s, m, h"#,
    );
}

#[test]
fn a_zero_timeout_is_refused() {
    refused(
        "[limits]\nrequest_timeout = \"0s\"\n",
        &[],
        r#"
error: invalid value for `limits.request_timeout`
 --> wharf.toml:2:19
  |
2 | request_timeout = "0s"
  |                   ^^^^ must not be zero"#,
    );
}

#[test]
fn a_bad_rate_shows_a_good_one() {
    refused(
        "[rate_limits]\nper_caller = \"60/min\"\n",
        &[],
        r#"
error: invalid value for `rate_limits.per_caller`
 --> wharf.toml:2:14
  |
2 | per_caller = "60/min"
  |              ^^^^^^^^ expected a rate such as "60/m", with /s, /m, /h or /d, or "off""#,
    );
}

#[test]
fn a_budget_below_its_own_notice_is_refused() {
    refused(
        "[limits]\nresponse_budget = 4095\n",
        &[],
        r#"
error: invalid value for `limits.response_budget`
 --> wharf.toml:2:19
  |
2 | response_budget = 4095
  |                   ^^^^ expected at least 4KiB"#,
    );
}

#[test]
fn a_bad_size_names_the_units() {
    refused(
        "[http]\nbody_limit = \"4MB\"\n",
        &[],
        r#"
error: invalid value for `http.body_limit`
 --> wharf.toml:2:14
  |
2 | body_limit = "4MB"
  |              ^^^^^ expected a size such as "4MiB"; units: B, KiB, MiB, GiB"#,
    );
}

#[test]
fn a_bad_address_shows_a_good_one() {
    refused(
        "[http]\nlisten = \"localhost:8080\"\n",
        &[],
        r#"
error: invalid value for `http.listen`
 --> wharf.toml:2:10
  |
2 | listen = "localhost:8080"
  |          ^^^^^^^^^^^^^^^^ expected an IP address and a port, such as "127.0.0.1:8080" or "[::]:8080""#,
    );
}

#[test]
fn a_bad_network_is_pointed_at_in_its_list() {
    refused(
        "[http]\ntrusted_proxies = [\"10.0.0.0/8\", \"10.0.0.0/33\"]\n",
        &[],
        r#"
error: invalid value for `http.trusted_proxies`
 --> wharf.toml:2:34
  |
2 | trusted_proxies = ["10.0.0.0/8", "10.0.0.0/33"]
  |                                  ^^^^^^^^^^^^^ expected an IP address or a block, such as "10.0.0.0/8" or "fd00::/8""#,
    );
}

#[test]
fn a_bad_choice_gets_a_suggestion() {
    refused(
        "[logging]\nformat = \"jsn\"\n",
        &[],
        r#"
error: invalid value for `logging.format`
 --> wharf.toml:2:10
  |
2 | format = "jsn"
  |          ^^^^^ expected "text" or "json"; did you mean `json`?"#,
    );
}

#[test]
fn a_number_out_of_range_names_the_range() {
    refused(
        "[limits]\npage_size = -1\n",
        &[],
        r#"
error: invalid value for `limits.page_size`
 --> wharf.toml:2:13
  |
2 | page_size = -1
  |             ^^ expected an integer from 1 to 1000000000"#,
    );
}

#[test]
fn a_duplicate_key_is_refused() {
    refused(
        "[http]\nmax_connections = 1\nmax_connections = 2\n",
        &[],
        r#"
error: not valid TOML
 --> wharf.toml:3:1
  |
3 | max_connections = 2
  | ^^^^^^^^^^^^^^^ duplicate key"#,
    );
}

#[test]
fn a_syntax_error_is_pointed_at() {
    refused(
        "[http]\nlisten = 127.0.0.1:80\n",
        &[],
        r#"
error: not valid TOML
 --> wharf.toml:2:15
  |
2 | listen = 127.0.0.1:80
  |               ^^^^^^^ invalid float, expected nothing"#,
    );
}

#[test]
fn one_tls_file_alone_is_refused() {
    refused(
        "[http]\ntls_cert = \"cert.pem\"\n",
        &[],
        r#"
error: `http.tls_cert` needs `http.tls_key`
 --> wharf.toml:2:1
  |
2 | tls_cert = "cert.pem"
  | ^^^^^^^^ add `tls_key`, or remove this"#,
    );
}

#[test]
fn an_unset_variable_is_named() {
    refused(
        "[http]\npublic_url = \"https://${HOST}\"\n",
        &[],
        r#"
error: invalid value for `http.public_url`
 --> wharf.toml:2:14
  |
2 | public_url = "https://${HOST}"
  |              ^^^^^^^^^^^^^^^^^ the variable `HOST` is not set; set it, or write `${HOST:-default}`"#,
    );
}

#[test]
fn a_bad_reference_names_its_variable() {
    refused(
        "[http]\npublic_url = \"${ADDRESS}\"\n",
        &[("ADDRESS", "x")],
        r#"
error: invalid value for `http.public_url`
 --> wharf.toml:2:14
  |
2 | public_url = "${ADDRESS}"
  |              ^^^^^^^^^^^^ expected a URL such as "https://mcp.example.com"
  |
  = the value comes from: ADDRESS"#,
    );
}

#[test]
fn an_unreadable_secret_names_key_and_path() {
    refused(
        "[state]\nkeys = [\"file:/nonexistent/key\"]\n",
        &[],
        r#"
error: invalid value for `state.keys`
 --> wharf.toml:2:9
  |
2 | keys = ["file:/nonexistent/key"]
  |         ^^^^^^^^^^^^^^^^^^^^^^^ can't read the file `/nonexistent/key`: No such file or directory (os error 2)"#,
    );
}

#[test]
fn a_bad_override_names_the_variable() {
    refused(
        "",
        &[("WHARF__HTTP__LISTEN", "8080")],
        r#"
error: invalid value for `http.listen`
--> environment variable WHARF__HTTP__LISTEN
 = expected an IP address and a port, such as "127.0.0.1:8080" or "[::]:8080"
 = its value is "8080""#,
    );
}

#[test]
fn an_unknown_override_gets_a_suggestion() {
    refused(
        "",
        &[("WHARF__LOGGING__LEVL", "x")],
        r#"
error: unknown key `levl` in [logging]
--> environment variable WHARF__LOGGING__LEVL
 = did you mean `level`?
 = accepted keys: format, level, expose_internal_errors"#,
    );
}

#[test]
fn an_override_given_twice_is_refused() {
    refused(
        "",
        &[("WHARF__LIMITS__QUEUE", "1"), ("wharf__limits__queue", "2")],
        r#"
error: `limits.queue` is overridden twice
--> environment variable wharf__limits__queue
 = unset this variable or WHARF__LIMITS__QUEUE"#,
    );
}

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

#[test]
fn all_errors_are_told_in_order() {
    refused(
        "[http]\nlisten = 1\nidle = \"1s\"\n\n[limits]\nqueue = \"many\"\n",
        &[("WHARF__LIMITS__PAGE_SIZE", "0")],
        r#"
error: invalid value for `http.listen`
 --> wharf.toml:2:10
  |
2 | listen = 1
  |          ^ expected a string such as "127.0.0.1:8080", found an integer

error: unknown key `idle` in [http]
 --> wharf.toml:3:1
  |
3 | idle = "**"
  | ^^^^ did you mean `idle_timeout`?
  |
  = accepted keys: listen, public_url, allowed_hosts, allowed_origins, cors_origins, trusted_proxies, body_limit, header_timeout, idle_timeout, max_connections, danger_allow_unauthenticated, tls_cert, tls_key

error: invalid value for `limits.queue`
 --> wharf.toml:6:9
  |
6 | queue = "many"
  |         ^^^^^^ expected an integer, found a string

error: invalid value for `limits.page_size`
--> environment variable WHARF__LIMITS__PAGE_SIZE
 = expected an integer from 1 to 1000000000
 = its value is "0""#,
    );
}
