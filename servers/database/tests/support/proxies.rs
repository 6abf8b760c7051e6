//! The proxy does what it is told, and nothing else, to the bytes of an echo server.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, timeout},
};

use super::support::proxy::{End, Moment, Proxy, Weather};

/// Long enough for anything that happens, short enough for what does not.
const NEVER: Duration = Duration::from_millis(200);
const SOON: Duration = Duration::from_secs(20);

/// Sends back what it hears, and tells the test what that was and how it ended.
async fn echo() -> (SocketAddr, mpsc::UnboundedReceiver<Result<Vec<u8>, ErrorKind>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, hears) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let heard = heard.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                loop {
                    let read = stream.read(&mut buffer).await.map_err(|e| e.kind());
                    let _ = heard.send(read.map(|read| buffer[..read].to_vec()));
                    let Ok(read @ 1..) = read else { return };
                    if stream.write_all(&buffer[..read]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, hears)
}

async fn answer(stream: &mut TcpStream, text: &[u8]) -> Vec<u8> {
    stream.write_all(text).await.unwrap();
    let mut got = vec![0; text.len()];
    timeout(SOON, stream.read_exact(&mut got)).await.unwrap().unwrap();
    got
}

async fn end_of(stream: &mut TcpStream) -> Result<usize, ErrorKind> {
    timeout(SOON, stream.read(&mut [0; 64])).await.unwrap().map_err(|e| e.kind())
}

async fn connected() -> (Proxy, TcpStream, mpsc::UnboundedReceiver<Result<Vec<u8>, ErrorKind>>) {
    let (upstream, hears) = echo().await;
    let proxy = Proxy::to(upstream).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(answer(&mut stream, b"hello").await, b"hello");
    (proxy, stream, hears)
}

#[tokio::test]
async fn in_fine_weather_a_megabyte_passes_and_a_half_closed_connection_still_answers() {
    let (proxy, stream, _hears) = connected().await;
    let sent: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
    let (mut reading, mut writing) = stream.into_split();
    let expected = sent.clone();
    tokio::spawn(async move {
        writing.write_all(&sent).await.unwrap();
        writing.shutdown().await.unwrap();
    });
    let mut got = Vec::new();
    timeout(SOON, reading.read_to_end(&mut got)).await.unwrap().unwrap();
    assert!(got == expected, "{} bytes came back", got.len());
    timeout(SOON, proxy.until_open(0)).await.unwrap();
}

#[tokio::test]
async fn cut_is_an_orderly_end_and_reset_is_none() {
    for (end, seen) in [(End::Cut, Ok(0)), (End::Reset, Err(ErrorKind::ConnectionReset))] {
        let (proxy, mut stream, mut hears) = connected().await;
        proxy.end_all(end);
        assert_eq!(end_of(&mut stream).await, seen);
        hears.recv().await.unwrap().unwrap();
        let ended = timeout(SOON, hears.recv()).await.unwrap().unwrap();
        assert_eq!(ended.map(|bytes| bytes.len()), seen, "the server sees the same");
        drop(stream);
        timeout(SOON, proxy.until_open(0)).await.unwrap();
        let mut next = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(answer(&mut next, b"again").await, b"again");
        assert_eq!((proxy.open(), proxy.accepted()), (1, 2));
    }
}

#[tokio::test]
async fn a_black_hole_swallows_and_a_stall_only_holds_back() {
    let (proxy, mut stream, mut hears) = connected().await;
    hears.recv().await.unwrap().unwrap();
    proxy.set_weather(Weather::BlackHole);
    stream.write_all(b"lost").await.unwrap();
    assert!(timeout(NEVER, hears.recv()).await.is_err());
    proxy.set_weather(Weather::Stalled);
    stream.write_all(b"late").await.unwrap();
    assert!(timeout(NEVER, hears.recv()).await.is_err());
    proxy.set_weather(Weather::Fine);
    assert_eq!(timeout(SOON, hears.recv()).await.unwrap().unwrap().unwrap(), b"late");
    assert_eq!(proxy.open(), 1);
}

#[tokio::test]
async fn slow_weather_delays_each_way_and_a_slow_greeting_only_the_first_bytes() {
    let delay = Duration::from_millis(60);
    let (proxy, mut stream, _hears) = connected().await;
    proxy.set_weather(Weather::Slow(delay));
    let started = Instant::now();
    answer(&mut stream, b"there and back").await;
    assert!(started.elapsed() >= 2 * delay);
    proxy.set_weather(Weather::Fine);
    proxy.delay_greetings(delay);
    let started = Instant::now();
    let mut next = TcpStream::connect(proxy.address()).await.unwrap();
    answer(&mut next, b"hello").await;
    assert!(started.elapsed() >= delay);
}

#[tokio::test]
async fn refused_connections_are_reset_until_the_server_is_up_again() {
    let (proxy, _stream, _hears) = connected().await;
    proxy.refuse(true);
    let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(end_of(&mut refused).await, Err(ErrorKind::ConnectionReset));
    proxy.refuse(false);
    let mut next = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(answer(&mut next, b"hello").await, b"hello");
}

#[tokio::test]
async fn a_word_in_two_pieces_ends_its_connection_before_or_after_the_server_hears_it_and_once() {
    for (moment, last_heard) in [(Moment::Before, &b"COM"[..]), (Moment::After, b"COMMIT")] {
        let (proxy, mut stream, mut hears) = connected().await;
        let mut bystander = TcpStream::connect(proxy.address()).await.unwrap();
        answer(&mut bystander, b"COMIT").await;
        proxy.end_at(b"COMMIT", moment, End::Reset);
        answer(&mut stream, b"COM").await;
        assert!(proxy.is_armed());
        stream.write_all(b"MIT").await.unwrap();
        let mut rest = Vec::new();
        let end = timeout(SOON, stream.read_to_end(&mut rest)).await.unwrap().map_err(|e| e.kind());
        assert_eq!((end, proxy.is_armed()), (Err(ErrorKind::ConnectionReset), false));
        assert_eq!(answer(&mut bystander, b"COMMIT").await, b"COMMIT", "the trap is for one");
        let mut heard = Vec::new();
        while let Ok(Some(Ok(bytes))) = timeout(NEVER, hears.recv()).await {
            heard.extend(bytes);
        }
        let expected = [&b"hello"[..], b"COMIT", last_heard].concat();
        assert_eq!(
            String::from_utf8_lossy(&heard[..expected.len()]),
            String::from_utf8_lossy(&expected)
        );
    }
}

#[tokio::test]
async fn dropping_the_proxy_ends_everything() {
    let (proxy, mut stream, _hears) = connected().await;
    let address = proxy.address();
    drop(proxy);
    assert_eq!(end_of(&mut stream).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
