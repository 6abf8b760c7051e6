//! One value on its way from the file or the environment to its kind.
//!
//! Here references are replaced and `file:` secrets are read. No error repeats what came out of either.

use std::{fs::File, io::Read, ops::Range, path::Path};

use secrecy::{
    ExposeSecret, SecretString,
    zeroize::{Zeroize, Zeroizing},
};
use toml::{Spanned, de::DeValue};

use super::{
    environment::{Environment, Override},
    kind::{Facts, Kind, Written},
    report::{At, Problem},
};

/// Largest file behind `file:`, in bytes.
const MAX_SECRET_BYTES: usize = 64 * 1024;
/// Longest value of a variable that a report quotes, in characters.
const MAX_QUOTED_CHARS: usize = 80;

/// What was given for a key.
pub(super) enum Values<'d> {
    Items(Vec<Item<'d>>),
    /// A list was wanted, and this stands there.
    NoList(Range<usize>, &'static str),
}

/// One value as it was written.
pub(super) enum Item<'d> {
    File(&'d Spanned<DeValue<'d>>),
    Variable { name: String, text: Zeroizing<String> },
}

impl<'d> Values<'d> {
    pub(super) fn none() -> Self {
        Self::Items(Vec::new())
    }

    /// The value of a variable; a list has commas between its items.
    pub(super) fn of_override(by: &Override, list: bool) -> Self {
        let item = |text: &str| {
            let text = Zeroizing::new(text.to_owned());
            Item::Variable { name: by.variable.clone(), text }
        };
        if !list {
            return Self::Items(vec![item(&by.value)]);
        }
        let items = by.value.split(',').map(str::trim);
        if by.value.trim().is_empty() {
            Self::none()
        } else {
            Self::Items(items.map(item).collect())
        }
    }

    pub(super) fn of_file(value: &'d Spanned<DeValue<'d>>, list: bool) -> Self {
        match value.get_ref() {
            DeValue::Array(items) if list => Self::Items(items.iter().map(Item::File).collect()),
            other if list => Self::NoList(value.span(), article(other)),
            _ => Self::Items(vec![Item::File(value)]),
        }
    }
}

/// What a value is, as an error names it.
pub(super) fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl Item<'_> {
    pub(super) fn is_unset(&self) -> bool {
        matches!(self, Self::Variable { text, .. } if text.is_empty())
    }

    fn at(&self) -> At {
        match self {
            Self::File(value) => At::Span(value.span()),
            Self::Variable { name, .. } => At::Variable(name.clone()),
        }
    }

    /// The checked value of the key `name`. Relative paths in the file start at `folder`.
    ///
    /// # Errors
    /// With its place and what would be accepted.
    pub(super) fn parse<T>(
        &self,
        name: &str,
        kind: &Kind<T>,
        environment: &Environment,
        folder: &Path,
    ) -> Result<T, Box<Problem>> {
        let facts = &kind.facts;
        let problem = || Problem::new(self.at(), format!("invalid value for `{name}`"));
        let (text, variables) =
            self.text(facts, environment).map_err(|why| problem().label(why))?;
        let folder = if matches!(self, Self::File(_)) { folder } else { Path::new("") };
        let parsed = if facts.secret {
            secret(text, folder)
                .and_then(|secret| (kind.parse)(facts, secret.expose_secret(), folder))
        } else {
            (kind.parse)(facts, &text, folder)
        };
        parsed.map_err(|why| {
            let problem = problem().label(why);
            Box::new(match self {
                Self::Variable { text, .. } if !facts.secret => {
                    let shown: String = text.chars().take(MAX_QUOTED_CHARS).collect();
                    let more = if shown.len() < text.len() { "..." } else { "" };
                    problem.note(format!("its value is {shown:?}{more}"))
                }
                _ if !variables.is_empty() => {
                    problem.note(format!("the value comes from: {}", variables.join(", ")))
                }
                _ => problem,
            })
        })
    }

    /// The text of a value that has the right type, and the variables that it came from.
    fn text(
        &self,
        facts: &Facts,
        environment: &Environment,
    ) -> Result<(Zeroizing<String>, Vec<String>), String> {
        let value = match self {
            Self::Variable { text, .. } => return Ok((text.clone(), Vec::new())),
            Self::File(value) => value.get_ref(),
        };
        let good = |text: String| Ok((Zeroizing::new(text), Vec::new()));
        match (value, facts.written) {
            (DeValue::Boolean(flag), Written::Boolean) => good(flag.to_string()),
            (DeValue::Integer(number), Written::Integer | Written::StringOrInteger) => {
                let value = i128::from_str_radix(number.as_str(), number.radix());
                good(value.map_or_else(|_| number.to_string(), |value| value.to_string()))
            }
            (DeValue::String(text), written) => {
                let expanded = environment.expand(text)?;
                // TOML has no other place for a reference, so a number may come as one.
                let is_string = matches!(written, Written::String | Written::StringOrInteger);
                if !is_string && expanded.variables.is_empty() {
                    return Err(format!("expected {}, found a string", written.expected()));
                }
                Ok((Zeroizing::new(expanded.text), expanded.variables))
            }
            (other, written) => {
                let expected = written.expected();
                let such_as = match facts.example {
                    "" => String::new(),
                    example => format!(" such as \"{example}\""),
                };
                Err(format!("expected {expected}{such_as}, found {}", article(other)))
            }
        }
    }
}

/// The secret in this text, or in the file that it names.
fn secret(mut text: Zeroizing<String>, folder: &Path) -> Result<SecretString, String> {
    let Some(path) = text.strip_prefix("file:") else {
        return Ok(SecretString::from(std::mem::take(&mut *text)));
    };
    let path = folder.join(path);
    let shown = path.display();
    let mut content = Zeroizing::new(String::with_capacity(MAX_SECRET_BYTES + 1));
    let limit = MAX_SECRET_BYTES as u64 + 1;
    File::open(&path)
        .and_then(|file| file.take(limit).read_to_string(&mut content))
        .map_err(|error| format!("can't read the file `{shown}`: {error}"))?;
    if content.len() > MAX_SECRET_BYTES {
        return Err(format!("the file `{shown}` is larger than {MAX_SECRET_BYTES} bytes"));
    }
    let trimmed = content.strip_suffix('\n').unwrap_or(&content);
    let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
    let secret = SecretString::from(trimmed);
    content.zeroize();
    Ok(secret)
}
