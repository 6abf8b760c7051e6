//! The service and the words that a cut result ends with.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::future::BoxFuture;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::cut::{Cut, MIN_BUDGET_BYTES, cut, size};
use crate::{
    call::{Call, Operation, Outcome, Reply},
    content::{Content, ResourceLink},
    context::Context as CallContext,
    error::Error,
    handler::ToolResult,
    meta::Meta,
    results::{self, Kept},
    server::entries::ToolEntry,
    shared::Held,
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct ResponseBudgetLayer {
    default_bytes: usize,
}

impl ResponseBudgetLayer {
    pub(crate) fn new(default_bytes: usize) -> Self {
        Self { default_bytes }
    }
}

impl<S> Layer<S> for ResponseBudgetLayer {
    type Service = ResponseBudget<S>;

    fn layer(&self, inner: S) -> ResponseBudget<S> {
        ResponseBudget { inner, default_bytes: self.default_bytes }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ResponseBudget<S> {
    inner: S,
    default_bytes: usize,
}

impl<S: Service<Call, Response = Outcome, Error = Error>> Service<Call> for ResponseBudget<S> {
    type Response = Outcome;
    type Error = Error;
    type Future = ResponseBudgetFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let bounded = match &call.operation {
            Operation::CallTool { tool, .. } => {
                let bytes = tool.policy.response_bytes.unwrap_or(self.default_bytes);
                let bytes = bytes.max(MIN_BUDGET_BYTES);
                Some(Bounded { context: Arc::clone(&call.context), tool: tool.clone(), bytes })
            }
            _ => None,
        };
        ResponseBudgetFuture { inner: self.inner.call(call), bounded, cutting: None }
    }
}

struct Bounded {
    context: CallContext,
    tool: Held<ToolEntry>,
    bytes: usize,
}

pin_project! {
    pub(crate) struct ResponseBudgetFuture<F> {
        #[pin]
        inner: F,
        bounded: Option<Bounded>,
        // Made for a result that is too long: most are not.
        cutting: Option<BoxFuture<'static, ToolResult>>,
    }
}

impl<F: Future<Output = Result<Outcome, Error>>> Future for ResponseBudgetFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.cutting.is_none() {
            let outcome = ready!(this.inner.poll(cx));
            let Some(bounded) = this.bounded.take() else { return Poll::Ready(outcome) };
            match outcome {
                Ok(Outcome::Complete(Reply::Tool(result))) if size(&result) > bounded.bytes => {
                    *this.cutting = Some(Box::pin(bounded.cut(result)));
                }
                other => return Poll::Ready(other),
            }
        }
        match this.cutting {
            Some(cutting) => {
                let result = ready!(cutting.as_mut().poll(cx));
                Poll::Ready(Ok(Outcome::Complete(Reply::Tool(result))))
            }
            None => Poll::Pending,
        }
    }
}

impl Bounded {
    async fn cut(self, result: ToolResult) -> ToolResult {
        let was_bytes = size(&result);
        let Cut { mut result, rest, failed } =
            cut(result, self.tool.output_schema.as_ref(), self.bytes);
        let kept = results::keep(&self.context, &self.tool.name, &rest, self.bytes).await;
        tracing::debug!(
            request_id = %self.context.request_id,
            tool = &*self.tool.name,
            was_bytes,
            budget_bytes = self.bytes,
            pages = kept.as_ref().map_or(0, |kept| kept.pages),
            "a result was cut"
        );
        result.content.push(Content::text(notice(was_bytes, self.bytes, failed, kept.as_ref())));
        let key = |name| format!("{}{name}", Meta::PREFIX);
        let mut meta = std::mem::take(&mut result.meta)
            .with(key("truncated"), true)
            .with(key("size_bytes"), was_bytes);
        if let Some(kept) = kept {
            meta = meta.with(key("rest"), kept.uri(1)).with(key("rest_pages"), kept.pages);
            // Older clients know no such block; the words before it hold the same address.
            if self.context.revision.has_resource_links() {
                result.content.push(Content::link(link(&kept)));
            }
        }
        result.meta = meta;
        result
    }
}

fn link(kept: &Kept) -> ResourceLink {
    ResourceLink::new(kept.uri(1), "rest of the result").description(match kept.pages {
        1 => "all of it".to_owned(),
        pages => format!("page 1 of {pages}; the number at the end of the URI is the page"),
    })
}

/// What the model reads at the end of a cut result.
fn notice(was_bytes: usize, budget: usize, failed: bool, kept: Option<&Kept>) -> String {
    let what = match failed {
        false => format!(
            "[This result is cut: the whole is {was_bytes} bytes long, and this tool may answer with {budget}."
        ),
        true => format!(
            "[The call was carried out, do not repeat it. Its result is {was_bytes} bytes long, this tool may answer with {budget}, and its output schema accepts nothing shorter."
        ),
    };
    match kept {
        None => format!("{what} The rest was not kept. Ask for less.]"),
        Some(kept) => {
            let pages = match kept.pages {
                1 => kept.uri(1),
                pages => format!("{} to {}", kept.uri(1), kept.uri(pages)),
            };
            let all = if kept.is_complete { "The rest is" } else { "A part of the rest is" };
            let minutes = kept.ttl.as_secs().div_ceil(60);
            format!(
                "{what} {all} there for {minutes} min; read the resource {pages}. Or ask for less.]"
            )
        }
    }
}
