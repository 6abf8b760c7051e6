//! What the names of databases and tables could be, given what was typed.
//!
//! Whoever is still typing needs no error: what can't be asked suggests nothing, and nobody waits long.

use std::time::Duration;

use wharf::{CompletionQuery, CompletionValues, State};

use crate::{
    Databases,
    catalog::TableSummary,
    engine::{Dialect, Engine},
    names::MAX_PATTERN_BYTES,
    request::TableFilter,
    resources::table_part,
};

/// Longest wait for suggestions.
const PATIENCE: Duration = Duration::from_secs(2);

/// Names of databases.
pub(crate) async fn database(
    query: CompletionQuery,
    State(databases): State<Databases>,
) -> Vec<String> {
    let typed = query.value.to_lowercase();
    let names = databases.names().filter(|name| name.to_lowercase().starts_with(&typed));
    names.map(str::to_owned).collect()
}

/// Names of tables of the database that was chosen, or of the default one.
pub(crate) async fn table(
    query: CompletionQuery,
    State(databases): State<Databases>,
) -> CompletionValues {
    let chosen = query.settled.get("database").and_then(|name| name.as_str());
    let chosen = chosen.filter(|name| !name.is_empty());
    let Ok((_, engine)) = databases.get(chosen) else { return CompletionValues::default() };
    let looked = tokio::time::timeout(PATIENCE, tables(&**engine, &query.value));
    looked.await.unwrap_or_default()
}

async fn tables(engine: &dyn Engine, typed: &str) -> CompletionValues {
    if typed.len() > MAX_PATTERN_BYTES {
        return CompletionValues::default();
    }
    let mut names = Vec::new();
    let mut truncated = false;
    for filter in filters(typed) {
        // Such as a schema that does not exist: what stands before the dot belongs to the name.
        let Ok(list) = engine.tables(&filter).await else { continue };
        truncated |= list.truncated;
        let fitting =
            list.tables.iter().filter_map(|table| fitting(engine.dialect(), table, typed));
        names.extend(fitting);
    }
    names.sort();
    names.dedup();
    let mut found = CompletionValues::default();
    // How many there are in all is known only when all were looked at.
    found.total = (!truncated).then_some(names.len());
    found.values = names;
    found
}

/// What to ask for: names that begin like this, and names in a schema. The database only narrows it down, since a pattern
/// can't say that `*` is meant as it stands.
fn filters(typed: &str) -> Vec<TableFilter> {
    let begins_with = |text: &str| {
        let plain = text.split(['*', '?', '%']).next().unwrap_or_default();
        (!plain.is_empty()).then(|| format!("{plain}*"))
    };
    let short = |pattern: &Option<String>| {
        pattern.as_ref().is_none_or(|pattern| pattern.len() <= MAX_PATTERN_BYTES)
    };
    let mut filters = vec![TableFilter { schema: None, pattern: begins_with(typed) }];
    if let Some((schema, name)) = typed.split_once('.').filter(|(schema, _)| !schema.is_empty()) {
        filters.push(TableFilter { schema: Some(schema.to_owned()), pattern: begins_with(name) });
    }
    filters.retain(|filter| short(&filter.pattern));
    filters
}

/// The table as it is named in an address or argument, if it begins with what was typed, in any letter case.
fn fitting(dialect: Dialect, table: &TableSummary, typed: &str) -> Option<String> {
    let begins = |name: &str| name.to_lowercase().starts_with(&typed.to_lowercase());
    let whole = table_part(table.schema.as_deref(), &table.name);
    let has_plain_name = match (table.schema.as_deref(), dialect) {
        (None, _) => true,
        (Some(schema), Dialect::Postgres) => schema == "public",
        (Some(_), _) => false,
    };
    match begins(&table.name) {
        true if has_plain_name => Some(table.name.clone()),
        true => Some(whole),
        false => begins(&whole).then_some(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{RowCount, TableKind};

    #[test]
    fn a_table_is_offered_under_the_name_that_finds_it() {
        #[track_caller]
        fn check(dialect: Dialect, schema: Option<&str>, typed: &str, expected: Option<&str>) {
            let table = TableSummary {
                schema: schema.map(str::to_owned),
                name: "Users".into(),
                kind: TableKind::Table,
                column_count: 1,
                rows: RowCount::Unknown,
                size_bytes: None,
                comment: None,
            };
            let found = fitting(dialect, &table, typed);
            assert_eq!(found.as_deref(), expected, "{schema:?} {typed:?}");
        }
        check(Dialect::Sqlite, None, "", Some("Users"));
        check(Dialect::Sqlite, None, "uS", Some("Users"));
        check(Dialect::Sqlite, None, "sers", None);
        check(Dialect::Postgres, Some("public"), "us", Some("Users"));
        check(Dialect::Postgres, Some("public"), "PUBLIC.u", Some("public.Users"));
        check(Dialect::Postgres, Some("sales"), "us", Some("sales.Users"));
        check(Dialect::Postgres, Some("sales"), "sa", Some("sales.Users"));
        check(Dialect::Postgres, Some("sales"), "sales.x", None);
        check(Dialect::Mysql, Some("shop"), "us", Some("shop.Users"));
    }

    #[test]
    fn what_is_asked_never_takes_typed_text_for_a_pattern() {
        let patterns = |typed| {
            let filters = filters(typed).into_iter();
            filters.map(|filter| (filter.schema, filter.pattern)).collect::<Vec<_>>()
        };
        assert_eq!(patterns(""), [(None, None)]);
        assert_eq!(patterns("us"), [(None, Some("us*".into()))]);
        assert_eq!(patterns("a%b"), [(None, Some("a*".into()))]);
        assert_eq!(patterns("*"), [(None, None)]);
        assert_eq!(
            patterns("public.us"),
            [(None, Some("public.us*".into())), (Some("public".into()), Some("us*".into()))]
        );
        assert_eq!(patterns(&"x".repeat(MAX_PATTERN_BYTES)), []);
    }
}
