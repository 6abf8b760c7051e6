//! Suggestions for names that somebody is typing.

use serde_json::json;
use wharf_testkit::{Client, Wire};

use crate::resources::{ERAS, ODD, Odd, ROW, two};

#[tokio::test]
async fn names_are_completed_as_far_as_they_are_typed() {
    let odd = Odd::new(ODD);
    for revision in ERAS {
        let client = Client::memory(two(&odd, None)).revision(revision).await;
        let database = async |typed: &str| {
            let mut all = client.complete_resource(ROW, "database", typed, &[]).await;
            all.extend(
                client.complete_resource("db://{database}/pool", "database", typed, &[]).await,
            );
            assert_eq!(all.len() % 2, 0);
            all.truncate(all.len() / 2);
            all
        };
        assert_eq!(database("").await, ["odd", "sample"]);
        assert_eq!(database("SA").await, ["sample"]);
        assert_eq!(database("x").await, [""; 0]);
        let table = async |typed: &str, chosen: &[(&str, &str)]| {
            client.complete_resource(ROW, "table", typed, chosen).await
        };
        let sample = [("database", "sample")];
        assert_eq!(table("", &sample).await.len(), 5);
        assert_eq!(table("AIR", &sample).await, ["airport_traffic", "airports"]);
        assert_eq!(table("main.air", &sample).await, [""; 0]);
        assert_eq!(table("port", &sample).await, [""; 0]);
        assert_eq!(table("g", &[("database", "odd")]).await, ["größe / 100%"]);
        assert_eq!(table("a.", &[("database", "odd")]).await, ["a.b"]);
        for typed in ["%", "*", "?", "a*", "'; DROP TABLE users"] {
            assert_eq!(table(typed, &sample).await, [""; 0], "{typed}");
        }
        assert_eq!(table(&"a".repeat(100_000), &sample).await, [""; 0]);
        // No database was chosen and none is the default; and one that there is not.
        assert_eq!(table("", &[]).await, [""; 0]);
        assert_eq!(table("", &[("database", "nobody")]).await, [""; 0]);
    }
    let client = Client::memory(two(&odd, Some("sample"))).await;
    assert_eq!(client.complete_resource(ROW, "table", "rou", &[]).await, ["routes"]);
    assert_eq!(client.complete_prompt("sql-query-builder", "table", "rou").await, ["routes"]);
    assert_eq!(client.complete_prompt("data-analysis-workflow", "database", "O").await, ["odd"]);
}

#[tokio::test]
async fn many_tables_are_completed_in_part_and_counted() {
    let many: String = (0..250).map(|n| format!("CREATE TABLE t{n:03}(a);")).collect();
    let odd = Odd::new(&many);
    let mut wire = Wire::memory(odd.service());
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "completion/complete", "params": {
        "ref": {"type": "ref/resource", "uri": ROW},
        "argument": {"name": "table", "value": "T"},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }});
    wire.send(&request.to_string()).await;
    let answer = wire.next().await.unwrap();
    let completion = &answer["result"]["completion"];
    assert_eq!(completion["values"].as_array().unwrap().len(), 100, "{answer}");
    assert_eq!((&completion["total"], &completion["hasMore"]), (&json!(250), &json!(true)));
}
