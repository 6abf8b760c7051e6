//! The rows that the queries read: each column from its kind's literals, by a seed of their own, so that every run has the same.

use crate::grammar::Grammar;
use crate::random::Random;

/// Of the queries that are the same in every run.
pub(crate) const FIXED_SEED: u64 = 1;
const SEED: u64 = 20_261_125;
const ROWS: [usize; 3] = [24, 9, 0];

/// Statements that make and fill the tables of a grammar, with columns of these types; each ends with `;`.
pub(crate) fn script(grammar: &Grammar, types: &str) -> String {
    let mut text = String::new();
    for table in grammar.tables {
        text += &format!("CREATE TABLE {table}(id INT PRIMARY KEY, {types});\n");
    }
    text + &rows(grammar)
}

/// Statements that fill the tables of a grammar, in order; each ends with `;`.
pub(crate) fn rows(grammar: &Grammar) -> String {
    let mut random = Random::new(SEED);
    let mut text = String::new();
    for (table, count) in grammar.tables.iter().zip(ROWS) {
        for id in 1..=count {
            let values: Vec<String> = grammar
                .columns
                .iter()
                .map(|(kind, _)| {
                    let literals: Vec<_> =
                        grammar.literals.iter().filter(|(of, _)| of == kind).collect();
                    random.pick(&literals).1.to_owned()
                })
                .collect();
            text += &format!("INSERT INTO {table} VALUES ({id}, {});\n", values.join(", "));
        }
    }
    text
}

/// The seeds and how many queries each: a fixed one, and one that is another every time unless `WHARF_DIFFERENTIAL_SEED` says it.
pub(crate) fn seeds() -> (Vec<u64>, usize) {
    let number = |name: &str| {
        std::env::var(name).ok().map(|text| {
            text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is a number, not {text}"))
        })
    };
    let count = number("WHARF_DIFFERENTIAL_QUERIES").unwrap_or(300) as usize;
    let clock = || {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()
            as u64
    };
    (vec![FIXED_SEED, number("WHARF_DIFFERENTIAL_SEED").unwrap_or_else(clock)], count)
}
