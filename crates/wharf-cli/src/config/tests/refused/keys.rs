//! Keys and sections that are not known or stand in the wrong place, and text that is no TOML.

use super::refused;

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
