//! Globs: `*` is any number of any characters, `/` and `:` among them, and everything else is itself.
//!
//! A naive matcher goes back to the last `*` after each mismatch, which lets a hostile name cost the product of both lengths.
//! Here the pieces between the stars are found one after the other with Knuth-Morris-Pratt, so each byte of the text is
//! taken once. Taking bytes from an iterator is what lets a percent-encoded URI be compared without decoding it first.

/// A compiled glob.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    /// What stands between the stars; one more than there are stars.
    pieces: Box<[Piece]>,
}

#[derive(Debug, Clone)]
struct Piece {
    text: Box<[u8]>,
    /// For each prefix, how much of it is still matched when the next byte does not follow.
    fallback: Box<[u16]>,
}

impl Glob {
    /// `text` is bounded by the caller far below 65,536 bytes.
    pub(super) fn new(text: &str) -> Self {
        Self { pieces: text.split('*').map(Piece::new).collect() }
    }

    /// Whether it is `*` alone.
    pub(super) fn is_everything(&self) -> bool {
        self.pieces.len() > 1 && self.pieces.iter().all(|piece| piece.text.is_empty())
    }

    /// Whether it has no star, so that it names one thing.
    pub(super) fn is_literal(&self) -> bool {
        self.pieces.len() == 1
    }

    /// What every match begins with.
    pub(super) fn prefix(&self) -> &[u8] {
        self.pieces.first().map_or(&[], |piece| &piece.text)
    }

    /// Whether all of `bytes` matches.
    pub(super) fn matches(&self, mut bytes: impl Iterator<Item = u8>) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else { return false };
        if !first.text.iter().all(|expected| bytes.next() == Some(*expected)) {
            return false;
        }
        match rest.split_last() {
            None => bytes.next().is_none(),
            // The first place of a piece is always good: it leaves the most for those that follow.
            Some((last, middle)) => {
                middle.iter().all(|piece| piece.found_in(&mut bytes)) && last.ends(bytes)
            }
        }
    }
}

impl Piece {
    fn new(text: &str) -> Self {
        let text = text.as_bytes();
        let mut fallback = vec![0_u16; text.len()];
        let mut matched = 0_usize;
        for at in 1..text.len() {
            while matched > 0 && text[at] != text[matched] {
                matched = usize::from(fallback[matched - 1]);
            }
            if text[at] == text[matched] {
                matched += 1;
            }
            fallback[at] = u16::try_from(matched).unwrap_or(u16::MAX);
        }
        Self { text: text.into(), fallback: fallback.into() }
    }

    /// How much of the piece is matched after one more byte.
    fn advance(&self, mut matched: usize, byte: u8) -> usize {
        if matched == self.text.len() {
            matched = usize::from(self.fallback[matched - 1]);
        }
        while matched > 0 && self.text[matched] != byte {
            matched = usize::from(self.fallback[matched - 1]);
        }
        matched + usize::from(self.text[matched] == byte)
    }

    /// Takes bytes up to the end of the first place where the piece stands.
    fn found_in(&self, bytes: &mut impl Iterator<Item = u8>) -> bool {
        let mut matched = 0;
        while matched < self.text.len() {
            match bytes.next() {
                Some(byte) => matched = self.advance(matched, byte),
                None => return false,
            }
        }
        true
    }

    /// Whether the bytes end with the piece.
    fn ends(&self, bytes: impl Iterator<Item = u8>) -> bool {
        self.text.is_empty()
            || bytes.fold(0, |matched, byte| self.advance(matched, byte)) == self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    #[test]
    fn stars_stand_for_any_characters() {
        let check = |glob: &str, text: &str, expected: bool| {
            assert_eq!(Glob::new(glob).matches(text.bytes()), expected, "{glob} on {text:?}");
        };
        check("a", "a", true);
        check("a", "ab", false);
        check("a", "", false);
        check("*", "", true);
        check("*", "a/b:c", true);
        check("a*", "a", true);
        check("a*", "ba", false);
        check("*a", "ba", true);
        check("*a", "ab", false);
        check("a*a", "a", false);
        check("a*a", "aa", true);
        check("ab*bc", "abc", false);
        check("ab*bc", "abbc", true);
        check("*aab*", "aaab", true);
        check("*aab", "aaabaab", true);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "a-c-b", false);
        check("a**b", "ab", true);
        check("execute_*", "execute_query", true);
        check("*é", "caf\u{e9}", true);
    }

    /// The textbook matcher, slow and plain.
    fn reference(glob: &[u8], text: &[u8]) -> bool {
        match glob.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|skip| reference(rest, &text[skip..])),
            Some((byte, rest)) => text.first() == Some(byte) && reference(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_textbook(glob in "[ab*]{0,9}", text in "[ab]{0,14}") {
            let expected = reference(glob.as_bytes(), text.as_bytes());
            prop_assert_eq!(Glob::new(&glob).matches(text.bytes()), expected);
        }
    }

    #[test]
    fn hostile_text_is_read_once() {
        let glob = Glob::new(&"*aaaaaaab".repeat(20));
        let text = "a".repeat(200_000);
        let taken = Cell::new(0);
        let counted = text.bytes().inspect(|_| taken.set(taken.get() + 1));
        assert!(!glob.matches(counted));
        assert!(taken.get() <= text.len());
    }
}
