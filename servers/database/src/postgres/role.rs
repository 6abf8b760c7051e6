//! What the role may do beyond reading, and what its operator should do about it.

use super::session::Session;
use crate::error::DatabaseError;

/// How to make a role that may only read.
pub const ADVICE: &str = "use a role that may only SELECT: CREATE ROLE wharf_reader LOGIN PASSWORD '…'; \
GRANT CONNECT, TEMPORARY ON DATABASE your_database TO wharf_reader; GRANT USAGE ON SCHEMA public TO wharf_reader; \
GRANT SELECT ON ALL TABLES IN SCHEMA public TO wharf_reader; \
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO wharf_reader; REVOKE CREATE ON SCHEMA public FROM PUBLIC;";

/// Roles of PostgreSQL whose members reach beyond tables, or change them.
const DANGEROUS_ROLES: &[&str] = &[
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_execute_server_program",
    "pg_write_all_data",
    "pg_signal_backend",
    "pg_checkpoint",
    "pg_maintain",
    "pg_create_subscription",
    "pg_use_reserved_connections",
    "pg_database_owner",
];

const REPORT: &str = "SELECT r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, \
       ARRAY(SELECT d.rolname::pg_catalog.text FROM pg_catalog.pg_roles d \
         WHERE (d.rolname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($1) OR d.rolsuper) \
           AND d.oid OPERATOR(pg_catalog.<>) r.oid AND pg_catalog.pg_has_role(d.oid, 'MEMBER') ORDER BY 1), \
       ARRAY(SELECT c.oid::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_class c \
         WHERE c.relkind IN ('r', 'p', 'v', 'f') AND c.relnamespace OPERATOR(pg_catalog.<>) 'pg_toast'::pg_catalog.regnamespace \
           AND c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid \
           AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY 1 LIMIT 4), \
       ARRAY(SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n \
         WHERE n.nspname::pg_catalog.text OPERATOR(pg_catalog.!~) '^pg_(toast_)?temp_' AND pg_catalog.has_schema_privilege(n.oid, 'CREATE') ORDER BY 1 LIMIT 4) \
     FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) CURRENT_USER";

/// What a role may do beyond reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Report {
    superuser: bool,
    attributes: Vec<&'static str>,
    member_of: Vec<String>,
    writes: Vec<String>,
    creates_in: Vec<String>,
}

impl Report {
    /// Whether the role's own rights keep it from everything but reading tables.
    pub(super) fn may_only_read(&self) -> bool {
        !self.superuser && self.attributes.is_empty() && self.member_of.is_empty()
    }

    /// What the operator should know, in whole sentences; `writes` is whether rows are meant to be changed.
    pub(super) fn warnings(&self, writes: bool) -> Vec<String> {
        let mut found = Vec::new();
        if self.superuser {
            found.push("it is a superuser, who can read files and run programs even in a read-only transaction".to_owned());
        }
        if !self.attributes.is_empty() {
            found.push(format!("it has {}", self.attributes.join(", ")));
        }
        // A superuser is a member of every role and may write everywhere.
        if !self.superuser {
            if !self.member_of.is_empty() {
                found.push(format!("it is a member of {}", self.member_of.join(", ")));
            }
            if !self.writes.is_empty() && !writes {
                found.push(format!("it may write to {}", list(&self.writes)));
            }
            if !self.creates_in.is_empty() {
                found.push(format!(
                    "it may create objects in the schema {}",
                    list(&self.creates_in)
                ));
            }
        }
        let warning = |what| format!("the database role may do more than read: {what}; {ADVICE}");
        found.into_iter().map(warning).collect()
    }
}

fn list(names: &[String]) -> String {
    let shown = names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > 3 { format!("{shown} and others") } else { shown }
}

/// Asks the server what the role may do.
pub(super) async fn report(session: &Session) -> Result<Report, DatabaseError> {
    let statement = session.prepared(REPORT).await?;
    let row = session.client().query_one(&statement, &[&DANGEROUS_ROLES]).await;
    let row = row.map_err(|error| session.own_error(&error))?;
    let malformed = |error: tokio_postgres::Error| DatabaseError::internal(error.to_string());
    let mut attributes = Vec::new();
    for (at, attribute) in [(1, "CREATEROLE"), (2, "CREATEDB"), (3, "REPLICATION")] {
        if row.try_get(at).map_err(malformed)? {
            attributes.push(attribute);
        }
    }
    Ok(Report {
        superuser: session.is_superuser() || row.try_get(0).map_err(malformed)?,
        attributes,
        member_of: row.try_get(4).map_err(malformed)?,
        writes: row.try_get(5).map_err(malformed)?,
        creates_in: row.try_get(6).map_err(malformed)?,
    })
}
