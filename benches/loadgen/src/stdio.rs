//! Load over stdio: a child process, a number of requests in flight on its pipes; and its cold start.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use memchr::memmem::find;
use serde_json::json;

use crate::measure::Measurement;
use crate::message::{Expected, FIRST_ID, INITIALIZED, Template, body, greeting, is_right};
use crate::options::{Era, Options};
use crate::process::memory_kib;

const READ_BYTES: usize = 1 << 20;
/// Larger than any number of requests in flight, so that a slot is free when its id returns.
const RING: usize = 1 << 16;
/// Time for a fresh process to settle before its idle memory is read.
const SETTLE: Duration = Duration::from_millis(300);

/// A child process that has answered its first message.
struct Server {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Server {
    fn start(options: &Options) -> anyhow::Result<Self> {
        let mut child = Command::new(&options.command[0])
            .args(&options.command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("start {:?}", options.command))?;
        let input = child.stdin.take().context("no stdin")?;
        let output = child.stdout.take().context("no stdout")?;
        let mut server = Self { child, input, output };
        server.greet(options.era)?;
        Ok(server)
    }

    fn greet(&mut self, era: Era) -> anyhow::Result<()> {
        writeln!(self.input, "{}", greeting(era))?;
        let mut answer = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        while !answer.contains(&b'\n') {
            let count = self.output.read(&mut buffer)?;
            ensure!(count > 0, "the server ended before its first answer");
            answer.extend_from_slice(&buffer[..count]);
        }
        let text = String::from_utf8_lossy(&answer);
        ensure!(text.contains("\"result\""), "first answer: {text}");
        if era == Era::Legacy {
            writeln!(self.input, "{INITIALIZED}")?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the child is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs one measurement and prints its report.
///
/// # Errors
/// The command does not start, or it ends or refuses before the load begins.
pub fn run(options: &Options) -> anyhow::Result<()> {
    ensure!(options.in_flight < RING, "at most {} requests in flight", RING - 1);
    let mut server = Server::start(options)?;
    let mut sender = Sender::new(options)?;
    let mut measurement = Measurement::start(options, server.child.id());
    sender.send(&mut server.input, options.in_flight)?;
    let mut unread = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = server.output.read(&mut buffer)?;
        if count == 0 {
            measurement.wrong(|| "the server ended".to_owned());
            break;
        }
        let now = Instant::now();
        if measurement.is_over(now) {
            break;
        }
        unread.extend_from_slice(&buffer[..count]);
        let mut start = 0;
        let mut answered = 0;
        while let Some(length) = memchr::memchr(b'\n', &unread[start..]) {
            let line = &unread[start..start + length];
            start += length + 1;
            if options.dump {
                println!("{}", String::from_utf8_lossy(line));
                return Ok(());
            }
            answered += usize::from(judge(options, line, now, &sender, &mut measurement));
        }
        unread.drain(..start);
        sender.send(&mut server.input, answered)?;
    }
    measurement.report();
    Ok(())
}

/// Writes requests and remembers what was asked, and when, by id.
struct Sender {
    template: Template,
    sequence: u64,
    asked: Vec<(Instant, Expected)>,
    bytes: Vec<u8>,
}

impl Sender {
    fn new(options: &Options) -> anyhow::Result<Self> {
        let line = format!("{}\n", body(options)).into_bytes();
        let template = Template::new(line).context("the request has no id")?;
        let asked = vec![(Instant::now(), Expected::default()); RING];
        Ok(Self { template, sequence: 0, asked, bytes: Vec::new() })
    }

    fn send(&mut self, input: &mut ChildStdin, count: usize) -> anyhow::Result<()> {
        self.bytes.clear();
        let now = Instant::now();
        for _ in 0..count {
            self.sequence += 1;
            let expected = self.template.patch(self.sequence);
            self.asked[expected.id as usize % RING] = (now, expected);
            self.bytes.extend_from_slice(&self.template.bytes);
        }
        Ok(input.write_all(&self.bytes)?)
    }
}

/// Counts one line; true when it answered a request, rightly or not.
fn judge(
    options: &Options,
    line: &[u8],
    now: Instant,
    sender: &Sender,
    measurement: &mut Measurement,
) -> bool {
    let excerpt = || String::from_utf8_lossy(&line[..line.len().min(300)]).into_owned();
    let Some(id) = id_of(line) else {
        measurement.wrong(excerpt);
        return false;
    };
    let (asked, expected) = sender.asked[id as usize % RING];
    if is_right(options, line, expected) {
        measurement.right(now - asked);
    } else {
        measurement.wrong(excerpt);
    }
    true
}

/// The id of a request of ours, wherever the server wrote it: near the start or near the end.
fn id_of(line: &[u8]) -> Option<u64> {
    let edge = line.len().min(1000);
    let near_end = line.len() - edge;
    let at = find(&line[..edge], b"\"id\":")
        .or_else(|| find(&line[near_end..], b"\"id\":").map(|at| at + near_end))?;
    let digits =
        line[at + 5..].iter().skip_while(|b| **b == b' ').take_while(|b| b.is_ascii_digit());
    let id =
        digits.fold(0_u64, |id, digit| id.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    (id >= FIRST_ID).then_some(id)
}

/// Measures start to first answer `in_flight` times and the memory of the last, idle process.
///
/// # Errors
/// The command does not start, or does not answer.
pub fn cold_start(options: &Options) -> anyhow::Result<()> {
    let mut times_ms = Vec::new();
    let mut idle_rss_kib = 0;
    for n in 1..=options.in_flight {
        let start = Instant::now();
        let server = Server::start(options)?;
        times_ms.push(start.elapsed().as_secs_f64() * 1e3);
        if n == options.in_flight {
            std::thread::sleep(SETTLE);
            idle_rss_kib = memory_kib(server.child.id(), "VmRSS");
        }
    }
    times_ms.sort_by(f64::total_cmp);
    let line = json!({
        "starts": times_ms.len(),
        "min_ms": times_ms.first(),
        "median_ms": times_ms.get(times_ms.len() / 2),
        "max_ms": times_ms.last(),
        "rss_kib": idle_rss_kib,
    });
    println!("{line}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::id_of;

    #[test]
    fn ids_are_found_at_both_ends() {
        let check = |line: &str, id: Option<u64>| assert_eq!(id_of(line.as_bytes()), id, "{line}");
        check(r#"{"id":10000001,"result":{}}"#, Some(10_000_001));
        check(r#"{"id": 10000001,"result":{}}"#, Some(10_000_001));
        check(r#"{"id":1,"result":{}}"#, None);
        check(r#"{"method":"notifications/message"}"#, None);
        check("", None);
        let long = format!(r#"{{"result":"{}","id":10000002}}"#, "x".repeat(5000));
        check(&long, Some(10_000_002));
    }
}
