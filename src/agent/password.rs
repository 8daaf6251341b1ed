//! Passwords are hashed with argon2id, 19 MiB, two passes, one lane (OWASP's minimum), a few at a time: each takes its
//! memory, and a crowd at the door must not take the whole machine's.
use super::model::Password;
use crate::error::{Error, Result};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hashing at once; more wait.
const AT_ONCE: usize = 2;
/// The longest wait for a turn.
const PATIENCE: Duration = Duration::from_secs(3);

/// The turns of this process: they stand for its memory, of which there is one.
static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));
/// What the password of an account that does not exist is compared with, so that the answer takes as long.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| digest(&crate::ids::encode(&crate::ids::random::<16>())).unwrap_or_default());

/// The PHC string to store.
pub async fn hash(password: Password) -> Result<String> {
    in_turn(move || digest(password.as_str())).await?
}

/// Takes the same time whether there is an account, and whether the password fits.
pub async fn fits(password: String, stored: Option<String>) -> Result<bool> {
    in_turn(move || {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.clone());
        let Ok(stored) = PasswordHash::new(&stored) else { return false };
        // Nobody's password is longer; hashing a megabyte would only burn a core.
        let password = if password.len() > 256 { "" } else { &password };
        argon2().verify_password(password.as_bytes(), &stored).is_ok() && known
    })
    .await
}

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let turn: OwnedSemaphorePermit = tokio::time::timeout(PATIENCE, TURNS.clone().acquire_owned())
        .await
        .map_err(|_| Error::RateLimited { retry_after: PATIENCE })?
        .map_err(Error::internal)?;
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await.map_err(Error::internal)
}

fn digest(password: &str) -> Result<String> {
    let hash = argon2().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| Error::internal(anyhow::anyhow!("argon2: {error}")))
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("argon2 takes OWASP's parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::super::model::Email;
    use super::*;

    #[tokio::test]
    async fn the_right_password_fits_and_nothing_else_does() {
        let email = Email::parse("ana@shop.example").unwrap();
        let stored = hash(Password::parse("correct horse battery", &email).unwrap()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(fits("correct horse battery".into(), Some(stored.clone())).await.unwrap());
        assert!(!fits("correct horse batterz".into(), Some(stored)).await.unwrap());
        assert!(!fits("correct horse battery".into(), None).await.unwrap());
        assert!(!fits(String::new(), Some("not a hash".into())).await.unwrap());
    }
}
