//! Reading a whole message at once: its members, its parameters, their `_meta` and the tree of `arguments`, in one pass over
//! its bytes.
//!
//! Only what is unambiguous is read here. A known key twice, in another case or with an escape, a syntax error, a value that
//! is no object where one is expected: then nothing was read, and the strict readers go over the text one level after the
//! other, which costs a pass for each and finds the words for what is wrong.

use serde_json::Value;

use super::{
    envelope::MEMBERS,
    fields::fields,
    json::parse_strict,
    request_meta::{META, MetaFields},
    scan::Scanner,
};
use crate::cross_check;

/// The parameters that the core's methods know.
pub(crate) const PARAMETERS: [&str; 15] = [
    "_meta",
    "name",
    "arguments",
    "uri",
    "cursor",
    "ref",
    "argument",
    "context",
    "level",
    "notifications",
    "inputResponses",
    "requestState",
    "protocolVersion",
    "capabilities",
    "clientInfo",
];

/// Raw JSON by known keys.
type Fields<'a, const N: usize> = [Option<&'a str>; N];

/// What was read of a message's parameters.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Inside<'a> {
    /// In the order of [`PARAMETERS`]; `None` when they were not read.
    pub(crate) parameters: Option<Fields<'a, { PARAMETERS.len() }>>,
    /// `None` when they were not read.
    pub(crate) meta: Option<MetaFields<'a>>,
    /// The tree of `arguments`, if that is an object.
    pub(crate) arguments: Option<Value>,
}

/// The members of `text`, and what stands inside of them; `None` where the strict readers have to look.
pub(super) fn read_at_once(text: &str) -> Option<(Fields<'_, { MEMBERS.len() }>, Inside<'_>)> {
    let mut scanner = Scanner::new(text);
    let mut members = [None; MEMBERS.len()];
    let mut inside = Inside::default();
    scanner.object(|scanner, key| {
        known(&MEMBERS, &mut members, key, scanner, |scanner| match key {
            "params" if scanner.is_object() => parameters(scanner, &mut inside),
            _ => scanner.raw(),
        })
    })?;
    if !scanner.is_at_end() {
        return None;
    }
    assert!(
        !cross_check::is_on() || is_what_strict_readers_find(text, &members, &inside),
        "read at once in another way than strictly"
    );
    Some((members, inside))
}

fn parameters<'a>(scanner: &mut Scanner<'a>, inside: &mut Inside<'a>) -> Option<&'a str> {
    let mut found = [None; PARAMETERS.len()];
    let raw = scanner.raw_object(|scanner, key| {
        known(&PARAMETERS, &mut found, key, scanner, |scanner| match key {
            "_meta" if scanner.is_object() => {
                let mut meta = [None; META.len()];
                let raw = scanner.raw_object(|scanner, key| {
                    known(&META, &mut meta, key, scanner, Scanner::raw)
                })?;
                inside.meta = Some(meta);
                Some(raw)
            }
            "arguments" if scanner.is_object() => {
                let (raw, tree) = scanner.tree()?;
                inside.arguments = Some(tree);
                Some(raw)
            }
            _ => scanner.raw(),
        })
    })?;
    inside.parameters = Some(found);
    Some(raw)
}

/// Takes the value of `key`: with `read` if it is one of `names`, for which this must be the first.
fn known<'a>(
    names: &[&str],
    found: &mut [Option<&'a str>],
    key: &str,
    scanner: &mut Scanner<'a>,
    read: impl FnOnce(&mut Scanner<'a>) -> Option<&'a str>,
) -> Option<()> {
    match names.iter().position(|name| *name == key) {
        Some(index) if found[index].is_none() => found[index] = Some(read(scanner)?),
        Some(_) => return None,
        None if names.iter().any(|name| name.eq_ignore_ascii_case(key)) => return None,
        None => drop(scanner.raw()?),
    }
    Some(())
}

fn is_what_strict_readers_find(
    text: &str,
    members: &Fields<'_, { MEMBERS.len() }>,
    inside: &Inside<'_>,
) -> bool {
    let (Ok(strict), [.., params, _, _]) = (fields(text, &MEMBERS), members) else { return false };
    let parameters = inside.parameters.map(|found| {
        let strict = params.map(|raw| fields(raw, &PARAMETERS));
        let meta = inside.meta.map(|meta| found[0].map(|raw| fields(raw, &META)) == Some(Ok(meta)));
        strict == Some(Ok(found)) && meta.unwrap_or(true)
    });
    let arguments = inside.parameters.and_then(|found| found[2]);
    let tree = inside.arguments.as_ref().map(|tree| {
        arguments.is_some_and(|raw| parse_strict(raw).is_ok_and(|strict| strict == *tree))
    });
    strict == *members && parameters.unwrap_or(true) && tree.unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_ordinary_call_is_read_at_once() {
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"b":[1]},"other":{},
            "_meta":{"progressToken":7,"mine/x":[1]}}}"#;
        let (members, inside) = read_at_once(text).unwrap();
        assert_eq!(
            (members[0], members[1], members[2]),
            (Some("\"2.0\""), Some("1"), Some("\"tools/call\""))
        );
        let parameters = inside.parameters.unwrap();
        assert_eq!((parameters[1], parameters[2]), (Some("\"a\""), Some(r#"{"b":[1]}"#)));
        assert!(inside.meta.unwrap().contains(&Some("7")));
        assert_eq!(inside.arguments, Some(serde_json::json!({"b": [1]})));
    }

    #[test]
    fn what_is_ambiguous_is_left_to_the_strict_readers() {
        for text in [
            r#"{"id":1,"id":1}"#,
            r#"{"ID":1}"#,
            r#"{"\u0069d":1}"#,
            r#"{"params":{"name":"a","name":"a"}}"#,
            r#"{"params":{"Name":"a"}}"#,
            r#"{"params":{"arguments":{"a":1,"a":1}}}"#,
            r#"{"params":{"arguments":{"a":{"b":1,"\u0062":1}}}}"#,
            r#"{"params":{"_meta":{"progressToken":1,"progressToken":1}}}"#,
            r#"{"params":{"_meta":{"progresstoken":1}}}"#,
            r#"{"id":1} x"#,
            r#"{"id":1"#,
            "[]",
            "",
        ] {
            assert_eq!(read_at_once(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        /// What is read at once is held against the strict readers inside of it.
        #[test]
        fn nothing_is_read_at_once_in_another_way_than_strictly(
            text in r#"\{"jsonrpc":"2\.0",("id":1|"ID":1|"x":\[\]),"params":\{(("name":"a"|"arguments":\{("a":(1|1\.0|\[\]|"\\n")|"b":\{\})?\}|"arguments":(null|1)|"_meta":(\{("progressToken":1)?\}|null)|"Name":1|"z":("\\u0061"|-0|1e2|01)),?){0,4}\}\}"#,
        ) {
            if let Some((members, inside)) = read_at_once(&text) {
                prop_assert!(is_what_strict_readers_find(&text, &members, &inside));
            }
        }
    }
}
