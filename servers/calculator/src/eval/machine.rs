//! Runs postfix code on a stack of values, one instruction after the other.

use dashu::rational::RBig;

use super::answer::Answer;
use super::arithmetic;
use super::budget::{Budget, Limits};
use super::error::EvalError;
use super::functions::{combinatorics, constants};
use super::parser::{self, Instruction, Operation};
use super::power::power;
use super::value::Value;

/// Evaluates `expression` within `limits`.
///
/// # Errors
/// Returns an [`EvalError`] that says what to write instead when the expression is malformed, has
/// no finite real value, or costs more than the limits allow. Refusals for cost come before the
/// costly step, never after a timeout.
pub fn evaluate(expression: &str, limits: &Limits) -> Result<Answer, EvalError> {
    if expression.len() > limits.max_expression_bytes {
        let (bytes, limit) = (expression.len(), limits.max_expression_bytes);
        return Err(EvalError::TooLong { bytes, limit });
    }
    let mut budget = Budget::new(limits, expression);
    let code = parser::parse(&mut budget)?;
    let value = run(code, &mut budget)?;
    Answer::new(&value, &mut budget)
}

fn run(code: Vec<Instruction>, budget: &mut Budget<'_>) -> Result<Value, EvalError> {
    let mut stack = Stack(Vec::new());
    for Instruction { offset, operation } in code {
        budget.offset = offset;
        budget.charge(1)?;
        let result = match operation {
            Operation::Number(number) => Value::Exact(number),
            Operation::Constant(name) => constants::value(name, budget)?,
            Operation::Negate => arithmetic::negate(stack.pop()),
            Operation::Add => stack.binary(arithmetic::add, budget)?,
            Operation::Subtract => stack.binary(arithmetic::subtract, budget)?,
            Operation::Multiply => stack.binary(arithmetic::multiply, budget)?,
            Operation::Divide => stack.binary(arithmetic::divide, budget)?,
            Operation::Remainder => stack.binary(arithmetic::remainder, budget)?,
            Operation::Power => stack.binary(power, budget)?,
            Operation::Factorial => combinatorics::factorial(&stack.pop(), 1, budget)?,
            Operation::DoubleFactorial => combinatorics::factorial(&stack.pop(), 2, budget)?,
            Operation::Call { function, arguments } => {
                (function.body)(stack.pop_many(arguments), budget)?
            }
        };
        stack.0.push(result);
    }
    Ok(stack.pop())
}

struct Stack(Vec<Value>);

impl Stack {
    /// The parser emits every operand before its operator, so the stack is never empty here;
    /// zero stands in for what cannot happen, because foreign input must not panic.
    fn pop(&mut self) -> Value {
        debug_assert!(!self.0.is_empty());
        self.0.pop().unwrap_or(Value::Exact(RBig::ZERO))
    }

    fn pop_many(&mut self, count: usize) -> Vec<Value> {
        self.0.split_off(self.0.len().saturating_sub(count))
    }

    fn binary(
        &mut self,
        operation: fn(Value, Value, &mut Budget<'_>) -> Result<Value, EvalError>,
        budget: &mut Budget<'_>,
    ) -> Result<Value, EvalError> {
        let right = self.pop();
        let left = self.pop();
        operation(left, right, budget)
    }
}
