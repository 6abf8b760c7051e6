//! Evaluates arithmetic exactly where it can be exact, and says so where it cannot.
//!
//! The way of an expression: [`evaluate`] checks its length, the lexer cuts it into tokens, a
//! Pratt parser turns the tokens into a flat program in postfix order, and a stack machine runs
//! the program against a budget. Nothing here recurses over the result of parsing, so that no
//! input can overflow the stack, and every operation on large numbers is charged before it is
//! carried out, so that no input can keep a processor busy.
//!
//! Integers and fractions are exact: `0.1 + 0.2` is `0.3`. Multiples of pi stay symbolic, so that
//! `sin(pi)` is 0 and `deg(atan(1))` is 45. Everything else that is irrational is carried with
//! 256 bits and shown with 15 significant digits, marked as inexact.
//!
//! It refuses, on purpose: variables, assignments, comparisons, complex numbers, infinities,
//! implicit multiplication (`2pi`), and anything that the budget does not cover.
//!
//! ```
//! use wharf_calculator::eval::{Limits, evaluate};
//!
//! let answer = evaluate("1/3 + 1/6", &Limits::default())?;
//! assert_eq!(answer.value, "0.5");
//! assert!(answer.exact);
//! # Ok::<(), wharf_calculator::eval::EvalError>(())
//! ```

mod answer;
mod arithmetic;
mod budget;
mod error;
mod functions;
mod lexer;
mod literal;
mod machine;
mod parser;
mod power;
mod real;
mod value;

#[cfg(test)]
mod tests;

pub use answer::{Answer, Kind};
pub use budget::Limits;
pub use error::EvalError;
pub use functions::function_names;
pub use machine::evaluate;
pub use parser::CONSTANT_NAMES;
