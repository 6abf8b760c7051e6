//! `kind = "files"`: folders that can be read.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use wharf_files::{
    limits::Limits,
    settings::{FilesSettings, MAX_ROOTS, RootSettings, is_root_name},
};

use super::named::{KIND, NAMED};
use crate::config::{
    field::{List, Section, Setting},
    kind::{COUNT, DURATION, Facts, Kind, PATH, SIZE},
    reader::Reader,
};

/// The folders and their bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    /// Never empty, with distinct names.
    pub(crate) roots: Vec<RootSettings>,
    pub(crate) max_read_bytes: usize,
    pub(crate) max_entries: usize,
    pub(crate) timeout: Duration,
}

pub(super) const SECTION: Section = Section {
    path: NAMED,
    kind: Some("files"),
    text: "With `kind = \"files\"`: lists and reads the files in some folders, and nothing outside them.",
    fields: &[&KIND, &ROOTS, &MAX_READ, &MAX_ENTRIES, &TIMEOUT],
    below: &[],
};

const ROOT: Kind<RootSettings> = Kind {
    facts: Facts {
        name: "name=folder",
        pattern: Some("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}=.+$"),
        example: "docs=./docs",
        ..PATH.facts
    },
    parse: |_, text, folder| {
        let (name, path) = text
            .split_once('=')
            .filter(|(name, path)| is_root_name(name) && !path.is_empty() && !path.contains('\0'))
            .ok_or(
                "expected a name of A-Z, a-z, 0-9, '.', '_' and '-', then '=' and a folder, such as \"docs=./docs\"",
            )?;
        Ok(RootSettings::new(name, folder.join(PathBuf::from(path))))
    },
};

static ROOTS: List<RootSettings> = List {
    key: "roots",
    kind: ROOT,
    text: "Folders to serve, each as `name=folder`: callers know it by its name. At least one is required.",
};
static MAX_READ: Setting<usize> = Setting {
    key: "max_read",
    kind: READ_SIZE,
    default: "1MiB",
    text: "Most bytes of a file in one answer, from 4B to 16MiB.",
};
static MAX_ENTRIES: Setting<usize> = Setting {
    key: "max_entries",
    kind: PAGE,
    default: "1000",
    text: "Most entries of a directory in one answer.",
};
static TIMEOUT: Setting<Duration> = Setting {
    key: "timeout",
    kind: TIME,
    default: "10s",
    text: "Longest time that one answer may take, at most 300s.",
};

const READ_SIZE: Kind<usize> = Kind {
    facts: SIZE.facts,
    parse: |facts, text, folder| {
        let bytes = (SIZE.parse)(facts, text, folder)?;
        if Limits::default().read_bytes(bytes).check().is_err() {
            return Err("expected a size from 4B to 16MiB".into());
        }
        Ok(bytes)
    },
};

const PAGE: Kind<usize> =
    Kind { facts: Facts { range: Some((1, 1_000)), ..COUNT.facts }, parse: COUNT.parse };

const TIME: Kind<Duration> = Kind {
    facts: DURATION.facts,
    parse: |facts, text, folder| {
        let timeout = (DURATION.parse)(facts, text, folder)?;
        if (Limits { timeout, ..Limits::default() }).check().is_err() {
            return Err("expected a duration from 1ms to 300s".into());
        }
        Ok(timeout)
    },
};

impl Files {
    /// The server of the demo: this project's own documents, where the command runs in a checkout of it. Anywhere else nobody
    /// has said which folder may be read, so none is.
    pub(super) fn of_this_project() -> Option<Self> {
        is_this_project().then(|| Self {
            roots: vec![RootSettings::new("docs", "docs")],
            max_read_bytes: MAX_READ.default_value(),
            max_entries: MAX_ENTRIES.default_value(),
            timeout: TIMEOUT.default_value(),
        })
    }

    pub(super) fn read(section: &mut Reader<'_, '_>) -> Option<Self> {
        let roots = roots(section);
        let (max_read_bytes, max_entries) = (section.read(&MAX_READ), section.read(&MAX_ENTRIES));
        let timeout = section.read(&TIMEOUT);
        Some(Self { roots: roots?, max_read_bytes, max_entries, timeout })
    }

    /// What the server of files takes.
    pub(crate) fn settings(&self) -> FilesSettings {
        let limits = Limits::default().read_bytes(self.max_read_bytes).entries(self.max_entries);
        let mut settings = FilesSettings::new(self.roots.iter().cloned());
        settings.limits = Limits { timeout: self.timeout, ..limits };
        settings
    }
}

/// Whether the command runs in a checkout of this project.
pub(super) fn is_this_project() -> bool {
    ["docs/ARCHITECTURE.md", "crates/wharf/Cargo.toml"].iter().all(|mark| Path::new(mark).is_file())
}

/// The folders under distinct names. None after a problem has been told.
fn roots(section: &mut Reader<'_, '_>) -> Option<Vec<RootSettings>> {
    if section.is_empty_list(&ROOTS) {
        section.missing(&ROOTS);
        return None;
    }
    let roots = section.read(&ROOTS);
    let names: BTreeSet<&str> = roots.iter().map(|root| root.name.as_str()).collect();
    let why = if roots.len() > MAX_ROOTS {
        format!("expected at most {MAX_ROOTS} folders")
    } else if names.len() < roots.len() {
        "two folders have the same name; give one of them another".to_owned()
    } else {
        return Some(roots);
    };
    let title = format!("invalid value for `{}`", section.name(&ROOTS));
    let problem = section.problem(&ROOTS, title);
    section.push(problem.label(why));
    None
}
