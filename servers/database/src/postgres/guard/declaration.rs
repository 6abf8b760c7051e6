//! Judges a function by what is declared about it: who wrote it, in which language, and how volatile it claims to be.

use super::catalogue::Function;
use super::lists;
use crate::error::DatabaseError;

/// Whether what is declared about a function lets it be used at all.
pub(super) fn check(function: &Function, via: &str) -> Result<(), DatabaseError> {
    let name = function.qualified();
    let no = |why: &str, advice: &str| Err(refuse("function", &name, via, why, advice));
    let volatile = function.volatility == "v";
    if function.is_system() {
        // Somebody can have put a body of their own behind one of PostgreSQL's names.
        if !["internal", "c", "sql"].contains(&function.language.as_str()) {
            return no("it replaces one of PostgreSQL's own", "ask the operator to restore it");
        }
        if let Some(why) = lists::refused(&function.name) {
            return no(why, "leave it out");
        }
        if volatile && !lists::HARMLESS_VOLATILE.contains(&function.name.as_str()) {
            return no(lists::why_volatile(&function.name), "leave it out");
        }
        return Ok(());
    }
    let operator = "ask the operator to allow it by name (allow_functions)";
    if function.security_definer {
        return no("it runs with the rights of its owner (SECURITY DEFINER)", operator);
    }
    if let Some(extension) = &function.extension {
        let known = (extension.as_str(), function.name.as_str());
        let listed = |(extension, name, _): &&(&str, &str, &str)| (*extension, *name) == known;
        if let Some((.., why)) = lists::EXTENSION_REFUSED.iter().find(listed) {
            return no(why, operator);
        }
        let compiled = function.language == "c" || function.language == "internal";
        if compiled && !lists::HARMLESS_EXTENSIONS.contains(&known.0) {
            return no(
                "it is compiled code of an extension that the guard does not know",
                operator,
            );
        }
        if volatile && !lists::EXTENSION_VOLATILE.contains(&known) {
            return no("it is declared VOLATILE, so that it can change something", operator);
        }
        if compiled {
            return Ok(());
        }
    }
    if function.kind == "p" {
        return no("it is a procedure", "call a function that only reads");
    }
    if volatile {
        let advice = "if it only reads, ask its owner to declare it STABLE";
        return no("it is declared VOLATILE, so that it can change something", advice);
    }
    if let Some(setting) = function.config.iter().find(|setting| !harmless_setting(setting)) {
        let setting = setting.split('=').next().unwrap_or_default();
        return no(&format!("it changes the setting {setting}"), operator);
    }
    match function.language.as_str() {
        "sql" | "plpgsql" => Ok(()),
        // An aggregate's own language says nothing; its functions are judged.
        _ if function.kind == "a" => Ok(()),
        language => {
            no(&format!("the guard cannot see what it does in the language {language}"), operator)
        }
    }
}

/// Settings that functions commonly carry and that change no rights.
fn harmless_setting(setting: &str) -> bool {
    let name = setting.split('=').next().unwrap_or_default().to_ascii_lowercase();
    let known = [
        "search_path",
        "work_mem",
        "timezone",
        "datestyle",
        "intervalstyle",
        "extra_float_digits",
        "bytea_output",
        "jit",
        "plan_cache_mode",
        "random_page_cost",
        "seq_page_cost",
        "default_text_search_config",
        "statement_timeout",
        "lc_numeric",
        "lc_monetary",
        "lc_time",
        "from_collapse_limit",
        "join_collapse_limit",
        "geqo",
    ];
    known.contains(&name.as_str()) || name.starts_with("enable_")
}

/// The refusal of an object, which `via` uses unless the statement names it itself.
pub(super) fn refuse(kind: &str, name: &str, via: &str, why: &str, advice: &str) -> DatabaseError {
    let used = if via.is_empty() { String::new() } else { format!(", which {via} uses,") };
    DatabaseError::refused(format!("{kind} {name}{used} ({why})"), advice)
}
