//! A server that is killed between the side effect of an idempotent call and its answer: the next one does not repeat the
//! effect, and says that its outcome is unknown.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use wharf::{
    Args, Caller, Limits, Server, Tool,
    transport::{Shutdown, stdio},
};

use crate::sqlite::{SqliteLimits, SqliteStore};

const CHILD: &str = "WHARF_STORE_TEST_SERVER";
/// How long the killed server's claim on the call outlives it.
const LEASE: Duration = Duration::from_millis(500);
/// Longest wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Charge {
    key: String,
}

/// Charges, by a line in a file, and answers unless the key says that it hangs.
async fn serve(folder: PathBuf) {
    let store = SqliteStore::open(&folder.join("state.db"), SqliteLimits::default()).unwrap();
    let charge = Tool::new("charge").idempotent_by("key").handler(
        move |Args(Charge { key }): Args<Charge>| {
            let effects = folder.join("effects");
            async move {
                let mut file =
                    std::fs::OpenOptions::new().append(true).create(true).open(effects).unwrap();
                writeln!(file, "{key}").unwrap();
                if key == "hangs" {
                    std::future::pending::<()>().await;
                }
                "charged"
            }
        },
    );
    let mut limits = Limits::default();
    limits.idempotency_lease = LEASE;
    let server = Server::new("bank", "1").limits(limits).state_store(Arc::new(store)).tool(charge);
    let shutdown = Shutdown::new(Duration::ZERO);
    let served = stdio::serve(&server.build().unwrap(), Caller::local(), &shutdown).await;
    served.unwrap();
}

/// Starts the server as a process of its own.
fn start(folder: &Path) -> Child {
    let name = "sqlite::tests::killed_call::a_killed_server_does_not_repeat_what_it_may_have_done";
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn charge(server: &mut Child, key: &str) {
    let message = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"charge","arguments":{{"key":"{key}"}},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    writeln!(server.stdin.as_mut().unwrap(), "{message}").unwrap();
}

/// The next message of a server; what the harness of the tests prints is none.
fn answer(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> String {
    let message = lines.find_map(|line| line.ok().filter(|line| line.contains("\"jsonrpc\"")));
    message.expect("an answer")
}

fn effects(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("effects")).unwrap_or_default()
}

/// This test is also the server that it kills.
#[tokio::test]
async fn a_killed_server_does_not_repeat_what_it_may_have_done() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return serve(folder.into()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut first = start(folder.path());
    charge(&mut first, "hangs");
    let began = Instant::now();
    while effects(folder.path()).is_empty() {
        assert!(began.elapsed() < PATIENCE, "it was never charged");
        tokio::task::yield_now().await;
    }
    first.kill().unwrap();
    first.wait().unwrap();

    let mut next = start(folder.path());
    let mut lines = BufReader::new(next.stdout.take().unwrap()).lines();
    charge(&mut next, "hangs");
    let unknown = answer(&mut lines);
    assert!(unknown.contains("CONFLICT") && unknown.contains("outcome is unknown"), "{unknown}");
    assert_eq!(effects(folder.path()), "hangs\n");
    // Another key is another charge, and is remembered.
    for expected in [false, true] {
        charge(&mut next, "other");
        let charged = answer(&mut lines);
        assert!(charged.contains("charged"), "{charged}");
        assert_eq!(charged.contains("dev.wharf/replayed"), expected, "{charged}");
    }
    assert_eq!(effects(folder.path()), "hangs\nother\n");
    next.kill().unwrap();
    next.wait().unwrap();
}
