//! What is kept of one column while its values pass by.
//!
//! Values are compared by a keyed 64-bit hash, so that nobody can make values that collide; each distinct value is kept once,
//! cut to what is shown. Equal numbers of different kinds (`1`, `1.0`) are one value; texts are compared byte by byte, whatever
//! the database's collation says.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use super::shown::shown;
use crate::analysis::dialect::Class;
use crate::analysis::quality::texts::Facts;
use crate::analysis::stats::moments::Moments;
use crate::analysis::stats::number::{Number, Reading};
use crate::analysis::time::calendar::{self, Seconds};
use crate::result::Cell;

/// Share of the values that decides what a column without a declared type holds.
const MAJORITY: f64 = 0.95;

/// One distinct value.
pub(crate) struct Seen {
    pub(crate) count: usize,
    /// The value as it is shown.
    pub(crate) cell: Cell,
    /// What a text looks like.
    pub(crate) facts: Option<Facts>,
}

/// How many values have which type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Types {
    pub(crate) number: usize,
    pub(crate) truth: usize,
    pub(crate) text: usize,
    pub(crate) bytes: usize,
}

/// Numbers that are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct NotFinite {
    pub(crate) nan: usize,
    pub(crate) infinity: usize,
    pub(crate) minus_infinity: usize,
}

/// The values of one column.
pub(crate) struct ColumnSample {
    pub(crate) name: String,
    pub(crate) declared_type: String,
    class: Class,
    characters: usize,
    /// One hash for each row; zero is NULL.
    pub(crate) hashes: Vec<u64>,
    pub(crate) seen: HashMap<u64, Seen>,
    /// Finite numbers with their rows.
    pub(crate) numbers: Vec<(usize, Number)>,
    pub(crate) not_finite: NotFinite,
    /// Dates and times with their rows.
    pub(crate) times: Vec<(usize, Seconds)>,
    pub(crate) types: Types,
    pub(crate) nulls: usize,
    /// Texts and bytes that were cut before they were compared.
    pub(crate) cut: usize,
    /// Whether some dates name an offset from UTC.
    pub(crate) has_offsets: bool,
    least_text: Option<String>,
    greatest_text: Option<String>,
}

impl ColumnSample {
    pub(crate) fn new(name: &str, declared_type: &str, class: Class, characters: usize) -> Self {
        Self {
            name: name.to_owned(),
            declared_type: declared_type.to_owned(),
            class,
            characters,
            hashes: Vec::new(),
            seen: HashMap::new(),
            numbers: Vec::new(),
            not_finite: NotFinite::default(),
            times: Vec::new(),
            types: Types::default(),
            nulls: 0,
            cut: 0,
            has_offsets: false,
            least_text: None,
            greatest_text: None,
        }
    }

    /// Takes the value of one row; gives back how many bytes it was.
    pub(crate) fn add(&mut self, row: usize, cell: Cell, hasher: &RandomState) -> usize {
        let cell = self.cut(cell);
        let (hash, bytes) = self.hash(row, &cell, hasher);
        self.hashes.push(hash);
        if hash != 0 {
            let text = if self.class == Class::Number { None } else { text_of(&cell) };
            let seen = self.seen.entry(hash).or_insert_with(|| Seen {
                count: 0,
                facts: text.map(|text| Facts::of(text, hasher)),
                cell: shown(&cell),
            });
            seen.count += 1;
        }
        bytes + 16
    }

    /// Cuts what is longer than is compared, whether or not the database has done so.
    fn cut(&mut self, cell: Cell) -> Cell {
        let most = self.characters;
        let (text, cut_before) = match cell {
            Cell::Text(text) => (text, false),
            Cell::CutText { text, .. } => (text, true),
            Cell::Bytes { mut bytes, full_bytes, stored_as_text } => {
                if bytes.len() > most || bytes.len() < full_bytes {
                    self.cut += 1;
                    bytes.truncate(most);
                }
                return Cell::Bytes { bytes, full_bytes, stored_as_text };
            }
            other => return other,
        };
        match text.char_indices().nth(most) {
            Some((end, _)) => {
                self.cut += 1;
                Cell::Text(text[..end].to_owned())
            }
            None => {
                self.cut += usize::from(cut_before);
                Cell::Text(text)
            }
        }
    }

