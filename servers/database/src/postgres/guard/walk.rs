//! Collects what an analysed statement uses, and refuses statements that do more than read.
//!
//! Every node must be one of [`TAGS`] and every field one of [`FIELDS`]: a node or a field of a future version that this program
//! does not know may run something, so that its statement is refused.
//!
//! The lists were made from PostgreSQL's `primnodes.h` and `parsenodes.h` (14 to 18).

use std::collections::BTreeSet;

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
}

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

#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// A number, name or flag that runs nothing, or nodes to walk into.
    Plain,
    Function,
    Operator,
    Type,
    Relation,
    Names,
}

/// The nodes of statements that read.
const TAGS: &[&str] = &[
    "AGGREF",
    "ALIAS",
    "ARRAYCOERCEEXPR",
    "ARRAYEXPR",
    "BOOLEANTEST",
    "BOOLEXPR",
    "CASEEXPR",
    "CASETESTEXPR",
    "CASEWHEN",
    "COALESCEEXPR",
    "COERCETODOMAIN",
    "COERCETODOMAINVALUE",
    "COERCEVIAIO",
    "COLLATEEXPR",
    "COMMONTABLEEXPR",
    "CONST",
    "CONVERTROWTYPEEXPR",
    "CTECYCLECLAUSE",
    "CTESEARCHCLAUSE",
    "DISTINCTEXPR",
    "FIELDSELECT",
    "FROMEXPR",
    "FUNCEXPR",
    "GROUPINGFUNC",
    "GROUPINGSET",
    "JOINEXPR",
    "JSONBEHAVIOR",
    "JSONCONSTRUCTOREXPR",
    "JSONEXPR",
    "JSONFORMAT",
    "JSONISPREDICATE",
    "JSONRETURNING",
    "JSONTABLEPATH",
    "JSONTABLEPATHSCAN",
    "JSONTABLESIBLINGJOIN",
    "JSONVALUEEXPR",
    "MINMAXEXPR",
    "NAMEDARGEXPR",
    "NULLIFEXPR",
    "NULLTEST",
    "OPEXPR",
    "PARAM",
    "QUERY",
    "RANGETBLENTRY",
    "RANGETBLFUNCTION",
    "RANGETBLREF",
    "RELABELTYPE",
    "ROWCOMPAREEXPR",
    "ROWEXPR",
    "RTEPERMISSIONINFO",
    "SCALARARRAYOPEXPR",
    "SETOPERATIONSTMT",
    "SORTGROUPCLAUSE",
    "SQLVALUEFUNCTION",
    "SUBLINK",
    "SUBSCRIPTINGREF",
    "TABLEFUNC",
    "TABLESAMPLECLAUSE",
    "TARGETENTRY",
    "VAR",
    "WINDOWCLAUSE",
    "WINDOWFUNC",
    "XMLEXPR",
];

