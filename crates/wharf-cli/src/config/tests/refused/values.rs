//! Values of known keys: of another type, out of range, or in no form that is understood.

use super::refused;

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