    /// Notes what the value is; gives back its hash, zero for NULL, and its size.
    fn hash(&mut self, row: usize, cell: &Cell, hasher: &RandomState) -> (u64, usize) {
        let nonzero = |hash: u64| hash.max(1);
        if *cell == Cell::Null {
            self.nulls += 1;
            return (0, 0);
        }
        match Number::read(cell, self.class == Class::Number) {
            Reading::Finite(number) => {
                self.types.number += 1;
                let canonical = number.canonical();
                self.numbers.push((row, number));
                return (nonzero(hasher.hash_one((0, &canonical))), canonical.len());
            }
            Reading::NotFinite(x) => {
                self.types.number += 1;
                let count = match x {
                    x if x.is_nan() => &mut self.not_finite.nan,
                    x if x > 0.0 => &mut self.not_finite.infinity,
                    _ => &mut self.not_finite.minus_infinity,
                };
                *count += 1;
                return (nonzero(hasher.hash_one((1, x.to_string()))), 8);
            }
            Reading::NoNumber => {}
        }
        match cell {
            Cell::Bool(truth) => {
                self.types.truth += 1;
                (nonzero(hasher.hash_one((2, truth))), 1)
            }
            Cell::Text(text) => {
                self.types.text += 1;
                self.note_text(row, text);
                (nonzero(hasher.hash_one((3, text))), text.len())
            }
            Cell::Bytes { bytes, full_bytes, .. } => {
                self.types.bytes += 1;
                (nonzero(hasher.hash_one((4, bytes))), (*full_bytes).min(bytes.len()))
            }
            _ => (1, 0),
        }
    }

    fn note_text(&mut self, row: usize, text: &str) {
        if matches!(self.class, Class::Any | Class::Time)
            && let Some(seconds) = calendar::parse(text)
        {
            self.times.push((row, seconds));
            self.has_offsets |=
                text.get(10..).is_some_and(|rest| rest.contains(['Z', 'z', '+', '-']));
        }
        if self.least_text.as_deref().is_none_or(|least| text < least) {
            self.least_text = Some(text.to_owned());
        }
        if self.greatest_text.as_deref().is_none_or(|greatest| text > greatest) {
            self.greatest_text = Some(text.to_owned());
        }
    }

    /// The mean and the standard deviation of the numbers. They are measured from the first one, because large numbers that
    /// differ little would be the same as 64-bit floats.
    pub(crate) fn mean_and_deviation(&self) -> (Option<f64>, Option<f64>) {
        let Some((_, origin)) = self.numbers.first() else { return (None, None) };
        let mut moments = Moments::default();
        self.numbers.iter().for_each(|(_, number)| moments.add(number.minus(origin)));
        let mean = moments.mean().map(|mean| origin.approximate() + mean);
        (mean.filter(|mean| mean.is_finite()), moments.deviation())
    }

    /// How many values are there, NULL apart.
    pub(crate) fn filled(&self) -> usize {
        self.hashes.len() - self.nulls
    }

    /// What the values are: by the declared type, or by what nearly all of them are.
    pub(crate) fn class(&self) -> Class {
        if self.class != Class::Any {
            return self.class;
        }
        #[expect(clippy::cast_precision_loss, reason = "few rows")]
        let nearly_all =
            |count: usize| self.filled() > 0 && count as f64 >= MAJORITY * self.filled() as f64;
        match self.types {
            _ if nearly_all(self.types.number) => Class::Number,
            _ if nearly_all(self.times.len()) => Class::Time,
            _ if nearly_all(self.types.truth) => Class::Truth,
            _ if nearly_all(self.types.bytes) => Class::Bytes,
            _ if nearly_all(self.types.text) => Class::Text,
            _ => Class::Any,
        }
    }

    /// The finite numbers in order.
    pub(crate) fn sorted_numbers(&self) -> Vec<Number> {
        let mut sorted: Vec<Number> =
            self.numbers.iter().map(|(_, number)| number.clone()).collect();
        sorted.sort();
        sorted
    }

    /// The least and the greatest value that have an order here: numbers by size, moments by time, other texts by bytes.
    pub(crate) fn ends(&self) -> Option<(Cell, Cell)> {
        match self.class() {
            Class::Number => {
                let least = self.numbers.iter().map(|(_, number)| number).min()?;
                let greatest = self.numbers.iter().map(|(_, number)| number).max()?;
                Some((least.cell(), greatest.cell()))
            }
            Class::Time => {
                let least = self.times.iter().map(|(_, at)| *at).min()?;
                let greatest = self.times.iter().map(|(_, at)| *at).max()?;
                Some((Cell::Text(calendar::write(least)), Cell::Text(calendar::write(greatest))))
            }
            Class::Text | Class::Other => {
                let end = |text: &Option<String>| {
                    text.as_ref().map(|text| shown(&Cell::Text(text.clone())))
                };
                Some((end(&self.least_text)?, end(&self.greatest_text)?))
            }
            Class::Any | Class::Truth | Class::Bytes => None,
        }
    }

    /// The most frequent values, those that occur equally often in the order of their texts.
    pub(crate) fn top(&self, most: usize) -> Vec<&Seen> {
        let mut all: Vec<(&Seen, String)> = self
            .seen
            .values()
            .map(|seen| (seen, serde_json::to_string(&seen.cell).unwrap_or_default()))
            .collect();
        all.sort_by(|a, b| b.0.count.cmp(&a.0.count).then_with(|| a.1.cmp(&b.1)));
        all.into_iter().take(most).map(|(seen, _)| seen).collect()
    }

    /// How many distinct values occur in one row only.
    pub(crate) fn once(&self) -> usize {
        self.seen.values().filter(|seen| seen.count == 1).count()
    }

