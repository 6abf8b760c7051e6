//! One folder that is served, held open by handle.
//!
//! Every access starts from the handle and is resolved by the kernel in one step (`openat2` with `RESOLVE_BENEATH` and
//! `RESOLVE_NO_MAGICLINKS` through cap-std), so that nobody who renames or links things meanwhile can lead it outside: there
//! is no moment between a check and its use. Absolute links are refused even where they point back inside.
//!
//! Opens regular files and directories only, and without waiting: a FIFO, a socket or a device is refused by its type, and
//! should it take the place of a file after that, the opening does not block and the type is checked again on the handle.

use std::{fs::File, io};

use cap_std::{
    ambient_authority,
    fs::{Dir, FileType, FileTypeExt, Metadata, MetadataExt, OpenOptions, OpenOptionsExt},
};
use rustix::{fs::OFlags, io::Errno};

use super::path::TreePath;
use crate::{error::FilesError, settings::RootSettings};

pub(crate) struct Root {
    name: String,
    dir: Dir,
}

impl Root {
    /// Opens the folder. What is at its place later does not matter: the handle stays with the folder itself.
    pub(crate) fn open(settings: &RootSettings) -> Result<Self, FilesError> {
        let dir =
            Dir::open_ambient_dir(&settings.folder, ambient_authority()).map_err(|error| {
                FilesError::Unavailable {
                    what: format!("the root {:?}", settings.name),
                    reason: "its folder cannot be opened; check that it exists and may be read"
                        .into(),
                    detail: format!("{}: {error}", settings.folder.display()),
                }
            })?;
        Ok(Self { name: settings.name.clone(), dir })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the folder still exists and can be listed.
    pub(crate) fn check(&self) -> Result<(), FilesError> {
        let gone = |detail: String| FilesError::Unavailable {
            what: format!("the root {:?}", self.name),
            reason: "its folder was removed or may not be listed; restore it and restart".into(),
            detail,
        };
        let metadata = self.dir.dir_metadata().map_err(|error| gone(error.to_string()))?;
        if metadata.nlink() == 0 {
            return Err(gone("the folder has no links left".into()));
        }
        self.dir.entries().map(drop).map_err(|error| gone(error.to_string()))
    }

    /// What is at `path`, links followed.
    pub(crate) fn stat(&self, path: &TreePath) -> Result<Metadata, FilesError> {
        self.dir.metadata(path.below()).map_err(|error| refusal(path, &error))
    }

    /// What is at the end of a link, if that is inside the root.
    pub(crate) fn stat_target(
        &self,
        directory: &TreePath,
        name: &std::ffi::OsStr,
    ) -> Option<Metadata> {
        self.dir.metadata(directory.below().join(name)).ok()
    }

    /// Whether this itself is a link, wherever it leads.
    pub(crate) fn is_link(&self, path: &TreePath) -> bool {
        self.dir.symlink_metadata(path.below()).is_ok_and(|found| found.is_symlink())
    }

    /// Opens a directory for listing.
    pub(crate) fn open_directory(&self, path: &TreePath) -> Result<Dir, FilesError> {
        self.dir.open_dir(path.below()).map_err(|error| refusal(path, &error))
    }

    /// Opens a regular file for reading, without ever waiting for another process.
    pub(crate) fn open_file(&self, path: &TreePath) -> Result<(File, Metadata), FilesError> {
        // Before opening, because opening alone can already act: some devices rewind or arm a watchdog.
        require_file(path, self.stat(path)?.file_type())?;
        let mut options = OpenOptions::new();
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.read(true).custom_flags(flags.bits().cast_signed());
        let file =
            self.dir.open_with(path.below(), &options).map_err(|error| refusal(path, &error))?;
        let metadata = file.metadata().map_err(|error| refusal(path, &error))?;
        require_file(path, metadata.file_type())?;
        Ok((file.into_std(), metadata))
    }
}

fn require_file(path: &TreePath, kind: FileType) -> Result<(), FilesError> {
    let path = path.shown();
    if kind.is_file() {
        Ok(())
    } else if kind.is_dir() {
        Err(FilesError::IsADirectory { path })
    } else {
        Err(FilesError::Special { path, what: special_name(kind) })
    }
}

fn special_name(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "a special file"
    }
}

/// Why the kernel, or cap-std in its place, refused.
pub(crate) fn refusal(path: &TreePath, error: &io::Error) -> FilesError {
    let shown = path.shown();
    let Some(errno) = Errno::from_io_error(error) else {
        // cap-std's own refusal has no number: "a path led outside of the filesystem".
        return match error.kind() {
            io::ErrorKind::PermissionDenied => FilesError::Outside { path: shown },
            _ => unreadable(path, error),
        };
    };
    match errno {
        Errno::NOENT => FilesError::NotFound { path: shown, suggestions: Vec::new() },
        Errno::ACCESS | Errno::PERM => FilesError::Denied { path: shown },
        Errno::NOTDIR => FilesError::NotADirectory { path: shown },
        Errno::ISDIR => FilesError::IsADirectory { path: shown },
        Errno::XDEV => FilesError::Outside { path: shown },
        // What opening a socket, or a FIFO or device without its other end, comes to.
        Errno::NXIO | Errno::NODEV => FilesError::Special { path: shown, what: "a special file" },
        Errno::LOOP => FilesError::invalid(
            "path",
            "goes through too many symbolic links or in a circle; choose another path",
        ),
        Errno::NAMETOOLONG => FilesError::invalid("path", "is longer than the file system allows"),
        _ => unreadable(path, error),
    }
}

pub(crate) fn unreadable(path: &TreePath, error: &io::Error) -> FilesError {
    FilesError::Unavailable {
        what: crate::error::shown(&path.shown()),
        reason: "the file system reported a failure; try again, or tell the operator".into(),
        detail: error.to_string(),
    }
}
