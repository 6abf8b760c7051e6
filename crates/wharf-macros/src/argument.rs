//! One argument: its name on the wire, what it may be, and what is said about it.
//!
//! Every constraint becomes a keyword of the argument's JSON Schema, because that schema is both what clients are told and
//! what arguments are checked against: nothing is checked that is not told, or told that is not checked.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, Error, Expr, ExprLit, ExprRange, ExprUnary, Ident, Lit, LitStr, Pat, PatType,
    RangeLimits, Result, Type, UnOp, punctuated::Punctuated,
};

use crate::{
    function::unraw,
    options::{Written, WrittenList, WrittenValue, text, unknown},
};

const OPTIONS: &[&str] = &[
    "default",
    "min_length",
    "max_length",
    "min_items",
    "max_items",
    "min",
    "max",
    "range",
    "pattern",
    "rename",
    "title",
    "example",
    "header",
    "complete",
];

/// One argument.
pub(crate) struct Argument {
    pub(crate) field: Ident,
    pub(crate) ty: Type,
    /// The name on the wire.
    pub(crate) name: String,
    /// Doc comments, and whatever serde and schemars are told directly.
    forwarded: Vec<Attribute>,
    /// Members of the schema, as `"keyword" = value`.
    keywords: Vec<(&'static str, Expr)>,
    example: Option<Expr>,
    default: Option<Default>,
    rename: Option<LitStr>,
    /// The header that repeats it, for tools.
    pub(crate) header: Option<(Ident, Expr)>,
    /// What suggests values, for prompts and resources.
    pub(crate) complete: Option<(Ident, Expr)>,
}

enum Default {
    /// The type's own.
    OfType,
    Value(Expr),
}

impl Argument {
    pub(crate) fn read(typed: &PatType) -> Result<Self> {
        let Pat::Ident(pattern) = &*typed.pat else {
            return Err(Error::new_spanned(
                &typed.pat,
                "an argument needs a name, since clients send it by name: write `name: Type`; a parameter that comes from the \
                 call itself is marked `#[extract]`",
            ));
        };
        let is_forwarded = |attribute: &&Attribute| {
            ["doc", "serde", "schemars"].iter().any(|name| attribute.path().is_ident(name))
        };
        let mut argument = Self {
            field: pattern.ident.clone(),
            ty: Type::clone(&typed.ty),
            name: unraw(&pattern.ident),
            forwarded: typed.attrs.iter().filter(is_forwarded).cloned().collect(),
            keywords: Vec::new(),
            example: None,
            default: None,
            rename: None,
            header: None,
            complete: None,
        };
        let mut seen: Vec<String> = Vec::new();
        for attribute in typed.attrs.iter().filter(|attribute| attribute.path().is_ident("arg")) {
            if matches!(attribute.meta, syn::Meta::Path(_)) {
                continue;
            }
            let written: WrittenList = attribute.parse_args_with(Punctuated::parse_terminated)?;
            for option in &written {
                if seen.iter().any(|seen| option.name == seen) {
                    return Err(Error::new_spanned(
                        &option.name,
                        format!("`{}` is given twice", option.name),
                    ));
                }
                seen.push(option.name.to_string());
                argument.take(option)?;
            }
        }
        argument.check_order()?;
        Ok(argument)
    }

    fn take(&mut self, option: &Written) -> Result<()> {
        let name = option.name.to_string();
        match name.as_str() {
            "default" => {
                self.default = Some(match &option.value {
                    WrittenValue::Nothing => Default::OfType,
                    _ => Default::Value(option.expression("value")?.clone()),
                });
            }
            "min_length" => self.keyword(option, "minLength", "1", Family::Text)?,
            "max_length" => self.keyword(option, "maxLength", "100", Family::Text)?,
            "pattern" => self.keyword(option, "pattern", "\"^[a-z]+$\"", Family::Text)?,
            "min_items" => self.keyword(option, "minItems", "1", Family::List)?,
            "max_items" => self.keyword(option, "maxItems", "100", Family::List)?,
            "min" => self.keyword(option, "minimum", "1", Family::Number)?,
            "max" => self.keyword(option, "maximum", "100", Family::Number)?,
            "range" => self.range(option)?,
            "title" => self.keyword(option, "title", "\"Title\"", Family::Any)?,
            "example" => self.example = Some(option.expression("value")?.clone()),
            "rename" => {
                let value = option.expression("\"name\"")?;
                let literal = text(value)
                    .ok_or_else(|| Error::new_spanned(value, "write the name as a literal"))?;
                self.name = literal.value();
                self.rename = Some(literal.clone());
            }
            "header" => {
                let value = option.expression("\"Region\"")?.clone();
                self.header = Some((option.name.clone(), value));
            }
            "complete" => {
                let value = option.expression("function")?.clone();
                self.complete = Some((option.name.clone(), value));
            }
            _ => return Err(unknown(&option.name, OPTIONS.iter().copied())),
        }
        Ok(())
    }

    fn keyword(
        &mut self,
        option: &Written,
        keyword: &'static str,
        example: &str,
        family: Family,
    ) -> Result<()> {
        let value = option.expression(example)?.clone();
        family.check(&option.name, &self.ty)?;
        self.keywords.push((keyword, value));
        Ok(())
    }

