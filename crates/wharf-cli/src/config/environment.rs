//! What overrides the file: the environment (`WHARF__HTTP__LISTEN`) and, above it, options of the command line
//! (`--listen`). And references (`${VAR}`) in string values.
//!
//! Values are held back from `Debug`: a variable may be a secret. Overrides are taken as they are, references are not
//! replaced in them, since the shell has already done so.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fmt,
};

use super::report::{At, Problem};

const PREFIX: &str = "WHARF__";

/// A variable or an option that overrides a key, under its own name.
#[derive(Clone)]
pub(super) struct Override {
    /// Options begin with two hyphens, which variables can't.
    pub(super) variable: String,
    pub(super) value: String,
}

/// The variables, and which of them override keys.
#[derive(Default)]
pub(super) struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// By the path of the key, such as `http.listen`.
    overrides: BTreeMap<String, Override>,
    used: BTreeSet<String>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

impl Environment {
    /// Sorts the variables; what claims to be an override and can't be one is a problem.
    pub(super) fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut this = Self { variables: variables.into_iter().collect(), ..Self::default() };
        for (name, value) in &this.variables {
            let variable = name.to_string_lossy().into_owned();
            let upper = variable.to_ascii_uppercase();
            let Some(path) = upper.strip_prefix(PREFIX) else { continue };
            let path = dotted(path);
            let Some(value) = value.to_str() else {
                let at = At::Variable(variable);
                problems.push(Problem::new(at, "the value of an override is not UTF-8"));
                continue;
            };
            if let Some(other) = this.overrides.get(&path) {
                let title = format!("`{path}` is overridden twice");
                let note = format!("unset this variable or {}", other.variable);
                problems.push(Problem::new(At::Variable(variable), title).label(note));
                continue;
            }
            this.overrides.insert(path, Override { variable, value: value.to_owned() });
        }
        this
    }

    /// Lets options of the command line stand above the variables.
    pub(super) fn set(&mut self, path: String, option: &str, value: &str) {
        let by = Override { variable: option.to_owned(), value: value.to_owned() };
        self.overrides.insert(path, by);
    }

    /// Whether anything overrides a key below this path.
    pub(super) fn overrides_below(&self, path: &str) -> bool {
        let below = |key: &String| key.strip_prefix(path).is_some_and(|key| key.starts_with('.'));
        self.overrides.keys().any(below)
    }

    /// The override of the key at this path.
    pub(super) fn at(&mut self, path: &str) -> Option<Override> {
        let by = self.overrides.get(path)?.clone();
        self.used.insert(path.to_owned());
        Some(by)
    }

    /// Takes everything below this path that no key has asked for, but for what belongs to the sections inside: the rest of
    /// the path, and the variable.
    pub(super) fn rest_below(&mut self, path: &str, inside: &[&str]) -> Vec<(String, String)> {
        let mut rest = Vec::new();
        for (key, by) in &self.overrides {
            let below = key.strip_prefix(path).and_then(|key| key.strip_prefix('.'));
            let is_inside = |below: &str| {
                below.split_once('.').is_some_and(|(section, _)| inside.contains(&section))
            };
            if let Some(below) = below
                && !is_inside(below)
                && self.used.insert(key.clone())
            {
                rest.push((below.to_owned(), by.variable.clone()));
            }
        }
        rest
    }

    /// Overrides that no key has asked for: the paths and names.
    pub(super) fn unused(&self) -> impl Iterator<Item = (&str, &str)> {
        let unused = self.overrides.iter().filter(|(path, _)| !self.used.contains(*path));
        unused.map(|(path, by)| (path.as_str(), by.variable.as_str()))
    }

    /// The names below a path that the overrides speak of, each with one of its variables: `db` for `servers.db.kind`.
    pub(super) fn names_below(&self, path: &str) -> BTreeMap<String, String> {
        let name = |key: &str| {
            let below = key.strip_prefix(path)?.strip_prefix('.')?;
            below.split_once('.').map(|(name, _)| name.to_owned())
        };
        self.overrides
            .iter()
            .filter_map(|(key, by)| Some((name(key)?, by.variable.clone())))
            .collect()
    }

    /// Replaces the references in `text`, and names them.
    ///
    /// # Errors
    /// With what is wrong, never with a value.
    pub(super) fn expand(&self, text: &str) -> Result<Expanded, String> {
        let mut out = Expanded { text: String::with_capacity(text.len()), variables: Vec::new() };
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, reference) = (&rest[..at], &rest[at + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                out.text.push_str(before);
                out.text.push_str("${");
                rest = reference;
                continue;
            }
            out.text.push_str(before);
            let (inside, after) = reference
                .split_once('}')
                .ok_or("`${` without `}`; write `$${` for a plain `${`")?;
            let (name, default) =
                inside.split_once(":-").map_or((inside, None), |(name, text)| (name, Some(text)));
            out.text.push_str(self.lookup(name, default)?);
            out.variables.push(name.to_owned());
            rest = after;
        }
        out.text.push_str(rest);
        Ok(out)
    }

    fn lookup<'a>(&'a self, name: &str, default: Option<&'a str>) -> Result<&'a str, String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return Err("expected a variable such as `${NAME}` or `${NAME:-default}`".into());
        }
        let value = self.variables.get(OsStr::new(name));
        match (value, default) {
            // As in a shell: `:-` also stands in for an empty variable.
            (Some(value), Some(default)) if value.is_empty() => Ok(default),
            (Some(value), _) => {
                value.to_str().ok_or_else(|| format!("the variable `{name}` is not UTF-8"))
            }
            (None, Some(default)) => Ok(default),
            (None, None) => Err(format!(
                "the variable `{name}` is not set; set it, or write `${{{name}:-default}}`"
            )),
        }
    }
}

