//! Reads the sections of a parsed file, together with what the environment overrides.
//!
//! Goes on after a problem, so that all of them are told. Keys that no table names are problems too: a misspelt limit that
//! is silently ignored is worse than one that stops the start.

use std::{collections::BTreeMap, ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{
    environment::{Environment, Override},
    field::{Describe, Field, Section, Shape},
    kind::Kind,
    mask,
    report::{At, Problem, did_you_mean},
    settings::SECTIONS,
    value::{Item, Values, article},
};

/// Sections by the names that the operator gave them: their tables and places.
pub(super) type Named<'d> = BTreeMap<String, (Option<&'d DeTable<'d>>, At)>;

/// One run over a file and an environment.
pub(super) struct Loading<'d> {
    pub(super) environment: Environment,
    root: Option<&'d DeTable<'d>>,
    /// Where relative paths of the file start.
    folder: &'d Path,
    pub(super) problems: Vec<Problem>,
    /// Values that may be quoted. Everything else may be a secret under a misspelt key.
    visible: Vec<Range<usize>>,
}

impl<'d> Loading<'d> {
    pub(super) fn new(
        root: Option<&'d DeTable<'d>>,
        folder: &'d Path,
        environment: Environment,
        problems: Vec<Problem>,
    ) -> Self {
        let mut this = Self { environment, root, folder, problems, visible: Vec::new() };
        this.refuse_unknown_sections();
        this
    }

    /// A section that has one fixed name.
    pub(super) fn section(&mut self, section: Section) -> Reader<'_, 'd> {
        let (table, origin) = self.table(self.root, section.path, section.path);
        Reader::new(self, section, section.path.to_owned(), table, origin)
    }

    /// The sections below `[servers]` and the like: their names, tables and places.
    pub(super) fn named(&mut self, parent: &str) -> Named<'d> {
        let (table, _) = self.table(self.root, parent, parent);
        self.named_in(table, parent)
    }

    /// The named sections of a table.
    fn named_in(&mut self, table: Option<&'d DeTable<'d>>, parent: &str) -> Named<'d> {
        let mut found = Named::new();
        for key in table.into_iter().flat_map(DeTable::keys) {
            let path = format!("{parent}.{}", key.get_ref());
            let (below, origin) = self.table(table, key.get_ref(), &path);
            // A value that is no table has been refused; its name is left out to say so once.
            if below.is_some() {
                found.insert(key.get_ref().to_string(), (below, origin));
            }
        }
        for (name, variable) in self.environment.names_below(parent) {
            found.entry(name).or_insert((None, At::Variable(variable)));
        }
        found
    }

    /// The table under a key, and where its name stands.
    fn table(
        &mut self,
        parent: Option<&'d DeTable<'d>>,
        key: &str,
        path: &str,
    ) -> (Option<&'d DeTable<'d>>, At) {
        let Some((name, value)) = parent.and_then(|parent| parent.get_key_value(key)) else {
            return (None, At::File);
        };
        let at = At::Span(name.span());
        if let DeValue::Table(table) = value.get_ref() {
            return (Some(table), at);
        }
        let found = article(value.get_ref());
        let problem = Problem::new(at.clone(), format!("`{path}` must be a section"));
        self.problems.push(problem.label(format!("expected [{path}], found {found}")));
        (None, at)
    }

    fn refuse_unknown_sections(&mut self) {
        let known = section_names();
        for key in self.root.into_iter().flat_map(DeTable::keys) {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let problem = Problem::new(At::Span(key.span()), format!("unknown section `{name}`"));
            self.problems.push(hinted(problem, name, &known, "sections"));
        }
    }

    /// Refuses the overrides that belong to no section.
    pub(super) fn refuse_unknown_overrides(&mut self) {
        let known = section_names();
        for (path, variable) in self.environment.unused() {
            let name = path.split('.').next().unwrap_or(path);
            let title = format!("`{path}` is no key of the configuration");
            let problem = Problem::new(At::Variable(variable.to_owned()), title);
            self.problems.push(if known.contains(&name) {
                problem.label("a section has no value; set one of its keys")
            } else {
                hinted(problem, name, &known, "sections")
            });
        }
    }

    pub(super) fn finish(self, source: &str) -> (Vec<Problem>, String) {
        let masked = if self.problems.is_empty() {
            String::new()
        } else {
            mask::parsed(source, self.root, &self.visible)
        };
        (self.problems, masked)
    }
}

/// First parts of the paths of all sections.
fn section_names() -> Vec<&'static str> {
    let mut names: Vec<&str> =
        SECTIONS.iter().filter_map(|section| section.path.split('.').next()).collect();
    names.dedup();
    names
}

