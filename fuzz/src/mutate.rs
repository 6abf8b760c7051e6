//! Mutations of an input: bytes, blocks, numbers, pieces of other inputs and words of the target. Seeded, so that a run can be
//! repeated.

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and good enough to choose mutations.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    /// One of `items`; `None` only when there is none.
    pub(crate) fn choose<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

/// Longest input. Size is the subject of tests, not of the fuzzer, which is slower the longer its inputs are.
pub(crate) const MAX_BYTES: usize = 4096;

/// Bytes that mean something to most parsers.
const BYTES: &[u8] = b"\0\t\n\r \"'\\/{}[]()<>:;,.=+-*%&?#~0129aAzZ\x7f\x80\xc0\xe2\xff";
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "0.5",
    "1e999",
    "1e-999",
    "255",
    "65536",
    "2147483648",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "1e16",
    "null",
    "true",
];

/// Changes `input` in one to eight places.
pub(crate) fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], random: &mut Random) {
    for _ in 0..=random.below(8) {
        once(input, corpus, words, random);
    }
    input.truncate(MAX_BYTES);
}

fn once(input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = at + random.below((input.len() - at).min(64) + 1);
    match random.below(11) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            let byte = u8::try_from(random.below(256)).unwrap_or(0);
            input.insert(at, byte);
        }
        2 => insert(input, at, random.choose(BYTES).map(std::slice::from_ref)),
        3 => {
            if let (Some(byte), Some(new)) = (input.get_mut(at), random.choose(BYTES)) {
                *byte = *new;
            }
        }
        4 => drop(input.drain(at..end)),
        5 => {
            // The same again, up to sixteen times.
            let block = input[at..end].repeat(1 << random.below(5));
            insert(input, at, Some(&block));
        }
        6 | 7 => insert(input, at, random.choose(words).map(|word| word.as_bytes())),
        8 => {
            let number = random.choose(NUMBERS).map(|number| number.as_bytes());
            drop(input.drain(at..end.min(at + 20)));
            insert(input, at, number);
        }
        9 => {
            // A piece of another input.
            if let Some(other) = random.choose(corpus) {
                let from = random.below(other.len() + 1);
                let to = from + random.below(other.len() - from + 1);
                insert(input, at, Some(&other[from..to]));
            }
        }
        _ => {
            // The head of this one and the tail of another.
            if let Some(other) = random.choose(corpus) {
                let from = random.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, new: Option<&[u8]>) {
    if let Some(new) = new
        && input.len() + new.len() <= MAX_BYTES
    {
        input.splice(at..at, new.iter().copied());
    }
}
