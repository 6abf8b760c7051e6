//! Transcripts: an exchange written down, replayed over any transport.
//!
//! ```text
//! # What a client sends, and what it must get back, in this order and nothing else.
//! > {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",
//!    "capabilities":{},"clientInfo":{"name":"t","version":"0"}}}
//! < {"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":"<object>",
//!    "serverInfo":{"name":"demo","version":"<string>","...":"<any>"},"...":"<any>"}}
//! > {"jsonrpc":"2.0","method":"notifications/initialized"}
//! ```
//!
//! A line that begins with a space continues the one before. What follows `>` is sent as it stands, so it may be broken. What
//! follows `<` is JSON with placeholders: `"<any>"`, `"<string>"`, `"<number>"`, `"<integer>"`, `"<boolean>"`, `"<array>"`,
//! `"<object>"`, and `"<$name>"`, which keeps what it meets: it must be the same wherever the name stands again, and is put
//! in where a later `>` line has it. The key `"..."` lets an object have more members, the item `"..."` at the end of an
//! array more items. A text that looks like a placeholder and is none gets a backslash: `"\\<b>"`.

mod parse;
mod pattern;
mod replay;

pub use parse::Transcript;
