//! The client's own side of the conversation: answers questions, shows progress and log messages on stderr. Sampling and roots are
//! not declared, so servers do not ask for them; rmcp refuses them if one does.

#![expect(deprecated, reason = "servers of both eras still send log messages")]

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rmcp::{
    ClientHandler,
    model::{
        ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationCapability,
        ErrorData, FormElicitationCapability, Implementation, LoggingMessageNotificationParam,
        ProgressNotificationParam,
    },
    service::{NotificationContext, RequestContext, RoleClient},
};
use serde_json::Value;

use crate::{asking::Asker, patience::Patience, printer::printable};

/// What the server may ask of us.
pub(crate) struct Handler {
    asker: Asker,
    patience: Arc<Patience>,
    bar: Mutex<Option<ProgressBar>>,
}

impl Handler {
    /// A handler that answers with `asker` and keeps `patience` informed.
    pub(crate) fn new(asker: Asker, patience: Arc<Patience>) -> Self {
        Self { asker, patience, bar: Mutex::new(None) }
    }

    /// Removes the progress bar, so it does not stand between the lines of the result.
    pub(crate) fn clear(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }

    fn show(&self, progress: &ProgressNotificationParam) {
        if !io::stderr().is_terminal() {
            return;
        }
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bar.get_or_insert_with(ProgressBar::hidden);
        let done = progress.total.and_then(|total| thousandths(progress.progress, total));
        let template =
            if done.is_some() { "{bar:40} {percent:>3}% {msg}" } else { "{spinner} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if let Some(done) = done {
            bar.set_length(1000);
            bar.set_position(done);
        }
        let message = match (&progress.message, done) {
            (Some(message), _) => message.clone(),
            (None, Some(_)) => String::new(),
            (None, None) => progress.progress.to_string(),
        };
        // One line, or the bar would leave pieces behind.
        bar.set_message(printable(message.lines().next().unwrap_or_default()).into_owned());
        // Shown only now that it has its style, or the first frame would be indicatif's own.
        if bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.tick();
    }

    /// Writes a line to stderr with the bar out of the way.
    fn say(&self, line: &str) {
        let write = || {
            // A closed stderr leaves nobody to tell.
            let _ = writeln!(io::stderr(), "{line}");
        };
        match &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

/// How much is done; nothing for totals that make no sense.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1000")]
fn thousandths(done: f64, total: f64) -> Option<u64> {
    let share = done / total;
    (total > 0.0 && share.is_finite()).then(|| (share.clamp(0.0, 1.0) * 1000.0) as u64)
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation =
            Some(ElicitationCapability::new().with_form(FormElicitationCapability::default()));
        let name = Implementation::new("wharf", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(capabilities, name)
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let _paused = self.patience.pause();
        self.clear();
        Ok(self.asker.answer(request).await)
    }

    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.patience.restart();
        self.show(&progress);
    }

    async fn on_logging_message(
        &self,
        log: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        let level = format!("{:?}", log.level).to_lowercase();
        let logger = log.logger.map(|logger| format!("{logger}: ")).unwrap_or_default();
        let text = match log.data {
            Value::String(text) => text,
            other => other.to_string(),
        };
        self.say(&printable(&format!("[{level}] {logger}{text}")));
    }
}

#[cfg(test)]
mod tests {
    use super::thousandths;

    #[test]
    fn progress_is_clamped_and_nonsense_is_no_share() {
        for (done, total, expected) in [
            (50.0, 100.0, Some(500)),
            (200.0, 100.0, Some(1000)),
            (-1.0, 100.0, Some(0)),
            (1.0, 0.0, None),
            (1.0, -1.0, None),
            (f64::NAN, 1.0, None),
            (f64::INFINITY, 1.0, None),
        ] {
            assert_eq!(thousandths(done, total), expected, "{done} of {total}");
        }
    }
}
