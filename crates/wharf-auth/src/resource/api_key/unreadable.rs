//! Attacks on the files of a store while a server runs: what becomes of the keys in them, in both configured choices.

use std::fs;

use wharf::{Authenticator, Probe, Readiness};

use super::{
    ApiKeyAuthenticator, UnreadableStore,
    attacks::{CHOSEN, HOUR, World, look_again, replaced, restrict, status, try_from, try_key},
};

/// Breaks the files of a store in every way, asks what comes of it, and mends them after each.
async fn with_each_breakage(
    world: &World,
    authenticator: &ApiKeyAuthenticator,
    check: impl AsyncFn(&'static str),
) {
    let (keys, pepper) = (world.file("keys.json"), world.file("keys.json.pepper"));
    let (good, secret) = (fs::read(&keys).unwrap(), fs::read(&pepper).unwrap());
    let write_both = |content: &[u8], secret: &[u8]| {
        fs::write(&keys, content).unwrap();
        fs::write(&pepper, secret).unwrap();
    };
    let breakages: &[(&'static str, &dyn Fn())] = &[
        ("truncated", &|| write_both(&good[..good.len() / 2], &secret)),
        ("empty", &|| write_both(b"", &secret)),
        ("binary", &|| write_both(&[0xff; 100], &secret)),
        ("newer", &|| write_both(&replaced(&good, "\"version\": 1", "\"version\": 2"), &secret)),
        ("unknown field", &|| write_both(&replaced(&good, "\"allow\"", "\"alow\""), &secret)),
        ("bad pattern", &|| write_both(&replaced(&good, "database:*", "database"), &secret)),
        ("other pepper", &|| write_both(&good, &[9; 32])),
        ("short pepper", &|| write_both(&good, &secret[..31])),
        ("no pepper", &|| fs::remove_file(&pepper).unwrap()),
        ("no file", &|| fs::remove_file(&keys).unwrap()),
        ("a folder", &|| {
            fs::remove_file(&keys).unwrap();
            fs::create_dir(&keys).unwrap();
        }),
    ];
    for (name, break_it) in breakages {
        break_it();
        look_again().await;
        check(name).await;
        // A key from the environment does not depend on the store.
        assert!(try_key(authenticator, CHOSEN).await.is_ok(), "{name}");
        let _ = fs::remove_dir(&keys);
        write_both(&good, &secret);
        for path in [&keys, &pepper] {
            restrict(path, 0o600);
        }
        look_again().await;
        assert_eq!(authenticator.check().await, Readiness::Ready, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_breaks_lets_nobody_in_where_that_is_configured() {
    let world = World::new();
    let issued = world.issue("ci", None);
    let authenticator = world.authenticator_that(UnreadableStore::RefuseKeys);
    let caller = try_key(&authenticator, issued.key.expose()).await.unwrap();
    with_each_breakage(&world, &authenticator, async |name| {
        let refused = try_key(&authenticator, issued.key.expose()).await.unwrap_err();
        assert_eq!((refused.status, refused.retry_after_seconds), (503, Some(5)), "{name}");
        // Nobody knows whether it was revoked, so what runs may go on.
        assert!(authenticator.recognises(&caller), "{name}");
        let Readiness::NotReady(reason) = authenticator.check().await else { panic!("{name}") };
        assert!(!reason.contains("keys.json"), "{reason}");
    })
    .await;
    assert!(try_key(&authenticator, issued.key.expose()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_breaks_leaves_the_keys_that_were_read_last() {
    let world = World::new();
    let (issued, short) = (world.issue("ci", None), world.issue("short", Some(HOUR)));
    let authenticator = world.authenticator_that(UnreadableStore::default());
    let caller = try_key(&authenticator, issued.key.expose()).await.unwrap();
    with_each_breakage(&world, &authenticator, async |name| {
        let same = try_key(&authenticator, issued.key.expose()).await.unwrap();
        assert_eq!(same, caller, "{name}");
        assert!(authenticator.recognises(&caller), "{name}");
        assert!(try_key(&authenticator, "wrong").await.is_err(), "{name}");
        let Readiness::Degraded(reason) = authenticator.check().await else { panic!("{name}") };
        assert!(!reason.contains("keys.json"), "{reason}");
    })
    .await;
    // They expire all the same, and a revocation counts as soon as the file can be read.
    fs::write(world.file("keys.json"), b"").unwrap();
    *world.wall.lock().unwrap() += HOUR;
    look_again().await;
    assert_eq!(status(&try_from(&authenticator, short.key.expose(), "192.0.2.2").await), 401);
    assert!(try_key(&authenticator, issued.key.expose()).await.is_ok());
}
