//! Every type of column: what comes back is what the `mariadb` client prints.

use serde_json::Value;
use wharf_database::mysql::Database;
use wharf_database::result::Cell;

use super::fixture::{Fixture, query, rows};
use super::support::client::mariadb;

/// Columns as they are declared, the type that a result names, and values as SQL writes them.
const COLUMNS: &[(&str, &str, &[&str])] = &[
    ("TINYINT", "tinyint", &["-128", "127", "0"]),
    ("TINYINT UNSIGNED", "tinyint unsigned", &["255", "0"]),
    ("BOOLEAN", "tinyint(1)", &["TRUE", "FALSE", "5"]),
    ("SMALLINT", "smallint", &["-32768", "32767"]),
    ("MEDIUMINT UNSIGNED", "mediumint unsigned", &["16777215"]),
    ("INT", "int", &["-2147483648", "2147483647"]),
    ("INT UNSIGNED", "int unsigned", &["4294967295"]),
    ("BIGINT", "bigint", &["-9223372036854775808", "9223372036854775807", "9007199254740993"]),
    ("BIGINT UNSIGNED", "bigint unsigned", &["18446744073709551615", "9223372036854775808", "1"]),
    ("DECIMAL(12,2)", "decimal(12,2)", &["-1234567890.12", "0", "0.1"]),
    (
        "DECIMAL(65,30)",
        "decimal(65,30)",
        &["99999999999999999999999999999999999.999999999999999999999999999999"],
    ),
    ("DECIMAL(10,0) UNSIGNED", "decimal(10,0) unsigned", &["9999999999"]),
    ("FLOAT", "float", &["0.1", "-3.4028234e38", "1e-45", "16777216", "0"]),
    ("DOUBLE", "double", &["0.1e0 + 0.2e0", "-1.7976931348623157e308", "5e-324", "1e22", "100"]),
    ("YEAR", "year", &["1901", "2155", "2024"]),
    ("DATE", "date", &["'0000-00-00'", "'9999-12-31'", "'2024-02-29'", "'2024-00-00'"]),
    (
        "DATETIME",
        "datetime",
        &["'0000-00-00 00:00:00'", "'9999-12-31 23:59:59'", "'2024-02-29 00:00:00'"],
    ),
    ("DATETIME(3)", "datetime(3)", &["'2024-02-29 01:02:03.120'", "'2024-02-29 00:00:00'"]),
    ("DATETIME(6)", "datetime(6)", &["'2024-02-29 01:02:03.000001'", "'0000-00-00 00:00:00'"]),
    (
        "TIMESTAMP(6) NULL",
        "timestamp(6)",
        &["'2038-01-19 03:14:07.999999'", "'1970-01-01 00:00:01'"],
    ),
    ("TIME", "time", &["'-838:59:59'", "'838:59:59'", "'00:00:00'", "'25:00:00'"]),
    ("TIME(2)", "time(2)", &["'-00:00:00.50'", "'12:00:00'", "'-100:01:02.03'"]),
    ("CHAR(5)", "char(5)", &["'abc  '", "''"]),
    ("VARCHAR(50)", "varchar(50)", &["'größer 漢字 😀'", "'it''s'", "' '"]),
    ("TINYTEXT", "tinytext", &["'a'"]),
    ("TEXT", "text", &["'text'"]),
    ("LONGTEXT", "longtext", &["'long'"]),
    ("JSON", "longtext", &["'{\"a\": [1, 2.50]}'"]),
    ("ENUM('a','b','ü')", "enum", &["'ü'", "'b'"]),
    ("SET('x','y','z')", "set", &["'z,x'", "''"]),
    ("VARCHAR(9) CHARACTER SET latin1", "varchar(9)", &["'äöü'"]),
    ("UUID", "char(36)", &["'123e4567-e89b-12d3-a456-426655440000'"]),
    ("INET6", "char(39)", &["'2001:db8::1'", "'::ffff:1.2.3.4'"]),
];

