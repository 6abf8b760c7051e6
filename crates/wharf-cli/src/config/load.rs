//! Finds the file, reads it, and joins it with the environment.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

use toml::de::DeTable;

use super::{
    asked::Asked,
    environment::Environment,
    mask,
    reader::Loading,
    report::{At, ConfigError, Problem},
    settings::Settings,
};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "wharf.toml";
/// Largest file, in bytes.
const MAX_FILE_BYTES: usize = 1 << 20;

/// The settings of the file at `path`, or of `wharf.toml` in the working directory if there is one, or the defaults; with
/// what `variables` (all of the environment) and the command line override.
///
/// # Errors
/// With everything that is wrong.
pub(crate) fn load(
    path: Option<&Path>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    asked: &Asked,
) -> Result<Settings, ConfigError> {
    let (path, required) = path.map_or((Path::new(DEFAULT_FILE), false), |path| (path, true));
    let name = path.display().to_string();
    let alone = |problem: Problem| ConfigError::new(name.clone(), String::new(), vec![problem]);
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound && !required => Vec::new(),
        Err(error) => {
            return Err(alone(
                Problem::new(At::File, "can't read the configuration").label(error.to_string()),
            ));
        }
    };
    if bytes.len() > MAX_FILE_BYTES {
        let title = format!("the configuration is larger than {MAX_FILE_BYTES} bytes");
        return Err(alone(Problem::new(At::File, title)));
    }
    let source = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        alone(not_utf8(&error.as_bytes()[..good]))
    })?;
    // Paths in the file are meant as seen from the file, whatever the working directory of the service is.
    let folder = path.parent().unwrap_or(Path::new(""));
    check(&name, &source, folder, variables, asked)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Points at the first byte that is none of a text, behind this good beginning.
fn not_utf8(good: &[u8]) -> Problem {
    let good = String::from_utf8_lossy(good);
    let line = good.matches('\n').count() + 1;
    let column = good.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Problem::new(At::Position(line, column), "the configuration is not UTF-8")
        .label("save it as UTF-8, as TOML demands")
}

/// Checks the text of a file.
pub(super) fn check(
    name: &str,
    source: &str,
    folder: &Path,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    asked: &Asked,
) -> Result<Settings, ConfigError> {
    let (root, errors) = DeTable::parse_recoverable(source);
    if !errors.is_empty() {
        return Err(ConfigError::new(
            name.to_owned(),
            mask::unparsed(source),
            syntax(source, &errors),
        ));
    }
    let mut problems = Vec::new();
    let mut environment = Environment::new(variables, &mut problems);
    asked.override_keys(root.get_ref(), &mut environment);
    let mut loading = Loading::new(Some(root.get_ref()), folder, environment, problems);
    let mut settings = Settings::read(&mut loading);
    asked.select(&mut settings.servers, &mut loading.problems);
    loading.refuse_unknown_overrides();
    let (problems, masked) = loading.finish(source);
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(ConfigError::new(name.to_owned(), masked, problems))
    }
}

/// What the parser says, once per line: after its first complaint about a line it often only repeats itself.
fn syntax(source: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let ends: Vec<usize> = source.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| ends.partition_point(|end| *end < at);
    let mut lines = BTreeSet::new();
    errors
        .iter()
        .filter(|error| lines.insert(error.span().map(|span| line(span.start))))
        .map(|error| {
            let at = error.span().map_or(At::File, At::Span);
            Problem::new(at, "not valid TOML").label(error.message())
        })
        .collect()
}
