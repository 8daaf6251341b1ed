//! What the frame on a customer's page asks for, and the page of the settings on which secrets are made.
mod settings;

use super::{
    actions::{self, Introduction},
    claims::{Proof, Said},
};
use crate::{
    contact::{self, MaybeVisitor, Visit, VisitorToken},
    error::{Error, Invalid, Result},
    site,
};
use poem::{Response, handler};
use serde::Deserialize;
pub use settings::{act, show};

#[derive(Default, Deserialize)]
#[serde(default)]
struct IdentityForm {
    /// A signed token; or an id and its hash; or neither.
    jwt: String,
    id: String,
    hash: String,
    /// What the page only says, as JSON.
    said: String,
    /// The token that the page holds, by which nobody may be known yet.
    visitor: String,
    /// Set in a frame.
    embed: String,
}

/// `GET /w/{key}/identify`: by which token this browser is known, as JSON; a page finds out in this way whether its cookie came back.
#[handler]
pub async fn known(visitor: MaybeVisitor) -> Result<Response> {
    let visitor = visitor.0.ok_or(Error::NotFound)?;
    Ok(json(&serde_json::json!({ "visitor": visitor.token.name() })))
}

/// `POST /w/{key}/identify`: who the visitor is, as the page around the chat says.
#[handler]
pub async fn identify(visit: Visit<'_, IdentityForm>) -> Result<Response> {
    let Visit { app, limits, request, viewer, visitor, key, form } = visit;
    limits.act(&format!("identify {}", viewer.address))?;
    let site = site::addressed(app.db.read(), &key).await?;
    let said = Said::parse(&form.said)?;
    let proof = if !form.jwt.is_empty() {
        Proof::Token(form.jwt)
    } else if !form.hash.is_empty() {
        Proof::Hash { id: form.id, hash: form.hash, said }
    } else {
        // Nobody is known, and nothing stored of them, before they speak.
        let visitor = visitor.as_ref().ok_or(Error::NotFound)?;
        let left_out = actions::describe(app, &site, visitor.contact, &said).await?;
        let visitor = visitor.token.name();
        return Ok(json(&serde_json::json!({ "visitor": visitor, "left_out": left_out })));
    };
    let person = actions::proven(app, &site, &proof).await?;

    let fresh = match VisitorToken::parse(&form.visitor, &app.key) {
        Some(token) => token,
        None if form.visitor.is_empty() => VisitorToken::issue(&app.key),
        None => return Err(Invalid { field: "visitor", reason: "invalid-visitor" }.into()),
    };
    let (token, spare) =
        (visitor.as_ref().map(|visitor| visitor.token.clone()), VisitorToken::issue(&app.key));
    let is_new = token.is_none();
    let token = token.unwrap_or_else(|| fresh.hash());
    let one = Introduction {
        site: site.id,
        person,
        token: token.clone(),
        spare: spare.hash(),
        lang: viewer.lang,
    };
    let met = actions::introduce(app, one).await?;
    let (token, given) = match (met.moved, is_new) {
        (true, _) => (spare.hash(), Some(&spare)),
        (false, true) => (token, Some(&fresh)),
        (false, false) => (token, None),
    };
    if let Some(given) = given {
        contact::remember(app, request, given, !form.embed.is_empty());
    }
    Ok(json(&serde_json::json!({
        "visitor": token.name(),
        "token": given.map(VisitorToken::as_str),
        "moved": met.moved,
        "left_out": met.left_out,
    })))
}

fn json(body: &serde_json::Value) -> Response {
    Response::builder().content_type("application/json").body(body.to_string())
}