/// Adds what may have been meant, where the key would be right, and everything that is accepted.
fn hinted(problem: Problem, written: &str, known: &[&str], what: &str) -> Problem {
    let problem = match did_you_mean(written, known.iter().copied()) {
        Some(hint) => problem.label(hint),
        None => problem,
    };
    let is_here = |key: &str| key == written && !known.contains(&key);
    let problem = match SECTIONS.iter().find(|section| section.keys().any(is_here)) {
        Some(section) => problem.note(format!("`{written}` is a key of {}", section.title())),
        None => problem,
    };
    problem.note(format!("accepted {what}: {}", known.join(", ")))
}

/// One section that is being read.
pub(super) struct Reader<'l, 'd> {
    loading: &'l mut Loading<'d>,
    path: String,
    table: Option<&'d DeTable<'d>>,
    /// Where the section begins.
    origin: At,
    overrides: BTreeMap<&'static str, Override>,
}

impl<'l, 'd> Reader<'l, 'd> {
    /// Begins a section and refuses what its table of keys does not name.
    pub(super) fn new(
        loading: &'l mut Loading<'d>,
        section: Section,
        path: String,
        table: Option<&'d DeTable<'d>>,
        origin: At,
    ) -> Self {
        Self::around(loading, section, path, table, origin, &[])
    }

    /// The same for a section that has others inside of it beside those that it names itself.
    pub(super) fn around(
        loading: &'l mut Loading<'d>,
        section: Section,
        path: String,
        table: Option<&'d DeTable<'d>>,
        origin: At,
        inner: &[&'static str],
    ) -> Self {
        let reader = Self::peek(loading, section, path, table, origin);
        let inside: Vec<&str> = section.keys_below().chain(inner.iter().copied()).collect();
        let known: Vec<&str> = section.keys().chain(inside.iter().copied()).collect();
        let in_file = table.into_iter().flat_map(DeTable::keys);
        let in_file = in_file.map(|key| (key.get_ref().to_string(), At::Span(key.span())));
        let overrides = reader.loading.environment.rest_below(&reader.path, &inside).into_iter();
        let overrides = overrides.map(|(key, variable)| (key, At::Variable(variable)));
        for (key, at) in in_file.chain(overrides) {
            if !known.contains(&key.as_str()) {
                let problem = Problem::new(at, format!("unknown key `{key}` in [{}]", reader.path));
                reader.loading.problems.push(hinted(problem, &key, &known, "keys"));
            }
        }
        reader
    }

    /// Begins a section of which only some keys are known yet.
    pub(super) fn peek(
        loading: &'l mut Loading<'d>,
        section: Section,
        path: String,
        table: Option<&'d DeTable<'d>>,
        origin: At,
    ) -> Self {
        let mut overrides = BTreeMap::new();
        for field in section.fields {
            let key = field.key();
            if let Some(by) = loading.environment.at(&format!("{path}.{key}")) {
                overrides.insert(key, by);
            }
            if let Some(value) = table.and_then(|table| table.get(key))
                && !field.facts().secret
                && mask::is_plain(value.get_ref())
            {
                loading.visible.push(value.span());
            }
        }
        Self { loading, path, table, origin, overrides }
    }

    /// Whether there is a section of this sort inside of this one, in the file or in a variable.
    pub(super) fn has_below(&self, section: &Section) -> bool {
        let key = section.parent_key();
        let named = self.loading.environment.names_below(&format!("{}.{key}", self.path));
        let value = self.table.and_then(|table| table.get(key)).map(Spanned::get_ref);
        // A value that is no table is a problem of its own, and an empty table is as good as none.
        !named.is_empty() || matches!(value, Some(DeValue::Table(table)) if !table.is_empty())
    }

    /// The section of this sort inside of this one, which has a fixed name.
    pub(super) fn inner(&mut self, section: Section) -> Reader<'_, 'd> {
        let key = section.parent_key();
        let path = format!("{}.{key}", self.path);
        let (table, origin) = self.loading.table(self.table, key, &path);
        Reader::new(self.loading, section, path, table, origin)
    }

    /// Reads the sections inside of this one, in the order of their names. One whose name is not accepted is a problem.
    pub(super) fn each_below<T>(
        &mut self,
        section: &Section,
        is_name: fn(&str) -> Result<(), String>,
        mut read: impl FnMut(&str, &mut Reader<'_, 'd>) -> Option<T>,
    ) -> Vec<(String, T)> {
        let key = section.parent_key();
        let parent = format!("{}.{key}", self.path);
        let loading = &mut *self.loading;
        let (table, _) = match self.table {
            Some(_) => loading.table(self.table, key, &parent),
            None => (None, At::File),
        };
        let mut all = Vec::new();
        for (name, (table, origin)) in loading.named_in(table, &parent) {
            let path = format!("{parent}.{name}");
            if let Err(rule) = is_name(&name) {
                let shown: String = name.chars().take(64).collect();
                let title = format!("{shown:?} can't be a name in [{parent}]");
                loading.problems.push(Problem::new(origin, title).label(rule));
                loading.environment.rest_below(&path, &[]);
                continue;
            }
            let mut reader = Reader::new(loading, *section, path, table, origin);
            if let Some(value) = read(&name, &mut reader) {
                all.push((name, value));
            }
        }
        all
    }

    /// The value of a key; after a problem, something that is never used.
    pub(super) fn read<F: Field>(&mut self, field: &F) -> F::Value {
        field.read(self)
    }

    /// The value of a key, or what another section says where this one does not.
    pub(super) fn read_or<F: Field>(&mut self, field: &F, outer: Option<F::Value>) -> F::Value {
        match outer {
            Some(value) if !self.has(field) => value,
            _ => field.read(self),
        }
    }

    /// Whether the key has been given at all.
    pub(super) fn has(&self, field: &dyn Describe) -> bool {
        self.overrides.contains_key(field.key()) || self.in_file(field).is_some()
    }

    /// Whether the key has a value: an empty variable is how an environment says that it has none.
    pub(super) fn is_set(&self, field: &dyn Describe) -> bool {
        match self.overrides.get(field.key()) {
            Some(by) => !by.value.is_empty(),
            None => self.in_file(field).is_some(),
        }
    }

    /// Whether a list has no items, be it written or not.
    pub(super) fn is_empty_list(&self, field: &dyn Describe) -> bool {
        matches!(self.items(field), Values::Items(items) if items.is_empty())
    }

    fn in_file(
        &self,
        field: &dyn Describe,
    ) -> Option<(&'d Spanned<DeString<'d>>, &'d Spanned<DeValue<'d>>)> {
        self.table?.get_key_value(field.key())
    }

    /// The full name of a key, as messages and logs have it.
    pub(super) fn name(&self, field: &dyn Describe) -> String {
        format!("{}.{}", self.path, field.key())
    }

    /// A problem with a key, at its name; or with its absence, at the section's.
    pub(super) fn problem(&self, field: &dyn Describe, title: String) -> Problem {
        let at = match (self.overrides.get(field.key()), self.in_file(field)) {
            (Some(by), _) => At::Variable(by.variable.clone()),
            (None, Some((key, _))) => At::Span(key.span()),
            (None, None) => self.origin.clone(),
        };
        Problem::new(at, title)
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.loading.problems.push(problem);
    }

    /// Says that a key has to be there.
    pub(super) fn missing(&mut self, field: &dyn Describe) {
        let title = format!("`{}` is missing", self.name(field));
        let problem = self.problem(field, title);
        self.push(problem.label(format!("`{}` is required here", field.key())));
    }

    fn items(&self, field: &dyn Describe) -> Values<'d> {
        match (self.overrides.get(field.key()), self.in_file(field)) {
            (Some(by), _) => Values::of_override(by, field.shape().is_list()),
            (None, Some((_, value))) => Values::of_file(value, field.shape().is_list()),
            (None, None) => Values::none(),
        }
    }

