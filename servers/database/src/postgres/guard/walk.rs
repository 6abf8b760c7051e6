//! Collects what an analysed statement uses, and refuses statements that do more than read, or than change rows of one table.
//!
//! Every node and every field must be one that [`fields`] knows: a node or a field of a future version that this program
//! does not know may run something, so that its statement is refused.

use std::collections::BTreeSet;

use super::fields::{self, Role};
use super::tree::{Node, NotUnderstood, Value, unescape};

/// What a statement uses, by OID.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Uses {
    pub(crate) functions: BTreeSet<u32>,
    pub(crate) operators: BTreeSet<u32>,
    pub(crate) types: BTreeSet<u32>,
    pub(crate) relations: BTreeSet<u32>,
    /// Names of columns, which could begin to mean a function when a schema changes.
    pub(crate) names: BTreeSet<String>,
    /// Whether a column of [`ANYARRAY`] is a column of a result as it stands.
    pub(crate) shows_any_array: bool,
}

/// The type under which `pg_stats` shows values of any type. Shown, they are only written; converted or compared they are what they are.
pub(crate) const ANYARRAY: u32 = 2277;

/// Why a tree is no statement that only reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Objection {
    /// The statement does something other than read.
    #[error("{0}")]
    Does(&'static str),
    /// A part of it is not known.
    #[error("the statement has a part that the guard does not know ({0})")]
    Unknown(String),
    /// Its text is not understood.
    #[error(transparent)]
    Text(#[from] NotUnderstood),
}

/// Fields of a query that must hold nothing, and what they would mean.
const MUST_BE_NOTHING: &[(&str, &str)] = &[
    ("utilityStmt", "a command that is no query"),
    ("onConflict", "ON CONFLICT"),
    ("returningList", "RETURNING"),
    ("rowMarks", "FOR UPDATE or FOR SHARE, which locks rows"),
    ("withCheckOptions", "a WITH CHECK OPTION"),
    ("mergeActionList", "MERGE"),
];

/// Range table entries: relation, subquery, join, function, table function, VALUES, CTE, empty FROM, GROUP BY (18).
const RANGE_TABLE_KINDS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "8", "9"];

/// Adds what a tree uses.
pub(crate) fn collect(tree: &Value<'_>, uses: &mut Uses) -> Result<(), Objection> {
    match tree {
        Value::Nothing | Value::Token(_) | Value::Datum => Ok(()),
        Value::List(values) => values.iter().try_for_each(|value| collect(value, uses)),
        Value::Node(node) => collect_node(node, uses),
    }
}

/// Adds what a tree uses that is one INSERT, UPDATE or DELETE, and tells the table that it changes. Everything inside may only read.
pub(crate) fn collect_change(tree: &Value<'_>, uses: &mut Uses) -> Result<u32, Objection> {
    let query = only_query(tree)?;
    match query.field("commandType") {
        Some(Value::Token("2" | "3" | "4")) => {}
        Some(Value::Token("1")) => return Err(Objection::Does("a statement that changes no rows")),
        Some(Value::Token("5")) => return Err(Objection::Does("MERGE")),
        _ => return Err(Objection::Does("a command that changes more than rows")),
    }
    check_parts(query, |field| field == "onConflict")?;
    let target = target(query)?;
    collect_fields(query, uses)?;
    Ok(target)
}

/// The only statement of a function's body, which is a list of lists.
fn only_query<'t, 'a>(tree: &'t Value<'a>) -> Result<&'t Node<'a>, NotUnderstood> {
    let mut value = tree;
    loop {
        value = match value {
            Value::List(values) => match values.as_slice() {
                [only] => only,
                _ => return Err(NotUnderstood("it is not one statement")),
            },
            Value::Node(query) if query.tag == "QUERY" => return Ok(query),
            _ => return Err(NotUnderstood("it is no statement")),
        }
    }
}

/// The table that a statement changes: the entry of its range table that `resultRelation` counts to, from 1.
fn target(query: &Node<'_>) -> Result<u32, NotUnderstood> {
    const WRONG: NotUnderstood = NotUnderstood("what it changes is no table");
    let (Some(Value::Token(position)), Some(Value::List(entries))) =
        (query.field("resultRelation"), query.field("rtable"))
    else {
        return Err(WRONG);
    };
    let index = position.parse::<usize>().ok().and_then(|position| position.checked_sub(1));
    let Some(Value::Node(entry)) = index.and_then(|index| entries.get(index)) else {
        return Err(WRONG);
    };
    match (entry.field("rtekind"), entry.field("relid")) {
        (Some(Value::Token("0")), Some(Value::Token(oid))) if entry.tag == "RANGETBLENTRY" => {
            oid.parse().ok().filter(|oid| *oid != 0).ok_or(WRONG)
        }
        _ => Err(WRONG),
    }
}

