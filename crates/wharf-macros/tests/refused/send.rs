//! A future that stays on its thread.

use std::rc::Rc;
use wharf::tool;

#[tool]
async fn local(a: u8) -> String {
//~^ future cannot be sent between threads safely
//~| future returned by `local` is not `Send`
//~| future is not `Send` as this value is used across an await
//~| can't handle a call
//~| a handler is an async function (or a closure that returns a future) whose parameters all implement `FromCall` (`Args<T>`, `State<T>`, `Caller`, `Progress`, `Ask`, `Cancel`, …) and whose future is `Send`
    let counted = Rc::new(a);
    std::future::ready(()).await;
    counted.to_string()
}

fn main() {}
