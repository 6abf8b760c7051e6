//! Whole analyses of tables that are large, odd or partly hidden.

use serde_json::json;

use super::fake::{Act, Fake, File, NUMBERS, analysed};
use super::report::{Distinct, Report};
use super::run_tests::{column, json_of, profile};
use super::{AnalysisType, markdown};
use crate::catalog::{ColumnDescription, RowCount, TableDescription, TableKind};
use crate::engine::Dialect;
use crate::error::ErrorKind;
use crate::promises::ColumnName;
use crate::result::Cell;
use crate::sqlite::{Database, SqliteSettings};

#[tokio::test]
async fn a_large_table_is_sampled_by_ranges_of_its_row_numbers_and_says_so() {
    let file = File::new(&format!(
        "CREATE TABLE big(id INTEGER PRIMARY KEY, bucket, word TEXT);
         {NUMBERS} 200000) INSERT INTO big SELECT n, n % 100, 'w' || n FROM c;
         CREATE INDEX big_word ON big(word);"
    ));
    let report = profile(&file.open(), "big").await;
    let sampled = report.sample.as_ref().unwrap();
    assert_eq!((sampled.rows, sampled.fraction), (10_000, Some(0.05)));
    assert!(matches!(sampled.population, RowCount::Exact(200_000)));
    let json = json_of(&report);
    assert_eq!(json["sample"]["method"], "key_ranges");
    // Exact although only a part was read, because the index knows.
    assert_eq!(column(&json, "id")["range"], json!({"min": 1, "max": 200_000, "of": "table"}));
    assert_eq!(column(&json, "bucket")["range"]["of"], "sample");
    let Distinct::Estimated { in_sample, estimate, .. } = report.columns[1].distinct else {
        panic!()
    };
    assert_eq!((in_sample, estimate), (100, 100));
    let Distinct::Estimated { estimate, .. } = report.columns[2].distinct else { panic!() };
    assert_eq!(estimate, 200_000);
    let median = column(&json, "id")["quantiles"]["p50"].as_i64().unwrap();
    assert!((98_000..102_000).contains(&median), "{median}");
    assert!(report.findings[0].contains("not all of the table"), "{:?}", report.findings);
    assert!(markdown(&report).contains("10000 rows read of 200000"));
    assert_eq!(report.keys.as_ref().unwrap().inferred, [["word"]]);
}

#[tokio::test]
async fn tables_with_sparse_or_textual_keys_are_sampled_by_chance() {
    let file = File::new(&format!(
        "CREATE TABLE sparse(id INTEGER PRIMARY KEY, x);
         {NUMBERS} 60000) INSERT INTO sparse SELECT n, n FROM c;
         INSERT INTO sparse VALUES (9000000000000000000, 0), (-9000000000000000000, 0);
         CREATE TABLE named(a TEXT, b TEXT, x, PRIMARY KEY (a, b)) WITHOUT ROWID;
         INSERT INTO named SELECT 'a' || (x % 7), 'b' || x, x FROM sparse WHERE id > 0;"
    ));
    for table in ["sparse", "named"] {
        let report = profile(&file.open(), table).await;
        let sampled = report.sample.as_ref().unwrap();
        assert!((5_000..=10_000).contains(&sampled.rows), "{}", sampled.rows);
        let json = json_of(&report);
        assert_eq!(json["sample"]["method"], "random_rows", "{table}");
        let median = column(&json, "x")["quantiles"]["p50"].as_i64().unwrap();
        assert!((27_000..33_000).contains(&median), "{table}: {median}");
    }
}

#[tokio::test]
async fn the_same_table_gives_the_same_answer_to_two_callers_at_once() {
    let file = File::new(&format!(
        "CREATE TABLE big(id INTEGER PRIMARY KEY, x); {NUMBERS} 50000) INSERT INTO big SELECT n, n * 7 % 1000 FROM c;"
    ));
    let engine = file.open();
    let (one, two) = tokio::join!(profile(&engine, "big"), profile(&engine, "big"));
    let without_time = |report: &Report| {
        let mut json = json_of(report);
        json["elapsed_ms"].take();
        json
    };
    assert_eq!(without_time(&one), without_time(&two));
}

