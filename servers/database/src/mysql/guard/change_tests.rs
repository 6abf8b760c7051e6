//! Which statements are taken for changes, which tables they change and how they are sent, as text alone.

use proptest::prelude::*;

use super::change::{Count, judge_change};
use super::judge;
use super::routines::judge_trigger;
use crate::error::DatabaseError;

/// Pieces whose neighbourhood decides how they are read.
const PARTS: &[&str] = &[
    " ",
    " ",
    "\n",
    ",",
    "(",
    ")",
    ".",
    "=",
    "1",
    "'t'",
    "?",
    ":n",
    ";",
    "/*c*/",
    "--",
    "/*!",
    "`b`",
    "a",
    " t",
    " u",
    " INTO ",
    " FROM ",
    " SET ",
    " WHERE ",
    " VALUES ",
    " USING ",
    " JOIN ",
    " ON ",
    " AS ",
    " SELECT ",
    " LIMIT 1",
    " ON DUPLICATE KEY UPDATE ",
    " RETURNING ",
    "IGNORE ",
    " QUICK",
    " HISTORY",
    " FOR PORTION OF",
    " FOR UPDATE",
    " OUTFILE 'x'",
    " INSERT",
    " REPLACE(",
    "DELETE",
    " UPDATE ",
    "f(",
    "abs(",
    " PARTITION (p)",
    "db.",
    " TABLE ",
];

/// The text to send and the tables that are changed.
#[track_caller]
fn changes(sql: &str, text: &str, written: &[&str]) {
    let change = judge_change(sql, Some("shop")).unwrap_or_else(|error| panic!("{sql:?}: {error}"));
    assert_eq!(change.statement.text, text, "{sql:?}");
    let found: Vec<String> =
        change.written.iter().map(|table| format!("{}.{}", table.schema, table.name)).collect();
    assert_eq!(found, written, "{sql:?}");
    for table in &change.written {
        assert!(change.statement.relations.contains(table), "{sql:?}: {table:?}");
    }
    assert!(judge(sql, Some("shop")).is_err(), "{sql:?} is taken for a query");
}

#[test]
fn the_tables_that_a_change_is_for_are_found() {
    changes("insert t values (1)", "insert `shop`.`t` values(1)", &["shop.t"]);
    changes(
        "INSERT/**/INTO db . `t``1` (a) VALUE (?)",
        "INSERT INTO `db`.`t``1` (a) VALUE(?)",
        &["db.t`1"],
    );
    changes(
        "REPLACE INTO t(a, b) SELECT a, b FROM u, v",
        "REPLACE INTO `shop`.`t`(a, b) SELECT a, b FROM u, v",
        &["shop.t"],
    );
    changes(
        "INSERT INTO f(a) VALUES (f(1));",
        "INSERT INTO `shop`.`f`(a) VALUES(`shop`.`f`(1))",
        &["shop.f"],
    );
    changes("UPDATE t SET a = 1", "UPDATE t SET a = 1", &["shop.t"]);
    changes(
        "UPDATE `set` AS x SET x.a = (SELECT max(b) FROM u)",
        "UPDATE `set` AS x SET x.a = (SELECT max(b) FROM u)",
        &["shop.set"],
    );
    changes(
        "UPDATE db.t, (u JOIN v ON 1) SET a = 1, b = 2",
        "UPDATE db.t, (u JOIN v ON 1) SET a = 1, b = 2",
        &["db.t", "shop.db", "shop.u", "shop.v"],
    );
    // What a query among the tables reads is not changed.
    changes(
        "UPDATE t JOIN (SELECT a FROM w, x JOIN (y) ON 1) d ON 1, z SET t.a = 1",
        "UPDATE t JOIN (SELECT a FROM w, x JOIN (y) ON 1) d ON 1, z SET t.a = 1",
        &["shop.t", "shop.z"],
    );
    changes(
        "DELETE FROM t WHERE a IN (SELECT b FROM u)",
        "DELETE FROM t WHERE a IN (SELECT b FROM u)",
        &["shop.t"],
    );
    changes(
        "DELETE a.*, b FROM t a, u AS b ORDER BY 1",
        "DELETE a.*, b FROM t a, u AS b ORDER BY 1",
        &["shop.t", "shop.u"],
    );
    changes(
        "DELETE FROM a USING t AS a JOIN `u`",
        "DELETE FROM a USING t AS a JOIN `u`",
        &["shop.a", "shop.t", "shop.u"],
    );
    changes("DELETE FROM t LIMIT 1", "DELETE FROM t LIMIT 1", &["shop.t"]);
}

