//! Rows, schemas and pools as resources, in both eras, and callers that try for more.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf::{Caller, ErrorKind, Grants, Revision, Service};
use wharf_database::{
    Databases,
    engine::Engine,
    promises::{ColumnName, Promised, Promises},
    sqlite::{Database, SqliteSettings},
};
use wharf_testkit::Client;

use crate::{File, sample};

pub(crate) const ERAS: [Revision; 2] = [Revision::V2025_11_25, Revision::V2026_07_28];
pub(crate) const ROW: &str = "db://{database}/{table}/{id}";

/// A file with names that are hard to address.
pub(crate) const ODD: &str = r#"
CREATE TABLE "größe / 100%"("ключ" TEXT PRIMARY KEY, "a""b" INTEGER, "" BLOB);
INSERT INTO "größe / 100%" VALUES ('a/b?c#d%20 "e"', 9007199254740993, x'00ff');
CREATE TABLE "a.b"(id INTEGER PRIMARY KEY, "__proto__" TEXT);
INSERT INTO "a.b" VALUES (1, 'x');
CREATE TABLE long(id INTEGER PRIMARY KEY, text TEXT);
INSERT INTO long VALUES (1, printf('%.70000c', 'x'));
CREATE TABLE wide(id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT, d TEXT);
INSERT INTO wide VALUES (1, printf('%.50000c', 'x'), printf('%.50000c', 'x'), printf('%.50000c', 'x'), '');
"#;

pub(crate) struct Odd {
    directory: tempfile::TempDir,
}

impl Odd {
    pub(crate) fn new(sql: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let connection = rusqlite::Connection::open(directory.path().join("odd.db")).unwrap();
        connection.execute_batch(sql).unwrap();
        Self { directory }
    }

    pub(crate) fn engine(&self, change: impl FnOnce(&mut SqliteSettings)) -> Arc<dyn Engine> {
        let mut settings = SqliteSettings::file(self.directory.path().join("odd.db"));
        change(&mut settings);
        Arc::new(Database::open(settings).unwrap())
    }

    pub(crate) fn service(&self) -> Service {
        let databases = Databases::new([("odd".to_owned(), self.engine(|_| {}))], None).unwrap();
        wharf_database::server(databases).build().unwrap()
    }
}

/// The sample beside the odd ones; `default` is for callers who name none.
pub(crate) fn two(odd: &Odd, default: Option<&str>) -> Service {
    let sample: Arc<dyn Engine> = Arc::new(Database::open(SqliteSettings::sample()).unwrap());
    let named = [("sample".to_owned(), sample), ("odd".to_owned(), odd.engine(|_| {}))];
    let databases = Databases::new(named, default.map(str::to_owned)).unwrap();
    wharf_database::server(databases).build().unwrap()
}

async fn read(client: &Client, uri: &str) -> Value {
    let outcome = client.read(uri).await;
    let contents = &outcome.result()["contents"][0];
    assert_eq!(
        (&contents["uri"], &contents["mimeType"]),
        (&json!(uri), &json!("application/json"))
    );
    serde_json::from_str(contents["text"].as_str().unwrap()).unwrap()
}

async fn refused(client: &Client, uri: &str, kind: ErrorKind, says: &str) {
    let outcome = client.read(uri).await;
    outcome.expect_error(kind);
    let message = outcome.message();
    assert!(message.contains(says), "{uri}: {message}");
    assert!(outcome.json().to_string().len() < 3_000, "{}", outcome.json());
}

#[tokio::test]
async fn a_row_is_read_by_its_key() {
    for revision in ERAS {
        let client = Client::memory(sample(|_| {})).revision(revision).await;
        let state = read(&client, "db://main/states/HI").await;
        assert_eq!(state["row"]["capital"], "Honolulu");
        assert_eq!((&state["database"], &state["table"]), (&json!("main"), &json!("states")));
        assert!(state.get("schema").is_none());
        let route = read(&client, "db://main/routes/SFO,HNL").await;
        assert_eq!(route["row"]["destination"], "HNL");
        let names: Vec<&String> = route["row"].as_object().unwrap().keys().collect();
        assert_eq!(names.len(), 3);
        // As a client writes it that expands the template with the text SFO,HNL.
        assert_eq!(read(&client, "db://main/routes/SFO%2CHNL").await, route);
    }
}

