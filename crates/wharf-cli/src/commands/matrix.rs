//! `wharf config matrix`: who may use what, as a table. What permissions mean is decided by the same code that decides each
//! call; nothing here knows a pattern.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wharf::{Grants, Offered, TargetKind};

use crate::{
    access::{self, KnownCaller},
    cli::MatrixOptions,
    exit::Exit,
    failure::Failure,
    hosting::{self, Hosted},
    printer::{self, Printer},
};

/// Prints the table.
///
/// # Errors
/// A configuration that can't be used.
pub(crate) fn run(options: &MatrixOptions) -> anyhow::Result<()> {
    let settings = options.server.settings(None)?;
    let hosted = hosting::build(&settings, None, None)?;
    let callers = access::callers(&settings.auth)?;
    if options.json {
        printer::write_json(&as_json(&callers, &hosted))?;
    } else {
        printer::write(table(&callers, &hosted, Printer::stdout()).as_bytes())?;
    }
    Ok(())
}

fn rows(hosted: &[Hosted]) -> impl Iterator<Item = (&Hosted, Offered)> {
    hosted.iter().flat_map(|server| {
        server.service.offered().into_iter().map(move |offered| (server, offered))
    })
}

fn table(callers: &[KnownCaller], hosted: &[Hosted], printer: Printer) -> String {
    let head = ["server", "kind", "item"].map(str::to_owned).into_iter();
    let head = head.chain(callers.iter().map(|caller| caller.name.clone())).collect();
    let body = rows(hosted).map(|(server, offered)| {
        let said = callers.iter().map(|caller| match offered.is_open_to(&caller.grants) {
            true => "yes".to_owned(),
            false => "-".to_owned(),
        });
        let named = [server.name.clone(), kind(&offered).to_owned(), offered.item.to_string()];
        named.into_iter().chain(said).collect()
    });
    printer.table(&std::iter::once(head).chain(body).collect::<Vec<Vec<String>>>())
}

fn as_json(callers: &[KnownCaller], hosted: &[Hosted]) -> Value {
    let items = rows(hosted).map(|(server, offered)| {
        let open = callers.iter().filter(|caller| offered.is_open_to(&caller.grants));
        let open: Vec<&str> = open.map(|caller| caller.name.as_str()).collect();
        let scopes: Vec<&str> = offered.scopes.iter().map(|scope| scope.as_str()).collect();
        json!({
            "server": server.name,
            "kind": kind(&offered),
            "item": offered.item,
            "scopes": scopes,
            "callers": open,
        })
    });
    let names: Vec<&str> = callers.iter().map(|caller| caller.name.as_str()).collect();
    json!({"callers": names, "items": items.collect::<Vec<_>>()})
}

fn kind(offered: &Offered) -> &'static str {
    match offered.kind {
        TargetKind::Tool => "tool",
        TargetKind::Resource => "resource",
        TargetKind::Prompt => "prompt",
        _ => "other",
    }
}

/// Refuses permissions that name what nobody offers: a misspelt denial denies nothing.
///
/// # Errors
/// With the first such name, whose it is, and what there is.
pub(crate) fn check_names(callers: &[KnownCaller], hosted: &[Hosted]) -> Result<(), Failure> {
    let mut known: BTreeSet<String> =
        ["tools", "resources", "prompts", "admin", "metrics:read"].map(str::to_owned).into();
    let mut templates = BTreeSet::new();
    for (server, offered) in rows(hosted) {
        known.extend(offered.scopes.iter().map(|scope| scope.as_str().to_owned()));
        if offered.kind == TargetKind::Resource {
            templates.insert(server.name.clone());
        }
        known.insert(format!("{}:{}", server.name, offered.item));
    }
    let disabled = hosted.iter().flat_map(|server| {
        server.disabled.iter().map(move |tool| format!("{}:{tool}", server.name))
    });
    known.extend(disabled);
    let wrong = callers.iter().find_map(|caller| {
        Some((caller, unknown(&caller.grants, &known, &templates).first().copied()?))
    });
    let Some((caller, name)) = wrong else { return Ok(()) };
    let shown: String = name.chars().take(96).collect();
    let message =
        format!("the permissions of {:?} name {shown:?}, which nothing here offers", caller.name);
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    let hint = match near {
        Some((_, near)) => format!("did you mean {near}? wharf config matrix shows all names"),
        None => "wharf config matrix shows all names".to_owned(),
    };
    Err(Failure::new(Exit::Usage, message).hint(hint))
}

/// Names without a star that are none. A URI may be one that a template of its server makes.
fn unknown<'a>(
    grants: &'a Grants,
    known: &BTreeSet<String>,
    with_resources: &BTreeSet<String>,
) -> Vec<&'a str> {
    let is_uri_of = |name: &str| {
        name.split_once(':')
            .is_some_and(|(server, item)| with_resources.contains(server) && item.contains(':'))
    };
    grants.literals().filter(|name| !known.contains(*name) && !is_uri_of(name)).collect()
}
