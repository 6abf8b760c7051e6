//! The comparison itself: the same queries to Wharf's tool and to the database's own client, and every difference is a failure.

use base64::Engine as _;
use serde_json::{Map, Value, json};
use wharf_testkit::Client;

use crate::fixture;
use crate::grammar::Grammar;
use crate::query::{Query, query};
use crate::random::Random;

/// Of queries to the client at a time.
const BATCH: usize = 100;
/// More rows than any query here has, and fewer than some have.
const LIMITS: [usize; 2] = [10_000, 5];
/// Enough to see what goes wrong.
const MAX_DIFFERENCES: usize = 5;
/// If more fail, the grammar makes nonsense and the comparison shows little.
const MAX_ERRORS_PERCENT: usize = 20;

/// What one side answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Error(String),
    Rows {
        /// Name and type, where the client tells them.
        columns: Option<Vec<(String, Option<String>)>>,
        rows: Vec<Vec<String>>,
    },
}

/// Runs the queries of all seeds on both sides. `own` asks the client; `same` says whether a cell of Wharf's is what the client
/// wrote, given the column and the kind.
pub(crate) async fn compare(
    grammar: &Grammar,
    client: &Client,
    own: impl Fn(&[Query]) -> Vec<Outcome>,
    same: impl Fn(&str, &Value, &Value, &str) -> bool,
) {
    let (seeds, count) = fixture::seeds();
    let mut tally = Tally::default();
    for seed in seeds {
        println!("{count} queries of seed {seed}");
        let mut random = Random::new(seed);
        for start in (0..count).step_by(BATCH) {
            let queries: Vec<Query> =
                (start..count.min(start + BATCH)).map(|_| query(grammar, &mut random)).collect();
            for (query, expected) in queries.iter().zip(own(&queries)) {
                let limit = LIMITS[usize::from(random.percent(20))];
                let asked = json!({"query": query.sql, "limit": limit, "timeout_seconds": 30});
                let answer = client.call("execute_query", asked).await;
                let wharf = if answer.is_error() {
                    Err(answer.message())
                } else {
                    Ok(answer.structured::<Value>())
                };
                if let Err(difference) =
                    tally.judge(&expected, &wharf, limit, |expected, value, column, index| {
                        same(expected, value, column, query.kinds[index])
                    })
                {
                    tally.differences.push(format!("seed {seed}: {difference}\n  {}", query.sql));
                }
                assert!(
                    tally.differences.len() < MAX_DIFFERENCES,
                    "{}",
                    tally.differences.join("\n\n")
                );
            }
        }
    }
    println!("{tally:?}");
    assert!(tally.differences.is_empty(), "{}", tally.differences.join("\n\n"));
    let asked = tally.answered + tally.errors;
    assert!(
        tally.errors * 100 <= asked * MAX_ERRORS_PERCENT,
        "{} of {asked} queries are errors",
        tally.errors
    );
    assert!(tally.cells > tally.answered && tally.cut > 0, "answers without rows show nothing");
}

/// Runs the queries of all seeds in two ways of the client's own; they must not differ, or a difference from Wharf's says nothing.
pub(crate) fn own_answers(
    grammar: &Grammar,
    seeds: &[u64],
    one: impl Fn(&[Query]) -> Vec<Outcome>,
    other: impl Fn(&[Query]) -> Vec<Outcome>,
) {
    let (_, count) = fixture::seeds();
    let (mut answered, mut errors) = (0, Vec::new());
    for &seed in seeds {
        let mut random = Random::new(seed);
        let queries: Vec<Query> = (0..count).map(|_| query(grammar, &mut random)).collect();
        for ((query, one), other) in queries.iter().zip(one(&queries)).zip(other(&queries)) {
            match (one, other) {
                (Outcome::Error(one), Outcome::Error(_)) => {
                    errors.push(format!("{one}\n  {}", query.sql))
                }
                (one, other) => {
                    answered += 1;
                    assert!(
                        one == other,
                        "seed {seed}: {}\n{}",
                        query.sql,
                        first_difference(&one, &other)
                    );
                }
            }
        }
    }
    println!("{answered} answers, {} errors", errors.len());
    let few = errors.len() * 100 <= (answered + errors.len()) * MAX_ERRORS_PERCENT;
    assert!(few, "{} errors, {answered} answers\n{}", errors.len(), errors.join("\n"));
}

