//! Everything that is refused, with the whole report.

mod keys;
mod servers;
mod values;
mod variables;

use super::load_text;

/// The report must be this text, after its first line break.
#[track_caller]
fn refused(toml: &str, variables: &[(&str, &str)], expected: &str) {
    let report = load_text(toml, variables).unwrap_err().to_string();
    assert_eq!(report, expected.trim_start_matches('\n'), "instead:\n{report}\n");
}