    /// Whether all values of the column are of one type.
    pub(crate) fn is_mixed(&self) -> bool {
        let Types { number, truth, text, bytes } = self.types;
        [number, truth, text, bytes].iter().filter(|count| **count > 0).count() > 1
    }
}

fn text_of(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column(class: Class, cells: impl IntoIterator<Item = Cell>) -> ColumnSample {
        let hasher = RandomState::new();
        let mut column = ColumnSample::new("c", "", class, 1_024);
        for (row, cell) in cells.into_iter().enumerate() {
            column.add(row, cell, &hasher);
        }
        column
    }

    fn text(value: &str) -> Cell {
        Cell::Text(value.to_owned())
    }

    #[test]
    fn numbers_keep_every_digit() {
        let found = column(Class::Any, [i64::MAX, i64::MAX - 1, i64::MIN].map(Cell::Integer));
        assert_eq!(found.ends(), Some((Cell::Integer(i64::MIN), Cell::Integer(i64::MAX))));
        assert_eq!(found.seen.len(), 3);
        let found =
            column(Class::Number, ["9007199254740993.10", "9007199254740993.1", "-0.5"].map(text));
        assert_eq!(found.seen.len(), 2);
        assert_eq!(found.ends().unwrap().0, text("-0.5"));
    }

    #[test]
    fn the_spread_of_large_numbers_is_that_of_small_ones() {
        let small: Vec<i64> = vec![1, 2, 3, 4, 10];
        let large =
            small.iter().map(|n| Cell::Integer(9_007_199_254_740_993 + n)).collect::<Vec<_>>();
        let small = small.into_iter().map(Cell::Integer).collect::<Vec<_>>();
        let spread = |cells: Vec<Cell>| {
            let cells: [Cell; 5] = cells.try_into().unwrap();
            column(Class::Number, cells).mean_and_deviation()
        };
        let ((mean, deviation), (_, expected)) = (spread(large), spread(small));
        assert_eq!((mean, deviation), (Some(9_007_199_254_740_997.0), expected));
    }

    #[test]
    fn what_is_no_number_is_counted_apart() {
        let cells = [
            Cell::Real(f64::NAN),
            Cell::Real(f64::INFINITY),
            text("-Infinity"),
            text("1.5"),
            Cell::Null,
        ];
        let found = column(Class::Number, cells);
        assert_eq!(found.not_finite, NotFinite { nan: 1, infinity: 1, minus_infinity: 1 });
        assert_eq!(
            (found.nulls, found.filled(), found.numbers.len(), found.seen.len()),
            (1, 4, 1, 4)
        );
        assert_eq!(found.mean_and_deviation().0, Some(1.5));
    }

    #[test]
    fn a_number_and_its_text_are_two_values_where_types_are_free() {
        let found = column(Class::Any, [Cell::Integer(1), Cell::Real(1.0), text("1")]);
        assert_eq!(found.seen.len(), 2);
        assert!(found.is_mixed());
        assert_eq!(found.class(), Class::Any);
    }

    #[test]
    fn texts_that_are_dates_are_dates() {
        let found = column(Class::Any, ["2024-02-01", "2023-12-31"].map(text));
        assert_eq!(found.class(), Class::Time);
        assert_eq!(found.ends(), Some((text("2023-12-31"), text("2024-02-01"))));
    }

    #[test]
    fn long_texts_are_cut_and_counted() {
        let long = "é".repeat(2_000);
        let cut = Cell::CutText { text: "é".repeat(10), full_bytes: 10_000 };
        let found = column(Class::Text, [text(&long), text(&(long.clone() + "x")), cut]);
        assert_eq!((found.cut, found.seen.len()), (3, 2));
        let Some((_, Cell::CutText { text, .. })) = found.ends() else {
            panic!("{:?}", found.ends())
        };
        assert_eq!(text.chars().count(), 80);
    }

    proptest! {
        #[test]
        fn counts_are_what_counting_gives(values in proptest::collection::vec(proptest::option::of(0_i64..20), 0..200)) {
            let cells = values.iter().map(|value| value.map_or(Cell::Null, Cell::Integer));
            let found = column(Class::Any, cells);
            let filled: Vec<i64> = values.iter().copied().flatten().collect();
            let mut counts = std::collections::BTreeMap::new();
            for value in &filled {
                *counts.entry(*value).or_insert(0_usize) += 1;
            }
            prop_assert_eq!(found.nulls, values.len() - filled.len());
            prop_assert_eq!(found.seen.len(), counts.len());
            prop_assert_eq!(found.once(), counts.values().filter(|count| **count == 1).count());
            let top = found.top(1);
            prop_assert_eq!(top.first().map(|seen| seen.count), counts.values().copied().max());
            let ends = filled.iter().min().zip(filled.iter().max());
            prop_assert_eq!(found.ends(), ends.map(|(a, b)| (Cell::Integer(*a), Cell::Integer(*b))));
        }
    }
}