    /// The one value of a key, if it has been given and is good.
    pub(super) fn one<T>(&mut self, field: &dyn Describe, kind: &Kind<T>) -> Option<T> {
        match self.items(field) {
            // An empty variable is how an environment says "not set".
            Values::Items(items)
                if field.shape() == Shape::Optional && items.iter().all(Item::is_unset) =>
            {
                None
            }
            Values::Items(items) => self.parse(field, kind, items).pop(),
            Values::NoList(..) => None,
        }
    }

    /// The values of a list.
    pub(super) fn many<T>(&mut self, field: &dyn Describe, kind: &Kind<T>) -> Vec<T> {
        match self.items(field) {
            Values::Items(items) => self.parse(field, kind, items),
            Values::NoList(span, found) => {
                let title = format!("invalid value for `{}`", self.name(field));
                let label = format!("expected a list such as [\"…\"], found {found}");
                self.push(Problem::new(At::Span(span), title).label(label));
                Vec::new()
            }
        }
    }

    fn parse<T>(&mut self, field: &dyn Describe, kind: &Kind<T>, items: Vec<Item<'d>>) -> Vec<T> {
        let name = self.name(field);
        let loading = &mut *self.loading;
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match item.parse(&name, kind, &loading.environment, loading.folder) {
                Ok(value) => values.push(value),
                Err(problem) => loading.problems.push(*problem),
            }
        }
        values
    }
}
