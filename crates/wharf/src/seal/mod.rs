//! Placeholder while the real module is on its way.
#[derive(Debug, Clone)]
pub struct SealingKey;
#[derive(Debug)]
pub(crate) struct Sealer;
impl Sealer {
    pub(crate) fn new(_: Vec<SealingKey>) -> Self { Self }
    pub(crate) fn random() -> Self { Self }
    pub(crate) fn seal(&self, _: &'static str, _: &[u8], p: &[u8]) -> String { use base64::Engine; base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(p) }
    pub(crate) fn open(&self, _: &'static str, _: &[u8], t: &str) -> Result<Vec<u8>, ()> { use base64::Engine; base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(t).map_err(|_| ()) }
}
