//! The entry point for the fuzz target of the tree reader. Not part of the public API.

use super::guard::{tree, walk};

/// Reads any text as an analysed statement and collects what it uses. It must end, whatever the text.
pub fn read_tree(text: &str) {
    if let Ok(tree) = tree::read(text) {
        let _ = walk::collect(&tree, &mut walk::Uses::default());
    }
}
