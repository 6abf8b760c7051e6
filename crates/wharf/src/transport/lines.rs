//! Messages as lines over any pair of byte streams: stdio, and memory for tests.
//!
//! One task reads, decodes and writes. A call that answers at once is answered within that task: no spawn, no channel, and
//! a burst of answers leaves in one write. A call that has to wait moves to a task of its own. Reading goes on while output
//! waits for a slow reader, up to a bound; past it the peer's own writes block, and nothing is lost.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{cutter::Lines, output::Output, shutdown::Shutdown};
use crate::{
    caller::Caller,
    dispatch::{Edge, Finished, Listening, Received, Running, Step},
    listen::legacy_messages,
    outbox::Outgoing,
    protocol::RpcError,
    server::Service,
    session::{InFlight, Session},
};

/// Output that may wait for the peer before reading stops, in bytes.
const MAX_OUTPUT_BYTES: usize = 16 * 1024 * 1024;
/// Messages from waiting calls that may wait for the writer.
const CHANNEL: usize = 256;
/// How long calls may go on after the input has ended: the peer has left, but may still read.
const EOF_GRACE: Duration = Duration::from_secs(5);

struct Connection {
    service: Service,
    caller: Arc<Caller>,
    in_flight: Arc<InFlight>,
    session: Option<Arc<Session>>,
    tasks: JoinSet<()>,
    events: Option<tokio::task::AbortHandle>,
    /// Calls with a task of their own.
    waiting: Arc<std::sync::atomic::AtomicUsize>,
    sender: mpsc::Sender<Bytes>,
    output: Output,
    /// The peer has closed its end.
    ended: CancellationToken,
}

/// Serves one connection until its input ends or `shutdown` begins.
///
/// # Errors
/// When reading or writing fails.
pub(super) async fn serve<R, W>(
    service: &Service,
    caller: Arc<Caller>,
    mut reader: R,
    mut writer: W,
    shutdown: &Shutdown,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (sender, mut receiver) = mpsc::channel(CHANNEL);
    let mut connection = Connection {
        service: service.clone(),
        caller,
        in_flight: Arc::default(),
        session: None,
        tasks: JoinSet::new(),
        events: None,
        waiting: Arc::default(),
        sender,
        output: Output::default(),
        ended: CancellationToken::new(),
    };
    let mut lines = Lines::new(service.0.limits.message_bytes);
    let stopped = loop {
        let room = connection.output.len() < MAX_OUTPUT_BYTES;
        tokio::select! {
            biased;
            () = shutdown.begun() => break true,
            written = connection.output.write_to(&mut writer), if !connection.output.is_empty() => {
                written?;
            }
            Some(message) = receiver.recv(), if room => connection.push(&message),
            read = reader.read_buf(lines.buffer()), if room => {
                if read? == 0 {
                    if let Some(rest) = lines.rest() {
                        connection.take(&rest);
                    }
                    break false;
                }
                while let Some(line) = lines.next() {
                    match line {
                        Ok(line) => connection.take(&line),
                        Err(error) => connection.refuse(&error),
                    }
                }
            }
            Some(_) = connection.tasks.join_next(), if !connection.tasks.is_empty() => {}
        }
    };
    let grace = if stopped { shutdown.grace() } else { EOF_GRACE.min(shutdown.grace()) };
    drain(connection, &mut receiver, &mut writer, stopped, grace).await
}

/// Lets running calls finish, answers those that do not in time, and writes everything out.
async fn drain<W: AsyncWrite + Unpin>(
    mut connection: Connection,
    receiver: &mut mpsc::Receiver<Bytes>,
    writer: &mut W,
    stopped: bool,
    grace: Duration,
) -> io::Result<()> {
    if let Some(events) = connection.events.take() {
        events.abort();
    }
    if stopped {
        connection.service.close();
    } else {
        // Nobody can answer questions or end listen streams any more.
        if let Some(session) = connection.session.take() {
            session.close();
        }
        connection.ended.cancel();
    }
    let (closed, _) = mpsc::channel(1);
    drop(std::mem::replace(&mut connection.sender, closed));
    let deadline = tokio::time::sleep(grace);
    tokio::pin!(deadline);
    let mut over = false;
    loop {
        let output = &mut connection.output;
        tokio::select! {
            biased;
            written = output.write_to(writer), if !output.is_empty() => written?,
            message = receiver.recv() => match message {
                Some(message) => connection.push(&message),
                None => break,
            },
            () = &mut deadline => {
                if over || !stopped {
                    break;
                }
                // One more second for the answers that say so.
                over = true;
                connection.service.abort();
                deadline.as_mut().reset(tokio::time::Instant::now() + Duration::from_secs(1));
            }
        }
    }
    connection.tasks.abort_all();
    let flush = async {
        while !connection.output.is_empty() {
            connection.output.write_to(writer).await?;
        }
        writer.flush().await
    };
    // A peer that does not read must not keep the process alive.
    tokio::time::timeout(Duration::from_secs(1), flush).await.unwrap_or(Ok(()))
}

impl Connection {
    /// Queues a message as a line.
    fn push(&mut self, message: &[u8]) {
        self.output.push_line(message);
    }

