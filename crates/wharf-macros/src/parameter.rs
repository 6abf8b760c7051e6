//! The parameters of a handler: what the call provides, and what its caller sends.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Error, Ident, Pat, PatType, Result, Type, spanned::Spanned};

use crate::{
    argument::Argument,
    function::{Errors, contains_impl},
};

/// The extractors that Wharf has, by the last segment of their path. A type of the same name that is an argument says so
/// with `#[arg]`; an extractor of another name with `#[extract]`.
const EXTRACTORS: &[&str] = &[
    "Args",
    "Ask",
    "Caller",
    "Cancel",
    "ClientInfo",
    "Events",
    "Handle",
    "Log",
    "Meta",
    "Polling",
    "Progress",
    "RequestId",
    "State",
    "Uri",
];

/// As many as `wharf::IntoItem` is implemented for.
const MAX_PARAMETERS: usize = 16;
/// As many as `wharf::Handler` is implemented for, where all arguments together are one.
const MAX_HANDLER_PARAMETERS: usize = 8;

pub(crate) enum Kind {
    /// Implements `FromCall`.
    Extractor,
    /// `Args<T>`: all arguments as a type of the author's.
    Args,
    /// One argument.
    Argument(Box<Argument>),
}

/// One parameter.
pub(crate) struct Parameter {
    pub(crate) kind: Kind,
    /// What it is called where a pattern can't stand.
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    /// As written, without the attributes that were read.
    pub(crate) written: TokenStream,
}

impl Parameter {
    fn read(typed: &PatType, index: usize, errors: &mut Errors) -> Option<Self> {
        let is = |name: &'static str| move |attribute: &&Attribute| attribute.path().is_ident(name);
        let extract = typed.attrs.iter().find(is("extract"));
        let arg = typed.attrs.iter().find(is("arg"));
        if let Some(cfg) = typed.attrs.iter().find(|a| is("cfg")(a) || is("cfg_attr")(a)) {
            errors.push(cfg, "a parameter that is sometimes there can't be described; put `#[cfg]` on the whole function");
        }
        let kind = match (extract, arg) {
            (Some(extract), Some(_)) => {
                errors.push(extract, "a parameter is either an argument or an extractor");
                return None;
            }
            (Some(extract), None) => {
                errors.keep(extract.meta.require_path_only().map(drop));
                Kind::Extractor
            }
            (None, None) => match extractor(&typed.ty) {
                Some("Args") => Kind::Args,
                Some(_) => Kind::Extractor,
                None => Kind::Argument(Box::new(errors.keep(Argument::read(typed))?)),
            },
            (None, Some(_)) => Kind::Argument(Box::new(errors.keep(Argument::read(typed))?)),
        };
        if !matches!(kind, Kind::Argument(_))
            && let Some(doc) = typed.attrs.iter().find(is("doc"))
        {
            errors.at(
                &doc.meta,
                "only an argument has a description; this is taken from the call itself",
            );
        }
        errors.keep(owned(&typed.ty))?;
        let (attributes, pattern, ty) = (kept(typed), &typed.pat, &typed.ty);
        Some(Self {
            kind,
            name: outer_name(&typed.pat, index),
            ty: Type::clone(ty),
            written: quote!(#(#attributes)* #pattern: #ty),
        })
    }

    /// All parameters of `typed`; what can't stand together is refused.
    pub(crate) fn read_all<'a>(
        typed: impl Iterator<Item = &'a PatType>,
        function: &Ident,
        errors: &mut Errors,
    ) -> Vec<Self> {
        let mut parameters: Vec<_> = typed
            .enumerate()
            .filter_map(|(index, typed)| Self::read(typed, index, errors))
            .collect();
        for parameter in &mut parameters {
            // A local of the function's own name would hide the function.
            if parameter.name == *function {
                parameter.name = format_ident!("{}_value", parameter.name);
            }
        }
        let args: Vec<_> = parameters.iter().filter(|p| matches!(p.kind, Kind::Args)).collect();
        if let [_, second, ..] = args[..] {
            errors.push(&second.ty, "the arguments can be taken only once; put both into one type");
        }
        let argument = parameters.iter().find(|p| matches!(p.kind, Kind::Argument(_)));
        if let ([_, ..], Some(argument)) = (&args[..], argument) {
            errors.push(
                &argument.name,
                "`Args` takes all arguments: make this a field of its type, or mark it `#[extract]` if it comes from the \
                 call itself",
            );
        }
        let extractors = parameters.iter().filter(|p| !matches!(p.kind, Kind::Argument(_))).count();
        let in_handler = extractors + usize::from(argument.is_some());
        if parameters.len() > MAX_PARAMETERS {
            errors.push(
                &parameters[MAX_PARAMETERS].name,
                format!("more than {MAX_PARAMETERS} parameters; make the arguments a type and take it as `Args<T>`"),
            );
        } else if in_handler > MAX_HANDLER_PARAMETERS {
            errors.push(
                &parameters[MAX_HANDLER_PARAMETERS].name,
                format!(
                    "more than {MAX_HANDLER_PARAMETERS} extractors, where all arguments count as one; put some into an \
                     extractor of your own (`wharf::FromCall`)"
                ),
            );
        }
        parameters
    }
}

/// The name of the extractor that `ty` is, if it is one of Wharf's.
fn extractor(ty: &Type) -> Option<&'static str> {
    let last = match ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last()?,
        Type::Paren(inner) => return extractor(&inner.elem),
        Type::Group(inner) => return extractor(&inner.elem),
        _ => return None,
    };
    EXTRACTORS.iter().find(|name| last.ident == name).copied()
}

/// Refuses what can't be taken out of a call.
fn owned(ty: &Type) -> Result<()> {
    if contains_impl(ty) {
        return Err(Error::new_spanned(
            ty,
            "name the parameter's type: its schema is what clients are told, and `impl Trait` has none",
        ));
    }
    if let Type::Reference(reference) = ty {
        let owned = match reference.elem.to_token_stream().to_string().as_str() {
            "str" => "String".to_owned(),
            text if text.starts_with('[') => "Vec<…>".to_owned(),
            text => text.replace(' ', ""),
        };
        return Err(Error::new_spanned(
            ty,
            format!(
                "a handler owns its parameters, since it may outlive the message: take `{owned}`"
            ),
        ));
    }
    Ok(())
}

/// The attributes that stay on the function's parameter.
fn kept(typed: &PatType) -> Vec<&Attribute> {
    const READ: &[&str] = &["arg", "extract", "doc", "serde", "schemars"];
    let is_read = |attribute: &Attribute| READ.iter().any(|name| attribute.path().is_ident(name));
    typed.attrs.iter().filter(|attribute| !is_read(attribute)).collect()
}

/// What documentation calls the parameter: the name in its pattern, as long as there is just one.
fn outer_name(pattern: &Pat, index: usize) -> Ident {
    match pattern {
        Pat::Ident(pattern) => pattern.ident.clone(),
        Pat::TupleStruct(pattern) if pattern.elems.len() == 1 => {
            outer_name(&pattern.elems[0], index)
        }
        _ => format_ident!(
            "parameter_{}",
            index,
            span = pattern.span().resolved_at(Span::call_site())
        ),
    }
}
