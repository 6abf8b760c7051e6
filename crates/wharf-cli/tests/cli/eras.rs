//! `--era auto` with servers that know of the modern era and do not serve it.

use crate::everything::{stderr, stdout, wharf};

/// A server in shell that answers `server/discover` with `discovered` and serves one tool after `initialize` of `revision`.
fn server(discovered: &str, revision: &str) -> String {
    format!(
        r#"
while read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
  case "$line" in
    *'"server/discover"'*) echo '{{"jsonrpc":"2.0","id":'$id',{discovered}}}' ;;
    *'"initialize"'*) echo '{{"jsonrpc":"2.0","id":'$id',"result":{{"protocolVersion":"{revision}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"old","version":"1"}}}}}}' ;;
    *'"tools/list"'*) echo '{{"jsonrpc":"2.0","id":'$id',"result":{{"tools":[{{"name":"aged","inputSchema":{{"type":"object"}}}}]}}}}' ;;
  esac
done"#
    )
}

#[test]
fn a_server_that_names_old_revisions_only_is_asked_with_initialize() {
    let unsupported = r#""error":{"code":-32022,"message":"unsupported protocol version","data":{"supported":["2025-06-18","2024-11-05"],"requested":"2026-07-28"}}"#;
    let discovered = r#""result":{"resultType":"complete","supportedVersions":["2025-06-18"],"capabilities":{},"ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"old","version":"1"}}}"#;
    for answer in [unsupported, discovered] {
        let script = server(answer, "2025-06-18");
        let listed = wharf(&["list", "--", "sh", "-c", &script]).assert().success();
        assert!(stdout(&listed).contains("aged"), "{}", stdout(&listed));
        // Whoever asks for the modern era gets it or nothing.
        let refused =
            wharf(&["list", "--era", "modern", "--", "sh", "-c", &script]).assert().code(2);
        assert!(stderr(&refused).contains("2025-06-18"), "{}", stderr(&refused));
    }
}

#[test]
fn a_server_of_an_unknown_future_is_not_asked_again() {
    let future = r#""error":{"code":-32022,"message":"unsupported protocol version","data":{"supported":["2031-01-01"],"requested":"2026-07-28"}}"#;
    let script = server(future, "2025-06-18");
    let refused = wharf(&["list", "--", "sh", "-c", &script]).assert().code(2);
    assert!(stderr(&refused).contains("the server speaks 2031-01-01"), "{}", stderr(&refused));
}
