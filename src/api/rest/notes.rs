//! What agents note about contacts.
use super::{Done, Limit, MOST, Tag, USUAL, at_desk, next_cursor, page_cursor};
use crate::{
    api::{
        caller::Token,
        problem::Answer,
        shape::{Author, moment},
        text::Text,
    },
    app::App,
    contact,
    event::{self, Side},
    web::page::Viewer,
};
use poem::web::Data;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
};

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct ContactNotes {
    notes: Vec<ContactNote>,
    /// Where the next page begins; none after the last one.
    next: Option<String>,
}

/// What an agent noted about a contact. Visitors never see it.
#[derive(Object)]
struct ContactNote {
    id: i64,
    author: Author,
    body: String,
    at: String,
}

impl From<contact::Note> for ContactNote {
    fn from(note: contact::Note) -> Self {
        let author = event::Author::Agent { id: note.agent, name: note.by };
        Self {
            id: note.id,
            author: Author::new(&author, Side::Agent),
            body: note.body,
            at: moment(note.at),
        }
    }
}

#[derive(Object)]
struct NewContactNote {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same note.
    nonce: Text,
    /// 1–2,000 characters.
    body: Text,
}

#[derive(Object)]
struct CommittedNote {
    note: ContactNote,
    /// Whether this nonce had made it before.
    duplicate: bool,
}

#[derive(ApiResponse)]
enum Noted {
    /// It is committed.
    #[oai(status = 201)]
    Now(Json<CommittedNote>),
    /// The same nonce had made it before; this is what it made.
    #[oai(status = 200)]
    Before(Json<CommittedNote>),
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// What agents noted about a contact, the newest first.
    #[oai(
        path = "/contacts/:contact/notes",
        method = "get",
        tag = "Tag::People",
        operation_id = "list_contact_notes"
    )]
    async fn notes(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        contact: Path<i64>,
        /// `next` of the page before.
        cursor: Query<Option<String>>,
        /// How many, 50 if left out.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u64>>,
    ) -> Answer<Json<ContactNotes>> {
        let contact = at_desk(&app, &limits, &caller)?.contact(contact.0).await?;
        let limit = limit.0.unwrap_or(USUAL).min(MOST);
        let below = cursor.0.as_deref().map(page_cursor).transpose()?.map(|[id]| id);
        let mut found = contact::notes(&app.db, contact.id, below, limit + 1).await?;
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > shown;
        found.truncate(shown);
        let next = found.last().filter(|_| more).map(|last| next_cursor(&[last.id]));
        Ok(Json(ContactNotes { notes: found.into_iter().map(Into::into).collect(), next }))
    }

    /// Notes something about a contact. Counted as a message.
    #[oai(
        path = "/contacts/:contact/notes",
        method = "post",
        tag = "Tag::People",
        operation_id = "add_contact_note"
    )]
    async fn add(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        Token(caller): Token,
        contact: Path<i64>,
        new: Json<NewContactNote>,
    ) -> Answer<Noted> {
        let desk = at_desk(&app, &limits, &caller)?;
        let made = desk.note_on_contact(contact.0, &new.nonce, &new.body, viewer.address);
        let (note, duplicate) = made.await?;
        let committed = Json(CommittedNote { note: note.into(), duplicate });
        Ok(if duplicate { Noted::Before(committed) } else { Noted::Now(committed) })
    }

    /// Takes a note away: its author may, and owners and admins.
    #[oai(
        path = "/contacts/:contact/notes/:note/remove",
        method = "post",
        tag = "Tag::People",
        operation_id = "remove_contact_note"
    )]
    async fn remove(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        Token(caller): Token,
        contact: Path<i64>,
        note: Path<i64>,
    ) -> Answer<Done> {
        let desk = at_desk(&app, &limits, &caller)?;
        desk.remove_contact_note(contact.0, note.0, viewer.address).await?;
        Ok(Done::Done)
    }
}
