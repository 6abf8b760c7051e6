//! What the configuration changes about one server, and about one of its tools, holds where it is served.

use crate::{
    everything::{json as printed, stderr, stdout, wharf},
    serving::Serving,
};

const CONFIG: &str = r#"
[rate_limits]
per_caller = "1000/h"

[servers.narrow]
kind = "calculator"
[servers.narrow.rate_limits]
per_caller = "1/h"

[servers.sums]
kind = "calculator"
[servers.sums.tools.calculate]
rate_per_caller = "2/h"

[servers.data]
kind = "database"
sample = true
[servers.data.limits]
response_budget = "4KiB"
[servers.data.tools.describe_table]
disabled = true
"#;

#[test]
fn limits_of_one_server_and_of_one_tool_are_in_force() {
    let serving = Serving::start(CONFIG, &[]);
    let calls = |name: &str, allowed: usize| {
        let call = ["call", serving.url(name), "calculate", "expression=2+2"];
        for _ in 0..allowed {
            wharf(&call).assert().success();
        }
        let told = stdout(&wharf(&call).assert().code(1));
        assert!(told.contains("RATE_LIMITED"), "{name}: {told}");
        told
    };
    assert!(calls("narrow", 1).contains("\"per_caller\""));
    assert!(calls("sums", 2).contains("tool_per_caller"));
    let data = serving.url("data");
    let query = "query=SELECT * FROM airport_traffic LIMIT 100";
    let long = ["call", data, "execute_query", query, "--json"];
    let result = printed(&wharf(&long).assert().success())["result"].take();
    assert_eq!(result["_meta"]["dev.wharf/truncated"], true, "{result}");
    let listed = stdout(&wharf(&["list", data]).assert().success());
    assert!(listed.contains("list_tables") && !listed.contains("describe_table"), "{listed}");
    wharf(&["call", data, "describe_table", "table=airports"]).assert().failure();
}

#[test]
fn a_tool_that_is_none_is_told_with_the_ones_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wharf.toml");
    let check = |config: &str| {
        std::fs::write(&path, config).unwrap();
        wharf(&["config", "check", "--config", path.to_str().unwrap()]).assert()
    };
    check(CONFIG).success().stdout("ok: data, narrow, sums\n");
    let told =
        stderr(&check(&CONFIG.replace("tools.describe_table", "tools.describe_tabel")).code(64));
    assert!(told.contains("the server \"data\""), "{told}");
    assert!(told.contains("no tool \"describe_tabel\""), "{told}");
    assert!(told.contains("did you mean \"describe_table\"?"), "{told}");
    let kept = CONFIG.replace("rate_per_caller = \"2/h\"", "cache_ttl = \"1m\"");
    let told = stderr(&check(&kept).code(64));
    assert!(told.contains("its results are never kept"), "{told}");
}

#[test]
fn permissions_may_speak_of_a_tool_that_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wharf.toml");
    let config = format!("[auth]\nlocal_allow = [\"*\", \"!data:describe_table\"]\n{CONFIG}");
    std::fs::write(&path, config).unwrap();
    let config = path.to_str().unwrap();
    wharf(&["config", "check", "--config", config]).assert().success();
    let matrix = stdout(&wharf(&["config", "matrix", "--config", config]).assert().success());
    assert!(matrix.contains("list_tables") && !matrix.contains("describe_table"), "{matrix}");
}
