//! Why an expression was refused, in words that tell the reader what to write instead.
//!
//! Messages never repeat the input beyond one character or one shortened name: the input may be
//! long, and may hold characters that deceive a terminal.

use thiserror::Error;

/// Why an expression has no answer.
///
/// Columns count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvalError {
    /// There is nothing to evaluate.
    #[error("the expression is empty; write one such as 2 + 2")]
    Empty,
    /// The text is longer than the limit.
    #[error("the expression has {bytes} bytes and the limit is {limit}; split it into steps")]
    TooLong {
        /// Length of the expression.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// Parentheses, signs, calls or powers are nested too deeply.
    #[error("nesting at column {column} is deeper than {limit} levels; split it into steps")]
    TooDeep {
        /// Where the limit was passed.
        column: usize,
        /// The limit in force.
        limit: usize,
    },
    /// A character that no expression contains.
    #[error("unexpected {found} at column {column}; {hint}")]
    UnexpectedCharacter {
        /// Where the character is.
        column: usize,
        /// The character in quotes, or its code point where it is not plain ASCII.
        found: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// A number that is not written as one.
    #[error("malformed number at column {column}: {hint}")]
    MalformedNumber {
        /// Where the number starts.
        column: usize,
        /// What to write instead.
        hint: &'static str,
    },
    /// Tokens in an order that has no meaning.
    #[error("syntax error at column {column}: {hint}")]
    Syntax {
        /// Where the order breaks.
        column: usize,
        /// What was expected, and what to write.
        hint: &'static str,
    },
    /// A function or constant that does not exist.
    #[error("unknown {what} '{name}' at column {column}; {hint}")]
    UnknownName {
        /// Where the name starts.
        column: usize,
        /// `function` or `constant`.
        what: &'static str,
        /// The name, shortened.
        name: String,
        /// The closest name that exists, or what does exist.
        hint: String,
    },
    /// A function called with the wrong number of arguments.
    #[error("{function} at column {column} takes {expected}, not {found}")]
    WrongArity {
        /// Where the function's name starts.
        column: usize,
        /// The function.
        function: &'static str,
        /// The number of arguments that it takes, in words.
        expected: String,
        /// The number of arguments given.
        found: usize,
    },
    /// A division or a remainder by zero, or zero to a negative power.
    #[error("division by zero at column {column}; make sure that the divisor is not 0")]
    DivisionByZero {
        /// Where the operator or function is.
        column: usize,
    },
    /// An argument for which the function has no real and finite value.
    #[error("{function} at column {column}: {reason}")]
    Domain {
        /// Where the operator or function is.
        column: usize,
        /// The operator or function.
        function: &'static str,
        /// What it accepts.
        reason: &'static str,
    },
    /// A number, possibly an intermediate one, that is larger than the limit.
    #[error(
        "the number computed at column {column} would need more than {limit_bits} bits \
         (about {limit_digits} digits); use smaller numbers"
    )]
    TooLarge {
        /// Where the operator, function or literal is.
        column: usize,
        /// The limit in force.
        limit_bits: usize,
        /// The same limit in decimal digits.
        limit_digits: usize,
    },
    /// The exact result is longer than may be shown.
    #[error(
        "the exact result has more than {limit} digits; wrap the expression in approx(...) \
         for an approximation"
    )]
    TooManyDigits {
        /// The limit in force.
        limit: usize,
    },
    /// The expression costs more than its budget.
    #[error(
        "the expression needs more than {limit} units of work, reached at column {column}; \
         use smaller numbers or split it into steps"
    )]
    TooMuchWork {
        /// Where the budget ran out.
        column: usize,
        /// The limit in force.
        limit: u64,
    },
}

impl EvalError {
    /// The column to point at, counted in characters from 1, where the error has a place.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        match self {
            Self::Empty | Self::TooLong { .. } | Self::TooManyDigits { .. } => None,
            Self::TooDeep { column, .. }
            | Self::UnexpectedCharacter { column, .. }
            | Self::MalformedNumber { column, .. }
            | Self::Syntax { column, .. }
            | Self::UnknownName { column, .. }
            | Self::WrongArity { column, .. }
            | Self::DivisionByZero { column }
            | Self::Domain { column, .. }
            | Self::TooLarge { column, .. }
            | Self::TooMuchWork { column, .. } => Some(*column),
        }
    }
}
