//! Judges everything that a statement uses, and whatever that uses in turn.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::session::Session;
use super::Allowed;
use super::catalogue::{self, FIRST_USER_OID};
use super::pending::{Pending, Via};
use super::planned::Reach;
use super::target;
use super::tree;
use super::unnamed::Extent;
use super::walk::{self, Objection, Uses};
use crate::error::DatabaseError;

/// The most objects that one statement may use, directly or not.
const MAX_OBJECTS: usize = 20_000;

/// What has been judged, and what is still to be.
pub(super) struct Judge<'a> {
    pub(super) session: &'a Session,
    pub(super) allowed: &'a Allowed,
    pub(super) search_path: &'a str,
    pub(super) functions: Pending<Reach>,
    pub(super) relations: Pending<bool>,
    pub(super) operators: Pending<Reach>,
    pub(super) types: Pending<()>,
    /// Partitions and heirs, of which the planner reads what it reads of their parents.
    pub(super) heirs: BTreeSet<u32>,
    /// The table that the statement changes.
    pub(super) target: Option<u32>,
    pub(super) names: BTreeSet<String>,
    /// Types of PostgreSQL itself, but for those that only its own views use.
    pub(super) system_types: BTreeSet<u32>,
    /// Whether a column shows values of any type as they stand.
    pub(super) shows_any_array: bool,
    /// The first function whose values may be converted by the database itself.
    pub(super) converts: Option<Via>,
    /// Whether texts in bodies could be converted to types that do more than compute, once that is known.
    pub(super) bodies_convert: Option<bool>,
    /// What had been met when it was last asked what goes without a name.
    pub(super) extent: Extent,
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
            system_types: BTreeSet::new(),
            shows_any_array: false,
            converts: None,
            bodies_convert: None,
            extent: Extent::default(),
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
        uses.types.retain(|&oid| !in_system_view || oid >= FIRST_USER_OID);
        uses.types.iter().for_each(|&oid| self.push_type(oid, via));
        uses.relations.iter().for_each(|&oid| self.relations.push(oid, via, in_system_view));
        self.shows_any_array |= uses.shows_any_array && !in_system_view;
        self.names.append(&mut uses.names);
    }

    /// A type of a result or parameter, whose conversion to text runs when rows are sent.
    pub(super) fn push_type(&mut self, oid: u32, via: &Via) {
        // Conversions of PostgreSQL's own types only convert.
        if oid >= FIRST_USER_OID {
            self.types.push(oid, via, ());
        } else {
            self.system_types.insert(oid);
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
            } else if !self.take_unnamed().await? {
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

    async fn judge_operators(&mut self) -> Result<(), DatabaseError> {
        let (todo, oids) = self.operators.take();
        for operator in catalogue::operators(self.session, &oids).await? {
            for (via, reach) in todo.get(&operator.oid).into_iter().flatten() {
                self.functions.push(operator.function, via, *reach);
                for &partner in &operator.partners {
                    self.operators.push(partner, via, *reach);
                }
            }
            self.names.insert(operator.name);
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
}

pub(super) fn objection_error(objection: &Objection, via: &str) -> DatabaseError {
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