/// The fields of those nodes and what their numbers mean.
const FIELDS: &[(Role, &[&str])] = &[
    (
        Role::Function,
        &[
            "funcid",
            "opfuncid",
            "hashfuncid",
            "negfuncid",
            "aggfnoid",
            "winfnoid",
            "startInRangeFunc",
            "endInRangeFunc",
            "tsmhandler",
        ],
    ),
    (Role::Operator, &["opno", "opnos", "eqop", "sortop", "cycle_mark_neop"]),
    (
        Role::Type,
        &[
            "vartype",
            "consttype",
            "paramtype",
            "aggtype",
            "aggtranstype",
            "aggargtypes",
            "wintype",
            "refcontainertype",
            "refelemtype",
            "refrestype",
            "funcresulttype",
            "opresulttype",
            "resulttype",
            "casetype",
            "typeId",
            "array_typeid",
            "element_typeid",
            "row_typeid",
            "coalescetype",
            "minmaxtype",
            "type",
            "coltypes",
            "colTypes",
            "funccoltypes",
            "ctecoltypes",
            "cycle_mark_type",
            "typid",
            "item_type",
        ],
    ),
    (Role::Relation, &["relid"]),
    (Role::Names, &["colnames", "resname", "ctename", "aliasname"]),
    (
        Role::Plain,
        &[
            // Query
            "commandType",
            "querySource",
            "queryId",
            "canSetTag",
            "utilityStmt",
            "resultRelation",
            "hasAggs",
            "hasWindowFuncs",
            "hasTargetSRFs",
            "hasSubLinks",
            "hasDistinctOn",
            "hasRecursive",
            "hasModifyingCTE",
            "hasForUpdate",
            "hasRowSecurity",
            "hasGroupRTE",
            "isReturn",
            "cteList",
            "rtable",
            "rteperminfos",
            "jointree",
            "targetList",
            "override",
            "onConflict",
            "returningList",
            "returningOldAlias",
            "returningNewAlias",
            "groupClause",
            "groupDistinct",
            "groupByAll",
            "groupingSets",
            "havingQual",
            "windowClause",
            "distinctClause",
            "sortClause",
            "limitOffset",
            "limitCount",
            "limitOption",
            "rowMarks",
            "setOperations",
            "constraintDeps",
            "withCheckOptions",
            "mergeActionList",
            "mergeUseOuterJoin",
            "mergeTargetRelation",
            "mergeJoinCondition",
            "stmt_location",
            "stmt_len",
            // RangeTblEntry
            "alias",
            "eref",
            "rtekind",
            "relkind",
            "rellockmode",
            "perminfoindex",
            "tablesample",
            "subquery",
            "security_barrier",
            "jointype",
            "joinmergedcols",
            "joinaliasvars",
            "joinleftcols",
            "joinrightcols",
            "join_using_alias",
            "functions",
            "funcordinality",
            "tablefunc",
            "values_lists",
            "ctelevelsup",
            "self_reference",
            "coltypmods",
            "colcollations",
            "enrname",
            "enrtuples",
            "groupexprs",
            "lateral",
            "inh",
            "inFromCl",
            "requiredPerms",
            "checkAsUser",
            "selectedCols",
            "insertedCols",
            "updatedCols",
            "extraUpdatedCols",
            "securityQuals",
            // clauses
            "funcexpr",
            "funccolcount",
            "funccolnames",
            "funccoltypmods",
            "funccolcollations",
            "funcparams",
            "args",
            "repeatable",
            "fromlist",
            "quals",
            "isNatural",
            "larg",
            "rarg",
            "usingClause",
            "rtindex",
            "tleSortGroupRef",
            "reverse_sort",
            "nulls_first",
            "hashable",
            "kind",
            "content",
            "name",
            "refname",
            "partitionClause",
            "orderClause",
            "frameOptions",
            "startOffset",
            "endOffset",
            "runCondition",
            "inRangeColl",
            "inRangeAsc",
            "inRangeNullsFirst",
            "winref",
            "copiedOrder",
            "op",
            "all",
            "colTypmods",
            "colCollations",
            "groupClauses",
            "aliascolnames",
            "ctematerialized",
            "ctequery",
            "search_clause",
            "cycle_clause",
            "cterecursive",
            "cterefcount",
            "ctecolnames",
            "ctecoltypmods",
            "ctecolcollations",
            "search_col_list",
            "search_breadth_first",
            "search_seq_column",
            "cycle_col_list",
            "cycle_mark_column",
            "cycle_mark_value",
            "cycle_mark_default",
            "cycle_path_column",
            "cycle_mark_typmod",
            "cycle_mark_collation",
            // expressions
            "location",
            "expr",
            "resno",
            "ressortgroupref",
            "resorigtbl",
            "resorigcol",
            "resjunk",
            "varno",
            "varattno",
            "vartypmod",
            "varcollid",
            "varnullingrels",
            "varlevelsup",
            "varreturningtype",
            "varnosyn",
            "varattnosyn",
            "consttypmod",
            "constcollid",
            "constlen",
            "constbyval",
            "constisnull",
            "constvalue",
            "paramkind",
            "paramid",
            "paramtypmod",
            "paramcollid",
            "aggcollid",
            "inputcollid",
            "inputcollids",
            "aggdirectargs",
            "aggorder",
            "aggdistinct",
            "aggfilter",
            "aggstar",
            "aggvariadic",
            "aggkind",
            "agglevelsup",
            "aggpresorted",
            "aggsplit",
            "aggno",
            "aggtransno",
            "refs",
            "cols",
            "wincollid",
            "winstar",
            "winagg",
            "reftypmod",
            "refcollid",
            "refupperindexpr",
            "reflowerindexpr",
            "refexpr",
            "refassgnexpr",
            "funcretset",
            "funcvariadic",
            "funcformat",
            "funccollid",
            "arg",
            "argnumber",
            "opretset",
            "opcollid",
            "useOr",
            "boolop",
            "subLinkType",
            "subLinkId",
            "testexpr",
            "operName",
            "subselect",
            "fieldnum",
            "resulttypmod",
            "resultcollid",
            "relabelformat",
            "coerceformat",
            "elemexpr",
            "convertformat",
            "coercionformat",
            "collOid",
            "casecollid",
            "defresult",
            "result",
            "typeMod",
            "collation",
            "array_collid",
            "elements",
            "multidims",
            "list_start",
            "list_end",
            "row_format",
            "rctype",
            "cmptype",
            "opfamilies",
            "coalescecollid",
            "minmaxcollid",
            "typmod",
            "named_args",
            "arg_names",
            "xmloption",
            "indent",
            "nulltesttype",
            "argisrow",
            "booltesttype",
            // table functions and JSON
            "functype",
            "ns_uris",
            "ns_names",
            "docexpr",
            "rowexpr",
            "colexprs",
            "coldefexprs",
            "colvalexprs",
            "passingvalexprs",
            "notnulls",
            "plan",
            "ordinalitycol",
            "func",
            "coercion",
            "returning",
            "absent_on_null",
            "unique",
            "unique_keys",
            "format_type",
            "encoding",
            "format",
            "raw_expr",
            "formatted_expr",
            "column_name",
            "path_spec",
            "passing_names",
            "passing_values",
            "on_empty",
            "on_error",
            "use_io_coercion",
            "use_json_coercion",
            "wrapper",
            "omit_quotes",
            "btype",
            "coerce",
            "value",
            "path",
            "errorOnError",
            "child",
            "colMin",
            "colMax",
            "lplan",
            "rplan",
        ],
    ),
];

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

