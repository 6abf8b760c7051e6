//! Turning an async function into something that a registry can hold.

use std::{future::Future, sync::Arc};

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{
    extract::{FromCall, Invocation},
    state::Requirements,
};
use crate::{error::ToolError, shared::Shared};

/// An async function that can serve a call.
///
/// Implemented for functions and closures of up to eight parameters that implement [`FromCall`]. The marker `M` only tells
/// those implementations apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't handle a call",
    note = "a handler is an async function (or a closure that returns a future) whose parameters all implement `FromCall` \
            (`Args<T>`, `State<T>`, `Caller`, `Progress`, `Ask`, `Cancel`, …) and whose future is `Send`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// What the future resolves to.
    type Response: Send + 'static;

    /// Takes the parameters out of the call and starts the function.
    ///
    /// # Errors
    /// What an extractor refused.
    fn start(
        &self,
        invocation: &mut Invocation,
    ) -> Result<impl Future<Output = Self::Response> + Send + 'static, ToolError>;

    /// The schema of the arguments, from the parameter that declares them.
    fn input_schema() -> Option<Value>;

    /// Declares what the parameters need from the server.
    fn requires(_requirements: &mut Requirements) {}
}

macro_rules! handlers {
    ($($parameter:ident)*) => {
        impl<F, Fut, $($parameter,)*> Handler<(Fut, $($parameter,)*)> for F
        where
            F: Fn($($parameter,)*) -> Fut + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            Fut::Output: Send + 'static,
            $($parameter: FromCall,)*
        {
            type Response = Fut::Output;

            #[allow(unused_variables, reason = "a function without parameters takes nothing out of the call")]
            fn start(
                &self,
                invocation: &mut Invocation,
            ) -> Result<impl Future<Output = Self::Response> + Send + 'static, ToolError> {
                Ok(self($($parameter::from_call(invocation)?,)*))
            }

            fn input_schema() -> Option<Value> {
                None$(.or_else($parameter::input_schema))*
            }

            #[allow(unused_variables, reason = "a function without parameters needs nothing")]
            fn requires(requirements: &mut Requirements) {
                $($parameter::requires(requirements);)*
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A B);
handlers!(A B C);
handlers!(A B C D);
handlers!(A B C D E);
handlers!(A B C D E G);
handlers!(A B C D E G H);
handlers!(A B C D E G H I);

/// A handler of any shape that gives `R`.
pub type BoxHandler<R> =
    Arc<dyn Fn(Invocation) -> BoxFuture<'static, Result<R, ToolError>> + Send + Sync>;

/// Erases a handler's type; `convert` turns its response into what the place needs.
pub(crate) fn boxed<M, H, R>(
    handler: H,
    convert: fn(H::Response, &Invocation) -> Result<R, ToolError>,
) -> BoxHandler<R>
where
    H: Handler<M>,
    R: Send + 'static,
{
    let handler = Shared::new(handler);
    Arc::new(move |mut invocation| {
        let handler = handler.hold();
        Box::pin(async move {
            let future = handler.start(&mut invocation)?;
            // The handler may need none of this while it waits; what it took is its own by now.
            drop(handler);
            convert(future.await, &invocation)
        })
    })
}

pub(crate) fn input_schema_of<M, H: Handler<M>>(_: &H) -> Option<Value> {
    H::input_schema()
}

pub(crate) fn requirements_of<M, H: Handler<M>>(_: &H) -> Requirements {
    let mut requirements = Requirements::default();
    H::requires(&mut requirements);
    requirements
}
