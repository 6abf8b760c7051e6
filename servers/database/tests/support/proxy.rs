//! A TCP proxy on the loopback interface that does to a connection what networks do.
//!
//! A test connects through it to a real server, and then says what happens: everything becomes slow, one side hears nothing
//! more, the connections are closed or reset, or they are reset at the very moment when the client says a certain word, such
//! as `COMMIT`. It understands no protocol: what it looks for are bytes, so it cannot look into TLS.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{broadcast, watch},
    task::{JoinHandle, JoinSet},
};

const CHUNK_BYTES: usize = 16 * 1024;

/// What happens to bytes on their way, in both directions and on all connections, from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// They pass.
    Fine,
    /// Each piece of up to 16 KiB waits for this long.
    Slow(Duration),
    /// They are lost, and nobody is told: a dead peer or a firewall that drops.
    BlackHole,
    /// They are not taken from their senders, whose buffers fill up.
    Stalled,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With FIN on both sides. It counts as open until both have closed it too.
    Cut,
    /// With RST on both sides.
    Reset,
    /// Not at all: it stays open and neither side hears anything more, until [`Proxy::end_all`].
    Silence,
}

/// When the connection that says a certain thing ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The server never hears it.
    Before,
    /// The server has heard it, and the client hears nothing more.
    After,
}

/// The proxy; dropping it resets what is open and closes its port.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    upstream: SocketAddr,
    weather: watch::Sender<Weather>,
    /// Before the first byte of a new connection is forwarded.
    greeting_delay: watch::Sender<Duration>,
    refusing: watch::Sender<bool>,
    ends: broadcast::Sender<End>,
    trap: Mutex<Option<Trap>>,
    open: watch::Sender<usize>,
    accepted: AtomicUsize,
}

struct Trap {
    words: Vec<u8>,
    moment: Moment,
    end: End,
}

