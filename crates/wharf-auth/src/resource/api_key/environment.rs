//! Keys from the environment, as Python servers usually have them: `MCP_API_KEY` and `MCP_API_KEYS_FILE`.
//!
//! Their owner has chosen them, so they are looked at: a right key is served however often wrong ones were tried, which is
//! safe only if it can't be guessed. No error repeats a key, or a line that may hold one.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::{ExposeSecret, SecretString};
use wharf::{Grants, PatternError};

use super::{
    files::{self, Access},
    presented::MAX_KEY_BYTES,
    record::MAX_KEYS,
    store::StoreError,
    token::ApiKey,
};

/// Shortest key that may be chosen.
const MIN_KEY_BYTES: usize = 16;
/// Fewest different characters in it.
const MIN_DISTINCT: usize = 6;
/// Largest file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A key from the environment.
#[derive(Clone)]
pub struct EnvironmentKey {
    pub(super) key: SecretString,
    /// Where it is from; what logs call its caller.
    pub(super) name: String,
    pub(super) grants: Arc<Grants>,
}

impl fmt::Debug for EnvironmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentKey")
            .field("name", &self.name)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

/// Why keys from the environment can't be used. No message repeats a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The key of `MCP_API_KEY`.
    #[error("MCP_API_KEY: {0}")]
    Key(&'static str),
    /// A line of the file.
    #[error("MCP_API_KEYS_FILE: {}, line {line}: {reason}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The file as a whole.
    #[error("MCP_API_KEYS_FILE: {0}")]
    File(StoreError),
    /// The file is not UTF-8.
    #[error("MCP_API_KEYS_FILE: {} is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
}

impl EnvironmentKey {
    /// Where it is from; what logs call its caller.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its caller may use.
    pub fn grants(&self) -> &Arc<Grants> {
        &self.grants
    }

    /// The key of `MCP_API_KEY`, which may use everything.
    ///
    /// # Errors
    /// When it is too weak, or can't be sent in a header.
    pub fn single(key: SecretString) -> Result<Self, EnvironmentError> {
        check(key.expose_secret()).map_err(EnvironmentError::Key)?;
        Ok(Self { key, name: "MCP_API_KEY".into(), grants: Grants::all() })
    }

    /// The keys of `MCP_API_KEYS_FILE`: a line each, `key=pattern,pattern`. Empty lines and such that begin with `#` are
    /// skipped. The last `=` of a line separates, since keys may end with one.
    ///
    /// # Errors
    /// With the first line that is wrong.
    pub fn from_file(path: &Path) -> Result<Vec<Self>, EnvironmentError> {
        let bytes =
            files::read(path, MAX_FILE_BYTES, Access::Private).map_err(EnvironmentError::File)?;
        let text =
            std::str::from_utf8(&bytes).map_err(|_| EnvironmentError::NotUtf8(path.to_owned()))?;
        parse(text.strip_prefix('\u{feff}').unwrap_or(text), path)
    }
}

fn parse(text: &str, path: &Path) -> Result<Vec<EnvironmentKey>, EnvironmentError> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let mut keys: Vec<EnvironmentKey> = Vec::new();
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong =
            |reason: String| EnvironmentError::Line { path: path.to_owned(), line: number, reason };
        let (key, grants) = entry(line).map_err(wrong)?;
        if keys.len() >= MAX_KEYS {
            return Err(wrong(format!("there are more than {MAX_KEYS} keys")));
        }
        if let Some(twin) = keys.iter().position(|earlier| earlier.key.expose_secret() == key) {
            return Err(wrong(format!("the same key as in line {}", lines[twin])));
        }
        lines.push(number);
        keys.push(EnvironmentKey {
            key: SecretString::from(key),
            name: format!("{file}:{number}"),
            grants: Arc::new(grants),
        });
    }
    Ok(keys)
}

fn entry(line: &str) -> Result<(&str, Grants), String> {
    let (key, patterns) = line
        .rsplit_once('=')
        .ok_or("expected a key, = and permissions such as tools,database:*")?;
    let key = key.trim();
    check(key)?;
    if patterns.trim().is_empty() {
        return Err("a key without permissions; write * after the = for all".into());
    }
    let patterns: Vec<&str> = patterns.split(',').map(str::trim).collect();
    let grants = Grants::parse(&patterns)
        .map_err(|error: PatternError| format!("permission {}: {error}", error.index + 1))?;
    Ok((key, grants))
}

/// Whether a key can be sent and can't be guessed.
fn check(key: &str) -> Result<(), &'static str> {
    if ApiKey::has_prefix(key) && !ApiKey::is_well_formed(key) {
        return Err(
            "this begins like a key of Wharf, and its checksum is wrong: it was mistyped or cut off",
        );
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a key has ASCII characters only and no space");
    }
    if key.len() > MAX_KEY_BYTES {
        return Err("the key is longer than 512 characters");
    }
    let mut distinct: Vec<u8> = key.bytes().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if key.len() < MIN_KEY_BYTES || distinct.len() < MIN_DISTINCT {
        return Err(
            "the key could be guessed; take a random one of 16 characters or more, such as from: openssl rand -hex 32",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0123456789abcdef0123";
    const B: &str = "c2VjcmV0IGFuZCByYW5kb20==";

    fn read(text: &str) -> Result<Vec<EnvironmentKey>, EnvironmentError> {
        parse(text, Path::new("/somewhere/keys.txt"))
    }

    #[test]
    fn lines_are_keys_and_permissions() {
        let text = format!("# comment\n\n{A}=tools, database:*\r\n  {B} = * \n#{A}=tools");
        let keys = read(&text).unwrap();
        let told: Vec<_> = keys
            .iter()
            .map(|key| {
                (key.key.expose_secret(), key.name.as_str(), key.grants.patterns().collect())
            })
            .collect::<Vec<(&str, &str, Vec<String>)>>();
        assert_eq!(
            told,
            [
                (A, "keys.txt:3", vec!["database:*".to_owned(), "tools".to_owned()]),
                (B, "keys.txt:4", vec!["*".to_owned()]),
            ]
        );
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_without_the_key() {
        let check = |line: &str, expected: &str| {
            let error = read(&format!("# first\n{line}")).unwrap_err().to_string();
            assert!(error.contains("line 2: ") && error.contains(expected), "{error}");
            for secret in [A, B, "hunter2", "aaaaaaaaaaaaaaaa"] {
                assert!(!error.contains(secret), "{error}");
            }
        };
        check(A, "expected a key");
        check(&format!("{A}="), "without permissions");
        check(&format!("{A}=tools,,prompts"), "permission 2: a pattern is empty");
        check(&format!("tools={A}"), "could be guessed");
        check(&format!("{A}={B}"), "without permissions");
        check(&format!("{A}=tool"), "did you mean tools?");
        check("hunter2=*", "could be guessed");
        check("aaaaaaaaaaaaaaaa=*", "could be guessed");
        check(&format!("{A} {A}=*"), "no space");
        check(&format!("{A}é=*"), "ASCII");
        check(&format!("{}=*", A.repeat(30)), "longer");
        check(&format!("wharf_{A}=*"), "mistyped");
        let twice = read(&format!("{A}=tools\n{B}=tools\n{A}=*")).unwrap_err().to_string();
        assert!(twice.contains("line 3: the same key as in line 1"), "{twice}");
    }

    #[test]
    fn the_single_key_may_use_everything() {
        let key = EnvironmentKey::single(SecretString::from(A)).unwrap();
        assert_eq!(key.grants, Grants::all());
        assert!(!format!("{key:?}").contains(A));
        let error = EnvironmentKey::single(SecretString::from("hunter2")).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
