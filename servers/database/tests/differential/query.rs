//! Random queries from a grammar, each with one answer only: rows are put into a total order at the end.

use crate::grammar::{Grammar, Of};
use crate::random::Random;

/// A query and what its columns are.
pub(crate) struct Query {
    pub(crate) sql: String,
    pub(crate) kinds: Vec<&'static str>,
}

/// Where columns come from.
#[derive(Clone)]
struct Source {
    alias: String,
    columns: Vec<(&'static str, String)>,
    /// Whether `id` tells its rows apart.
    has_key: bool,
}

struct Generator<'g> {
    grammar: &'g Grammar,
    random: &'g mut Random,
    aliases: usize,
    nesting: usize,
    ctes: Vec<Source>,
}

const MAX_NESTING: usize = 2;
const MAX_COLUMNS: usize = 5;
const MAX_ROWS: usize = 200;

pub(crate) fn query(grammar: &Grammar, random: &mut Random) -> Query {
    let mut generator = Generator { grammar, random, aliases: 0, nesting: 0, ctes: Vec::new() };
    generator.top()
}

impl Generator<'_> {
    fn top(&mut self) -> Query {
        let kinds = self.some_kinds(false);
        let with = if self.random.percent(25) { self.cte() } else { String::new() };
        let body = self.body(&kinds);
        let columns: Vec<String> = (1..=kinds.len()).map(|n| format!("q.c{n}")).collect();
        let items: Vec<String> = columns
            .iter()
            .map(|c| format!("{c} AS {}", self.random.pick(self.grammar.names)))
            .collect();
        let order: Vec<String> = columns.iter().map(|c| (self.grammar.order_by)(c)).collect();
        let mut sql = format!(
            "{with}SELECT {} FROM ({body}) AS q ORDER BY {}",
            items.join(", "),
            order.join(", ")
        );
        // A product of tables would be more than a tool call may answer with.
        sql += &match self.random.percent(15) {
            true => format!(" LIMIT {} OFFSET {}", self.random.below(8), self.random.below(4)),
            false => format!(" LIMIT {MAX_ROWS}"),
        };
        Query { sql, kinds }
    }

    fn some_kinds(&mut self, exact: bool) -> Vec<&'static str> {
        let all = if exact { self.grammar.exact.to_vec() } else { self.grammar.kinds() };
        let count = 1 + self.random.below(MAX_COLUMNS);
        (0..count).map(|_| *self.random.pick(&all)).collect()
    }

    fn cte(&mut self) -> String {
        let kinds = self.some_kinds(false);
        let body = self.select(&kinds, &[]);
        let name = self.alias("w");
        let columns = numbered(&kinds);
        self.ctes.push(Source { alias: name.clone(), columns, has_key: false });
        format!("WITH {name} AS ({body}) ")
    }

    /// A query without an order whose columns are `c1`, `c2` … of these kinds.
    fn body(&mut self, kinds: &[&'static str]) -> String {
        let all_exact = kinds.iter().all(|kind| self.grammar.exact.contains(kind));
        if all_exact && self.random.percent(35) {
            let (left, right) = (self.select(kinds, &[]), self.select(kinds, &[]));
            let operation = *self.random.pick(self.grammar.set_operations);
            let (open, close) = self.grammar.side;
            return format!("{open}{left}{close} {operation} {open}{right}{close}");
        }
        self.select(kinds, &[])
    }

    fn alias(&mut self, prefix: &str) -> String {
        self.aliases += 1;
        format!("{prefix}{}", self.aliases)
    }

    /// One SELECT; `outer` is what a subquery sees of the queries around it.
    fn select(&mut self, kinds: &[&'static str], outer: &[Source]) -> String {
        self.nesting += 1;
        let (from, own) = self.from();
        let mut scope = own.clone();
        scope.extend_from_slice(outer);
        let filter = if self.random.percent(55) {
            format!(" WHERE {}", self.expression("bool", &scope, 3))
        } else {
            String::new()
        };
        let keyed = own.iter().all(|source| source.has_key);
        let text = match self.random.below(10) {
            0..=2 => self.grouped(kinds, &own, &from, &filter),
            3..=5 if keyed && outer.is_empty() => {
                let items: Vec<_> = kinds.iter().map(|kind| self.windowed(kind, &own)).collect();
                format!("SELECT {} FROM {from}{filter}", listed(&items))
            }
            _ => {
                let all_exact = kinds.iter().all(|kind| self.grammar.exact.contains(kind));
                let distinct = if all_exact && self.random.percent(25) { "DISTINCT " } else { "" };
                let items: Vec<_> =
                    kinds.iter().map(|kind| self.expression(kind, &scope, 3)).collect();
                format!("SELECT {distinct}{} FROM {from}{filter}", listed(&items))
            }
        };
        self.nesting -= 1;
        text
    }

    fn from(&mut self) -> (String, Vec<Source>) {
        let (mut text, first) = self.source();
        let mut sources = vec![first];
        if self.random.percent(40) {
            let (right, source) = self.source();
            let joins =
                if source.has_key { self.grammar.joins } else { self.grammar.joins_of_queries };
            sources.push(source);
            let join = *self.random.pick(joins);
            let condition = if self.random.percent(50) {
                let kind = *self.random.pick(self.grammar.exact);
                let mut side = |index: usize| self.expression(kind, &sources[index..=index], 0);
                format!("{} = {}", side(0), side(1))
            } else {
                self.expression("bool", &sources, 2)
            };
            text = format!("{text} {join} {right} ON {condition}");
        }
        (text, sources)
    }

    fn source(&mut self) -> (String, Source) {
        let alias = self.alias("t");
        if !self.ctes.is_empty() && self.random.percent(40) {
            let cte = self.random.pick(&self.ctes).clone();
            return (format!("{} AS {alias}", cte.alias), Source { alias, ..cte });
        }
        match self.random.below(12) {
            0 => {
                let columns = vec![("int", "n".to_owned())];
                (
                    format!("{} AS {alias}", self.grammar.series),
                    Source { alias, columns, has_key: false },
                )
            }
            1 | 2 if self.nesting <= MAX_NESTING => {
                let kinds = self.some_kinds(false);
                let body = self.select(&kinds, &[]);
                (
                    format!("({body}) AS {alias}"),
                    Source { alias, columns: numbered(&kinds), has_key: false },
                )
            }
            _ => {
                // The empty table comes rarely: an answer without rows shows little.
                let (empty, full) = self.grammar.tables.split_last().unwrap();
                let table = if self.random.percent(4) { *empty } else { *self.random.pick(full) };
                let mut columns: Vec<_> = self
                    .grammar
                    .columns
                    .iter()
                    .map(|(kind, name)| (*kind, (*name).to_owned()))
                    .collect();
                columns.push(("int", "id".to_owned()));
                (format!("{table} AS {alias}"), Source { alias, columns, has_key: true })
            }
        }
    }

    fn grouped(
        &mut self,
        kinds: &[&'static str],
        own: &[Source],
        from: &str,
        filter: &str,
    ) -> String {
        let mut keys: Vec<(&'static str, String)> = own
            .iter()
            .flat_map(|source| {
                source
                    .columns
                    .iter()
                    .map(|(kind, name)| (*kind, format!("{}.{name}", source.alias)))
            })
            .filter(|(kind, _)| self.grammar.exact.contains(kind))
            .collect();
        while keys.len() > 2 {
            keys.swap_remove(self.random.below(keys.len()));
        }
        if self.random.percent(25) {
            keys.clear();
        }
        let items: Vec<String> = kinds
            .iter()
            .map(|kind| match keys.iter().find(|(of, _)| of == kind) {
                Some((_, key)) if self.random.percent(60) => key.clone(),
                _ => self
                    .of_kind(self.grammar.aggregates, kind, own, 2)
                    .unwrap_or_else(|| self.leaf(kind, &[])),
            })
            .collect();
        let mut text = format!("SELECT {} FROM {from}{filter}", listed(&items));
        if !keys.is_empty() {
            let names: Vec<_> = keys.into_iter().map(|(_, name)| name).collect();
            text += &format!(" GROUP BY {}", names.join(", "));
        }
        if self.random.percent(30) {
            text += &format!(
                " HAVING count(*) {} {}",
                self.random.pick(&[">", "<", "<>"]),
                self.random.below(4)
            );
        }
        text
    }

    fn windowed(&mut self, kind: &'static str, own: &[Source]) -> String {
        if self.random.percent(50)
            && let Some(text) = self.of_kind(self.grammar.windows, kind, own, 1)
        {
            return text;
        }
        self.expression(kind, own, 2)
    }

    fn expression(&mut self, kind: &'static str, scope: &[Source], depth: usize) -> String {
        if depth == 0 || self.random.percent(30) || self.grammar.bare.contains(&kind) {
            return self.leaf(kind, scope);
        }
        if self.random.percent(15) {
            let template = *self.random.pick(self.grammar.generic);
            return self.fill(template, kind, scope, depth - 1);
        }
        self.of_kind(self.grammar.rules, kind, scope, depth - 1)
            .unwrap_or_else(|| self.leaf(kind, scope))
    }

    fn leaf(&mut self, kind: &'static str, scope: &[Source]) -> String {
        let columns: Vec<String> = scope
            .iter()
            .flat_map(|source| source.columns.iter().map(move |(of, name)| (of, source, name)))
            .filter(|(of, ..)| **of == kind)
            .map(|(_, source, name)| format!("{}.{name}", source.alias))
            .collect();
        if self.grammar.bare.contains(&kind) {
            return if columns.is_empty() {
                "NULL".to_owned()
            } else {
                self.random.pick(&columns).clone()
            };
        }
        if columns.is_empty() || self.random.percent(20) {
            return self.literal(kind);
        }
        self.random.pick(&columns).clone()
    }

    fn literal(&mut self, kind: &'static str) -> String {
        let of_kind: Vec<_> = self.grammar.literals.iter().filter(|(of, _)| *of == kind).collect();
        assert!(!of_kind.is_empty(), "the grammar has no literal of the kind {kind}");
        self.random.pick(&of_kind).1.to_owned()
    }

    fn of_kind(
        &mut self,
        rules: &[Of],
        kind: &'static str,
        scope: &[Source],
        depth: usize,
    ) -> Option<String> {
        let of_kind: Vec<_> = rules.iter().filter(|(of, _)| *of == kind).collect();
        if of_kind.is_empty() {
            return None;
        }
        let template = self.random.pick(&of_kind).1;
        Some(self.fill(template, kind, scope, depth))
    }

    fn fill(
        &mut self,
        template: &'static str,
        kind: &'static str,
        scope: &[Source],
        depth: usize,
    ) -> String {
        let mut text = String::new();
        let mut named: Vec<(&'static str, String)> = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, after) = after.split_once('}').expect("a hole is closed");
            text += before;
            let filled = match named.iter().find(|(name, _)| *name == hole) {
                Some((_, filled)) => filled.clone(),
                None => self.hole(hole.split('=').next().unwrap_or(hole), kind, scope, depth),
            };
            if hole.contains('=') {
                named.push((hole, filled.clone()));
            }
            text += &filled;
            rest = after;
        }
        text + rest
    }

    fn hole(
        &mut self,
        hole: &'static str,
        kind: &'static str,
        scope: &[Source],
        depth: usize,
    ) -> String {
        match hole {
            "K" => self.expression(kind, scope, depth),
            "order" => keys(scope).join(", "),
            "partition" => self.expression("int", scope, 0),
            "exists" | "list:int" | "scalar:int" if self.nesting > MAX_NESTING => {
                // As deep as it may go: something that needs no query.
                match hole {
                    "exists" => "(1 = 1)".to_owned(),
                    _ => "(1)".to_owned(),
                }
            }
            "exists" => format!("EXISTS ({})", self.select(&["int"], scope)),
            "list:int" => format!("({})", self.select(&["int"], scope)),
            "scalar:int" => {
                // Not every dialect lets a table expression look at the queries around it.
                let body = self.select(&["int"], &[]);
                let alias = self.alias("s");
                format!("(SELECT max({alias}.c1) FROM ({body}) AS {alias})")
            }
            other => self.expression(other, scope, depth),
        }
    }
}

fn keys(scope: &[Source]) -> Vec<String> {
    scope.iter().map(|source| format!("{}.id", source.alias)).collect()
}

fn numbered(kinds: &[&'static str]) -> Vec<(&'static str, String)> {
    kinds.iter().enumerate().map(|(index, kind)| (*kind, format!("c{}", index + 1))).collect()
}

fn listed(items: &[String]) -> String {
    let named: Vec<_> =
        items.iter().enumerate().map(|(index, item)| format!("{item} AS c{}", index + 1)).collect();
    named.join(", ")
}
