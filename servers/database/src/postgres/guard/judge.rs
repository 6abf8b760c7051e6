//! Judges everything that a statement uses, and whatever that uses in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::session::Session;
use super::catalogue::{self, FIRST_USER_OID, Function, Relation};
use super::declaration::{self, refuse};
use super::lists::SECRET_RELATIONS;
use super::opaque;
use super::planned::{self, Reach};
use super::target;
use super::tree;
use super::walk::{self, Objection, Uses};
use super::{Allowed, body};
use crate::error::DatabaseError;

/// The most objects that one statement may use, directly or not.
const MAX_OBJECTS: usize = 20_000;

/// How something is reached, for messages: empty when the statement names it itself.
type Via = Arc<str>;

/// What has been judged, and what is still to be.
pub(super) struct Judge<'a> {
    session: &'a Session,
    allowed: &'a Allowed,
    search_path: &'a str,
    functions: Pending<Reach>,
    relations: Pending<bool>,
    operators: Pending<Reach>,
    types: Pending<()>,
    /// Partitions and heirs, of which the planner reads what it reads of their parents.
    heirs: BTreeSet<u32>,
    /// The table that the statement changes.
    target: Option<u32>,
    pub(super) names: BTreeSet<String>,
}

/// Objects of one kind by OID: those still to be judged with every way in which they are reached, and all that were met.
struct Pending<T> {
    todo: Todo<T>,
    met: BTreeSet<(u32, T)>,
}

type Todo<T> = BTreeMap<u32, Vec<(Via, T)>>;

impl<T: Copy + Ord> Pending<T> {
    fn new() -> Self {
        Self { todo: BTreeMap::new(), met: BTreeSet::new() }
    }

    fn push(&mut self, oid: u32, via: &Via, extra: T) {
        if oid != 0 && self.met.insert((oid, extra)) {
            self.todo.entry(oid).or_default().push((Arc::clone(via), extra));
        }
    }

    fn take(&mut self) -> (Todo<T>, Vec<u32>) {
        let todo = std::mem::take(&mut self.todo);
        let oids = todo.keys().copied().collect();
        (todo, oids)
    }

    fn oids(&self) -> Vec<u32> {
        let mut oids: Vec<u32> = self.met.iter().map(|(oid, _)| *oid).collect();
        oids.dedup();
        oids
    }
}

impl<'a> Judge<'a> {
    pub(super) fn new(session: &'a Session, allowed: &'a Allowed, search_path: &'a str) -> Self {
        Self {
            session,
            allowed,
            search_path,
            functions: Pending::new(),
            relations: Pending::new(),
            operators: Pending::new(),
            types: Pending::new(),
            heirs: BTreeSet::new(),
            target: None,
            names: BTreeSet::new(),
        }
    }

    /// Takes in an analysed statement or expression.
    pub(super) fn take_tree(
        &mut self,
        text: &str,
        via: &Via,
        in_system_view: bool,
    ) -> Result<(), DatabaseError> {
        let mut uses = Uses::default();
        tree::read(text)
            .map_err(Objection::from)
            .and_then(|tree| walk::collect(&tree, &mut uses))
            .map_err(|objection| objection_error(&objection, via))?;
        self.take_uses(uses, via, in_system_view);
        Ok(())
    }

    /// Takes in the analysed statement of a caller who may change rows of one table.
    pub(super) fn take_change(&mut self, text: &str) -> Result<(), DatabaseError> {
        let mut uses = Uses::default();
        let target = tree::read(text)
            .map_err(Objection::from)
            .and_then(|tree| walk::collect_change(&tree, &mut uses))
            .map_err(|objection| target::objection_error(&objection))?;
        self.target = Some(target);
        self.take_uses(uses, &Via::from(""), false);
        Ok(())
    }

    fn take_uses(&mut self, mut uses: Uses, via: &Via, in_system_view: bool) {
        uses.functions.iter().for_each(|&oid| self.functions.push(oid, via, Reach::Called));
        uses.operators.iter().for_each(|&oid| self.operators.push(oid, via, Reach::Called));
        uses.types.iter().for_each(|&oid| self.push_type(oid, via));
        uses.relations.iter().for_each(|&oid| self.relations.push(oid, via, in_system_view));
        self.names.append(&mut uses.names);
    }

    /// A type of a result or parameter, whose conversion to text runs when rows are sent.
    pub(super) fn push_type(&mut self, oid: u32, via: &Via) {
        // Conversions of PostgreSQL's own types only convert.
        if oid >= FIRST_USER_OID {
            self.types.push(oid, via, ());
        }
    }

