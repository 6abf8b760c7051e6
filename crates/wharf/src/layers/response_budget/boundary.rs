//! Where a text can be cut.

/// The last place up to `max` bytes where `text` can be cut without hurting a line, or else a character. Not 0 unless the
/// first character is longer than that.
pub(crate) fn text_boundary(text: &str, max: usize) -> usize {
    if text.len() <= max {
        return text.len();
    }
    let end = text.floor_char_boundary(max);
    match text[..end].rfind('\n') {
        // A line that takes more than half of the room is cut itself, or little would be left.
        Some(at) if at + 1 > end / 2 => at + 1,
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_lines_and_never_within_a_character() {
        let check = |text: &str, max, expected: &str| {
            assert_eq!(&text[..text_boundary(text, max)], expected, "{text:?} {max}");
        };
        check("short", 5, "short");
        check("one\ntwo\nthree", 10, "one\ntwo\n");
        check("one\ntwo\nthree", 8, "one\ntwo\n");
        check("one\ntwo\nthree", 7, "one\n");
        check("a\nlonger line", 10, "a\nlonger l");
        check("äöü", 3, "ä");
        check("äöü", 1, "");
        check("日本語", 8, "日本");
        check("\n\n\n", 2, "\n\n");
        check("x", 0, "");
    }
}
