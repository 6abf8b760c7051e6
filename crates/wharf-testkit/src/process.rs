//! Servers in processes of their own: how they start, and what they say on stderr.

use std::{
    ffi::OsString,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::AsyncReadExt,
    process::{ChildStderr, Command},
    task::JoinHandle,
};

/// What is kept of stderr: its end.
const KEPT_BYTES: usize = 64 * 1024;
/// How long a failing test waits for the last words of a process.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The path of an example of the crate under test, which `cargo test` and `cargo nextest` build along with the tests. For
/// libraries: their examples are real processes to test over stdio. A crate with a binary uses
/// `env!("CARGO_BIN_EXE_name")`.
///
/// # Panics
/// When it is not built.
pub fn example(name: &str) -> PathBuf {
    let path = std::env::current_exe().ok().and_then(|tests| {
        // target/debug/deps/tests-1234 stands beside target/debug/examples.
        let target = tests.parent()?.parent()?;
        Some(target.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION))
    });
    match path {
        Some(path) if path.is_file() => path,
        _ => panic!("the example {name} is not built; run `cargo build --examples` first"),
    }
}

/// The command of `words`. It ends with its owner.
#[track_caller]
pub(crate) fn command(words: &[OsString]) -> Command {
    let Some((program, arguments)) = words.split_first() else {
        panic!("an empty command starts no server")
    };
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true).stderr(Stdio::piped());
    command
}

/// What a process says on stderr: kept for the message of a failing test.
#[derive(Debug)]
pub(crate) struct Complaints {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl Complaints {
    pub(crate) fn of(stderr: Option<ChildStderr>) -> Self {
        let text = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&text);
        let reader = stderr.map(|mut stderr| {
            tokio::spawn(async move {
                let mut chunk = vec![0; 8 * 1024];
                while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend_from_slice(&chunk[..read]);
                    let excess = kept.len().saturating_sub(KEPT_BYTES);
                    kept.drain(..excess);
                }
            })
        });
        Self { text, reader: Mutex::new(reader) }
    }

    /// What was said so far, as the end of a message; a process that has just died gets to finish.
    pub(crate) async fn told(&self) -> String {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut reader) = reader
            && tokio::time::timeout(LAST_WORDS, &mut reader).await.is_err()
        {
            *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
        }
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        match text.as_slice() {
            [] => "\nits stderr is empty".to_owned(),
            text => format!("\nits stderr ends with:\n{}", String::from_utf8_lossy(text)),
        }
    }
}

impl Drop for Complaints {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take() {
            reader.abort();
        }
    }
}
