//! RFC 6570 templates, matched: which variables make this URI.
//!
//! Levels 1 to 3: `{a}`, `{+a}`, `{#a}`, `{.a}`, `{/a}`, `{;a}`, `{?a}`, `{&a}`, several variables per expression. Level 4
//! modifiers are refused: they make matching ambiguous. Matching is linear: each variable ends at the first byte that it
//! can't hold or at the literal that follows it, and nothing is ever tried twice.

use std::{fmt, sync::Arc};

use percent_encoding::percent_decode_str;

/// Longest URI that is matched, in bytes.
const MAX_URI_BYTES: usize = 64 * 1024;

/// A parsed template.
#[derive(Debug)]
pub(crate) struct UriTemplate {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Expression(Operator, Vec<Arc<str>>),
}

/// RFC 6570 section 2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Simple,
    Reserved,
    Fragment,
    Label,
    Path,
    Parameter,
    Query,
    Continuation,
}

impl Operator {
    fn parse(byte: u8) -> Option<Self> {
        Some(match byte {
            b'+' => Self::Reserved,
            b'#' => Self::Fragment,
            b'.' => Self::Label,
            b'/' => Self::Path,
            b';' => Self::Parameter,
            b'?' => Self::Query,
            b'&' => Self::Continuation,
            _ => return None,
        })
    }

    /// What stands before the first value (RFC 6570 appendix A).
    const fn first(self) -> &'static str {
        match self {
            Self::Simple | Self::Reserved => "",
            Self::Fragment => "#",
            Self::Label => ".",
            Self::Path => "/",
            Self::Parameter => ";",
            Self::Query => "?",
            Self::Continuation => "&",
        }
    }

    /// What stands between values.
    const fn separator(self) -> u8 {
        match self {
            Self::Simple | Self::Reserved | Self::Fragment => b',',
            Self::Label => b'.',
            Self::Path => b'/',
            Self::Parameter => b';',
            Self::Query | Self::Continuation => b'&',
        }
    }

    /// Whether each value carries its name.
    const fn is_named(self) -> bool {
        matches!(self, Self::Parameter | Self::Query | Self::Continuation)
    }

    /// Whether reserved characters stand for themselves.
    const fn allows_reserved(self) -> bool {
        matches!(self, Self::Reserved | Self::Fragment)
    }

    /// Whether a value may hold `byte` (RFC 3986 section 2).
    fn holds(self, byte: u8) -> bool {
        let unreserved =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%');
        match self {
            // A label's separator is itself unreserved: it always separates.
            Self::Label => unreserved && byte != b'.',
            _ if self.allows_reserved() => byte > b' ' && byte != 0x7f,
            // Clients often leave non-ASCII letters unencoded.
            _ => unreserved || byte >= 0x80,
        }
    }
}

/// Why a template can't be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UriTemplateError {
    position: usize,
    what: &'static str,
}

impl fmt::Display for UriTemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the URI template is not usable at byte {}: {}", self.position, self.what)
    }
}

