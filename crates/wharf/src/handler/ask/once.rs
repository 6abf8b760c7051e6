//! Doing something once in a call that runs several times.

use std::future::Future;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    asker::Ask,
    journal::{Begun, Journal},
};
use crate::error::ToolError;

/// Longest name of an effect, in bytes.
const MAX_NAME_BYTES: usize = 128;
/// Longest result that is kept, in bytes of JSON.
const MAX_RESULT_BYTES: usize = 64 * 1024;

impl Ask {
    /// Does `effect` once in this call, however often its handler runs: a charge, a message, a deletion. When the handler
    /// runs again to continue after a question, `effect` is not polled and its recorded result is given in its place.
    ///
    /// ```
    /// use wharf::{Ask, ToolError};
    ///
    /// async fn order(ask: Ask) -> Result<String, ToolError> {
    ///     if !ask.confirm("sure", "Pay 20 euros?").await?.is_yes() {
    ///         return Ok("Nothing was ordered.".into());
    ///     }
    ///     let receipt: String = ask.once("charge", charge(20)).await?;
    ///     // Asking again runs this function from its first line, and charges nobody a second time.
    ///     let gift = ask.confirm("gift", "Is it a gift?").await?.is_yes();
    ///     Ok(format!("Receipt {receipt}, gift: {gift}"))
    /// }
    ///
    /// async fn charge(euros: u32) -> Result<String, ToolError> {
    ///     Ok(format!("R-{euros}"))
    /// }
    /// ```
    ///
    /// `name` names the effect within its call. On 2026-07-28 the record is in the server's
    /// [`StateStore`](crate::state::StateStore), under a flow that is sealed into the request state and bound to the caller; it
    /// ends with [`Limits::flow_lifetime`](crate::Limits::flow_lifetime). A round in which something is done once can be
    /// continued once: a state that is brought again, or by two requests at the same time, is refused with CONFLICT. A round in
    /// which nothing is done once can be repeated, which is harmless. A new call without a state begins anew and knows nothing
    /// of earlier ones.
    ///
    /// An effect that fails counts as not done and may be tried again. Where it may have been done all the same (a timeout
    /// towards another system), let it give that as a value, so that it is recorded.
    ///
    /// Ask nothing inside of `effect`: ask before, and do with the answer what must be done once. A result of more than
    /// 64 KiB is not kept.
    ///
    /// # Cancel safety
    /// When the future is dropped half-way, be it by a deadline, the client or a crash, the effect is never silently
    /// repeated: whoever comes to this line again in the same call gets CONFLICT.
    ///
    /// # Errors
    /// What `effect` fails with. CONFLICT when the answers were used already, or an earlier attempt did not finish.
    /// SERVICE_UNAVAILABLE when the store can't record the beginning; nothing was done then.
    pub async fn once<T, F>(&self, name: &str, effect: F) -> Result<T, ToolError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, ToolError>>,
    {
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            let text = format!("the name of an effect has 1 to {MAX_NAME_BYTES} bytes: {name:?}");
            return Err(ToolError::internal(text));
        }
        let journal = Journal::new(&self.0, name);
        if let Begun::Before(result) = journal.begin().await? {
            return serde_json::from_slice(&result).map_err(|error| {
                ToolError::internal(format!("the result of {name:?} is of another type: {error}"))
            });
        }
        match effect.await {
            Ok(result) => {
                let json = serde_json::to_vec(&result).ok();
                let json = json.filter(|json| json.len() <= MAX_RESULT_BYTES);
                journal.finish(json.as_deref()).await;
                Ok(result)
            }
            Err(error) => {
                journal.forget().await;
                Err(error)
            }
        }
    }
}