#[tokio::test]
async fn odd_names_and_values_arrive_whole() {
    let odd = Odd::new(ODD);
    for revision in ERAS {
        let client = Client::memory(odd.service()).revision(revision).await;
        let uri = "db://odd/gr%C3%B6%C3%9Fe%20%2F%20100%25/a%2Fb%3Fc%23d%2520%20%22e%22";
        let row = client.read(uri).await.text();
        assert_eq!(
            row,
            "{\"database\":\"odd\",\"table\":\"größe / 100%\",\"row\":{\"ключ\":\"a/b?c#d%20 \\\"e\\\"\",\
             \"a\\\"b\":{\"integer\":\"9007199254740993\"},\"\":{\"base64\":\"AP8=\",\"full_bytes\":2}}}"
        );
        assert_eq!(
            read(&client, "db://odd/a.b/1").await["row"],
            json!({"id": 1, "__proto__": "x"})
        );
        let long = read(&client, "db://odd/long/1").await;
        assert_eq!(long["row"]["text"]["full_bytes"], 70_000);
    }
}

#[tokio::test]
async fn what_addresses_no_row_is_refused_with_what_to_do() {
    use ErrorKind::{InvalidInput, ResourceNotFound};
    let file = File::new();
    let before = file.bytes();
    for revision in ERAS {
        let client = Client::memory(&file.service).revision(revision).await;
        let check = async |uri: &str, kind, says: &str| refused(&client, uri, kind, says).await;
        check("db://main/users/99", ResourceNotFound, "no row with this key").await;
        check("db://main/user/1", ResourceNotFound, "did you mean \"users\"").await;
        check("db://mian/users/1", ResourceNotFound, "did you mean \"main\"").await;
        check("db://main/users/1,2", InvalidInput, "has 1 column, \"id\", and 2 were given").await;
        check("db://main/user_totals/1", InvalidInput, "is a view").await;
        check("db://main/audit/1", InvalidInput, "has no primary key").await;
        // One row has one address, so that a denial of it cannot be evaded by another spelling.
        check("db://main/USERS/1", ResourceNotFound, "db://main/users/KEY").await;
        check("db://main/main.users/1", ResourceNotFound, "db://main/users/KEY").await;
        check("db://main/users/01", ResourceNotFound, "db://main/users/1").await;
        check("db://main/users/1.0", ResourceNotFound, "db://main/users/1").await;
        check("db://main/nothing", ResourceNotFound, "resources/list").await;
    }
    assert_eq!(file.bytes(), before);
}

#[tokio::test]
async fn attacks_through_addresses_find_nothing() {
    let file = File::new();
    let before = file.bytes();
    let long = format!("db://main/users/{}", "%31".repeat(20_000));
    let many = format!("db://main/users/{}1", "1,".repeat(20_000));
    let named = format!("db://main/{}/1", "x".repeat(60_000));
    for revision in ERAS {
        let client = Client::memory(&file.service).revision(revision).await;
        for uri in [
            "db://users/1 OR 1=1",
            "db://pg_authid/1",
            "db://main/users/1 OR 1=1",
            "db://main/users/1%20OR%201%3D1",
            "db://main/users/1)%20OR%20(1%3D1",
            "db://main/users/1%3B%20DROP%20TABLE%20users",
            "db://main/users/%27%20OR%20%27%27%3D%27",
            "db://main/users%22%20WHERE%201%3D1%20--/1",
            "db://main/users;DROP TABLE users/1",
            "db://main/(SELECT%20*%20FROM%20users)/1",
            "db://main/sqlite_schema/1",
            "db://main/sqlite_master/1",
            "db://main/pg_catalog.pg_authid/1",
            "db://main/pragma_table_list/1",
            "db://main/notes_data/1",
            "db://main/users/%00",
            "db://main/users/%FF",
            "db://main/users/..",
            "db://main/users/1/../2",
            "db://../users/1",
            "db://main/users/",
            "db://main//1",
            "db://MAIN/users/1",
            "db://main/users/1?x",
            "db://main/users/1#x",
            "DB://main/users/1",
            &long,
            &many,
            &named,
        ] {
            let outcome = client.read(uri).await;
            assert!(outcome.is_error(), "{}: {}", &uri[..uri.len().min(99)], outcome.json());
            let code = outcome.error_code().unwrap();
            assert!(
                ["RESOURCE_NOT_FOUND", "INVALID_INPUT"].contains(&&*code),
                "{}",
                outcome.json()
            );
            assert!(outcome.json().to_string().len() < 4_000, "{}", outcome.json());
        }
    }
    assert_eq!(file.bytes(), before);
}

