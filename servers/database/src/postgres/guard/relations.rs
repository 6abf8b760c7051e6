//! Judges the relations of a statement: tables and views, what their definitions and policies use, and what the planner reads of them.

use super::catalogue::{self, FIRST_USER_OID, Relation};
use super::declaration::refuse;
use super::judge::{Judge, objection_error};
use super::lists::SECRET_RELATIONS;
use super::pending::Via;
use super::planned::{self, Reach};
use super::target;
use super::tree;
use super::walk::Objection;
use crate::error::DatabaseError;
use std::sync::Arc;

impl Judge<'_> {
    pub(super) async fn judge_relations(&mut self) -> Result<(), DatabaseError> {
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
}

fn kind_name(relation: &Relation) -> &'static str {
    if relation.kind == "v" { "view" } else { "table" }
}

fn foreign(name: &str, via: &str) -> DatabaseError {
    let advice = "ask the operator to allow foreign tables (allow_foreign_tables)";
    refuse("foreign table", name, via, "its rows lie on another server", advice)
}
