//! Reports as a whole: files that can't be quoted, colours, and input that attacks its reader.

use super::load_text;
use crate::config::{Asked, ConfigError, load};

fn load_error(bytes: &[u8]) -> (String, ConfigError) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wharf.toml");
    std::fs::write(&path, bytes).unwrap();
    (path.display().to_string(), load(Some(&path), [], &Asked::default()).unwrap_err())
}

#[test]
fn a_file_that_is_not_utf8_is_pointed_at() {
    let (path, error) = load_error(b"[http]\nlisten = \"\xc3\xa9\xff\"");
    let expected = format!(
        "error: the configuration is not UTF-8\n--> {path}:2:12\n = save it as UTF-8, as TOML demands"
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let error = load(Some(std::path::Path::new("/nonexistent/wharf.toml")), [], &Asked::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "error: can't read the configuration\n--> /nonexistent/wharf.toml\n = No such file or directory (os error 2)"
    );
}

#[test]
fn colours_come_only_when_asked_for() {
    let error = load_text("[htp]", &[]).unwrap_err();
    assert!(!error.to_string().contains('\u{1b}'));
    assert!(error.render(true).contains('\u{1b}'));
}

#[test]
fn a_report_does_not_obey_its_input() {
    let error = load_text("\"a\\u001b[31m\" = 1\n", &[("WHARF__\u{1b}[31m", "")]).unwrap_err();
    assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
}

#[test]
fn a_long_report_is_cut_and_says_so() {
    let many: String = (0..50).map(|number| format!("k{number} = 1\n")).collect();
    let report = load_text(&many, &[]).unwrap_err().to_string();
    assert_eq!(report.matches("error: ").count(), 20);
    assert!(report.ends_with("... and 30 more errors"), "{report}");
}

#[test]
fn hostile_nesting_is_refused() {
    for text in ["[".repeat(100_000), format!("[a{}]", ".a".repeat(100_000)), "{a=".repeat(100_000)]
    {
        let report = load_text(&format!("x = {text}"), &[]).unwrap_err().to_string();
        assert!(report.starts_with("error: not valid TOML"));
    }
}
