//! Every function and every view of the running PostgreSQL against what was looked at by hand.
//!
//! A new version brings functions that nobody here has judged. The first test fails for one that the guard would let through, so
//! that it is looked at before that version counts as tested; the others hold whatever the version.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::lease::Sessions;
use super::super::scratch::Scratch;
use super::catalogue::{self, Function};
use super::{declaration, lists};
use crate::engine::Engine as _;
use crate::error::DatabaseError;
use crate::postgres::Postgres;
use crate::request::QueryRequest;

/// The names of all functions of PostgreSQL 14 to 18 that may be used, one a line, as they were looked at.
const LOOKED_AT: &str = include_str!("../../../tests/corpus/postgres_functions.txt");

/// Beginnings, ends and parts of the names of functions that do more than compute: each class is refused, whatever is declared.
const DANGEROUS: &[&str] = &[
    "^pg_read_",
    "^pg_ls_",
    "^pg_stat_file",
    "^pg_file_",
    "^lo_",
    "^loread",
    "^lowrite",
    "^pg_advisory_",
    "^pg_try_advisory_",
    "^pg_cancel_",
    "^pg_terminate_",
    "^pg_stat_reset",
    "^pg_stat_clear",
    "^pg_stat_force",
    "^pg_create_",
    "^pg_drop_",
    "^pg_copy_",
    "^pg_logical_",
    "^pg_replication_origin_session",
    "^pg_replication_origin_advance",
    "^pg_replication_origin_xact",
    "^pg_replication_origin_create",
    "^pg_replication_slot_advance",
    "^pg_sync_",
    "^pg_start_backup",
    "^pg_stop_",
    "^pg_backup_start$",
    "^pg_backup_stop",
    "_to_xml",
    "^binary_upgrade_",
    "^pg_restore_",
    "^pg_clear_",
    "^pg_log_",
    "^pg_switch_",
    "^pg_promote",
    "^pg_wal_replay_",
    "^pg_reload_",
    "^pg_rotate_",
    "^pg_import_",
    "^pg_export_",
    "^pg_notify$",
    "^pg_sleep",
    "^set_config$",
    "^setseed$",
    "^setval$",
    "^nextval$",
    "^lastval$",
    "^currval$",
    "^currtid",
    "^brin_summarize",
    "^brin_desummarize",
    "^gin_clean",
    "_handler$",
    "^plpgsql_",
    "^fmgr_",
    "^ts_stat$",
    "^RI_",
    "_trigger$",
    "^unique_key_recheck",
    "^pg_hba_",
    "^pg_ident_",
    "^pg_show_all_file_",
    "^pg_config$",
    "^pg_nextoid",
    "^pg_current_logfile",
    "^pg_extension_config_dump",
    "^pg_input_",
    "^record_in$",
    "^domain_in$",
    "^array_in$",
    "range_in$",
    "^satisfies_hash_partition$",
    "^pg_tablespace_databases",
    "^pg_available_wal_summaries",
    "^pg_wal_summary_contents",
    "^pg_get_loaded_modules",
    "^pg_control_",
    "^pg_event_trigger_d",
];

/// Harmless in spite of their names: handlers of subscripts compute, and these only raise errors or belong to operators.
const NOT_DANGEROUS: &[&str] = &[
    "anycompatiblemultirange_in",
    "anycompatiblerange_in",
    "anymultirange_in",
    "anyrange_in",
    "array_subscript_handler",
    "jsonb_subscript_handler",
    "raw_array_subscript_handler",
    "tsm_handler_in",
    "index_am_handler_in",
    "table_am_handler_in",
];

/// Views of PostgreSQL that cannot be read, because they hold secrets or show what lies in the server's files.
const REFUSED_VIEWS: &[&str] = &[
    "information_schema._pg_user_mappings",
    "information_schema.user_mapping_options",
    "pg_catalog.pg_config",
    "pg_catalog.pg_file_settings",
    "pg_catalog.pg_hba_file_rules",
    "pg_catalog.pg_ident_file_mappings",
    "pg_catalog.pg_shadow",
    "pg_catalog.pg_shmem_allocations_numa",
    "pg_catalog.pg_user_mappings",
];

