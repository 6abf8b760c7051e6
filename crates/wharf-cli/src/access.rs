//! Who may call: from the configuration and the environment to an authenticator. The one place that knows every way to
//! authenticate.

use std::{ffi::OsString, path::Path, sync::Arc};

use secrecy::SecretString;
use wharf::{AllowAnonymous, Authenticator, Grants, Probe};
use wharf_auth::resource::api_key::{
    ApiKeyAuthenticator, EnvironmentError, EnvironmentKey, FailureLimit, KeySources, KeyStore,
    StoreError,
};

use crate::{config::Auth, exit::Exit, failure::Failure};

/// What makes a first key.
const FIRST_KEY: &str = "make a key with: wharf keys new --name NAME --allow '*'";

/// Who lets callers in, and what tells whether that one can do its work.
pub(crate) struct Access {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) probe: Option<Arc<dyn Probe>>,
}

/// The authenticator of a listener: API keys where there are any, else one that lets everyone in with what anonymous
/// callers may use.
///
/// # Errors
/// Keys that can't be read or used, or a key file without any.
pub(crate) fn authenticator(auth: &Auth) -> Result<Access, Failure> {
    let variables = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let environment = from_environment(variables("MCP_API_KEY"), variables("MCP_API_KEYS_FILE"))?;
    if auth.keys_file.is_none() && environment.is_empty() {
        let anyone = AllowAnonymous::with_grants(Arc::clone(&auth.anonymous));
        return Ok(Access { authenticator: Arc::new(anyone), probe: None });
    }
    let store = auth.keys_file.as_ref().map(KeyStore::at);
    let sources = KeySources { store, unreadable: auth.keys_failure, environment };
    let failures = u32::try_from(auth.failures).unwrap_or(u32::MAX);
    let limit = FailureLimit { failures, window: auth.failure_window };
    let authenticator =
        ApiKeyAuthenticator::new(sources, limit).map_err(|error| unreadable(&error))?;
    if !authenticator.has_keys() {
        return Err(Failure::new(Exit::Usage, "there is no API key yet, so nobody could get in")
            .hint(FIRST_KEY));
    }
    let keys = Arc::new(authenticator);
    Ok(Access { authenticator: Arc::<ApiKeyAuthenticator>::clone(&keys), probe: Some(keys) })
}

/// Somebody whose permissions are known before they call.
#[derive(Debug)]
pub(crate) struct KnownCaller {
    pub(crate) name: String,
    pub(crate) grants: Arc<Grants>,
}

/// Everybody who may call: whoever starts a server on stdio, and over HTTP the keys, or anybody where there are none.
///
/// # Errors
/// Keys that can't be read.
pub(crate) fn callers(auth: &Auth) -> Result<Vec<KnownCaller>, Failure> {
    let known = |name: &str, grants: &Arc<Grants>| KnownCaller {
        name: name.to_owned(),
        grants: Arc::clone(grants),
    };
    let mut callers = vec![known("(stdio)", &auth.local)];
    let variables = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let environment = from_environment(variables("MCP_API_KEY"), variables("MCP_API_KEYS_FILE"))?;
    if auth.keys_file.is_none() && environment.is_empty() {
        callers.push(known("(anyone)", &auth.anonymous));
    }
    if let Some(file) = &auth.keys_file {
        for key in KeyStore::at(file).list().map_err(|error| unreadable(&error))? {
            let grants = Grants::parse(&key.allow).map_err(|error| {
                Failure::new(Exit::Usage, format!("the key {:?}: {error}", key.name))
            })?;
            callers.push(known(&key.name, &Arc::new(grants)));
        }
    }
    callers.extend(environment.iter().map(|key| known(key.name(), key.grants())));
    Ok(callers)
}

/// A variable is a promise that keys are wanted: one that holds none is a mistake, and must not open the server to all.
fn from_environment(
    key: Option<OsString>,
    file: Option<OsString>,
) -> Result<Vec<EnvironmentKey>, Failure> {
    let wrong = |error: EnvironmentError| Failure::new(Exit::Usage, error.to_string());
    let mut keys = Vec::new();
    if let Some(key) = key {
        // Bytes that are no text are no key either, and the check says so.
        let key = key.into_string().unwrap_or_else(|_| "\u{fffd}".into());
        keys.push(EnvironmentKey::single(SecretString::from(key)).map_err(wrong)?);
    }
    if let Some(file) = file {
        let found = EnvironmentKey::from_file(Path::new(&file)).map_err(wrong)?;
        if found.is_empty() {
            let message = format!("MCP_API_KEYS_FILE: {} has no keys", Path::new(&file).display());
            return Err(Failure::new(Exit::Usage, message)
                .hint("write lines such as KEY=tools,database:*, or unset the variable"));
        }
        keys.extend(found);
    }
    Ok(keys)
}

/// What went wrong with the key file, as a failure of a command.
pub(crate) fn unreadable(error: &StoreError) -> Failure {
    let is_absent = matches!(error, StoreError::File { error, .. }
        if error.kind() == std::io::ErrorKind::NotFound);
    let exit = if error.is_usage() || is_absent { Exit::Usage } else { Exit::Internal };
    let failure = Failure::new(exit, error.to_string());
    if is_absent { failure.hint(FIRST_KEY) } else { failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn restrict(path: &Path) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[cfg(not(unix))]
    fn restrict(_: &Path) {}

    #[test]
    fn a_variable_without_a_good_key_never_opens_the_server() {
        let check = |key: Option<&str>, expected: &str| {
            let failure = from_environment(key.map(Into::into), None).unwrap_err();
            assert!(failure.to_string().contains(expected), "{failure}");
        };
        check(Some("hunter2"), "could be guessed");
        check(Some("caf\u{e9}caf\u{e9}caf\u{e9}caf\u{e9}"), "ASCII");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.txt");
        let told = |path: &Path| from_environment(None, Some(path.into())).unwrap_err().to_string();
        assert!(told(&path).contains("can't read"));
        std::fs::write(&path, "# nothing\n").unwrap();
        restrict(&path);
        assert!(told(&path).contains("has no keys"), "{}", told(&path));
        assert!(from_environment(None, None).unwrap().is_empty());
    }
}
