//! The schemas that nearly all tools have, checked without a general engine.
//!
//! Building a general validator costs an idle server memory and a starting one time, most of it for the schema of schemas. A
//! [`Plain`] reads the keywords that types derive to, and nothing else: a schema with any other keyword, with a keyword in a
//! form that the specification does not allow, or that refers to itself, has none, and the general validator does the work.
//!
//! It only ever says yes for certain. Where it can't tell, or the answer is no, the general validator is asked, which is
//! also the one that says what is wrong. So a gap here costs time and never lets anything through; tests hold both against
//! each other, and so does every check of a debug build.

use std::{cmp::Ordering, collections::HashSet};

use serde_json::{Map, Number, Value};

/// Deepest nesting, references included: what refers to itself ends here.
const MAX_DEPTH: usize = 24;
/// Most places, each counted as often as it is referred to: checking takes no more steps than that for one value.
const MAX_PLACES: usize = 1024;
/// Whole numbers up to here are exact as `f64`.
const EXACT: u64 = 1 << 53;

const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];
const ANY: u8 = 0x7f;
const NUMBER: u8 = bit("number");

const fn bit(name: &str) -> u8 {
    let (mut index, name) = (0, name.as_bytes());
    while index < TYPES.len() {
        let known = TYPES[index].as_bytes();
        // No two begin with the same letter but "null" and "number", which differ in their third.
        if known[0] == name[0] && known[2] == name[2] {
            return 1 << index;
        }
        index += 1;
    }
    0
}

/// What each property accepts.
type Members = Box<[(Box<str>, Plain)]>;

/// What one place accepts.
#[derive(Debug)]
pub(super) struct Plain {
    types: u8,
    /// The values of `enum` or `const`.
    options: Option<Box<[Value]>>,
    /// Each with whether the bound itself is excluded.
    least: Option<(Number, bool)>,
    most: Option<(Number, bool)>,
    length: Span,
    items: Option<Box<Plain>>,
    item_count: Span,
    properties: Members,
    required: Box<[Box<str>]>,
    additional: Option<Box<Plain>>,
    property_count: Span,
    /// Whether something is accepted at all: the schema `false` accepts nothing.
    open: bool,
    /// All of these hold: the target of `$ref`, and `allOf`.
    all: Box<[Plain]>,
    /// One of these does, where there are any.
    any: Box<[Box<[Plain]>]>,
}

/// From the least to the most of something.
#[derive(Debug, Clone, Copy)]
struct Span(usize, usize);

impl Span {
    fn contains(self, count: usize) -> bool {
        (self.0..=self.1).contains(&count)
    }
}

impl Plain {
    /// Reads `schema`; `None` where the general validator is needed.
    pub(super) fn compile(schema: &Value) -> Option<Self> {
        Reader { root: schema, places: 0 }.place(schema, 0)
    }

    /// Whether `value` is accepted for certain.
    pub(super) fn accepts(&self, value: &Value) -> bool {
        let fits = match value {
            Value::Null => self.types & bit("null") != 0,
            Value::Bool(_) => self.types & bit("boolean") != 0,
            Value::Number(number) => self.accepts_number(number),
            Value::String(text) => self.types & bit("string") != 0 && self.accepts_text(text),
            Value::Array(items) => {
                self.types & bit("array") != 0
                    && self.item_count.contains(items.len())
                    && (self.items.as_ref())
                        .is_none_or(|place| items.iter().all(|item| place.accepts(item)))
            }
            Value::Object(members) => {
                self.types & bit("object") != 0 && self.accepts_members(members)
            }
        };
        fits && self.open
            && self.options.as_ref().is_none_or(|options| listed(options, value))
            && self.all.iter().all(|place| place.accepts(value))
            && self.any.iter().all(|places| places.iter().any(|place| place.accepts(value)))
    }

