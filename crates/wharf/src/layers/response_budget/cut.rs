//! Cutting a result: what stays in it, and what is left over for the pages.

use serde_json::{Value, value::RawValue};

use super::{shorten::shorten, text_boundary};
use crate::{
    content::Content,
    handler::ToolResult,
    meta::Meta,
    results::{Data, Piece},
    schema,
};

/// Room for the words and the link that a cut result ends with.
const NOTICE_BYTES: usize = 1024;
/// The smallest budget; below it the notice would take up most of the result.
pub(super) const MIN_BUDGET_BYTES: usize = 4096;

/// A result that is short enough, once a notice is added.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) result: ToolResult,
    /// What it lacks.
    pub(super) rest: Vec<Piece>,
    /// The output schema accepts nothing shorter: this is a failure now.
    pub(super) failed: bool,
}

/// Bytes of a result's content.
pub(super) fn size(result: &ToolResult) -> usize {
    let structured = result.structured.as_ref().map_or(0, |raw| raw.get().len());
    let content: usize = result.content.iter().map(block_size).sum();
    structured + content + meta_size(&result.meta)
}

fn meta_size(meta: &Meta) -> usize {
    // Most have none, and then nothing is written just to be measured.
    if meta.is_empty() { 0 } else { serde_json::to_string(meta).map_or(0, |text| text.len()) }
}

fn block_size(block: &Content) -> usize {
    match block {
        Content::Text { text, meta, .. } => text.len() + meta_size(meta),
        Content::Image { data, mime_type, meta, .. }
        | Content::Audio { data, mime_type, meta, .. } => {
            data.len() + mime_type.len() + meta_size(meta)
        }
        Content::Resource { resource, meta, .. } => {
            let [text, blob] =
                [&resource.text, &resource.blob].map(|part| part.as_ref().map_or(0, String::len));
            text + blob + resource.uri.len() + meta_size(&resource.meta) + meta_size(meta)
        }
        Content::ResourceLink { link, meta, .. } => {
            let texts = [&link.title, &link.description, &link.mime_type];
            let texts: usize = texts.iter().map(|text| text.as_ref().map_or(0, String::len)).sum();
            link.uri.len() + link.name.len() + texts + meta_size(meta)
        }
    }
}

/// Cuts `result`, which is longer than `budget`, for a tool with this output schema.
pub(super) fn cut(mut result: ToolResult, schema: Option<&Value>, budget: usize) -> Cut {
    let mut room = budget.max(MIN_BUDGET_BYTES) - NOTICE_BYTES;
    let mut rest = Vec::new();
    let meta = meta_size(&result.meta);
    if meta > room / 4 {
        // Metadata is an author's word to the client; too much of it is worth less than the result.
        result.meta = Meta::new();
    } else {
        room -= meta;
    }
    let mut failed = false;
    if let Some(structured) = result.structured.take() {
        let mirrored =
            matches!(&*result.content, [Content::Text { text, .. }] if text == structured.get());
        // A failure need not fit the output schema (server/tools, output schema).
        match schema.filter(|_| !result.is_error) {
            None if mirrored => {}
            None => rest.push(whole(&structured)),
            Some(_) if structured.get().len() <= room / 4 * 3 => {
                room -= structured.get().len();
                result.structured = Some(structured);
            }
            Some(schema) => {
                rest.push(whole(&structured));
                let short = accepted(&structured, schema, room / 2);
                failed = short.is_none();
                if mirrored {
                    result.content = short.iter().map(|short| Content::text(short.get())).collect();
                }
                room -= short.as_ref().map_or(0, |short| short.get().len());
                result.structured = short;
            }
        }
    }
    for block in std::mem::take(&mut result.content) {
        let size = block_size(&block);
        // Once something is left out, so is everything after it: blocks are read in order.
        if rest.iter().all(Piece::is_structured) && size <= room {
            room -= size;
            result.content.push(block);
        } else {
            divide(block, &mut room, &mut result.content, &mut rest);
        }
    }
    result.is_error |= failed;
    Cut { result, rest, failed }
}

fn whole(structured: &RawValue) -> Piece {
    Piece::structured(structured.get())
}

/// The shortened structured content, if the schema accepts it.
fn accepted(structured: &RawValue, schema: &Value, max: usize) -> Option<Box<RawValue>> {
    let short = shorten(structured.get(), max)?;
    let value = serde_json::from_str(&short).ok()?;
    if schema::accepts(schema, &value) { RawValue::from_string(short).ok() } else { None }
}

/// Keeps the beginning of a text that is the first to be cut; everything else goes to the rest.
fn divide(block: Content, room: &mut usize, kept: &mut Vec<Content>, rest: &mut Vec<Piece>) {
    let room = std::mem::take(room);
    match block {
        Content::Text { mut text, annotations, meta } => {
            let end = text_boundary(&text, room);
            let tail = text.split_off(end);
            if !text.is_empty() {
                // Its metadata may be what made it too long.
                let meta = if meta_size(&meta) > room - end { Meta::new() } else { meta };
                kept.push(Content::Text { text, annotations, meta });
            }
            rest.extend((!tail.is_empty()).then(|| Piece::new("text/plain", Data::Text(tail))));
        }
        Content::Image { data, mime_type, .. } | Content::Audio { data, mime_type, .. } => {
            rest.push(Piece::new(&mime_type, Data::Base64(data)));
        }
        Content::Resource { resource, .. } => {
            let mime_type = resource.mime_type.as_deref();
            if let Some(text) = resource.text {
                rest.push(Piece::new(mime_type.unwrap_or("text/plain"), Data::Text(text)));
            }
            if let Some(blob) = resource.blob {
                let mime_type = mime_type.unwrap_or("application/octet-stream");
                rest.push(Piece::new(mime_type, Data::Base64(blob)));
            }
        }
        Content::ResourceLink { link, .. } => {
            let text = serde_json::to_string(&link).unwrap_or_default();
            rest.push(Piece::new("application/json", Data::Text(text)));
        }
    }
}