#[tokio::test]
async fn tables_of_every_shape_are_analysed() {
    let many: Vec<String> = (0..1_000).map(|n| format!("c{n}")).collect();
    let file = File::new(&format!(
        "CREATE TABLE empty(a, b);
         CREATE TABLE one(a, b); INSERT INTO one VALUES (1, 'x');
         CREATE TABLE nulls(a, b); INSERT INTO nulls VALUES (NULL, NULL), (NULL, NULL);
         CREATE TABLE \"we\"\"ird `|name\"(\"a\"\"b\", \"sel ect\", \"rowid\", \"oid\", \"_rowid_\");
         INSERT INTO \"we\"\"ird `|name\" VALUES (1, '| <b>', 2, 3, 4);
         CREATE TABLE half_named(rowid, x); INSERT INTO half_named VALUES (5, 1), (5, 2);
         CREATE TABLE numbers(x); INSERT INTO numbers VALUES (9e999), (-9e999), (9223372036854775807), (1.5);
         CREATE TABLE huge(t TEXT, b BLOB);
         {NUMBERS} 300) INSERT INTO huge SELECT n || printf('%.*c', 100000, 'x'), zeroblob(100000) FROM c;
         CREATE TABLE wide({});
         {NUMBERS} 600) INSERT INTO wide(c0, c999) SELECT n, 'x' FROM c;
         CREATE VIRTUAL TABLE words USING fts5(body); INSERT INTO words VALUES ('one two');",
        many.join(", ")
    ));
    let engine = file.open();
    for (table, rows) in [
        ("empty", 0),
        ("one", 1),
        ("nulls", 2),
        ("we\"ird `|name", 1),
        ("half_named", 2),
        ("numbers", 4),
        ("huge", 300),
        ("words", 1),
    ] {
        for analysis in [AnalysisType::Profile, AnalysisType::Quality, AnalysisType::Correlation] {
            let report = analysed(&engine, table, analysis)
                .await
                .unwrap_or_else(|e| panic!("{table}: {}", e.error));
            assert_eq!(report.sample.as_ref().unwrap().rows, rows, "{table}");
            assert!(markdown(&report).starts_with("# "), "{table}");
        }
    }
    let huge = json_of(&profile(&engine, "huge").await);
    assert_eq!(column(&huge, "t")["distinct"], json!({"exact": 300}));
    assert_eq!(column(&huge, "t")["cut_values"], 300);
    assert_eq!(huge["sample"]["compared_by_characters"], 1_024);
    let numbers = json_of(&profile(&engine, "numbers").await);
    assert_eq!(
        column(&numbers, "x")["not_finite"],
        json!({"nan": 0, "infinity": 1, "minus_infinity": 1})
    );
    assert_eq!(column(&numbers, "x")["range"]["max"], "9223372036854775807");
    let wide = profile(&engine, "wide").await;
    assert_eq!(
        (wide.columns.len(), wide.columns_left_out, wide.sample.as_ref().unwrap().rows),
        (300, 700, 400)
    );
    assert!(serde_json::to_string(&wide).unwrap().len() < 200_000);
}

#[tokio::test]
async fn hidden_columns_are_left_out_and_the_others_analysed() {
    let file = File::new(&format!(
        "CREATE TABLE people(id INTEGER PRIMARY KEY, secret, age); {NUMBERS} 40) INSERT INTO people SELECT n, n, n % 7 FROM c;
         CREATE TABLE keyed(secret TEXT PRIMARY KEY, x) WITHOUT ROWID; INSERT INTO keyed VALUES ('a', 1), ('b', 2);
         CREATE TABLE closed(secret); INSERT INTO closed VALUES (1);"
    ));
    let mut settings = file.settings();
    let hidden = |table: &str| ColumnName::parse(&format!("{table}.secret")).unwrap();
    settings.hidden_columns = ["people", "keyed", "closed"].map(hidden).to_vec();
    let engine = Database::open(settings).unwrap();
    let report = json_of(&analysed(&engine, "people", AnalysisType::Quality).await.unwrap());
    assert_eq!(report["table"]["unreadable_columns"], json!(["secret"]));
    assert_eq!(
        (&report["sample"]["rows"], report["columns"].as_array().unwrap().len()),
        (&json!(40), 2)
    );
    assert!(report["findings"][0].as_str().unwrap().contains("may not be read"));
    let report = json_of(&profile(&engine, "keyed").await);
    assert_eq!(
        (&report["sample"]["rows"], &column(&report, "x")["distinct"]),
        (&json!(2), &json!({"exact": 2}))
    );
    let refused = analysed(&engine, "closed", AnalysisType::Profile).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn decimals_of_other_databases_keep_their_digits() {
    let mut fake = Fake::new(SqliteSettings::sample(), |n, sql| {
        if n == 0 {
            return Act::Pass;
        }
        let text = |text: &str| Cell::Text(text.into());
        let key = |n: usize| [text("16384"), text(&format!("(0,{n})"))];
        let values = ["123456789012345678901234567890.12", "NaN", "0.10"];
        if sql.contains("ctid = ANY") {
            let row = |n: usize| [vec![text(values[n])], key(n).to_vec()].concat();
            Act::Rows((0..3).map(row).collect())
        } else {
            Act::Rows((0..3).map(|n| key(n).to_vec()).collect())
        }
    });
    fake.dialect = Dialect::Postgres;
    fake.description = Some(TableDescription {
        schema: Some("public".into()),
        name: "prices".into(),
        kind: TableKind::Table,
        comment: None,
        columns: vec![ColumnDescription::new("price", "numeric(40,2)")],
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
        unique: Vec::new(),
        indexes: Vec::new(),
        checks: Vec::new(),
        sql: None,
    });
    let report = json_of(&profile(&fake, "prices").await);
    let price = column(&report, "price");
    assert_eq!(
        price["range"],
        json!({"min": "0.10", "max": "123456789012345678901234567890.12", "of": "table"})
    );
    assert_eq!(price["not_finite"]["nan"], 1);
    let statements = fake.statements.lock().unwrap();
    assert_eq!(
        statements[2],
        "SELECT t.tableoid::text, t.ctid::text FROM \"public\".\"prices\" AS t LIMIT 10001"
    );
    assert!(
        statements[3].starts_with("SELECT t.\"price\", t.tableoid::text, t.ctid::text FROM"),
        "{}",
        statements[3]
    );
}
