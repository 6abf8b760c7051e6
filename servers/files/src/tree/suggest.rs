//! What a caller may have meant who named something that is not there.

use super::{path::TreePath, root::Root, stop::Stop};
use crate::{error::FilesError, names::NearNames};

/// The most names that are compared: a suggestion is a courtesy and must stay cheap.
const MAX_COMPARED: usize = 2_000;

/// `error` with existing paths close to the missing one, if that is what it is about.
pub(crate) fn improve(error: FilesError, root: &Root, path: &TreePath, stop: &Stop) -> FilesError {
    match error {
        FilesError::NotFound { path: shown, .. } if root.is_link(path) => FilesError::invalid(
            "path",
            format!(
                "{} is a symbolic link to something that does not exist; choose another path",
                crate::error::shown(&shown)
            ),
        ),
        FilesError::NotFound { path: shown, .. } => {
            FilesError::NotFound { path: shown, suggestions: near(root, path, stop) }
        }
        other => other,
    }
}

/// Names like the first missing one, beside it. Nothing on any failure: the caller has an error already.
fn near(root: &Root, path: &TreePath, stop: &Stop) -> Vec<String> {
    for count in (0..path.names().len()).rev() {
        let parent = path.ancestor(count);
        let Ok(directory) = root.open_directory(&parent) else { continue };
        let Ok(entries) = directory.entries() else { return Vec::new() };
        let wrong = &path.names()[count];
        let mut near = NearNames::new(wrong);
        for entry in entries.take(MAX_COMPARED).flatten() {
            if stop.check().is_err() {
                return Vec::new();
            }
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            // Hidden names are shown to those who ask for hidden ones.
            if !name.starts_with('.') || wrong.starts_with('.') {
                near.see(name);
            }
        }
        let prefix = parent.shown();
        return near.into_names().into_iter().map(|name| format!("{prefix}/{name}")).collect();
    }
    Vec::new()
}
