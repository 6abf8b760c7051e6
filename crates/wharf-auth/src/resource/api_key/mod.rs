//! API keys: made, listed, rotated and revoked in a file, and recognised at every request.
//!
//! A key is shown once, when it is made; the file holds a keyed hash of it. A server reads the file again when it changes,
//! so that a revoked key is refused at once. Keys can also come from the environment. A store that can't be read stops the
//! start; what a running server makes of one is the operator's choice.

mod authenticator;
mod clock;
mod environment;
mod failures;
mod files;
mod keyring;
mod pepper;
mod presented;
mod record;
mod store;
mod token;
mod watched;

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod unreadable;

pub use authenticator::{ApiKeyAuthenticator, KeySources};
pub use environment::{EnvironmentError, EnvironmentKey};
pub use failures::FailureLimit;
pub use record::KeyInfo;
pub use store::{Issued, KeyStore, NewKey, StoreError};
pub use token::ApiKey;
pub use watched::UnreadableStore;