fn collect_node(node: &Node<'_>, uses: &mut Uses) -> Result<(), Objection> {
    match node.tag {
        "QUERY" => check_query(node)?,
        "RANGETBLENTRY" => check_range_table_entry(node)?,
        "ROWMARKCLAUSE" => {
            return Err(Objection::Does("FOR UPDATE or FOR SHARE, which locks rows"));
        }
        "NEXTVALUEEXPR" => return Err(Objection::Does("a step of a sequence")),
        "CURRENTOFEXPR" => return Err(Objection::Does("WHERE CURRENT OF")),
        tag if TAGS.binary_search(&tag).is_err() => return Err(unknown(tag)),
        _ => {}
    }
    for (name, value) in &node.fields {
        match role(node.tag, name).ok_or_else(|| unknown(&format!("{}.{name}", node.tag)))? {
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

fn role(tag: &str, field: &str) -> Option<Role> {
    match (tag, field) {
        // A number that says which function of JSON or XML syntax this is; its work is in `func` or built in.
        ("JSONCONSTRUCTOREXPR", "type") | ("JSONISPREDICATE", "item_type") => Some(Role::Plain),
        // Patterns and other names are nodes or lists in some nodes and names in others.
        ("TABLEFUNC" | "ROWEXPR", "colnames") => Some(Role::Names),
        _ => FIELDS.iter().find(|(_, names)| names.contains(&field)).map(|(role, _)| *role),
    }
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
    for (field, meaning) in MUST_BE_NOTHING {
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
    match query.field("resultRelation") {
        Some(Value::Token("0")) => Ok(()),
        _ => Err(Objection::Does("a target of changes")),
    }
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
fn oids(value: &Value<'_>, found: &mut BTreeSet<u32>) -> Result<(), Objection> {
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
    fn tags_are_sorted_for_the_search() {
        assert!(TAGS.is_sorted());
    }

    #[test]
    fn only_plain_queries_pass() {
        check(&format!("{QUERY} :targetList ({{FUNCEXPR :funcid 7}})}}"), Ok(&[7]));
        check(
            &QUERY.replace("commandType 1", "commandType 4").replace("false ", "false}"),
            Err("DELETE"),
        );
        check(&format!("{QUERY} :rowMarks ({{ROWMARKCLAUSE :rti 1}})}}"), Err("FOR UPDATE"));
        check(&format!("{QUERY} :utilityStmt {{NOTIFYSTMT}}}}"), Err("no query"));
        check("{QUERY :commandType 1}", Err("WITH clause that changes"));
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
