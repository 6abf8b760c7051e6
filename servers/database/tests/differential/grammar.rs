//! What the queries of one dialect are made of, as data.
//!
//! Everything has a kind, such as `int` or `text`. A rule makes an expression of its kind from a template, whose holes are
//! filled with expressions: `{int}` with any of that kind, `{K}` with one of the rule's own kind, and `{int=a}` with the same
//! one in every place of the same letter. `{exists}` is a subquery, `{list:int}` one for `IN`, `{scalar:int}` one with one value;
//! `{order}` and `{partition}` are the insides of a window over unique keys.
//!
//! The rules leave out what may honestly differ between two runs: clocks, random numbers, rounding that depends on the order
//! of a sum (fractions here are dyadic), and a choice between values that are equal but look different.

/// A kind and what belongs to it: a column's name, or a template.
pub(crate) type Of = (&'static str, &'static str);

pub(crate) struct Grammar {
    /// Each has the same columns; the last one is empty.
    pub(crate) tables: &'static [&'static str],
    /// Kind and name; `id` is the primary key beside them.
    pub(crate) columns: &'static [Of],
    pub(crate) literals: &'static [Of],
    pub(crate) rules: &'static [Of],
    /// For every kind: conditions, null handling.
    pub(crate) generic: &'static [&'static str],
    pub(crate) aggregates: &'static [Of],
    pub(crate) windows: &'static [Of],
    /// Kinds whose equal values look the same: what may be grouped, united and made distinct.
    pub(crate) exact: &'static [&'static str],
    /// Kinds that are shown as they are stored and never put into an expression.
    pub(crate) bare: &'static [&'static str],
    pub(crate) set_operations: &'static [&'static str],
    pub(crate) joins: &'static [&'static str],
    /// With a subquery on the right.
    pub(crate) joins_of_queries: &'static [&'static str],
    /// A table function or another source with one column `n` of the kind `int`.
    pub(crate) series: &'static str,
    /// Around a query in brackets, where the dialect allows none around the sides of a set operation.
    pub(crate) side: (&'static str, &'static str),
    /// How a column of the result is put into a total order: by its text, so that rows of one place are the same.
    pub(crate) order_by: fn(&str) -> String,
    /// The names that the columns of a result get; two may be equal.
    pub(crate) names: &'static [&'static str],
}

impl Grammar {
    /// The kinds that a result may have.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.columns.iter().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        kinds
    }
}
