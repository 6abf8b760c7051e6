//! Which functions a statement may call.
//!
//! What is not on the list of computing functions and is no stored function that the catalogue describes as reading only
//! (see [`super::routines`]) is refused, so that a function which a later server or a plugin adds is refused until somebody
//! has looked at it. A test compares the lists with the server's own.

/// Functions of MariaDB and MySQL that only compute, in order.
#[rustfmt::skip]
const COMPUTING_FUNCTIONS: &[&str] = &[
    "abs", "acos", "add_months", "adddate", "addtime", "aes_decrypt", "aes_encrypt", "any_value",
    "area", "asbinary", "ascii", "asin", "astext", "aswkb", "aswkt", "atan", "atan2", "avg", "bin",
    "bin_to_uuid", "bit_and", "bit_count", "bit_length", "bit_or", "bit_xor", "boundary", "buffer",
    "cast", "ceil", "ceiling", "centroid", "char", "char_length", "character_length", "chr",
    "coalesce", "coercibility", "collation", "column_add", "column_check", "column_create",
    "column_delete", "column_exists", "column_get", "column_json", "column_list", "compress",
    "concat", "concat_operator_oracle", "concat_ws", "connection_id", "contains", "conv", "convert",
    "convert_tz", "convexhull", "cos", "cot", "count", "crc32", "crc32c", "crosses", "cume_dist",
    "curdate", "current_date", "current_role", "current_time", "current_timestamp", "current_user",
    "curtime", "database", "date", "date_add", "date_format", "date_sub", "datediff", "day",
    "dayname", "dayofmonth", "dayofweek", "dayofyear", "decode", "decode_histogram",
    "decode_oracle", "degrees", "dense_rank", "difference", "dimension", "disjoint",
    "distance", "elt", "encode", "encrypt", "endpoint", "envelope", "equals", "exp", "export_set",
    "exteriorring", "extract", "extractvalue", "field", "find_in_set", "first_value", "floor",
    "format", "format_bytes", "format_pico_time", "found_rows", "from_base64", "from_days",
    "from_unixtime", "geomcollfromtext", "geomcollfromwkb", "geometrycollection",
    "geometrycollectionfromtext", "geometrycollectionfromwkb", "geometryfromtext",
    "geometryfromwkb", "geometryn", "geometrytype", "geomfromtext", "geomfromwkb", "get_format",
    "glength", "greatest", "group_concat", "grouping", "gtid_subset", "gtid_subtract", "hex",
    "hour", "icu_version", "if", "ifnull", "inet6_aton", "inet6_ntoa", "inet_aton", "inet_ntoa",
    "insert", "instr", "interiorringn", "intersects", "interval", "is_ipv4", "is_ipv4_compat",
    "is_ipv4_mapped", "is_ipv6", "is_uuid", "isclosed", "isempty", "isnull", "isring", "issimple",
    "json_array", "json_array_append", "json_array_insert", "json_array_intersect", "json_arrayagg",
    "json_compact", "json_contains", "json_contains_path", "json_depth", "json_detailed",
    "json_equals", "json_exists", "json_extract", "json_insert", "json_key_value", "json_keys",
    "json_length", "json_loose", "json_merge", "json_merge_patch", "json_merge_preserve",
    "json_normalize", "json_object", "json_object_filter_keys", "json_object_to_array",
    "json_objectagg", "json_overlaps", "json_pretty", "json_query", "json_quote", "json_remove",
    "json_replace", "json_schema_valid", "json_schema_validation_report", "json_search", "json_set",
    "json_storage_free", "json_storage_size", "json_table", "json_type", "json_unquote",
    "json_valid", "json_value", "lag", "last_day", "last_insert_id", "last_value", "lcase", "lead",
    "least", "left", "length", "lengthb", "linefromtext", "linefromwkb", "linestring",
    "linestringfromtext", "linestringfromwkb", "ln", "localtime", "localtimestamp", "locate", "log",
    "log10", "log2", "lower", "lpad", "lpad_oracle", "ltrim", "ltrim_oracle", "make_set",
    "makedate", "maketime", "max", "mbrcontains", "mbrcoveredby", "mbrcovers", "mbrdisjoint",
    "mbrequal", "mbrequals", "mbrintersects", "mbroverlaps", "mbrtouches", "mbrwithin", "md5",
    "median", "microsecond", "mid", "min", "minute", "mlinefromtext", "mlinefromwkb", "mod",
    "month", "monthname", "mpointfromtext", "mpointfromwkb", "mpolyfromtext", "mpolyfromwkb",
    "multilinestring", "multilinestringfromtext", "multilinestringfromwkb", "multipoint",
    "multipointfromtext", "multipointfromwkb", "multipolygon", "multipolygonfromtext",
    "multipolygonfromwkb", "name_const", "natural_sort_key", "now", "nth_value", "ntile", "nullif",
    "numgeometries", "numinteriorrings", "numpoints", "nvl", "nvl2", "oct", "octet_length",
    "old_password", "ord", "overlaps", "password", "percent_rank", "percentile_cont",
    "percentile_disc", "period_add", "period_diff", "pi", "point", "pointfromtext", "pointfromwkb",
    "pointn", "pointonsurface", "polyfromtext", "polyfromwkb", "polygon", "polygonfromtext",
    "polygonfromwkb", "position", "pow", "power", "ps_current_thread_id", "ps_thread_id", "quarter",
    "quote", "radians", "rand", "random_bytes", "rank", "regexp_instr", "regexp_like",
    "regexp_replace", "regexp_substr", "repeat", "replace", "replace_oracle", "reverse", "right",
    "round", "row_count", "row_number", "rownum", "rpad", "rpad_oracle", "rtrim", "rtrim_oracle",
    "schema", "schemas", "sec_to_time", "second", "session_user", "sformat", "sha", "sha1", "sha2",
    "sign", "sin", "soundex", "space", "sqrt", "srid", "st_area", "st_asbinary", "st_asgeojson",
    "st_astext", "st_aswkb", "st_aswkt", "st_boundary", "st_buffer", "st_buffer_strategy",
    "st_centroid", "st_collect", "st_contains", "st_convexhull", "st_crosses", "st_difference",
    "st_dimension", "st_disjoint", "st_distance", "st_distance_sphere", "st_endpoint",
    "st_envelope", "st_equals", "st_exteriorring", "st_frechetdistance", "st_geohash",
    "st_geomcollfromtext", "st_geomcollfromwkb", "st_geometrycollectionfromtext",
    "st_geometrycollectionfromwkb", "st_geometryfromtext", "st_geometryfromwkb", "st_geometryn",
    "st_geometrytype", "st_geomfromgeojson", "st_geomfromtext", "st_geomfromwkb",
    "st_hausdorffdistance", "st_interiorringn", "st_intersection", "st_intersects", "st_isclosed",
    "st_isempty", "st_isring", "st_issimple", "st_isvalid", "st_latfromgeohash", "st_latitude",
    "st_length", "st_linefromtext", "st_linefromwkb", "st_lineinterpolatepoint",
    "st_lineinterpolatepoints", "st_linestringfromtext", "st_linestringfromwkb",
    "st_longfromgeohash", "st_longitude", "st_makeenvelope", "st_mlinefromtext", "st_mlinefromwkb",
    "st_mpointfromtext", "st_mpointfromwkb", "st_mpolyfromtext", "st_mpolyfromwkb",
    "st_multilinestringfromtext", "st_multilinestringfromwkb", "st_multipointfromtext",
    "st_multipointfromwkb", "st_multipolygonfromtext", "st_multipolygonfromwkb", "st_numgeometries",
    "st_numinteriorring", "st_numinteriorrings", "st_numpoints", "st_overlaps",
    "st_pointatdistance", "st_pointfromgeohash", "st_pointfromtext", "st_pointfromwkb", "st_pointn",
    "st_pointonsurface", "st_polyfromtext", "st_polyfromwkb", "st_polygonfromtext",
    "st_polygonfromwkb", "st_relate", "st_simplify", "st_srid", "st_startpoint", "st_swapxy",
    "st_symdifference", "st_touches", "st_transform", "st_union", "st_validate", "st_within",
    "st_x", "st_y", "startpoint", "statement_digest", "statement_digest_text", "std", "stddev",
    "stddev_pop", "stddev_samp", "str_to_date", "strcmp", "string_to_vector", "subdate", "substr",
    "substr_oracle", "substring", "substring_index", "subtime", "sum", "sys_guid", "sysdate",
    "system_user", "tan", "time", "time_format", "time_to_sec", "timediff", "timestamp",
    "timestampadd", "timestampdiff", "to_base64", "to_char", "to_days", "to_seconds", "to_vector",
    "touches", "trim", "trim_oracle", "truncate", "ucase", "uncompress", "uncompressed_length",
    "unhex", "unix_timestamp", "updatexml", "upper", "user", "utc_date", "utc_time",
    "utc_timestamp", "uuid", "uuid_short", "uuid_to_bin", "uuid_v4", "uuid_v7", "value", "values",
    "var_pop", "var_samp", "variance", "vec_distance", "vec_distance_cosine",
    "vec_distance_euclidean", "vec_fromtext", "vec_totext", "vector_dim", "vector_to_string",
    "version", "week", "weekday", "weekofyear", "weight_string", "within", "wsrep_last_seen_gtid",
    "wsrep_last_written_gtid", "x", "y", "year", "yearweek",
];

