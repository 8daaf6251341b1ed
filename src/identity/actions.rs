//! A page says who its visitor is.
use super::claims::{Person, Proof, Said, news, person};
use crate::{
    agent,
    app::{App, to_the_end},
    contact::{self, Change, Contact, TokenHash, TokenState, Told},
    conversation::{self, UNSIGNED},
    db::Tx,
    dossier,
    error::{Error, Result},
    event::{Access, Event},
    ids::{ContactId, ConversationId, SiteId},
    site::{self, Site},
    text::Lang,
};
use jiff::Timestamp;

/// Somebody of whom a site's server said who they are.
#[derive(Clone, Debug)]
pub struct Introduction {
    pub site: SiteId,
    pub person: Person,
    /// Of the device, which may be nobody's yet.
    pub token: TokenHash,
    /// The device gets this one if the other one was somebody else's.
    pub spare: TokenHash,
    pub lang: Lang,
}

/// What became of it.
#[derive(Clone, Debug, Default)]
pub struct Met {
    /// Whether the device was somebody else's until now.
    pub moved: bool,
    /// What was said and does not fit, by field.
    pub left_out: Vec<String>,
    /// Of whom something is known now, or who became another.
    contacts: Vec<ContactId>,
    rows: Vec<ConversationId>,
    lost: Vec<Access>,
}

/// Whom a proof is about, if one of the site's secrets signed it.
pub async fn proven(app: &App, site: &Site, proof: &Proof) -> Result<Person> {
    let secrets = site::secrets(app.db.read(), site.id).await?;
    if secrets.is_empty() {
        return Err(Error::Conflict("conflict-no-secret"));
    }
    let secrets: Vec<_> = secrets.into_iter().map(|(secret, _)| secret).collect();
    Ok(person(proof, site.key.as_str(), &secrets, app.clock.now())?)
}

/// Whoever holds the device is from now on the one whom the site knows under the subject. What was said on the device by nobody in
/// particular becomes theirs; what was somebody else's stays with them, and the device is let into it no more.
pub async fn introduce(app: &App, one: Introduction) -> Result<Met> {
    let app = app.clone();
    to_the_end(async move {
        // Whoever does the same in this moment is done the next time round.
        for _ in 0..5 {
            if let Some(met) = try_introduce(&app, &one).await? {
                for access in met.lost.iter().cloned() {
                    app.bus.publish(Event::AccessLost { access });
                }
                for one in &met.contacts {
                    contact::tell(&app, *one);
                }
                conversation::tell_rows(&app, &met.rows).await?;
                return Ok(met);
            }
        }
        Err(Error::Unavailable(anyhow::anyhow!("somebody is introduced faster than it is stored")))
    })
    .await
}

/// Whose the device is, and whom the site knows under the subject.
type Seen = (TokenState, Option<ContactId>);

async fn look(tx: &Tx, one: &Introduction, at: Timestamp) -> Result<(Seen, Told)> {
    let holder = contact::token_within(tx, &one.token, at).await?;
    let known = contact::identified(tx, one.site, &one.person.subject).await?;
    let (known, told) = known.map_or((None, Told::new()), |(id, told)| (Some(id), told));
    Ok(((holder, known), told))
}

