//! A Pratt parser that writes postfix code instead of building a tree.
//!
//! The code is a flat list: it is run by a loop and dropped by a loop, so a long or lopsided
//! expression cannot overflow the stack. Only the parser itself recurses, and counts its levels.
//!
//! From loosest to tightest: `+ -`, then `* / % mod`, then the sign, then `^` (right to left),
//! then `!`. The sign binds looser than the power: `-2^2` is `-4`.

use dashu::rational::RBig;

use super::budget::Budget;
use super::error::EvalError;
use super::functions::{self, Function};
use super::lexer::{Lexer, Token, TokenKind};
use super::literal;

/// One step of the stack machine and the byte offset that an error points at.
#[derive(Debug)]
pub(super) struct Instruction {
    pub(super) offset: usize,
    pub(super) operation: Operation,
}

#[derive(Debug)]
pub(super) enum Operation {
    Number(RBig),
    Constant(&'static str),
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    Factorial,
    DoubleFactorial,
    Call { function: &'static Function, arguments: usize },
}

/// The constants that an expression may name.
pub const CONSTANT_NAMES: [&str; 4] = ["e", "phi", "pi", "tau"];

const SUM: u8 = 10;
const PRODUCT: u8 = 20;
const SIGN: u8 = 30;
const POWER: u8 = 40;

/// Names are echoed up to this length.
const SHOWN_NAME_BYTES: usize = 24;

pub(super) fn parse(budget: &mut Budget<'_>) -> Result<Vec<Instruction>, EvalError> {
    let mut lexer = Lexer::new(budget.source());
    let next = lexer.next(budget)?;
    if next.kind == TokenKind::End {
        return Err(EvalError::Empty);
    }
    let mut parser = Parser { lexer, next, budget, code: Vec::new(), depth: 0, calls: 0 };
    parser.expression(0)?;
    if parser.next.kind == TokenKind::End {
        Ok(parser.code)
    } else {
        Err(parser.unexpected_after_operand())
    }
}

struct Parser<'p, 'a> {
    lexer: Lexer<'a>,
    next: Token<'a>,
    budget: &'p mut Budget<'a>,
    code: Vec<Instruction>,
    depth: usize,
    /// Calls that are open, to tell a misplaced comma from a thousands separator.
    calls: usize,
}

impl<'a> Parser<'_, 'a> {
    fn advance(&mut self) -> Result<Token<'a>, EvalError> {
        let following = self.lexer.next(self.budget)?;
        Ok(std::mem::replace(&mut self.next, following))
    }

    fn emit(&mut self, offset: usize, operation: Operation) {
        self.code.push(Instruction { offset, operation });
    }

    fn syntax(&self, offset: usize, hint: &'static str) -> EvalError {
        EvalError::Syntax { column: self.budget.column_at(offset), hint }
    }

    /// Parses operators that bind at least as tightly as `minimum`.
    fn expression(&mut self, minimum: u8) -> Result<(), EvalError> {
        self.depth += 1;
        let limit = self.budget.max_depth();
        if self.depth > limit {
            let column = self.budget.column_at(self.next.offset);
            return Err(EvalError::TooDeep { column, limit });
        }
        self.operand()?;
        loop {
            let (strength, operation) = match self.next.kind {
                TokenKind::Sign('!') => {
                    self.factorial()?;
                    continue;
                }
                TokenKind::Sign('+') => (SUM, Operation::Add),
                TokenKind::Sign('-') => (SUM, Operation::Subtract),
                TokenKind::Sign('*') => (PRODUCT, Operation::Multiply),
                TokenKind::Sign('/') => (PRODUCT, Operation::Divide),
                TokenKind::Sign('%') | TokenKind::Name("mod") => (PRODUCT, Operation::Remainder),
                TokenKind::Sign('^') => (POWER, Operation::Power),
                _ => break,
            };
            if strength < minimum {
                break;
            }
            let offset = self.advance()?.offset;
            // A power takes another power on its right; the others group from the left.
            self.expression(if strength == POWER { POWER } else { strength + 1 })?;
            self.emit(offset, operation);
        }
        self.depth -= 1;
        Ok(())
    }

    fn operand(&mut self) -> Result<(), EvalError> {
        let Token { offset, kind } = self.advance()?;
        match kind {
            TokenKind::Number(text) => {
                self.budget.offset = offset;
                let number = literal::parse(text, self.budget)?;
                self.emit(offset, Operation::Number(number));
                Ok(())
            }
            TokenKind::Name(name) if self.next.kind == TokenKind::Sign('(') => {
                self.call(offset, name)
            }
            TokenKind::Name(name) => self.constant(offset, name),
            TokenKind::Sign('(') => {
                self.expression(0)?;
                self.close(offset)
            }
            TokenKind::Sign('-') => {
                self.expression(SIGN)?;
                self.emit(offset, Operation::Negate);
                Ok(())
            }
            TokenKind::Sign('+') => self.expression(SIGN),
            TokenKind::Sign(')') => {
                Err(self.syntax(offset, "expected a number before ')'; check the parentheses"))
            }
            TokenKind::Sign('/') => {
                let hint = "expected a number before '/'; for a whole quotient write floor(a / b)";
                Err(self.syntax(offset, hint))
            }
            TokenKind::Sign(',') => Err(self.syntax(offset, "expected a number before ','")),
            TokenKind::Sign(_) => {
                Err(self.syntax(offset, "expected a number, a function or '(' before the operator"))
            }
            TokenKind::End => Err(self.syntax(
                offset,
                "the expression ends too early; add the missing number \
                     (a trailing '%' is the remainder: write 50/100 for 50 percent)",
            )),
        }
    }