    fn accepts_number(&self, number: &Number) -> bool {
        // Whether a fraction of nothing is an integer is left to the general validator.
        let whole = number.is_i64() || number.is_u64();
        let types = if whole { NUMBER | bit("integer") } else { NUMBER };
        let within = |bound: &Option<(Number, bool)>, side| match bound {
            None => true,
            Some((bound, excluded)) => match compare(number, bound) {
                Some(Ordering::Equal) => !excluded,
                Some(found) => found == side,
                None => false,
            },
        };
        self.types & types != 0
            && within(&self.least, Ordering::Greater)
            && within(&self.most, Ordering::Less)
    }

    fn accepts_text(&self, text: &str) -> bool {
        let Span(least, most) = self.length;
        // A character has one to four bytes, so most texts need not be counted.
        (least == 0 || text.len() / 4 >= least || text.chars().count() >= least)
            && (text.len() <= most || text.chars().count() <= most)
    }

    fn accepts_members(&self, members: &Map<String, Value>) -> bool {
        self.property_count.contains(members.len())
            && self.required.iter().all(|name| members.contains_key(&**name))
            && members.iter().all(|(name, member)| {
                let known = self.properties.iter().find(|(known, _)| **known == **name);
                let place = known.map(|(_, place)| place).or(self.additional.as_deref());
                place.is_none_or(|place| place.accepts(member))
            })
    }
}

fn listed(options: &[Value], value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => options.contains(value),
        Value::Number(number) => !number.is_f64() && options.contains(value),
        // Equal numbers can be written differently inside them.
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// How two numbers compare, where that can be told exactly.
fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    let whole = |number: &Number| {
        number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
    };
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        return Some(a.cmp(&b));
    }
    let exact = |number: &Number| match whole(number) {
        Some(whole) if whole.unsigned_abs() > u128::from(EXACT) => None,
        _ => number.as_f64(),
    };
    exact(a)?.partial_cmp(&exact(b)?)
}

struct Reader<'a> {
    root: &'a Value,
    places: usize,
}

impl Reader<'_> {
    fn place(&mut self, schema: &Value, depth: usize) -> Option<Plain> {
        self.places += 1;
        if depth > MAX_DEPTH || self.places > MAX_PLACES {
            return None;
        }
        let mut plain = Plain {
            types: ANY,
            options: None,
            least: None,
            most: None,
            length: Span(0, usize::MAX),
            items: None,
            item_count: Span(0, usize::MAX),
            properties: Box::default(),
            required: Box::default(),
            additional: None,
            property_count: Span(0, usize::MAX),
            open: true,
            all: Box::default(),
            any: Box::default(),
        };
        match schema {
            Value::Bool(open) => plain.open = *open,
            Value::Object(keywords) => {
                let (mut all, mut any) = (Vec::new(), Vec::new());
                for (keyword, value) in keywords {
                    match keyword.as_str() {
                        "$ref" => all.push(self.referred(value, depth)?),
                        "allOf" => all.extend(self.places(value, depth)?),
                        "anyOf" => any.push(self.places(value, depth)?),
                        "oneOf" if are_disjoint(value) => any.push(self.places(value, depth)?),
                        "$defs" if depth == 0 => {
                            for definition in value.as_object()?.values() {
                                self.place(definition, depth + 1)?;
                            }
                        }
                        "$schema" if depth == 0 && is_known_dialect(value) => {}
                        "items" => plain.items = Some(Box::new(self.place(value, depth + 1)?)),
                        "properties" => plain.properties = self.properties(value, depth)?,
                        "additionalProperties" => {
                            plain.additional = Some(Box::new(self.place(value, depth + 1)?));
                        }
                        keyword => plain.simple(keyword, value)?,
                    }
                }
                (plain.all, plain.any) = (all.into(), any.into());
            }
            _ => return None,
        }
        Some(plain)
    }

    fn places(&mut self, value: &Value, depth: usize) -> Option<Box<[Plain]>> {
        let schemas = value.as_array().filter(|schemas| !schemas.is_empty())?;
        schemas.iter().map(|schema| self.place(schema, depth + 1)).collect()
    }

    fn properties(&mut self, value: &Value, depth: usize) -> Option<Members> {
        let read = |(name, schema): (&String, &Value)| {
            Some((name.as_str().into(), self.place(schema, depth + 1)?))
        };
        value.as_object()?.iter().map(read).collect()
    }

    /// The target of a reference to a definition whose name needs no decoding.
    fn referred(&mut self, value: &Value, depth: usize) -> Option<Plain> {
        let name = value.as_str()?.strip_prefix("#/$defs/")?;
        if name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            return None;
        }
        let target = self.root.get("$defs")?.get(name)?;
        self.place(target, depth + 1)
    }
}

