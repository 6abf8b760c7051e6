//! The legacy sessions of one endpoint: unguessable, bound to their caller, bounded in number and in idleness.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{replay::Replay, settings::SessionSettings};
use crate::{
    caller::Caller,
    dispatch::{Finished, Running, Step},
    listen::legacy_messages,
    metrics::Measurements,
    outbox::Outgoing,
    server::Service,
    session::Session,
};

/// Finished streams that a session keeps for a client that comes back late.
const MAX_STREAMS: usize = 64;
/// Stream 0 carries what belongs to no request: changes of lists and resources.
const STANDALONE: u64 = 0;

/// Streams by number, oldest first.
type Streams = VecDeque<(u64, Arc<Replay>)>;

/// One session over HTTP.
#[derive(Debug)]
pub(super) struct HttpSession {
    pub(super) id: String,
    pub(super) session: Arc<Session>,
    settings: SessionSettings,
    last_used: Mutex<Instant>,
    streams: Mutex<Streams>,
    next_stream: AtomicU64,
    tasks: TaskTracker,
    closed: tokio_util::sync::CancellationToken,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HttpSession {
    fn is_idle(&self, expiry: Duration) -> bool {
        // A call that answers without a stream keeps it too: ending the session would withdraw the call.
        if !self.session.in_flight.is_empty() {
            return false;
        }
        let streams = lock(&self.streams);
        // The standalone stream is never done; it counts only while someone reads it.
        let reading = streams.iter().any(|(number, replay)| {
            replay.has_reader() || (*number != STANDALONE && !replay.is_done())
        });
        // A client whose connection broke comes back in a moment, however long it had read before.
        let left = streams.iter().filter_map(|(_, replay)| replay.left()).max();
        let used = *lock(&self.last_used);
        !reading && left.map_or(used, |left| left.max(used)).elapsed() >= expiry
    }

    /// The idle time begins anew.
    pub(super) fn touch(&self) {
        *lock(&self.last_used) = Instant::now();
    }

    fn close(&self) {
        self.closed.cancel();
        self.session.close();
        self.session.in_flight.cancel_all();
        // Its tasks finish the streams, after what is left to say.
    }

    fn add_stream(&self, streams: &mut Streams, number: u64) -> Arc<Replay> {
        let replay = Replay::new(number, self.settings.replay_events);
        if streams.len() >= MAX_STREAMS
            && let Some(oldest) = streams
                .iter()
                .position(|(number, replay)| *number != STANDALONE && replay.is_done())
        {
            streams.remove(oldest);
        }
        streams.push_back((number, Arc::clone(&replay)));
        replay
    }

    /// The stream that an event id belongs to, and the last sequence that was seen.
    pub(super) fn resume(&self, last_event_id: &str) -> Option<(Arc<Replay>, u64)> {
        let (number, sequence) = last_event_id.split_once('-')?;
        let (number, sequence) = (number.parse::<u64>().ok()?, sequence.parse().ok()?);
        let streams = lock(&self.streams);
        let (_, replay) = streams.iter().find(|(known, _)| *known == number)?;
        Some((Arc::clone(replay), sequence))
    }

    /// The stream of changes; its task begins with the first reader.
    pub(super) fn standalone(self: &Arc<Self>, service: &Service) -> Arc<Replay> {
        // Looking and adding are one step: of two requests at once both get the same stream.
        let mut streams = lock(&self.streams);
        if let Some((_, replay)) = streams.iter().find(|(number, _)| *number == STANDALONE) {
            return Arc::clone(replay);
        }
        let replay = self.add_stream(&mut streams, STANDALONE);
        drop(streams);
        let (session, stream, closed) =
            (Arc::clone(&self.session), Arc::clone(&replay), self.closed.clone());
        let mut events = service.0.hold().subscribe();
        let closing = service.0.closing.clone();
        self.tasks.spawn(async move {
            let forward = async {
                while let Some(event) = events.next().await {
                    for message in legacy_messages(&event, &session) {
                        stream.push(message).await;
                    }
                }
            };
            tokio::select! {
                () = closed.cancelled() => {}
                () = closing.cancelled() => {}
                () = forward => {}
            }
            stream.finish();
        });
        replay
    }

    /// Moves a call that streams into a task of the session, so that it goes on while its client is away.
    pub(super) fn detach(self: &Arc<Self>, running: Box<Running>, first: Outgoing) -> Arc<Replay> {
        let number = self.next_stream.fetch_add(1, Ordering::Relaxed);
        let replay = self.add_stream(&mut lock(&self.streams), number);
        let (stream, window, closed) =
            (Arc::clone(&replay), self.settings.resume_window, self.closed.clone());
        let session = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                // First, so that a call that was ended with an answer has it sent.
                () = pump(running, first, &stream) => {}
                () = closed.cancelled() => {}
                // Nobody came back: the call is dropped, which cancels it.
                () = abandoned(&stream, window) => {}
            }
            stream.finish();
            session.touch();
        });
        replay
    }
}

/// Feeds a call's messages and its answer into the stream.
async fn pump(mut running: Box<Running>, first: Outgoing, stream: &Replay) {
    let mut step = Step::Outgoing(first);
    loop {
        match step {
            Step::Outgoing(Outgoing::Message(message)) => stream.push(message).await,
            Step::Outgoing(Outgoing::Release) => stream.release(),
            Step::Finished(Finished::Reply { body, .. }) => return stream.push(body.into()).await,
            Step::Finished(Finished::Listen { .. } | Finished::Silent) => return,
        }
        step = running.next().await;
    }
}

