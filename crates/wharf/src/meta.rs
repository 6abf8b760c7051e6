//! `_meta`: the open object that every request, result and registered item may carry.
//!
//! Keys with a prefix belong to whoever owns the prefix (specification, basic/index#_meta). The project's own keys
//! share [`Meta::PREFIX`], defined here once.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An open JSON object of metadata.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Meta(Map<String, Value>);

impl Meta {
    /// The reverse-DNS prefix of Wharf's own keys.
    pub const PREFIX: &'static str = "dev.wharf/";

    /// An empty object.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key`.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object itself.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for Meta {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}