/// The text of a cell, as the client would print it; numbers by their value.
fn text(cell: &Cell) -> String {
    match serde_json::to_value(cell).unwrap() {
        Value::Null => "NULL".into(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn same(declared: &str, ours: &str, theirs: &str) -> bool {
    match declared {
        // The client prints six digits of a FLOAT; ours are those that read back as the same bits.
        "FLOAT" => {
            let (ours, theirs): (f32, f32) = (ours.parse().unwrap(), theirs.parse().unwrap());
            ours == theirs || ((ours - theirs) / ours).abs() < 1e-5
        }
        "DOUBLE" => {
            ours.parse::<f64>().unwrap().to_bits() == theirs.parse::<f64>().unwrap().to_bits()
        }
        _ => ours == theirs,
    }
}

#[tokio::test]
async fn every_type_comes_back_as_the_client_prints_it() {
    let fixture = Fixture::new().await;
    let database = Database::open(fixture.reader().await).unwrap();
    for (number, (declared, named, values)) in COLUMNS.iter().enumerate() {
        let inserts: String = values
            .iter()
            .map(|value| format!("INSERT INTO t{number}(v) VALUES ({value});"))
            .collect();
        fixture
            .run(&format!(
                "SET sql_mode = ''; CREATE TABLE t{number}(id INT AUTO_INCREMENT PRIMARY KEY, v {declared}); {inserts} \
                 INSERT INTO t{number}(v) VALUES (NULL)"
            ))
            .await;
        let sql = format!("SELECT v FROM t{number} ORDER BY id");
        let printed = mariadb(&fixture.url, &format!("SET time_zone = '+00:00'; {sql}"));
        let theirs: Vec<&str> = printed.split('\n').collect();
        let result = query(&database, &sql).await.unwrap();
        assert_eq!(result.columns[0].declared_type.as_deref(), Some(*named), "{declared}");
        let ours: Vec<String> = result.rows.iter().map(|row| text(&row[0])).collect();
        assert_eq!(ours.len(), theirs.len(), "{declared}: {ours:?} {theirs:?}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!(
                ours == theirs || same(declared, ours, theirs),
                "{declared}: {ours} is not {theirs}"
            );
        }
    }
}

#[tokio::test]
async fn floats_read_back_as_the_same_bits() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    fixture.run("CREATE TABLE f(v FLOAT); INSERT INTO f VALUES (0.1), (16777217), (3.4028234e38), (1e-45)").await;
    let result = query(&database, "SELECT v, CAST(v AS DOUBLE) FROM f").await.unwrap();
    for row in &result.rows {
        let (Cell::Real(short), Cell::Real(whole)) = (&row[0], &row[1]) else { panic!("{row:?}") };
        #[expect(clippy::cast_possible_truncation, reason = "that is the question")]
        let (short, whole) = (*short as f32, *whole as f32);
        assert_eq!(short.to_bits(), whole.to_bits(), "{row:?}");
    }
}

#[tokio::test]
async fn bytes_and_bits_are_not_text() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    fixture
        .run(
            "CREATE TABLE b(a BINARY(3), v VARBINARY(5), t TINYBLOB, l LONGBLOB, one BIT, many BIT(10), g GEOMETRY); \
             INSERT INTO b VALUES ('a', x'00ff', '', repeat('x', 3), 1, b'1000000101', POINT(1, 2))",
        )
        .await;
    let result = query(&database, "SELECT a, v, t, l, one, many FROM b").await.unwrap();
    let types: Vec<_> =
        result.columns.iter().map(|column| column.declared_type.clone().unwrap()).collect();
    assert_eq!(types, ["binary(3)", "varbinary(5)", "tinyblob", "longblob", "bit(1)", "bit(10)"]);
    let expected = serde_json::json!([[
        {"base64": "YQAA", "full_bytes": 3}, {"base64": "AP8=", "full_bytes": 2}, {"base64": "", "full_bytes": 0},
        {"base64": "eHh4", "full_bytes": 3}, "1", "1000000101"
    ]]);
    assert_eq!(serde_json::to_value(&result.rows).unwrap(), expected);
    let shape = rows(&database, "SELECT length(g), g FROM b").await;
    assert_eq!(shape[0][0], 25);
    assert_eq!(shape[0][1]["full_bytes"], 25, "{shape}");
}

#[tokio::test]
async fn columns_keep_their_names_and_their_number() {
    let fixture = Fixture::new().await;
    let database = fixture.database().await;
    let result =
        query(&database, "SELECT 1 AS a, 2 AS a, 3 AS `b``c`, 4 AS `` FROM people WHERE 1 = 0")
            .await;
    let result = result.unwrap();
    let names: Vec<_> = result.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "a", "b`c", ""]);
    assert_eq!((result.row_count, result.truncated), (0, false));
    let wide: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
    let result = query(&database, &format!("SELECT {}", wide.join(","))).await.unwrap();
    assert_eq!(result.rows[0].len(), 1_000);
    assert_eq!(result.rows[0][999], Cell::Integer(999));
}