/// Resolves once the stream has had no reader for `window`.
async fn abandoned(stream: &Replay, window: Duration) {
    let mut read_last = Instant::now();
    loop {
        let changed = stream.changed();
        if stream.has_reader() {
            changed.await;
            read_last = Instant::now();
        } else if tokio::time::timeout_at(read_last + window, changed).await.is_err()
            && !stream.has_reader()
        {
            return;
        }
    }
}

/// Why a session could not begin.
#[derive(Debug)]
pub(super) struct Full;

/// The sessions of one endpoint.
#[derive(Debug)]
pub(super) struct Sessions {
    settings: SessionSettings,
    /// Read by each request that names a session, and no reader waits for another.
    map: RwLock<HashMap<String, Arc<HttpSession>>>,
}

impl Sessions {
    pub(super) fn new(settings: SessionSettings) -> Self {
        Self { settings, map: RwLock::default() }
    }

    pub(super) fn enabled(&self) -> bool {
        self.settings.enabled
    }

    /// Begins a session.
    pub(super) fn begin(&self, session: Arc<Session>) -> Result<Arc<HttpSession>, Full> {
        let mut bytes = [0_u8; 24];
        // Without entropy no unguessable id can be made: refuse rather than guess.
        getrandom::fill(&mut bytes).map_err(|_| Full)?;
        let session = Arc::new(HttpSession {
            id: URL_SAFE_NO_PAD.encode(bytes),
            session,
            settings: self.settings.clone(),
            last_used: Mutex::new(Instant::now()),
            streams: Mutex::default(),
            next_stream: AtomicU64::new(STANDALONE + 1),
            tasks: TaskTracker::new(),
            closed: tokio_util::sync::CancellationToken::new(),
        });
        let mut map = self.changed();
        if map.len() >= self.settings.max {
            Self::sweep(&mut map, self.settings.idle_expiry);
        }
        if map.len() >= self.settings.max {
            return Err(Full);
        }
        map.insert(session.id.clone(), Arc::clone(&session));
        Ok(session)
    }

    /// The session of that id, if it lives and belongs to `caller`. Another caller learns nothing.
    pub(super) fn find(&self, id: &str, caller: &Caller) -> Option<Arc<HttpSession>> {
        let map = self.read();
        let session = map.get(id).filter(|session| session.session.caller.id == caller.id)?;
        if session.is_idle(self.settings.idle_expiry) {
            drop(map);
            self.remove_if(id, |session| session.is_idle(self.settings.idle_expiry));
            return None;
        }
        session.touch();
        Some(Arc::clone(session))
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, Arc<HttpSession>>> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) -> RwLockWriteGuard<'_, HashMap<String, Arc<HttpSession>>> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a session if that still holds of it which a reader has seen.
    fn remove_if(&self, id: &str, holds: impl Fn(&HttpSession) -> bool) {
        let mut map = self.changed();
        if map.get(id).is_some_and(|session| holds(session))
            && let Some(session) = map.remove(id)
        {
            session.close();
        }
    }

    /// Ends a session.
    pub(super) fn end(&self, id: &str, caller: &Caller) -> bool {
        if self.find(id, caller).is_none() {
            return false;
        }
        let session = self.changed().remove(id);
        if let Some(session) = &session {
            session.close();
        }
        session.is_some()
    }

    /// Ends what has been idle for too long.
    pub(super) fn expire(&self) {
        Self::sweep(&mut self.changed(), self.settings.idle_expiry);
    }

    fn sweep(map: &mut HashMap<String, Arc<HttpSession>>, expiry: Duration) {
        map.retain(|_, session| {
            let keep = !session.is_idle(expiry);
            if !keep {
                session.close();
            }
            keep
        });
    }

    /// Ends the sessions of callers who are not recognised, and counts them.
    pub(super) fn review(&self, recognises: impl Fn(&Caller) -> bool) -> usize {
        let sessions: Vec<_> = self.read().values().cloned().collect();
        // Outside the lock, which every request with a session takes.
        let ended = sessions.iter().filter(|session| !recognises(&session.session.caller));
        ended
            .map(|session| {
                self.changed().remove(&session.id);
                session.close();
            })
            .count()
    }

    /// Ends all of them.
    pub(super) fn close_all(&self) {
        for (_, session) in self.changed().drain() {
            session.close();
        }
    }

    pub(super) fn measure(&self, server: &str, out: &mut Measurements) {
        let labels = [("server", server)];
        let open = self.read().len();
        out.gauge("wharf_sessions", "Open sessions", &labels, open);
        out.gauge("wharf_sessions_max", "Sessions that may be open", &labels, self.settings.max);
    }

    /// How often idle sessions are looked for.
    pub(super) fn sweep_interval(&self) -> Duration {
        (self.settings.idle_expiry / 4).clamp(Duration::from_millis(50), Duration::from_secs(30))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Server, protocol::Revision};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn readers_at_once_share_one_standalone_stream() {
        const READERS: usize = 4;
        let service = Server::new("server", "1.0.0").build().unwrap();
        let sessions = Sessions::new(SessionSettings::default());
        for _ in 0..200 {
            let (capabilities, caller) = (Default::default(), Arc::new(Caller::local()));
            let revision = Revision::V2025_11_25;
            let session =
                Session::new(revision, capabilities, Default::default(), caller, Arc::default());
            let session = sessions.begin(Arc::new(session)).unwrap();
            let ready = std::sync::Barrier::new(READERS);
            let runtime = tokio::runtime::Handle::current();
            std::thread::scope(|scope| {
                for _ in 0..READERS {
                    scope.spawn(|| {
                        let _runtime = runtime.enter();
                        ready.wait();
                        session.standalone(&service);
                    });
                }
            });
            assert_eq!(lock(&session.streams).len(), 1);
            session.close();
            sessions.close_all();
        }
    }
}
