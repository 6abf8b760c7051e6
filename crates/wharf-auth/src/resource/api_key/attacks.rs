//! Attacks on the keys as a whole: stores that break, clocks that jump, callers who race.

use std::{
    fs,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use tempfile::TempDir;
use wharf::{Authenticator, Caller, Challenge, Credentials};

use super::{
    ApiKeyAuthenticator, EnvironmentKey, FailureLimit, Issued, KeySources, KeyStore, NewKey,
    StoreError, UnreadableStore, clock::Clock,
};

const DAY: Duration = Duration::from_secs(86_400);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const CHOSEN: &str = "0123456789abcdef0123";

/// A store in a folder of its own, with a clock that the test sets.
pub(super) struct World {
    folder: TempDir,
    pub(super) store: KeyStore,
    pub(super) wall: Arc<Mutex<SystemTime>>,
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = KeyStore::at(folder.path().join("keys.json"));
        let start = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self { folder, store, wall: Arc::new(Mutex::new(start)) }
    }

    fn now(&self) -> SystemTime {
        *self.wall.lock().unwrap()
    }

    pub(super) fn issue(&self, name: &str, expires_in: Option<Duration>) -> Issued {
        let new = NewKey { name: name.into(), allow: vec!["database:*".into()], expires_in };
        self.store.create(&new, self.now()).unwrap()
    }

    fn authenticator(&self) -> ApiKeyAuthenticator {
        self.authenticator_that(UnreadableStore::RefuseKeys)
    }

    pub(super) fn authenticator_that(&self, unreadable: UnreadableStore) -> ApiKeyAuthenticator {
        let wall = Arc::clone(&self.wall);
        let clock = Clock::new(Arc::new(move || *wall.lock().unwrap()));
        let chosen = EnvironmentKey::single(SecretString::from(CHOSEN)).unwrap();
        let store = Some(self.store.clone());
        let sources = KeySources { store, unreadable, environment: vec![chosen] };
        ApiKeyAuthenticator::with_clock(sources, FailureLimit::default(), clock).unwrap()
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

pub(super) async fn try_key(
    authenticator: &ApiKeyAuthenticator,
    key: &str,
) -> Result<Arc<Caller>, Challenge> {
    try_from(authenticator, key, "192.0.2.1").await
}

pub(super) async fn try_from(
    authenticator: &ApiKeyAuthenticator,
    key: &str,
    address: &str,
) -> Result<Arc<Caller>, Challenge> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {key}")).unwrap());
    try_headers(authenticator, &headers, address).await
}

async fn try_headers(
    authenticator: &ApiKeyAuthenticator,
    headers: &HeaderMap,
    address: &str,
) -> Result<Arc<Caller>, Challenge> {
    let client: IpAddr = address.parse().unwrap();
    authenticator.authenticate(Credentials::new(headers, Some(client))).await
}

/// Lets the next request look at the file.
pub(super) async fn look_again() {
    tokio::time::advance(Duration::from_millis(100)).await;
}

pub(super) fn status<T>(outcome: &Result<T, Challenge>) -> u16 {
    outcome.as_ref().err().map_or(200, |challenge| challenge.status)
}

#[tokio::test(start_paused = true)]
async fn a_key_is_its_caller_and_another_text_is_nobody() {
    let world = World::new();
    let issued = world.issue("ci", None);
    let authenticator = world.authenticator();
    let caller = try_key(&authenticator, issued.key.expose()).await.unwrap();
    assert_eq!((&*caller.id, &*caller.name), (issued.info.id.as_str(), "ci"));
    assert_eq!(caller.grants.patterns().collect::<Vec<_>>(), ["database:*"]);
    assert!(try_key(&authenticator, CHOSEN).await.is_ok());
    let cut = &issued.key.expose()[..67];
    assert_eq!(status(&try_key(&authenticator, cut).await), 401);
    assert!(!authenticator.allows_anyone() && authenticator.has_keys());
}

#[tokio::test(start_paused = true)]
async fn wrong_expired_and_revoked_keys_and_none_at_all_get_one_answer() {
    let world = World::new();
    let (expired, revoked) = (world.issue("expired", Some(HOUR)), world.issue("revoked", None));
    world.store.revoke("revoked").unwrap();
    *world.wall.lock().unwrap() += DAY;
    let authenticator = world.authenticator();
    let answer = |outcome: Result<Arc<Caller>, Challenge>| format!("{:?}", outcome.unwrap_err());
    let wrong = answer(try_key(&authenticator, "wharf_never").await);
    assert_eq!(answer(try_key(&authenticator, expired.key.expose()).await), wrong);
    assert_eq!(answer(try_key(&authenticator, revoked.key.expose()).await), wrong);
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("Basic YTpi"));
    assert_eq!(answer(try_headers(&authenticator, &headers, "192.0.2.1").await), wrong);
    assert!(wrong.contains("invalid_token") && wrong.contains("401"), "{wrong}");
    // Who sends nothing is told the scheme, and no error (RFC 6750 section 3).
    let nothing = try_headers(&authenticator, &HeaderMap::new(), "192.0.2.1").await.unwrap_err();
    assert_eq!(
        (nothing.status, nothing.www_authenticate.as_str()),
        (401, "Bearer realm=\"wharf\"")
    );
}