fn first_difference(one: &Outcome, other: &Outcome) -> String {
    match (one, other) {
        (Outcome::Rows { rows: one, .. }, Outcome::Rows { rows: other, .. }) => {
            let at = one.iter().zip(other).position(|(one, other)| one != other);
            let at = at.unwrap_or(one.len().min(other.len()));
            format!("row {at}:\n  {:?}\n  {:?}", one.get(at), other.get(at))
        }
        others => format!("{others:?}"),
    }
}

#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    errors: usize,
    cells: usize,
    cut: usize,
    differences: Vec<String>,
}

impl Tally {
    fn judge(
        &mut self,
        expected: &Outcome,
        wharf: &Result<Value, String>,
        limit: usize,
        same: impl Fn(&str, &Value, &Value, usize) -> bool,
    ) -> Result<(), String> {
        let (columns, rows, answer) = match (expected, wharf) {
            (Outcome::Error(_), Err(_)) => {
                self.errors += 1;
                return Ok(());
            }
            (Outcome::Error(own), Ok(answer)) => {
                return Err(format!("an error for its client ({own}), {answer} from Wharf"));
            }
            (Outcome::Rows { rows, .. }, Err(refused)) => {
                return Err(format!("{} rows for its client, from Wharf {refused}", rows.len()));
            }
            (Outcome::Rows { columns, rows }, Ok(answer)) => (columns, rows, answer),
        };
        self.answered += 1;
        if let Some(columns) = columns {
            same_columns(columns, &answer["columns"])?;
        }
        let cut = rows.len() > limit;
        self.cut += usize::from(cut);
        let got = answer["rows"].as_array().unwrap();
        if got.len() != rows.len().min(limit)
            || answer["truncated"] != json!(cut)
            || answer["row_count"] != json!(got.len())
        {
            let counted = (got.len(), &answer["truncated"], &answer["row_count"]);
            return Err(format!(
                "{} rows for its client, limit {limit}; from Wharf {counted:?}",
                rows.len()
            ));
        }
        for (number, (row, expected)) in got.iter().zip(rows).enumerate() {
            let row = row.as_array().unwrap();
            if row.len() != expected.len() {
                return Err(format!(
                    "{} cells for its client, {} from Wharf",
                    expected.len(),
                    row.len()
                ));
            }
            for (index, (value, expected)) in row.iter().zip(expected).enumerate() {
                self.cells += 1;
                let column = &answer["columns"][index];
                if !same(expected, value, column, index) {
                    return Err(format!(
                        "row {number}, column {index}: {expected:?} for its client, {value} in {column} from Wharf"
                    ));
                }
            }
        }
        Ok(())
    }
}

fn same_columns(expected: &[(String, Option<String>)], got: &Value) -> Result<(), String> {
    let got = got.as_array().unwrap();
    let same = got.len() == expected.len()
        && got.iter().zip(expected).all(|(column, (name, kind))| {
            column["name"] == **name && kind.as_ref().is_none_or(|kind| column["type"] == **kind)
        });
    if same {
        Ok(())
    } else {
        Err(format!("columns {expected:?} for its client, {got:?} from Wharf"))
    }
}

/// A float as its client writes it and as JSON: the same bits, whatever the notation; NaN and the infinities are strings.
pub(crate) fn same_float(expected: &str, cell: &Value) -> bool {
    match cell {
        Value::Number(number) => {
            let expected: f64 = expected.parse().unwrap_or(f64::NAN);
            expected.is_finite()
                && number.as_f64().is_some_and(|got| got.to_bits() == expected.to_bits())
        }
        Value::String(text) => {
            ["NaN", "Infinity", "-Infinity"].contains(&expected) && text == expected
        }
        _ => false,
    }
}

