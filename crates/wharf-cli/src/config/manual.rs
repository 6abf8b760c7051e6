//! The manual, `docs/CONFIG.md`, from the tables of keys.

use std::fmt::Write as _;

use super::{
    field::{Describe, Section, Shape},
    kind::{Facts, Written},
    settings::SECTIONS,
};

const INTRODUCTION: &str = "\
# Configuration

<!-- Generated from the tables in crates/wharf-cli/src/config. Change those, then run:
WHARF_UPDATE=1 cargo test -p wharf-cli config_manual -->

`wharf serve --config FILE` reads a TOML file; without `--config`, `wharf.toml` in the working directory is read if there is
one. Every key is optional unless it says otherwise. Unknown keys and bad values stop the start, all reported at once.

- **Environment overrides:** `WHARF__HTTP__LISTEN=0.0.0.0:8080` overrides `listen` in `[http]`. Sections and keys are
  separated by two underscores, and case does not matter. Lists are separated by commas; an empty value removes an
  optional one. Server names have hyphens where the variable has underscores: `WHARF__SERVERS__MY_DB__PATH` is `path` in
  `[servers.my-db]`, and `WHARF__SERVERS__MY_DB__TOOLS__LIST_TABLES__RATE` is `rate` in `[servers.my-db.tools.list_tables]`.
- **Options:** `wharf serve SERVER` and `wharf stdio SERVER` run one server. Its keys are options too: `--row-limit 50` is
  `row_limit`. Options stand above the environment, and the environment above the file.
- **References:** `${NAME}` in a string of the file is replaced by that environment variable, `${NAME:-default}` by the
  default if the variable is unset or empty. `$${` is a plain `${`. Numbers and booleans may be references in quotes:
  `queue = \"${QUEUE}\"`.
- **Secrets:** `file:/run/secrets/key` as the value of a secret key is replaced by the content of that file, without its
  last line break. Secrets appear in no error and no log.
- **Durations** are a number and `ms`, `s`, `m` or `h`. **Sizes** are a number and `B`, `KiB`, `MiB` or `GiB`; without a
  unit they are bytes.
- **Relative paths** in the file start at the folder of the file, those in variables at the working directory.

Without any `[servers.<name>]` the demo runs: `calculator`, `database` with its sample data and, in a checkout of this
project, `files` over its documents.
";

/// The manual in Markdown: every key with its type, default and meaning.
pub(crate) fn manual() -> String {
    let mut out = INTRODUCTION.to_owned();
    let mut last = "";
    for section in SECTIONS {
        if section.path != last {
            // Writing to a String can't fail.
            let _ = write!(out, "\n## `[{}]`\n", section.path);
        }
        last = section.path;
        describe(section, &mut out);
        for below in section.below {
            // Writing to a String can't fail.
            let _ = write!(out, "\n### `[{}]`\n", below.path);
            describe(below, &mut out);
        }
    }
    out
}

fn describe(section: &Section, out: &mut String) {
    if let Some(outer) = section.outer() {
        let keys: Vec<String> = section.keys().map(|key| format!("`{key}`")).collect();
        let keys = keys.join(", ");
        let _ = write!(
            out,
            "\n{} Its keys are those of `[{outer}]` ({keys}); what is not written is as it is there.\n",
            section.text
        );
        return;
    }
    let _ = write!(out, "\n{}\n\n", section.text);
    out.push_str("| Key | Type | Default | Meaning |\n|---|---|---|---|\n");
    for field in section.fields {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            field.key(),
            type_of(*field),
            default(*field),
            field.text()
        );
    }
}

fn type_of(field: &dyn Describe) -> String {
    let facts = field.facts();
    let name = if facts.choices.is_empty() {
        facts.name.to_owned()
    } else {
        let choices: Vec<String> =
            facts.choices.iter().map(|choice| format!("`\"{choice}\"`")).collect();
        choices.join(" or ")
    };
    if field.shape().is_list() { format!("list: {name}") } else { name }
}

fn default(field: &dyn Describe) -> String {
    match field.shape() {
        Shape::One(text) => format!("`{}`", literal(field.facts(), text)),
        Shape::Required => "required".to_owned(),
        Shape::Optional => "none".to_owned(),
        Shape::List => "`[]`".to_owned(),
        Shape::ListOr(texts) => {
            let texts: Vec<String> =
                texts.iter().map(|text| literal(field.facts(), text)).collect();
            format!("`[{}]`", texts.join(", "))
        }
    }
}

/// A default as it would stand in the file.
fn literal(facts: &Facts, text: &str) -> String {
    match facts.written {
        Written::Integer | Written::Boolean => text.to_owned(),
        Written::String | Written::StringOrInteger => format!("\"{text}\""),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn config_manual_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CONFIG.md");
        let manual = super::manual();
        if std::env::var_os("WHARF_UPDATE").is_some() {
            std::fs::write(&path, &manual).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == manual,
            "docs/CONFIG.md is out of date; run: WHARF_UPDATE=1 cargo test -p wharf-cli config_manual"
        );
    }
}
