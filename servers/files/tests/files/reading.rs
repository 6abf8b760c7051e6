//! What reads return: parts, lines, encodings and kinds of data.

use proptest::prelude::*;
use wharf_files::{
    error::{ErrorKind, FilesError},
    limits::Limits,
    tree::{DataKind, Encoding, ReadRequest},
};

use crate::world::World;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

#[tokio::test]
async fn parts_join_to_the_whole() {
    let world = World::new();
    let text = "Grüße, 世界 🙂\n".repeat(50);
    world.write("a.txt", &text);
    let (mut joined, mut offset) = (String::new(), 0);
    loop {
        let part = world.part("docs/a.txt", offset, 7).await.unwrap();
        assert_eq!((part.offset, part.size_bytes), (offset, text.len() as u64));
        joined += &part.text.unwrap();
        match part.next_offset {
            Some(next) => offset = next,
            None => break,
        }
    }
    assert_eq!(joined, text);
}

#[tokio::test]
async fn the_bound_of_a_read_is_exact() {
    let limits = Limits::default().read_bytes(100);
    let world = World::with(limits);
    world.write("a", "x".repeat(100));
    world.write("b", "x".repeat(101));
    let read = world.read("docs/a").await.unwrap();
    assert_eq!((read.text.unwrap().len(), read.truncated, read.next_offset), (100, false, None));
    let read = world.read("docs/b").await.unwrap();
    assert_eq!(
        (read.text.unwrap().len(), read.truncated, read.next_offset),
        (100, true, Some(100))
    );
    let rest = world.part("docs/b", 100, 100).await.unwrap();
    assert_eq!((rest.text.as_deref(), rest.truncated), (Some("x"), false));
    assert!(world.part("docs/b", 0, 101).await.is_err());
    assert!(world.part("docs/b", 0, 3).await.is_err());
    assert!(world.files.read_whole("docs/a").await.is_ok());
    assert!(matches!(world.files.read_whole("docs/b").await, Err(FilesError::TooLarge { .. })));
}

#[tokio::test]
async fn an_offset_past_the_end_is_told() {
    let world = World::new();
    world.write("a", "12345");
    world.write("empty", "");
    let end = world.part("docs/a", 5, 10).await.unwrap();
    assert_eq!((end.text.as_deref(), end.truncated), (Some(""), false));
    for offset in [6, 1 << 40, i64::MAX as u64, u64::MAX] {
        let error = world.part("docs/a", offset, 10).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "offset: the file has 5 bytes; begin before its end",
            "{offset}"
        );
    }
    assert_eq!(world.read("docs/empty").await.unwrap().text.as_deref(), Some(""));
}

