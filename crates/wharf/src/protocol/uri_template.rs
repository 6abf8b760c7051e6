//! Placeholder while the real module is on its way.
use std::sync::Arc;
pub(crate) struct UriTemplate(String);
impl UriTemplate {
    pub(crate) fn parse(t: &str) -> Result<Self, String> { Ok(Self(t.into())) }
    pub(crate) fn matches(&self, uri: &str) -> Option<Vec<(Arc<str>, String)>> { let (a, r) = self.0.split_once('{')?; let (n, b) = r.split_once('}')?; let m = uri.strip_prefix(a)?.strip_suffix(b)?; Some(vec![(n.into(), m.into())]) }
    pub(crate) fn specificity(&self) -> usize { self.0.len() }
}