/// A value whose references have been replaced.
pub(super) struct Expanded {
    pub(super) text: String,
    /// The variables that it named.
    pub(super) variables: Vec<String>,
}

/// `HTTP__LISTEN` as `http.listen`. Server names have hyphens, which variables can't have: `SERVERS__MY_DB__KIND` is
/// `servers.my-db.kind`.
fn dotted(path: &str) -> String {
    let path = path.to_ascii_lowercase();
    let mut parts: Vec<String> = path.split("__").map(str::to_owned).collect();
    if let [section, name, ..] = parts.as_mut_slice()
        && section == "servers"
    {
        *name = name.replace('_', "-");
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> (Environment, Vec<Problem>) {
        let mut problems = Vec::new();
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        (Environment::new(variables, &mut problems), problems)
    }

    #[test]
    fn references_are_replaced() {
        let (environment, _) = environment(&[("A", "1"), ("EMPTY", ""), ("TRICK", "${A}")]);
        let check = |text: &str, expected: Result<&str, &str>| {
            let result = environment.expand(text).map(|expanded| expanded.text);
            assert_eq!(result, expected.map(str::to_owned).map_err(str::to_owned), "{text:?}");
        };
        check("plain $A $ {A}", Ok("plain $A $ {A}"));
        check("${A}", Ok("1"));
        check("x${A}y${A}z", Ok("x1y1z"));
        check("${EMPTY}", Ok(""));
        check("${EMPTY:-d}${NONE:-e}${A:-f}", Ok("de1"));
        check("${NONE:-}", Ok(""));
        check("$${A}", Ok("${A}"));
        check("$$${A}", Ok("$${A}"));
        check("é${A}é", Ok("é1é"));
        // A value is not read again: whoever sets a variable can't reach another one.
        check("${TRICK}", Ok("${A}"));
        check("${A", Err("`${` without `}`; write `$${` for a plain `${`"));
        check("${}", Err("expected a variable such as `${NAME}` or `${NAME:-default}`"));
        check("${a b}", Err("expected a variable such as `${NAME}` or `${NAME:-default}`"));
        check("${B}", Err("the variable `B` is not set; set it, or write `${B:-default}`"));
    }

    #[test]
    fn overrides_are_found_in_any_case() {
        let (mut environment, problems) = environment(&[
            ("WHARF__HTTP__LISTEN", "a"),
            ("wharf__limits__Queue", "b"),
            ("WHARF__SERVERS__MY_DB__ROW_LIMIT", "c"),
            ("WHARF_UPDATE", "d"),
            ("PATH", "e"),
        ]);
        assert_eq!(problems, []);
        assert!(environment.names_below("servers").contains_key("my-db"));
        for (path, expected) in [
            ("http.listen", Some("a")),
            ("limits.queue", Some("b")),
            ("servers.my-db.row_limit", Some("c")),
            ("update", None),
        ] {
            assert_eq!(environment.at(path).map(|by| by.value).as_deref(), expected, "{path}");
        }
        assert_eq!(environment.unused().count(), 0);
    }
}
