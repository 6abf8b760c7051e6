//! `kind = "files"`: what becomes settings of the server, and what is refused.

use std::time::Duration;

use wharf_files::settings::RootSettings;

use super::load_text;
use crate::config::ServerKind;

fn load(
    keys: &str,
    variables: &[(&str, &str)],
) -> Result<wharf_files::settings::FilesSettings, String> {
    let text = format!("[servers.f]\nkind = \"files\"\n{keys}");
    let settings = load_text(&text, variables).map_err(|error| error.to_string())?;
    let ServerKind::Files(files) = &settings.servers[0].kind else { panic!("{settings:?}") };
    Ok(files.settings())
}

#[test]
fn every_key_reaches_the_server() {
    let keys = "roots = [\"docs=./docs\", \"a.b-c=/srv/x=y\"]\nmax_read = \"8KiB\"\nmax_entries = 7\ntimeout = \"2s\"";
    let settings = load(keys, &[]).unwrap();
    let roots = [RootSettings::new("docs", "./docs"), RootSettings::new("a.b-c", "/srv/x=y")];
    assert_eq!(settings.roots, roots);
    let limits = &settings.limits;
    assert_eq!((limits.max_read_bytes, limits.default_read_bytes), (8 << 10, 8 << 10));
    assert_eq!((limits.max_entries, limits.default_entries), (7, 7));
    assert_eq!(limits.timeout, Duration::from_secs(2));
    assert_eq!(settings.check(), Ok(()));
}

#[test]
fn the_defaults_are_those_of_the_server() {
    let settings = load("roots = [\"docs=x\"]", &[]).unwrap();
    assert_eq!(settings.limits, wharf_files::limits::Limits::default());
}

#[test]
fn roots_come_from_the_environment_too() {
    let variables = [("WHARF__SERVERS__F__ROOTS", "a=/x, b=y")];
    let settings = load("roots = [\"docs=x\"]", &variables).unwrap();
    assert_eq!(settings.roots, [RootSettings::new("a", "/x"), RootSettings::new("b", "y")]);
}

#[test]
fn what_cannot_be_served_is_refused() {
    #[track_caller]
    fn check(keys: &str, expected: &str) {
        let error = load(keys, &[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert_eq!(error.matches("error: ").count(), 1, "{error}");
    }
    check("", "`servers.f.roots` is missing");
    check("roots = []", "`servers.f.roots` is missing");
    check("roots = \"docs=x\"", "expected a list");
    for bad in ["docs", "=x", "docs=", "a b=x", "../x=y", ".a=x", "a/b=x"] {
        check(&format!("roots = [{bad:?}]"), "such as \"docs=./docs\"");
    }
    check("roots = [\"a=x\", \"a=y\"]", "two folders have the same name");
    let many: Vec<String> = (0..65).map(|index| format!("\"r{index}=x\"")).collect();
    check(&format!("roots = [{}]", many.join(",")), "at most 64 folders");
    check("roots = [\"a=x\"]\nmax_read = \"17MiB\"", "expected a size from 4B to 16MiB");
    check("roots = [\"a=x\"]\nmax_read = 3", "expected a size from 4B to 16MiB");
    check("roots = [\"a=x\"]\nmax_entries = 1001", "expected an integer from 1 to 1000");
    check("roots = [\"a=x\"]\ntimeout = \"301s\"", "expected a duration from 1ms to 300s");
}
