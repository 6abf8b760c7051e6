//! Every protocol feature.
fn main() {}
