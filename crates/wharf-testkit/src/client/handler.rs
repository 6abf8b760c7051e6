//! The client's side of a legacy conversation: questions are requests of the server, answered from the script.

#![expect(deprecated, reason = "servers of the legacy revisions still ask for roots and the model")]

use std::sync::Arc;

use rmcp::{
    ClientHandler,
    model::{
        ClientConfig, CreateMessageRequestParams, CreateMessageResult, CustomRequest, CustomResult,
        ElicitRequestParams, ElicitResult, ErrorCode, ErrorData, ListRootsResult,
    },
    service::{RequestContext, RoleClient},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::script::{Question, Script};

/// Answers from a script.
pub(crate) struct Handler {
    pub(crate) script: Arc<Script>,
    pub(crate) config: ClientConfig,
}

impl Handler {
    fn reply<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<T, ErrorData> {
        let refuse = |text: String| ErrorData::new(ErrorCode::INTERNAL_ERROR, text, None);
        let params = serde_json::to_value(params).map_err(|error| refuse(error.to_string()))?;
        let question = Question { key: None, method: method.to_owned(), params };
        let Some(reply) = self.script.find(&question) else {
            return Err(refuse("no answer is scripted".to_owned()));
        };
        serde_json::from_value(reply)
            .map_err(|error| refuse(format!("the scripted answer does not fit: {error}")))
    }
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        self.config.clone()
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.reply("elicitation/create", &request)
    }

    async fn create_message(
        &self,
        request: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        self.reply("sampling/createMessage", &request)
    }

    async fn list_roots(
        &self,
        _: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        self.reply("roots/list", &Value::Null)
    }

    /// Forms whose schema the SDK has no type for come here.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleClient>,
    ) -> Result<CustomResult, ErrorData> {
        self.reply::<Value>(&request.method, &request.params).map(CustomResult)
    }
}