fn collect_node(node: &Node<'_>, uses: &mut Uses) -> Result<(), Objection> {
    match node.tag {
        "QUERY" => check_query(node)?,
        "RANGETBLENTRY" => check_range_table_entry(node)?,
        "ROWMARKCLAUSE" => {
            return Err(Objection::Does("FOR UPDATE or FOR SHARE, which locks rows"));
        }
        "NEXTVALUEEXPR" => return Err(Objection::Does("a step of a sequence")),
        "CURRENTOFEXPR" => return Err(Objection::Does("WHERE CURRENT OF")),
        "TARGETENTRY" if shows_any_array(node) && !uses.types.contains(&ANYARRAY) => {
            collect_fields(node, uses)?;
            uses.types.remove(&ANYARRAY);
            uses.shows_any_array = true;
            return Ok(());
        }
        tag if !fields::is_known(tag) => return Err(unknown(tag)),
        _ => {}
    }
    collect_fields(node, uses)
}

fn shows_any_array(entry: &Node<'_>) -> bool {
    let Some(Value::Node(shown)) = entry.field("expr") else { return false };
    shown.tag == "VAR"
        && matches!(shown.field("vartype"), Some(Value::Token(oid)) if oid.parse() == Ok(ANYARRAY))
}

fn collect_fields(node: &Node<'_>, uses: &mut Uses) -> Result<(), Objection> {
    for (name, value) in &node.fields {
        match fields::role(node.tag, name)
            .ok_or_else(|| unknown(&format!("{}.{name}", node.tag)))?
        {
            Role::Plain => collect(value, uses)?,
            Role::Function => oids(value, &mut uses.functions)?,
            Role::Operator => oids(value, &mut uses.operators)?,
            Role::Type => oids(value, &mut uses.types)?,
            Role::Relation => oids(value, &mut uses.relations)?,
            Role::Names => names(value, &mut uses.names)?,
        }
    }
    Ok(())
}

fn check_query(query: &Node<'_>) -> Result<(), Objection> {
    match query.field("commandType") {
        Some(Value::Token("1")) => {}
        Some(Value::Token("2")) => return Err(Objection::Does("UPDATE")),
        Some(Value::Token("3")) => return Err(Objection::Does("INSERT")),
        Some(Value::Token("4")) => return Err(Objection::Does("DELETE")),
        Some(Value::Token("5")) => return Err(Objection::Does("MERGE")),
        _ => return Err(Objection::Does("a command that is no query")),
    }
    check_parts(query, |_| false)?;
    match query.field("resultRelation") {
        Some(Value::Token("0")) => Ok(()),
        _ => Err(Objection::Does("a target of changes")),
    }
}

/// Refuses the parts of a statement that do something, but for those that are excepted.
fn check_parts(query: &Node<'_>, excepted: impl Fn(&str) -> bool) -> Result<(), Objection> {
    for (field, meaning) in MUST_BE_NOTHING.iter().filter(|(field, _)| !excepted(field)) {
        match query.field(field) {
            None | Some(Value::Nothing) => {}
            Some(Value::List(list)) if list.is_empty() => {}
            Some(_) => return Err(Objection::Does(meaning)),
        }
    }
    for (field, meaning) in [
        ("hasModifyingCTE", "a WITH clause that changes data"),
        ("hasForUpdate", "FOR UPDATE or FOR SHARE, which locks rows"),
    ] {
        if query.field(field) != Some(&Value::Token("false")) {
            return Err(Objection::Does(meaning));
        }
    }
    Ok(())
}

fn check_range_table_entry(entry: &Node<'_>) -> Result<(), Objection> {
    match entry.field("rtekind") {
        Some(Value::Token(kind)) if RANGE_TABLE_KINDS.contains(kind) => Ok(()),
        _ => Err(unknown("RANGETBLENTRY.rtekind")),
    }
}

fn unknown(what: &str) -> Objection {
    Objection::Unknown(what.chars().take(80).collect())
}

/// The OIDs of a number or a list of numbers; 0 stands for none.
pub(super) fn oids(value: &Value<'_>, found: &mut BTreeSet<u32>) -> Result<(), Objection> {
    match value {
        Value::Nothing => Ok(()),
        Value::List(values) => values.iter().try_for_each(|value| oids(value, found)),
        Value::Token(token) => {
            let oid = token.parse().map_err(|_| NotUnderstood("an OID is no number"))?;
            if oid != 0 {
                found.insert(oid);
            }
            Ok(())
        }
        Value::Node(_) | Value::Datum => Err(NotUnderstood("an OID is no number").into()),
    }
}

