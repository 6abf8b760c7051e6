//! Judges the functions of a statement, and follows their bodies.

use std::sync::Arc;

use super::catalogue::{self, Function};
use super::declaration::{self, refuse};
use super::judge::Judge;
use super::opaque;
use super::pending::Via;
use super::planned::Reach;
use super::{body, conversions, literals};
use crate::error::DatabaseError;

impl Judge<'_> {
    pub(super) async fn judge_functions(&mut self) -> Result<(), DatabaseError> {
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
        self.converts.get_or_insert_with(|| Arc::clone(&through));
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
        if !self.runs_when_analysed(&function.source).await?
            && let Some(tree) = body::analyse(self.session, function, self.search_path).await?
        {
            return self.take_tree(&tree, through, false);
        }
        // A body with polymorphic arguments has no meaning before it is called.
        self.take_opaque_body(function, via, through).await
    }

    /// Whether the server could run something while it analyses a body.
    async fn runs_when_analysed(&mut self, source: &str) -> Result<bool, DatabaseError> {
        if !literals::may_hold_parts(source) {
            return Ok(false);
        }
        if let Some(known) = self.bodies_convert {
            return Ok(known);
        }
        let types = conversions::dangerous_types(self.session, self.allowed, self.search_path);
        let converts = !types.await?.is_empty();
        self.bodies_convert = Some(converts);
        Ok(converts)
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
        named.types.iter().for_each(|&oid| self.push_type(oid, through));
        self.names.extend(names);
        Ok(())
    }
}