    fn take(&mut self, line: &Bytes) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match self.receive(line) {
            Received::Batch(items) => self.batch(&items),
            received => {
                if let Some(reply) = self.begin(received, None) {
                    self.push(&reply);
                }
            }
        }
    }

    fn edge(&self) -> Edge<'_> {
        Edge {
            caller: &self.caller,
            client_addr: None,
            session: self.session.as_ref(),
            lost_session: false,
            in_flight: Some(&self.in_flight),
            headers: None,
            can_stream: true,
            sessionless: false,
        }
    }

    fn receive(&self, message: &Bytes) -> Received {
        self.service.0.receive(message, &self.edge())
    }

    /// Answers, and records, what can't become a call.
    fn refuse(&mut self, error: &RpcError) {
        self.service.0.record_refusal(&self.edge().refusal(error));
        self.push(&error.to_message(None));
    }

    /// Starts what was received. A call that is answered at once gives its answer; another one moves to a task, which
    /// hands its answer to `collector`, or to the writer.
    fn begin(
        &mut self,
        received: Received,
        collector: Option<&mpsc::Sender<Bytes>>,
    ) -> Option<Vec<u8>> {
        let mut running = match received {
            Received::Refused { body, .. } => return Some(body),
            Received::Call(running) => running,
            Received::Nothing | Received::Batch(_) => return None,
        };
        if let Some(session) = running.new_session.take() {
            self.listen_for(&session);
            self.session = Some(session);
        }
        // The task that takes over polls again at once, so a waker that does nothing is enough here.
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match running.poll_next(&mut cx) {
                Poll::Ready(Step::Outgoing(Outgoing::Message(message))) => self.push(&message),
                Poll::Ready(Step::Outgoing(Outgoing::Release)) => {}
                Poll::Ready(Step::Finished(Finished::Reply { body, .. })) => return Some(body),
                Poll::Ready(Step::Finished(Finished::Silent)) => return None,
                Poll::Ready(Step::Finished(Finished::Listen { subscription, place })) => {
                    let (sender, ended) = (self.sender.clone(), self.ended.clone());
                    self.tasks.spawn(listen(
                        Listening::new(running, subscription, place),
                        sender,
                        ended,
                    ));
                    return None;
                }
                Poll::Pending => break,
            }
        }
        let place = Waiting::enter(&self.waiting);
        if place.1 >= self.service.0.limits.concurrency_per_connection {
            let error = RpcError::no_room(
                "this connection has too many calls in flight; wait for answers before sending more",
            );
            return Some(error.to_message(Some(running.id())));
        }
        let (messages, answers) = (self.sender.clone(), collector.unwrap_or(&self.sender).clone());
        self.tasks.spawn(drive(running, messages, answers, self.ended.clone(), place));
        None
    }

    /// One line, many messages: one line of answers (revision 2025-03-26 only).
    fn batch(&mut self, items: &[Bytes]) {
        const MAX_BATCH: usize = 1000;
        let allowed =
            self.session.as_ref().is_some_and(|session| session.revision.allows_batches());
        if !allowed || items.is_empty() || items.len() > MAX_BATCH {
            let text = match allowed {
                true => "a batch has 1 to 1000 messages",
                false => "this revision has no batches: send one message per line",
            };
            self.refuse(&RpcError::invalid_request(text));
            return;
        }
        let (collector, mut answers) = mpsc::channel(items.len());
        for item in items {
            let answer = match self.receive(item) {
                Received::Batch(_) => {
                    Some(RpcError::invalid_request("a batch holds no batches").to_message(None))
                }
                Received::Call(running) if running.new_session.is_some() => Some(
                    RpcError::invalid_request("initialize can't be part of a batch")
                        .to_message(Some(running.id())),
                ),
                received => self.begin(received, Some(&collector)),
            };
            if let Some(answer) = answer {
                // Room for every item was made above.
                drop(collector.try_send(answer.into()));
            }
        }
        drop(collector);
        let sender = self.sender.clone();
        self.tasks.spawn(async move {
            let mut batch = Vec::new();
            while let Some(answer) = answers.recv().await {
                batch.push(if batch.is_empty() { b'[' } else { b',' });
                batch.extend_from_slice(&answer);
            }
            if !batch.is_empty() {
                batch.push(b']');
                drop(sender.send(batch.into()).await);
            }
        });
    }

    /// Passes changes on to the legacy session that has just begun; an earlier one ends.
    fn listen_for(&mut self, session: &Arc<Session>) {
        if let Some(earlier) = self.events.take() {
            earlier.abort();
        }
        let (session, sender) = (Arc::clone(session), self.sender.downgrade());
        let mut events = self.service.0.hold().subscribe();
        let task = self.tasks.spawn(async move {
            while let Some(event) = events.next().await {
                for message in legacy_messages(&event, &session) {
                    let Some(sender) = sender.upgrade() else { return };
                    if sender.send(message).await.is_err() {
                        return;
                    }
                }
            }
        });
        self.events = Some(task);
    }
}

/// Counts the calls that wait.
struct Waiting(Arc<std::sync::atomic::AtomicUsize>, usize);

impl Waiting {
    fn enter(count: &Arc<std::sync::atomic::AtomicUsize>) -> Self {
        let before = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Self(Arc::clone(count), before)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}

async fn drive(
    mut running: Box<Running>,
    messages: mpsc::Sender<Bytes>,
    answers: mpsc::Sender<Bytes>,
    ended: CancellationToken,
    _place: Waiting,
) {
    loop {
        match running.next().await {
            Step::Outgoing(Outgoing::Message(message)) => {
                if messages.send(message).await.is_err() {
                    return;
                }
            }
            Step::Outgoing(Outgoing::Release) => {}
            Step::Finished(Finished::Reply { body, .. }) => {
                drop(answers.send(body.into()).await);
                return;
            }
            Step::Finished(Finished::Listen { subscription, place }) => {
                return listen(Listening::new(running, subscription, place), messages, ended).await;
            }
            Step::Finished(Finished::Silent) => return,
        }
    }
}

async fn listen(mut listening: Listening, sender: mpsc::Sender<Bytes>, ended: CancellationToken) {
    loop {
        let message = tokio::select! {
            () = ended.cancelled() => return,
            message = listening.next() => message,
        };
        let Some(message) = message else { return };
        if sender.send(message).await.is_err() {
            return;
        }
    }
}