/// Functions that are refused, each with the reason its caller is told, in order.
const REFUSED_FUNCTIONS: &[(&str, &str)] = &[
    ("benchmark", "it only spends time"),
    ("binlog_gtid_pos", "it reads the server's binary log"),
    (
        "default",
        "it works out the default of a column, which can change a sequence; information_schema.columns shows it",
    ),
    ("des_decrypt", "it uses the server's key file"),
    ("des_encrypt", "it uses the server's key file"),
    ("get_lock", "it takes a lock that others wait for"),
    ("is_free_lock", "it belongs to locks, which a read does not need"),
    ("is_used_lock", "it belongs to locks, which a read does not need"),
    ("kdf", "it spends as much time as it is told to"),
    ("lastval", "it belongs to sequences, which a read does not need"),
    ("load_file", "it reads files of the server"),
    ("master_gtid_wait", "it waits for replication"),
    ("master_pos_wait", "it waits for replication"),
    ("nextval", "it changes a sequence"),
    ("release_all_locks", "it releases locks that others rely on"),
    ("release_lock", "it releases a lock that others rely on"),
    ("roles_graphml", "it shows who may do what"),
    ("service_get_read_locks", "it takes a lock that others wait for"),
    ("service_get_write_locks", "it takes a lock that others wait for"),
    ("service_release_locks", "it releases locks that others rely on"),
    ("setval", "it changes a sequence"),
    ("sleep", "it only spends time"),
    ("source_pos_wait", "it waits for replication"),
    ("sys_eval", "it runs a program on the server"),
    ("sys_exec", "it runs a program on the server"),
    ("sys_get", "it reads the environment of the server"),
    ("sys_set", "it changes the environment of the server"),
    ("wait_for_executed_gtid_set", "it waits for replication"),
    ("wait_until_sql_thread_after_gtids", "it waits for replication"),
    ("wsrep_sync_wait_upto_gtid", "it waits for replication"),
];

