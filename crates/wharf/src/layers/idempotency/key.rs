//! Which call is meant to be the same.

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    call::{Call, Operation},
    canonical,
    error::{Error, ErrorKind},
    protocol::string,
};

/// Longest key, in bytes.
const MAX_KEY_BYTES: usize = 256;

/// One caller's key for one tool.
pub(super) struct Key {
    /// Where the state is kept.
    pub(super) name: Vec<u8>,
    /// What the call says besides its key.
    pub(super) arguments: [u8; 32],
}

impl Key {
    /// The key of a call, if it has one.
    pub(super) fn of(call: &Call) -> Result<Option<Self>, Error> {
        let Operation::CallTool { tool, arguments } = &call.operation else { return Ok(None) };
        let context = &call.context;
        let sent = sent(context.meta.idempotency_key.as_ref())?;
        let parameter = tool.idempotent_by.as_deref().and_then(|name| arguments.get(name));
        let text = match (sent, parameter) {
            (Some(key), _) => key,
            (None, None | Some(Value::Null)) => return Ok(None),
            (None, Some(Value::String(text))) => text.clone(),
            (None, Some(other)) => other.to_string(),
        };
        if !(1..=MAX_KEY_BYTES).contains(&text.len()) {
            return Err(Error::failed(
                ErrorKind::InvalidInput,
                format!("an idempotency key has 1 to {MAX_KEY_BYTES} bytes"),
            ));
        }
        let mut hasher = Sha256::new();
        for part in [context.core.name(), &tool.name, &context.caller.id, &text] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut name = b"idempotency/".to_vec();
        name.extend_from_slice(&hasher.finalize());
        Ok(Some(Self { name, arguments: canonical::digest(arguments) }))
    }
}

/// The key that came with the request.
fn sent(raw: Option<&Bytes>) -> Result<Option<String>, Error> {
    let Some(raw) = raw else { return Ok(None) };
    let key = std::str::from_utf8(raw).ok().and_then(string).ok_or_else(|| {
        Error::failed(ErrorKind::InvalidInput, "dev.wharf/idempotencyKey in _meta must be a string")
    })?;
    Ok(Some(key.into_owned()))
}
