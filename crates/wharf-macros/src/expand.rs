//! What is generated: the function as it was written, inside one that also knows the item to register.
//!
//! Everything new lives inside the function's body, so that nothing is added to the names of the module around it. The item
//! is made with the public builder; whatever can be said here can be said there.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Attribute, Expr, LitStr, Result, Token, parse::ParseStream, punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{
    docs,
    function::{Errors, Function},
    options::{self, Known, Options, WrittenList},
    parameter::{Kind, Parameter},
    template,
};

/// What is made of the function.
pub(crate) enum Item {
    Tool,
    Resource(LitStr),
    Prompt,
}

impl Item {
    fn table(&self) -> &'static [Known] {
        match self {
            Self::Tool => options::TOOL,
            Self::Resource(_) => options::RESOURCE,
            Self::Prompt => options::PROMPT,
        }
    }

    /// The type that is registered.
    fn ty(&self) -> TokenStream {
        match self {
            Self::Tool => quote!(::wharf::Tool),
            Self::Resource(_) => quote!(::wharf::Resource),
            Self::Prompt => quote!(::wharf::Prompt),
        }
    }

    fn builder(&self, name: &TokenStream) -> TokenStream {
        match self {
            Self::Tool => quote!(::wharf::Tool::new(#name)),
            Self::Resource(uri) if uri.value().contains('{') => {
                quote!(::wharf::Resource::template(#uri, #name))
            }
            Self::Resource(uri) => quote!(::wharf::Resource::new(#uri, #name)),
            Self::Prompt => quote!(::wharf::Prompt::new(#name)),
        }
    }

    /// Refuses arguments that this kind of item can't have.
    fn check(&self, parameters: &[Parameter], errors: &mut Errors) {
        let arguments = || {
            parameters.iter().filter_map(|parameter| match &parameter.kind {
                Kind::Argument(argument) => Some(argument),
                _ => None,
            })
        };
        for argument in arguments() {
            match (self, &argument.header, &argument.complete) {
                (Self::Resource(_) | Self::Prompt, Some((option, _)), _) => {
                    errors.push(option, "only a tool's arguments are repeated in headers");
                }
                (Self::Tool, _, Some((option, _))) => {
                    errors.push(
                        option,
                        "the protocol completes arguments of prompts and resource templates only",
                    );
                }
                _ => {}
            }
        }
        let Self::Resource(uri) = self else { return };
        let template = uri.value();
        let variables = template::variables(&template);
        for argument in arguments().filter(|argument| !variables.contains(&&*argument.name)) {
            let name = &argument.name;
            errors.push(
                &argument.field,
                match variables.is_empty() {
                    true => format!(
                        "the URI has no variables: write `{{{name}}}` where `{name}` stands in it"
                    ),
                    false => format!(
                        "the template has no variable `{name}`; it has {}",
                        variables.join(", ")
                    ),
                },
            );
        }
        if let Some(missing) = variables
            .iter()
            .find(|variable| arguments().all(|argument| argument.name != **variable))
            && arguments().next().is_some()
        {
            errors.push(uri, format!("no parameter takes the variable `{missing}`"));
        }
    }
}

/// Refuses a name that no argument has. The arguments of an `Args<T>` are known to the builder only.
fn check_idempotency(options: &Options, parameters: &[Parameter], errors: &mut Errors) {
    let Some(by) = &options.idempotent_by else { return };
    let is_it = |parameter: &Parameter| match &parameter.kind {
        Kind::Args => true,
        Kind::Argument(argument) => argument.name == by.value(),
        Kind::Extractor => false,
    };
    if !parameters.iter().any(is_it) {
        errors.push(by, format!("no argument is called `{}`", by.value()));
    }
}

/// Reads `"uri", option, …`.
pub(crate) fn resource_options(input: ParseStream<'_>) -> Result<(LitStr, WrittenList)> {
    let uri = input.parse::<LitStr>().map_err(|error| {
        syn::Error::new(
            error.span(),
            "the URI comes first: `#[resource(\"config://app\")]`, or a template such as \"greeting://{name}\"",
        )
    })?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok((uri, Punctuated::parse_terminated(input)?))
}

/// Expands one attribute.
///
/// # Errors
/// Everything that is wrong with the function and the attribute.
pub(crate) fn expand(
    item: &Item,
    written: &WrittenList,
    function: &Function,
) -> Result<TokenStream> {
    let mut errors = Errors::default();
    let options = Options::read(written, item.table(), &mut errors);
    function.check(&mut errors);
    let typed = function.parameters(&mut errors);
    let parameters = Parameter::read_all(typed, &function.signature.ident, &mut errors);
    item.check(&parameters, &mut errors);
    check_idempotency(&options, &parameters, &mut errors);
    let description = match options.has_description {
        true => None,
        false => errors.keep(docs::description(&function.attributes)).flatten(),
    };
    errors.finish()?;

    let definition = definition(item, &options, description, function, &parameters);
    let Function { visibility, signature, body, .. } = function;
    let (ident, output, ty) = (&signature.ident, function.output(), item.ty());
    let (outer, inner) = attributes(&function.attributes);
    let written_parameters = parameters.iter().map(|parameter| &parameter.written);
    let names: Vec<_> = parameters.iter().map(|parameter| &parameter.name).collect();
    let types = parameters.iter().map(|parameter| &parameter.ty);
    let return_type = &signature.output;
    // A future that is not `Send` is reported here, at the function's name.
    let future = quote_spanned!(ident.span()=> impl ::wharf::ItemFuture<#ty, Output = #output>);
    Ok(quote! {
        #(#outer)*
        #[allow(clippy::too_many_arguments, reason = "the function that was written has as many")]
        #visibility fn #ident(#(#names: #types),*) -> #future {
            #(#inner)*
            async fn #ident(#(#written_parameters),*) #return_type #body

            #definition
            ::wharf::__private::Defined::<__Definition, _>::new(#ident(#(#names),*))
        }
    })
}

/// The items that define what is registered.
fn definition(
    item: &Item,
    options: &Options,
    description: Option<String>,
    function: &Function,
    parameters: &[Parameter],
) -> TokenStream {
    let ty = item.ty();
    let name = match &options.name {
        Some(name) => quote!(#name),
        None => {
            let name = function.name();
            quote!(#name)
        }
    };
    let builder = item.builder(&name);
    let description = description.map(|text| quote!(.description(#text)));
    let calls = &options.calls;
    let arguments: Vec<_> = parameters
        .iter()
        .filter_map(|parameter| match &parameter.kind {
            Kind::Argument(argument) => Some(argument),
            _ => None,
        })
        .collect();
    let headers = arguments.iter().filter_map(|argument| {
        let (_, header) = argument.header.as_ref()?;
        let pointer = format!("/{}", argument.name.replace('~', "~0").replace('/', "~1"));
        Some(quote!(.header_parameter(#pointer, #header)))
    });
    let completers = arguments.iter().filter_map(|argument| {
        let ((_, completer), name): (&(_, Expr), _) = (argument.complete.as_ref()?, &argument.name);
        Some(quote!(.complete(#name, #completer)))
    });
    let handler = handler(function, parameters);
    let checks = parameters.iter().map(|parameter| {
        let ty = &parameter.ty;
        match parameter.kind {
            Kind::Argument(_) => {
                quote_spanned!(ty.span()=> ::wharf::__private::is_argument::<#ty>();)
            }
            _ => quote_spanned!(ty.span()=> ::wharf::__private::is_extractor::<#ty>();),
        }
    });
    let (fields, defaults): (Vec<_>, Vec<_>) =
        arguments.iter().map(|argument| argument.field()).unzip();
    let arguments = (!fields.is_empty()).then(|| {
        quote! {
            #(#defaults)*

            #[derive(::wharf::__private::serde::Deserialize, ::wharf::__private::schemars::JsonSchema)]
            #[serde(crate = "::wharf::__private::serde")]
            #[schemars(crate = "::wharf::__private::schemars")]
            struct __Arguments {
                #(#fields,)*
            }
        }
    });
    quote! {
        // Before anything else, so that what is wrong with a parameter's type is said first and in its own words.
        const _: fn() = || { #(#checks)* };

        #arguments

        enum __Definition {}

        impl ::wharf::__private::Definition<#ty> for __Definition {
            fn define() -> #ty {
                #builder #description #(#calls)* #(#headers)* #(#completers)*
                    #handler
            }
        }
    }
}

/// The last call of the builder: a closure of extractors that calls the function. The arguments come last, because taking
/// them leaves none for an extractor that looks at them.
fn handler(function: &Function, parameters: &[Parameter]) -> TokenStream {
    let ident = &function.signature.ident;
    // A result that can't be given back is reported at its type.
    let at_result = match &function.signature.output {
        syn::ReturnType::Default => ident.span(),
        syn::ReturnType::Type(_, ty) => ty.span(),
    };
    let at_result = at_result.resolved_at(Span::call_site());
    let mut taken = Vec::new();
    let mut given = Vec::new();
    for (index, Parameter { kind, ty, .. }) in parameters.iter().enumerate() {
        if let Kind::Argument(argument) = kind {
            let field = &argument.field;
            given.push(quote!(__arguments.#field));
        } else {
            let name = format_ident!("__parameter_{index}");
            taken.push(quote!(#name: #ty));
            given.push(quote!(#name));
        }
    }
    if taken.len() < parameters.len() {
        taken.push(quote!(::wharf::Args(__arguments): ::wharf::Args<__Arguments>));
    }
    quote_spanned!(at_result=> .handler(|#(#taken),*| #ident(#(#given),*)))
}

/// Which attributes go on the function that is seen, and which on the one that was written.
fn attributes(all: &[Attribute]) -> (Vec<&Attribute>, Vec<&Attribute>) {
    let is = |attribute: &Attribute, names: &[&str]| {
        names.iter().any(|name| attribute.path().is_ident(name))
    };
    let seen = |attribute: &&Attribute| is(attribute, &["doc", "deprecated", "must_use", "cfg"]);
    let lint = |attribute: &&Attribute| is(attribute, &["allow", "warn", "deny", "forbid"]);
    let outer = all.iter().filter(|a| seen(a) || lint(a)).collect();
    let inner = all.iter().filter(|a| !seen(a)).collect();
    (outer, inner)
}
