//! The wire: envelopes, revisions, metadata keys, headers and error codes.
//!
//! No I/O happens here, and nothing here decides what a request means: it turns foreign bytes into checked pieces,
//! and refuses what no revision of the specification allows.

mod envelope;
mod fields;
mod headers;
mod id;
mod inside;
mod json;
mod request_meta;
mod revision;
mod rpc_error;
mod scan;
mod special;
mod text;
mod uri_template;

pub(crate) use envelope::{Message, parse as parse_message};
pub(crate) use fields::{FieldsError, fields, string};
pub(crate) use headers::HeaderView;
#[cfg(feature = "fuzzing")]
pub(crate) use headers::decode_value;
pub use id::Id;
pub(crate) use inside::{Inside, PARAMETERS};
pub(crate) use json::{parse_strict, slice};
pub use request_meta::{LogLevel, keys};
pub(crate) use request_meta::{MetaFields, RequestMeta};
pub use revision::Revision;
pub use rpc_error::RpcError;
pub(crate) use text::write_string;
pub(crate) use uri_template::UriTemplate;
