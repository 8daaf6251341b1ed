//! A visitor's token proves itself, so it needs no row before its holder speaks; afterwards its hash is stored and the
//! row can revoke it. Form: `kfv_{random}.{signature}`, 128 random bits and the first 128 bits of their HMAC-SHA-256.
use crate::{config::SecretKey, ids};
use sha2::{Digest, Sha256};
use std::fmt;

const PREFIX: &str = "kfv_";
const PURPOSE: &str = "visitor";

#[derive(Clone, PartialEq, Eq)]
pub struct VisitorToken {
    random: Vec<u8>,
    text: String,
}

/// SHA-256 of a token's random part: what is stored of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub Vec<u8>);

impl VisitorToken {
    pub fn issue(key: &SecretKey) -> Self {
        let random = ids::random::<16>().to_vec();
        let signature = key.sign(PURPOSE, &random);
        let text = format!("{PREFIX}{}.{}", ids::encode(&random), ids::encode(&signature[..16]));
        Self { random, text }
    }

    /// `None` for whatever this installation did not make.
    pub fn parse(text: &str, key: &SecretKey) -> Option<Self> {
        let (random, signature) = text.strip_prefix(PREFIX)?.split_once('.')?;
        let (random, signature) = (ids::decode(random)?, ids::decode(signature)?);
        let genuine = random.len() == 16 && key.verify_short(PURPOSE, &random, &signature);
        genuine.then(|| Self { random, text: text.to_owned() })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.random).to_vec())
    }
}

impl TokenHash {
    /// How the hash is written in events and revocations.
    pub fn name(&self) -> String {
        ids::encode(&self.0)
    }
}

impl fmt::Debug for VisitorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitorToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SecretKey {
        SecretKey::parse(text).unwrap()
    }

    #[test]
    fn only_what_this_installation_made_is_a_token() {
        let ours = key("the key of this installation is long enough");
        let token = VisitorToken::issue(&ours);
        assert_eq!(VisitorToken::parse(token.as_str(), &ours), Some(token.clone()));
        assert_eq!(
            VisitorToken::parse(
                token.as_str(),
                &key("the key of another installation is long too")
            ),
            None
        );
        let mut forged = token.as_str().to_owned();
        forged.replace_range(5..6, if &forged[5..6] == "A" { "B" } else { "A" });
        for garbage in [
            forged.as_str(),
            "",
            "kfv_",
            "kfv_.",
            "kfv_AAAA.AAAA",
            &token.as_str()[4..],
            &format!("{}=", token.as_str()),
        ] {
            assert_eq!(VisitorToken::parse(garbage, &ours), None, "{garbage}");
        }
    }
}
