//! Reads the text in which PostgreSQL stores analysed statements (`pg_node_tree`).
//!
//! The text is what `nodeToString` writes: `{TAG :field value …}`, lists in parentheses, `<>` for nothing, tokens whose special
//! characters are escaped, and `length [ bytes ]` for constants. Names in it come from whoever wrote the statement and may look
//! like fields (`AS ":opno"`), so that each field is read with exactly one value behind it, as PostgreSQL's own reader does.
//!
//! It refuses what it does not understand, and text that is too long or too deep.

/// Longest text that is read.
pub(crate) const MAX_TREE_BYTES: usize = 8 << 20;
/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 1_000;

/// One value of the text.
#[derive(Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// `<>`.
    Nothing,
    /// `{TAG …}`.
    Node(Node<'a>),
    /// `( … )`. The letter that may lead it (`i`, `o`, `b`, `x`) is left out.
    List(Vec<Value<'a>>),
    /// A token as it stands, escapes included.
    Token(&'a str),
    /// `length [ bytes ]`.
    Datum,
}

/// A node with its fields.
#[derive(Debug, PartialEq)]
pub(crate) struct Node<'a> {
    pub(crate) tag: &'a str,
    pub(crate) fields: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Node<'a> {
    pub(crate) fn field(&self, name: &str) -> Option<&Value<'a>> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

/// Text that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the analysed statement is not understood: {0}")]
pub(crate) struct NotUnderstood(pub(crate) &'static str);

/// Reads one value that takes up the whole text.
pub(crate) fn read(text: &str) -> Result<Value<'_>, NotUnderstood> {
    if text.len() > MAX_TREE_BYTES {
        return Err(NotUnderstood("it is too long"));
    }
    let mut reader = Reader { rest: text };
    let first = reader.token()?.ok_or(NotUnderstood("it is empty"))?;
    let value = reader.value(first, 0)?;
    match reader.token()? {
        None => Ok(value),
        Some(_) => Err(NotUnderstood("something follows its end")),
    }
}

/// The text of a token without its escapes and quotes.
pub(crate) fn unescape(token: &str) -> String {
    let inner = match token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if token.len() >= 2 => inner,
        _ => token,
    };
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

/// The name that a node of PostgreSQL 14 has had since.
fn today(tag: &str) -> &str {
    match tag {
        "ARRAY" => "ARRAYEXPR",
        "CASE" => "CASEEXPR",
        "COALESCE" => "COALESCEEXPR",
        "COLLATE" => "COLLATEEXPR",
        "MINMAX" => "MINMAXEXPR",
        "ROW" => "ROWEXPR",
        "ROWCOMPARE" => "ROWCOMPAREEXPR",
        "RTE" => "RANGETBLENTRY",
        "WHEN" => "CASEWHEN",
        tag => tag,
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// The next token: a bracket by itself, or everything up to a space or a bracket that is not escaped.
    fn token(&mut self) -> Result<Option<&'a str>, NotUnderstood> {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\t']);
        let Some(first) = self.rest.bytes().next() else { return Ok(None) };
        let length = if b"(){}".contains(&first) { 1 } else { self.word_length()? };
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(Some(token))
    }

    fn word_length(&self) -> Result<usize, NotUnderstood> {
        let mut escaped = false;
        for (at, character) in self.rest.char_indices() {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                ' ' | '\n' | '\t' | '(' | ')' | '{' | '}' => return Ok(at),
                _ => {}
            }
        }
        if escaped { Err(NotUnderstood("it ends in an escape")) } else { Ok(self.rest.len()) }
    }

    fn needed(&mut self) -> Result<&'a str, NotUnderstood> {
        self.token()?.ok_or(NotUnderstood("it ends too early"))
    }

    fn value(&mut self, first: &'a str, depth: usize) -> Result<Value<'a>, NotUnderstood> {
        if depth > MAX_DEPTH {
            return Err(NotUnderstood("it is nested too deeply"));
        }
        match first {
            "{" => self.node(depth).map(Value::Node),
            "(" => self.list(depth).map(Value::List),
            "<>" => Ok(Value::Nothing),
            ")" | "}" => Err(NotUnderstood("a bracket stands where a value should")),
            // Square brackets mean something behind the length of a constant only; elsewhere they are somebody's name.
            token => Ok(Value::Token(token)),
        }
    }

    fn node(&mut self, depth: usize) -> Result<Node<'a>, NotUnderstood> {
        let tag = self.needed()?;
        if !tag
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        {
            return Err(NotUnderstood("a node has no name"));
        }
        let mut fields = Vec::new();
        loop {
            let token = self.needed()?;
            if token == "}" {
                return Ok(Node { tag: today(tag), fields });
            }
            let name = token.strip_prefix(':').ok_or(NotUnderstood("a field has no name"))?;
            let first = self.needed()?;
            let value = match self.datum(first)? {
                Some(datum) => datum,
                None => self.value(first, depth + 1)?,
            };
            fields.push((name, value));
        }
    }

    /// `length [ bytes ]`, if that is what begins here.
    fn datum(&mut self, length: &'a str) -> Result<Option<Value<'a>>, NotUnderstood> {
        let before = self.rest;
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        if self.token()? != Some("[") {
            self.rest = before;
            return Ok(None);
        }
        loop {
            match self.needed()? {
                "]" => return Ok(Some(Value::Datum)),
                byte if byte.parse::<i16>().is_ok() => {}
                _ => return Err(NotUnderstood("a constant holds something other than bytes")),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value<'a>>, NotUnderstood> {
        let mut values = Vec::new();
        let mut first = true;
        loop {
            let token = self.needed()?;
            if token == ")" {
                return Ok(values);
            }
            // Only numbers can follow one of these letters, and no value is a bare letter.
            if !(first && matches!(token, "i" | "o" | "b" | "x")) {
                values.push(self.value(token, depth + 1)?);
            }
            first = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nodes_lists_constants_and_nothing_are_read() {
        let tree =
            read(r#"({A :x <> :y (o 1 2) :z 4 [ 1 -2 ] :n 3 :s ("a\ b" "") :c {B}})"#).unwrap();
        let Value::List(list) = tree else { panic!() };
        let [Value::Node(node)] = &list[..] else { panic!() };
        assert_eq!(node.tag, "A");
        assert_eq!(node.field("x"), Some(&Value::Nothing));
        assert_eq!(node.field("y"), Some(&Value::List(vec![Value::Token("1"), Value::Token("2")])));
        assert_eq!(node.field("z"), Some(&Value::Datum));
        assert_eq!(node.field("n"), Some(&Value::Token("3")));
        let strings = Value::List(vec![Value::Token("\"a\\ b\""), Value::Token("\"\"")]);
        assert_eq!(node.field("s"), Some(&strings));
        assert!(matches!(node.field("c"), Some(Value::Node(Node { tag: "B", .. }))));
    }

    #[test]
    fn a_name_that_looks_like_a_field_stays_a_name() {
        let tree = read("{TARGETENTRY :resname :opno :resno 1}").unwrap();
        let Value::Node(node) = tree else { panic!() };
        assert_eq!(node.field("resname"), Some(&Value::Token(":opno")));
        assert_eq!(node.field("opno"), None);
        let tree = read(r"{T :resname \<> :resno 1}").unwrap();
        let Value::Node(node) = tree else { panic!() };
        assert_eq!(node.field("resname"), Some(&Value::Token(r"\<>")));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "",
            "{",
            "{A",
            "{A :x}",
            "{A :x 1",
            "{A x 1}",
            "{a :x 1}",
            "(1",
            ")",
            "{A :x 1} 2",
            "{A :z 4 [ x ]}",
            "{A :z 4 [ 1",
            "{A :x 1 2}",
            "{A :s a\\",
            "{ :x 1}",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
        assert!(read(&"(".repeat(2_000)).is_err());
        assert!(read(&format!("{}{}", "(".repeat(900), ")".repeat(900))).is_ok());
        assert!(read(&"a".repeat(MAX_TREE_BYTES + 1)).is_err());
    }

    /// As `outToken` of PostgreSQL escapes a name.
    fn escape(name: &str) -> String {
        let mut text = String::new();
        let mut characters = name.chars().peekable();
        let second = name.chars().nth(1);
        if let Some(&first) = characters.peek() {
            let number =
                "+-".contains(first) && second.is_some_and(|c| c.is_ascii_digit() || c == '.');
            if first == '<' || first == '"' || first.is_ascii_digit() || number {
                text.push('\\');
            }
        }
        for character in characters {
            if " \n\t(){}\\".contains(character) {
                text.push('\\');
            }
            text.push(character);
        }
        text
    }

    proptest! {
        #[test]
        fn no_name_can_forge_a_field(name in "[ -~é\n\t]{1,20}") {
            // A bare bracket is refused, which forges nothing either.
            prop_assume!(name != "[" && name != "]");
            let text = format!("{{T :resname {} :colnames (\"{}\") :opno 96}}", escape(&name), escape(&name));
            let tree = read(&text).unwrap();
            let Value::Node(node) = tree else { panic!() };
            prop_assert_eq!(node.fields.len(), 3);
            prop_assert_eq!(node.field("opno"), Some(&Value::Token("96")));
            let Some(Value::Token(token)) = node.field("resname") else { panic!() };
            prop_assert_eq!(unescape(token), name);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[{}()\\[\\]: <>a-zA-Z0-9\\\\\"-]{0,200}") {
            let _ = read(&text);
        }
    }
}