async fn functions() -> Vec<Function> {
    let scratch = Scratch::empty().await;
    let oids = scratch.admin.query("SELECT oid FROM pg_proc WHERE oid < 16384", &[]).await.unwrap();
    let oids: Vec<u32> = oids.iter().map(|row| row.get(0)).collect();
    let sessions = Sessions::new(scratch.superuser()).unwrap();
    let read = sessions.run(Duration::from_secs(60), |session| {
        let oids = oids.clone();
        Box::pin(async move { catalogue::functions(session, &oids).await })
    });
    let functions = read.await.unwrap();
    sessions.close().await;
    assert!(functions.len() > 3_000);
    functions
}

fn is_allowed(function: &Function) -> bool {
    declaration::check(function, "").is_ok()
}

#[tokio::test]
async fn every_function_that_is_allowed_has_been_looked_at() {
    let looked_at: BTreeSet<&str> =
        LOOKED_AT.lines().filter(|line| !line.starts_with('#')).collect();
    let functions = functions().await;
    let unknown: BTreeSet<&str> = functions
        .iter()
        .filter(|function| is_allowed(function) && !looked_at.contains(function.name.as_str()))
        .map(|function| function.name.as_str())
        .collect();
    assert!(
        unknown.is_empty(),
        "look at what these do; add them to postgres_functions.txt if they only compute, or to the refused ones: {unknown:?}"
    );
}

#[tokio::test]
async fn a_volatile_function_is_allowed_only_by_its_name() {
    for function in functions().await {
        let by_name = lists::HARMLESS_VOLATILE.contains(&function.name.as_str());
        let volatile = function.volatility == "v";
        assert!(!volatile || is_allowed(&function) == by_name, "{}", function.name);
        assert!(
            !volatile || !function.security_definer || !is_allowed(&function),
            "{}",
            function.name
        );
    }
}

#[tokio::test]
async fn no_function_of_a_dangerous_class_is_allowed() {
    let mut met = BTreeSet::new();
    for function in functions().await {
        let class = DANGEROUS.iter().find(|class| is_of(&function.name, class));
        let Some(class) = class.filter(|_| !NOT_DANGEROUS.contains(&function.name.as_str())) else {
            continue;
        };
        met.insert(class);
        assert!(!is_allowed(&function), "{} is allowed, and of the class {class}", function.name);
    }
    // The classes mean something: nearly all of them exist in every version.
    assert!(met.len() > DANGEROUS.len() - 15, "{met:?}");
}

/// `^` at the beginning and `$` at the end as in a pattern.
fn is_of(name: &str, class: &str) -> bool {
    let plain = class.trim_start_matches('^').trim_end_matches('$');
    match (class.starts_with('^'), class.ends_with('$')) {
        (true, true) => name == plain,
        (true, false) => name.starts_with(plain),
        (false, true) => name.ends_with(plain),
        (false, false) => name.contains(plain),
    }
}

#[tokio::test]
async fn every_view_of_the_system_can_be_read_but_for_those_with_secrets() {
    let scratch = Scratch::empty().await;
    let views = "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'v' AND c.oid < 16384 ORDER BY 1";
    let views: Vec<String> =
        scratch.admin.query(views, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(views.len() > 120, "{}", views.len());
    let database = Postgres::open(scratch.superuser()).unwrap();
    let mut wrong = Vec::new();
    for view in &views {
        let answer =
            database.query(QueryRequest::new(format!("SELECT * FROM {view} LIMIT 1"))).await;
        let refused = matches!(answer, Err(DatabaseError::Refused { .. }));
        if refused != REFUSED_VIEWS.contains(&view.as_str()) || (!refused && answer.is_err()) {
            wrong.push(format!("{view}: {:?}", answer.err()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    database.close().await;
}
