//! What the guard lets through and what it refuses, as text alone.

use super::{Shape, judge};
use crate::error::DatabaseError;
use proptest::prelude::*;

/// Pieces whose neighbourhood decides how they are read.
const PARTS: &[&str] = &[
    " ", "\n", "a", "1", "1e", "e5", ".", "`b`", "f", "(", ")", "/*c*/", "--", "-- d\n", "-", "/",
    "'t'", "\"u\"", ":", ":n", "?", "@v", "@@w", "FROM ", "AS ", "count", "abs", " x", "'", "#",
    "*", "$", "0x", "N'm'",
];

#[track_caller]
fn sent(sql: &str, expected: &str) {
    match judge(sql, Some("shop")) {
        Ok(statement) => assert_eq!(statement.text, expected, "{sql:?}"),
        Err(error) => panic!("{sql:?}: {error}"),
    }
}

#[test]
fn shapes_are_told_apart() {
    #[track_caller]
    fn check(sql: &str, expected: Result<Shape, &str>) {
        let found = judge(sql, Some("shop")).map(|s| s.shape).map_err(|error| match error {
            DatabaseError::Refused { what, .. } => what,
            other => format!("{:?}", other.kind()),
        });
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{sql:?}"),
            (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{sql:?}: {found}"),
            (found, _) => panic!("{sql:?}: {found:?}"),
        }
    }
    check("select 1", Ok(Shape::Query));
    check("((SELECT 1)) UNION (SELECT 2)", Ok(Shape::Query));
    check("/* x */ WITH a AS (SELECT 1) SELECT * FROM a;;  -- end", Ok(Shape::Query));
    check("VALUES (1,'a'),(2,'b')", Ok(Shape::Query));
    check("TABLE t", Ok(Shape::Query));
    check("SHOW FULL TABLES FROM shop LIKE 'a%'", Ok(Shape::Show));
    check("SHOW CREATE TABLE users", Ok(Shape::Show));
    check("SHOW CREATE PROCEDURE p", Ok(Shape::Show));
    check("SHOW GLOBAL VARIABLES LIKE 'version'", Ok(Shape::ShowVariables));
    check("SHOW VARIABLES WHERE Value = 'x'", Err("SHOW VARIABLES WHERE"));
    check("SHOW GRANTS", Err("SHOW GRANTS"));
    check("SHOW CREATE USER root", Err("SHOW CREATE"));
    check("SHOW BINARY LOGS", Err("SHOW BINARY"));
    check("SHOW MASTER STATUS", Err("SHOW MASTER"));
    check("SHOW PLUGINS SONAME 'x'", Err("SONAME"));
    check("DESC users name", Ok(Shape::Describe));
    check("EXPLAIN users", Ok(Shape::Describe));
    check("EXPLAIN EXTENDED SELECT 1", Ok(Shape::Explain));
    check("EXPLAIN FORMAT=JSON SELECT 1", Ok(Shape::Explain));
    check("ANALYZE FORMAT=JSON SELECT 1", Ok(Shape::Explain));
    check("ANALYZE TABLE users", Err("ANALYZE TABLE users"));
    check("EXPLAIN DELETE FROM users", Err("EXPLAIN DELETE FROM users"));
    check("EXPLAIN FOR CONNECTION 5", Err("EXPLAIN FOR CONNECTION"));
    check("EXPLAIN", Err("InvalidInput"));
    check("UPDATE users SET name = 'secret'", Err("UPDATE users"));
    check("WITH a AS (SELECT 1) DELETE FROM users", Err("DELETE"));
    check("SELECT 1; DELETE FROM users", Err("a second statement"));
    check("SELECT 1--1;DROP TABLE users", Err("a second statement"));
    check("-- nothing", Err("InvalidInput"));
    check("", Err("InvalidInput"));
    check(";", Err("InvalidInput"));
    check("; SELECT 1", Err("InvalidInput"));
    check("SELCT 1", Err("InvalidInput"));
    check("SELECT 1)", Err("InvalidInput"));
}

