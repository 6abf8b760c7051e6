//! Protecting a server: credentials in, callers out.

pub mod api_key;