/// Words in front of a parenthesis that call nothing. All are keywords that no function can be called by without quotes.
#[rustfmt::skip]
const GRAMMAR_WORDS: &[&str] = &[
    "against", "all", "analyze", "and", "any", "as", "between", "bigint", "blob", "bool", "boolean",
    "both", "by", "case", "character", "collate", "columns", "constraint", "cross", "cube",
    "datetime", "dec", "decimal", "distinct", "distinctrow", "div", "double", "else", "elseif",
    "enum", "escape", "except", "exists", "explain", "fixed", "float", "for", "force", "from",
    "fulltext", "group", "having", "ignore", "in", "index", "inner", "int", "integer", "intersect",
    "is", "join", "key", "keys", "lateral", "leading", "like", "limit", "longtext", "match",
    "mediumint", "mediumtext", "minus", "natural", "nchar", "not", "numeric", "nvarchar", "of",
    "offset", "on", "or", "order", "ordinality", "over", "partition", "path", "precision", "real",
    "recursive", "regexp", "return", "rlike", "rollup", "row", "rows", "select", "separator",
    "sets", "smallint", "some", "sounds", "sql_cache", "sql_no_cache", "straight_join", "table",
    "text", "then", "tinyint", "tinytext", "to", "trailing", "union", "unique", "unsigned", "until",
    "use", "using", "varbinary", "varchar", "when", "where", "while", "window", "with", "xor",
];

/// What is known about a function by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mysql) enum Builtin {
    /// It only computes.
    Computes,
    /// It is refused, for this reason.
    Refused(&'static str),
    /// No function has this name in the servers that were looked at.
    Unknown,
}

/// What is known about the function of this name, in any letter case.
pub(in crate::mysql) fn builtin(name: &str) -> Builtin {
    let name = name.to_ascii_lowercase();
    if COMPUTING_FUNCTIONS.binary_search(&name.as_str()).is_ok() {
        return Builtin::Computes;
    }
    match REFUSED_FUNCTIONS.binary_search_by_key(&name.as_str(), |(refused, _)| refused) {
        Ok(at) => Builtin::Refused(REFUSED_FUNCTIONS[at].1),
        Err(_) => Builtin::Unknown,
    }
}

/// Whether the bare word in front of a parenthesis belongs to the grammar.
pub(in crate::mysql) fn is_grammar(word: &str) -> bool {
    GRAMMAR_WORDS.binary_search(&word.to_ascii_lowercase().as_str()).is_ok()
}

/// Names of stored functions for which a server knows a meaning of its own when a schema stands in front.
pub(super) fn is_native_schema(schema: &str) -> bool {
    ["mariadb_schema", "oracle_schema", "maxdb_schema"]
        .iter()
        .any(|native| native.eq_ignore_ascii_case(schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_can_be_searched_and_do_not_overlap() {
        assert!(COMPUTING_FUNCTIONS.is_sorted());
        assert!(GRAMMAR_WORDS.is_sorted());
        assert!(REFUSED_FUNCTIONS.is_sorted());
        for (name, _) in REFUSED_FUNCTIONS {
            assert!(COMPUTING_FUNCTIONS.binary_search(name).is_err(), "{name}");
            assert!(!is_grammar(name), "{name}");
        }
        assert_eq!(builtin("SLEEP"), Builtin::Refused("it only spends time"));
        assert_eq!(builtin("Count"), Builtin::Computes);
        assert_eq!(builtin("sl\u{e9}ep"), Builtin::Unknown);
    }
}