#[tokio::test]
async fn a_row_that_is_too_large_is_refused_with_another_way() {
    let odd = Odd::new(ODD);
    let engine = odd.engine(|settings| settings.limits.max_result_bytes = 100_000);
    let databases = Databases::new([("odd".to_owned(), engine)], None).unwrap();
    let client = Client::memory(wharf_database::server(databases)).await;
    refused(&client, "db://odd/wide/1", ErrorKind::InvalidInput, "execute_query").await;
}

#[tokio::test]
async fn resources_and_templates_are_listed() {
    let odd = Odd::new(ODD);
    for revision in ERAS {
        let client = Client::memory(two(&odd, None)).revision(revision).await;
        let listed = |items: Vec<Value>, key: &str| -> Vec<String> {
            items.iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
        };
        let resources = listed(client.list_resources().await, "uri");
        assert_eq!(resources, ["db://odd/schema", "db://sample/schema"]);
        let templates = listed(client.list_resource_templates().await, "uriTemplate");
        assert_eq!(templates, [ROW, "db://{database}/pool", "db://{database}/schema"]);
    }
}

#[tokio::test]
async fn a_schema_is_short_and_whole() {
    for revision in ERAS {
        let client = Client::memory(sample(|_| {})).revision(revision).await;
        let schema = read(&client, "db://main/schema").await;
        assert_eq!(
            (&schema["database"], &schema["dialect"], &schema["truncated"]),
            (&json!("main"), &json!("SQLite"), &json!(false))
        );
        let tables = schema["tables"].as_array().unwrap();
        assert_eq!(tables.len(), 5);
        let routes = tables.iter().find(|table| table["name"] == "routes").unwrap();
        assert_eq!(
            *routes,
            json!({
                "name": "routes",
                "columns": {
                    "origin": "TEXT NOT NULL",
                    "destination": "TEXT NOT NULL",
                    "flights": "INTEGER NOT NULL",
                },
                "primary_key": ["origin", "destination"],
                "foreign_keys": [
                    {"columns": ["origin"], "table": "airports", "table_columns": ["iata"]},
                    {"columns": ["destination"], "table": "airports", "table_columns": ["iata"]},
                ],
            })
        );
        assert_eq!(tables[0]["kind"], "view");
        refused(&client, "db://other/schema", ErrorKind::ResourceNotFound, "\"main\"").await;
    }
}

#[tokio::test]
async fn a_schema_that_does_not_fit_says_what_is_left_out() {
    let many: String = (0..250).map(|n| format!("CREATE TABLE t{n:03}(a, b, c);")).collect();
    let odd = Odd::new(&many);
    let client = Client::memory(odd.service()).await;
    let schema = read(&client, "db://odd/schema").await;
    assert_eq!(
        (&schema["truncated"], schema["tables"].as_array().unwrap().len()),
        (&json!(true), 200)
    );
    let hint = schema["hint"].as_str().unwrap();
    assert!(hint.starts_with("50 tables are left out") && hint.contains("list_tables"), "{hint}");

    let columns: Vec<String> = (0..400).map(|n| format!("c{n:0>200} TEXT")).collect();
    let wide: String =
        (0..5).map(|n| format!("CREATE TABLE t{n}({});", columns.join(","))).collect();
    let odd = Odd::new(&wide);
    let client = Client::memory(odd.service()).await;
    let schema = read(&client, "db://odd/schema").await;
    assert!(schema.to_string().len() < 140_000);
    let (shown, hint) =
        (schema["tables"].as_array().unwrap().len(), schema["hint"].as_str().unwrap());
    assert!(hint.starts_with(&format!("{} tables", 5 - shown)) && shown == 1, "{shown} {hint}");
}

#[tokio::test]
async fn only_operators_see_the_pool() {
    let service = sample(|_| {}).build().unwrap();
    let uri = "db://main/pool";
    for revision in ERAS {
        let may = |patterns: &[&str]| {
            let grants = Arc::new(Grants::parse(patterns).unwrap());
            let caller = Caller::authenticated("key:1", "someone").with_grants(grants);
            Client::memory(&service).revision(revision).caller(caller)
        };
        let templates =
            async |client: &Client| -> usize { client.list_resource_templates().await.len() };
        for patterns in [&["*"][..], &["admin"], &["database:*", "admin"]] {
            let client = may(patterns).await;
            let pool = read(&client, uri).await;
            assert_eq!((&pool["database"], &pool["in_use"]), (&json!("main"), &json!(0)));
            assert!(pool["max"].as_u64().unwrap() > 0);
        }
        assert_eq!(templates(&may(&["*"]).await).await, 3);
        for patterns in
            [&["database:*"][..], &["resources"], &["database:db://main/*"], &["*", "!admin"]]
        {
            let client = may(patterns).await;
            let outcome = client.read(uri).await;
            outcome.expect_error(ErrorKind::PermissionDenied);
            assert_eq!(templates(&client).await, 2, "{patterns:?}");
        }
        let operator = may(&["admin"]).await;
        refused(&operator, "db://other/pool", ErrorKind::ResourceNotFound, "\"main\"").await;
        operator.read("db://main/states/HI").await.expect_error(ErrorKind::PermissionDenied);
    }
}

