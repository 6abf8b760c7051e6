//! The `wharf` command.

#[allow(dead_code, unused_imports, reason = "the commands that read the settings are not here yet")]
mod config;

fn main() {}
