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

/// Runs the queries of all seeds on both sides. `own` asks the client; `cell` writes a cell of Wharf's as the client would.
pub(crate) async fn compare(
    grammar: &Grammar,
    client: &Client,
    own: impl Fn(&[Query]) -> Vec<Outcome>,
    cell: impl Fn(&Value, &Value, &str) -> String,
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
                    tally.judge(&expected, &wharf, limit, |value, column, index| {
                        cell(value, column, query.kinds[index])
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
        cell: impl Fn(&Value, &Value, usize) -> String,
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
                let written = cell(value, &answer["columns"][index], index);
                if written != *expected {
                    return Err(format!(
                        "row {number}, column {index}: {expected:?} for its client, {written:?} from Wharf ({value})"
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
            column["name"] == **name
                && kind.as_ref().is_none_or(|kind| column["declared_type"] == **kind)
        });
    if same {
        Ok(())
    } else {
        Err(format!("columns {expected:?} for its client, {got:?} from Wharf"))
    }
}

/// The bytes of a cell, in hexadecimal; none may be missing.
pub(crate) fn bytes(cell: &Map<String, Value>) -> String {
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(cell["base64"].as_str().unwrap()).unwrap();
    assert_eq!(cell["full_bytes"], json!(bytes.len()));
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
