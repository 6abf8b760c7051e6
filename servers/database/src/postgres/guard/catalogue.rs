//! What the catalogue says about the objects that a statement uses.
//!
//! All of this is read with `pg_catalog` as the whole search path, so that names in these queries mean what they say.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::session::Session;
use crate::error::DatabaseError;

/// OIDs below this belong to PostgreSQL itself (`FirstNormalObjectId`).
pub(super) const FIRST_USER_OID: u32 = 16_384;

const FUNCTIONS: &str = "SELECT p.oid, n.nspname::text, p.proname::text, l.lanname::text, p.prosecdef, p.provolatile::text, \
       p.prokind::text, p.proconfig, \
       CASE WHEN p.oid >= 16384 THEN p.prosrc END, CASE WHEN p.oid >= 16384 THEN p.prosqlbody::text END, \
       p.proargdefaults::text, p.prosupport::oid, \
       ARRAY(SELECT unnest(p.proargtypes) UNION SELECT p.prorettype UNION SELECT unnest(p.proallargtypes)), \
       CASE WHEN p.oid >= 16384 THEN pg_get_function_identity_arguments(p.oid) END, \
       CASE WHEN p.oid >= 16384 THEN pg_get_function_result(p.oid) END, \
       (SELECT e.extname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid \
         WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass \
           AND d.deptype = 'e') \
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang \
     WHERE p.oid = ANY ($1)";

const AGGREGATES: &str = "SELECT ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, \
       a.aggminvtransfn, a.aggmfinalfn]::oid[], a.aggsortop, ARRAY[a.aggtranstype, a.aggmtranstype] \
     FROM pg_aggregate a WHERE a.aggfnoid = ANY ($1)";

const OPERATORS: &str = "SELECT o.oid, o.oprname::text, o.oprcode::oid, ARRAY[o.oprcom, o.oprnegate]::oid[] FROM pg_operator o WHERE o.oid = ANY ($1)";

/// Sorting, grouping and hashing call the support functions of the operator's families, not the operator itself; what follows from
/// two comparisons is compared with a third operator of theirs.
const OPERATOR_SUPPORT: &str = "SELECT DISTINCT s.function FROM pg_amop x JOIN pg_amop y ON y.amopfamily = x.amopfamily AND y.amopopr = ANY ($1) \
       JOIN pg_opfamily f ON f.oid = x.amopfamily, LATERAL ( \
         SELECT p.amproc::oid FROM pg_amproc p WHERE p.amprocfamily = f.oid \
           AND p.amproclefttype IN (x.amoplefttype, x.amoprighttype) AND p.amprocrighttype IN (y.amoplefttype, y.amoprighttype) \
         UNION ALL SELECT o.oprcode::oid FROM pg_amop a JOIN pg_operator o ON o.oid = a.amopopr WHERE a.amopfamily = f.oid \
           AND a.amoplefttype IN (x.amoplefttype, x.amoprighttype) AND a.amoprighttype IN (y.amoplefttype, y.amoprighttype)) s(function) \
     WHERE x.amopopr = ANY ($1) AND f.opfmethod IN (403, 405) AND s.function >= 16384";

/// Comparisons of arrays, records and ranges look up the default operator classes of their elements, and conversions to JSON look
/// for a cast, so that these belong to a type although no statement names them.
///
/// PostgreSQL's own conversions of text are left out: called by a type they convert it; a statement that calls them names the type
/// by a number, and is refused.
const TYPES: &str = "SELECT t.oid, t.typname::text, \
       ARRAY[CASE WHEN t.typinput::oid >= 16384 THEN t.typinput END, CASE WHEN t.typoutput::oid >= 16384 THEN t.typoutput END, \
         t.typsubscript, r.rngcanonical, r.rngsubdiff]::oid[] \
         || ARRAY(SELECT p.amproc::oid FROM pg_opclass c JOIN pg_amproc p ON p.amprocfamily = c.opcfamily \
             WHERE c.opcmethod IN (403, 405) AND p.amproclefttype = c.opcintype AND p.amprocrighttype = c.opcintype \
               AND (c.opcintype = t.oid AND c.opcdefault OR c.oid = r.rngsubopc)) \
         || ARRAY(SELECT o.oprcode::oid FROM pg_opclass c JOIN pg_amop a ON a.amopfamily = c.opcfamily \
             JOIN pg_operator o ON o.oid = a.amopopr \
             WHERE c.opcmethod IN (403, 405) AND c.opcintype = t.oid AND c.opcdefault AND a.amoplefttype = t.oid) \
         || ARRAY(SELECT c.castfunc FROM pg_cast c WHERE c.castsource = t.oid AND c.casttarget IN (114, 3802)), \
       ARRAY[t.typbasetype, t.typelem, r.rngsubtype] \
         || ARRAY(SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), \
       ARRAY(SELECT c.conbin::text FROM pg_constraint c WHERE c.contypid = t.oid AND c.conbin IS NOT NULL) \
     FROM pg_type t LEFT JOIN pg_range r ON t.oid IN (r.rngtypid, r.rngmultitypid) WHERE t.oid = ANY ($1)";

