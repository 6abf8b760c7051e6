//! What the planner runs of the tables of a statement, which no statement names.
//!
//! PostgreSQL works out what is constant in the expressions of indexes, of partition keys and of extended statistics and in the
//! checks of a table when it plans a statement that reads the table: `CREATE INDEX ON t ((x + f(1)))` has `f(1)` run with the
//! rights of whoever selects from `t`. It does so for functions that are declared IMMUTABLE only, and only with constant arguments;
//! functions in SQL are put in place of their calls before, so that their bodies count whatever they are called with.
//!
//! It does not refuse a function that is called with a column: of compiled extensions, many an index has one.

use super::catalogue::Function;
use super::fields::{self, Role};
use super::tree::{Node, Value};
use super::walk::{self, Objection, Uses};

/// How a statement comes to a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// It runs with the statement.
    Called,
    /// Its call may be worked out while the statement is planned.
    Folded,
    /// Its body may be put in place of its call, and be worked out then.
    Inlined,
}

impl Reach {
    /// Whether a function that is reached like this can run.
    pub(super) fn runs(self, function: &Function) -> bool {
        let immutable = function.volatility == "i";
        match self {
            Self::Called => true,
            Self::Folded => immutable,
            Self::Inlined => immutable && function.language == "sql" && !function.is_system(),
        }
    }
}

/// Nodes that call a function or an operator with `args`.
const CALLS: &[&str] = &["FUNCEXPR", "OPEXPR", "DISTINCTEXPR", "NULLIFEXPR", "SCALARARRAYOPEXPR"];

/// The functions and operators of an expression by how the planner may come to them.
pub(super) fn collect(tree: &Value<'_>) -> Result<[(Reach, Uses); 2], Objection> {
    // Refuses what is not known.
    walk::collect(tree, &mut Uses::default())?;
    let (mut folded, mut inlined) = (Uses::default(), Uses::default());
    sort(tree, &mut folded, &mut inlined)?;
    Ok([(Reach::Folded, folded), (Reach::Inlined, inlined)])
}

fn sort(value: &Value<'_>, folded: &mut Uses, inlined: &mut Uses) -> Result<(), Objection> {
    match value {
        Value::Nothing | Value::Token(_) | Value::Datum => Ok(()),
        Value::List(values) => values.iter().try_for_each(|value| sort(value, folded, inlined)),
        Value::Node(node) => {
            let uses = if takes_a_column(node) { &mut *inlined } else { &mut *folded };
            for (name, value) in &node.fields {
                match fields::role(node.tag, name) {
                    Some(Role::Function) => walk::oids(value, &mut uses.functions)?,
                    Some(Role::Operator) => walk::oids(value, &mut uses.operators)?,
                    _ => {}
                }
            }
            node.fields.iter().try_for_each(|(_, value)| sort(value, folded, inlined))
        }
    }
}

/// Whether a call has a column itself for an argument, so that it is never constant.
fn takes_a_column(node: &Node<'_>) -> bool {
    match node.field("args") {
        Some(Value::List(arguments)) if CALLS.contains(&node.tag) => {
            arguments.iter().any(is_column)
        }
        _ => false,
    }
}

fn is_column(value: &Value<'_>) -> bool {
    match value {
        Value::Node(node) if node.tag == "VAR" => true,
        Value::Node(node) if matches!(node.tag, "RELABELTYPE" | "COLLATEEXPR") => {
            node.field("arg").is_some_and(is_column)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::read;
    use super::*;

    #[track_caller]
    fn check(text: &str, folded: &[u32], inlined: &[u32]) {
        let found = collect(&read(text).unwrap()).unwrap();
        let oids = |uses: &Uses| uses.functions.iter().copied().collect::<Vec<_>>();
        assert_eq!(oids(&found[0].1), folded, "{text}");
        assert_eq!(oids(&found[1].1), inlined, "{text}");
    }

    #[test]
    fn calls_with_a_column_are_told_from_calls_that_may_be_constant() {
        check("{FUNCEXPR :funcid 7 :args ({CONST :constlen 4})}", &[7], &[]);
        check("{FUNCEXPR :funcid 7 :args <>}", &[7], &[]);
        check("{FUNCEXPR :funcid 7 :args ({VAR :varno 1})}", &[], &[7]);
        check("{FUNCEXPR :funcid 7 :args ({RELABELTYPE :arg {VAR :varno 1}})}", &[], &[7]);
        // COALESCE(1, column) is 1, which makes the call around it constant.
        let coalesce = "{COALESCEEXPR :args ({CONST :constlen 4} {VAR :varno 1})}";
        check(&format!("{{FUNCEXPR :funcid 7 :args ({coalesce})}}"), &[7], &[]);
        check(
            "({OPEXPR :opfuncid 1 :args ({VAR :varno 1} {FUNCEXPR :funcid 2 :args <>})})",
            &[2],
            &[1],
        );
    }

    #[test]
    fn an_unknown_node_is_refused() {
        assert!(collect(&read("{NEWNODE :funcid 7}").unwrap()).is_err());
    }
}
