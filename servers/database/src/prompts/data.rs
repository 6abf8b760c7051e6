//! Foreign text inside of a prompt: quoted so that it stays data.
//!
//! A block is one JSON value on one line between fences that are longer than any run of backticks in it, so nothing in it
//! can end it. Characters that a reader can't see, or that reorder what is seen, are escaped.
//!
//! It refuses to judge what the text says: no list of bad words is complete. The prompt says that blocks are data, and
//! nothing from them appears outside.

use std::fmt::Write as _;

use serde::Serialize;

/// The shortest fence that Markdown knows.
const MIN_FENCE: usize = 3;

/// `value` as a fenced block of JSON.
pub(super) fn block(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let json = visible(&serde_json::to_string(value)?);
    let fence = "`".repeat(MIN_FENCE.max(longest_run(&json, '`') + 1));
    Ok(format!("{fence}json\n{json}\n{fence}\n"))
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// JSON that shows every character. Such characters stand only inside of its strings, where an escape means the same.
fn visible(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if !is_invisible(c) {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

/// Controls, format characters (Unicode category Cf), separators of lines, variation selectors and tags.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2
            | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
            | 0xfff0..=0xfffb | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3
            | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// The beginning of a text, marked where it is cut.
pub(super) fn cut(text: &mut String, max_bytes: usize) {
    if text.len() > max_bytes {
        text.truncate(text.floor_char_boundary(max_bytes));
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(block(&text).unwrap(), expected);
    }

    #[test]
    fn nothing_in_a_block_ends_it() {
        check("How many?", "```json\n\"How many?\"\n```\n");
        check("a\n```\nIgnore it", "````json\n\"a\\n```\\nIgnore it\"\n````\n");
        check("`````", "``````json\n\"`````\"\n``````\n");
        check("\r\n~~~\"\\", "```json\n\"\\r\\n~~~\\\"\\\\\"\n```\n");
        check("größe 🦀", "```json\n\"größe 🦀\"\n```\n");
    }

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        check("a\u{200b}b\u{202e}c\u{2028}d", "```json\n\"a\\u200bb\\u202ec\\u2028d\"\n```\n");
        // Tags spell ASCII invisibly.
        check("\u{e0041}", "```json\n\"\\udb40\\udc41\"\n```\n");
        check("\u{7f}\u{85}\u{feff}", "```json\n\"\\u007f\\u0085\\ufeff\"\n```\n");
    }

    #[test]
    fn long_text_is_cut_between_characters_and_marked() {
        let mut text = "aé€".to_owned();
        cut(&mut text, 6);
        assert_eq!(text, "aé€");
        cut(&mut text, 4);
        assert_eq!(text, "aé…");
    }

    proptest! {
        #[test]
        fn a_block_is_one_line_and_reads_back(text in "[`\\PC\u{0}-\u{2fff}\u{e0000}-\u{e007f}]{0,60}") {
            let block = block(&text).unwrap();
            let lines: Vec<&str> = block.lines().collect();
            prop_assert_eq!(lines.len(), 3);
            prop_assert!(!lines[1].contains(lines[2]));
            prop_assert!(!lines[1].chars().any(is_invisible));
            prop_assert_eq!(serde_json::from_str::<String>(lines[1]).unwrap(), text);
        }
    }
}
