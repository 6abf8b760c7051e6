//! Small servers to read, each with one idea: [`sums`] is the smallest one, [`notes`] has resources that come and go,
//! [`asking`] talks to the person behind the client, [`shop`] has what a service needs around its tools. `src/bin` makes each a program that [`run`] serves.

pub mod asking;
pub mod notes;
mod serving;
pub mod shop;
pub mod sums;

pub use serving::run;
