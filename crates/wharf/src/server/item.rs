//! What can be registered: a finished [`Tool`](crate::Tool), [`Resource`](crate::Resource) or [`Prompt`](crate::Prompt), or
//! a function under `#[tool]`, `#[resource]` or `#[prompt]`.
//!
//! Such a function stays a function. Its future knows the item, so the function's name is all that
//! [`Server::tool`](crate::Server::tool) needs, and a test can call it like any other.

use std::future::Future;

/// Something that becomes a `T`, which is a [`Tool`](crate::Tool), a [`Resource`](crate::Resource) or a
/// [`Prompt`](crate::Prompt).
///
/// Implemented for `T` itself and for functions under `#[tool]`, `#[resource]` and `#[prompt]`. The marker `M` only tells
/// these apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be registered as a `{T}`",
    note = "put `#[tool]`, `#[resource(\"…\")]` or `#[prompt]` on the async function, or build the item: \
            `Tool::new(\"name\").handler(…)`"
)]
pub trait IntoItem<T, M> {
    /// The item.
    fn into_item(self) -> T;
}

impl<T> IntoItem<T, ()> for T {
    fn into_item(self) -> T {
        self
    }
}

/// What a function under `#[tool]`, `#[resource]` or `#[prompt]` gives back: a future of the function's own result that also
/// knows the `T` to register.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not come from a function that was made a `{T}`",
    note = "put `#[tool]`, `#[resource(\"…\")]` or `#[prompt]` on the async function"
)]
pub trait ItemFuture<T>: Future + Send + 'static {
    /// The item to register.
    fn item() -> T;
}

macro_rules! functions {
    ($($parameter:ident)*) => {
        impl<Item, F, Fut, $($parameter,)*> IntoItem<Item, (Fut, $($parameter,)*)> for F
        where
            F: Fn($($parameter,)*) -> Fut,
            Fut: ItemFuture<Item>,
        {
            fn into_item(self) -> Item {
                Fut::item()
            }
        }
    };
}

// Arguments count one by one here, unlike in `Handler`: as many as `wharf_macros` accepts.
functions!();
functions!(A);
functions!(A B);
functions!(A B C);
functions!(A B C D);
functions!(A B C D E);
functions!(A B C D E G);
functions!(A B C D E G H);
functions!(A B C D E G H I);
functions!(A B C D E G H I J);
functions!(A B C D E G H I J K);
functions!(A B C D E G H I J K L);
functions!(A B C D E G H I J K L N);
functions!(A B C D E G H I J K L N O);
functions!(A B C D E G H I J K L N O P);
functions!(A B C D E G H I J K L N O P Q);
functions!(A B C D E G H I J K L N O P Q R);
