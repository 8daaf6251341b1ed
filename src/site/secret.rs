//! With what a site's own server signs who its visitors are. It has to be stored as it is: HMAC wants it on both sides.
use crate::ids;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// Signs tokens, and what follows from it signs bare ids. The keys are the texts as they stand.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// 256 random bits behind `kfs_`.
    pub fn new() -> Self {
        Self(format!("kfs_{}", ids::encode(&ids::random::<32>())))
    }

    pub(super) fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key for bare ids, behind `kfh_`. Another one than for tokens: whoever may choose an id would else choose one that reads like
    /// the first two parts of a token, and its hash would be the third.
    pub fn for_ids(&self) -> String {
        format!("kfh_{}", ids::encode(&mac(&self.0, b"kefu: bare ids")))
    }

    /// Whether it made a token's signature; in constant time.
    pub fn signed(&self, token: &str, signature: &[u8]) -> bool {
        mac(&self.0, token.as_bytes()).ct_eq(signature).into()
    }

    /// The same of a bare id.
    pub fn signed_id(&self, id: &str, signature: &[u8]) -> bool {
        mac(&self.for_ids(), id.as_bytes()).ct_eq(signature).into()
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn mac(key: &str, message: &[u8]) -> [u8; 32] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}