    /// Judges until nothing is left.
    pub(super) async fn run(&mut self) -> Result<(), DatabaseError> {
        loop {
            let met = self.functions.met.len()
                + self.relations.met.len()
                + self.operators.met.len()
                + self.types.met.len();
            if met > MAX_OBJECTS {
                let what = format!("a statement that uses more than {MAX_OBJECTS} objects");
                return Err(DatabaseError::refused(what, "use fewer views and functions"));
            }
            if !self.relations.todo.is_empty() {
                self.judge_relations().await?;
            } else if !self.operators.todo.is_empty() {
                self.judge_operators().await?;
            } else if !self.types.todo.is_empty() {
                self.judge_types().await?;
            } else if !self.functions.todo.is_empty() {
                self.judge_functions().await?;
            } else {
                return Ok(());
            }
        }
    }

    /// OIDs of all relations and types that were met.
    pub(super) fn met(&self) -> (Vec<u32>, Vec<u32>) {
        let mut relations: BTreeSet<u32> = self.relations.oids().into_iter().collect();
        relations.extend(&self.heirs);
        (relations.into_iter().collect(), self.types.oids())
    }

    async fn judge_relations(&mut self) -> Result<(), DatabaseError> {
        let (todo, oids) = self.relations.take();
        for relation in catalogue::relations(self.session, &oids).await? {
            for (via, in_system_view) in todo.get(&relation.oid).into_iter().flatten() {
                self.judge_relation(&relation, via, *in_system_view)?;
            }
            if self.target == Some(relation.oid) {
                for expression in target::judge(self.session, &relation).await? {
                    let through = format!("table {}", relation.qualified()).into();
                    self.take_tree(&expression, &through, false)?;
                }
            }
        }
        if !self.allowed.foreign_tables
            && let Some(name) = catalogue::foreign_child(self.session, &oids).await?
        {
            return Err(foreign(&name, todo.values().flatten().next().map_or("", |(via, _)| via)));
        }
        self.judge_planning(oids).await
    }

    /// What runs while the planner looks at tables, before a row of theirs is read.
    async fn judge_planning(&mut self, mut oids: Vec<u32>) -> Result<(), DatabaseError> {
        oids.retain(|&oid| oid >= FIRST_USER_OID);
        if oids.is_empty() {
            return Ok(());
        }
        let heirs = catalogue::heirs(self.session, &oids).await?;
        self.heirs.extend(&heirs);
        oids.extend(heirs);
        for (table, expression) in catalogue::planned(self.session, &oids).await? {
            let through: Via = format!("table {table}").into();
            let planned = tree::read(&expression)
                .map_err(Objection::from)
                .and_then(|tree| planned::collect(&tree))
                .map_err(|objection| objection_error(&objection, &through))?;
            for (reach, uses) in planned {
                uses.functions.iter().for_each(|&oid| self.functions.push(oid, &through, reach));
                uses.operators.iter().for_each(|&oid| self.operators.push(oid, &through, reach));
            }
        }
        for (table, function) in catalogue::partition_support(self.session, &oids).await? {
            self.functions.push(function, &format!("table {table}").into(), Reach::Called);
        }
        Ok(())
    }

    fn judge_relation(
        &mut self,
        relation: &Relation,
        via: &Via,
        in_system_view: bool,
    ) -> Result<(), DatabaseError> {
        let name = relation.qualified();
        self.names.insert(relation.name.clone());
        match relation.kind.as_str() {
            "r" | "p" | "v" | "m" | "S" => {}
            "f" if self.allowed.foreign_tables => {}
            "f" => return Err(foreign(&name, via)),
            _ => {
                return Err(refuse(
                    "relation",
                    &name,
                    via,
                    "it is no table or view",
                    "select from tables and views",
                ));
            }
        }
        let secret = relation.is_system() && SECRET_RELATIONS.contains(&relation.name.as_str());
        if secret && !in_system_view {
            let advice = "use pg_roles, pg_stats or information_schema instead";
            return Err(refuse("relation", &name, via, "it holds secrets", advice));
        }
        let through: Via = if via.is_empty() {
            format!("{} {name}", kind_name(relation)).into()
        } else {
            Arc::clone(via)
        };
        // A materialized view is read like a table; its definition runs only when somebody refreshes it.
        if let Some(definition) = &relation.definition {
            self.take_tree(definition, &through, relation.is_system())?;
        }
        for expression in &relation.expressions {
            self.take_tree(expression, &through, false)?;
        }
        Ok(())
    }

    async fn judge_operators(&mut self) -> Result<(), DatabaseError> {
        let (todo, oids) = self.operators.take();
        for operator in catalogue::operators(self.session, &oids).await? {
            for (via, reach) in todo.get(&operator.oid).into_iter().flatten() {
                self.functions.push(operator.function, via, *reach);
            }
            self.names.insert(operator.name);
        }
        let direct: Via = "".into();
        let called = todo.values().flatten().find(|(_, reach)| *reach == Reach::Called);
        let via = called.map_or(&direct, |(via, _)| via);
        let sorted: Vec<u32> = todo
            .iter()
            .filter(|(_, ways)| ways.iter().any(|(_, reach)| *reach == Reach::Called))
            .map(|(oid, _)| *oid)
            .collect();
        for function in catalogue::operator_support(self.session, &sorted).await? {
            self.functions.push(function, via, Reach::Called);
        }
        Ok(())
    }

