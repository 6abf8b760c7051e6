//! Load over HTTP: one thread, epoll, keep-alive connections with one request in flight each.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::measure::Measurement;
use crate::message::{Expected, INITIALIZED, Template, body, greeting, is_right, protocol_headers};
use crate::options::{Era, Options};
use crate::response::Reader;

const READ_BYTES: usize = 1 << 20;
const STALL: Duration = Duration::from_secs(10);
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// Runs one measurement and prints its report.
///
/// # Errors
/// The server cannot be reached, or a connection fails in a way that no server should cause.
pub fn run(options: &Options) -> anyhow::Result<()> {
    if options.dump {
        return dump(options);
    }
    let mut load = Load::connect(options)?;
    let mut measurement = Measurement::start(options, options.pid);
    for n in 0..load.connections.len() {
        load.send_next(n)?;
    }
    let mut events = Vec::with_capacity(256);
    let mut last_answer = Instant::now();
    loop {
        match epoll::wait(&load.epoll, spare_capacity(&mut events), Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let now = Instant::now();
        if measurement.is_over(now) {
            break;
        }
        if now - last_answer > STALL {
            measurement.wrong(|| format!("no answer for {} s", STALL.as_secs()));
            break;
        }
        for event in events.drain(..) {
            let (n, flags) = ({ event.data }.u64() as usize, { event.flags });
            if flags.contains(epoll::EventFlags::OUT) {
                load.write(n)?;
            }
            if flags
                .intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR)
                && load.read(n, &mut measurement)?
            {
                last_answer = now;
            }
        }
    }
    measurement.report();
    Ok(())
}

struct Connection {
    stream: TcpStream,
    template: Template,
    sent: usize,
    waits_to_write: bool,
    reader: Reader,
    started: Instant,
    expected: Expected,
}

struct Load<'a> {
    options: &'a Options,
    epoll: rustix::fd::OwnedFd,
    connections: Vec<Connection>,
    sequence: u64,
    read_buffer: Vec<u8>,
}

impl<'a> Load<'a> {
    fn connect(options: &'a Options) -> anyhow::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let connections =
            (0..options.connections).map(|_| open(options)).collect::<anyhow::Result<Vec<_>>>()?;
        let load =
            Self { options, epoll, connections, sequence: 0, read_buffer: vec![0; READ_BYTES] };
        for n in 0..load.connections.len() {
            load.register(n)?;
        }
        Ok(load)
    }

    fn register(&self, n: usize) -> anyhow::Result<()> {
        let stream = &self.connections[n].stream;
        stream.set_nonblocking(true)?;
        let data = epoll::EventData::new_u64(n as u64);
        Ok(epoll::add(&self.epoll, stream, data, epoll::EventFlags::IN)?)
    }

    fn send_next(&mut self, n: usize) -> anyhow::Result<()> {
        self.sequence += 1;
        let connection = &mut self.connections[n];
        connection.expected = connection.template.patch(self.sequence);
        connection.sent = 0;
        connection.started = Instant::now();
        self.write(n)
    }

