//! `wharf init`: writes a new server project that compiles, runs and is tested. It refuses names that Cargo would refuse later,
//! folders that hold something, and to guess where Wharf is: it is on no registry yet, so a project names a checkout or a Git
//! repository of it.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use serde_json::json;

use crate::{
    cli::InitOptions,
    exit::Exit,
    failure::Failure,
    printer,
    scaffold::{self, Source},
};

const MAX_NAME_LENGTH: usize = 64;
const NAME_RULE: &str =
    "a name begins with a letter from a to z and goes on with up to 63 of a-z, 0-9, - and _";

/// Keywords, and crates that are always there.
const LANGUAGE: &str = "abstract alloc as async await become box break const continue core crate do dyn else enum extern \
    false final fn for gen if impl in let loop macro match mod move mut override priv proc_macro pub ref return self static \
    std struct super test trait true try type typeof unsafe unsized use virtual where while yield";
/// Folders of a build, which a program can't be called like.
const CARGO: &str = "build deps examples incremental";
/// What the project depends on: two crates of one name can't be told apart.
const DEPENDENCIES: &str =
    "clap schemars serde serde_json tokio tracing_subscriber wharf wharf_testkit";

/// Writes the project.
///
/// # Errors
/// A name or a place that can't be used, no Wharf, or a disk that does not take it.
pub(crate) fn run(options: &InitOptions) -> anyhow::Result<Exit> {
    let name = name_of(&options.path)?;
    let place = place_of(&options.path)?;
    let here = std::env::current_dir().map_err(|error| {
        Failure::new(Exit::Internal, format!("the working directory can't be read: {error}"))
    })?;
    let wharf = find_wharf(options.wharf.as_deref(), &here, &place)?;
    let files = scaffold::files(name, &wharf);
    scaffold::write(&place, &files).map_err(|error| unwritable(&options.path, &error))?;
    if options.json {
        let written: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let path = options.path.display().to_string();
        let project = json!({
            "name": name, "path": path, "wharf": wharf.as_str(), "files": written,
        });
        printer::write_json(&project)?;
    } else {
        let path = options.path.display();
        printer::note(&format!(
            "made {name}, which finds Wharf at {}\nnext: cd {path} && cargo test",
            wharf.as_str()
        ));
    }
    Ok(Exit::Success)
}

/// The last part of the path, when a crate can be called so.
fn name_of(path: &Path) -> Result<&str, Failure> {
    let refuse = |why: String| Failure::new(Exit::Usage, why).hint(NAME_RULE);
    let Some(name) = path.file_name() else {
        return Err(refuse("the path of the new folder has to end with its name".to_owned()));
    };
    let name = name.to_str().unwrap_or_default();
    let fits = name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.len() <= MAX_NAME_LENGTH
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        });
    if !fits {
        let shown = path.file_name().unwrap_or_default();
        return Err(refuse(format!("a crate can't be called {shown:?}")));
    }
    let crate_name = name.replace('-', "_");
    let taken = [LANGUAGE, CARGO, DEPENDENCIES];
    if taken.iter().any(|names| names.split_whitespace().any(|taken| taken == crate_name)) {
        return Err(refuse(format!(
            "{name:?} is taken by the language, by Cargo or by a crate that the project uses; choose another name"
        )));
    }
    Ok(name)
}

/// The absolute path of the new folder, which does not exist or is empty.
fn place_of(path: &Path) -> Result<PathBuf, Failure> {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let parent = parent.canonicalize().map_err(|error| {
        Failure::new(Exit::Usage, format!("{}: {error}", parent.display()))
            .hint("name a new folder in one that exists")
    })?;
    let place = parent.join(path.file_name().unwrap_or_default());
    let refuse = |what: &str| {
        Err(Failure::new(Exit::Usage, format!("{} {what}", path.display()))
            .hint("name a folder that does not exist or is empty; nothing was written"))
    };
    match fs::symlink_metadata(&place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(place),
        Err(error) => Err(unwritable(path, &error)),
        Ok(found) if !found.is_dir() => refuse("exists and is no folder"),
        Ok(_) => match fs::read_dir(&place).map(|mut entries| entries.next().is_some()) {
            Err(error) => Err(unwritable(path, &error)),
            Ok(true) => refuse("is not empty"),
            Ok(false) => Ok(place),
        },
    }
}

