//! How much of one value a report shows.

use crate::result::{Cell, ValueType};

/// Characters of a text that are shown.
const SHOWN: usize = 80;
/// Bytes that are shown.
const SHOWN_BYTES: usize = 16;

/// The value, cut to what is shown.
pub(super) fn shown(cell: &Cell) -> Cell {
    match cell {
        Cell::Text(text) => match text.char_indices().nth(SHOWN) {
            Some((end, _)) => {
                Cell::CutText { text: text[..end].to_owned(), full_bytes: text.len() }
            }
            None => cell.clone(),
        },
        Cell::Bytes { bytes, full_bytes, stored_as_text } => Cell::Bytes {
            bytes: bytes[..bytes.len().min(SHOWN_BYTES)].to_vec(),
            full_bytes: *full_bytes,
            stored_as_text: *stored_as_text,
        },
        // Tags belong to columns of rows, and here a value stands alone: its type is told beside it.
        other => other.clone(),
    }
}

/// The word for a type of a value.
pub(crate) fn type_name(cell: &Cell) -> &'static str {
    match (cell, cell.value_type()) {
        (Cell::Bool(_), _) => "boolean",
        (_, Some(ValueType::Integer | ValueType::Real)) => "number",
        (_, Some(ValueType::Blob)) => "bytes",
        _ => "text",
    }
}
