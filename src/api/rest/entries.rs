//! The log of a conversation: reading it, writing in it.
use super::{Act, Done, Limit, MOST, Tag, USUAL, Written, at_desk};
use crate::{
    api::{
        acts::{Desk, Message},
        caller::Token,
        problem::Answer,
        shape::{Author, Entries, moment},
        text::Text,
    },
    app::App,
    conversation::{self, Range},
    error::{Error, Invalid},
    event::{Changed, Side},
    ids::Cursor,
};
use poem::web::Data;
use poem_openapi::{
    Enum, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
};
use std::time::Duration;

#[derive(Object)]
struct NewEntry {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same message.
    nonce: Text,
    /// 1–5,000 characters, or none where files come with it.
    body: Text,
    /// Ids of files that the caller brought into this conversation and has not sent, at most 10.
    attachments: Option<Vec<Text>>,
    kind: Option<NewEntryKind>,
    /// The last entry the writer had seen. If another agent answered after it, this answer is refused as `stale`.
    seen: Option<i64>,
    /// The seq of the entry it answers, for agents only: a message, or for a note also a note. Left out if it cannot be quoted.
    quote: Option<i64>,
}

#[derive(Object)]
struct Edit {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same act.
    nonce: Text,
    /// The new text: 1–5,000 characters.
    body: Text,
}

#[derive(Object)]
struct EarlierWords {
    /// The oldest first; none if it was never changed.
    earlier: Vec<Earlier>,
}

/// What an entry said before somebody changed it or took it back.
#[derive(Object)]
struct Earlier {
    body: String,
    /// When it was changed or taken back.
    until: String,
    by: Author,
    became: Became,
}

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum Became {
    Edited,
    Recalled,
}

impl From<conversation::Earlier> for Earlier {
    fn from(earlier: conversation::Earlier) -> Self {
        Self {
            body: earlier.body,
            until: moment(earlier.until),
            by: Author::new(&earlier.by, Side::Agent),
            became: match earlier.became {
                Changed::Edited => Became::Edited,
                Changed::Recalled => Became::Recalled,
            },
        }
    }
}

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum NewEntryKind {
    Text,
    /// For agents only.
    Note,
}

