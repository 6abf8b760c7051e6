//! Writes a statement anew from its tokens, so that the server reads the same pieces that were judged.

use super::lexer::{Token, is_name_byte};
use super::scan::Edit;

/// The text to send: the tokens with a blank where there was a blank or a comment, and where two tokens could be read as one.
pub(super) fn text(sql: &str, tokens: &[Token<'_>], edits: &[Edit]) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut end = 0;
    for (token, edit) in tokens.iter().zip(edits) {
        let text = edit.text.as_deref().unwrap_or(token.text);
        if token.blank_before && !edit.joined && !out.is_empty() {
            // Lines are kept, because the server's messages count them.
            let lines = sql[end..token.at].bytes().filter(|&byte| byte == b'\n').count();
            out.push_str(if lines == 0 { " " } else { "" });
            out.extend(std::iter::repeat_n('\n', lines));
        } else if must_part(out.as_bytes().last().copied(), text.as_bytes().first().copied()) {
            out.push(' ');
        }
        out.push_str(text);
        end = token.at + token.text.len();
    }
    out
}

/// Whether two neighbours need a blank: names and numbers that would become one, quotes that would count as doubled, and a
/// minus or slash with what could make a comment of it for a reader with simpler rules, such as a driver that looks for
/// placeholders.
fn must_part(last: Option<u8>, first: Option<u8>) -> bool {
    let (Some(last), Some(first)) = (last, first) else { return false };
    match last {
        b'-' | b'/' => !is_name_byte(first) && !b">()+".contains(&first),
        b'`' => first == b'`',
        b'?' => is_name_byte(first),
        last => is_name_byte(last) && is_name_byte(first),
    }
}