fn names(value: &Value<'_>, found: &mut BTreeSet<String>) -> Result<(), Objection> {
    match value {
        Value::Nothing => Ok(()),
        Value::List(values) => values.iter().try_for_each(|value| names(value, found)),
        Value::Token(token) => {
            found.insert(unescape(token));
            Ok(())
        }
        Value::Node(_) | Value::Datum => Err(NotUnderstood("a name is no text").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::read;
    use super::*;

    const QUERY: &str =
        "{QUERY :commandType 1 :resultRelation 0 :hasModifyingCTE false :hasForUpdate false ";

    #[track_caller]
    fn check(text: &str, expected: Result<&[u32], &str>) {
        let mut uses = Uses::default();
        let collected = collect(&read(text).unwrap(), &mut uses);
        match expected {
            Ok(functions) => {
                assert_eq!(collected, Ok(()));
                assert_eq!(uses.functions.into_iter().collect::<Vec<_>>(), functions);
            }
            Err(part) => {
                let error = collected.unwrap_err().to_string();
                assert!(error.contains(part), "{error}");
            }
        }
    }

    #[test]
    fn only_plain_queries_pass() {
        check(&format!("{QUERY} :targetList ({{FUNCEXPR :funcid 7}})}}"), Ok(&[7]));
        check(&format!("{}}}", QUERY.replace("commandType 1", "commandType 4")), Err("DELETE"));
        check(&format!("{QUERY} :rowMarks ({{ROWMARKCLAUSE :rti 1}})}}"), Err("FOR UPDATE"));
        check(&format!("{QUERY} :utilityStmt {{NOTIFYSTMT}}}}"), Err("no query"));
        check("{QUERY :commandType 1}", Err("WITH clause that changes"));
    }

    #[test]
    fn a_change_names_its_table_and_only_reads_inside() {
        let change = |query: &str| {
            let mut uses = Uses::default();
            collect_change(&read(query).unwrap(), &mut uses).map_err(|error| error.to_string())
        };
        let tables =
            ":rtable ({RANGETBLENTRY :rtekind 0 :relid 8} {RANGETBLENTRY :rtekind 0 :relid 9})";
        let delete =
            QUERY.replace("commandType 1 :resultRelation 0", "commandType 4 :resultRelation 2");
        assert_eq!(change(&format!("(({delete} {tables}}}))")), Ok(9));
        assert_eq!(
            change(&format!("{delete} {tables} :onConflict {{ONCONFLICTEXPR :action 1}}}}")),
            Ok(9)
        );
        for (query, part) in [
            (format!("{delete} {tables} :returningList ({{TARGETENTRY :resno 1}})}}"), "RETURNING"),
            (
                format!("{delete} {tables} :cteList ({{COMMONTABLEEXPR :ctequery {delete}}}}})}}"),
                "DELETE",
            ),
            (format!("{} {tables}}}", delete.replace("CTE false", "CTE true")), "WITH clause"),
            (format!("{} {tables}}}", delete.replace("Type 4", "Type 5")), "MERGE"),
            (format!("{} {tables}}}", delete.replace("Type 4", "Type 6")), "more than rows"),
            (format!("{QUERY} {tables}}}"), "changes no rows"),
            (format!("{} {tables}}}", delete.replace("Relation 2", "Relation 0")), "no table"),
            (format!("{} {tables}}}", delete.replace("Relation 2", "Relation 3")), "no table"),
            (
                format!(
                    "{delete} :rtable ({{RANGETBLENTRY :rtekind 0 :relid 1}} {{RANGETBLENTRY :rtekind 1}})}}"
                ),
                "no table",
            ),
            (format!("({delete} {tables}}} {delete} {tables}}})"), "not one statement"),
        ] {
            let refused = change(&query).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn an_unknown_node_field_or_kind_is_refused() {
        check("{MERGESUPPORTFUNC :x 1}", Err("MERGESUPPORTFUNC"));
        check("{FUNCEXPR :funcid 7 :otherfuncid 9}", Err("FUNCEXPR.otherfuncid"));
        check("{RANGETBLENTRY :rtekind 7}", Err("rtekind"));
        check("{FUNCEXPR :funcid x}", Err("OID"));
        check("{FUNCEXPR :funcid {CONST}}", Err("OID"));
    }

    #[test]
    fn functions_are_found_in_lists_and_nested_nodes() {
        check(
            "({OPEXPR :opfuncid 1 :args ({AGGREF :aggfnoid 2} ({WINDOWFUNC :winfnoid 3}))})",
            Ok(&[1, 2, 3]),
        );
        check("{FUNCEXPR :funcid 0}", Ok(&[]));
    }
}