#[tokio::test]
async fn lines_are_counted_from_one() {
    let world = World::new();
    world.write("a", "one\ntwo\nthree\nfour");
    world.write("ended", "one\ntwo\n");
    let check = async |path: &str, line, lines, text: &str, next: Option<u64>| {
        let part = world.lines(path, line, lines).await.unwrap();
        assert_eq!((part.text.as_deref(), part.next_line), (Some(text), next), "{path} {line}");
        assert_eq!(part.truncated, next.is_some());
    };
    check("docs/a", 1, Some(1), "one\n", Some(2)).await;
    check("docs/a", 2, Some(2), "two\nthree\n", Some(4)).await;
    check("docs/a", 4, Some(1), "four", None).await;
    check("docs/a", 2, None, "two\nthree\nfour", None).await;
    check("docs/a", 1, Some(u64::MAX), "one\ntwo\nthree\nfour", None).await;
    check("docs/ended", 2, Some(1), "two\n", None).await;
    for (path, line, rule) in [
        ("docs/a", 5, "the file has 4 lines"),
        ("docs/a", u64::MAX, "the file has 4 lines"),
        ("docs/ended", 3, "the file has 2 lines"),
    ] {
        let error = world.lines(path, line, None).await.unwrap_err();
        assert!(error.to_string().contains(rule), "{error}");
    }
    assert!(
        world.lines("docs/a", 0, None).await.is_err()
            && world.lines("docs/a", 1, Some(0)).await.is_err()
    );
    let both = ReadRequest {
        path: "docs/a".into(),
        offset: Some(1),
        line: Some(1),
        ..ReadRequest::default()
    };
    assert_eq!(world.files.read(both).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn lines_are_found_across_steps_and_kept_whole() {
    let limits = Limits { default_read_bytes: 25, ..Limits::default() };
    let world = World::with(limits);
    // Lines of ten bytes; 65,530 and 65,540 lie on both sides of the first step of 64 KiB.
    let text: String = (0..20_000).map(|line| format!("{line:09}\n")).collect();
    world.write("a", &text);
    for line in [6_553, 6_554, 6_555, 20_000] {
        let part = world.lines("docs/a", line, Some(1)).await.unwrap();
        assert_eq!(part.text.unwrap(), format!("{:09}\n", line - 1));
    }
    let part = world.lines("docs/a", 1, None).await.unwrap();
    assert_eq!(
        (part.text.unwrap().len(), part.next_line, part.next_offset),
        (20, Some(3), Some(20))
    );
    // Exactly one step, ended by a line feed.
    world.write("step", format!("{}\n", "x".repeat(65_535)));
    let error = world.lines("docs/step", 2, None).await.unwrap_err();
    assert!(error.to_string().contains("the file has 1 lines"), "{error}");
}

#[tokio::test]
async fn looking_for_a_line_is_bounded() {
    let world = World::with(Limits { max_scanned_bytes: 1, ..Limits::default() });
    world.write("a", "x".repeat(70_000) + "\nend");
    let error = world.lines("docs/a", 2, None).await.unwrap_err();
    assert!(
        matches!(&error, FilesError::TooLarge { advice, .. } if advice.contains("offset 65536")),
        "{error}"
    );
    assert!(world.lines("docs/a", 1, None).await.is_ok());
}

#[tokio::test]
async fn encodings_are_told() {
    let world = World::new();
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    world.write("bom.txt", "\u{feff}hé");
    world.write("le.txt", [b"\xff\xfe".to_vec(), utf16("hé\nzwei\n")].concat());
    world.write("latin.txt", b"caf\xe9");
    world.write(
        "bad.txt",
        "größe \u{0}"
            .replace('\u{0}', "")
            .into_bytes()
            .into_iter()
            .chain([0xff])
            .collect::<Vec<_>>(),
    );
    let bom = world.read("docs/bom.txt").await.unwrap();
    assert_eq!(
        (bom.text.as_deref(), bom.encoding, bom.offset),
        (Some("hé"), Some(Encoding::Utf8), 3)
    );
    let le = world.read("docs/le.txt").await.unwrap();
    assert_eq!((le.text.as_deref(), le.encoding), (Some("hé\nzwei\n"), Some(Encoding::Utf16Le)));
    let line = world.lines("docs/le.txt", 2, Some(1)).await.unwrap();
    assert_eq!((line.text.as_deref(), line.truncated), (Some("zwei\n"), false));
    let odd = world.part("docs/le.txt", 5, 5).await.unwrap();
    assert_eq!((odd.offset, odd.text.as_deref(), odd.next_offset), (4, Some("é\n"), Some(8)));
    let latin = world.read("docs/latin.txt").await.unwrap();
    assert_eq!((latin.text.as_deref(), latin.encoding_guessed), (Some("café"), true));
    let bad = world.read("docs/bad.txt").await.unwrap();
    assert_eq!(
        (bad.text.as_deref(), bad.damaged, bad.encoding_guessed),
        (Some("größe \u{fffd}"), true, false)
    );
}

#[tokio::test]
async fn images_are_images_by_their_bytes() {
    let world = World::with(Limits { max_image_bytes: PNG.len(), ..Limits::default() });
    world.write("a.dat", PNG);
    world.write("b.png", [PNG, b"x"].concat());
    world.write("c.png", "no image at all");
    let image = world.read("docs/a.dat").await.unwrap();
    assert_eq!((image.kind, image.mime_type.as_str()), (DataKind::Image, "image/png"));
    assert_eq!(image.bytes, PNG);
    let error = world.read("docs/b.png").await.unwrap_err();
    assert!(error.to_string().contains("an image (image/png) of 17 bytes"), "{error}");
    let part = world.part("docs/b.png", 1, 4).await.unwrap();
    assert_eq!(
        (part.kind, part.bytes.as_slice(), part.next_offset),
        (DataKind::Binary, &PNG[1..5], Some(5))
    );
    let text = world.read("docs/c.png").await.unwrap();
    assert_eq!((text.kind, text.mime_type.as_str()), (DataKind::Text, "text/plain"));
}

#[tokio::test]
async fn binary_data_is_whole_or_asked_for_in_parts() {
    let world = World::with(Limits { max_binary_bytes: 10, ..Limits::default() });
    world.write("small.bin", [0; 10]);
    world.write("large.bin", [0; 11]);
    let small = world.read("docs/small.bin").await.unwrap();
    assert_eq!((small.kind, small.bytes.len(), small.truncated), (DataKind::Binary, 10, false));
    assert!(matches!(world.read("docs/large.bin").await, Err(FilesError::TooLarge { .. })));
    let part = world.part("docs/large.bin", 4, 6).await.unwrap();
    assert_eq!((part.bytes.len(), part.next_offset), (6, Some(10)));
    let error = world.lines("docs/small.bin", 1, None).await.unwrap_err();
    assert!(error.to_string().contains("has no lines"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Following next_offset always ends, moves on, and covers every byte of the file once.
    #[test]
    fn reading_on_covers_any_file(bytes in proptest::collection::vec(any::<u8>(), 0..600), limit in 4_usize..64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let world = World::new();
        world.write("a", &bytes);
        runtime.block_on(async {
            let mut offset = 0;
            loop {
                let part = world.part("docs/a", offset, limit).await.unwrap();
                // A byte order mark is the only thing that is left out.
                prop_assert!(part.offset >= offset && part.offset - offset <= 3);
                let Some(next) = part.next_offset else { break };
                prop_assert!(next > offset && next <= bytes.len() as u64);
                offset = next;
            }
            Ok(())
        })?;
    }
}
