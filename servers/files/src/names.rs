//! Names close to one that a person or a model mistyped.

const MAX_SUGGESTIONS: usize = 3;
/// A long name costs its square to compare and is no slip of the keyboard.
const MAX_COMPARED_BYTES: usize = 128;
const MIN_SCORE: f64 = 0.8;

/// The closest of the names seen so far. Keeps a handful, however many it sees.
#[derive(Debug)]
pub(crate) struct NearNames {
    wrong: String,
    best: Vec<(f64, String)>,
}

impl NearNames {
    pub(crate) fn new(wrong: &str) -> Self {
        Self { wrong: wrong.to_lowercase(), best: Vec::with_capacity(MAX_SUGGESTIONS + 1) }
    }

    pub(crate) fn see(&mut self, name: &str) {
        if self.wrong.len() > MAX_COMPARED_BYTES || name.len() > MAX_COMPARED_BYTES {
            return;
        }
        let candidate = name.to_lowercase();
        let mut score = strsim::jaro_winkler(&self.wrong, &candidate);
        let contains = candidate.contains(&self.wrong) || self.wrong.contains(&candidate);
        if contains && !self.wrong.is_empty() {
            score = score.max(0.9);
        }
        if score < MIN_SCORE {
            return;
        }
        self.best.push((score, name.to_owned()));
        self.best.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        self.best.truncate(MAX_SUGGESTIONS);
    }

    /// The closest first.
    pub(crate) fn into_names(self) -> Vec<String> {
        self.best.into_iter().map(|(_, name)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_close_and_few() {
        #[track_caller]
        fn check(wrong: &str, expected: &[&str]) {
            let mut near = NearNames::new(wrong);
            for name in ["README.md", "readme.txt", "LICENSE", "src", "tests", "Cargo.toml"] {
                near.see(name);
            }
            assert_eq!(near.into_names(), expected, "{wrong:?}");
        }
        check("readme", &["README.md", "readme.txt"]);
        check("Cargo.tml", &["Cargo.toml"]);
        check("zzz", &[]);
        check(&"r".repeat(100_000), &[]);
    }

    #[test]
    fn what_is_kept_does_not_grow() {
        let mut near = NearNames::new("file");
        for index in 0..10_000 {
            near.see(&format!("file{index}"));
        }
        assert!(near.best.capacity() < 16 && near.into_names().len() == MAX_SUGGESTIONS);
    }
}