const RELATIONS: &str = "SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, \
       CASE WHEN c.relkind = 'v' THEN \
         (SELECT r.ev_action::text FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '1' AND r.rulename = '_RETURN') END, \
       CASE WHEN c.relrowsecurity THEN \
         ARRAY(SELECT p.polqual::text FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd IN ('r', '*') AND p.polqual IS NOT NULL) \
         ELSE '{}'::text[] END \
         || ARRAY(SELECT d.adbin::text FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attrelid = c.oid AND a.attgenerated = 'v') \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1)";

const FOREIGN_CHILDREN: &str = "WITH RECURSIVE tree(oid) AS (SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY ($1) \
       UNION SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid) \
     SELECT n.nspname::text, c.relname::text FROM tree JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind = 'f' LIMIT 1";

/// Everything below some tables, at any depth.
const HEIRS: &str = "WITH RECURSIVE tree(oid) AS (SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY ($1) \
       UNION SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid) SELECT oid FROM tree";

/// What the planner reads of tables and works out as far as it is constant.
const PLANNED: &str = "SELECT i.indrelid::regclass::text, x.expression FROM pg_index i, LATERAL (VALUES (i.indexprs::text), (i.indpred::text)) x(expression) \
       WHERE i.indrelid = ANY ($1) AND x.expression IS NOT NULL \
     UNION ALL SELECT p.partrelid::regclass::text, p.partexprs::text FROM pg_partitioned_table p WHERE p.partrelid = ANY ($1) AND p.partexprs IS NOT NULL \
     UNION ALL SELECT s.stxrelid::regclass::text, s.stxexprs::text FROM pg_statistic_ext s WHERE s.stxrelid = ANY ($1) AND s.stxexprs IS NOT NULL \
     UNION ALL SELECT c.conrelid::regclass::text, c.conbin::text FROM pg_constraint c WHERE c.conrelid = ANY ($1) AND c.conbin IS NOT NULL";

/// What compares and hashes the keys of partitions, when they are looked through.
const PARTITION_SUPPORT: &str = "SELECT DISTINCT p.partrelid::regclass::text, a.amproc::oid FROM pg_partitioned_table p \
       JOIN pg_opclass c ON c.oid = ANY (p.partclass::oid[]) JOIN pg_amproc a ON a.amprocfamily = c.opcfamily \
     WHERE p.partrelid = ANY ($1) AND a.amproc::oid >= 16384";

const TARGET: &str = "SELECT EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1'), \
       CASE WHEN c.relrowsecurity THEN \
         ARRAY(SELECT x.expression FROM pg_policy p, LATERAL (VALUES (p.polqual::text), (p.polwithcheck::text)) x(expression) \
               WHERE p.polrelid = c.oid AND x.expression IS NOT NULL) \
         ELSE '{}'::text[] END \
     FROM pg_class c WHERE c.oid = $1";

const NAMED: &str = "SELECT 'f', p.oid FROM pg_proc p WHERE p.proname::text = ANY ($1) \
     UNION ALL SELECT 'r', c.oid FROM pg_class c WHERE c.relname::text = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
     UNION ALL SELECT 't', t.oid FROM pg_type t WHERE t.typname::text = ANY ($1) \
     UNION ALL SELECT 'o', o.oid FROM pg_operator o WHERE o.oprname::text = ANY ($1) AND o.oid >= 16384";

