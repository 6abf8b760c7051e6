//! Paths that begin with what a person has typed so far.

use super::{list, path::TreePath, root::Root, stop::Stop};
use crate::{error::FilesError, limits::Limits};

/// Candidates at most (specification, server/utilities/completion).
pub(crate) const MAX_CANDIDATES: usize = 100;

/// The roots that begin with `typed`.
pub(crate) fn roots(roots: &[Root], typed: &str) -> Vec<String> {
    let named = roots.iter().map(Root::name).filter(|name| name.starts_with(typed));
    named.take(MAX_CANDIDATES).map(|name| format!("{name}/")).collect()
}

/// The entries of `directory` whose names begin with `prefix`; directories end in a slash.
pub(crate) fn entries(
    root: &Root,
    directory: &TreePath,
    prefix: &str,
    limits: &Limits,
    stop: &Stop,
) -> Result<Vec<String>, FilesError> {
    let handle = root.open_directory(directory)?;
    let wanted = |name: &[u8]| {
        name.starts_with(prefix.as_bytes())
            && (prefix.starts_with('.') || name.first() != Some(&b'.'))
    };
    let names = list::first_names(&handle, directory, MAX_CANDIDATES, wanted, limits, stop)?;
    let shown = directory.shown();
    let mut candidates = Vec::with_capacity(names.len());
    for name in names {
        stop.check()?;
        // A name that is not UTF-8 cannot be written in a path.
        let Ok(name) = String::from_utf8(name) else { continue };
        let is_directory =
            root.stat_target(directory, name.as_ref()).is_some_and(|found| found.is_dir());
        candidates.push(format!("{shown}/{name}{}", if is_directory { "/" } else { "" }));
    }
    Ok(candidates)
}
