//! The nodes and fields of statements that read, and of the parts of those that change rows.
//!
//! The lists were made from PostgreSQL's `primnodes.h` and `parsenodes.h` (14 to 18). What is missing here is refused, so that
//! a list that is too short refuses a statement and never lets one through.

/// What the value of a field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A number, name or flag that runs nothing, or nodes to walk into.
    Plain,
    /// OIDs of functions.
    Function,
    /// OIDs of operators.
    Operator,
    /// OIDs of types.
    Type,
    /// OIDs of relations.
    Relation,
    /// Names of columns and the like.
    Names,
}

/// Whether a node is one of those that only read.
pub(super) fn is_known(tag: &str) -> bool {
    TAGS.binary_search(&tag).is_ok()
}

/// What a field of a node means, if it is known.
pub(super) fn role(tag: &str, field: &str) -> Option<Role> {
    match (tag, field) {
        // A number that says which function of JSON syntax this is; the function itself is in `func` or built in.
        ("JSONCONSTRUCTOREXPR", "type") | ("JSONISPREDICATE", "item_type") => Some(Role::Plain),
        _ => FIELDS.iter().find(|(_, names)| names.contains(&field)).map(|(role, _)| *role),
    }
}

#[rustfmt::skip]
const TAGS: &[&str] = &[
    "AGGREF", "ALIAS", "ARRAYCOERCEEXPR", "ARRAYEXPR", "BOOLEANTEST", "BOOLEXPR", "CASEEXPR", "CASETESTEXPR", "CASEWHEN",
    "COALESCEEXPR", "COERCETODOMAIN", "COERCETODOMAINVALUE", "COERCEVIAIO", "COLLATEEXPR", "COMMONTABLEEXPR", "CONST",
    "CONVERTROWTYPEEXPR", "CTECYCLECLAUSE", "CTESEARCHCLAUSE", "DISTINCTEXPR", "FIELDSELECT", "FIELDSTORE", "FROMEXPR", "FUNCEXPR",
    "GROUPINGFUNC", "GROUPINGSET", "INFERENCEELEM", "JOINEXPR", "JSONBEHAVIOR", "JSONCONSTRUCTOREXPR", "JSONEXPR", "JSONFORMAT",
    "JSONISPREDICATE", "JSONRETURNING", "JSONTABLEPATH", "JSONTABLEPATHSCAN", "JSONTABLESIBLINGJOIN", "JSONVALUEEXPR",
    "MINMAXEXPR", "NAMEDARGEXPR", "NULLIFEXPR", "NULLTEST", "ONCONFLICTEXPR", "OPEXPR", "PARAM", "QUERY", "RANGETBLENTRY", "RANGETBLFUNCTION",
    "RANGETBLREF", "RELABELTYPE", "ROWCOMPAREEXPR", "ROWEXPR", "RTEPERMISSIONINFO", "SCALARARRAYOPEXPR", "SETOPERATIONSTMT", "SETTODEFAULT",
    "SORTGROUPCLAUSE", "SQLVALUEFUNCTION", "SUBLINK", "SUBSCRIPTINGREF", "TABLEFUNC", "TABLESAMPLECLAUSE", "TARGETENTRY",
    "VAR", "WINDOWCLAUSE", "WINDOWFUNC", "XMLEXPR",
];