#[test]
fn what_fires_triggers_and_what_is_counted_follows_from_the_verb() {
    #[track_caller]
    fn check(sql: &str, fired: [bool; 3], count: Count) {
        let change = judge_change(sql, Some("shop")).unwrap();
        let found = ["INSERT", "UPDATE", "DELETE"].map(|event| change.events.fire(event));
        assert_eq!((found, change.count), (fired, count), "{sql}");
    }
    check("INSERT INTO t VALUES (1)", [true, false, false], Count::Affected);
    check("REPLACE INTO t VALUES (1)", [true, false, true], Count::Affected);
    check("UPDATE t SET a = 1", [false, true, false], Count::Affected);
    check("DELETE FROM t", [false, false, true], Count::Affected);
    let upsert = "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1";
    check(upsert, [true, true, false], Count::Given);
    check("INSERT INTO t SELECT 'ON DUPLICATE KEY UPDATE'", [true, false, false], Count::Affected);
}

#[test]
fn bare_names_need_a_schema_to_be_looked_up_in() {
    assert!(judge_change("INSERT INTO t VALUES (1)", None).is_err());
    assert!(judge_change("INSERT INTO db.t VALUES (1)", None).is_ok());
    assert!(judge_change("UPDATE t SET a = 1", None).is_err());
    assert!(judge_change("DELETE FROM db.t", None).is_ok());
}

#[test]
fn bodies_of_triggers_may_change_rows_and_nothing_else() {
    #[track_caller]
    fn check(body: &str, expected: Result<&[&str], &str>) {
        let found = judge_trigger("shop", "tr", "STRICT_TRANS_TABLES", Some(body));
        match (found, expected) {
            (Ok([_, _, written]), Ok(expected)) => {
                let names: Vec<&str> = written.iter().map(|table| table.name.as_str()).collect();
                assert_eq!(names, expected, "{body}");
            }
            (Err(DatabaseError::Refused { what, .. }), Err(part)) => {
                assert!(what.contains(part), "{body}: {what}");
            }
            (found, _) => panic!("{body}: {found:?}"),
        }
    }
    check("SET NEW.a = OLD.a + 1", Ok(&[]));
    check("INSERT IGNORE INTO t VALUES (NEW.id)", Ok(&["t"]));
    check(
        "BEGIN IF NEW.a THEN REPLACE t SET a = 1; ELSE DELETE FROM u WHERE a = 1; END IF; END",
        Ok(&["t", "u"]),
    );
    check(
        "BEGIN UPDATE t JOIN u ON 1 SET t.a = 1; SET @x = (SELECT 1 FROM v, w); END",
        Ok(&["t", "u"]),
    );
    check("BEGIN DELETE a FROM t a, u b; INSERT INTO v SELECT 1 FROM w; END", Ok(&["t", "u", "v"]));
    check("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = a + 1", Ok(&["t"]));
    check("SET NEW.id = nextval(s)", Ok(&[]));
    check("SET NEW.id = NEXT VALUE FOR s", Ok(&[]));
    check("BEGIN DECLARE n INT; SELECT a INTO n FROM t WHERE b = 1 FOR UPDATE; END", Ok(&[]));
    check("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'DELETE FROM t'", Ok(&[]));
    check("BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION DELETE FROM t; END", Ok(&["t"]));
    check("CALL p()", Err("CALL"));
    check("BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION CALL p(); END", Err("CALL"));
    check("SET @x = sleep(1)", Err("sleep()"));
    check("SET NEW.a = load_file('x')", Err("load_file()"));
    check("SET GLOBAL max_connections = 1", Err("GLOBAL"));
    check("SET @@global.max_connections = 1", Err("@@GLOBAL"));
    check("SET NEW.a = setval(s, 1)", Err("setval()"));
    check("SELECT 1 INTO OUTFILE 'x'", Err("OUTFILE"));
    check("BEGIN /*!50000 DELETE FROM t */; END", Err("executable comment"));
    check("BEGIN EXECUTE IMMEDIATE 'DELETE FROM t'; END", Err("EXECUTE"));
    for (mode, body) in [("ANSI_QUOTES,STRICT_ALL_TABLES", Some("SET @x = 1")), ("", None)] {
        assert!(judge_trigger("shop", "tr", mode, body).is_err(), "{mode} {body:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_let_through_is_settled(
        verb in proptest::sample::select(vec!["INSERT ", "REPLACE ", "UPDATE ", "DELETE ", "INSERT INTO t", "UPDATE t SET a = 1", "DELETE FROM t"]),
        parts in proptest::collection::vec(proptest::sample::select(PARTS), 0..16),
    ) {
        let _ = crate::mysql::fuzz::check(&format!("{verb}{}", parts.concat()));
    }
}