#[test]
fn what_does_more_than_read_is_refused_wherever_it_stands() {
    for sql in [
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "SELECT 1 INTO DUMPFILE '/tmp/x'",
        "SELECT 1 INTO @a",
        "(SELECT 1) INTO @a",
        "SELECT 1 INTO.@a",
        "SELECT * FROM (SELECT * FROM users FOR UPDATE) t",
        "SELECT * FROM users LOCK IN SHARE MODE",
        "SELECT * FROM users FOR SHARE",
        "SELECT * FROM users PROCEDURE ANALYSE()",
        "SELECT @a := 1",
        "SELECT @a:=1",
        "SELECT NEXT VALUE FOR s",
        "SELECT PREVIOUS VALUE FOR s",
        "SELECT nextval(s)",
        "SELECT lastval(s)",
        "SELECT setval(s, 1)",
        "SELECT LOAD_FILE('/etc/passwd')",
        "SELECT load_file/**/('/etc/passwd')",
        "SELECT load_file -- x\n ('/etc/passwd')",
        "SELECT `load_file`('/etc/passwd')",
        "SELECT mariadb_schema.load_file('/etc/passwd')",
        "SELECT mariadb_schema . `sleep` (5)",
        "SELECT sleep(5)",
        "SELECT sleep 1.e(5)",
        "SELECT 1 FROM users WHERE sleep(5)",
        "SELECT 1 ORDER BY (SELECT benchmark(1000000, md5('a')))",
        "SELECT get_lock('a', 1)",
        "SELECT release_all_locks()",
        "SELECT sys_exec('touch /tmp/x')",
        "SELECT @@report_password",
        "SELECT @@global.report_password",
        "SELECT @@global . `report_password`",
        "SHOW TABLES WHERE sleep(5)",
        "SELECT a.b.c(1)",
        "SELECT a. AS sleep(5)",
        "SELECT 1 FROM DUAL WHERE 1 = 1 /*!50000 INTO OUTFILE 'x' */",
        "SELECT /*M!100000 sleep(5) */",
    ] {
        let error = judge(sql, Some("shop")).map(|s| s.text).expect_err(sql);
        let text = error.to_string();
        assert!(text.len() < 400, "{text}");
    }
}

#[test]
fn legal_statements_pass() {
    for sql in [
        "SELECT id, name FROM users ORDER BY id LIMIT 10",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t WHERE n < 10) SELECT sum(n) FROM t",
        "WITH a AS (SELECT id, name FROM users WHERE name <> 'drop table') SELECT count(*) AS insert_count FROM a",
        "SELECT id, sum(total) OVER (PARTITION BY user_id ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders",
        "SELECT CASE WHEN total > 10 THEN 'big' ELSE 'small' END, nullif(total,0), greatest(1,total) FROM orders",
        "SELECT CAST(total AS DECIMAL(20,2)), CONVERT(name, CHAR(10)), CAST(created_at AS DATETIME(6)) FROM orders",
        "SELECT replace(name, 'a', 'b'), insert(name, 1, 1, 'x'), left(name, 2), `update`, t.`delete` FROM t",
        "SELECT group_concat(DISTINCT name ORDER BY name SEPARATOR ';') FROM users",
        "SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS(id FOR ORDINALITY, a INT PATH '$', b VARCHAR(5) PATH '$')) j",
        "SELECT * FROM users u JOIN orders o USING (id) WHERE (u.id, o.id) IN ((1, 2), (3, 4)) AND EXISTS (SELECT 1)",
        "SELECT * FROM users USE INDEX (PRIMARY) WHERE MATCH (name) AGAINST ('x' IN BOOLEAN MODE)",
        "SELECT date_add(now(), INTERVAL 1 DAY), extract(YEAR FROM now()), trim(BOTH 'x' FROM name) FROM users",
        "SELECT @@version, @@session.sql_mode, @a, user(), database(), connection_id()",
        "SELECT 'it''s; -- not' AS a, \"x\\\"y\" AS b, N'n', _utf8mb4'u', x'41', b'1', 0x41",
        "SELECT 1 + - 1, 5 DIV 2, 5 MOD 2, 5 % 2, NOT (1), 1 <=> NULL, 'a' LIKE ('a')",
        "SELECT rank() OVER w FROM users WINDOW w AS (ORDER BY id)",
        "SELECT * FROM users PARTITION (p0), (SELECT 1 a) d",
        "SELECT count (*) FROM users",
        "SELECT * FROM t1 FOR SYSTEM_TIME AS OF NOW()",
        "(SELECT 1) UNION ALL (SELECT 2) EXCEPT (SELECT 3) ORDER BY 1 LIMIT 1",
        "SELECT d.a FROM (SELECT 1, 2) AS d(a, b)",
        "SELECT ST_AsText(g), ST_Distance(g, POINT(1, 1)) FROM shapes",
        "SELECT t.1st, 1.5e3, .5, 1e5 FROM t",
        "SELECT * FROM `Order Items`, `we``ird`, shop.users",
    ] {
        if let Err(error) = judge(sql, Some("shop")) {
            panic!("{sql:?}: {error}");
        }
    }
}

