//! The variables of a URI template, so that a parameter that is none of them is found while compiling.
//!
//! Whether the template can be matched at all is judged by the builder, at one place for both ways of writing a server.

/// The names between braces (RFC 6570 levels 1 to 3), without operators.
pub(crate) fn variables(template: &str) -> Vec<&str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .flat_map(|(expression, _)| {
            expression.trim_start_matches(['+', '#', '.', '/', ';', '?', '&']).split(',')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_behind_every_operator() {
        let check = |template: &str, expected: &[&str]| assert_eq!(variables(template), expected);
        check("config://app", &[]);
        check("greeting://{name}", &["name"]);
        check("file:///{+path}{?page,size}", &["path", "page", "size"]);
        check("a://{/b}{#c}{.d}{;e}{&f}", &["b", "c", "d", "e", "f"]);
        check("a://{open", &[]);
    }
}
