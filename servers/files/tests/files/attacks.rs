//! Attacks that need more than a path: races, files that are none, and sizes that would not fit.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::{ffi::OsStrExt, fs::FileTypeExt},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use wharf_files::{
    error::{ErrorKind, FilesError},
    limits::Limits,
    tree::{Files, ListRequest, ReadRequest},
};

use crate::world::{SECRET, World, settings};

/// Ends the other thread, also when this one fails.
struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The peak of this process's memory, in bytes.
fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_swapped_for_a_link_never_yields_what_is_outside() {
    let world = World::new();
    world.write("a/x.txt", "inside");
    world.write("b/x.txt", "inside");
    let outside = world.base().join("outside");
    let done = AtomicBool::new(false);
    let (real, kept) = (world.at("a"), world.at("kept"));
    let (mut inside, mut refused) = (0, 0);
    let link = world.at("link");
    std::thread::scope(|scope| {
        let _end = EndOnDrop(&done);
        // Swaps `a` for a link to the outside and back, as fast as it can.
        scope.spawn(|| {
            std::os::unix::fs::symlink(&outside, &link).unwrap();
            while !done.load(Ordering::Relaxed) {
                fs::rename(&real, &kept).unwrap();
                fs::rename(&link, &real).unwrap();
                fs::rename(&real, &link).unwrap();
                fs::rename(&kept, &real).unwrap();
            }
        });
        let reading = async {
            // Ends when both faces were seen often enough, so that the race was one.
            while inside < 300 || refused < 300 {
                for path in ["docs/a/x.txt", "docs/b/../a/x.txt", "docs/a/../a/x.txt"] {
                    match world.read(path).await {
                        Ok(contents) => {
                            assert_eq!(contents.text.as_deref(), Some("inside"));
                            inside += 1;
                        }
                        Err(error) => {
                            assert!(!error.to_string().contains(SECRET));
                            refused += 1;
                        }
                    }
                }
                if let Ok(page) = world.list("docs/a").await {
                    assert!(
                        page.entries.iter().all(|entry| entry.size_bytes == Some(6)),
                        "{page:?}"
                    );
                }
            }
        };
        let outcome = tokio::task::block_in_place(|| {
            let limit = tokio::time::timeout(Duration::from_secs(60), reading);
            tokio::runtime::Handle::current().block_on(limit)
        });
        outcome.unwrap();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fifo_that_takes_the_place_of_a_file_never_holds_a_read() {
    let world = World::new();
    world.write("file", "inside");
    assert!(Command::new("mkfifo").arg(world.at("fifo")).status().unwrap().success());
    let done = AtomicBool::new(false);
    let (file, fifo, kept) = (world.at("file"), world.at("fifo"), world.at("kept"));
    std::thread::scope(|scope| {
        let _end = EndOnDrop(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fs::rename(&file, &kept).unwrap();
                fs::rename(&fifo, &file).unwrap();
                fs::rename(&file, &fifo).unwrap();
                fs::rename(&kept, &file).unwrap();
            }
        });
        let reading = async {
            let (mut inside, mut special) = (0, 0);
            while inside < 300 || special < 300 {
                match world.read("docs/file").await {
                    Ok(contents) => {
                        assert_eq!(contents.text.as_deref(), Some("inside"));
                        inside += 1;
                    }
                    // Opening a FIFO for reading without O_NONBLOCK would wait for a writer until the timeout.
                    Err(FilesError::Special { .. }) => special += 1,
                    Err(error) => {
                        assert!(matches!(error, FilesError::NotFound { .. }), "{error:?}")
                    }
                }
            }
        };
        let outcome = tokio::task::block_in_place(|| {
            let limit = tokio::time::timeout(Duration::from_secs(60), reading);
            tokio::runtime::Handle::current().block_on(limit)
        });
        outcome.unwrap();
    });
}

#[tokio::test]
async fn what_is_no_file_is_refused_without_waiting() {
    let world = World::new();
    assert!(Command::new("mkfifo").arg(world.at("fifo")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(world.at("sock")).unwrap();
    world.link("to_fifo", "fifo");
    for name in ["fifo", "sock", "to_fifo"] {
        let error = world.read(&format!("docs/{name}")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{name}");
        assert!(error.to_string().contains("choose a regular file"), "{error}");
    }
    let page = world.list("docs").await.unwrap();
    let kinds = serde_json::to_value(&page.entries).unwrap();
    assert_eq!(kinds[0]["kind"], "special");
    assert_eq!(kinds[2]["kind"], "symlink");
    assert_eq!(kinds[2]["target"], "special");
}

#[tokio::test]
async fn devices_are_refused_and_files_that_lie_about_their_size_are_read_within_bounds() {
    let open = |folder: &str| {
        let limits = Limits { default_read_bytes: 64, ..Limits::default() };
        Files::open(&settings(folder.as_ref(), limits)).unwrap()
    };
    let read = |path: &str| ReadRequest { path: path.into(), ..ReadRequest::default() };
    let dev = open("/dev");
    // Which devices there are is the machine's business; those that there are have to be refused.
    let is_device = |name: &&str| {
        let found = fs::metadata(format!("/dev/{name}"));
        found.is_ok_and(|found| found.file_type().is_char_device())
    };
    let devices = ["null", "zero", "full", "random", "urandom", "tty"];
    let devices: Vec<&str> = devices.into_iter().filter(is_device).collect();
    assert!(devices.len() >= 2, "only {devices:?} are devices here");
    for name in devices {
        let error = dev.read(read(&format!("docs/{name}"))).await.unwrap_err();
        assert!(
            matches!(error, FilesError::Special { .. } | FilesError::NotFound { .. }),
            "{error:?}"
        );
    }
    // `/dev/fd` and `/dev/stdin` lead to `/proc`, by links and by magic links.
    for name in ["stdin", "fd/0", "fd/1"] {
        let error = dev.read(read(&format!("docs/{name}"))).await.unwrap_err();
        assert!(
            matches!(error, FilesError::Outside { .. } | FilesError::NotFound { .. }),
            "{error:?}"
        );
    }
    let proc = open("/proc/self");
    let status = proc.read(read("docs/status")).await.unwrap();
    assert!(status.text.unwrap().starts_with("Name:") && status.truncated);
    for magic in ["docs/root/etc/passwd", "docs/cwd/Cargo.toml", "docs/exe", "docs/fd/0"] {
        let error = proc.read(read(magic)).await.unwrap_err();
        assert!(!matches!(error, FilesError::Unavailable { .. }), "{magic}: {error:?}");
    }
}

#[tokio::test]
async fn a_huge_file_costs_no_memory() {
    const GIGABYTE: u64 = 1 << 30;
    let world = World::new();
    File::create(world.at("big.bin")).unwrap().set_len(GIGABYTE).unwrap();
    // Text at its beginning, a gigabyte of one endless line after it.
    world.write("big.txt", "x".repeat(10_000));
    OpenOptions::new().write(true).open(world.at("big.txt")).unwrap().set_len(GIGABYTE).unwrap();
    let before = peak_bytes();
    let error = world.read("docs/big.bin").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"docs/big.bin\", binary data (application/octet-stream) of 1073741824 bytes, is more than the limit of 262144 bytes \
         for a whole file; read a part of it: read_file with offset and limit"
    );
    assert!(matches!(
        world.files.read_whole("docs/big.txt").await,
        Err(FilesError::TooLarge { .. })
    ));
    let part = world.part("docs/big.bin", GIGABYTE - 10, 1 << 20).await.unwrap();
    assert_eq!((part.bytes.len(), part.truncated), (10, false));
    let part = world.part("docs/big.txt", 0, 1 << 20).await.unwrap();
    assert_eq!(part.next_offset, Some(1 << 20));
    // The line is looked for within a bound.
    let error = world.lines("docs/big.txt", 2, None).await.unwrap_err();
    assert!(matches!(error, FilesError::TooLarge { .. }), "{error:?}");
    let line = world.lines("docs/big.txt", 1, Some(1)).await.unwrap();
    assert_eq!((line.next_offset, line.next_line), (Some(1 << 20), None));
    assert!(peak_bytes() - before < 30 << 20, "{} bytes more", peak_bytes() - before);
}

#[tokio::test]
async fn a_huge_directory_is_paged_in_order_and_costs_no_memory() {
    const COUNT: usize = 100_000;
    let world = World::new();
    fs::create_dir(world.at("many")).unwrap();
    for index in 0..COUNT {
        File::create(world.at(&format!("many/{index:06}"))).unwrap();
    }
    let before = peak_bytes();
    let mut request = ListRequest {
        path: Some("docs/many".into()),
        limit: Some(1_000),
        ..ListRequest::default()
    };
    // Each page is one pass over all names, so not every page is asked for: the first ones, and from near the end the rest.
    let mut expected = 0;
    for pages in 0.. {
        let page = world.files.list(request.clone()).await.unwrap();
        for entry in &page.entries {
            assert_eq!(entry.name, format!("{expected:06}"));
            expected += 1;
        }
        request.cursor = page.next_cursor;
        let Some(cursor) = &mut request.cursor else { break };
        if pages == 2 {
            expected = COUNT - 1_500;
            let checksum = &URL_SAFE_NO_PAD.decode(&*cursor).unwrap()[..8];
            let name = format!("{:06}", expected - 1);
            *cursor = URL_SAFE_NO_PAD.encode([checksum, name.as_bytes()].concat());
        }
    }
    assert_eq!(expected, COUNT);
    // A missing name among them is answered without comparing all of them for long.
    assert!(matches!(world.read("docs/many/x").await, Err(FilesError::NotFound { .. })));
    assert!(peak_bytes() - before < 30 << 20);
}

#[tokio::test]
async fn a_directory_with_more_entries_than_are_looked_through_is_refused() {
    let world = World::with(Limits { max_scanned_entries: 3, ..Limits::default() });
    for name in ["a", "b", "c"] {
        world.write(&format!("d/{name}"), "");
    }
    assert_eq!(world.list("docs/d").await.unwrap().entries.len(), 3);
    world.write("d/e", "");
    let error = world.list("docs/d").await.unwrap_err();
    assert!(
        matches!(&error, FilesError::TooLarge { limit, .. } if limit == "3 entries"),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_while_it_is_read_yields_what_was_there() {
    let world = World::new();
    world.write("log.txt", "line\n");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _end = EndOnDrop(&done);
        scope.spawn(|| {
            let mut file = OpenOptions::new().append(true).open(world.at("log.txt")).unwrap();
            while !done.load(Ordering::Relaxed) {
                for _ in 0..200 {
                    file.write_all(&b"line\n".repeat(100)).unwrap();
                }
                file.set_len(5).unwrap();
            }
        });
        let reading = async {
            for _ in 0..300 {
                let contents = world.read("docs/log.txt").await.unwrap();
                let end = contents.offset + contents.text.as_ref().unwrap().len() as u64;
                assert!(contents.size_bytes >= end);
                assert_eq!(contents.next_offset, contents.truncated.then_some(end));
                match world.part("docs/log.txt", 50_000, 1_000).await {
                    Ok(part) => assert!(part.text.unwrap().len() <= 1_000),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}"),
                }
                let lines = world.lines("docs/log.txt", 1, Some(3)).await.unwrap();
                assert!("line\nline\nline\n".starts_with(&lines.text.unwrap()));
            }
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(reading));
    });
}

#[tokio::test]
async fn names_of_any_bytes_are_listed_and_none_is_mistaken() {
    let world = World::new();
    let odd: [&[u8]; 5] = [b"a\xffb", b"new\nline", b"\x1b[31mred", b"100%25", b"back\\slash"];
    for name in odd {
        fs::write(world.at("").join(std::ffi::OsStr::from_bytes(name)), "ok").unwrap();
    }
    let page = world.list("docs").await.unwrap();
    assert_eq!(page.entries.len(), odd.len());
    for entry in &page.entries {
        let read = world.read(&format!("docs/{}", entry.name)).await;
        assert_eq!(read.is_err(), entry.unreadable_name, "{entry:?}");
    }
    assert_eq!(page.entries.iter().filter(|entry| entry.unreadable_name).count(), 1);
    // A cursor goes on after a name that is not UTF-8 too.
    let mut request =
        ListRequest { path: Some("docs".into()), limit: Some(1), ..ListRequest::default() };
    let mut seen = 0;
    while let Ok(page) = world.files.list(request.clone()).await {
        seen += page.entries.len();
        request.cursor = page.next_cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, odd.len());
}

#[tokio::test]
async fn a_root_stays_the_folder_that_was_opened() {
    let world = World::new();
    world.write("x.txt", "first");
    // Whoever may replace the folder's name changes nothing about what is served.
    fs::rename(world.at(""), world.base().join("moved")).unwrap();
    std::os::unix::fs::symlink(world.base().join("outside"), world.base().join("root")).unwrap();
    assert_eq!(world.read("docs/x.txt").await.unwrap().text.as_deref(), Some("first"));
    assert_eq!(world.files.check().await, Ok(()));
    fs::remove_dir_all(world.base().join("moved")).unwrap();
    let error = world.files.check().await.unwrap_err();
    assert!(
        error.to_string().contains("the root \"docs\"") && !error.to_string().contains("tmp"),
        "{error}"
    );
    assert!(world.read("docs/x.txt").await.is_err());
}

#[test]
fn a_root_that_cannot_be_opened_stops_the_start_without_naming_its_place() {
    let base = tempfile::tempdir().unwrap();
    fs::write(base.path().join("file"), "").unwrap();
    for place in ["missing", "file"] {
        let error =
            Files::open(&settings(&base.path().join(place), Limits::default())).err().unwrap();
        let host = base.path().to_str().unwrap();
        assert!(error.to_string().contains("\"docs\"") && !error.to_string().contains(host));
        assert!(error.detail().unwrap().contains(host));
    }
}
