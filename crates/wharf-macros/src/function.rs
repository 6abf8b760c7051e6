//! The annotated function as it was written, and the shapes of functions that can't serve a call.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, Error, FnArg, Ident, PatType, Result, ReturnType, Signature, Token, Type,
    Visibility,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

/// A function. Its body is not looked at, so whatever is wrong in there is the compiler's to report.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let starts_a_function = input.peek(Token![fn])
            || input.peek(Token![async])
            || input.peek(Token![const])
            || input.peek(Token![unsafe])
            || input.peek(Token![extern]);
        if !starts_a_function {
            return Err(input.error("this attribute belongs on an `async fn`"));
        }
        let signature = input.parse()?;
        let body = input.parse()?;
        Ok(Self { attributes, visibility, signature, body })
    }
}

impl Function {
    /// Refuses what can't be a handler, each with what to write instead.
    pub(crate) fn check(&self, errors: &mut Errors) {
        let signature = &self.signature;
        let name = &signature.ident;
        if signature.asyncness.is_none() {
            errors.push(signature.fn_token, format!("a handler is async: write `async fn {name}`"));
        }
        if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
            let span: TokenStream = match signature.generics.params.is_empty() {
                true => signature.generics.where_clause.to_token_stream(),
                false => signature.generics.params.to_token_stream(),
            };
            errors.push(
                span,
                "a handler can't be generic: clients see one schema; name the types, or build one item for each with \
                 `Tool::new`",
            );
        }
        if let Some(token) = &signature.constness {
            errors.push(token, "a handler can't be `const`");
        }
        if let syn::Safety::Unsafe(token) = &signature.safety {
            errors.push(
                token,
                "a handler can't be `unsafe`: clients call it with whatever they like",
            );
        }
        if let Some(abi) = &signature.abi {
            errors.push(abi, "a handler has Rust's own ABI");
        }
        if let ReturnType::Type(_, ty) = &signature.output
            && contains_impl(ty)
        {
            errors.push(ty, "name the result's type: a tool's output schema comes from it");
        }
        if self.body.is_empty() || self.body.to_string() == ";" {
            errors.push(name, "a handler needs a body");
        }
    }

    /// The parameters; a receiver is refused.
    pub(crate) fn parameters<'a>(
        &'a self,
        errors: &mut Errors,
    ) -> impl Iterator<Item = &'a PatType> + use<'a> {
        if let Some(receiver) = self.signature.receiver() {
            errors.push(
                receiver,
                "a handler is a free function, outside of `impl`: take what it shares with others as `State<T>`, and give \
                 it with `Server::state`",
            );
        }
        self.signature.inputs.iter().filter_map(|input| match input {
            FnArg::Receiver(_) => None,
            FnArg::Typed(typed) => Some(typed),
        })
    }

    /// The result's type.
    pub(crate) fn output(&self) -> Type {
        match &self.signature.output {
            ReturnType::Default => syn::parse_quote!(()),
            ReturnType::Type(_, ty) => Type::clone(ty),
        }
    }

    /// The registered name, unless an option gives another: the function's.
    pub(crate) fn name(&self) -> String {
        unraw(&self.signature.ident)
    }
}

/// `type` for `r#type`.
pub(crate) fn unraw(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

/// Whether `impl Trait` is written anywhere in `ty`, as far as types of parameters and results go.
pub(crate) fn contains_impl(ty: &Type) -> bool {
    fn in_tokens(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident == "impl",
            proc_macro2::TokenTree::Group(group) => in_tokens(group.stream()),
            _ => false,
        })
    }
    in_tokens(ty.to_token_stream())
}

/// Everything that is wrong, so that it is all shown at once.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn push(&mut self, at: impl ToTokens, message: impl std::fmt::Display) {
        self.add(Error::new_spanned(at, message));
    }

    pub(crate) fn at(&mut self, at: &impl Spanned, message: impl std::fmt::Display) {
        self.add(Error::new(at.span(), message));
    }

    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value of `result`, or `None` with its error kept.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