impl Proxy {
    /// A proxy on a port of its own, in front of this server.
    pub async fn to(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            weather: watch::Sender::new(Weather::Fine),
            greeting_delay: watch::Sender::new(Duration::ZERO),
            refusing: watch::Sender::new(false),
            ends: broadcast::Sender::new(16),
            trap: Mutex::new(None),
            open: watch::Sender::new(0),
            accepted: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { address, shared, accepting }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set_weather(&self, weather: Weather) {
        self.shared.weather.send_replace(weather);
    }

    /// New connections are accepted and then hear nothing for this long: a slow login.
    pub fn delay_greetings(&self, delay: Duration) {
        self.shared.greeting_delay.send_replace(delay);
    }

    /// New connections are reset at once, or served again: a server that is down, and up again.
    pub fn refuse(&self, refusing: bool) {
        self.shared.refusing.send_replace(refusing);
    }

    /// Ends all connections that are open now.
    pub fn end_all(&self, end: End) {
        // Nobody listens where no connection is open.
        let _ = self.shared.ends.send(end);
    }

    /// Ends the next connection whose client sends these bytes, once.
    pub fn end_at(&self, words: &[u8], moment: Moment, end: End) {
        assert!(!words.is_empty(), "every connection would say nothing at all times");
        *self.shared.trap.lock().unwrap() = Some(Trap { words: words.to_vec(), moment, end });
    }

    /// Whether [`Self::end_at`] still waits for its bytes.
    pub fn is_armed(&self) -> bool {
        self.shared.trap.lock().unwrap().is_some()
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        *self.shared.open.borrow()
    }

    /// Waits until so many connections are open.
    pub async fn until_open(&self, count: usize) {
        self.shared.open.subscribe().wait_for(|open| *open == count).await.unwrap();
    }

    /// How many connections there have been, those that were refused included.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Owns the connections: they end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                shared.accepted.fetch_add(1, Ordering::SeqCst);
                let ends = shared.ends.subscribe();
                connections.spawn(serve(client, shared.clone(), ends));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Counts a connection for as long as it lives, however it ends.
struct Counted(Arc<Shared>);

impl Counted {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.open.send_modify(|open| *open += 1);
        Self(shared.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// Both sides of a connection: reset when they are abandoned, which is every end but an orderly one.
struct Sides {
    client: TcpStream,
    server: Option<TcpStream>,
    orderly: bool,
}

impl Drop for Sides {
    fn drop(&mut self) {
        if !self.orderly {
            for side in [Some(&self.client), self.server.as_ref()].into_iter().flatten() {
                let _ = side.set_zero_linger();
            }
        }
    }
}

async fn serve(client: TcpStream, shared: Arc<Shared>, mut ends: broadcast::Receiver<End>) {
    let _counted = Counted::new(&shared);
    let mut sides = Sides { client, server: None, orderly: false };
    if *shared.refusing.borrow() {
        return;
    }
    let Ok(server) = TcpStream::connect(shared.upstream).await else { return };
    let server = sides.server.insert(server);
    for side in [&sides.client, server] {
        side.set_nodelay(true).unwrap();
    }
    let mut end = tokio::select! {
        ended = ends.recv() => ended.unwrap_or(End::Reset),
        end = pass(&mut sides.client, server, &shared) => end,
    };
    while end == End::Silence {
        end = ends.recv().await.unwrap_or(End::Reset);
    }
    if end == End::Cut {
        let _ = tokio::join!(sides.client.shutdown(), server.shutdown());
        tokio::join!(drain(&mut sides.client), drain(server));
        sides.orderly = true;
    }
}

/// Reads until the other side closes too, so that closing is not a reset.
async fn drain(side: &mut TcpStream) {
    let mut lost = [0; 512];
    while matches!(side.read(&mut lost).await, Ok(1..)) {}
}

async fn pass(client: &mut TcpStream, server: &mut TcpStream, shared: &Shared) -> End {
    let greeting_delay = *shared.greeting_delay.borrow();
    if !greeting_delay.is_zero() {
        tokio::time::sleep(greeting_delay).await;
    }
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let (mut up, mut down) = (
        Box::pin(copy(from_client, to_server, shared, true)),
        Box::pin(copy(from_server, to_client, shared, false)),
    );
    // The end of one direction ends nothing: a client may close its half and still read.
    tokio::select! {
        end = &mut up => match end { Some(end) => end, None => down.await.unwrap_or(End::Cut) },
        end = &mut down => match end { Some(end) => end, None => up.await.unwrap_or(End::Cut) },
    }
}

/// One direction. `None`: its sender has closed it, and so has this.
async fn copy(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    shared: &Shared,
    watched: bool,
) -> Option<End> {
    let mut weather = shared.weather.subscribe();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut heard = Heard::default();
    loop {
        let _ = weather.wait_for(|now| *now != Weather::Stalled).await;
        let read = tokio::select! {
            biased;
            _ = weather.changed() => continue,
            read = from.read(&mut buffer) => match read { Ok(read) => read, Err(_) => return Some(End::Reset) },
        };
        let now = *weather.borrow();
        match now {
            // Nobody is told of the end of a connection either.
            Weather::BlackHole if read == 0 => std::future::pending().await,
            Weather::BlackHole => continue,
            Weather::Slow(delay) => tokio::time::sleep(delay).await,
            Weather::Fine | Weather::Stalled => {}
        }
        if read == 0 {
            let _ = to.shutdown().await;
            return None;
        }
        let sprung = if watched { heard.springs(&buffer[..read], shared) } else { None };
        if let Some((Moment::Before, end)) = sprung {
            return Some(end);
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return Some(End::Reset);
        }
        if let Some((Moment::After, end)) = sprung {
            return Some(end);
        }
    }
}

/// The last bytes of a connection, since what is looked for may come in two pieces.
#[derive(Default)]
struct Heard(Vec<u8>);

impl Heard {
    fn springs(&mut self, bytes: &[u8], shared: &Shared) -> Option<(Moment, End)> {
        let mut armed = shared.trap.lock().unwrap();
        let Some(trap) = armed.as_ref() else {
            self.0.clear();
            return None;
        };
        self.0.extend_from_slice(bytes);
        if self.0.windows(trap.words.len()).any(|window| window == trap.words) {
            return armed.take().map(|trap| (trap.moment, trap.end));
        }
        let surplus = self.0.len().saturating_sub(trap.words.len() - 1);
        self.0.drain(..surplus);
        None
    }
}
