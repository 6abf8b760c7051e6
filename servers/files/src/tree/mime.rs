//! What kind of data a file holds: from its name, and from its first bytes where these decide how it is returned.

use std::path::Path;

/// Extensions whose registered meaning is not what a folder of a project holds: there `.ts` is no video.
const SOURCE: &[(&str, &str)] = &[
    ("cts", "text/x-typescript"),
    ("mts", "text/x-typescript"),
    ("ts", "text/x-typescript"),
    ("tsx", "text/x-typescript"),
];

/// The MIME type that a name suggests.
pub(crate) fn of_name(name: &str) -> Option<&'static str> {
    let extension = Path::new(name).extension()?.to_str()?;
    let source = SOURCE.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension));
    source.map(|(_, mime)| *mime).or_else(|| mime_guess::from_ext(extension).first_raw())
}

/// The MIME type of a file whose bytes are text: its name's, unless that cannot be text.
pub(crate) fn of_text(name: &str) -> &'static str {
    of_name(name).filter(|mime| !is_binary(mime)).unwrap_or("text/plain")
}

/// The MIME type of a file whose bytes are not text.
pub(crate) fn of_binary(name: &str) -> &'static str {
    of_name(name).filter(|mime| !mime.starts_with("text/")).unwrap_or("application/octet-stream")
}

/// Whether data of this type is never text. SVG, JSON, XML, scripts and the like are.
pub(crate) fn is_binary(mime: &str) -> bool {
    let media = ["image/", "audio/", "video/", "font/"].iter().any(|kind| mime.starts_with(kind));
    let packed = ["application/pdf", "application/zip", "application/gzip", "application/x-tar"];
    (media && mime != "image/svg+xml")
        || packed.contains(&mime)
        || mime.starts_with("application/vnd.")
            && !mime.ends_with("+xml")
            && !mime.ends_with("+json")
}

/// The type of an image that clients can show, from its first bytes: a name alone proves nothing.
pub(crate) fn of_image(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_suggest_types() {
        assert_eq!(of_name("a.MD"), Some("text/markdown"));
        assert_eq!(of_name("a.ts"), Some("text/x-typescript"));
        assert_eq!(of_name("a.tar.gz"), Some("application/gzip"));
        assert_eq!((of_name("LICENSE"), of_name(".env"), of_name("a.")), (None, None, None));
        assert_eq!((of_text("a.png"), of_text("a.svg")), ("text/plain", "image/svg+xml"));
        assert_eq!(
            (of_binary("a.txt"), of_binary("a.zip")),
            ("application/octet-stream", "application/zip")
        );
    }

    #[test]
    fn images_are_known_by_their_bytes() {
        assert_eq!(of_image(b"\x89PNG\r\n\x1a\n..."), Some("image/png"));
        assert_eq!(of_image(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(of_image(b"GIF89a"), Some("image/gif"));
        assert_eq!(of_image(b"RIFF\0\0\0\0WEBP"), Some("image/webp"));
        assert_eq!(of_image(b"RIFF\0\0\0\0WAVE"), None);
        assert_eq!(of_image(b""), None);
    }
}
