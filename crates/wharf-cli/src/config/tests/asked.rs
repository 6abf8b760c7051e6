//! What the command line asks for, beside a file and an environment.

use std::path::Path;

use super::super::{Asked, DatabaseSource, ServerKind, Settings, load::check};

fn ask(toml: &str, server: Option<&str>, keys: &[(&str, &str)]) -> Result<Settings, String> {
    ask_beside(toml, &[], server, keys)
}

fn ask_beside(
    toml: &str,
    variables: &[(&str, &str)],
    server: Option<&str>,
    keys: &[(&str, &str)],
) -> Result<Settings, String> {
    let asked = Asked {
        server: server.map(str::to_owned),
        keys: keys.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        options: Vec::new(),
    };
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    check("wharf.toml", toml, Path::new("etc"), variables, &asked)
        .map_err(|error| error.to_string())
}

/// The only server's name, file and row limit.
fn database(settings: &Settings) -> (String, String, usize) {
    let [server] = settings.servers.as_slice() else { panic!("{:?}", settings.servers) };
    let ServerKind::Database(database) = &server.kind else { panic!("{server:?}") };
    let [(_, one)] = database.databases.as_slice() else { panic!("{database:?}") };
    let source = match &one.source {
        DatabaseSource::Path(path) => path.display().to_string(),
        DatabaseSource::Sample => "sample".to_owned(),
        DatabaseSource::Postgres(_) | DatabaseSource::Mysql(_) => "url".to_owned(),
    };
    (server.name.clone(), source, one.row_limit)
}

#[test]
fn a_kind_is_a_server_without_a_file() {
    let settings = ask("", Some("calculator"), &[]).unwrap();
    assert_eq!(settings.servers.len(), 1);
    assert_eq!(settings.servers[0].kind, ServerKind::Calculator);
    let settings = ask("", Some("database"), &[]).unwrap();
    assert_eq!(database(&settings), ("database".into(), "sample".into(), 10_000));
    let settings = ask("", Some("database"), &[("path", "/data/a.db")]).unwrap();
    assert_eq!(database(&settings), ("database".into(), "/data/a.db".into(), 10_000));
}

#[test]
fn a_configured_server_is_chosen_and_its_keys_are_overridden() {
    let toml = "[servers.shop]\nkind = \"database\"\npath = \"shop.db\"\nrow_limit = 7\n\
                [servers.sums]\nkind = \"calculator\"\n";
    let settings = ask(toml, Some("shop"), &[]).unwrap();
    assert_eq!(database(&settings), ("shop".into(), "etc/shop.db".into(), 7));
    let settings = ask(toml, Some("shop"), &[("row_limit", "9")]).unwrap();
    assert_eq!(database(&settings).2, 9);
    let variables = [("WHARF__SERVERS__SHOP__ROW_LIMIT", "8")];
    let settings = ask_beside(toml, &variables, Some("shop"), &[]).unwrap();
    assert_eq!(database(&settings).2, 8);
    // Options stand above variables.
    let settings = ask_beside(toml, &variables, Some("shop"), &[("row_limit", "9")]).unwrap();
    assert_eq!(database(&settings).2, 9);
    // A kind beside configured servers is a server of its own.
    let settings = ask(toml, Some("database"), &[("path", "/b.db")]).unwrap();
    assert_eq!(database(&settings), ("database".into(), "/b.db".into(), 10_000));
}

#[test]
fn what_is_asked_wrongly_is_told_by_the_option() {
    let check = |server: &str, keys: &[(&str, &str)], expected: &[&str]| {
        let report = ask("", Some(server), keys).unwrap_err();
        for part in expected {
            assert!(report.contains(part), "{part:?} is not in\n{report}");
        }
    };
    check(
        "databse",
        &[],
        &[
            "there is no server or kind of server \"databse\"",
            "did you mean `database`?",
            "there are: calculator, database",
        ],
    );
    check(
        "database",
        &[("row_limit", "100001"), ("sample", "true")],
        &["command line --row-limit", "expected an integer from 1 to 100000"],
    );
    check("database", &[("timeout", "6m")], &["command line --timeout", "at most 300 seconds"]);
    check("calculator", &[("path", "x")], &["unknown key `path` in [servers.calculator]"]);
    check("database", &[("row_limit", "5")], &["`servers.database.path` is missing"]);
}
