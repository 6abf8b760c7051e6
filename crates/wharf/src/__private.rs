//! What the output of `#[tool]`, `#[resource]` and `#[prompt]` names, so that a crate that uses them needs neither serde nor
//! schemars of its own.
//!
//! Not for people: anything here may change in any release.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

pub use schemars;
pub use serde;

use crate::{FromCall, ItemFuture};

/// What a parameter must be that is no extractor. Its only use is its message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an argument nor an extractor of Wharf's",
    label = "not a parameter that a handler can have",
    note = "an argument is read from JSON: `#[derive(serde::Deserialize, schemars::JsonSchema)]`",
    note = "an extractor of your own implements `wharf::FromCall` and is marked `#[extract]`"
)]
pub trait Argument {}

#[diagnostic::do_not_recommend]
impl<T: serde::de::DeserializeOwned + schemars::JsonSchema> Argument for T {}

/// Compiles for arguments.
pub const fn is_argument<T: Argument>() {}

/// Compiles for extractors.
pub const fn is_extractor<T: FromCall>() {}

/// Makes an item. The macros implement it on a type that nobody can name.
pub trait Definition<T>: 'static {
    /// Builds the item with the public builder.
    fn define() -> T;
}

pin_project_lite::pin_project! {
    /// A future with the definition of the item that its function serves.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Defined<D, Fut> {
        #[pin]
        future: Fut,
        definition: PhantomData<fn() -> D>,
    }
}

impl<D, Fut: Future> Defined<D, Fut> {
    /// Adds the definition to `future`.
    pub fn new(future: Fut) -> Self {
        Self { future, definition: PhantomData }
    }
}

impl<D, Fut: Future> Future for Defined<D, Fut> {
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        self.project().future.poll(cx)
    }
}

impl<T, D, Fut> ItemFuture<T> for Defined<D, Fut>
where
    D: Definition<T>,
    Fut: Future + Send + 'static,
{
    fn item() -> T {
        D::define()
    }
}