/// One function.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) oid: u32,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) language: String,
    pub(super) security_definer: bool,
    pub(super) volatility: String,
    pub(super) kind: String,
    pub(super) config: Vec<String>,
    pub(super) source: String,
    pub(super) body: Option<String>,
    pub(super) defaults: Option<String>,
    pub(super) support: u32,
    pub(super) types: Vec<u32>,
    pub(super) arguments: String,
    pub(super) result: Option<String>,
    pub(super) extension: Option<String>,
}

impl Function {
    pub(super) fn is_system(&self) -> bool {
        self.oid < FIRST_USER_OID
    }

    pub(super) fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

pub(super) struct Aggregate {
    pub(super) functions: Vec<u32>,
    pub(super) sort_operator: u32,
    pub(super) types: Vec<u32>,
}

pub(super) struct Operator {
    pub(super) oid: u32,
    pub(super) name: String,
    pub(super) function: u32,
    /// What the planner may put in its place: its commutator and its negator, where they are users'.
    pub(super) partners: Vec<u32>,
}

pub(super) struct Type {
    pub(super) name: String,
    pub(super) functions: Vec<u32>,
    pub(super) types: Vec<u32>,
    pub(super) checks: Vec<String>,
}

pub(super) struct Relation {
    pub(super) oid: u32,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) definition: Option<String>,
    pub(super) expressions: Vec<String>,
}

impl Relation {
    pub(super) fn is_system(&self) -> bool {
        self.oid < FIRST_USER_OID
    }

    pub(super) fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// What is particular to a table that is changed.
pub(super) struct Target {
    pub(super) has_rules: bool,
    pub(super) policies: Vec<String>,
}

/// What a name that stands in an opaque body can mean.
#[derive(Default)]
pub(super) struct Named {
    pub(super) functions: Vec<u32>,
    pub(super) relations: Vec<u32>,
    pub(super) operators: Vec<u32>,
    pub(super) types: Vec<u32>,
}

async fn rows(
    session: &Session,
    sql: &'static str,
    parameter: &(dyn ToSql + Sync),
) -> Result<Vec<Row>, DatabaseError> {
    let statement = session.prepared(sql).await?;
    session
        .client()
        .query(&statement, &[parameter])
        .await
        .map_err(|error| session.own_error(&error))
}

pub(super) fn get<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    at: usize,
) -> Result<T, DatabaseError> {
    row.try_get(at).map_err(|error| DatabaseError::internal(error.to_string()))
}

pub(super) async fn functions(
    session: &Session,
    oids: &[u32],
) -> Result<Vec<Function>, DatabaseError> {
    let rows = rows(session, FUNCTIONS, &oids).await?;
    let function = |row: &Row| {
        Ok(Function {
            oid: get(row, 0)?,
            schema: get(row, 1)?,
            name: get(row, 2)?,
            language: get(row, 3)?,
            security_definer: get(row, 4)?,
            volatility: get(row, 5)?,
            kind: get(row, 6)?,
            config: get::<Option<Vec<String>>>(row, 7)?.unwrap_or_default(),
            source: get::<Option<String>>(row, 8)?.unwrap_or_default(),
            body: get(row, 9)?,
            defaults: get(row, 10)?,
            support: get(row, 11)?,
            types: get(row, 12)?,
            arguments: get::<Option<String>>(row, 13)?.unwrap_or_default(),
            result: get(row, 14)?,
            extension: get(row, 15)?,
        })
    };
    rows.iter().map(function).collect()
}

pub(super) async fn aggregates(
    session: &Session,
    oids: &[u32],
) -> Result<Vec<Aggregate>, DatabaseError> {
    let rows = rows(session, AGGREGATES, &oids).await?;
    let aggregate = |row: &Row| {
        Ok(Aggregate { functions: get(row, 0)?, sort_operator: get(row, 1)?, types: get(row, 2)? })
    };
    rows.iter().map(aggregate).collect()
}

