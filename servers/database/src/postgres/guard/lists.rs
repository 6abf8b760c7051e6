//! Which of PostgreSQL's own functions and catalogues may be used, by name.
//!
//! Functions that are stable or immutable may be used unless they are named here; volatile ones only if they are named here.
//! The lists were made by looking at every function of `pg_proc` of PostgreSQL 14 to 18; a test refuses one that nobody looked at.

/// Volatile functions of PostgreSQL that change nothing and wait for nothing.
#[rustfmt::skip]
pub(super) const HARMLESS_VOLATILE: &[&str] = &[
    // values
    "array_sample",
    "array_shuffle",
    "clock_timestamp",
    "current_query",
    "gen_random_uuid",
    "random",
    "random_normal",
    "timeofday",
    "timezone",
    "uuidv4",
    "uuidv7",
    // sizes
    "pg_database_size",
    "pg_indexes_size",
    "pg_relation_size",
    "pg_table_size",
    "pg_tablespace_size",
    "pg_total_relation_size",
    // partitions and sequences
    "pg_partition_ancestors",
    "pg_get_sequence_data",
    "pg_partition_tree",
    "pg_sequence_last_value",
    // transactions
    "pg_last_committed_xact",
    "pg_get_multixact_members",
    "pg_prepared_xact",
    "pg_xact_commit_timestamp",
    "pg_xact_commit_timestamp_origin",
    "pg_xact_status",
    "txid_status",
    // what the server does
    "pg_blocking_pids",
    "pg_current_wal_flush_lsn",
    "pg_current_wal_insert_lsn",
    "pg_current_wal_lsn",
    "pg_get_aios",
    "pg_get_backend_memory_contexts",
    "pg_get_shmem_allocations",
    "pg_get_wait_events",
    "pg_get_wal_resource_managers",
    "pg_get_wal_summarizer_state",
    "pg_is_in_backup",
    "pg_is_in_recovery",
    "pg_is_wal_replay_paused",
    "pg_get_wal_replay_pause_state",
    "pg_jit_available",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_lock_status",
    "pg_notification_queue_usage",
    "pg_safe_snapshot_blocking_pids",
    "pg_show_replication_origin_status",
    // statistics
    "pg_stat_get_recovery_prefetch",
    "pg_stat_get_xact_blocks_fetched",
    "pg_stat_get_xact_blocks_hit",
    "pg_stat_get_xact_function_calls",
    "pg_stat_get_xact_function_self_time",
    "pg_stat_get_xact_function_total_time",
    "pg_stat_get_xact_numscans",
    "pg_stat_get_xact_tuples_deleted",
    "pg_stat_get_xact_tuples_fetched",
    "pg_stat_get_xact_tuples_hot_updated",
    "pg_stat_get_xact_tuples_inserted",
    "pg_stat_get_xact_tuples_newpage_updated",
    "pg_stat_get_xact_tuples_returned",
    "pg_stat_get_xact_tuples_updated",
    "pg_stat_have_stats",
    "pg_stat_get_io",
    "pg_stat_get_backend_io",
    "pg_stat_get_backend_wal",
    // versions of collations
    "pg_collation_actual_version",
    "pg_database_collation_actual_version",
    // TABLESAMPLE
    "bernoulli",
    "system",
];

/// Functions of PostgreSQL that claim to be stable or immutable and yet do more than compute.
pub(super) const REFUSED: &[(&str, &str)] = &[
    ("table_to_xml", RUNS_SQL),
    ("table_to_xmlschema", RUNS_SQL),
    ("table_to_xml_and_xmlschema", RUNS_SQL),
    ("schema_to_xml", RUNS_SQL),
    ("schema_to_xmlschema", RUNS_SQL),
    ("schema_to_xml_and_xmlschema", RUNS_SQL),
    ("database_to_xml", RUNS_SQL),
    ("database_to_xmlschema", RUNS_SQL),
    ("database_to_xml_and_xmlschema", RUNS_SQL),
    ("query_to_xml", RUNS_SQL),
    ("query_to_xmlschema", RUNS_SQL),
    ("query_to_xml_and_xmlschema", RUNS_SQL),
    ("cursor_to_xml", RUNS_SQL),
    ("cursor_to_xmlschema", RUNS_SQL),
    ("pg_input_is_valid", NAMES_TYPE),
    ("pg_input_error_info", NAMES_TYPE),
    ("array_in", NUMBERS_TYPE),
    ("domain_in", NUMBERS_TYPE),
    ("multirange_in", NUMBERS_TYPE),
    ("range_in", NUMBERS_TYPE),
    ("record_in", NUMBERS_TYPE),
    (
        "satisfies_hash_partition",
        "it runs functions of a table that a number names, which the guard cannot see",
    ),
    ("fmgr_c_validator", "it loads a library"),
    ("fmgr_internal_validator", "it loads a function"),
    ("fmgr_sql_validator", "it analyses other functions"),
    ("pg_tablespace_databases", FILES),
    ("pg_config", FILES),
    ("pg_event_trigger_dropped_objects", "it belongs into event triggers"),
    ("pg_event_trigger_ddl_commands", "it belongs into event triggers"),
];

