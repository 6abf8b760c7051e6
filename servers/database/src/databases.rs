//! The databases of one server, by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::error::DatabaseError;
use crate::names::near_names;

/// The longest name of a database.
pub const MAX_NAME_BYTES: usize = 64;
/// The most databases of one server.
pub const MAX_DATABASES: usize = 64;

/// The databases of one server. Clones share them.
#[derive(Clone)]
pub struct Databases {
    inner: Arc<Inner>,
}

struct Inner {
    named: BTreeMap<String, Arc<dyn Engine>>,
    default: Option<String>,
}

impl std::fmt::Debug for Databases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.inner.named.keys()).finish()
    }
}

impl Databases {
    /// One database, which callers need not name.
    pub fn one(name: impl Into<String>, engine: impl Engine) -> Result<Self, DatabaseError> {
        Self::new([(name.into(), Arc::new(engine) as Arc<dyn Engine>)], None)
    }

    /// Several databases; `default` is the one for callers who name none. The only one is the default by itself.
    ///
    /// # Errors
    /// [`DatabaseError::InvalidArgument`]: no database, too many, a name that is taken or that is not 1 to 64 of
    /// `A-Z a-z 0-9 _ -`, or a default that is none of them.
    pub fn new(
        databases: impl IntoIterator<Item = (String, Arc<dyn Engine>)>,
        default: Option<String>,
    ) -> Result<Self, DatabaseError> {
        let mut named = BTreeMap::new();
        for (name, engine) in databases {
            if !is_name(&name) {
                let rule = "a name has 1 to 64 of A-Z, a-z, 0-9, '_' and '-'";
                return Err(DatabaseError::invalid("databases", rule));
            }
            if named.insert(name, engine).is_some() {
                return Err(DatabaseError::invalid("databases", "each needs a name of its own"));
            }
        }
        if !(1..=MAX_DATABASES).contains(&named.len()) {
            let rule = format!("must be 1 to {MAX_DATABASES}");
            return Err(DatabaseError::invalid("databases", rule));
        }
        let default = match default {
            Some(name) if !named.contains_key(&name) => {
                return Err(DatabaseError::invalid("default", "must be one of the databases"));
            }
            None if named.len() == 1 => named.keys().next().cloned(),
            given => given,
        };
        Ok(Self { inner: Arc::new(Inner { named, default }) })
    }

    /// The database that a caller asks for, with its name.
    ///
    /// # Errors
    /// [`DatabaseError::UnknownDatabase`] with the names there are; [`DatabaseError::InvalidArgument`] when none was named
    /// and there is no default.
    pub fn get(&self, name: Option<&str>) -> Result<(&str, &Arc<dyn Engine>), DatabaseError> {
        let named = &self.inner.named;
        let Some(name) = name.or(self.inner.default.as_deref()) else {
            let rule = format!("is required; the databases are {}", self.list());
            return Err(DatabaseError::invalid("database", rule));
        };
        named.get_key_value(name).map(|(name, engine)| (name.as_str(), engine)).ok_or_else(|| {
            let mut suggestions = near_names(name, self.names());
            if suggestions.is_empty() {
                suggestions = self.names().take(10).map(str::to_owned).collect();
            }
            DatabaseError::UnknownDatabase { suggestions }
        })
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.named.keys().map(String::as_str)
    }

    /// All databases in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<dyn Engine>)> {
        self.inner.named.iter().map(|(name, engine)| (name.as_str(), engine))
    }

    /// The name of the database for callers who name none.
    #[must_use]
    pub fn default_name(&self) -> Option<&str> {
        self.inner.default.as_deref()
    }

    /// Closes all databases at once: each refuses new requests, stops the running ones and waits until its connections are
    /// closed.
    pub async fn close(&self) {
        let closing = self.inner.named.values().map(|engine| engine.close());
        futures_util::future::join_all(closing).await;
    }

    /// What a call may take: the longest statement of any database and the wait for a connection.
    pub(crate) fn longest_call(&self) -> Duration {
        let longest =
            |engine: &Arc<dyn Engine>| engine.limits().max_timeout + engine.acquire_timeout();
        self.inner.named.values().map(longest).max().unwrap_or_default()
    }

    fn list(&self) -> String {
        let names: Vec<String> = self.names().map(|name| format!("{name:?}")).collect();
        names.join(", ")
    }
}

/// Whether this can be the name of a database.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Database, SqliteSettings};

    fn engine() -> Arc<dyn Engine> {
        Arc::new(Database::open(SqliteSettings::sample()).unwrap())
    }

    fn databases(names: &[&str], default: Option<&str>) -> Result<Databases, DatabaseError> {
        let named = names.iter().map(|name| ((*name).to_owned(), engine()));
        Databases::new(named, default.map(str::to_owned))
    }

    #[test]
    fn the_only_database_needs_no_name() {
        let one = databases(&["main"], None).unwrap();
        assert_eq!(one.get(None).unwrap().0, "main");
        assert_eq!(one.get(Some("main")).unwrap().0, "main");
    }

    #[test]
    fn one_of_several_must_be_named_unless_there_is_a_default() {
        let two = databases(&["sales", "users"], None).unwrap();
        let refused = two.get(None).err().unwrap().to_string();
        assert_eq!(refused, "database: is required; the databases are \"sales\", \"users\"");
        assert_eq!(
            databases(&["sales", "users"], Some("users")).unwrap().get(None).unwrap().0,
            "users"
        );
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        let two = databases(&["sales", "users"], None).unwrap();
        let suggested = |name| match two.get(Some(name)) {
            Err(DatabaseError::UnknownDatabase { suggestions }) => suggestions,
            other => panic!("{:?}", other.map(|(name, _)| name.to_owned())),
        };
        assert_eq!(suggested("user"), ["users"]);
        assert_eq!(suggested("../../etc/passwd"), ["sales", "users"]);
    }

    #[test]
    fn bad_sets_are_refused() {
        for (names, default) in [
            (&[][..], None),
            (&["a", "a"], None),
            (&["a b"], None),
            (&[""], None),
            (&["a"], Some("b")),
        ] {
            assert!(databases(names, default).is_err(), "{names:?} {default:?}");
        }
    }
}