#[tokio::test]
async fn permissions_hold_for_single_rows() {
    let service = File::new();
    let grants = ["resources", "!database:db://main/users/2", "!database:db://main/orders/*"];
    let grants = Arc::new(Grants::parse(grants).unwrap());
    let caller = Caller::authenticated("key:1", "someone").with_grants(grants);
    let client = Client::memory(&service.service).caller(caller).await;
    assert_eq!(read(&client, "db://main/users/1").await["row"]["id"], 1);
    for uri in [
        "db://main/users/2",
        "db://main/users/%32",
        "db://main/%75sers/2",
        "db://main/users/02",
        "db://main/Users/2",
        "db://main/main.users/2",
        "db://main/users/2.0",
        "db://main/users/%202",
        "db://main/orders/1",
        "db://main/ORDERS/1",
        "db://main/orders/01",
    ] {
        let outcome = client.read(uri).await;
        assert!(outcome.is_error(), "{uri}: {}", outcome.json());
        assert!(!outcome.json().to_string().contains("example.test"), "{uri}");
    }
}

#[tokio::test]
async fn hidden_columns_are_left_out_of_rows() {
    let odd = Odd::new(
        "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, ssn TEXT, \"*\" TEXT);
         INSERT INTO users VALUES (1, 'Ada', 'secret-1', 'star');
         CREATE TABLE keys(token TEXT PRIMARY KEY, name TEXT);
         INSERT INTO keys VALUES ('secret-2', 'Ada');",
    );
    let hidden = |column| ColumnName::parse(column).unwrap();
    let promises = Promises {
        hidden_columns: vec![hidden("users.SSN"), hidden("main.keys.token")],
        row_security: Vec::new(),
    };
    let mut settings = SqliteSettings::file(odd.directory.path().join("odd.db"));
    settings.hidden_columns.clone_from(&promises.hidden_columns);
    let engine = Promised::new(Database::open(settings).unwrap(), promises).unwrap();
    let client =
        Client::memory(wharf_database::server(Databases::one("odd", engine).unwrap())).await;
    let row = read(&client, "db://odd/users/1").await;
    assert_eq!(row["row"], json!({"id": 1, "name": "Ada", "*": "star"}));
    let key = "db://odd/keys/secret-2";
    refused(&client, key, ErrorKind::InvalidInput, "a primary key that nobody may read").await;
    let samples = json!({"table": "users", "samples": true});
    let described: Value = client.call("describe_table", samples).await.structured();
    assert_eq!(described["sample_columns"], json!(["id", "name", "*"]));
    assert_eq!(described["sample_rows"], json!([[1, "Ada", "star"]]));
}

#[tokio::test]
async fn rows_can_be_denied_and_schemas_left() {
    let grants = Arc::new(Grants::parse(["database:*", "!database:db://*/*/*"]).unwrap());
    let caller = Caller::authenticated("key:1", "someone").with_grants(grants);
    let client = Client::memory(sample(|_| {})).caller(caller).await;
    for uri in ["db://main/states/HI", "db://main/states/%2F", "db://main/x/y"] {
        client.read(uri).await.expect_error(ErrorKind::PermissionDenied);
    }
    assert_eq!(read(&client, "db://main/schema").await["truncated"], false);
}

#[tokio::test]
async fn whoever_may_use_nothing_is_told_no_names() {
    let caller = Caller::authenticated("key:1", "someone");
    let client = Client::memory(sample(|_| {})).caller(caller).await;
    assert_eq!(client.list_resources().await.len(), 0);
    assert_eq!(client.list_prompts().await.len(), 0);
    client.read("db://main/schema").await.expect_error(ErrorKind::PermissionDenied);
    client.read("db://main/states/HI").await.expect_error(ErrorKind::PermissionDenied);
}
