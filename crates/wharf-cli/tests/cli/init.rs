//! `wharf init` as a newcomer runs it: the project is built, its own tests run, and its program is called.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::everything::{json as printed, stderr, stdout, wharf};

/// The checkout that the tests run in.
fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/wharf-cli is two deep")
}

fn init(folder: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = wharf(&["init"]);
    command.args(arguments).current_dir(folder);
    command
}

fn with_wharf(folder: &Path, name: &str) -> assert_cmd::Command {
    init(folder, &[name, "--wharf", checkout().to_str().expect("UTF-8")])
}

/// `cargo` in the new project. It shares the build of this workspace: the same folder, the same versions and the same debug
/// information, without which every dependency would be compiled again.
fn cargo(project: &Path, arguments: &[&str]) -> (bool, String) {
    let target = Path::new(env!("CARGO_BIN_EXE_wharf")).ancestors().nth(2).expect("target/debug");
    let output = Command::new(env!("CARGO"))
        .args(["--config", r#"profile.dev.debug="line-tables-only""#])
        .args(["--config", r#"profile.dev.package."*".debug=false"#])
        .args(["--config", r#"profile.dev.package.wharf.debug="line-tables-only""#])
        .args(arguments)
        .env("CARGO_TARGET_DIR", target)
        .env("RUST_BACKTRACE", "0")
        .current_dir(project)
        .output()
        .expect("cargo runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_new_project_is_formatted_tested_and_called() {
    // Always the same folder: Cargo keeps what it built for each that it has seen.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("init");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    // The project is formatted as everybody's, not as this repository.
    fs::write(folder.join("rustfmt.toml"), "").expect("a file");
    let made = with_wharf(&folder, "new-server").arg("--json").assert().success();
    let made = printed(&made);
    assert_eq!((&made["name"], &made["path"]), (&json!("new-server"), &json!("new-server")));
    let project = folder.join("new-server");
    for file in made["files"].as_array().expect("a list") {
        assert!(project.join(file.as_str().expect("text")).is_file(), "{file}");
    }
    // Cargo.toml asks for the newest versions; the network is not asked for them here.
    fs::copy(checkout().join("Cargo.lock"), project.join("Cargo.lock")).expect("a lock file");

    let (formatted, said) = cargo(&project, &["fmt", "--check"]);
    assert!(formatted, "{said}");
    let (tested, said) = cargo(&project, &["test", "--offline"]);
    assert!(tested, "{said}");
    let passed: Vec<&str> = said.lines().filter(|line| line.ends_with("... ok")).collect();
    assert_eq!(passed.len(), 8, "{said}");
    assert!(!said.contains("warning:"), "{said}");

    let program = Path::new(env!("CARGO_BIN_EXE_wharf")).with_file_name("new-server");
    let called = wharf(&["call", "reading_time", "text=one two three", "words_per_minute=100"])
        .arg("--")
        .arg(program)
        .assert()
        .success();
    let answer: Value = serde_json::from_str(&stdout(&called)).expect("JSON");
    assert_eq!(answer, json!({"words": 3, "seconds": 2}));
}

#[test]
fn inside_a_checkout_wharf_is_found() {
    // A folder with what makes a checkout one; no file of this repository is touched.
    let fake = tempfile::tempdir().expect("a folder");
    for package in ["wharf", "wharf-testkit"] {
        let folder = fake.path().join("crates").join(package);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("Cargo.toml"), "").expect("a file");
    }
    fs::write(fake.path().join("Cargo.toml"), "").expect("a file");
    let deep = fake.path().join("some/where");
    fs::create_dir_all(&deep).expect("a folder");
    let made = init(&deep, &["inner"]).assert().success();
    assert_eq!(stdout(&made), "");
    assert!(stderr(&made).contains("next: cd inner && cargo test"), "{}", stderr(&made));
    let manifest = fs::read_to_string(deep.join("inner/Cargo.toml")).expect("a file");
    assert!(manifest.contains(r#"wharf = { path = "../../../crates/wharf" }"#), "{manifest}");
}

/// Everything below `folder`.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    found
}

#[test]
fn mistakes_end_with_usage_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("full")).expect("a folder");
    fs::write(at("full/mine"), "kept").expect("a file");
    fs::write(at("file"), "kept").expect("a file");
    fs::create_dir(at("empty")).expect("a folder");
    std::os::unix::fs::symlink(at("empty"), at("link")).expect("a link");
    let before = entries(folder.path());
    for (name, expected) in [
        ("full", "full is not empty"),
        ("file", "file exists and is no folder"),
        ("link", "link exists and is no folder"),
        ("missing/project", "name a new folder in one that exists"),
        ("Upper", "a name begins with a letter from a to z"),
        ("1st", "a name begins with a letter from a to z"),
        ("wharf", "is taken"),
        ("tokio", "is taken"),
        ("../", "has to end with its name"),
    ] {
        let refused = with_wharf(folder.path(), name).assert().code(64);
        assert!(stderr(&refused).contains(expected), "{name}: {}", stderr(&refused));
        assert_eq!(entries(folder.path()), before, "{name}");
    }
    assert_eq!(fs::read_to_string(at("full/mine")).expect("a file"), "kept");
    assert_eq!(entries(&at("empty")), Vec::<PathBuf>::new());

    let lost = init(folder.path(), &["project", "--json"]).assert().code(64);
    let lost = &printed(&lost)["error"];
    assert_eq!(lost["kind"], "usage");
    assert!(lost["hint"].as_str().expect("text").contains("--wharf PATH"), "{lost}");
    assert_eq!(entries(folder.path()), before);
}

#[test]
fn a_disk_that_takes_nothing_is_told() {
    // Nobody can write below /proc, not even root.
    let checkout = checkout().to_str().expect("UTF-8");
    let refused = init(Path::new("/"), &["/proc/project", "--wharf", checkout]).assert().code(70);
    assert!(stderr(&refused).contains("can't be written"), "{}", stderr(&refused));
}