#[derive(Object)]
struct Reading {
    /// The last entry that was read.
    #[oai(validator(minimum(value = "0")))]
    seq: i64,
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// Entries after or before one; the newest if neither is given.
    #[oai(
        path = "/conversations/:conversation/entries",
        method = "get",
        tag = "Tag::Entries",
        operation_id = "list_entries"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the operation")]
    async fn entries(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
        /// A seq, or `{epoch}:{seq}`, which is refused after a backup was restored.
        after: Query<Option<String>>,
        #[oai(validator(minimum(value = "0")))] before: Query<Option<i64>>,
        /// How many, 50 if left out.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u64>>,
        /// With `after`: how many seconds to wait for an entry if there is none yet.
        #[oai(validator(minimum(value = "0"), maximum(value = "30")))]
        wait: Query<Option<u64>>,
    ) -> Answer<Json<Entries>> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        let seat = desk.seat(&conversation)?;
        let head = conversation::find_for(app.db.read(), &seat).await?;
        let limit = limit.0.unwrap_or(USUAL).min(MOST);
        let range = match (after.0, before.0) {
            (Some(after), _) => {
                let invalid = Invalid { field: "after", reason: "invalid-cursor" };
                let cursor = Cursor::parse(&after).ok_or(invalid)?;
                let seq = cursor.resume(&app.epoch, head.last_seq);
                Range::After(seq.ok_or(Error::Conflict("conflict-cursor"))?, limit)
            }
            (None, Some(seq)) => Range::Before(seq, limit),
            (None, None) => Range::Latest(limit),
        };
        let patience = match range {
            Range::After(..) => wait.0.unwrap_or(0),
            Range::Before(..) | Range::Around(..) | Range::Latest(_) => 0,
        };
        let history = match patience {
            0 => conversation::history(app.db.read(), head.id, range).await?,
            seconds => {
                let _place = limits.stream(caller.line())?;
                let patience = Duration::from_secs(seconds);
                let (id, side) = (head.id, caller.side());
                let history = conversation::wait_for_news(&app, id, side, range, patience).await?;
                // Access may have been lost meanwhile.
                caller.still(&app).await?;
                conversation::find_for(app.db.read(), &seat).await?;
                history
            }
        };
        Ok(Json(Entries::new(&app.epoch, &history, head.last_seq, caller.side())))
    }

    /// Sends a message, or as an agent a note.
    #[oai(
        path = "/conversations/:conversation/entries",
        method = "post",
        tag = "Tag::Entries",
        operation_id = "send_entry"
    )]
    async fn send(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
        new: Json<NewEntry>,
    ) -> Answer<Written> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        let new = new.0;
        let note = matches!(new.kind, Some(NewEntryKind::Note));
        let attachments = new.attachments.unwrap_or_default();
        let message = Message {
            nonce: new.nonce.into(),
            body: new.body.into(),
            attachments: attachments.into_iter().map(String::from).collect(),
            note,
            seen: new.seen,
            quote: new.quote,
        };
        let sent = desk.send(&conversation, &message).await?;
        Ok(Written::new(&sent, caller.side()))
    }

    /// Changes a message or a note of the caller's own, for two minutes. What it said before is kept for the audit alone.
    ///
    /// A note calls whom it did not call before. Answered by the entry as it is now.
    #[oai(
        path = "/conversations/:conversation/entries/:seq/edit",
        method = "post",
        tag = "Tag::Entries",
        operation_id = "edit_entry"
    )]
    async fn edit(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        seq: Path<i64>,
        edit: Json<Edit>,
    ) -> Answer<Written> {
        let desk = at_desk(&app, &limits, &caller)?;
        let (name, words) = (conversation.0.to_string(), Some(&*edit.body));
        let sent = desk.amend(&name, &edit.nonce, seq.0, words).await?;
        Ok(Written::new(&sent, Side::Agent))
    }

    /// Takes back a message or a note of the caller's own, for two minutes: its text and its files are gone for everybody.
    ///
    /// Answered by the entry as it is now.
    #[oai(
        path = "/conversations/:conversation/entries/:seq/recall",
        method = "post",
        tag = "Tag::Entries",
        operation_id = "recall_entry"
    )]
    async fn recall(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        seq: Path<i64>,
        act: Json<Act>,
    ) -> Answer<Written> {
        let desk = at_desk(&app, &limits, &caller)?;
        let sent = desk.amend(&conversation.0.to_string(), &act.nonce, seq.0, None).await?;
        Ok(Written::new(&sent, Side::Agent))
    }

    /// What a message or a note said before it was changed or taken back, for owners and admins.
    #[oai(
        path = "/conversations/:conversation/entries/:seq/earlier",
        method = "get",
        tag = "Tag::Entries",
        operation_id = "list_earlier"
    )]
    async fn earlier(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        seq: Path<i64>,
    ) -> Answer<Json<EarlierWords>> {
        let desk = at_desk(&app, &limits, &caller)?;
        let earlier = desk.earlier(&conversation.0.to_string(), seq.0).await?;
        Ok(Json(EarlierWords { earlier: earlier.into_iter().map(Into::into).collect() }))
    }

    /// Says that the caller has read up to an entry.
    #[oai(
        path = "/conversations/:conversation/read",
        method = "post",
        tag = "Tag::Entries",
        operation_id = "mark_read"
    )]
    async fn read(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
        reading: Json<Reading>,
    ) -> Answer<Done> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        desk.read(&conversation, reading.seq).await?;
        Ok(Done::Done)
    }

    /// Says that the caller is typing: every 3 s at most, forgotten after 6 s.
    #[oai(
        path = "/conversations/:conversation/typing",
        method = "post",
        tag = "Tag::Entries",
        operation_id = "typing"
    )]
    async fn typing(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
    ) -> Answer<Done> {
        Desk { app: &app, limits: &limits, caller: &caller }.typing(&conversation).await?;
        Ok(Done::Done)
    }
}
