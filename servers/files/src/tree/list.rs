//! Listing a directory, page by page, in the byte order of its names.
//!
//! A page is found by one pass over the names that keeps only the page, so a directory of any size costs the same memory.
//! What appears or disappears between two pages never moves another entry: a page begins after a name, not at a number.

use std::{
    collections::BinaryHeap,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use cap_std::fs::{Dir, FileType, Metadata};
use schemars::JsonSchema;
use serde::Serialize;

use super::{cursor, mime, path::TreePath, root, root::Root, stop::Stop, time};
use crate::{error::FilesError, limits::Limits};

/// How many names are looked at between two questions whether to stop.
const NAMES_PER_CHECK: usize = 1_024;

/// One page of a directory, as a caller asks for it.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// The directory; `None` for the roots.
    pub path: Option<String>,
    /// Where the page begins; `None` for the first.
    pub cursor: Option<String>,
    /// Entries wanted at most; `None` takes the default.
    pub limit: Option<usize>,
    /// Whether names that begin with a dot are listed.
    pub include_hidden: bool,
}

/// One page of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct DirectoryPage {
    /// The directory; absent for the list of roots. The path of an entry is this, a slash and its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// In the byte order of their names.
    pub entries: Vec<Entry>,
    /// Pass this as cursor for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What something in a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A FIFO, a socket or a device. Cannot be read.
    Special,
}

/// Something in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// For a symlink: what it leads to. Absent where that is outside the root, or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Kind>,
    /// Size in bytes, of a file or of the file that a symlink leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// When it was last changed, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// MIME type, as its name suggests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// True where the name is not UTF-8 and shown with replacements: such an entry cannot be named in a path.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unreadable_name: bool,
}

/// The roots, as a directory of directories.
pub(crate) fn roots(roots: &[Root]) -> DirectoryPage {
    let entries = roots.iter().map(|root| Entry::new(root.name().to_owned(), Kind::Directory));
    DirectoryPage { path: None, entries: entries.collect(), next_cursor: None }
}

/// One page of the directory at `path`.
pub(crate) fn page(
    root: &Root,
    path: &TreePath,
    request: &ListRequest,
    limits: &Limits,
    stop: &Stop,
) -> Result<DirectoryPage, FilesError> {
    let limit = limits.page(request.limit)?;
    let shown = path.shown();
    let after = request.cursor.as_deref();
    let after = after.map(|cursor| cursor::decode(&shown, request.include_hidden, cursor));
    let after = after.transpose()?;
    let directory = root.open_directory(path)?;
    let wanted = |name: &[u8]| {
        (request.include_hidden || name.first() != Some(&b'.'))
            && after.as_deref().is_none_or(|after| name > after)
    };
    let mut names = first_names(&directory, path, limit + 1, wanted, limits, stop)?;
    let more = names.len() > limit;
    names.truncate(limit);
    let next = names.last().filter(|_| more);
    let next_cursor = next.map(|name| cursor::encode(&shown, request.include_hidden, name));
    let mut entries = Vec::with_capacity(names.len());
    for (index, name) in names.into_iter().enumerate() {
        if index % 64 == 0 {
            stop.check()?;
        }
        entries.extend(entry(root, path, &directory, OsString::from_vec(name)));
    }
    Ok(DirectoryPage { path: Some(shown), entries, next_cursor })
}

/// The first `count` wanted names of a directory, in order.
pub(crate) fn first_names(
    directory: &Dir,
    path: &TreePath,
    count: usize,
    wanted: impl Fn(&[u8]) -> bool,
    limits: &Limits,
    stop: &Stop,
) -> Result<Vec<Vec<u8>>, FilesError> {
    let entries = directory.entries().map_err(|error| root::refusal(path, &error))?;
    let mut kept: BinaryHeap<Vec<u8>> = BinaryHeap::with_capacity(count + 1);
    for (seen, entry) in entries.enumerate() {
        if seen % NAMES_PER_CHECK == 0 {
            stop.check()?;
        }
        if seen >= limits.max_scanned_entries {
            return Err(FilesError::TooLarge {
                what: format!("the number of entries in {}", crate::error::shown(&path.shown())),
                limit: format!("{} entries", limits.max_scanned_entries),
                advice: "list a directory below it, or read a file whose path you know".into(),
            });
        }
        let name = entry.map_err(|error| root::unreadable(path, &error))?.file_name();
        let name = name.as_bytes();
        if !wanted(name)
            || (kept.len() >= count && kept.peek().is_some_and(|last| name >= &last[..]))
        {
            continue;
        }
        kept.push(name.to_vec());
        if kept.len() > count {
            kept.pop();
        }
    }
    Ok(kept.into_sorted_vec())
}

/// What has this name now; None when it has just gone.
fn entry(root: &Root, path: &TreePath, directory: &Dir, name: OsString) -> Option<Entry> {
    let metadata = directory.symlink_metadata(&name).ok()?;
    let kind = Kind::of(metadata.file_type());
    // From the root's handle: a link may lead elsewhere within the root.
    let target = (kind == Kind::Symlink).then(|| root.stat_target(path, &name)).flatten();
    let mut entry = Entry::new(name.to_string_lossy().into_owned(), kind);
    entry.target = target.as_ref().map(|target| Kind::of(target.file_type()));
    entry.unreadable_name = name.to_str().is_none();
    describe(&mut entry, &name, target.as_ref().unwrap_or(&metadata));
    Some(entry)
}

fn describe(entry: &mut Entry, name: &OsStr, metadata: &Metadata) {
    entry.modified = metadata.modified().ok().and_then(|time| time::rfc3339(time.into_std()));
    if metadata.is_file() {
        entry.size_bytes = Some(metadata.len());
        entry.mime_type = name.to_str().and_then(mime::of_name).map(str::to_owned);
    }
}

impl Entry {
    fn new(name: String, kind: Kind) -> Self {
        Self {
            name,
            kind,
            target: None,
            size_bytes: None,
            modified: None,
            mime_type: None,
            unreadable_name: false,
        }
    }
}

impl Kind {
    fn of(kind: FileType) -> Self {
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Directory
        } else if kind.is_symlink() {
            Self::Symlink
        } else {
            Self::Special
        }
    }
}
