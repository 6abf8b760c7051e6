//! Where a JSON string ends, or needs an escape: many bytes at a time, since texts are most of what messages hold.

/// Bytes that are looked at together, once a text turns out to be long.
const BLOCK: usize = 64;
const WORD: usize = 8;

/// The index of the first byte that can't stand in a JSON string by itself: a quote, a backslash or a control character. The
/// length where there is none.
pub(crate) fn find_special(bytes: &[u8]) -> usize {
    let is_special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    let mut at = 0;
    // Most strings are short: the first block is looked at by words, which finds the place at once.
    while at < BLOCK
        && let Some(word) = bytes[at..].first_chunk::<WORD>()
    {
        let special = special_in_word(u64::from_le_bytes(*word));
        if special != 0 {
            return at + special.trailing_zeros() as usize / WORD;
        }
        at += WORD;
    }
    // Longer ones by blocks, without a branch for each byte, which compilers turn into wide instructions.
    while let Some(block) = bytes.get(at..at + BLOCK)
        && !block.iter().fold(false, |found, byte| found | is_special(*byte))
    {
        at += BLOCK;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
}

/// The high bit of the first special byte, the lowest in order; those after it mean nothing.
const fn special_in_word(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let below_space = word.wrapping_sub(ONES * b' ' as u64);
    let (quote, slash) = (word ^ (ONES * b'"' as u64), word ^ (ONES * b'\\' as u64));
    let (is_quote, is_slash) = (quote.wrapping_sub(ONES), slash.wrapping_sub(ONES));
    // A byte from 0x80 on is a part of a longer character.
    ((below_space & !word) | (is_quote & !quote) | (is_slash & !slash)) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bytes_are_found_wherever_they_stand() {
        for filler in ["a", "\u{e9}", "\u{1f600}", "\u{7f}", "\u{80}", "!", "#", "]"] {
            for length in (0..40).chain([63, 64, 65, 127, 128, 129, 200, 1000]) {
                let before = filler.repeat(length);
                assert_eq!(find_special(before.as_bytes()), before.len());
                for special in ["\"", "\\", "\0", "\u{1f}", "\n"] {
                    for after in ["", "\"\\", &filler.repeat(100)] {
                        let text = format!("{before}{special}{after}");
                        assert_eq!(find_special(text.as_bytes()), before.len(), "{text:?}");
                    }
                }
            }
        }
    }
}