impl UriTemplate {
    /// Parses `text`.
    pub(crate) fn parse(text: &str) -> Result<Self, UriTemplateError> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text;
        let fail =
            |rest: &str, what| Err(UriTemplateError { position: text.len() - rest.len(), what });
        let mut names: Vec<Arc<str>> = Vec::new();
        while !rest.is_empty() {
            let open = rest.find(['{', '}']).unwrap_or(rest.len());
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
                rest = &rest[open..];
                continue;
            }
            if rest.starts_with('}') {
                return fail(rest, "a '}' without its '{'");
            }
            let Some(close) = rest.find('}') else { return fail(rest, "a '{' without its '}'") };
            let inside = &rest[1..close];
            let operator = inside.bytes().next().and_then(Operator::parse);
            let list = if operator.is_some() { &inside[1..] } else { inside };
            let operator = operator.unwrap_or(Operator::Simple);
            let mut variables: Vec<Arc<str>> = Vec::new();
            for name in list.split(',') {
                if name.contains([':', '*']) {
                    return fail(
                        rest,
                        "modifiers (':n' and '*') can't be matched; use one variable per part",
                    );
                }
                let plain = !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
                if !plain {
                    return fail(rest, "a variable is named with letters, digits, '_' and '.'");
                }
                let name: Arc<str> = name.into();
                if names.contains(&name) {
                    return fail(rest, "a variable appears twice");
                }
                names.push(Arc::clone(&name));
                variables.push(name);
            }
            if matches!(parts.last(), Some(Part::Expression(..))) && operator.first().is_empty() {
                return fail(rest, "two variables need something between them to be told apart");
            }
            parts.push(Part::Expression(operator, variables));
            rest = &rest[close + 1..];
        }
        Ok(Self { parts })
    }

    /// The variables of `uri`, percent-decoded, if it is one of the template's. A decoded value may hold any character,
    /// also `/`.
    pub(crate) fn matches(&self, uri: &str) -> Option<Vec<(Arc<str>, String)>> {
        if uri.len() > MAX_URI_BYTES {
            return None;
        }
        let mut found = Vec::new();
        let mut rest = uri;
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Part::Expression(operator, variables) => {
                    let end = self.end_of(index, *operator, rest)?;
                    expression(*operator, variables, &rest[..end], &mut found)?;
                    rest = &rest[end..];
                }
            }
        }
        rest.is_empty().then_some(found)
    }

    /// Where the expression at `index` ends in `rest`.
    fn end_of(&self, index: usize, operator: Operator, rest: &str) -> Option<usize> {
        let reach = rest.bytes().enumerate().position(|(at, byte)| {
            let own =
                at == 0 && !operator.first().is_empty() && byte == operator.first().as_bytes()[0];
            let between = byte == operator.separator() || (operator.is_named() && byte == b'=');
            !own && !between && !operator.holds(byte)
        });
        let reach = reach.unwrap_or(rest.len());
        match self.parts.get(index + 1) {
            None => Some(reach),
            // The last place where the literal follows, so that "{name}.txt" takes "a.b.txt" whole.
            Some(Part::Literal(literal)) => {
                let window = rest.len().min(reach + literal.len());
                let window = (window..=rest.len()).find(|at| rest.is_char_boundary(*at))?;
                rest[..window].rfind(literal.as_str())
            }
            // Told apart by the operator's own first character.
            Some(Part::Expression(next, _)) => {
                let start = next.first().as_bytes().first().copied();
                let at =
                    rest.bytes().enumerate().position(|(at, byte)| at > 0 && Some(byte) == start);
                Some(at.unwrap_or(reach).min(reach))
            }
        }
    }

    /// How much of the template is literal: the more, the earlier it is tried.
    pub(crate) fn specificity(&self) -> (usize, std::cmp::Reverse<usize>) {
        let mut literal = 0;
        let mut open = 0;
        for part in &self.parts {
            match part {
                Part::Literal(text) => literal += text.len(),
                Part::Expression(operator, variables) => {
                    open += variables.len() + if operator.allows_reserved() { 100 } else { 0 };
                }
            }
        }
        (literal, std::cmp::Reverse(open))
    }
}

/// Reads the values of one expression.
fn expression(
    operator: Operator,
    variables: &[Arc<str>],
    text: &str,
    found: &mut Vec<(Arc<str>, String)>,
) -> Option<()> {
    if text.is_empty() {
        // An expression whose variables are all absent expands to nothing; a plain one must hold something.
        return (operator != Operator::Simple && operator != Operator::Reserved).then_some(());
    }
    let values = text.strip_prefix(operator.first())?;
    if variables.len() == 1 && !operator.is_named() {
        return single(operator, &variables[0], values, found);
    }
    let mut next = 0;
    for part in values.split(char::from(operator.separator())) {
        let (index, value) = if operator.is_named() {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            // Clients may order a query as they like; each name counts once.
            (variables.iter().position(|known| **known == *name)?, value)
        } else {
            next += 1;
            (next - 1, part)
        };
        let name = variables.get(index)?;
        if found.iter().any(|(known, _)| known == name) {
            return None;
        }
        found.push((Arc::clone(name), decode(value)?));
    }
    Some(())
}

fn single(
    operator: Operator,
    name: &Arc<str>,
    value: &str,
    found: &mut Vec<(Arc<str>, String)>,
) -> Option<()> {
    // A list as the value of a lone `{name}` expands to its items with commas between them (RFC 6570 section 3.2.2).
    let may_be_list = operator == Operator::Simple || operator.allows_reserved();
    let whole = may_be_list || !value.as_bytes().contains(&operator.separator());
    if value.is_empty() || !whole {
        return None;
    }
    found.push((Arc::clone(name), decode(value)?));
    Some(())
}

