//! Subscriptions: which changes a client wants to hear of, and how they are told (specification, patterns/subscriptions).
//!
//! One filter and one encoder serve both eras: a 2026-07-28 listen stream stamps each message with its subscription id; a
//! legacy session gets the plain notifications of its revision.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{
    events::Event,
    protocol::{Id, RpcError, fields, keys},
};

/// What a listen stream wants to hear of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscription {
    pub(crate) tools: bool,
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
    pub(crate) uris: Option<Vec<Arc<str>>>,
}

impl Subscription {
    /// Reads the `notifications` parameter.
    pub(crate) fn parse(raw: Option<&str>, max_uris: usize) -> Result<Self, RpcError> {
        let Some(raw) = raw else {
            return Err(RpcError::invalid_params(
                "\"notifications\" is missing: say what to listen for",
            ));
        };
        let names = &[
            "toolsListChanged",
            "promptsListChanged",
            "resourcesListChanged",
            "resourceSubscriptions",
        ];
        let [tools, prompts, resources, uris] = fields(raw, names)
            .map_err(|error| RpcError::invalid_params(format!("\"notifications\": {error}")))?;
        let flag = |raw: Option<&str>| match raw {
            None | Some("false" | "null") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(RpcError::invalid_params(
                "\"notifications\": each listChanged is true or false",
            )),
        };
        let uris: Option<Vec<Arc<str>>> = match uris {
            None => None,
            Some(raw) => serde_json::from_str(raw).map_err(|_| {
                RpcError::invalid_params(
                    "\"notifications\": resourceSubscriptions is a list of URIs",
                )
            })?,
        };
        if uris.as_ref().is_some_and(|uris| uris.len() > max_uris) {
            return Err(RpcError::invalid_params(format!(
                "one stream can watch {max_uris} resources at most"
            )));
        }
        Ok(Self { tools: flag(tools)?, prompts: flag(prompts)?, resources: flag(resources)?, uris })
    }

    /// The part that the server honours, as the acknowledgement repeats it.
    fn honoured(&self) -> Value {
        let mut filter = Map::new();
        for (name, wanted) in [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ] {
            if wanted {
                filter.insert(name.to_owned(), true.into());
            }
        }
        if let Some(uris) = &self.uris {
            filter.insert("resourceSubscriptions".to_owned(), json!(uris));
        }
        filter.into()
    }

    /// The first message of a stream.
    pub(crate) fn acknowledgement(&self, id: &Id) -> Bytes {
        let mut params = json!({"notifications": self.honoured()});
        stamp(&mut params, Some(id));
        message("notifications/subscriptions/acknowledged", params)
    }

    /// The messages that `event` causes on this stream.
    pub(crate) fn messages(&self, event: &Event, id: &Id) -> Vec<Bytes> {
        notifications(
            event,
            [self.tools, self.prompts, self.resources],
            |uri| {
                self.uris.as_ref().is_some_and(|uris| uris.iter().any(|watched| &**watched == uri))
            },
            || self.uris.clone().unwrap_or_default(),
            Some(id),
        )
    }
}

/// The messages that `event` causes for a legacy client.
pub(crate) fn legacy_messages(event: &Event, session: &crate::session::Session) -> Vec<Bytes> {
    notifications(
        event,
        [true; 3],
        |uri| session.is_subscribed(uri),
        || session.subscriptions().into_iter().map(Arc::from).collect(),
        None,
    )
}

fn notifications(
    event: &Event,
    [tools, prompts, resources]: [bool; 3],
    watches: impl Fn(&str) -> bool,
    watched: impl Fn() -> Vec<Arc<str>>,
    id: Option<&Id>,
) -> Vec<Bytes> {
    let changed = |method| {
        let mut params = json!({});
        stamp(&mut params, id);
        message(method, params)
    };
    let updated = |uri: &str| {
        let mut params = json!({"uri": uri});
        stamp(&mut params, id);
        message("notifications/resources/updated", params)
    };
    let all = matches!(event, Event::Lagged);
    let mut out = Vec::new();
    for (wanted, is, method) in [
        (tools, matches!(event, Event::ToolsChanged), "notifications/tools/list_changed"),
        (prompts, matches!(event, Event::PromptsChanged), "notifications/prompts/list_changed"),
        (
            resources,
            matches!(event, Event::ResourcesChanged),
            "notifications/resources/list_changed",
        ),
    ] {
        if wanted && (is || all) {
            out.push(changed(method));
        }
    }
    match event {
        Event::ResourceUpdated { uri } if watches(uri) => out.push(updated(uri)),
        // What was missed is unknown: every watched resource may have changed.
        Event::Lagged => out.extend(watched().iter().map(|uri| updated(uri))),
        _ => {}
    }
    out
}

fn stamp(params: &mut Value, id: Option<&Id>) {
    if let Some(id) = id {
        params["_meta"] = json!({keys::SUBSCRIPTION_ID: id});
    }
}

fn message(method: &str, params: Value) -> Bytes {
    let mut message = json!({"jsonrpc": "2.0", "method": method});
    if params.as_object().is_some_and(|params| !params.is_empty()) {
        message["params"] = params;
    }
    Bytes::from(message.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_hear_only_what_they_asked_for() {
        let wanted = Subscription::parse(
            Some(r#"{"toolsListChanged":true,"resourceSubscriptions":["a://b"]}"#),
            8,
        )
        .unwrap();
        let id = Id::Number(7);
        let heard = |event: Event| -> Vec<Value> {
            wanted
                .messages(&event, &id)
                .iter()
                .map(|bytes| serde_json::from_slice(bytes).unwrap())
                .collect()
        };
        assert_eq!(heard(Event::PromptsChanged), [] as [Value; 0]);
        assert_eq!(heard(Event::ResourceUpdated { uri: "x://y".into() }), [] as [Value; 0]);
        let tools = heard(Event::ToolsChanged);
        assert_eq!(tools[0]["method"], "notifications/tools/list_changed");
        assert_eq!(tools[0]["params"]["_meta"][keys::SUBSCRIPTION_ID], 7);
        assert_eq!(
            heard(Event::ResourceUpdated { uri: "a://b".into() })[0]["params"]["uri"],
            "a://b"
        );
        assert_eq!(heard(Event::Lagged).len(), 2);
    }

    #[test]
    fn malformed_filters_are_refused() {
        for raw in ["[]", r#"{"toolsListChanged":1}"#, r#"{"resourceSubscriptions":"a"}"#, "7"] {
            assert_eq!(Subscription::parse(Some(raw), 8).unwrap_err().code, -32602, "{raw}");
        }
        assert!(Subscription::parse(Some(r#"{"resourceSubscriptions":["a","b"]}"#), 1).is_err());
        assert!(Subscription::parse(None, 1).is_err());
    }
}