    async fn judge_types(&mut self) -> Result<(), DatabaseError> {
        let (todo, oids) = self.types.take();
        let direct: Via = "".into();
        let via = todo.values().flatten().next().map_or(direct, |(via, ())| Arc::clone(via));
        for type_ in catalogue::types(self.session, &oids).await? {
            let through: Via = if via.is_empty() {
                format!("type {}", type_.name).into()
            } else {
                Arc::clone(&via)
            };
            type_
                .functions
                .iter()
                .for_each(|&oid| self.functions.push(oid, &through, Reach::Called));
            type_.types.iter().for_each(|&oid| self.push_type(oid, &through));
            for check in &type_.checks {
                self.take_tree(check, &through, false)?;
            }
            self.names.insert(type_.name);
        }
        Ok(())
    }

    async fn judge_functions(&mut self) -> Result<(), DatabaseError> {
        let (todo, oids) = self.functions.take();
        for function in catalogue::functions(self.session, &oids).await? {
            self.names.insert(function.name.clone());
            for (via, reach) in todo.get(&function.oid).into_iter().flatten() {
                if reach.runs(&function) {
                    self.judge_function(&function, via).await?;
                }
            }
        }
        Ok(())
    }

    async fn judge_function(
        &mut self,
        function: &Function,
        via: &Via,
    ) -> Result<(), DatabaseError> {
        if self.allowed.functions.contains(&function.qualified()) {
            return Ok(());
        }
        declaration::check(function, via)?;
        let through: Via = match via.is_empty() {
            true => format!("function {}", function.qualified()).into(),
            false => Arc::clone(via),
        };
        if let Some(defaults) = &function.defaults {
            self.take_tree(defaults, &through, false)?;
        }
        if function.is_system() {
            return Ok(());
        }
        function.types.iter().for_each(|&oid| self.push_type(oid, &through));
        self.functions.push(function.support, &through, Reach::Called);
        if function.kind == "a" {
            for aggregate in catalogue::aggregates(self.session, &[function.oid]).await? {
                aggregate
                    .functions
                    .iter()
                    .for_each(|&oid| self.functions.push(oid, &through, Reach::Called));
                aggregate.types.iter().for_each(|&oid| self.push_type(oid, &through));
                self.operators.push(aggregate.sort_operator, &through, Reach::Called);
            }
            return Ok(());
        }
        match function.language.as_str() {
            "sql" => self.take_sql_body(function, via, &through).await,
            "plpgsql" => self.take_opaque_body(function, via, &through).await,
            _ => Ok(()),
        }
    }

    async fn take_sql_body(
        &mut self,
        function: &Function,
        via: &Via,
        through: &Via,
    ) -> Result<(), DatabaseError> {
        if let Some(body) = &function.body {
            return self.take_tree(body, through, false);
        }
        match body::analyse(self.session, function, self.search_path).await? {
            Some(tree) => self.take_tree(&tree, through, false),
            // A body with polymorphic arguments has no meaning before it is called.
            None => self.take_opaque_body(function, via, through).await,
        }
    }

    async fn take_opaque_body(
        &mut self,
        function: &Function,
        via: &Via,
        through: &Via,
    ) -> Result<(), DatabaseError> {
        let names = opaque::names(&function.source).map_err(|why| {
            let advice = "ask the operator to allow it by name (allow_functions)";
            refuse("function", &function.qualified(), via, why, advice)
        })?;
        let names: Vec<String> = names.into_iter().collect();
        let named = catalogue::named(self.session, &names).await?;
        named.functions.iter().for_each(|&oid| self.functions.push(oid, through, Reach::Called));
        named.relations.iter().for_each(|&oid| self.relations.push(oid, through, false));
        named.operators.iter().for_each(|&oid| self.operators.push(oid, through, Reach::Called));
        self.names.extend(names);
        Ok(())
    }
}

fn kind_name(relation: &Relation) -> &'static str {
    if relation.kind == "v" { "view" } else { "table" }
}

fn foreign(name: &str, via: &str) -> DatabaseError {
    let advice = "ask the operator to allow foreign tables (allow_foreign_tables)";
    refuse("foreign table", name, via, "its rows lie on another server", advice)
}

fn objection_error(objection: &Objection, via: &str) -> DatabaseError {
    let used = if via.is_empty() { String::new() } else { format!(" in {via}") };
    match objection {
        Objection::Does(what) => {
            DatabaseError::refused(format!("{what}{used}"), "send one SELECT that only reads")
        }
        unknown => DatabaseError::refused(
            format!("{unknown}{used}"),
            "write the statement in a simpler way",
        ),
    }
}
