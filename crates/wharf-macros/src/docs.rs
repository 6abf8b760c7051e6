//! Doc comments as descriptions.
//!
//! A description is for the model that chooses: it ends at the first heading, because `# Errors` and what follows it are
//! for whoever reads the code. Lines that were only wrapped are joined again, since a line break costs a token and tells
//! nothing; lists, tables and code keep theirs.

use syn::{Attribute, Error, Expr, ExprLit, Lit, Meta, Result};

/// The text of `attributes`' doc comments; `None` where there is none.
pub(crate) fn description(attributes: &[Attribute]) -> Result<Option<String>> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let Meta::NameValue(doc) = &attribute.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &doc.value else {
            return Err(Error::new_spanned(
                &doc.value,
                "the description can't be read from this; write `description = …` in the attribute",
            ));
        };
        lines.extend(text.value().lines().map(str::to_owned));
        if text.value().is_empty() {
            lines.push(String::new());
        }
    }
    let text = join(&lines);
    Ok((!text.is_empty()).then_some(text))
}

/// Paragraphs up to the first heading, each on one line.
fn join(lines: &[String]) -> String {
    let mut out = String::new();
    let mut fenced = false;
    let mut was_blank = true;
    for line in lines {
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        if !fenced && is_heading(line) {
            break;
        }
        let is_fence = line.trim_start().starts_with("```");
        if out.is_empty() && line.is_empty() {
            continue;
        }
        let keeps_its_line = fenced || is_fence || was_blank || line.is_empty() || is_block(line);
        if !out.is_empty() {
            out.push(if keeps_its_line { '\n' } else { ' ' });
        }
        out.push_str(if keeps_its_line { line } else { line.trim_start() });
        // What follows a closing fence begins a line of its own.
        was_blank = line.is_empty() || is_fence;
        fenced ^= is_fence;
    }
    out.truncate(out.trim_end().len());
    out
}

fn is_heading(line: &str) -> bool {
    line.trim_start_matches('#').starts_with(' ') && line.starts_with('#')
}

/// The start of a list item or of a table's row.
fn is_block(line: &str) -> bool {
    let line = line.trim_start();
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ ", "|", "> "].iter().any(|start| line.starts_with(start))
        || (digits.len() < line.len() && digits.starts_with(". "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_are_joined_and_headings_end_the_description() {
        let check = |doc: &str, expected: &str| {
            let lines: Vec<_> = doc.lines().map(|line| format!(" {line}")).collect();
            assert_eq!(join(&lines), expected, "{doc}");
        };
        check("", "");
        check("One line.", "One line.");
        check("One that\nwas wrapped.", "One that was wrapped.");
        check("One.\n\nTwo that\nwas wrapped.\n", "One.\n\nTwo that was wrapped.");
        check("Does it.\n\n# Errors\nNever.", "Does it.");
        check("# Errors\nNever.", "");
        check("#hashtag is text", "#hashtag is text");
        check("Takes:\n- one that\n  was wrapped\n- two", "Takes:\n- one that was wrapped\n- two");
        check("Takes:\n1. one\n2. two", "Takes:\n1. one\n2. two");
        check("As in:\n```text\na\n# b\n  c\n```\nso", "As in:\n```text\na\n# b\n  c\n```\nso");
        check("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |");
    }
}
