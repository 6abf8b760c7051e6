//! Whether bytes are text, and which.
//!
//! Detection looks at the beginning of a file only, so its cost does not grow with the file. What it cannot know it says: text
//! that is no UTF-8 and has no byte order mark is read as windows-1252, which accepts every byte, and is flagged as a guess.

use schemars::JsonSchema;
use serde::Serialize;

use super::mime;

/// How much of a file's beginning decides what it is.
pub(crate) const HEAD_BYTES: usize = 8_192;

/// How text was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, little-endian, by its byte order mark.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, big-endian, by its byte order mark.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Western European; a guess.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// What the beginning of a file says about the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// UTF-8: a byte order mark, or letters beyond ASCII of which most are valid. What is invalid is damage.
    Utf8 {
        mark: bool,
    },
    /// Nothing beyond ASCII, or no UTF-8: each part decides for itself.
    Bytes,
    Utf16 {
        big_endian: bool,
    },
    Binary,
}

/// One part of a file as text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) encoding: Encoding,
    /// Bytes before the first whole character.
    pub(crate) skipped: usize,
    /// Bytes up to the end of the last whole character.
    pub(crate) end: usize,
    /// Whether something that is no text in this encoding was replaced by U+FFFD.
    pub(crate) lossy: bool,
}

impl Layout {
    /// What a file that begins with `head` holds; `mime` is what its name suggests.
    pub(crate) fn detect(head: &[u8], mime: Option<&str>) -> Self {
        match head {
            // UTF-32 begins like UTF-16 and is rare enough to be left as bytes.
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Self::Binary,
            [0xef, 0xbb, 0xbf, ..] => return Self::Utf8 { mark: true },
            [0xff, 0xfe, ..] => return Self::Utf16 { big_endian: false },
            [0xfe, 0xff, ..] => return Self::Utf16 { big_endian: true },
            [b'%', b'P', b'D', b'F', b'-', ..] => return Self::Binary,
            _ => (),
        }
        if memchr::memchr(0, head).is_some() {
            return Self::Binary;
        }
        // Only the head of a longer file can be cut within a character.
        let cut = if head.len() < HEAD_BYTES { 0 } else { incomplete_tail(head) };
        let (mut letters, mut faults) = (0, 0);
        for chunk in head[..head.len() - cut].utf8_chunks() {
            letters += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
            faults += usize::from(!chunk.invalid().is_empty());
        }
        let is_data = || mime.is_some_and(mime::is_binary) || head.iter().copied().any(is_odd);
        if faults > 0 && is_data() {
            Self::Binary
        } else if letters > faults {
            Self::Utf8 { mark: false }
        } else {
            Self::Bytes
        }
    }

    /// Where the text begins: after the byte order mark.
    pub(crate) fn start(self) -> u64 {
        match self {
            Self::Utf8 { mark: true } => 3,
            Self::Utf16 { .. } => 2,
            _ => 0,
        }
    }

    /// The bytes of one code unit.
    pub(crate) fn unit(self) -> usize {
        if matches!(self, Self::Utf16 { .. }) { 2 } else { 1 }
    }

    /// Where lines end in `bytes`: the position after each line feed. `bytes` begin at a code unit.
    pub(crate) fn line_ends(self, bytes: &[u8]) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Self::Utf16 { big_endian } => {
                let feed = if big_endian { [0, b'\n'] } else { [b'\n', 0] };
                let units = bytes.chunks_exact(2).enumerate();
                Box::new(units.filter(move |(_, unit)| **unit == feed).map(|(at, _)| 2 * at + 2))
            }
            _ => Box::new(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1)),
        }
    }

    /// A part as text. Characters that its edges cut are left to the parts beside it, unless it begins or ends the file.
    pub(crate) fn decode(self, bytes: &[u8], at_start: bool, at_end: bool) -> Decoded {
        let skipped = if at_start || self.unit() == 2 { 0 } else { continuation(bytes) };
        let end = match self {
            _ if at_end => bytes.len(),
            Self::Utf16 { big_endian } => utf16_end(bytes, big_endian),
            _ => bytes.len() - incomplete_tail(&bytes[skipped..]),
        };
        let part = &bytes[skipped..end];
        if let Self::Utf16 { big_endian } = self {
            return utf16(part, big_endian, end);
        }
        match (self, std::str::from_utf8(part)) {
            (_, Ok(text)) => Decoded {
                text: text.to_owned(),
                encoding: Encoding::Utf8,
                skipped,
                end,
                lossy: false,
            },
            (Self::Utf8 { .. }, Err(_)) => Decoded {
                text: String::from_utf8_lossy(part).into_owned(),
                encoding: Encoding::Utf8,
                skipped,
                end,
                lossy: true,
            },
            (_, Err(_)) => Decoded {
                text: bytes.iter().copied().map(windows_1252).collect(),
                encoding: Encoding::Windows1252,
                skipped: 0,
                end: bytes.len(),
                lossy: false,
            },
        }
    }
}

/// Control characters that no text file holds, apart from those that terminals and printers know.
fn is_odd(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x08 | 0x0c | 0x1b)
}

/// Bytes at the beginning that continue a UTF-8 character of the part before.
fn continuation(bytes: &[u8]) -> usize {
    bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count()
}

/// Bytes at the end that begin a UTF-8 character and do not finish it.
fn incomplete_tail(bytes: &[u8]) -> usize {
    for (back, byte) in bytes.iter().rev().take(3).enumerate() {
        let width = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => return 0,
        };
        return if width > back + 1 { back + 1 } else { 0 };
    }
    0
}

