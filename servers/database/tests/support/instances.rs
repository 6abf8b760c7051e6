//! The servers of the tests: they answer, they break when told to, and they are gone afterwards.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use super::support::{
    client::{mariadb, psql},
    services::{Instance, address, mysql_url, postgres_url, url_at, url_of_database},
};

/// What a client of PostgreSQL says first when it wants TLS; the answer is one byte.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

fn first_byte(address: SocketAddr, limit: Duration) -> Result<u8, ErrorKind> {
    let mut stream = TcpStream::connect(address).map_err(|e| e.kind())?;
    stream.set_read_timeout(Some(limit)).unwrap();
    stream.write_all(&SSL_REQUEST).map_err(|e| e.kind())?;
    let mut byte = [0];
    stream.read_exact(&mut byte).map_err(|e| e.kind())?;
    Ok(byte[0])
}

#[test]
fn the_shared_servers_answer_their_own_clients() {
    assert_eq!(
        psql(
            &postgres_url(),
            "SELECT usesuper, NULL, 'ä' FROM pg_user WHERE usename = current_user"
        ),
        "t||ä"
    );
    assert_eq!(
        mariadb(&mysql_url(), "SELECT 1, NULL, 'ä'; SELECT database()"),
        "1\tNULL\tä\nwharf"
    );
}

#[test]
fn urls_are_taken_apart_and_put_together() {
    let url = "postgresql://postgres:abc@127.0.0.1:5432/postgres";
    assert_eq!(address(url), "127.0.0.1:5432".parse().unwrap());
    assert_eq!(
        url_at(url, "127.0.0.2:1".parse().unwrap()),
        "postgresql://postgres:abc@127.0.0.2:1/postgres"
    );
    assert_eq!(url_of_database(url, "mine"), "postgresql://postgres:abc@127.0.0.1:5432/mine");
}

#[test]
fn a_private_postgresql_is_killed_restarted_frozen_and_removed() {
    let mut server = Instance::postgres();
    psql(server.url(), "CREATE TABLE kept AS SELECT 42 AS n");
    server.kill();
    assert_eq!(
        first_byte(server.address(), Duration::from_secs(20)),
        Err(ErrorKind::ConnectionRefused)
    );
    server.start();
    assert_eq!(psql(server.url(), "SELECT n FROM kept"), "42", "same address, same data");
    server.freeze();
    let unanswered = first_byte(server.address(), Duration::from_millis(200)).unwrap_err();
    assert!(matches!(unanswered, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{unanswered}");
    server.thaw();
    assert_eq!(first_byte(server.address(), Duration::from_secs(20)), Ok(b'S'));
    let (address, folder) = (server.address(), server.folder().to_owned());
    assert!(folder.exists());
    drop(server);
    assert!(!folder.exists());
    assert_eq!(first_byte(address, Duration::from_secs(20)), Err(ErrorKind::ConnectionRefused));
}

#[test]
fn a_private_mariadb_is_killed_restarted_and_removed() {
    let mut server = Instance::mariadb();
    mariadb(server.url(), "CREATE TABLE kept (n INT); INSERT INTO kept VALUES (42)");
    server.kill();
    assert_eq!(
        first_byte(server.address(), Duration::from_secs(20)),
        Err(ErrorKind::ConnectionRefused)
    );
    server.start();
    assert_eq!(mariadb(server.url(), "SELECT n FROM kept"), "42");
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists());
}
