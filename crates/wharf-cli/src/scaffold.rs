//! The files of a new server project, and how they get onto the disk: into a hidden folder beside the place where they belong,
//! which is renamed when all are there. Whoever looks sees the whole project or none of it; nothing is ever overwritten.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where a file goes, and what it says with `{{word}}` for what differs.
const TEMPLATES: [(&str, &str); 9] = [
    ("Cargo.toml", include_str!("../templates/Cargo.toml.in")),
    ("src/lib.rs", include_str!("../templates/src/lib.rs.in")),
    ("src/main.rs", include_str!("../templates/src/main.rs.in")),
    ("tests/server.rs", include_str!("../templates/tests/server.rs.in")),
    ("README.md", include_str!("../templates/README.md.in")),
    ("Dockerfile", include_str!("../templates/Dockerfile.in")),
    (".dockerignore", include_str!("../templates/dockerignore.in")),
    (".gitignore", include_str!("../templates/gitignore.in")),
    (".mcp.json", include_str!("../templates/mcp.json.in")),
];

/// How many hidden folders are tried; each name belongs to one process, so more than one is a leftover of a killed one.
const MAX_TRIES: u32 = 16;

/// Where a project finds Wharf, until it is on crates.io.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A checkout, as the project's Cargo.toml names it.
    Path(String),
    /// A Git repository.
    Git(String),
}

impl Source {
    /// What was named.
    pub(crate) fn as_str(&self) -> &str {
        let (Self::Path(text) | Self::Git(text)) = self;
        text
    }

    fn dependency(&self, package: &str) -> String {
        match self {
            Self::Path(path) => format!("path = \"{path}/crates/{package}\""),
            Self::Git(url) => format!("git = \"{url}\""),
        }
    }

    /// Docker sees one folder only, unless it is told of others.
    fn docker_build(&self, name: &str) -> String {
        match self {
            Self::Path(path) => {
                format!("docker build --build-context wharf='{path}' -t {name} .")
            }
            Self::Git(_) => format!("docker build -t {name} ."),
        }
    }

    fn docker_copy(&self) -> String {
        match self {
            Self::Path(path) => format!("COPY --from=wharf [\".\", \"{path}\"]\n"),
            Self::Git(_) => String::new(),
        }
    }
}

/// The files of the project `name`: where each goes, and what it says.
pub(crate) fn files(name: &str, wharf: &Source) -> Vec<(&'static str, String)> {
    let values = [
        ("{{name}}", name.to_owned()),
        ("{{crate}}", name.replace('-', "_")),
        ("{{wharf}}", wharf.dependency("wharf")),
        ("{{testkit}}", wharf.dependency("wharf-testkit")),
        ("{{docker_build}}", wharf.docker_build(name)),
        ("{{docker_copy}}", wharf.docker_copy()),
    ];
    let fill = |template: &str| {
        values.iter().fold(template.to_owned(), |text, (word, value)| text.replace(word, value))
    };
    TEMPLATES.iter().map(|(path, template)| (*path, fill(template))).collect()
}

/// Writes `files` as the folder `place`, which does not exist or is empty.
///
/// # Errors
/// When they can't be written, or somebody filled `place` meanwhile; then nothing is left.
pub(crate) fn write(place: &Path, files: &[(&str, String)]) -> io::Result<()> {
    let hidden = Hidden::beside(place)?;
    for (path, text) in files {
        let path = hidden.0.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    // Replaces an empty folder and fails for any other, in one step (rename(2)).
    fs::rename(&hidden.0, place)
}

/// A folder that nobody else uses, and that is gone with its owner unless it was renamed.
struct Hidden(PathBuf);

impl Hidden {
    fn beside(place: &Path) -> io::Result<Self> {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let process = std::process::id();
        let mut tries = 0;
        loop {
            let folder = place.with_file_name(format!(".{name}.{process}.{tries}.wharf-init"));
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(Self(folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < MAX_TRIES => {
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Gone already when it was renamed. What can't be removed is hidden, and the failure that led here is told.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Vec<(&'static str, String)> {
        files("my-server", &Source::Path("../wharf".to_owned()))
    }

    #[test]
    fn every_word_is_filled_in() {
        for source in [Source::Path("/w".to_owned()), Source::Git("https://e.example/w".to_owned())]
        {
            for (path, text) in files("my-server", &source) {
                assert!(!text.contains("{{") && !text.contains("}}"), "{path}: {text}");
            }
        }
        let git = files("a", &Source::Git("https://e.example/w".to_owned()));
        assert!(git[0].1.contains("wharf-testkit = { git = \"https://e.example/w\" }"));
        assert!(!git[5].1.contains("--from=wharf"), "{}", git[5].1);
    }

    #[test]
    fn the_manifest_and_the_client_configuration_parse() {
        for (path, text) in project() {
            match path {
                "Cargo.toml" => {
                    let manifest: toml::Table = toml::from_str(&text).unwrap();
                    let path = manifest["dependencies"]["wharf"]["path"].as_str();
                    assert_eq!(path, Some("../wharf/crates/wharf"));
                }
                ".mcp.json" => {
                    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(json["mcpServers"]["my-server"]["command"], "cargo");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_failure_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("p");
        // The second file needs a folder where the first one is.
        let files = [("a", String::new()), ("a/b", String::new())];
        write(&place, &files).unwrap_err();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_somebody_wrote_meanwhile_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("p");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("theirs"), "kept").unwrap();
        write(&place, &project()).unwrap_err();
        assert_eq!(fs::read_to_string(place.join("theirs")).unwrap(), "kept");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_several_at_once_one_wins_and_its_project_is_whole() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("p");
        let results: Vec<bool> = std::thread::scope(|scope| {
            let running: Vec<_> =
                (0..8).map(|_| scope.spawn(|| write(&place, &project()).is_ok())).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|won| **won).count(), 1, "{results:?}");
        for (path, text) in project() {
            assert_eq!(fs::read_to_string(place.join(path)).unwrap(), text);
        }
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_empty_folder_and_a_leftover_are_no_hindrance() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("p");
        fs::create_dir(&place).unwrap();
        let leftover = format!(".p.{}.0.wharf-init", std::process::id());
        fs::create_dir(parent.path().join(leftover)).unwrap();
        write(&place, &project()).unwrap();
        assert!(place.join("src/main.rs").is_file());
    }
}