    /// `1..=10`, `..=10`, `1..` and, for the first number that is too large, `0..10`.
    fn range(&mut self, option: &Written) -> Result<()> {
        let value = option.expression("1..=100")?;
        let Expr::Range(ExprRange { start, limits, end, .. }) = value else {
            return Err(Error::new_spanned(value, "write a range, such as `1..=100`"));
        };
        if start.is_none() && end.is_none() {
            return Err(Error::new_spanned(value, "this range holds everything; give it an end"));
        }
        Family::Number.check(&option.name, &self.ty)?;
        if let Some(start) = start {
            self.keywords.push(("minimum", Expr::clone(start)));
        }
        if let Some(end) = end {
            let keyword = match limits {
                RangeLimits::HalfOpen(_) => "exclusiveMaximum",
                RangeLimits::Closed(_) => "maximum",
            };
            self.keywords.push((keyword, Expr::clone(end)));
        }
        Ok(())
    }

    /// A keyword twice, or bounds that nothing fits between: a mistake that only calls would show otherwise.
    fn check_order(&self) -> Result<()> {
        for (index, (keyword, value)) in self.keywords.iter().enumerate() {
            if self.keywords[..index].iter().any(|(other, _)| other == keyword) {
                return Err(Error::new_spanned(value, "`range` says this already"));
            }
        }
        let find = |keyword| {
            self.keywords.iter().find(|(other, _)| *other == keyword).map(|(_, value)| value)
        };
        for (low, high) in
            [("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum")]
        {
            if let (Some(low), Some(high)) = (find(low), find(high))
                && let (Some(least), Some(most)) = (number(low), number(high))
                && least > most
            {
                return Err(Error::new_spanned(
                    high,
                    "nothing fits: the upper bound is below the lower",
                ));
            }
        }
        Ok(())
    }

    /// The field of the generated arguments, and the function of its default value.
    pub(crate) fn field(&self) -> (TokenStream, TokenStream) {
        let Self { field, ty, forwarded, .. } = self;
        let keywords = self
            .keywords
            .iter()
            .map(|(keyword, value)| quote!(#[schemars(extend(#keyword = #value))]));
        let example = self.example.iter().map(|value| quote!(#[schemars(example = &(#value))]));
        let rename = self.rename.iter().map(|name| quote!(#[serde(rename = #name)]));
        let (default, function) = match &self.default {
            None => (None, None),
            Some(Default::OfType) => (Some(quote!(#[serde(default)])), None),
            Some(Default::Value(value)) => {
                let function = format_ident!("__default_{}", unraw(field));
                let path = function.to_string();
                // A text literal suits everything that is made from text, `String` above all.
                let value = match text(value) {
                    Some(text) => quote!(::core::convert::Into::into(#text)),
                    None => value.to_token_stream(),
                };
                (
                    Some(quote!(#[serde(default = #path)])),
                    Some(quote!(fn #function() -> #ty { #value })),
                )
            }
        };
        let field = quote! {
            #(#forwarded)*
            #(#keywords)*
            #(#example)*
            #(#rename)*
            #default
            #field: #ty
        };
        (field, function.unwrap_or_default())
    }
}

/// What a constraint can bound.
#[derive(Clone, Copy)]
enum Family {
    Text,
    List,
    Number,
    Any,
}

impl Family {
    /// Refuses a constraint on a type that is known not to have it; a keyword that does not apply would be told to clients
    /// and never hold. Types of the author's own are trusted.
    fn check(self, option: &Ident, ty: &Type) -> Result<()> {
        let Some(actual) = Self::of(ty) else { return Ok(()) };
        let fits = matches!(
            (self, actual),
            (Self::Any, _)
                | (Self::Text, Self::Text)
                | (Self::List, Self::List)
                | (Self::Number, Self::Number)
        );
        if fits {
            return Ok(());
        }
        let instead = match actual {
            Self::Text => "text has `min_length`, `max_length` and `pattern`",
            Self::List => "a list has `min_items` and `max_items`",
            Self::Number => "a number has `min`, `max` and `range`",
            Self::Any => "a boolean has no bounds",
        };
        Err(Error::new_spanned(option, format!("`{option}` does not bound this type: {instead}")))
    }

    /// The family of a type that everybody knows; `Option<T>` is as `T`.
    fn of(ty: &Type) -> Option<Self> {
        let Type::Path(path) = ty else { return None };
        let last = path.path.segments.last()?;
        if last.ident == "Option"
            && let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
            && let Some(syn::GenericArgument::Type(inner)) = arguments.args.first()
        {
            return Self::of(inner);
        }
        let name = last.ident.to_string();
        Some(match name.as_str() {
            "String" | "PathBuf" | "char" => Self::Text,
            "Vec" | "HashSet" | "BTreeSet" => Self::List,
            "f32" | "f64" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16"
            | "u32" | "u64" | "u128" | "usize" => Self::Number,
            "bool" => Self::Any,
            _ => return None,
        })
    }
}

/// The number that `value` is, if it is written as one.
fn number(value: &Expr) -> Option<f64> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) => literal.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Float(literal), .. }) => literal.base10_parse().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => Some(-number(expr)?),
        _ => None,
    }
}
