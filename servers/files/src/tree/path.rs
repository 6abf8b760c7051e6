//! Paths as callers write them: the name of a root, then names separated by `/`.
//!
//! Parsing bounds a path and splits off its root. It decides nothing about safety: whether `..` or a link leads out of the
//! root is known only to the kernel at the moment of opening, and is decided there ([`super::root`]).

use std::path::{Path, PathBuf};

use crate::{error::FilesError, limits::Limits};

/// The longest name that a file can have on Linux, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// A bounded path below a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreePath {
    root: String,
    names: Vec<String>,
}

impl TreePath {
    /// Reads `docs/guide/start.md`. Empty names and `.` are dropped, `..` is kept for the kernel to judge.
    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Self, FilesError> {
        let bad = |message: String| Err(FilesError::invalid("path", message));
        if text.len() > limits.max_path_bytes {
            return bad(format!("must have at most {} bytes", limits.max_path_bytes));
        }
        if text.contains('\0') {
            return bad("must not contain a NUL character".into());
        }
        if text.starts_with('/') {
            return bad("begins with the name of a root, such as \"docs/a.txt\", not with '/'; \
                 list_directory without a path lists the roots"
                .into());
        }
        let mut names = text.split('/').filter(|name| !name.is_empty() && *name != ".");
        let Some(root) = names.next() else {
            return bad(
                "must begin with the name of a root; list_directory without a path lists the roots"
                    .into(),
            );
        };
        let names: Vec<String> = names.map(str::to_owned).collect();
        if names.len() > limits.max_depth {
            return bad(format!("must have at most {} names after its root", limits.max_depth));
        }
        if names.iter().any(|name| name.len() > MAX_NAME_BYTES) {
            return bad(format!("each name must have at most {MAX_NAME_BYTES} bytes"));
        }
        Ok(Self { root: root.to_owned(), names })
    }

    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The last name; the root's for a root.
    pub(crate) fn name(&self) -> &str {
        self.names.last().unwrap_or(&self.root)
    }

    /// The part below the root, relative to its handle.
    pub(crate) fn below(&self) -> PathBuf {
        below(&self.names)
    }

    /// As callers write it.
    pub(crate) fn shown(&self) -> String {
        std::iter::once(&self.root)
            .chain(&self.names)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("/")
    }

    /// The first `count` names below the same root.
    pub(crate) fn ancestor(&self, count: usize) -> Self {
        Self { root: self.root.clone(), names: self.names[..count].to_vec() }
    }
}

/// These names as one relative path; `.` for none.
fn below(names: &[String]) -> PathBuf {
    if names.is_empty() {
        return Path::new(".").to_owned();
    }
    names.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_root_and_names() {
        #[track_caller]
        fn check(text: &str, expected: Option<(&str, &str)>) {
            let path = TreePath::parse(text, &Limits::default()).ok();
            let parts =
                path.map(|path| (path.root().to_owned(), path.below().display().to_string()));
            let expected = expected.map(|(root, below)| (root.to_owned(), below.to_owned()));
            assert_eq!(parts, expected, "{text:?}");
        }
        check("docs", Some(("docs", ".")));
        check("docs/", Some(("docs", ".")));
        check("./docs//a/./b/", Some(("docs", "a/b")));
        check("docs/a/../b", Some(("docs", "a/../b")));
        check("docs/..", Some(("docs", "..")));
        check("../x", Some(("..", "x")));
        check("docs/a\nb c%25", Some(("docs", "a\nb c%25")));
        check("docs\\..\\x", Some(("docs\\..\\x", ".")));
        for bad in ["", ".", "//", "/", "/etc/passwd", "docs/a\0b", "\0"] {
            check(bad, None);
        }
    }

    #[test]
    fn paths_are_bounded() {
        let limits = Limits { max_path_bytes: 600, max_depth: 3, ..Limits::default() };
        let parse = |text: &str| TreePath::parse(text, &limits).is_ok();
        assert!(parse("r/a/b/c") && !parse("r/a/b/c/d") && !parse("r/../../../.."));
        assert!(
            parse(&format!("r/{}", "n".repeat(255))) && !parse(&format!("r/{}", "n".repeat(256)))
        );
        assert!(
            parse(&format!("r{}", "/".repeat(599))) && !parse(&format!("r{}", "/".repeat(600)))
        );
    }
}