/// Where the project finds Wharf: what was asked for, or the checkout around the working directory.
fn find_wharf(asked: Option<&str>, here: &Path, place: &Path) -> Result<Source, Failure> {
    let source = match asked {
        Some(url) if url.contains("://") => Source::Git(url.to_owned()),
        Some(path) => {
            let checkout = here.join(path).canonicalize().ok();
            let Some(checkout) = checkout.filter(|folder| is_checkout(folder)) else {
                let why = format!("{path:?} is no checkout of Wharf: it has no crates/wharf");
                return Err(Failure::new(Exit::Usage, why).hint(WHARF_HINT));
            };
            // Written as it was asked for: relative paths go along when both folders are moved.
            let is_absolute = Path::new(path).is_absolute();
            Source::Path(written(&if is_absolute { checkout } else { relative(place, &checkout) })?)
        }
        None => {
            let Some(checkout) = here.ancestors().find(|folder| is_checkout(folder)) else {
                let why =
                    "where is Wharf? It is not on crates.io yet, so the project has to name it";
                return Err(Failure::new(Exit::Usage, why).hint(WHARF_HINT));
            };
            let checkout = checkout.canonicalize();
            let checkout =
                checkout.map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
            Source::Path(written(&relative(place, &checkout))?)
        }
    };
    // These would end a string in one of the files that the source is written into.
    let breaks = |letter: char| letter.is_control() || "\"'\\$`{}".contains(letter);
    if source.as_str().contains(breaks) {
        let why = format!("{:?} has letters that Cargo.toml or Docker can't take", source.as_str());
        return Err(
            Failure::new(Exit::Usage, why).hint("name it without quotes, \\, $, ` and braces")
        );
    }
    Ok(source)
}

const WHARF_HINT: &str = "pass --wharf PATH with a checkout of its repository, or --wharf URL with a Git repository; inside of a checkout neither is needed";

fn is_checkout(folder: &Path) -> bool {
    ["Cargo.toml", "crates/wharf/Cargo.toml", "crates/wharf-testkit/Cargo.toml"]
        .iter()
        .all(|file| folder.join(file).is_file())
}

fn written(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("{path:?} is not UTF-8, and Cargo.toml has to be"))
    })
}

/// How `to` is written in a file of the folder `from`; both are absolute and without `..`.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let why = format!("{} can't be written: {error}; nothing is left of it", path.display());
    Failure::new(Exit::Internal, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_cargo_takes() {
        for good in ["a", "my-server", "x2_y", "some/where/my-server", "../notes/", &"a".repeat(64)]
        {
            assert!(name_of(Path::new(good)).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        let bad = [
            "",
            ".",
            "..",
            "/",
            "A",
            "1a",
            "-a",
            "_a",
            "a b",
            "a.b",
            "é",
            "a\n",
            "fn",
            "test",
            "core",
            "wharf",
            "wharf-testkit",
            "serde-json",
            "where",
            "build",
            "a\"b",
            &long,
        ];
        for bad in bad {
            let refused = name_of(Path::new(bad)).unwrap_err();
            assert_eq!(refused.exit(), Exit::Usage);
            assert_eq!(refused.next_step(), Some(NAME_RULE), "{bad}");
        }
    }

    #[test]
    fn the_way_to_wharf_is_relative_to_the_project() {
        let check = |from: &str, to: &str, expected: &str| {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(expected));
        };
        check("/a/project", "/a/wharf", "../wharf");
        check("/a/wharf/project", "/a/wharf", "..");
        check("/a/b/project", "/c/wharf", "../../../c/wharf");
        check("/project", "/wharf", "../wharf");
    }

    #[test]
    fn a_source_that_would_break_out_of_a_string_is_refused() {
        let (here, place) = (Path::new("/"), Path::new("/p"));
        for bad in ["https://e/\"", "https://e/$(x)", "https://e/{{name}}", "https://e/\n"] {
            assert_eq!(
                find_wharf(Some(bad), here, place).unwrap_err().exit(),
                Exit::Usage,
                "{bad:?}"
            );
        }
        let good = "https://example.com/wharf";
        assert_eq!(find_wharf(Some(good), here, place).unwrap(), Source::Git(good.to_owned()));
    }

    #[test]
    fn without_a_checkout_it_says_what_to_pass() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("p");
        for asked in [None, Some("."), Some("nowhere")] {
            let refused = find_wharf(asked, folder.path(), &place).unwrap_err();
            assert!(refused.next_step().unwrap().contains("--wharf PATH"), "{refused}");
        }
    }
}