/// Where the last whole character ends: an odd byte or the first half of a pair is left to the next part.
fn utf16_end(bytes: &[u8], big_endian: bool) -> usize {
    let even = bytes.len() & !1;
    let Some(last) = bytes[..even].last_chunk::<2>() else { return even };
    let high = if big_endian { last[0] } else { last[1] };
    if (0xd8..=0xdb).contains(&high) { even - 2 } else { even }
}

fn utf16(part: &[u8], big_endian: bool, end: usize) -> Decoded {
    let units = part.chunks_exact(2).map(|unit| {
        let unit = [unit[0], unit[1]];
        if big_endian { u16::from_be_bytes(unit) } else { u16::from_le_bytes(unit) }
    });
    let mut lossy = part.len() % 2 == 1;
    let mut text: String = char::decode_utf16(units)
        .map(|decoded| {
            decoded.unwrap_or_else(|_| {
                lossy = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    if part.len() % 2 == 1 {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    let encoding = if big_endian { Encoding::Utf16Be } else { Encoding::Utf16Le };
    Decoded { text, encoding, skipped: 0, end, lossy }
}

/// The WHATWG encoding standard's index for windows-1252 (<https://encoding.spec.whatwg.org/#windows-1252>): as Latin-1,
/// with letters and punctuation in place of most of its second block of control characters.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_decides() {
        #[track_caller]
        fn check(head: &[u8], mime: Option<&str>, expected: Layout) {
            assert_eq!(Layout::detect(head, mime), expected, "{head:?}");
        }
        check(b"", None, Layout::Bytes);
        check(b"plain\x1b[0m", None, Layout::Bytes);
        check("ü".as_bytes(), None, Layout::Utf8 { mark: false });
        check(b"\xef\xbb\xbfx", None, Layout::Utf8 { mark: true });
        check(b"\xff\xfea\0", None, Layout::Utf16 { big_endian: false });
        check(b"\xfe\xff\0a", None, Layout::Utf16 { big_endian: true });
        check(b"\xff\xfe\0\0a\0\0\0", None, Layout::Binary);
        check(b"caf\xe9", None, Layout::Bytes);
        check(b"caf\xe9\x01", None, Layout::Binary);
        check(b"caf\xe9", Some("image/png"), Layout::Binary);
        check(b"ok", Some("image/png"), Layout::Bytes);
        check(b"a\0b", Some("text/plain"), Layout::Binary);
        check(b"%PDF-1.7\n", None, Layout::Binary);
        check("größe\u{1}".as_bytes(), None, Layout::Utf8 { mark: false });
        check(b"gr\xc3\xb6\xc3\x9fe\xff", None, Layout::Utf8 { mark: false });
        check(b"gr\xc3\xb6\xe9\xff", None, Layout::Bytes);
        // The head of a longer file may be cut within its last character, which is no fault.
        let mut cut = vec![b'a'; HEAD_BYTES - 1];
        cut.push("ü".as_bytes()[0]);
        check(&cut, Some("image/png"), Layout::Bytes);
    }

    #[test]
    fn parts_of_any_size_join_to_the_whole() {
        let text = "aü€𝄞\nzß語🙂e\u{301}".repeat(3);
        let utf16 = |big_endian: bool| -> Vec<u8> {
            let bytes =
                |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
            text.encode_utf16().flat_map(bytes).collect()
        };
        for (layout, bytes) in [
            (Layout::Utf8 { mark: false }, text.clone().into_bytes()),
            (Layout::Bytes, text.clone().into_bytes()),
            (Layout::Utf16 { big_endian: false }, utf16(false)),
            (Layout::Utf16 { big_endian: true }, utf16(true)),
        ] {
            for size in 4..bytes.len() {
                let (mut joined, mut at) = (String::new(), 0);
                while at < bytes.len() {
                    let to = bytes.len().min(at + size);
                    let part = layout.decode(&bytes[at..to], at == 0, to == bytes.len());
                    assert!(part.end > 0 && part.skipped == 0 && !part.lossy, "{layout:?} {size}");
                    joined += &part.text;
                    at += part.end;
                }
                assert_eq!(joined, text, "{layout:?} in parts of {size}");
            }
        }
    }

    #[test]
    fn a_part_that_begins_within_a_character_begins_after_it() {
        let part = Layout::Utf8 { mark: false }.decode(&"€x".as_bytes()[1..], false, true);
        assert_eq!((part.text.as_str(), part.skipped), ("x", 2));
    }

    #[test]
    fn what_is_no_text_is_told() {
        let damaged = Layout::Utf8 { mark: true }.decode(b"a\xffb", true, true);
        assert_eq!((damaged.text.as_str(), damaged.lossy), ("a\u{fffd}b", true));
        let guessed = Layout::Bytes.decode(b"caf\xe9 \x80", true, true);
        assert_eq!((guessed.text.as_str(), guessed.encoding), ("café €", Encoding::Windows1252));
        let halved = Layout::Utf16 { big_endian: false }.decode(b"a\0\x3d\xd8b", true, true);
        assert_eq!((halved.text.as_str(), halved.lossy), ("a\u{fffd}\u{fffd}", true));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(bytes: Vec<u8>, start: bool, end: bool) {
            for layout in [
                Layout::detect(&bytes, None),
                Layout::Bytes,
                Layout::Utf8 { mark: false },
                Layout::Utf16 { big_endian: true },
                Layout::Utf16 { big_endian: false },
            ] {
                let part = layout.decode(&bytes, start, end);
                proptest::prop_assert!(part.skipped <= part.end && part.end <= bytes.len());
            }
        }
    }
}