    fn write(&mut self, n: usize) -> anyhow::Result<()> {
        let connection = &mut self.connections[n];
        let mut blocked = false;
        while connection.sent < connection.template.bytes.len() {
            match connection.stream.write(&connection.template.bytes[connection.sent..]) {
                Ok(written) => connection.sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    blocked = true;
                    break;
                }
                Err(error) => return Err(error).context("write"),
            }
        }
        if blocked != connection.waits_to_write {
            connection.waits_to_write = blocked;
            let out = if blocked { epoll::EventFlags::OUT } else { epoll::EventFlags::empty() };
            let data = epoll::EventData::new_u64(n as u64);
            epoll::modify(&self.epoll, &connection.stream, data, epoll::EventFlags::IN | out)?;
        }
        Ok(())
    }

    /// Reads what is there; true when an answer was complete and the next request is under way.
    fn read(&mut self, n: usize, measurement: &mut Measurement) -> anyhow::Result<bool> {
        let connection = &mut self.connections[n];
        let count = match connection.stream.read(&mut self.read_buffer) {
            Ok(0) => {
                measurement.wrong(|| "the server closed a connection".to_owned());
                self.reconnect(n)?;
                return Ok(false);
            }
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error).context("read"),
        };
        if !connection.reader.feed(&self.read_buffer[..count])? {
            return Ok(false);
        }
        let latency = connection.started.elapsed();
        let (head, body) = connection.reader.response().context("complete, but without a head")?;
        if head.status == 200 && is_right(self.options, body, connection.expected) {
            measurement.right(latency);
        } else {
            let excerpt = &body[..body.len().min(300)];
            measurement.wrong(|| format!("{} {}", head.status, String::from_utf8_lossy(excerpt)));
        }
        if head.closes {
            self.reconnect(n)?;
        } else {
            connection.reader.reset();
            self.send_next(n)?;
        }
        Ok(true)
    }

    fn reconnect(&mut self, n: usize) -> anyhow::Result<()> {
        // Dropping the old stream closes it, which takes it out of the epoll set.
        self.connections[n] = open(self.options)?;
        self.register(n)?;
        self.send_next(n)
    }
}

/// Opens a connection and, in the legacy era, a session on it.
fn open(options: &Options) -> anyhow::Result<Connection> {
    let mut stream = TcpStream::connect(&options.address).context("connect")?;
    stream.set_nodelay(true)?;
    let given: String = options.headers.iter().map(|line| format!("{line}\r\n")).collect();
    let mut headers = protocol_headers(options);
    headers.push_str(&given);
    if options.era == Era::Legacy {
        let (status, text, session) =
            exchange(&mut stream, options, &given, &greeting(options.era))?;
        ensure!(status == 200, "initialize: {status} {text}");
        if let Some(session) = session {
            headers.push_str(&format!("Mcp-Session-Id: {session}\r\n"));
        }
        let (status, text, _) = exchange(&mut stream, options, &headers, INITIALIZED)?;
        ensure!((200..300).contains(&status), "notifications/initialized: {status} {text}");
    }
    let bytes = request(options, &headers, &body(options)).into_bytes();
    Ok(Connection {
        stream,
        template: Template::new(bytes).context("the request has no id")?,
        sent: 0,
        waits_to_write: false,
        reader: Reader::default(),
        started: Instant::now(),
        expected: Expected::default(),
    })
}

fn request(options: &Options, headers: &str, body: &str) -> String {
    format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        options.path,
        options.address,
        body.len()
    )
}

/// One request and its response on a blocking stream.
fn exchange(
    stream: &mut TcpStream,
    options: &Options,
    headers: &str,
    body: &str,
) -> anyhow::Result<(u16, String, Option<String>)> {
    stream.set_read_timeout(Some(STALL))?;
    stream.write_all(request(options, headers, body).as_bytes())?;
    let mut reader = Reader::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            bail!("the server closed the connection during the handshake");
        }
        if reader.feed(&buffer[..count])? {
            break;
        }
    }
    let (head, body) = reader.response().context("complete, but without a head")?;
    Ok((head.status, String::from_utf8_lossy(body).into_owned(), head.session.clone()))
}

/// Prints one exchange, to see what is measured.
fn dump(options: &Options) -> anyhow::Result<()> {
    let mut connection = open(options)?;
    connection.stream.set_read_timeout(Some(STALL))?;
    connection.stream.write_all(&connection.template.bytes)?;
    let mut buffer = vec![0; READ_BYTES];
    let count = connection.stream.read(&mut buffer)?;
    println!("{}\n", String::from_utf8_lossy(&connection.template.bytes));
    println!("{}", String::from_utf8_lossy(&buffer[..count]));
    Ok(())
}
