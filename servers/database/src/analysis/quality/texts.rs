//! What texts look like, and which of them do not look like the others.
//!
//! A pattern is only held against the others when nearly all values of a column follow it. Which patterns there are is fixed;
//! beside them stands the shape of a text: what is left when runs of letters, digits and spaces become one sign each.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use crate::analysis::sample::column::{ColumnSample, Seen};
use crate::analysis::stats::number::is_decimal;
use crate::analysis::time::calendar;

/// What one text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Nothing, or nothing but white space.
    pub(crate) blank: bool,
    /// White space in front or behind.
    pub(crate) padded: bool,
    email: bool,
    /// Of the shape `YYYY-MM-DD…`.
    date_shaped: bool,
    date: bool,
    decimal: bool,
    shape: u64,
    folded: u64,
}

impl Facts {
    pub(crate) fn of(text: &str, hasher: &RandomState) -> Self {
        let trimmed = text.trim();
        Self {
            blank: trimmed.is_empty(),
            padded: trimmed.len() != text.len(),
            email: is_email(trimmed),
            date_shaped: calendar::looks_like_date(trimmed),
            date: calendar::parse(trimmed).is_some(),
            decimal: is_decimal(trimmed),
            shape: hasher.hash_one(shape(trimmed)),
            folded: hasher.hash_one(trimmed.to_lowercase()),
        }
    }
}

/// Something that looks like an address: one `@`, something before, a dot in what is behind.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let labels = || domain.split('.');
    let plain =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let local_is_fine = !local.is_empty()
        && local.len() <= 64
        && !local.contains(|c: char| c.is_whitespace() || ",;:<>()[]\\\"".contains(c));
    local_is_fine && labels().count() >= 2 && labels().all(plain)
}

/// The text with each run of digits as `9`, of letters as `A` or `a`, of white space as one space.
fn shape(text: &str) -> String {
    /// A longer text has a shape of its own by chance.
    const MOST: usize = 64;
    let mut shape = String::new();
    for character in text.chars().take(MOST) {
        let sign = match character {
            c if c.is_numeric() => '9',
            c if c.is_uppercase() => 'A',
            c if c.is_alphabetic() => 'a',
            c if c.is_whitespace() => ' ',
            other => other,
        };
        if !shape.ends_with(sign) {
            shape.push(sign);
        }
    }
    shape
}

/// Something that is wrong with some values of a column.
pub(crate) struct Violation<'a> {
    pub(crate) what: &'static str,
    pub(crate) rows: usize,
    pub(crate) examples: Vec<&'a Seen>,
}

/// Share of the values that makes a pattern the column's own.
const MAJORITY: f64 = 0.95;
/// Values below which no pattern is inferred.
const FEWEST: usize = 20;
const EXAMPLES: usize = 3;

/// What is wrong with the texts of a column.
pub(crate) fn violations(column: &ColumnSample) -> Vec<Violation<'_>> {
    let texts: Vec<(&Seen, Facts)> =
        column.seen.values().filter_map(|seen| Some((seen, seen.facts?))).collect();
    let mut found = Vec::new();
    let mut note = |what, wrong: &dyn Fn(&Facts) -> bool| {
        let mut examples: Vec<&Seen> =
            texts.iter().filter(|(_, facts)| wrong(facts)).map(|(seen, _)| *seen).collect();
        let rows: usize = examples.iter().map(|seen| seen.count).sum();
        if rows > 0 {
            examples.sort_by_key(|seen| serde_json::to_string(&seen.cell).unwrap_or_default());
            examples.truncate(EXAMPLES);
            found.push(Violation { what, rows, examples });
        }
    };
    note("blank text", &|facts| facts.blank);
    note("white space in front or behind", &|facts| facts.padded && !facts.blank);
    let variants = case_variants(&texts);
    note("the same text in several letter cases", &|facts| variants.contains(&facts.folded));
    if let Some(pattern) = pattern(&texts) {
        note(pattern.0, &|facts| !facts.blank && !(pattern.1)(facts));
    }
    found
}