#[test]
fn what_is_sent_is_what_was_judged() {
    sent("SELECT 1 /* x */ + -- y\n 2", "SELECT 1 +\n2");
    sent("SELECT/**/1", "SELECT 1");
    sent("SELECT 1--1", "SELECT 1- -1");
    sent("SELECT 6/':a'", "SELECT 6/ ':a'");
    sent("SELECT 1e5from t", "SELECT 1e5 from t");
    sent("SELECT count /* x */ (*) FROM t", "SELECT count(*) FROM t");
    sent("SELECT `abs` (1)", "SELECT abs(1)");
    sent("SELECT f (1)", "SELECT `shop`.`f`(1)");
    sent("SELECT other . f(1)", "SELECT `other`.`f`(1)");
    sent("SELECT t . `a` FROM t", "SELECT `t`.`a` FROM t");
    sent("SELECT a.b`c`, 1`abs`(2) FROM a .b`c`", "SELECT a.b`c`, 1 abs(2) FROM `a`.`b` `c`");
    sent("SELECT :a + :b - :a", "SELECT ? + ? - ?");
    sent("SELECT /*+ SET_VAR(max_execution_time=0) */ 1", "SELECT 1");
    sent("SELECT '/* x */', \"-- y\", `# z`;", "SELECT '/* x */', \"-- y\", `# z`");
}

#[test]
fn what_may_be_a_relation_or_a_stored_function_is_noted() {
    let statement = judge(
        "SELECT a, f(b) FROM t1, (t2 JOIN db.t3 ON x = y), (SELECT c FROM `t``4`) d WHERE z IN (SELECT 1 FROM t5)",
        Some("shop"),
    )
    .unwrap();
    let relations: Vec<String> =
        statement.relations.iter().map(|r| format!("{}.{}", r.schema, r.name)).collect();
    for wanted in ["shop.t1", "shop.t2", "db.t3", "shop.t`4", "shop.t5"] {
        assert!(relations.iter().any(|found| found == wanted), "{wanted}: {relations:?}");
    }
    assert!(!relations.iter().any(|found| found == "shop.a"), "{relations:?}");
    let functions: Vec<&str> = statement.functions.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(functions, ["f"]);
}

#[test]
fn depth_is_bounded_and_work_is_linear() {
    let nested = |depth: usize| format!("SELECT {}1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(judge(&nested(150), None).is_ok());
    assert!(matches!(judge(&nested(20_000), None), Err(DatabaseError::TooLarge { .. })));
    for sql in [
        format!("SELECT {}", "f(".repeat(150)),
        format!("SELECT 1{}", ", a(b, c)".repeat(10_000)),
        format!("SELECT {}1", "a.".repeat(40_000)),
        format!("WITH {}", "x(a,a,a,a,a,a,a,a,".repeat(5_000)),
        "-".repeat(90_000),
        "'".repeat(90_000),
        "`".repeat(90_000),
        "/*".repeat(45_000),
    ] {
        let _ = judge(&sql, Some("shop"));
    }
}

#[test]
fn stored_functions_need_a_schema_to_be_looked_up_in() {
    assert!(judge("SELECT f(1)", None).is_err());
    assert!(judge("SELECT shop.f(1)", None).is_ok());
}

proptest! {
    #[test]
    fn whatever_is_let_through_is_settled(parts in proptest::collection::vec(proptest::sample::select(PARTS), 0..20)) {
        let _ = crate::mysql::fuzz::check(&format!("SELECT {}", parts.concat()));
    }

    #[test]
    fn any_text_is_judged_without_panic(sql in "\\PC{0,60}") {
        let _ = crate::mysql::fuzz::check(&sql);
    }
}
