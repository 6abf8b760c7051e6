//! The attacks on arguments other than SQL, through the tools and the resources of a whole server.

use serde_json::{Value, json};
use wharf::Service;
use wharf_testkit::Client;

const CORPUS: &str = include_str!("../corpus/shared.json");

/// Meets every attack; `allow` must be answered. The corpus names arguments in general words.
pub(crate) async fn meet_all(service: &Service) {
    let client = Client::memory(service).await;
    let corpus: Value = serde_json::from_str(CORPUS).unwrap();
    let attacks = corpus["tool_arguments"].as_array().unwrap();
    assert_eq!(attacks.len(), 11);
    for attack in attacks {
        let text = |part: &str| attack[part].as_str().unwrap();
        let (tool, argument, input) = (text("tool"), text("argument"), text("input"));
        let refused = if tool == "resource" {
            // As it is written, and as it would have to be written here.
            let own = input.replace("db://", "db://main/");
            let encoded = own.replace(' ', "%20");
            let mut refused = true;
            for uri in [input, own.as_str(), encoded.as_str()] {
                refused &= client.read(uri).await.is_error();
            }
            refused
        } else {
            let (argument, value) = match argument {
                "max_rows" => ("limit", json!(input.parse::<i64>().unwrap())),
                "timeout_ms" => ("timeout_seconds", json!(input.parse::<i64>().unwrap())),
                "sql" => ("query", json!(input)),
                same => (same, json!(input)),
            };
            let mut arguments = json!({ argument: value });
            if tool == "execute_query" {
                arguments["query"] = json!("SELECT 1");
            }
            client.call(tool, arguments).await.is_error()
        };
        assert_eq!(refused, text("expect") == "refuse", "{attack}");
    }
}
