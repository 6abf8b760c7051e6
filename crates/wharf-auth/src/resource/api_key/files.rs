//! Files that hold secrets: read within bounds, replaced as a whole, closed to others.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use secrecy::zeroize::Zeroizing;

use super::store::StoreError;

/// What others than its owner must not be able to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Neither read nor write it; a group may read it, since that is how orchestrators hand secrets to a service.
    Private,
    /// Not write it.
    NotWritten,
}

/// Which file stands at a path, and in which state: any change by rename or in place gives another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    length: u64,
    modified: Option<std::time::SystemTime>,
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Identity {
    /// None for a file that can't be looked at.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        Some(Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode,
        })
    }
}

/// The content of a file.
pub(super) fn read(
    path: &Path,
    limit: u64,
    access: Access,
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let failed = |error| StoreError::File { what: "read", path: path.to_owned(), error };
    // Before it is opened, since opening a pipe waits for whoever writes to it.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")));
    }
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    refuse_exposed(path, &metadata, access)?;
    // Reserved at once, so that no copies of a secret are left behind by growing.
    let room = usize::try_from(metadata.len().min(limit)).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        let message = format!("it has more than {limit} bytes");
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, metadata: &fs::Metadata, access: Access) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt;
    let (others, by) = match access {
        Access::Private => (0o027, "read or written"),
        Access::NotWritten => (0o022, "written"),
    };
    if metadata.mode() & others == 0 {
        return Ok(());
    }
    Err(StoreError::Exposed { path: path.to_owned(), by })
}

/// Elsewhere files have no such bits, and the folder has to be protected by whoever chose it.
#[cfg(not(unix))]
fn refuse_exposed(_: &Path, _: &fs::Metadata, _: Access) -> Result<(), StoreError> {
    Ok(())
}

/// Puts a file with this content in place, so that readers see the old or the new one, also after a power failure.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    // Only who holds the lock writes here, so what is left from a writer that died can go.
    let new = PathBuf::from(name);
    let failed = |error| StoreError::File { what: "write", path: path.to_owned(), error };
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let written = (|| {
        let mut file = private().create_new(true).open(&new)?;
        file.write_all(content)?;
        keep_owner(path, &file)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        sync_folder(path)
    })();
    written.map_err(|error| {
        drop(fs::remove_file(&new));
        failed(error)
    })
}

/// Gives a file the owner and mode of the one that it replaces: an administrator who revokes a key must not take the file
/// away from the service that reads it.
#[cfg(unix)]
fn keep_owner(path: &Path, new: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let old = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        old => old?,
    };
    let own = new.metadata()?;
    if (old.uid(), old.gid()) != (own.uid(), own.gid()) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(fs::Permissions::from_mode(old.mode() & 0o640))
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

/// Makes the new name last; only Unix lets a folder be opened for that.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Waits until nobody else holds the lock; it is released when the file is closed, also by the death of the process.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let failed = |error| StoreError::File { what: "lock", path: path.to_owned(), error };
    let file = private().create(true).open(path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

/// Options for a file that only its owner may open.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}
