//! What a newcomer is told when something does not fit: each file in `tests/refused` is compiled, and says itself, beside
//! the line, what the compiler must say there.
//!
//! `//~^ text` is about the line above, `//~| text` about the same line as the annotation before it. Each must occur in the
//! message, a label or a note of an error on that line, and each error must be foreseen.
//!
//! The compiler is run directly, against the library that this very test is linked with: a package of its own for the cases
//! would build every dependency once more.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// One error: the line that it is about, and every text that belongs to it.
#[derive(Debug)]
struct Refusal {
    line: usize,
    texts: Vec<String>,
}

impl Refusal {
    /// `None` for what is no error, or about no line.
    fn read(diagnostic: &Value) -> Option<Self> {
        let spans = diagnostic["spans"].as_array()?;
        let primary = spans.iter().find(|span| span["is_primary"] == true)?;
        if diagnostic["level"] != "error" {
            return None;
        }
        let labels = spans.iter().map(|span| &span["label"]);
        let children = diagnostic["children"].as_array()?.iter().map(|child| &child["message"]);
        let texts = std::iter::once(&diagnostic["message"]).chain(labels).chain(children);
        Some(Self {
            line: usize::try_from(primary["line_start"].as_u64()?).ok()?,
            texts: texts.filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }
}

/// The library that cargo built last: the one that this test uses, or one of the same sources.
fn library(directory: &Path) -> PathBuf {
    let is_wharf = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("libwharf-") && name.ends_with(".rlib")
    };
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let built = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    entries.filter(is_wharf).max_by_key(built).expect("no libwharf beside this test")
}

fn compile(case: &Path) -> Vec<Refusal> {
    let test = std::env::current_exe().unwrap();
    let directory = test.parent().unwrap();
    let mut library_argument = std::ffi::OsString::from("wharf=");
    library_argument.push(library(directory));
    let out = std::env::temp_dir();
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"])
        .args(["--error-format", "json", "--allow", "warnings", "--out-dir"])
        .args([out.as_os_str(), "-L".as_ref(), directory.as_os_str()])
        .args(["--extern".as_ref(), library_argument.as_os_str(), case.as_os_str()])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let read = |line| Refusal::read(&serde_json::from_str(line).expect("no diagnostic"));
    let refusals: Vec<_> = stderr.lines().filter_map(read).collect();
    assert_eq!(output.status.success(), refusals.is_empty(), "{}: {stderr}", case.display());
    refusals
}

/// The annotations of a case: line and text.
fn foreseen(source: &str) -> Vec<(usize, String)> {
    let mut annotations: Vec<(usize, String)> = Vec::new();
    for (index, line) in source.lines().enumerate() {
        let Some((_, annotation)) = line.split_once("//~") else { continue };
        let line = match annotation.chars().next() {
            Some('^') => index,
            Some('|') => annotations.last().expect("nothing before //~|").0,
            _ => panic!("an annotation is //~^ or //~|: {line}"),
        };
        annotations.push((line, annotation[1..].trim().to_owned()));
    }
    annotations
}

fn check(case: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refused").join(case);
    let foreseen = foreseen(&fs::read_to_string(&path).unwrap());
    let refusals = compile(&path);
    let mut wrong = Vec::new();
    let says = |refusal: &Refusal, (line, text): &(usize, String)| {
        refusal.line == *line && refusal.texts.iter().any(|said| said.contains(text))
    };
    for annotation in &foreseen {
        if !refusals.iter().any(|refusal| says(refusal, annotation)) {
            wrong.push(format!("line {}: nobody says {:?}", annotation.0, annotation.1));
        }
    }
    for refusal in &refusals {
        if !foreseen.iter().any(|annotation| says(refusal, annotation)) {
            wrong.push(format!("line {}: not foreseen: {:#?}", refusal.line, refusal.texts));
        }
    }
    assert!(wrong.is_empty(), "{case}\n{}", wrong.join("\n"));
}

#[test]
fn what_is_right_compiles_and_needs_no_other_crate() {
    assert!(
        compile(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refused/accepted.rs"))
            .is_empty()
    );
}

#[test]
fn functions_that_cannot_serve_a_call_are_refused() {
    check("shapes.rs");
}

#[test]
fn options_that_there_are_not_are_refused() {
    check("options.rs");
}

#[test]
fn types_that_do_not_fit_are_refused() {
    check("types.rs");
}

#[test]
fn futures_that_stay_on_their_thread_are_refused() {
    check("send.rs");
}
