//! The resource template that reads pages.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    PREFIX,
    page::Page,
    store::{HANDLE_CHARS, name},
};
use crate::{
    content::ResourceContents,
    context::Context,
    error::ToolError,
    handler::{Args, FromCall, Invocation, Uri},
    meta::Meta,
    scope::{Target, TargetKind},
    server::Resource,
};

/// Most digits of a page's number.
const PAGE_DIGITS: usize = 6;

#[derive(Deserialize, JsonSchema)]
struct Address {
    handle: String,
    page: String,
}

/// The call, for what is no handler of an author's.
struct Call(Context);

impl FromCall for Call {
    fn from_call(invocation: &mut Invocation) -> Result<Self, ToolError> {
        Ok(Self(Context::clone(&invocation.context)))
    }
}

/// The template. It is part of every server and in no list.
pub(crate) fn resource() -> Resource {
    Resource::template(format!("{PREFIX}{{handle}}/{{page}}"), "results")
        .description("A page of a result that was too long to be answered with.")
        .handler(read)
}

async fn read(
    Call(context): Call,
    Args(Address { handle, page }): Args<Address>,
    Uri(uri): Uri,
) -> Result<ResourceContents, ToolError> {
    // One answer for all: whether a handle exists is no one else's business.
    let gone = || {
        ToolError::not_found(
            "there is no such page for you: it may have expired; call the tool again for less",
        )
    };
    let is_number = (1..=PAGE_DIGITS).contains(&page.len())
        && page.bytes().all(|byte| byte.is_ascii_digit())
        && !page.starts_with('0');
    let number = page.parse().ok().filter(|_| is_number && handle.len() == HANDLE_CHARS);
    let number: u32 = number.ok_or_else(gone)?;
    let stored = context.core.state.get(&name(&context, &handle, number)).await?;
    let page = stored.as_deref().and_then(Page::decode).ok_or_else(gone)?;
    if !may_use(&context, page.tool) {
        return Err(gone());
    }
    let key = |name| format!("{}{name}", Meta::PREFIX);
    let mut meta = Meta::new().with(key("page"), number).with(key("pages"), page.pages);
    if number < page.pages {
        meta = meta.with(key("next"), format!("{PREFIX}{handle}/{}", number + 1));
    }
    let mut contents = ResourceContents::text(&*uri, "");
    contents.mime_type = Some(page.mime_type.into_owned());
    let chunk = page.chunk.to_owned();
    (contents.text, contents.blob) =
        if page.is_text { (Some(chunk), None) } else { (None, Some(chunk)) };
    Ok(contents.meta(meta))
}

/// Whether the caller may still use the tool that made a page: what was granted then may have been taken back since.
fn may_use(context: &Context, tool: &str) -> bool {
    context.core.registry.load().tool(tool).is_ok_and(|entry| {
        let (server, kind) = (context.core.name(), TargetKind::Tool);
        context.caller.grants.allows(&Target::new(server, kind, &entry.name, &entry.scopes))
    })
}
