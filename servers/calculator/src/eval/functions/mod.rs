//! The functions that an expression can call, in one table: name, arguments, body.

pub(super) mod combinatorics;
pub(super) mod constants;
mod logarithms;
mod numeric;
mod trigonometry;

use super::budget::Budget;
use super::error::EvalError;
use super::value::Value;

type Body = fn(Vec<Value>, &mut Budget<'_>) -> Result<Value, EvalError>;

/// One function of the calculator. The parser checks the number of arguments, so a body may rely
/// on it.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) min_arguments: usize,
    pub(super) max_arguments: usize,
    pub(super) body: Body,
}

impl Function {
    pub(super) fn arity_in_words(&self) -> String {
        match (self.min_arguments, self.max_arguments) {
            (1, 1) => "1 argument".to_owned(),
            (min, usize::MAX) => {
                format!("at least {min} argument{}", if min == 1 { "" } else { "s" })
            }
            (min, max) if min == max => format!("{min} arguments"),
            (min, max) => format!("{min} to {max} arguments"),
        }
    }
}

const fn fixed(name: &'static str, arguments: usize, body: Body) -> Function {
    Function { name, min_arguments: arguments, max_arguments: arguments, body }
}

const fn optional(name: &'static str, min: usize, max: usize, body: Body) -> Function {
    Function { name, min_arguments: min, max_arguments: max, body }
}

const fn many(name: &'static str, body: Body) -> Function {
    Function { name, min_arguments: 1, max_arguments: usize::MAX, body }
}

static FUNCTIONS: &[Function] = &[
    fixed("abs", 1, numeric::abs),
    fixed("sign", 1, numeric::sign),
    fixed("floor", 1, numeric::floor),
    fixed("ceil", 1, numeric::ceil),
    optional("round", 1, 2, numeric::round),
    fixed("trunc", 1, numeric::trunc),
    fixed("approx", 1, numeric::approx),
    fixed("mod", 2, numeric::modulo),
    fixed("pow", 2, numeric::pow),
    fixed("sqrt", 1, numeric::sqrt),
    fixed("cbrt", 1, numeric::cbrt),
    fixed("root", 2, numeric::root),
    many("hypot", numeric::hypot),
    many("min", numeric::min),
    many("max", numeric::max),
    many("sum", numeric::sum),
    many("mean", numeric::mean),
    many("avg", numeric::mean),
    many("median", numeric::median),
    fixed("exp", 1, logarithms::exp),
    fixed("ln", 1, logarithms::ln),
    optional("log", 1, 2, logarithms::log),
    fixed("log2", 1, logarithms::log2),
    fixed("log10", 1, logarithms::log10),
    fixed("sin", 1, trigonometry::sin),
    fixed("cos", 1, trigonometry::cos),
    fixed("tan", 1, trigonometry::tan),
    fixed("asin", 1, trigonometry::asin),
    fixed("acos", 1, trigonometry::acos),
    fixed("atan", 1, trigonometry::atan),
    fixed("atan2", 2, trigonometry::atan2),
    fixed("sinh", 1, logarithms::sinh),
    fixed("cosh", 1, logarithms::cosh),
    fixed("tanh", 1, logarithms::tanh),
    fixed("asinh", 1, logarithms::asinh),
    fixed("acosh", 1, logarithms::acosh),
    fixed("atanh", 1, logarithms::atanh),
    fixed("deg", 1, trigonometry::deg),
    fixed("rad", 1, trigonometry::rad),
    many("gcd", combinatorics::gcd),
    many("lcm", combinatorics::lcm),
    fixed("factorial", 1, combinatorics::factorial_call),
    fixed("comb", 2, combinatorics::comb),
    fixed("nCr", 2, combinatorics::comb),
    fixed("perm", 2, combinatorics::perm),
    fixed("nPr", 2, combinatorics::perm),
];

pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// The names of all functions, for descriptions and suggestions.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

/// Takes the arguments of a function of fixed arity.
pub(super) fn take<const N: usize>(
    arguments: Vec<Value>,
    budget: &Budget<'_>,
) -> Result<[Value; N], EvalError> {
    // The parser has checked the count; the error only exists so that nothing can panic.
    arguments.try_into().map_err(|_| budget.domain("function", "wrong number of arguments"))
}
