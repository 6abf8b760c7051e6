//! Callers that give up, come together or come late: whatever they do, their work ends and the next caller is served.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::Files;
use crate::{
    error::FilesError,
    limits::Limits,
    settings::{FilesSettings, RootSettings},
    tree::ReadRequest,
};

fn files(limits: Limits) -> Files {
    let root = RootSettings::new("crate", env!("CARGO_MANIFEST_DIR"));
    Files::open(&FilesSettings { roots: vec![root], limits }).unwrap()
}

async fn read(files: &Files) -> Result<bool, FilesError> {
    let request = ReadRequest { path: "crate/Cargo.toml".into(), ..ReadRequest::default() };
    Ok(files.read(request).await?.text.unwrap().contains("[package]"))
}

/// Work that steps until it is stopped, and tells why it was.
fn endless(
    files: &Files,
    why: &Arc<Mutex<Option<FilesError>>>,
) -> impl Future<Output = Result<(), FilesError>> {
    let why = Arc::clone(why);
    files.run(move |_, stop| {
        loop {
            if let Err(stopped) = stop.check() {
                *why.lock().unwrap() = Some(stopped.clone());
                return Err(stopped);
            }
            std::thread::yield_now();
        }
    })
}

#[tokio::test]
async fn a_dropped_request_stops_its_work() {
    let files = files(Limits { max_concurrent: 1, ..Limits::default() });
    let why = Arc::default();
    {
        let work = endless(&files, &why);
        tokio::pin!(work);
        assert!(futures_util::poll!(&mut work).is_pending());
    }
    files.settled().await;
    // Work that had not begun when its caller left never begins.
    let stopped = why.lock().unwrap().take();
    assert!(matches!(stopped, Some(FilesError::Cancelled) | None), "{stopped:?}");
    assert_eq!(read(&files).await, Ok(true));
}

#[tokio::test]
async fn work_ends_with_its_time() {
    let timeout = Duration::from_millis(20);
    let files = files(Limits { max_concurrent: 1, timeout, ..Limits::default() });
    let why = Arc::default();
    assert_eq!(endless(&files, &why).await, Err(FilesError::Timeout { timeout }));
    files.settled().await;
    assert!(matches!(why.lock().unwrap().take(), Some(FilesError::Timeout { .. }) | None));
}

#[tokio::test]
async fn many_callers_share_few_threads() {
    let files = files(Limits { max_concurrent: 2, ..Limits::default() });
    let callers = (0..100).map(|_| read(&files));
    for answer in futures_util::future::join_all(callers).await {
        assert_eq!(answer, Ok(true));
    }
}

#[tokio::test]
async fn work_that_hangs_holds_its_place_and_a_full_line_is_busy() {
    let files = files(Limits { max_concurrent: 1, max_waiting: 0, ..Limits::default() });
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let held = Arc::clone(&gate);
    let (begins, begun) = tokio::sync::oneshot::channel();
    {
        // As a read from a file system that does not answer: it sees no stop.
        let hanging = files.run(move |_, _| {
            begins.send(()).unwrap();
            let (open, opened) = &*held;
            let _open = opened.wait_while(open.lock().unwrap(), |open| !*open).unwrap();
            Ok(())
        });
        tokio::pin!(hanging);
        assert!(futures_util::poll!(&mut hanging).is_pending());
        // Work that has not begun when its caller leaves does not begin.
        begun.await.unwrap();
    }
    assert_eq!(read(&files).await, Err(FilesError::Busy));
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    files.settled().await;
    assert_eq!(read(&files).await, Ok(true));
}

#[tokio::test]
async fn a_panic_is_answered_and_gives_its_place_back() {
    let files = files(Limits { max_concurrent: 1, max_waiting: 0, ..Limits::default() });
    let answer = files.run(|_, _| -> Result<(), FilesError> { panic!("as a defect would") }).await;
    assert!(matches!(answer, Err(FilesError::Internal { .. })));
    files.settled().await;
    assert_eq!(read(&files).await, Ok(true));
}

#[tokio::test]
async fn closed_files_stop_what_runs_and_refuse_what_comes() {
    let files = files(Limits::default());
    let why = Arc::default();
    let (answer, ()) = tokio::join!(endless(&files, &why), files.close());
    assert_eq!(answer, Err(FilesError::Cancelled));
    assert_eq!(read(&files).await, Err(FilesError::Cancelled));
}
