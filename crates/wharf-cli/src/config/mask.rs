//! Hides what may be secret in the text that reports quote.
//!
//! Only values of keys that are known and no secrets are shown: a token under a misspelt key is still a token. Masking
//! keeps every byte's place, so that carets stay true.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::settings::SECTIONS;

/// Whether a value has no tables in it, whose keys nobody knows.
pub(super) fn is_plain(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => false,
        DeValue::Array(items) => items.iter().all(|item| is_plain(item.get_ref())),
        _ => true,
    }
}

/// The text with all values masked that are outside `visible`.
pub(super) fn parsed(source: &str, root: Option<&DeTable<'_>>, visible: &[Range<usize>]) -> String {
    let mut hidden = vec![false; source.len()];
    for (_, value) in root.into_iter().flatten() {
        hide(value.get_ref(), value.span(), &mut hidden);
    }
    for span in visible {
        hidden.get_mut(span.clone()).into_iter().flatten().for_each(|byte| *byte = false);
    }
    stars(source, &hidden)
}

fn hide(value: &DeValue<'_>, span: Range<usize>, hidden: &mut [bool]) {
    match value {
        DeValue::Table(table) => {
            table.iter().for_each(|(_, value)| hide(value.get_ref(), value.span(), hidden));
        }
        DeValue::Array(items) => {
            items.iter().for_each(|item| hide(item.get_ref(), item.span(), hidden));
        }
        // Where a secret is kept is worth showing, and no secret.
        DeValue::String(text) if text.starts_with("file:") || is_reference(text) => {}
        _ => hidden.get_mut(span).into_iter().flatten().for_each(|byte| *byte = true),
    }
}

/// `${NAME}` and nothing else; a default would be a value.
fn is_reference(text: &str) -> bool {
    let name = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

/// The text of a file that is not TOML, with everything masked that does not plainly belong to a key that is no secret.
///
/// Reads lines, not values, since there are none: the first word of a line decides, and a line without one goes on like
/// the line before.
pub(super) fn unparsed(source: &str) -> String {
    let shown = |key: &str| {
        let mut fields = SECTIONS.iter().flat_map(|section| section.fields.iter());
        let mut same = fields.clone().filter(|field| field.key() == key);
        same.all(|field| !field.facts().secret) && fields.any(|field| field.key() == key)
    };
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let mut hidden = vec![false; source.len()];
    let (mut start, mut hiding) = (0, true);
    for line in source.split_inclusive('\n') {
        let text = line.trim_start();
        let word = &text[..text.find(|c| !is_bare(c)).unwrap_or(text.len())];
        let after = text[word.len()..].trim_start();
        let mut from = start;
        if is_header(text) {
            hiding = true;
            from += line.len();
        } else if !word.is_empty() {
            hiding = !shown(word.rsplit('.').next().unwrap_or(word));
            // A name before `=` is a name; any other word may be a value.
            if after.starts_with('=') {
                from += line.len() - after.len();
            }
        }
        // A second `=` begins a key that the first word says nothing about.
        let more = after.strip_prefix('=').filter(|_| !word.is_empty()).unwrap_or(after);
        if hiding || more.contains('=') {
            hidden[from..start + line.len()].fill(true);
        }
        start += line.len();
    }
    stars(source, &hidden)
}

/// A mark for every hidden character, except for what gives the text its form. Each is as many bytes as what it hides, so
/// that carets stay true in bytes and in columns.
fn stars(source: &str, hidden: &[bool]) -> String {
    let mark = |at: usize, c: char| match c.len_utf8() {
        _ if !hidden[at] || c.is_whitespace() || "\"'[]{},=".contains(c) => c,
        1 => '*',
        2 => '\u{b7}',
        3 => '\u{2022}',
        _ => '\u{10101}',
    };
    source.char_indices().map(|(at, c)| mark(at, c)).collect()
}

/// `[http]` and the like: a line that begins a known section.
fn is_header(line: &str) -> bool {
    let name = line.trim_end().strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    name.is_some_and(|name| {
        SECTIONS.iter().any(|section| section.path.split('.').next() == name.split('.').next())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::unparsed;

    #[test]
    fn broken_files_show_only_keys_that_are_no_secrets() {
        let check = |source: &str, expected: &str| assert_eq!(unparsed(source), expected);
        check("[http]\nlisten = \"a:1", "[http]\nlisten = \"a:1");
        check("[state]\nkeys = [\n  \"abc\",\n", "[state]\nkeys = [\n  \"***\",\n");
        check("keys = abc\n", "keys = ***\n");
        check("kyes = abc\nabc\n", "kyes = ***\n***\n");
        check("page_size = 1\n\"keys\" = ['abc\n", "page_size = 1\n\"****\" = ['***\n");
        check("page_size = 1, keys = abc\n", "page_size = *, **** = ***\n");
        check("state = { keys = ['abc'] \n", "state = { **** = ['***'] \n");
        check("http.listen = 'é\nstate.keys = é", "http.listen = 'é\nstate.keys = \u{b7}");
        check("abc", "***");
        check("[abc", "[***");
        check("listen abc", "listen abc");
        check("", "");
    }
}
