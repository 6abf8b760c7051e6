//! Every case of the attack corpora, through the protocol, as a tool call or a resource.

use std::{path::Path, process::Command};

use serde::Deserialize;
use serde_json::{Value, json};
use wharf_files::settings::{FilesSettings, RootSettings};

use crate::world::{Client, SECRET};

#[derive(Deserialize)]
struct Corpus {
    attacks: Vec<Case>,
    legit: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    input: String,
    expect: String,
    #[serde(default = "read")]
    op: String,
}

fn read() -> String {
    "read".into()
}

const CORPORA: [&str; 2] =
    [include_str!("../corpus/paths.json"), include_str!("../corpus/own.json")];

fn fixture(base: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/path_fixture.sh");
    let status = Command::new("sh").arg(script).arg(base).status().unwrap();
    assert!(status.success(), "the fixture needs sh, mkfifo and python3");
}

/// Everything below `base`, to see that nothing was made.
fn names(base: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![base.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            found.push(entry.path());
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// The answer to a case, and whether it was refused.
async fn ask(client: &mut Client, op: &str, input: &str) -> (Value, bool) {
    if input.contains(":/") {
        let answer = client.resource(input).await;
        let refused = answer.get("error").is_some();
        return (answer, refused);
    }
    let tool = if op == "list" { "list_directory" } else { "read_file" };
    let answer = client.call(tool, json!({"path": input})).await;
    let refused = answer["isError"] == true;
    (answer, refused)
}

#[tokio::test]
async fn every_case_of_the_corpora_is_answered_as_expected() {
    let base = tempfile::tempdir().unwrap();
    fixture(base.path());
    let before = names(base.path());
    let host = base.path().to_str().unwrap().to_owned();
    let root = base.path().join("root");
    let mut client = Client::of(&FilesSettings::new([RootSettings::new("root", &root)])).await;
    let mut count = 0;
    for text in CORPORA {
        let corpus: Corpus = serde_json::from_str(text).unwrap();
        for case in corpus.attacks.iter().chain(&corpus.legit) {
            count += 1;
            // Callers know a root by its name; those who guess where it is get nothing, whatever the case expects.
            for place in ["root", root.to_str().unwrap()] {
                let is_named = place == "root";
                let slash = if case.input.contains("://") && is_named { "/" } else { "" };
                let input = case.input.replace("{ROOT}", &format!("{slash}{place}"));
                let (answer, refused) = ask(&mut client, &case.op, &input).await;
                let text = answer.to_string();
                assert!(!text.contains(SECRET), "{}: {text}", case.id);
                // Only as the caller's own words may a place on the machine come back.
                assert!(!text.replace(&input, "").contains(&host), "{}: {text}", case.id);
                match case.expect.as_str() {
                    // There is no tool for these; what is left is that nothing leaks and nothing is made.
                    _ if !["read", "list"].contains(&case.op.as_str()) => (),
                    "refuse" => assert!(refused, "{} with {place}: {text}", case.id),
                    "allow" if is_named => assert!(!refused, "{}: {text}", case.id),
                    "allow" => assert!(refused || case.input == input, "{}: {text}", case.id),
                    _ => (),
                }
            }
        }
    }
    assert!(count >= 80, "only {count} cases were run");
    assert_eq!(names(base.path()), before);
}