impl Plain {
    /// Reads a keyword that holds no schema; `None` for one that is not known here or is malformed.
    fn simple(&mut self, keyword: &str, value: &Value) -> Option<()> {
        let count = || value.as_u64().and_then(|count| usize::try_from(count).ok());
        let bound = |excluded| Some((value.as_number()?.clone(), excluded));
        match keyword {
            "type" => self.types = types(value)?,
            "enum" if self.options.is_none() => {
                self.options = Some(value.as_array()?.as_slice().into());
            }
            "const" if self.options.is_none() => self.options = Some([value.clone()].into()),
            "minimum" if self.least.is_none() => self.least = bound(false),
            "exclusiveMinimum" if self.least.is_none() => self.least = bound(true),
            "maximum" if self.most.is_none() => self.most = bound(false),
            "exclusiveMaximum" if self.most.is_none() => self.most = bound(true),
            "minLength" => self.length.0 = count()?,
            "maxLength" => self.length.1 = count()?,
            "minItems" => self.item_count.0 = count()?,
            "maxItems" => self.item_count.1 = count()?,
            "minProperties" => self.property_count.0 = count()?,
            "maxProperties" => self.property_count.1 = count()?,
            "required" => {
                let names = value.as_array()?.iter().map(|name| Some(name.as_str()?.into()));
                self.required = names.collect::<Option<_>>()?;
                are_distinct(self.required.iter()).then_some(())?;
            }
            "title" | "description" | "$comment" | "format" => drop(value.as_str()?),
            "deprecated" | "readOnly" | "writeOnly" => drop(value.as_bool()?),
            "examples" => drop(value.as_array()?),
            "default" => {}
            // Nobody's keyword: `x-mcp-header`, say.
            other => return other.starts_with("x-").then_some(()),
        }
        // A bound that is no number is malformed.
        let malformed = matches!(keyword, "minimum" | "exclusiveMinimum") && self.least.is_none()
            || matches!(keyword, "maximum" | "exclusiveMaximum") && self.most.is_none();
        (!malformed).then_some(())
    }
}

fn types(value: &Value) -> Option<u8> {
    let one = |value: &Value| {
        let name = value.as_str()?;
        TYPES.iter().position(|known| *known == name).map(|index| 1 << index)
    };
    match value {
        Value::Array(names) if !names.is_empty() => names.iter().try_fold(0, |types, name| {
            let bit = one(name)?;
            (types & bit == 0).then_some(types | bit)
        }),
        other => one(other),
    }
}

fn is_known_dialect(value: &Value) -> bool {
    value == "https://json-schema.org/draft/2020-12/schema"
}

/// Whether no value can be accepted by two of these: each lists texts of its own, or they accept different types.
fn are_disjoint(branches: &Value) -> bool {
    let Some(branches) = branches.as_array() else { return false };
    let mut texts = Vec::new();
    let all_are_texts = branches.iter().all(|branch| {
        let options = branch["enum"].as_array().map(Vec::as_slice);
        let options = options.or_else(|| branch.get("const").map(std::slice::from_ref));
        options.is_some_and(|options| {
            texts.extend(options);
            options.iter().all(Value::is_string)
        })
    });
    if all_are_texts {
        return are_distinct(texts.iter().filter_map(|text| text.as_str()));
    }
    let kinds = branches.iter().map(|branch| types(&branch["type"]));
    let disjoint = kinds.into_iter().try_fold(0, |seen, kind| {
        let kind = kind?;
        // Every integer is a number.
        let kind = if kind & bit("integer") != 0 { kind | NUMBER } else { kind };
        (seen & kind == 0).then_some(seen | kind)
    });
    disjoint.is_some()
}

fn are_distinct<T: std::hash::Hash + Eq>(mut all: impl Iterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    all.all(|one| seen.insert(one))
}
