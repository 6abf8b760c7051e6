//! What comes from outside the file: variables in values, overrides, and files with secrets.

use super::refused;

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
