//! Names behind which a server keeps credentials. They are refused whatever the role could see.

/// Tables of the schema `mysql` that hold no credentials. What is not listed is refused: accounts, grants, servers
/// with their passwords, logs with other people's statements, and whatever a later server adds.
const OPEN_SYSTEM_TABLES: &[&str] = &[
    "column_stats",
    "component",
    "event",
    "func",
    "gtid_executed",
    "gtid_slave_pos",
    "help_category",
    "help_keyword",
    "help_relation",
    "help_topic",
    "index_stats",
    "innodb_index_stats",
    "innodb_table_stats",
    "plugin",
    "proc",
    "table_stats",
    "time_zone",
    "time_zone_leap_second",
    "time_zone_name",
    "time_zone_transition",
    "time_zone_transition_type",
    "transaction_registry",
];

/// Tables that show variables, some of which are credentials. `SHOW VARIABLES` shows the others.
const VARIABLE_TABLES: &[&str] = &[
    "global_variables",
    "persisted_variables",
    "session_variables",
    "system_variables",
    "user_variables",
    "user_variables_by_thread",
    "variables_by_thread",
    "variables_metadata",
];

/// Tables of `performance_schema` with other people's statements or with credentials.
const SECRET_PERFORMANCE_TABLES: &[&str] = &[
    "events_statements_current",
    "events_statements_history",
    "events_statements_history_long",
    "keyring_component_status",
    "keyring_keys",
    "prepared_statements_instances",
    "replication_applier_configuration",
    "replication_connection_configuration",
    "session_account_connect_attrs",
    "session_connect_attrs",
];

/// How the names of variables end that hold credentials.
const SECRET_ENDINGS: &[&str] = &[
    "_access_key",
    "_auth",
    "_credentials",
    "_filekey",
    "_keytab_path",
    "_passphrase",
    "_password",
    "_secret",
    "_secret_key",
    "_token",
    "_vault_url",
];

/// Why a relation may not be read, or `None`.
pub(super) fn secret_relation(schema: &str, name: &str) -> Option<&'static str> {
    let (schema, name) = (schema.to_lowercase(), name.to_lowercase());
    let listed = |names: &[&str]| names.contains(&name.as_str());
    match schema.as_str() {
        "mysql" if !listed(OPEN_SYSTEM_TABLES) => {
            Some("it can hold credentials; information_schema describes what a query needs")
        }
        "information_schema" | "performance_schema" if listed(VARIABLE_TABLES) => {
            Some("it can hold credentials; use SHOW VARIABLES LIKE '…'")
        }
        "performance_schema" if listed(SECRET_PERFORMANCE_TABLES) => {
            Some("it can hold credentials or other people's statements")
        }
        _ => None,
    }
}

/// Whether a system variable holds a credential.
pub(in crate::mysql) fn is_secret_variable(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_told_from_the_rest() {
        assert!(secret_relation("mysql", "user").is_some());
        assert!(secret_relation("MySQL", "GLOBAL_PRIV").is_some());
        assert!(secret_relation("mysql", "servers").is_some());
        assert!(secret_relation("mysql", "added_later").is_some());
        assert!(secret_relation("mysql", "time_zone_name").is_none());
        assert!(secret_relation("shop", "user").is_none());
        assert!(secret_relation("information_schema", "global_variables").is_some());
        assert!(secret_relation("information_schema", "tables").is_none());
        assert!(is_secret_variable("report_password"));
        assert!(is_secret_variable("S3_secret_key"));
        assert!(!is_secret_variable("version"));
        assert!(!is_secret_variable("strict_password_validation"));
    }
}
