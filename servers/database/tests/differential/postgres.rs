//! PostgreSQL: `psql` is asked for the types (`\gdesc`) and the rows of each query, in one process for many.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::compare::Outcome;
use crate::fixture;
use crate::postgres_grammar::{GRAMMAR, TYPES};
use crate::query::Query;
use crate::support::database::OwnDatabase;

/// Between cells, between rows, for NULL, and before what is not a row: bytes that no value here has.
const CELL: char = '\x1f';
const ROW: char = '\x1e';
pub(crate) const NULL: &str = "\x02";
const MARK: char = '\x03';

/// A database of one test's own with the tables of the grammar.
pub(crate) fn filled(purpose: &str) -> OwnDatabase {
    let own = OwnDatabase::postgres(&format!("differential_{purpose}"));
    let script = fixture::script(&GRAMMAR, TYPES);
    own.run(&format!(
        "CREATE TYPE mood AS ENUM ('sad', 'so, so', 'ok'); CREATE TYPE pair AS (n int, \"te xt\" text); {script} ANALYZE;"
    ));
    own
}

/// What `psql` answers to each query.
pub(crate) fn psql(url: &str, settings: &str, queries: &[Query]) -> Vec<Outcome> {
    let mut script = format!("SET statement_timeout = '30s';\n{settings}\n");
    for Query { sql, .. } in queries {
        // A mark, the types, a mark, the rows, a mark and whether they were an error.
        script += &format!(
            "\\echo {MARK}types\n{sql}\n\\gdesc\n\\echo {MARK}rows\n{sql};\n\\echo {MARK}error :ERROR :LAST_ERROR_MESSAGE\n"
        );
    }
    let mut child = Command::new("psql")
        .args([
            "--no-psqlrc",
            "-qAt",
            "-F",
            &CELL.to_string(),
            "-R",
            &ROW.to_string(),
            "-P",
            &format!("null={NULL}"),
            url,
        ])
        .env("PGTZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("psql can be run (Debian: postgresql-client)");
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(script.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "psql itself failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let outcomes: Vec<_> = text.split(&format!("{MARK}types\n")).skip(1).map(outcome).collect();
    assert_eq!(outcomes.len(), queries.len());
    outcomes
}

fn outcome(text: &str) -> Outcome {
    let (types, rest) = text.split_once(&format!("{MARK}rows\n")).unwrap();
    let (rows, error) = rest.split_once(&format!("{MARK}error ")).unwrap();
    if let Some(message) = error.strip_prefix("true ") {
        return Outcome::Error(message.trim_end().to_owned());
    }
    let columns = table(types).into_iter().map(|mut row| {
        let kind = row.pop().unwrap();
        (row.pop().unwrap(), Some(kind))
    });
    Outcome::Rows { columns: Some(columns.collect()), rows: table(rows) }
}

/// Rows as psql writes them: nothing for none, else each after the other and one line break at the end.
fn table(text: &str) -> Vec<Vec<String>> {
    let Some(text) = text.strip_suffix('\n') else {
        assert_eq!(text, "");
        return Vec::new();
    };
    text.split(ROW).map(|row| row.split(CELL).map(str::to_owned).collect()).collect()
}

/// The promise of the grammar: an answer depends on the query alone, not on how the planner comes to it.
#[test]
fn every_query_has_one_answer_however_it_is_planned() {
    let own = filled("plans");
    let other = "SET enable_hashjoin = off; SET enable_hashagg = off; SET enable_nestloop = off; SET enable_memoize = off; \
                 SET enable_sort = off; SET enable_material = off; SET jit = off; SET from_collapse_limit = 1;";
    crate::compare::own_answers(
        &GRAMMAR,
        &fixture::seeds().0,
        |queries| psql(&own.url, "", queries),
        |queries| psql(&own.url, other, queries),
    );
}

#[test]
fn psqls_output_is_read_whole() {
    let own = filled("reading");
    let sqls = [
        "SELECT '' AS a",
        "SELECT 1 AS a WHERE false",
        "SELECT NULL::text AS \"x y\", E'l\\ni' AS a, '' AS a",
        "SELECT 1/0",
    ];
    let queries = sqls.map(|sql| Query { sql: sql.to_owned(), kinds: Vec::new() });
    let [
        Outcome::Rows { rows: empty, .. },
        Outcome::Rows { rows: none, .. },
        Outcome::Rows { columns, rows },
        Outcome::Error(error),
    ] = &psql(&own.url, "", &queries)[..]
    else {
        panic!("an error at the wrong place");
    };
    assert_eq!((empty, none), (&vec![vec![String::new()]], &vec![]));
    let column = |name: &str| (name.to_owned(), Some("text".to_owned()));
    assert_eq!(columns.as_ref().unwrap(), &[column("x y"), column("a"), column("a")]);
    assert_eq!(rows, &[[NULL, "l\ni", ""]]);
    assert_eq!(error, "division by zero");
}