    fn close(&mut self, opened_at: usize) -> Result<(), EvalError> {
        match self.next.kind {
            TokenKind::Sign(')') => self.advance().map(drop),
            TokenKind::End => Err(self.syntax(opened_at, "this '(' is never closed; add ')'")),
            _ => Err(self.unexpected_after_operand()),
        }
    }

    fn factorial(&mut self) -> Result<(), EvalError> {
        let offset = self.advance()?.offset;
        if self.next.kind != TokenKind::Sign('!') {
            self.emit(offset, Operation::Factorial);
            return Ok(());
        }
        self.advance()?;
        if self.next.kind == TokenKind::Sign('!') {
            let hint = "n! and n!! (double factorial) exist, n!!! does not; write (n!)! to repeat";
            return Err(self.syntax(self.next.offset, hint));
        }
        self.emit(offset, Operation::DoubleFactorial);
        Ok(())
    }

    fn call(&mut self, offset: usize, name: &str) -> Result<(), EvalError> {
        let Some(function) = functions::find(name) else {
            return Err(self.unknown_function(offset, name));
        };
        let opened_at = self.advance()?.offset;
        self.calls += 1;
        let mut arguments = 0;
        if self.next.kind != TokenKind::Sign(')') {
            loop {
                self.expression(0)?;
                arguments += 1;
                if self.next.kind != TokenKind::Sign(',') {
                    break;
                }
                self.advance()?;
            }
        }
        self.close(opened_at)?;
        self.calls -= 1;
        if arguments < function.min_arguments || arguments > function.max_arguments {
            return Err(EvalError::WrongArity {
                column: self.budget.column_at(offset),
                function: function.name,
                expected: function.arity_in_words(),
                found: arguments,
            });
        }
        self.emit(offset, Operation::Call { function, arguments });
        Ok(())
    }

    fn constant(&mut self, offset: usize, name: &str) -> Result<(), EvalError> {
        if let Some(constant) = CONSTANT_NAMES.iter().find(|constant| **constant == name) {
            self.emit(offset, Operation::Constant(constant));
            return Ok(());
        }
        if let Some(function) = functions::find(name) {
            return Err(EvalError::UnknownName {
                column: self.budget.column_at(offset),
                what: "constant",
                name: shorten(name),
                hint: format!("it is a function: write {}(...)", function.name),
            });
        }
        let known = CONSTANT_NAMES.into_iter().chain(functions::function_names());
        let hint = suggestion(name, known)
            .unwrap_or_else(|| format!("the constants are {}", CONSTANT_NAMES.join(", ")));
        let column = self.budget.column_at(offset);
        Err(EvalError::UnknownName { column, what: "constant", name: shorten(name), hint })
    }

    fn unknown_function(&self, offset: usize, name: &str) -> EvalError {
        let hint = if CONSTANT_NAMES.contains(&name) {
            format!("{name} is a constant: write {name} * (...)")
        } else {
            suggestion(name, functions::function_names()).unwrap_or_else(|| {
                let names: Vec<_> = functions::function_names().collect();
                format!("the functions are {}", names.join(", "))
            })
        };
        let column = self.budget.column_at(offset);
        EvalError::UnknownName { column, what: "function", name: shorten(name), hint }
    }

    /// The error for a token that cannot follow a complete operand.
    fn unexpected_after_operand(&self) -> EvalError {
        let hint = match self.next.kind {
            TokenKind::Number(_) | TokenKind::Name(_) | TokenKind::Sign('(') => {
                "multiplication is never implied; write '*' between the factors"
            }
            TokenKind::Sign(')') => "this ')' closes nothing; remove it or add '('",
            TokenKind::Sign(',') if self.calls == 0 => {
                "commas only separate arguments; write 1000 or 1_000, and 0.5 for a decimal"
            }
            _ => "expected an operator or ')'",
        };
        self.syntax(self.next.offset, hint)
    }
}

fn suggestion(name: &str, known: impl Iterator<Item = &'static str>) -> Option<String> {
    // A long name resembles nothing, and comparing it would be wasted work.
    if name.len() > SHOWN_NAME_BYTES {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    known
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 2 && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("did you mean '{candidate}'?"))
}

fn shorten(name: &str) -> String {
    // Names are ASCII, so every byte is a character boundary.
    if name.len() <= SHOWN_NAME_BYTES {
        name.to_owned()
    } else {
        format!("{}...", &name[..SHOWN_NAME_BYTES])
    }
}
