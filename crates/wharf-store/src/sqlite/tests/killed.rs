//! A process that is killed while it writes.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use wharf::state::{LogBound, StateStore as _};

use super::{check, on_connection};
use crate::sqlite::{SqliteLimits, SqliteStore};

const CHILD: &str = "WHARF_STORE_TEST_WRITER";
const BOUND: LogBound = LogBound { entries: 50, ttl: Duration::from_secs(3600) };

/// Says each number once its change is acknowledged, and only then goes on.
async fn write_until_killed(path: &Path) {
    let store = SqliteStore::open(path, SqliteLimits::default()).unwrap();
    let mut out = std::io::stdout();
    let mut number = last(&store).await;
    loop {
        number += 1;
        let text = number.to_le_bytes();
        let filler = vec![number as u8; (number as usize * 997) % 20_000];
        let (value, large, entry, lease) = futures_util::future::join4(
            store.put(b"last", &text, None),
            store.put(&text, &filler, Some(Duration::from_millis(100))),
            store.append(b"log", &text, BOUND),
            store.acquire(&text, Duration::from_secs(3600)),
        )
        .await;
        value.and(large).unwrap();
        writeln!(out, "ack {number} {} {}", entry.unwrap(), lease.unwrap().unwrap().token).unwrap();
        out.flush().unwrap();
    }
}

async fn last(store: &SqliteStore) -> u64 {
    let raw = store.get(b"last").await.unwrap();
    raw.map_or(0, |raw| u64::from_le_bytes(raw[..].try_into().unwrap()))
}

/// This test is also the process that it kills.
#[tokio::test]
async fn what_was_acknowledged_survives_a_killed_process_and_the_file_is_whole() {
    if let Some(path) = std::env::var_os(CHILD) {
        write_until_killed(Path::new(&path)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let mut greatest = 0;
    for round in 0..6_usize {
        let name = "sqlite::tests::killed::what_was_acknowledged_survives_a_killed_process_and_the_file_is_whole";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut acknowledged = Vec::new();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            let Some(numbers) = line.strip_prefix("ack ") else { continue };
            let numbers: Vec<u64> = numbers.split(' ').map(|n| n.parse().unwrap()).collect();
            acknowledged.push((numbers[0], numbers[1], numbers[2]));
            // What comes after the signal is in the pipe already, and counts as acknowledged too.
            if acknowledged.len() == 20 + round * 7 {
                child.kill().unwrap();
            }
        }
        assert!(!child.wait().unwrap().success());

        let store = SqliteStore::open(&path, SqliteLimits::default()).unwrap();
        on_connection(&store, check).await;
        let &(number, sequence, token) = acknowledged.last().unwrap();
        let found = last(&store).await;
        assert!(found == number || found == number + 1, "{found} after {number}");
        let page = store.read_from(b"log", 0, 100).await.unwrap();
        assert!(page.entries.iter().any(|entry| entry.sequence == sequence));
        assert!(page.entries.is_sorted_by_key(|entry| entry.sequence));
        for (number, _, _) in &acknowledged {
            let lease = store.acquire(&number.to_le_bytes(), Duration::from_secs(1)).await;
            assert_eq!(lease.unwrap(), None, "the lease of {number} is lost");
        }
        let next = store.acquire(format!("new {round}").as_bytes(), Duration::from_secs(1)).await;
        let next = next.unwrap().unwrap().token;
        assert!(next > token && next > greatest, "{next} after {token} and {greatest}");
        greatest = next;
    }
}