/// A pattern that nearly all values follow: what to say of the others, and how to know them.
type Pattern = (&'static str, Box<dyn Fn(&Facts) -> bool>);

fn pattern(texts: &[(&Seen, Facts)]) -> Option<Pattern> {
    let filled = || texts.iter().filter(|(_, facts)| !facts.blank);
    let total: usize = filled().map(|(seen, _)| seen.count).sum();
    #[expect(clippy::cast_precision_loss, reason = "few rows")]
    let nearly_all = |follows: &dyn Fn(&Facts) -> bool| {
        let count: usize =
            filled().filter(|(_, facts)| follows(facts)).map(|(seen, _)| seen.count).sum();
        count as f64 >= MAJORITY * total as f64
    };
    if total < FEWEST {
        return None;
    }
    if nearly_all(&|facts| facts.email) {
        return Some(("no e-mail address, as the others are", Box::new(|facts| facts.email)));
    }
    if nearly_all(&|facts| facts.date_shaped) {
        return Some(("no valid date, as the others are", Box::new(|facts| facts.date)));
    }
    if nearly_all(&|facts| facts.decimal) {
        return Some(("no number, as the others are", Box::new(|facts| facts.decimal)));
    }
    let mut shapes: HashMap<u64, usize> = HashMap::new();
    for (seen, facts) in filled() {
        *shapes.entry(facts.shape).or_default() += seen.count;
    }
    let common = *shapes.iter().max_by_key(|(_, count)| **count)?.0;
    nearly_all(&|facts| facts.shape == common).then(|| -> Pattern {
        ("another shape than the others", Box::new(move |facts| facts.shape == common))
    })
}

/// The folded texts that occur in more than one spelling.
fn case_variants(texts: &[(&Seen, Facts)]) -> HashSet<u64> {
    let mut once = HashSet::new();
    let plain = texts.iter().filter(|(_, facts)| !facts.blank && !facts.padded);
    plain.filter_map(|(_, facts)| (!once.insert(facts.folded)).then_some(facts.folded)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::dialect::Class;
    use crate::result::Cell;

    fn column(values: &[(&str, usize)]) -> ColumnSample {
        let hasher = RandomState::new();
        let mut column = ColumnSample::new("c", "", Class::Text, 1_024);
        let all = values.iter().flat_map(|(value, times)| std::iter::repeat_n(*value, *times));
        for (row, value) in all.enumerate() {
            column.add(row, Cell::Text(value.to_owned()), &hasher);
        }
        column
    }

    #[track_caller]
    fn check(values: &[(&str, usize)], expected: &[(&str, usize)]) {
        let column = column(values);
        let found: Vec<(&str, usize)> =
            violations(&column).iter().map(|violation| (violation.what, violation.rows)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn addresses_look_like_addresses() {
        for text in ["a@b.c", "first.last+tag@sub.example.org", "jürgen@exämple.de"] {
            assert!(is_email(text), "{text}");
        }
        for text in
            ["", "@", "a@b", "a@@b.c", "a b@c.d", "a@b..c", "a@.b", "@b.c", "a@b.c.", "a,b@c.d"]
        {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn shapes_forget_lengths() {
        assert_eq!(shape("AB-1234"), "A-9");
        assert_eq!(shape("Ünder 12  x"), "Aa 9 a");
        assert_eq!(shape(""), "");
    }

    #[test]
    fn few_that_differ_from_many_are_found() {
        check(
            &[("a@b.c", 10), ("d@e.f", 29), ("nobody", 1)],
            &[("no e-mail address, as the others are", 1)],
        );
        check(&[("2024-01-31", 39), ("2024-02-31", 1)], &[("no valid date, as the others are", 1)]);
        check(&[("12", 39), ("n/a", 1)], &[("no number, as the others are", 1)]);
        check(&[("AB-1", 30), ("CD-22", 9), ("?", 1)], &[("another shape than the others", 1)]);
    }

    #[test]
    fn what_has_no_pattern_has_no_violation() {
        check(&[("one two", 10), ("Three", 10), ("4", 10)], &[]);
        check(&[("a@b.c", 3), ("nobody", 1)], &[]);
        check(&[], &[]);
    }

    #[test]
    fn blanks_padding_and_letter_cases_are_found() {
        check(
            &[("", 2), (" ", 1), (" x", 1), ("Berlin", 3), ("BERLIN", 2)],
            &[
                ("blank text", 3),
                ("white space in front or behind", 1),
                ("the same text in several letter cases", 5),
            ],
        );
    }
}
