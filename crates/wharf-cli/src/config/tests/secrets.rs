//! Secrets: where they come from, and where they never appear.

use std::path::Path;

use secrecy::ExposeSecret;

use super::load_text;
use crate::config::{Asked, load};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[test]
fn keys_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
    write("key", format!("{KEY}\n").as_bytes());
    write("crlf", format!("{KEY}\r\n").as_bytes());
    write("two-lines", format!("{KEY}\n\n").as_bytes());
    write("binary", &[0xff; 32]);
    write("large", &[b'a'; 65_537]);
    let path = folder.path().join("wharf.toml");
    let check = |value: &str, expected: Option<&str>| {
        std::fs::write(&path, format!("[state]\nkeys = [\"{value}\"]")).unwrap();
        match (load(Some(&path), [], &Asked::default()), expected) {
            (Ok(settings), None) => assert_eq!(settings.state.keys[0].expose_secret()[31], 31),
            (Err(error), Some(part)) => {
                let error = error.to_string();
                assert!(error.contains(part), "{error}");
                assert!(error.contains("state.keys") && !error.contains(&KEY[..12]), "{error}");
            }
            (result, _) => panic!("{value}: {result:?}"),
        }
    };
    check("file:key", None);
    check("file:crlf", None);
    check(&format!("file:{}/key", folder.path().display()), None);
    check("file:two-lines", Some("expected 32 bytes"));
    check("file:binary", Some("binary`: stream did not contain valid UTF-8"));
    check("file:large", Some("large` is larger than 65536 bytes"));
    check("file:missing", Some("missing`: No such file"));
    check("file:.", Some("can't read the file"));
}

#[test]
fn secrets_appear_nowhere() {
    const SECRET: &str = "hunter2hunter2";
    let check = |toml: &str, variables: &[(&str, &str)]| {
        let error = load_text(toml, variables).unwrap_err();
        for text in [error.to_string(), error.render(true), format!("{error:?}")] {
            assert!(!text.contains(SECRET), "{toml:?} shows its secret: {text}");
        }
    };
    // Good in form, bad in content.
    check("[state]\nkeys = ['hunter2hunter2']", &[]);
    check("state = { keys = ['hunter2hunter2'], x = 1 }", &[]);
    check("[state]\nkeys = ['''\nhunter2hunter2''']", &[]);
    check("[state]\nkeys = 'hunter2hunter2'", &[]);
    check("[state]\nkeys = { a = 'hunter2hunter2' }", &[]);
    check("[state]\nkeys = ['${A}']", &[("A", SECRET)]);
    check("[state]\nkeys = ['${A:-hunter2hunter2}']", &[]);
    check("", &[("WHARF__STATE__KEYS", SECRET)]);
    // Under a wrong name, or in a wrong place.
    check("[state]\nkyes = ['hunter2hunter2']", &[]);
    check("[stat]\nkeys = ['hunter2hunter2']", &[]);
    check("stat = { keys = ['hunter2hunter2'] }", &[]);
    check("state = 'hunter2hunter2'", &[]);
    check("servers.x = 'hunter2hunter2'", &[]);
    check("[servers.x]\nkind = 'calculator'\ntoken = 'hunter2hunter2'", &[]);
    check("[http]\nlisten = { token = 'hunter2hunter2' }", &[]);
    check("", &[("WHARF__STATE__KYES", SECRET)]);
    check("[http]\nlisten = '${A}'", &[("A", SECRET)]);
    // Not TOML at all.
    check("[state]\nkeys = ['hunter2hunter2", &[]);
    check("[state]\nkeys = hunter2hunter2", &[]);
    check("[state]\nkeys ['hunter2hunter2']", &[]);
    check("[state]\nkeys = [\n'hunter2hunter2\n]", &[]);
    check("[state]\n\"keys\" = ['hunter2hunter2", &[]);
    check("hunter2hunter2", &[]);
}

#[test]
fn settings_do_not_show_secrets() {
    let settings = load_text(&format!("[state]\nkeys = ['{KEY}']"), &[]).unwrap();
    let shown = format!("{settings:?}");
    assert!(shown.contains("[REDACTED]") && !shown.contains("30, 31"), "{shown}");
}

#[cfg(unix)]
#[test]
fn endless_files_are_refused() {
    let error = load(Some(Path::new("/dev/zero")), [], &Asked::default()).unwrap_err().to_string();
    assert!(error.contains("larger than 1048576 bytes"), "{error}");
    let error = load_text("[state]\nkeys = ['file:/dev/zero']", &[]).unwrap_err().to_string();
    assert!(error.contains("larger than 65536 bytes"), "{error}");
}
