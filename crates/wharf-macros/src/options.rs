//! `name`, `name = value` and `name(value)` in an attribute, and the tables that say which there are.
//!
//! An option is one row: the name that is written, the builder's method that it becomes, and what its value looks like. What
//! is not in the table is refused with the nearest name that is.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Error, Expr, ExprLit, Ident, Lit, LitBool, LitStr, Result, Token,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
    token::Paren,
};

use crate::{duration, function::Errors};

/// What an option's value looks like, and what the builder's method is given.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Form {
    /// `title = "Title"`: any expression that is text.
    Text,
    /// `read_only`: calls a method without arguments. `= false` leaves it out.
    Switch,
    /// `destructive`, or `= true` or `= false`.
    Bool,
    /// `timeout = "30s"`, or an expression of type `Duration`.
    Duration,
    /// `cache = "60s"` for this caller only, `cache(public = "60s")`, or an expression of type `CacheHint`: what a client may
    /// keep.
    CacheHint,
    /// The same forms, or an expression of type `CachePolicy`: what the server keeps.
    CachePolicy,
    /// `scopes("issues:read", "issues:write")`: text in parentheses.
    List,
    /// Any expression that the builder's method takes.
    Value,
}

/// One option that there is.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    name: &'static str,
    method: &'static str,
    form: Form,
    repeats: bool,
}

const fn known(name: &'static str, form: Form) -> Known {
    Known { name, method: name, form, repeats: false }
}

const NAME: Known = known("name", Form::Text);
const TITLE: Known = known("title", Form::Text);
const DESCRIPTION: Known = known("description", Form::Text);
const SCOPES: Known = known("scopes", Form::List);
const TIMEOUT: Known = known("timeout", Form::Duration);
const ICON: Known = Known { repeats: true, ..known("icon", Form::Value) };
const META: Known = known("meta", Form::Value);

/// Of `#[tool]`.
pub(crate) const TOOL: &[Known] = &[
    NAME,
    TITLE,
    DESCRIPTION,
    known("read_only", Form::Switch),
    known("destructive", Form::Bool),
    known("idempotent", Form::Switch),
    known("open_world", Form::Bool),
    SCOPES,
    known("idempotent_by", Form::Text),
    known("cache", Form::CachePolicy),
    TIMEOUT,
    known("input_schema", Form::Value),
    known("output_schema", Form::Value),
    ICON,
    META,
];

/// Of `#[resource]`, after the URI.
pub(crate) const RESOURCE: &[Known] = &[
    NAME,
    TITLE,
    DESCRIPTION,
    known("mime_type", Form::Text),
    known("size_bytes", Form::Value),
    known("cache", Form::CacheHint),
    Known { method: "annotate", ..known("annotations", Form::Value) },
    SCOPES,
    TIMEOUT,
    ICON,
    META,
];

/// Of `#[prompt]`.
pub(crate) const PROMPT: &[Known] = &[NAME, TITLE, DESCRIPTION, SCOPES, TIMEOUT, ICON, META];

/// One option as it was written.
pub(crate) struct Written {
    pub(crate) name: Ident,
    pub(crate) value: WrittenValue,
}

pub(crate) enum WrittenValue {
    Nothing,
    Equals(Expr),
    Parentheses(TokenStream),
}

impl Parse for Written {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(Ident::parse_any).map_err(|error| {
            Error::new(error.span(), "expected an option, such as `name = value`")
        })?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            WrittenValue::Equals(input.parse()?)
        } else if input.peek(Paren) {
            let content;
            parenthesized!(content in input);
            WrittenValue::Parentheses(content.parse()?)
        } else {
            WrittenValue::Nothing
        };
        Ok(Self { name, value })
    }
}

/// Options as they were written, in order.
pub(crate) type WrittenList = Punctuated<Written, Token![,]>;

/// What the options say: builder calls, and the two options that are more than a call.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<Expr>,
    pub(crate) has_description: bool,
    /// The parameter that names the call, if it is written as a literal.
    pub(crate) idempotent_by: Option<LitStr>,
    pub(crate) calls: Vec<TokenStream>,
}

impl Options {
    /// Checks `written` against `table`.
    pub(crate) fn read(written: &WrittenList, table: &[Known], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let mut seen: Vec<&'static str> = Vec::new();
        for option in written {
            let Some(known) = table.iter().find(|known| option.name == known.name) else {
                errors.add(unknown(&option.name, table.iter().map(|known| known.name)));
                continue;
            };
            if seen.contains(&known.name) && !known.repeats {
                errors.push(&option.name, format!("`{}` is given twice", known.name));
                continue;
            }
            seen.push(known.name);
            errors.keep(options.take(option, *known));
        }
        options
    }

