//! Which folders are served, and within what bounds.

use std::path::PathBuf;

use crate::{error::FilesError, limits::Limits};

/// The most folders that one server serves.
pub const MAX_ROOTS: usize = 64;
/// The longest name of a root, in bytes.
pub const MAX_ROOT_NAME_BYTES: usize = 64;

/// One folder that is served, under the name by which callers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootSettings {
    /// 1 to 64 of `A-Z a-z 0-9 . _ -`, beginning with a letter or a digit.
    pub name: String,
    /// The folder on this machine. Callers never learn it.
    pub folder: PathBuf,
}

impl RootSettings {
    /// `folder` under `name`.
    pub fn new(name: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), folder: folder.into() }
    }
}

/// What a server of files serves, and within what bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesSettings {
    /// The folders, in the order in which they are listed.
    pub roots: Vec<RootSettings>,
    /// What one request may ask, cost and return.
    pub limits: Limits,
}

impl FilesSettings {
    /// These folders, with the default limits.
    pub fn new(roots: impl IntoIterator<Item = RootSettings>) -> Self {
        Self { roots: roots.into_iter().collect(), limits: Limits::default() }
    }

    /// Checks everything that can be checked without touching a file.
    ///
    /// # Errors
    /// [`FilesError::InvalidArgument`] names the setting that cannot be used.
    pub fn check(&self) -> Result<(), FilesError> {
        self.limits.check()?;
        if self.roots.is_empty() || self.roots.len() > MAX_ROOTS {
            return Err(FilesError::invalid(
                "roots",
                format!("must name 1 to {MAX_ROOTS} folders to serve"),
            ));
        }
        for (index, root) in self.roots.iter().enumerate() {
            if !is_root_name(&root.name) {
                let rule = format!(
                    "a name must be 1 to {MAX_ROOT_NAME_BYTES} of A-Z, a-z, 0-9, '.', '_' and '-', beginning with a letter or \
                     a digit"
                );
                return Err(FilesError::invalid("roots", rule));
            }
            if self.roots[..index].iter().any(|other| other.name == root.name) {
                let rule = format!("the name {:?} is used twice; give one another name", root.name);
                return Err(FilesError::invalid("roots", rule));
            }
        }
        Ok(())
    }
}

/// Whether `name` can be the first part of a path that callers write.
#[must_use]
pub fn is_root_name(name: &str) -> bool {
    (1..=MAX_ROOT_NAME_BYTES).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_need_distinct_plain_names() {
        #[track_caller]
        fn check(names: &[&str], expected: bool) {
            let roots = names.iter().map(|name| RootSettings::new(*name, "/x"));
            assert_eq!(FilesSettings::new(roots).check().is_ok(), expected, "{names:?}");
        }
        check(&["docs"], true);
        check(&["docs", "a.b-c_d", "9"], true);
        check(&[&"x".repeat(64)], true);
        check(&[&"x".repeat(65)], false);
        check(&[], false);
        check(&["docs", "docs"], false);
        for bad in ["", ".", "..", ".hidden", "a/b", "a b", "ü", "a\0", "-a"] {
            check(&[bad], false);
        }
    }

    #[test]
    fn the_number_of_roots_is_bounded() {
        let many = |count: usize| {
            FilesSettings::new((0..count).map(|at| RootSettings::new(format!("r{at}"), "/x")))
        };
        assert!(many(MAX_ROOTS).check().is_ok());
        assert!(many(MAX_ROOTS + 1).check().is_err());
    }
}
