//! Links to files. Whoever has one can follow it, as a picture in a page is asked for without a word about who asks; so it ends soon.
use super::{
    model::{Attachment, State},
    store,
};
use crate::{
    app::App,
    error::{Error, Result},
    ids::{self, FileId},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const PURPOSE: &str = "file";
/// In seconds. A link stays the same for so long, and a browser need not ask for the bytes again; it ends after twice of it at most.
const QUARTER: i64 = 15 * 60;
/// What stands for itself in an address and in a header.
const LETTERS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// A link that ends within half an hour.
pub fn address(app: &App, file: &Attachment) -> String {
    let until = (app.clock.now().as_second() / QUARTER + 2) * QUARTER;
    let signature = ids::encode(&app.key.sign(PURPOSE, signed(&file.id, until).as_bytes())[..16]);
    format!("/f/{}/{}?until={until}&sig={signature}", file.id, encoded(&file.name))
}

/// Where a link leads. One that ended, or that we did not make, leads nowhere.
pub async fn follow(app: &App, id: &str, until: &str, signature: &str) -> Result<Attachment> {
    let id = FileId::parse(id).ok_or(Error::NotFound)?;
    let until: i64 = until.parse().map_err(|_| Error::NotFound)?;
    let signature = ids::decode(signature).ok_or(Error::NotFound)?;
    let genuine = app.key.verify_short(PURPOSE, signed(&id, until).as_bytes(), &signature);
    if !genuine || until <= app.clock.now().as_second() {
        return Err(Error::NotFound);
    }
    let file = store::find(app.db.read(), &id).await?;
    if matches!(file.state, State::Coming | State::Gone) { Err(Error::NotFound) } else { Ok(file) }
}

pub fn encoded(name: &str) -> String {
    utf8_percent_encode(name, LETTERS).to_string()
}

fn signed(id: &FileId, until: i64) -> String {
    format!("{id}.{until}")
}