/// `None` if somebody else was faster.
async fn try_introduce(app: &App, one: &Introduction) -> Result<Option<Met>> {
    let (tx, at) = (app.db.begin().await?, app.clock.now());
    let (seen, _) = look(&tx, one, at).await?;
    let holder = match seen.0 {
        TokenState::Known(holder) => Some(holder),
        TokenState::Fresh | TokenState::Ended => None,
    };
    // In the order of their numbers, as everybody who holds two.
    let mut ids: Vec<_> = [holder, seen.1].into_iter().flatten().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut held = Vec::new();
    for id in ids {
        held.push(contact::lock(&tx, id).await?);
    }
    let (again, told) = look(&tx, one, at).await?;
    if again != seen {
        return Ok(None);
    }
    let held = |id: ContactId| held.iter().find(|held| held.id == id).ok_or(Error::NotFound);

    let mut met = Met::default();
    let (theirs, others) = match holder {
        Some(holder) => (
            contact::identities(&tx, holder).await?,
            contact::other_tokens(&tx, holder, &one.token).await?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let contact = match (holder, seen.1) {
        (Some(holder), Some(known)) if holder == known => known,
        (Some(holder), Some(known)) if theirs.is_empty() => {
            met.rows = dossier::join(&tx, held(holder)?, held(known)?).await?;
            known
        }
        (Some(holder), None) if theirs.is_empty() => {
            if !contact::add_identity(&tx, holder, one.site, &one.person.subject, at).await? {
                return Ok(None);
            }
            met.rows = dossier::rows_of(&tx, held(holder)?).await?;
            holder
        }
        (_, known) => {
            // Nobody's yet, or somebody else's, or ended.
            let token = match seen.0 {
                TokenState::Fresh => &one.token,
                TokenState::Known(_) | TokenState::Ended => &one.spare,
            };
            met.moved = token == &one.spare;
            if holder.is_some() {
                end(&tx, &one.token, at, &mut met).await?;
            }
            let Some(contact) = welcome(&tx, one, token, known, at).await? else { return Ok(None) };
            contact
        }
    };
    if theirs.is_empty() {
        // Agents may have made several devices one; only this one was told whose it is.
        for other in others {
            end(&tx, &other, at, &mut met).await?;
        }
    }
    let before = contact::lock(&tx, contact).await?;
    let attributes = contact::attributes(&tx).await?;
    let (said, left_out) = one.person.signed.changes(&attributes);
    let (changes, told) = news(said, &told);
    write(&tx, &before, &changes, &mut met.rows).await?;
    let (said, more) = one.person.said.changes(&attributes);
    let unknown = unknown(&tx, contact, said).await?;
    write(&tx, &before, &unknown, &mut met.rows).await?;
    contact::seen_as(&tx, one.site, &one.person.subject, &told, at).await?;
    met.left_out = [left_out, more].concat();
    met.contacts = holder.into_iter().chain([contact]).collect();
    tx.commit().await?;
    Ok(Some(met))
}

/// A token opens no doors any more; told once it is so.
async fn end(tx: &Tx, token: &TokenHash, at: Timestamp, met: &mut Met) -> Result<()> {
    let access = Access::VisitorToken(token.name());
    contact::end_token(tx, token, at).await?;
    agent::note_lost_access(tx, &access).await?;
    met.lost.push(access);
    Ok(())
}

/// A token becomes that of somebody known, or of somebody new. `None` if somebody else was faster.
async fn welcome(
    tx: &Tx,
    one: &Introduction,
    token: &TokenHash,
    known: Option<ContactId>,
    at: Timestamp,
) -> Result<Option<ContactId>> {
    if let Some(known) = known {
        return Ok(contact::add_token(tx, token, known, at).await?.then_some(known));
    }
    let Some(new) = contact::create(tx, token, one.lang, at).await? else { return Ok(None) };
    Ok(contact::add_identity(tx, new, one.site, &one.person.subject, at).await?.then_some(new))
}

/// What visitors say of themselves: it fills what nobody knew, and is refused where a signature is wanted or was given. What does not
/// fit, by field.
pub async fn describe(
    app: &App,
    site: &Site,
    contact: ContactId,
    said: &Said,
) -> Result<Vec<String>> {
    if site.signed_only {
        return Err(Error::Forbidden(UNSIGNED));
    }
    let (app, said) = (app.clone(), said.clone());
    to_the_end(async move {
        let tx = app.db.begin().await?;
        let contact = contact::lock(&tx, contact).await?;
        if !contact::identities(&tx, contact.id).await?.is_empty() {
            return Err(Error::Forbidden("forbidden-identity-signed"));
        }
        let (said, left_out) = said.changes(&contact::attributes(&tx).await?);
        let changes = unknown(&tx, contact.id, said).await?;
        let mut rows = Vec::new();
        write(&tx, &contact, &changes, &mut rows).await?;
        tx.commit().await?;
        contact::tell(&app, contact.id);
        conversation::tell_rows(&app, &rows).await?;
        Ok(left_out)
    })
    .await
}

/// Of what was said what nobody knew.
async fn unknown(
    tx: &Tx,
    contact: ContactId,
    said: Vec<(String, String, Change)>,
) -> Result<Vec<Change>> {
    let (now, values) = (contact::find(tx, contact).await?, contact::values(tx, contact).await?);
    let is_new = |change: &Change| match change {
        Change::Name(_) => now.name.is_empty(),
        Change::Phone(_) => now.phone.is_empty(),
        Change::Email(_) => now.email.is_empty(),
        Change::Attribute(id, _) => !values.contains_key(id),
    };
    Ok(said.into_iter().map(|(.., change)| change).filter(is_new).collect())
}

async fn write(
    tx: &Tx,
    contact: &Contact,
    changes: &[Change],
    rows: &mut Vec<ConversationId>,
) -> Result<()> {
    for change in changes {
        contact::change(tx, contact.id, change).await?;
    }
    let renamed =
        |change: &Change| matches!(change, Change::Name(name) if name.as_str() != contact.name);
    if rows.is_empty() && changes.iter().any(renamed) {
        *rows = dossier::rows_of(tx, contact).await?;
    }
    Ok(())
}