pub(super) async fn operators(
    session: &Session,
    oids: &[u32],
) -> Result<Vec<Operator>, DatabaseError> {
    let rows = rows(session, OPERATORS, &oids).await?;
    let operator = |row: &Row| {
        let mut partners: Vec<u32> = get(row, 3)?;
        partners.retain(|&oid| oid >= FIRST_USER_OID);
        Ok(Operator { oid: get(row, 0)?, name: get(row, 1)?, function: get(row, 2)?, partners })
    };
    rows.iter().map(operator).collect()
}

pub(super) async fn operator_support(
    session: &Session,
    oids: &[u32],
) -> Result<Vec<u32>, DatabaseError> {
    let rows = rows(session, OPERATOR_SUPPORT, &oids).await?;
    rows.iter().map(|row| get(row, 0)).collect()
}

pub(super) async fn types(session: &Session, oids: &[u32]) -> Result<Vec<Type>, DatabaseError> {
    let rows = rows(session, TYPES, &oids).await?;
    let type_ = |row: &Row| {
        let some =
            |at| get::<Vec<Option<u32>>>(row, at).map(|oids| oids.into_iter().flatten().collect());
        Ok(Type { name: get(row, 1)?, functions: some(2)?, types: some(3)?, checks: get(row, 4)? })
    };
    rows.iter().map(type_).collect()
}

pub(super) async fn relations(
    session: &Session,
    oids: &[u32],
) -> Result<Vec<Relation>, DatabaseError> {
    let rows = rows(session, RELATIONS, &oids).await?;
    let relation = |row: &Row| {
        Ok(Relation {
            oid: get(row, 0)?,
            schema: get(row, 1)?,
            name: get(row, 2)?,
            kind: get(row, 3)?,
            definition: get(row, 4)?,
            expressions: get(row, 5)?,
        })
    };
    rows.iter().map(relation).collect()
}

/// A foreign table among the partitions and heirs of some tables.
pub(super) async fn foreign_child(
    session: &Session,
    oids: &[u32],
) -> Result<Option<String>, DatabaseError> {
    let rows = rows(session, FOREIGN_CHILDREN, &oids).await?;
    let qualified =
        |row: &Row| Ok(format!("{}.{}", get::<String>(row, 0)?, get::<String>(row, 1)?));
    rows.first().map(qualified).transpose()
}

/// The partitions and heirs of some tables.
pub(super) async fn heirs(session: &Session, oids: &[u32]) -> Result<Vec<u32>, DatabaseError> {
    rows(session, HEIRS, &oids).await?.iter().map(|row| get(row, 0)).collect()
}

/// The expressions of some tables that the planner works out, each with the name of its table.
pub(super) async fn planned(
    session: &Session,
    oids: &[u32],
) -> Result<Vec<(String, String)>, DatabaseError> {
    rows(session, PLANNED, &oids)
        .await?
        .iter()
        .map(|row| Ok((get(row, 0)?, get(row, 1)?)))
        .collect()
}

/// The functions with which users make partitions, each with the name of its table.
pub(super) async fn partition_support(
    session: &Session,
    oids: &[u32],
) -> Result<Vec<(String, u32)>, DatabaseError> {
    let rows = rows(session, PARTITION_SUPPORT, &oids).await?;
    rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?))).collect()
}

pub(super) async fn target(session: &Session, oid: u32) -> Result<Target, DatabaseError> {
    let rows = rows(session, TARGET, &oid).await?;
    let row = rows.first().ok_or_else(|| DatabaseError::internal("a table is gone"))?;
    Ok(Target { has_rules: get(row, 0)?, policies: get(row, 1)? })
}

/// Everything that some names can mean, in whatever schema.
pub(super) async fn named(session: &Session, names: &[String]) -> Result<Named, DatabaseError> {
    let mut named = Named::default();
    for row in rows(session, NAMED, &names).await? {
        let oid = get(&row, 1)?;
        match get::<&str>(&row, 0)? {
            "f" => named.functions.push(oid),
            "r" => named.relations.push(oid),
            "t" => named.types.push(oid),
            _ => named.operators.push(oid),
        }
    }
    Ok(named)
}