    fn take(&mut self, option: &Written, known: Known) -> Result<()> {
        let method = format_ident!("{}", known.method, span = option.name.span());
        if known.name == NAME.name {
            self.name = Some(option.expression("\"text\"")?.clone());
            return Ok(());
        }
        self.has_description |= known.name == DESCRIPTION.name;
        if known.name == "idempotent_by" {
            self.idempotent_by = text(option.expression("\"parameter\"")?).cloned();
        }
        let call = match known.form {
            Form::Text => {
                let value = option.expression("\"text\"")?;
                quote!(.#method(#value))
            }
            Form::Value => {
                let value = option.expression("value")?;
                quote!(.#method(#value))
            }
            Form::Switch if option.flag()? => quote!(.#method()),
            Form::Switch => return Ok(()),
            Form::Bool => {
                let value = option.flag()?;
                quote!(.#method(#value))
            }
            Form::Duration => {
                let value = duration_value(option.expression("\"30s\"")?)?;
                quote!(.#method(#value))
            }
            Form::CacheHint => {
                let value = option.cache(|ttl, public| match public {
                    true => quote!(::wharf::CacheHint::public(#ttl)),
                    false => quote!(::wharf::CacheHint::private(#ttl)),
                })?;
                quote!(.#method(#value))
            }
            Form::CachePolicy => {
                let value = option.cache(|ttl, public| match public {
                    true => quote!(::wharf::CachePolicy::ttl(#ttl).public()),
                    false => quote!(::wharf::CachePolicy::ttl(#ttl)),
                })?;
                quote!(.#method(#value))
            }
            Form::List => {
                let items = option.list()?;
                let items = items.iter();
                quote!(.#method([#(::std::string::String::from(#items)),*]))
            }
        };
        self.calls.push(call);
        Ok(())
    }
}

impl Written {
    /// The value of `name = value`.
    pub(crate) fn expression(&self, example: &str) -> Result<&Expr> {
        match &self.value {
            WrittenValue::Equals(value) => Ok(value),
            _ => Err(self.form(&format!("= {example}"))),
        }
    }

    /// The value of a flag: alone it means true.
    pub(crate) fn flag(&self) -> Result<bool> {
        match &self.value {
            WrittenValue::Nothing => Ok(true),
            WrittenValue::Equals(Expr::Lit(ExprLit {
                lit: Lit::Bool(LitBool { value, .. }),
                ..
            })) => Ok(*value),
            _ => {
                let name = &self.name;
                Err(Error::new_spanned(name, format!("write `{name}`, or `{name} = false`")))
            }
        }
    }

    /// What `hint` makes of a time and of whether everyone shares, or the value as it stands.
    fn cache(&self, hint: impl Fn(TokenStream, bool) -> TokenStream) -> Result<TokenStream> {
        match &self.value {
            WrittenValue::Equals(value) if text(value).is_some() => {
                Ok(hint(duration_value(value)?, false))
            }
            WrittenValue::Equals(value) => Ok(quote!(#value)),
            WrittenValue::Parentheses(tokens) => {
                let inner: Written = syn::parse2(tokens.clone())?;
                if inner.name != "public" && inner.name != "private" {
                    return Err(unknown(&inner.name, ["public", "private"].into_iter()));
                }
                let ttl = duration_value(inner.expression("\"60s\"")?)?;
                Ok(hint(ttl, inner.name == "public"))
            }
            WrittenValue::Nothing => Err(self.form("= \"60s\"` or `cache(public = \"60s\")")),
        }
    }

    /// The values of `name(value, value)`.
    fn list(&self) -> Result<Punctuated<Expr, Token![,]>> {
        let items = match &self.value {
            WrittenValue::Parentheses(tokens) => {
                Punctuated::parse_terminated.parse2(tokens.clone())?
            }
            _ => Punctuated::new(),
        };
        if items.is_empty() { Err(self.form("(\"text\", …)")) } else { Ok(items) }
    }

    fn form(&self, form: &str) -> Error {
        let name = &self.name;
        let space = if form.starts_with('(') { "" } else { " " };
        Error::new_spanned(name, format!("write `{name}{space}{form}`"))
    }
}

/// A text literal is read as a duration; anything else must be one.
fn duration_value(value: &Expr) -> Result<TokenStream> {
    let Some(literal) = text(value) else {
        return match value {
            Expr::Lit(_) => Err(Error::new_spanned(value, duration::HELP)),
            _ => Ok(quote!(#value)),
        };
    };
    let duration =
        duration::parse(&literal.value()).map_err(|help| Error::new_spanned(literal, help))?;
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Ok(quote!(::core::time::Duration::from_millis(#millis)))
}

/// The literal, if `value` is text as it stands.
pub(crate) fn text(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Some(literal),
        _ => None,
    }
}

/// Refuses an option, with the nearest that there is.
pub(crate) fn unknown(name: &Ident, known: impl Iterator<Item = &'static str> + Clone) -> Error {
    let written = name.to_string();
    let near = known
        .clone()
        .min_by_key(|known| strsim::damerau_levenshtein(known, &written))
        .filter(|near| strsim::damerau_levenshtein(near, &written) <= near.len() / 2);
    let message = match near {
        Some(near) => format!("there is no option `{written}`; did you mean `{near}`?"),
        None => {
            let all: Vec<_> = known.collect();
            format!("there is no option `{written}`; there are {}", all.join(", "))
        }
    };
    Error::new_spanned(name, message)
}
