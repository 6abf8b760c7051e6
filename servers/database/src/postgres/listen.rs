//! Hears which rows change, on a connection beside the pool that does nothing else.
//!
//! One task owns the connection. It reads what the server sends whether anybody takes it or not, so that neither the server's queue
//! nor this program grows: what finds no room is dropped and told as [`Change::Missed`]. A connection that is lost, or no longer
//! answers, is opened anew after a wait, and whatever was not heard meanwhile is missed too.
//!
//! It refuses to believe what it hears: a message that names no row is dropped.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};
use tokio_util::sync::CancellationToken;

use super::connect::{Connector, RawConnection};
use crate::changes::{CHANNEL, Change, RowChange};

/// Changes that wait to be told.
pub(super) const MAX_WAITING: usize = 1_024;
/// Wait before the first attempt to connect again; each further one waits twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How often a silent connection is asked whether it still is one.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long the server may take for a word.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs until nobody listens any more.
pub(super) async fn run(
    connector: Arc<Connector>,
    sender: Sender<Change>,
    closing: CancellationToken,
) {
    let listener = sender.clone();
    tokio::select! {
        biased;
        () = closing.cancelled() => {}
        () = listener.closed() => {}
        () = listen_forever(&connector, Outlet { sender, missed: false }) => {}
    }
}

async fn listen_forever(connector: &Connector, mut outlet: Outlet) {
    let mut wait = FIRST_WAIT;
    loop {
        let started = Instant::now();
        let ended = match timeout(connector.settings().connect_timeout, connector.connect()).await {
            Ok(Ok((client, connection))) => hear(client, connection, &mut outlet).await,
            Ok(Err(error)) => error.detail().map(String::from).unwrap_or_else(|| error.to_string()),
            Err(_elapsed) => "the server did not complete the login in time".to_owned(),
        };
        if started.elapsed() > LONGEST_WAIT {
            wait = FIRST_WAIT;
        }
        tracing::warn!(reason = ended, ?wait, "changes of rows are not heard; connecting again");
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Hears until the connection ends, and says why it did.
async fn hear(client: Client, mut connection: RawConnection, outlet: &mut Outlet) -> String {
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let listen = format!("LISTEN {CHANNEL}");
    let mut asking = std::pin::pin!(ask(&client, Duration::ZERO, &listen));
    let mut listening = false;
    let sender = outlet.sender.clone();
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(said))) if said.channel() == CHANNEL => outlet.take(said.payload()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return error.to_string(),
                None => return "the connection was closed".to_owned(),
            },
            answered = &mut asking => {
                if let Err(why) = answered {
                    return why;
                }
                // Whatever happened before was not heard, also before the first time.
                outlet.missed |= !listening;
                listening = true;
                asking.set(ask(&client, PING_INTERVAL, ""));
            }
            room = sender.reserve(), if outlet.missed => match room {
                Ok(room) => {
                    room.send(Change::Missed);
                    outlet.missed = false;
                }
                Err(_closed) => return "nobody listens".to_owned(),
            },
        }
    }
}

/// Says something to the server after a while; it has to answer.
async fn ask(client: &Client, after: Duration, sql: &str) -> Result<(), String> {
    sleep(after).await;
    match timeout(PATIENCE, client.batch_execute(sql)).await {
        Ok(answered) => answered.map_err(|error| error.to_string()),
        Err(_elapsed) => Err("the server does not answer".to_owned()),
    }
}

struct Outlet {
    sender: Sender<Change>,
    /// Whether something was not told and nobody knows yet. Nothing else is told before that.
    missed: bool,
}

impl Outlet {
    fn take(&mut self, payload: &str) {
        if self.missed {
            return;
        }
        match RowChange::parse(payload) {
            Ok(change) => {
                let sent = self.sender.try_send(Change::Row(change));
                self.missed = matches!(sent, Err(TrySendError::Full(_)));
            }
            // Anyone who can connect can send one, so it is not worth a warning each time.
            Err(_) => tracing::debug!("a message that names no row was dropped"),
        }
    }
}
