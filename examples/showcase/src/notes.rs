//! Resources that come and go while the server runs: each note is listed, read through one template, suggested while its name is
//! typed, and told about when it changes. Notes live in memory and are gone with the process; there are at most 100.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wharf::{CompletionQuery, Event, Handle, Resource, Server, State, ToolError, resource, tool};

const MAX_NOTES: usize = 100;

/// The notes by their names.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<BTreeMap<String, String>>>);

impl Notes {
    /// Held while the list of resources is changed too, so that both tell the same; never across an await.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server, without a note.
pub fn server() -> Server {
    Server::new("notes", "1.0.0")
        .instructions("Keeps short notes; read them as note:///NAME.")
        .state(Notes::default())
        // Says to clients that lists may change.
        .dynamic()
        .tool(write_note)
        .tool(delete_note)
        .resource(note)
}

/// Write a note, in place of the one of the same name.
#[tool(idempotent, open_world = false)]
async fn write_note(
    /// What to call it.
    #[arg(pattern = "^[a-z0-9-]{1,40}$")]
    name: String,
    /// What it says.
    #[arg(min_length = 1, max_length = 10_000)]
    text: String,
    State(notes): State<Notes>,
    handle: Handle,
) -> Result<String, ToolError> {
    let mut kept = notes.lock();
    if !kept.contains_key(&name) && kept.len() >= MAX_NOTES {
        let why = format!("there are {MAX_NOTES} notes already; delete one first");
        return Err(ToolError::conflict(why));
    }
    let uri = uri(&name);
    if kept.insert(name.clone(), text).is_some() {
        handle.publish(Event::ResourceUpdated { uri: uri.clone().into() });
        return Ok(format!("replaced {uri}"));
    }
    handle.update(|changes| changes.add_resource(listed(&name))).map_err(ToolError::internal)?;
    Ok(format!("wrote {uri}"))
}

/// Delete a note.
#[tool(destructive, idempotent, open_world = false)]
async fn delete_note(
    /// Its name.
    name: String,
    State(notes): State<Notes>,
    handle: Handle,
) -> Result<String, ToolError> {
    let mut kept = notes.lock();
    if kept.remove(&name).is_none() {
        return Err(unknown(&name));
    }
    handle.update(|changes| changes.remove_resource(uri(&name))).map_err(ToolError::internal)?;
    Ok(format!("deleted {}", uri(&name)))
}

/// One note.
#[resource("note:///{name}", mime_type = "text/plain")]
async fn note(
    /// What it is called.
    #[arg(complete = names)]
    name: String,
    State(notes): State<Notes>,
) -> Result<String, ToolError> {
    notes.lock().get(&name).cloned().ok_or_else(|| unknown(&name))
}

async fn names(query: CompletionQuery, State(notes): State<Notes>) -> Vec<String> {
    notes.lock().keys().filter(|name| name.starts_with(&query.value)).cloned().collect()
}

/// The entry of a note in the list of resources.
fn listed(name: &str) -> Resource {
    let key = name.to_owned();
    Resource::new(uri(name), name).mime_type("text/plain").handler(
        move |State(notes): State<Notes>| {
            let text = notes.lock().get(&key).cloned().ok_or_else(|| unknown(&key));
            async move { text }
        },
    )
}

fn uri(name: &str) -> String {
    format!("note:///{name}")
}

fn unknown(name: &str) -> ToolError {
    ToolError::not_found(format!("there is no note {name:?}; list the resources"))
}