#[rustfmt::skip]
const FIELDS: &[(Role, &[&str])] = &[
    (Role::Function, &[
        "funcid", "opfuncid", "hashfuncid", "negfuncid", "aggfnoid", "winfnoid", "startInRangeFunc", "endInRangeFunc",
        "tsmhandler",
    ]),
    (Role::Operator, &[
        "opno", "opnos", "eqop", "sortop", "cycle_mark_neop",
    ]),
    (Role::Type, &[
        "vartype", "consttype", "paramtype", "aggtype", "aggtranstype", "aggargtypes", "wintype", "refcontainertype",
        "refelemtype", "refrestype", "funcresulttype", "opresulttype", "resulttype", "casetype", "typeId", "array_typeid",
        "element_typeid", "row_typeid", "coalescetype", "minmaxtype", "type", "coltypes", "colTypes", "funccoltypes",
        "ctecoltypes", "cycle_mark_type", "typid", "item_type",
    ]),
    (Role::Relation, &[
        "relid",
    ]),
    (Role::Names, &[
        "colnames", "resname", "ctename", "aliasname",
    ]),
    (Role::Plain, &[
        "commandType", "querySource", "queryId", "canSetTag", "utilityStmt", "resultRelation", "hasAggs", "hasWindowFuncs",
        "hasTargetSRFs", "hasSubLinks", "hasDistinctOn", "hasRecursive", "hasModifyingCTE", "hasForUpdate",
        "hasRowSecurity", "hasGroupRTE", "isReturn", "cteList", "rtable", "rteperminfos", "jointree", "targetList",
        "override", "onConflict", "returningList", "returningOldAlias", "returningNewAlias", "groupClause", "groupDistinct",
        "groupByAll", "groupingSets", "havingQual", "windowClause", "distinctClause", "sortClause", "limitOffset",
        "limitCount", "limitOption", "rowMarks", "setOperations", "constraintDeps", "withCheckOptions", "mergeActionList",
        "mergeUseOuterJoin", "mergeTargetRelation", "mergeJoinCondition", "stmt_location", "stmt_len", "alias", "eref",
        "rtekind", "relkind", "rellockmode", "perminfoindex", "tablesample", "subquery", "security_barrier", "jointype",
        "joinmergedcols", "joinaliasvars", "joinleftcols", "joinrightcols", "join_using_alias", "functions",
        "funcordinality", "tablefunc", "values_lists", "ctelevelsup", "self_reference", "coltypmods", "colcollations",
        "enrname", "enrtuples", "groupexprs", "lateral", "inh", "inFromCl", "requiredPerms", "checkAsUser", "selectedCols",
        "insertedCols", "updatedCols", "extraUpdatedCols", "securityQuals", "funcexpr", "funccolcount", "funccolnames",
        "funccoltypmods", "funccolcollations", "funcparams", "args", "repeatable", "fromlist", "quals", "isNatural", "larg",
        "rarg", "usingClause", "rtindex", "tleSortGroupRef", "reverse_sort", "nulls_first", "hashable", "kind", "content",
        "name", "refname", "partitionClause", "orderClause", "frameOptions", "startOffset", "endOffset", "runCondition",
        "inRangeColl", "inRangeAsc", "inRangeNullsFirst", "winref", "copiedOrder", "op", "all", "colTypmods",
        "colCollations", "groupClauses", "aliascolnames", "ctematerialized", "ctequery", "search_clause", "cycle_clause",
        "cterecursive", "cterefcount", "ctecolnames", "ctecoltypmods", "ctecolcollations", "search_col_list",
        "search_breadth_first", "search_seq_column", "cycle_col_list", "cycle_mark_column", "cycle_mark_value",
        "cycle_mark_default", "cycle_path_column", "cycle_mark_typmod", "cycle_mark_collation", "location", "expr", "resno",
        "ressortgroupref", "resorigtbl", "resorigcol", "resjunk", "varno", "varattno", "vartypmod", "varcollid",
        "varnullingrels", "varlevelsup", "varreturningtype", "varnosyn", "varattnosyn", "consttypmod", "constcollid",
        "constlen", "constbyval", "constisnull", "constvalue", "paramkind", "paramid", "paramtypmod", "paramcollid",
        "aggcollid", "inputcollid", "inputcollids", "aggdirectargs", "aggorder", "aggdistinct", "aggfilter", "aggstar",
        "aggvariadic", "aggkind", "agglevelsup", "aggpresorted", "aggsplit", "aggno", "aggtransno", "refs", "cols",
        "wincollid", "winstar", "winagg", "reftypmod", "refcollid", "refupperindexpr", "reflowerindexpr", "refexpr",
        "refassgnexpr", "funcretset", "funcvariadic", "funcformat", "funccollid", "arg", "argnumber", "opretset",
        "opcollid", "useOr", "boolop", "subLinkType", "subLinkId", "testexpr", "operName", "subselect", "fieldnum",
        "resulttypmod", "resultcollid", "relabelformat", "coerceformat", "elemexpr", "convertformat", "coercionformat",
        "collOid", "casecollid", "defresult", "result", "typeMod", "collation", "array_collid", "elements", "multidims",
        "list_start", "list_end", "row_format", "rctype", "cmptype", "opfamilies", "coalescecollid", "minmaxcollid",
        "typmod", "named_args", "arg_names", "xmloption", "indent", "nulltesttype", "argisrow", "booltesttype", "functype",
        "ns_uris", "ns_names", "docexpr", "rowexpr", "colexprs", "coldefexprs", "colvalexprs", "passingvalexprs",
        "notnulls", "plan", "ordinalitycol", "func", "coercion", "returning", "absent_on_null", "unique", "unique_keys",
        "format_type", "encoding", "format", "raw_expr", "formatted_expr", "column_name", "path_spec", "passing_names",
        "passing_values", "on_empty", "on_error", "use_io_coercion", "use_json_coercion", "wrapper", "omit_quotes", "btype",
        "coerce", "value", "path", "errorOnError", "child", "colMin", "colMax", "lplan", "rplan", "largs", "rargs",
        // of statements that change rows
        "newvals", "fieldnums", "action", "arbiterElems", "arbiterWhere", "constraint", "onConflictSet", "onConflictWhere",
        "exclRelIndex", "exclRelTlist", "infercollid", "inferopclass",
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_for_the_search() {
        assert!(TAGS.is_sorted());
    }

    #[test]
    fn no_field_has_two_meanings() {
        let mut all: Vec<&str> =
            FIELDS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