const RUNS_SQL: &str = "it runs SQL that the guard cannot see; select from the tables themselves";
const NAMES_TYPE: &str = "it runs the checks of a type that its text names, which the guard cannot see; cast to the type itself";
const NUMBERS_TYPE: &str = "it runs the checks of a type that a number names, which the guard cannot see; cast to the type itself";
const FILES: &str = "it reads the server's files";

/// Why a volatile function of PostgreSQL that is not on the list is refused, by the beginning of its name.
const VOLATILE_REASONS: &[(&str, &str)] = &[
    ("pg_read_", FILES),
    ("pg_stat_file", FILES),
    ("pg_ls_", FILES),
    ("pg_hba_", FILES),
    ("pg_ident_", FILES),
    ("pg_current_logfile", FILES),
    ("pg_show_all_file_", FILES),
    ("lo_", "it works on large objects"),
    ("loread", "it works on large objects"),
    ("lowrite", "it works on large objects"),
    ("pg_sleep", "it only waits"),
    ("query_to_", RUNS_SQL),
    ("cursor_to_", RUNS_SQL),
    ("ts_stat", RUNS_SQL),
    ("ts_rewrite", "this form of it runs SQL that the guard cannot see"),
    ("nextval", "it changes a sequence"),
    ("setval", "it changes a sequence"),
    ("set_config", "it changes settings"),
    ("setseed", "it changes the session"),
    ("pg_advisory_", "it takes locks"),
    ("pg_try_advisory_", "it takes locks"),
    ("pg_cancel_", "it stops other sessions"),
    ("pg_terminate_", "it stops other sessions"),
    ("pg_notify", "it sends notifications"),
    ("pg_export_snapshot", "it writes a file on the server"),
];

pub(super) fn refused(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, why)| *why)
}

pub(super) fn why_volatile(name: &str) -> &'static str {
    let reason = VOLATILE_REASONS.iter().find(|(start, _)| name.starts_with(start));
    reason.map_or("it can change or wait for something", |(_, why)| *why)
}

/// Catalogues that hold secrets or the content of large objects. Views of PostgreSQL itself over them hide what they must.
pub(super) const SECRET_RELATIONS: &[&str] = &[
    "pg_authid",
    "pg_shadow",
    "pg_user_mapping",
    "pg_user_mappings",
    "_pg_user_mappings",
    "user_mapping_options",
    "pg_subscription",
    "pg_largeobject",
    "pg_statistic",
    "pg_statistic_ext_data",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_file_settings",
    "pg_config",
];

/// Extensions whose functions in C only compute. What they declare volatile is refused, but for [`EXTENSION_VOLATILE`].
#[rustfmt::skip]
pub(super) const HARMLESS_EXTENSIONS: &[&str] = &[
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "intagg",
    "intarray",
    "isn",
    "ltree",
    "pg_stat_statements",
    "pg_trgm",
    "pgcrypto",
    "plpgsql",
    "postgis",
    "seg",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "vector",
];

/// Volatile functions of those extensions that change nothing, as extension and name.
pub(super) const EXTENSION_VOLATILE: &[(&str, &str)] = &[
    ("uuid-ossp", "uuid_generate_v1"),
    ("uuid-ossp", "uuid_generate_v1mc"),
    ("uuid-ossp", "uuid_generate_v4"),
    ("pgcrypto", "gen_random_uuid"),
    ("pgcrypto", "gen_random_bytes"),
    ("pgcrypto", "gen_salt"),
    ("pgcrypto", "pgp_pub_encrypt"),
    ("pgcrypto", "pgp_pub_encrypt_bytea"),
    ("pgcrypto", "pgp_sym_encrypt"),
    ("pgcrypto", "pgp_sym_encrypt_bytea"),
    ("pg_stat_statements", "pg_stat_statements"),
    ("pg_stat_statements", "pg_stat_statements_info"),
    ("tsm_system_rows", "system_rows"),
    ("tsm_system_time", "system_time"),
];

/// Functions of those extensions that do more than compute although they are declared stable or immutable, and why they are refused.
pub(super) const EXTENSION_REFUSED: &[(&str, &str, &str)] = &[
    ("isn", "isn_weak", "it changes the session beyond its reset"),
    ("postgis", "st_estimatedextent", RUNS_SQL),
    ("postgis", "st_findextent", RUNS_SQL),
    ("postgis", "postgis_extensions_upgrade", RUNS_SQL),
];