#[tokio::test(start_paused = true)]
async fn a_right_key_works_where_wrong_ones_are_slowed_down() {
    let world = World::new();
    let issued = world.issue("ci", None);
    let authenticator = world.authenticator();
    for _ in 0..10 {
        assert_eq!(status(&try_key(&authenticator, "wrong").await), 401);
    }
    let slowed = try_key(&authenticator, "wrong").await.unwrap_err();
    assert_eq!((slowed.status, slowed.retry_after_seconds), (429, Some(6)));
    assert!(slowed.www_authenticate.is_empty());
    assert!(try_key(&authenticator, issued.key.expose()).await.is_ok());
    assert_eq!(status(&try_from(&authenticator, "wrong", "192.0.2.2").await), 401);
    // Asking without a key is how clients find out what is wanted, and no guess.
    let nothing = try_headers(&authenticator, &HeaderMap::new(), "192.0.2.1").await;
    assert_eq!(status(&nothing), 401);
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_made_rotated_and_revoked_count_on_a_running_server() {
    let world = World::new();
    let first = world.issue("first", None);
    let authenticator = world.authenticator();
    let second = world.issue("second", None);
    look_again().await;
    assert!(try_key(&authenticator, second.key.expose()).await.is_ok());
    let rotated = world.store.rotate("first", HOUR, None, world.now()).unwrap();
    world.store.revoke(&second.info.id).unwrap();
    look_again().await;
    assert_eq!(status(&try_key(&authenticator, second.key.expose()).await), 401);
    let old = try_key(&authenticator, first.key.expose()).await.unwrap();
    let new = try_key(&authenticator, rotated.key.expose()).await.unwrap();
    assert_eq!(old, new, "rotating keeps the caller");
    *world.wall.lock().unwrap() += HOUR - Duration::from_secs(1);
    assert!(try_key(&authenticator, first.key.expose()).await.is_ok());
    *world.wall.lock().unwrap() += Duration::from_secs(1);
    assert_eq!(status(&try_key(&authenticator, first.key.expose()).await), 401);
    assert!(try_key(&authenticator, rotated.key.expose()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_revives_no_key() {
    let world = World::new();
    let issued = world.issue("ci", Some(HOUR));
    let authenticator = world.authenticator();
    assert!(try_key(&authenticator, issued.key.expose()).await.is_ok());
    tokio::time::advance(HOUR).await;
    *world.wall.lock().unwrap() -= 365 * DAY;
    assert_eq!(status(&try_key(&authenticator, issued.key.expose()).await), 401);
}

#[tokio::test(start_paused = true)]
async fn who_is_recognised_at_the_start_of_a_call_may_not_be_at_its_end() {
    let world = World::new();
    let (kept, revoked) = (world.issue("kept", None), world.issue("revoked", None));
    let short = world.issue("short", Some(HOUR));
    let authenticator = world.authenticator();
    let caller =
        async |issued: &Issued| try_key(&authenticator, issued.key.expose()).await.unwrap();
    let (kept, revoked, short) =
        (caller(&kept).await, caller(&revoked).await, caller(&short).await);
    let chosen = try_key(&authenticator, CHOSEN).await.unwrap();
    let recognised = || [&kept, &revoked, &short, &chosen].map(|who| authenticator.recognises(who));
    assert_eq!(recognised(), [true; 4]);
    world.store.rotate("kept", Duration::ZERO, None, world.now()).unwrap();
    world.store.revoke("revoked").unwrap();
    look_again().await;
    assert_eq!(recognised(), [true, false, true, true]);
    *world.wall.lock().unwrap() += HOUR;
    assert_eq!(recognised(), [true, false, false, true]);
    // Whoever narrows a key by hand means those who use it now, too.
    let file = fs::read(world.file("keys.json")).unwrap();
    fs::write(world.file("keys.json"), replaced(&file, "database:*", "database:look")).unwrap();
    look_again().await;
    assert_eq!(recognised(), [false, false, false, true]);
}

pub(super) fn replaced(content: &[u8], from: &str, to: &str) -> Vec<u8> {
    String::from_utf8(content.to_vec()).unwrap().replace(from, to).into_bytes()
}

#[cfg(unix)]
pub(super) fn restrict(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn files_that_others_can_reach_are_refused() {
    let world = World::new();
    let issued = world.issue("ci", None);
    let authenticator = world.authenticator();
    for (file, mode) in [("keys.json", 0o666), ("keys.json", 0o620), ("keys.json.pepper", 0o604)] {
        restrict(&world.file(file), mode);
        look_again().await;
        assert_eq!(
            status(&try_key(&authenticator, issued.key.expose()).await),
            503,
            "{file} {mode:o}"
        );
        assert!(matches!(world.store.list(), Err(StoreError::Exposed { .. })));
        restrict(&world.file(file), 0o600);
    }
    look_again().await;
    assert!(try_key(&authenticator, issued.key.expose()).await.is_ok());
}

#[cfg(unix)]
#[test]
fn files_are_made_for_their_owner_only_and_hold_no_key() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let issued = world.issue("ci", None);
    let secret = issued.key.expose().rsplit('_').next().unwrap();
    for entry in fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        let content = fs::read(&path).unwrap();
        assert!(!content.windows(10).any(|bytes| bytes == &secret.as_bytes()[..10]), "{path:?}");
    }
    assert!(!format!("{issued:?}").contains(secret));
    assert!(!format!("{:?}", world.store.list().unwrap()).contains(secret));
}

#[cfg(unix)]
#[test]
fn a_change_keeps_the_owner_and_the_mode_of_the_file() {
    use std::os::unix::fs::{MetadataExt, chown};
    let world = World::new();
    world.issue("ci", None);
    let path = world.file("keys.json");
    restrict(&path, 0o640);
    // Only an administrator can give files away, and has this problem.
    let given = chown(&path, Some(12_345), Some(12_346)).is_ok();
    world.issue("next", None);
    let after = fs::metadata(&path).unwrap();
    assert_eq!(after.mode() & 0o777, 0o640);
    assert_eq!((after.uid(), after.gid()) == (12_345, 12_346), given);
}

#[test]
fn two_who_change_the_store_at_once_lose_nothing() {
    let world = World::new();
    let names: Vec<String> = (0..24).map(|number| format!("key {number}")).collect();
    names.iter().for_each(|name| drop(world.issue(name, None)));
    let revoked: usize = std::thread::scope(|scope| {
        // Everyone tries to revoke every other key, and adds one.
        let run = |adder: usize| {
            let (world, names) = (&world, &names);
            move || {
                drop(world.issue(&format!("added {adder}"), None));
                names.iter().step_by(2).filter(|name| world.store.revoke(name).is_ok()).count()
            }
        };
        let threads: Vec<_> = (0..4).map(|adder| scope.spawn(run(adder))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(revoked, 12, "each key was revoked by one of them");
    let left: Vec<String> = world.store.list().unwrap().into_iter().map(|key| key.name).collect();
    assert_eq!(left.len(), 12 + 4, "{left:?}");
    assert!(names.iter().skip(1).step_by(2).all(|name| left.contains(name)));
}

#[test]
fn rotations_are_bounded_and_keep_the_period() {
    let world = World::new();
    world.issue("ci", Some(90 * DAY));
    let now = world.now();
    let first = world.store.rotate("ci", 10 * DAY, None, now + DAY).unwrap();
    assert_eq!(first.info.expires_at, Some(first.info.created_at + 90 * 86_400));
    assert_eq!(first.info.previous_expires_at, Some(first.info.created_at + 10 * 86_400));
    // A secret that ends earlier is not prolonged by a later rotation.
    let second = world.store.rotate("ci", 100 * DAY, Some(HOUR), now + 2 * DAY).unwrap();
    assert_eq!(second.info.expires_at, Some(second.info.created_at + 3_600));
    assert_eq!(second.info.previous_expires_at, first.info.expires_at);
    world.store.rotate("ci", DAY, None, now + 2 * DAY).unwrap();
    let error = world.store.rotate("ci", DAY, None, now + 2 * DAY).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("still valid"), "{error}");
    // Without an overlap the old ones end at once, which always works.
    let last = world.store.rotate("ci", Duration::ZERO, None, now + 3 * DAY).unwrap();
    assert_eq!(last.info.previous_expires_at, None);
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let world = World::new();
    world.issue("ci", None);
    let before = fs::read(world.store.path()).unwrap();
    let check = |name: &str, allow: &[&str], expected: &str| {
        let allow = allow.iter().map(|pattern| (*pattern).to_owned()).collect();
        let new = NewKey { name: name.into(), allow, expires_in: None };
        let error = world.store.create(&new, world.now()).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains(expected), "{error}");
    };
    check("ci", &["*"], "already");
    check("", &["*"], "1 to 64");
    check(" a", &["*"], "1 to 64");
    check("a\nb", &["*"], "control");
    check(&"a".repeat(65), &["*"], "1 to 64");
    check("wharf_abc", &["*"], "begin like a key");
    check("new", &[], "of no use");
    check("new", &["tool"], "did you mean tools?");
    let error = world.store.revoke("nobody").unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("\"nobody\""), "{error}");
    assert_eq!(fs::read(world.store.path()).unwrap(), before);
    assert!(KeyStore::at(world.file("none.json")).list().unwrap().is_empty());
    assert!(!world.file("none.json.pepper").exists());
}

#[test]
fn a_writer_that_died_half_way_leaves_the_old_file() {
    let world = World::new();
    let issued = world.issue("ci", None);
    fs::write(world.file("keys.json.new"), b"{\"version\": 1, \"ke").unwrap();
    assert_eq!(world.store.list().unwrap(), [issued.info]);
    world.issue("next", None);
    assert_eq!(world.store.list().unwrap().len(), 2);
    assert!(!world.file("keys.json.new").exists());
}

#[test]
fn a_lost_pepper_is_told_and_never_replaced() {
    let world = World::new();
    world.issue("ci", None);
    fs::remove_file(world.file("keys.json.pepper")).unwrap();
    let new = NewKey { name: "next".into(), allow: vec!["*".into()], expires_in: None };
    assert!(world.store.create(&new, world.now()).is_err());
    assert!(!world.file("keys.json.pepper").exists());
    fs::write(world.file("keys.json.pepper"), [7; 32]).unwrap();
    #[cfg(unix)]
    restrict(&world.file("keys.json.pepper"), 0o600);
    assert!(matches!(world.store.create(&new, world.now()), Err(StoreError::OtherPepper { .. })));
}
