//! Matching names that a person or a model typed against the names that exist.

/// The longest pattern that is matched; longer ones cannot name a table anyone has.
pub const MAX_PATTERN_BYTES: usize = 200;
const MAX_SUGGESTIONS: usize = 3;

/// A table as a caller names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// The schema, if the caller named one apart.
    pub schema: Option<String>,
    /// The table's name, which may hold a schema in front of a dot.
    pub name: String,
}

impl TableName {
    /// A table in the default schema, or `schema.table`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { schema: None, name: name.into() }
    }

    /// What the caller can mean, the likeliest first: a name with a dot in it, or a schema and a name.
    #[must_use]
    pub fn readings(&self) -> Vec<(Option<&str>, &str)> {
        let mut readings = vec![(self.schema.as_deref(), self.name.as_str())];
        if self.schema.is_none() {
            readings.extend(
                self.name
                    .match_indices('.')
                    .map(|(dot, _)| (Some(&self.name[..dot]), &self.name[dot + 1..]))
                    .filter(|(schema, name)| !name.is_empty() && *schema != Some("")),
            );
        }
        readings
    }

    /// What the caller wrote, cut to a length that an error may repeat.
    #[must_use]
    pub fn shown(&self) -> String {
        let whole = match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        };
        whole[..whole.floor_char_boundary(MAX_PATTERN_BYTES)].to_owned()
    }
}

/// Whether a name matches a pattern, in any letter case.
///
/// `*` or `%` stands for any characters and `?` for one. A pattern without these matches every name
/// that contains it.
///
/// ```
/// use wharf_database::names::matches_pattern;
/// assert!(matches_pattern("order_*", "Order_Items"));
/// assert!(matches_pattern("item", "order_items"));
/// assert!(!matches_pattern("item?", "item"));
/// ```
#[must_use]
pub fn matches_pattern(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let mut pattern = pattern.to_lowercase().replace('%', "*");
    if !pattern.contains(['*', '?']) {
        pattern = format!("*{pattern}*");
    }
    let pattern: Vec<char> = pattern.chars().collect();
    // Only the last star is ever revisited, so the cost is bounded by the product of the lengths.
    let (mut at, mut of, mut star) = (0, 0, None);
    while at < name.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((of, at));
                of += 1;
            }
            Some(&c) if c == '?' || c == name[at] => {
                at += 1;
                of += 1;
            }
            _ => match star {
                Some((star_of, star_at)) => {
                    star = Some((star_of, star_at + 1));
                    of = star_of + 1;
                    at = star_at + 1;
                }
                None => return false,
            },
        }
    }
    pattern[of..].iter().all(|&c| c == '*')
}

/// Names that are all different: what appears again gets a number that nobody has.
#[must_use]
pub fn unique_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<&str> = names.into_iter().collect();
    let all: std::collections::HashSet<&str> = names.iter().copied().collect();
    let mut taken = std::collections::HashSet::with_capacity(names.len());
    let mut unique = Vec::with_capacity(names.len());
    for name in names {
        let mut candidate = name.to_owned();
        let mut number = 2;
        while taken.contains(&candidate) || (candidate != name && all.contains(&*candidate)) {
            candidate = format!("{name}:{number}");
            number += 1;
        }
        taken.insert(candidate.clone());
        unique.push(candidate);
    }
    unique
}

/// The existing names that are close to a wrong one, the closest first.
#[must_use]
pub fn near_names<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    // A long name costs its square to compare and is no slip of the keyboard.
    if wrong.len() > MAX_PATTERN_BYTES {
        return Vec::new();
    }
    let lowered = wrong.to_lowercase();
    let mut near: Vec<(f64, &str)> = names
        .into_iter()
        .filter(|name| name.len() <= MAX_PATTERN_BYTES)
        .map(|name| {
            let candidate = name.to_lowercase();
            let contains = !lowered.is_empty()
                && (candidate.contains(&lowered) || lowered.contains(&candidate));
            let score = strsim::jaro_winkler(&lowered, &candidate);
            (if contains { score.max(0.9) } else { score }, name)
        })
        .filter(|(score, _)| *score >= 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    near.into_iter().take(MAX_SUGGESTIONS).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_documented() {
        #[track_caller]
        fn check(pattern: &str, name: &str, expected: bool) {
            assert_eq!(matches_pattern(pattern, name), expected, "{pattern:?} on {name:?}");
        }
        check("", "users", true);
        check("*", "users", true);
        check("USER", "users", true);
        check("user?", "users", true);
        check("user?", "user", false);
        check("%er%", "users", true);
        check("s*s", "users", false);
        check("a*b*c", "axxbxxbc", true);
        check("größe", "GRÖSSE", false);
        check("ÖSS", "grösse", true);
        check("we\"ird", "we\"ird", true);
    }

    #[test]
    fn a_table_name_with_dots_is_read_in_every_way() {
        let name = TableName::new("a.b.c");
        assert_eq!(name.readings(), [(None, "a.b.c"), (Some("a"), "b.c"), (Some("a.b"), "c")]);
        assert_eq!(TableName::new(".x.").readings(), [(None, ".x.")]);
        let apart = TableName { schema: Some("s".into()), name: "a.b".into() };
        assert_eq!(apart.readings(), [(Some("s"), "a.b")]);
    }

    #[test]
    fn names_become_unique_and_none_is_lost() {
        assert_eq!(unique_names(["a", "b"]), ["a", "b"]);
        assert_eq!(unique_names(["a", "a", "a"]), ["a", "a:2", "a:3"]);
        assert_eq!(unique_names(["a", "a", "a:2", "", ""]), ["a", "a:3", "a:2", "", ":2"]);
    }

    #[test]
    fn near_names_are_close_and_few() {
        #[track_caller]
        fn check(wrong: &str, expected: &[&str]) {
            let names = ["users", "orders", "order_items", "airports"];
            assert_eq!(near_names(wrong, names), expected, "{wrong:?}");
        }
        check("user", &["users"]);
        check("Order", &["orders", "order_items"]);
        check("airport", &["airports"]);
        check("zzz", &[]);
        check(&"u".repeat(100_000), &[]);
    }
}