/// An integer: a number where JavaScript can hold it, digits in a string beyond.
pub(crate) fn same_integer(expected: &str, cell: &Value) -> bool {
    let Ok(number) = expected.parse::<i128>() else { return false };
    match cell {
        Value::Number(got) => number.unsigned_abs() < 1 << 53 && got.to_string() == expected,
        Value::String(got) => number.unsigned_abs() >= 1 << 53 && got == expected,
        _ => false,
    }
}

/// The bytes of a cell, in hexadecimal; none may be missing.
pub(crate) fn bytes(cell: &Map<String, Value>) -> String {
    assert!(!cell.contains_key("text"), "no text here is long enough to be cut: {cell:?}");
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(cell["base64"].as_str().unwrap()).unwrap();
    assert_eq!(cell["full_bytes"], json!(bytes.len()));
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn floats_and_integers_are_the_same_only_to_the_last_digit() {
    let table = [
        (same_float("0.1", &json!(0.1)), true),
        (same_float("1e+20", &json!(1e20)), true),
        (same_float("-0", &json!(-0.0)), true),
        (same_float("0", &json!(-0.0)), false),
        (same_float("0.1", &json!(0.100_000_001_490_116_12)), false),
        (same_float("NaN", &json!("NaN")), true),
        (same_float("NaN", &json!(0.0)), false),
        (same_float("0.5", &json!("0.5")), false),
        (same_integer("9007199254740991", &json!(9_007_199_254_740_991_i64)), true),
        (same_integer("9007199254740992", &json!(9_007_199_254_740_992_i64)), false),
        (same_integer("9007199254740993", &json!("9007199254740993")), true),
        (same_integer("5", &json!("5")), false),
        (same_integer("5", &json!(6)), false),
        (same_integer("5", &json!(5.0)), false),
        (same_integer("-18446744073709551615", &json!("-18446744073709551615")), true),
    ];
    for (index, (same, expected)) in table.into_iter().enumerate() {
        assert_eq!(same, expected, "line {index}");
    }
}

#[test]
fn a_row_a_column_a_cell_too_many_or_another_is_a_difference() {
    let expected = |rows: &[&[&str]]| Outcome::Rows {
        columns: Some(vec![("a".to_owned(), Some("text".to_owned()))]),
        rows: rows.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()).collect(),
    };
    let answer = |name: &str, rows: Value, truncated: bool| {
        let count = rows.as_array().unwrap().len();
        Ok(
            json!({"columns": [{"name": name, "type": "text"}], "rows": rows, "row_count": count, "truncated": truncated}),
        )
    };
    let judge = |expected: &Outcome, wharf: &Result<Value, String>, limit| {
        Tally::default()
            .judge(expected, wharf, limit, |expected, cell, _, _| *cell == json!(expected))
            .is_ok()
    };
    let two = expected(&[&["x"], &["y"]]);
    assert!(judge(&two, &answer("a", json!([["x"], ["y"]]), false), 9));
    assert!(judge(&two, &answer("a", json!([["x"]]), true), 1));
    assert!(judge(&Outcome::Error("no".into()), &Err("no".into()), 9));
    for wrong in [
        answer("b", json!([["x"], ["y"]]), false),
        answer("a", json!([["x"], ["z"]]), false),
        answer("a", json!([["x"]]), false),
        answer("a", json!([["x"], ["y"]]), true),
        answer("a", json!([["x"], ["y"], ["y"]]), false),
        answer("a", json!([["x"], ["y", "y"]]), false),
        Err("refused".into()),
    ] {
        assert!(!judge(&two, &wrong, 9), "{wrong:?}");
    }
    assert!(!judge(&Outcome::Error("no".into()), &answer("a", json!([]), false), 9));
}