/// Percent-decoding that refuses broken escapes and text that is not UTF-8.
fn decode(value: &str) -> Option<String> {
    let bytes = value.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        if *byte == b'%' && !(hex(index + 1) && hex(index + 2)) {
            return None;
        }
    }
    percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(template: &str, uri: &str, expected: Option<&[(&str, &str)]>) {
        let found = UriTemplate::parse(template).unwrap().matches(uri);
        let found: Option<Vec<(&str, &str)>> = found
            .as_ref()
            .map(|found| found.iter().map(|(name, value)| (&**name, value.as_str())).collect());
        assert_eq!(found.as_deref(), expected, "{template} {uri}");
    }

    #[test]
    fn levels_one_to_three_match() {
        check("greeting://{name}", "greeting://World", Some(&[("name", "World")]));
        check("greeting://{name}", "greeting://J%C3%BCrgen%20B", Some(&[("name", "Jürgen B")]));
        check("greeting://{name}", "greeting://Jürgen", Some(&[("name", "Jürgen")]));
        check("test://{id}/data", "test://123/data", Some(&[("id", "123")]));
        check("a://{x}/{y}", "a://1/2", Some(&[("x", "1"), ("y", "2")]));
        check("a://{x,y}", "a://1,2", Some(&[("x", "1"), ("y", "2")]));
        check("a://{x}/{y}", "a://1/2,3", Some(&[("x", "1"), ("y", "2,3")]));
        check("file:///{+path}", "file:///a/b/c.txt", Some(&[("path", "a/b/c.txt")]));
        check("file:///{name}.txt", "file:///a.b.txt", Some(&[("name", "a.b")]));
        check("a://x{#part}", "a://x#top", Some(&[("part", "top")]));
        check("a://x{#part}", "a://x", Some(&[]));
        check("a://x{.ext}", "a://x.html", Some(&[("ext", "html")]));
        check("a://x{/a,b}", "a://x/1/2", Some(&[("a", "1"), ("b", "2")]));
        check("a://x{;n,m}", "a://x;n=1;m=2", Some(&[("n", "1"), ("m", "2")]));
        check("a://x{?q,lang}", "a://x?lang=en&q=a%26b", Some(&[("lang", "en"), ("q", "a&b")]));
        check("a://x{?q,lang}", "a://x", Some(&[]));
        check("a://x?fixed=1{&q}", "a://x?fixed=1&q=2", Some(&[("q", "2")]));
        check("a://{x}{?q}", "a://1?q=2", Some(&[("x", "1"), ("q", "2")]));
    }

    #[test]
    fn what_is_not_one_of_them_does_not_match() {
        for (template, uri) in [
            ("greeting://{name}", "greeting://"),
            ("greeting://{name}", "greeting://a/b"),
            ("greeting://{name}", "greeting://a?b"),
            ("greeting://{name}", "greetings://a"),
            ("greeting://{name}", "greeting://%zz"),
            ("greeting://{name}", "greeting://%ff"),
            ("greeting://{name}", "greeting://a%2"),
            ("greeting://{name}", "greeting://a b"),
            ("greeting://{a,b}", "greeting://a,b,c"),
            ("a://{x}/data", "a://1/data/more"),
            ("a://x{?q}", "a://x?other=1"),
            ("a://x{?q}", "a://x?q=1&q=2"),
            ("file:///{+path}", "file:///"),
            ("file:///{+path}", "file:///a\nb"),
        ] {
            check(template, uri, None);
        }
    }

    #[test]
    fn unusable_templates_say_where() {
        for (template, position) in [
            ("a://{", 4),
            ("a://}", 4),
            ("a://{x:3}", 4),
            ("a://{x*}", 4),
            ("a://{x}{y}", 7),
            ("a://{}", 4),
            ("a{x}b{x}", 5),
        ] {
            assert_eq!(UriTemplate::parse(template).unwrap_err().position, position, "{template}");
        }
    }

    #[test]
    fn a_huge_uri_is_refused_unread() {
        let template = UriTemplate::parse("a://{x}/{y}").unwrap();
        assert!(template.matches(&format!("a://{}", "A".repeat(1_000_000))).is_none());
    }

    #[test]
    fn the_more_literal_template_is_more_specific() {
        let rank = |text| UriTemplate::parse(text).unwrap().specificity();
        assert!(rank("a://x/{y}") > rank("a://{x}/{y}"));
        assert!(rank("a://{x}") > rank("a://{+x}"));
    }

    proptest! {
        #[test]
        fn matching_never_panics(template in "[a-z:/{}+#.;?&,]{0,20}", uri: String) {
            if let Ok(template) = UriTemplate::parse(&template) {
                let _ = template.matches(&uri);
            }
        }

        #[test]
        fn encoded_values_come_back(value in "\\PC{1,20}") {
            let encoded = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            let found = UriTemplate::parse("a://{x}/z").unwrap().matches(&format!("a://{encoded}/z"));
            prop_assert_eq!(found.unwrap()[0].1.clone(), value);
        }
    }
}
