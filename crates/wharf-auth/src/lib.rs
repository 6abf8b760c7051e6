//! Who is calling: what stands behind [`wharf::Authenticator`].
//!
//! [`resource`] protects one's own server. Everything here ends in a [`wharf::Caller`] with its grants, or in a challenge;
//! what a caller may use is decided in `wharf`, from the grants.

pub mod resource;
