//! The cases of the attack corpora, as the tests of the engines read them.

use serde_json::Value;

/// What a case must lead to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expect {
    /// An error, and nothing executed.
    Refuse,
    /// An error or an answer, without a lasting effect and within the bounds.
    Harmless,
    /// An answer.
    Allow,
}

impl Expect {
    fn parse(word: &str) -> Self {
        match word {
            "refuse" => Self::Refuse,
            "harmless" => Self::Harmless,
            "allow" => Self::Allow,
            other => panic!("unknown expectation {other}"),
        }
    }
}

/// The cases of a corpus whose cases each say what they must lead to.
pub(crate) fn shared(corpus: &str) -> Vec<(String, Expect)> {
    let corpus: Value = serde_json::from_str(corpus).unwrap();
    let cases = ["attacks", "legit"].iter().flat_map(|part| corpus[part].as_array().unwrap());
    let case = |case: &Value| {
        let text = |part: &str| case[part].as_str().unwrap();
        (expand(text("input")), Expect::parse(text("expect")))
    };
    cases.map(case).collect()
}

/// The cases of a corpus that lists them by what they must lead to.
pub(crate) fn listed(corpus: &Value) -> Vec<(String, Expect)> {
    let words = ["refuse", "harmless", "allow"];
    for (part, _) in corpus.as_object().unwrap().iter().filter(|(_, part)| part.is_array()) {
        assert!(words.contains(&part.as_str()), "unknown expectation {part}");
    }
    let cases = words.iter().flat_map(|word| {
        let texts = corpus[word].as_array().into_iter().flatten();
        texts.map(|text| (text.as_str().unwrap().to_owned(), Expect::parse(word)))
    });
    cases.collect()
}

/// Inputs that are too long to write down.
fn expand(input: &str) -> String {
    match input {
        "{{NESTED_PARENS_20000}}" => {
            format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000))
        }
        "{{SQL_5MB}}" => format!("SELECT '{}'", "x".repeat(5_000_000)),
        plain => {
            assert!(!plain.starts_with("{{"), "unknown generated input {plain}");
            plain.to_owned()
        }
    }
}
