//! The lists that clients page through, prebuilt as bytes.

use std::sync::Arc;

use bytes::{BufMut, Bytes};

use crate::{
    protocol::RpcError,
    scope::{Grants, Scope, Target, TargetKind},
    seal::Sealer,
};

/// The lists that clients page through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListKind {
    Tools,
    Resources,
    Templates,
    Prompts,
}

impl ListKind {
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Resources => "resources/list",
            Self::Templates => "resources/templates/list",
            Self::Prompts => "prompts/list",
        }
    }

    const fn target(self) -> TargetKind {
        match self {
            Self::Tools => TargetKind::Tool,
            Self::Resources | Self::Templates => TargetKind::Resource,
            Self::Prompts => TargetKind::Prompt,
        }
    }

    const fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
            Self::Prompts => "prompts",
        }
    }
}

/// A list's items in registration order, and its first page as bytes.
pub(super) struct List {
    kind: ListKind,
    items: Vec<Item>,
    first: Bytes,
}

/// One item as clients see it.
pub(super) struct Item {
    pub(super) key: Arc<str>,
    /// Which registration of that key it is: see [`Slot`](super::catalog::Slot).
    pub(super) registration: u64,
    pub(super) definition: Bytes,
    pub(super) scopes: Box<[Scope]>,
}

/// Who looks at a list: the name of the server, and what the caller holds.
pub(crate) type Viewer<'a> = (&'a str, &'a Grants);

impl List {
    pub(super) fn new(kind: ListKind, items: Vec<Item>, page_size: usize, sealer: &Sealer) -> Self {
        let mut list = Self { kind, items, first: Bytes::new() };
        list.first = list.page_from(0, page_size, sealer, |_| true);
        list
    }

    /// Whether clients see the same items in the same order.
    pub(super) fn shows_the_same_as(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.items.iter(), other.items.iter());
        ours.map(|item| &item.definition).eq(theirs.map(|item| &item.definition))
    }

    fn page_from(
        &self,
        start: usize,
        page_size: usize,
        sealer: &Sealer,
        shows: impl Fn(&Item) -> bool,
    ) -> Bytes {
        let mut shown = self.items[start..].iter().filter(|item| shows(item));
        let page: Vec<&Item> = shown.by_ref().take(page_size.max(1)).collect();
        let has_more = shown.next().is_some();
        let mut out = Vec::with_capacity(
            page.iter().map(|item| item.definition.len() + 1).sum::<usize>() + 256,
        );
        out.put_slice(b"\"");
        out.put_slice(self.kind.member().as_bytes());
        out.put_slice(b"\":[");
        for (index, item) in page.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.put_slice(&item.definition);
        }
        out.push(b']');
        if has_more {
            let last = page.last().map(|item| item.cursor()).unwrap_or_default();
            let cursor = sealer.seal("cursor", self.kind.method().as_bytes(), &last);
            out.put_slice(b",\"nextCursor\":\"");
            out.put_slice(cursor.as_bytes());
            out.push(b'"');
        }
        Bytes::from(out)
    }

    /// The page after `cursor`.
    ///
    /// A cursor names the last item that was seen and which registration of it. It stays good while other items come and
    /// go; once that very item is removed, hidden, or registered anew at the end of the list, going on from it could skip
    /// items, so it is refused, and the client lists again.
    ///
    /// # Errors
    /// -32602 when the cursor is not of this list, or the item it names is not there any more.
    pub(super) fn page(
        &self,
        cursor: Option<&str>,
        page_size: usize,
        sealer: &Sealer,
        (server, grants): Viewer<'_>,
    ) -> Result<Bytes, RpcError> {
        let shows = |item: &Item| {
            let target = Target::new(server, self.kind.target(), &item.key, &item.scopes);
            match self.kind {
                ListKind::Templates => grants.may_allow(&target),
                _ => grants.allows(&target),
            }
        };
        let Some(cursor) = cursor else {
            // Most callers may use everything: for them the page is ready.
            return Ok(match self.items.iter().all(&shows) {
                true => self.first.clone(),
                false => self.page_from(0, page_size, sealer, shows),
            });
        };
        let bad = || {
            RpcError::invalid_params("this cursor is not valid here; list again without a cursor")
        };
        let last =
            sealer.open("cursor", self.kind.method().as_bytes(), cursor).map_err(|_| bad())?;
        let seen = self.items.iter().position(|item| item.is_at(&last)).ok_or_else(bad)?;
        Ok(self.page_from(seen + 1, page_size, sealer, shows))
    }
}

impl Item {
    fn cursor(&self) -> Vec<u8> {
        [&self.registration.to_le_bytes(), self.key.as_bytes()].concat()
    }

    fn is_at(&self, cursor: &[u8]) -> bool {
        cursor.split_first_chunk().is_some_and(|(registration, key)| {
            u64::from_le_bytes(*registration) == self.registration && key == self.key.as_bytes()
        })
    }
}
