//! Rows of entries: the logs themselves.
use super::words::{key, side, side_word};
use crate::{
    conversation::model::Append,
    db,
    error::{Error, Result},
    event::{Author, Card, Changed, Content, Entry, Happening, Redrawn, Side, With},
    ids::{AgentId, ContactId, ConversationId, Nonce},
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    Condition, IntoActiveModel, QueryOrder, QuerySelect, QueryTrait, Select,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

pub mod entry {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "entry")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub conversation_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub kind: String,
        pub audience: String,
        pub author_kind: String,
        pub author_id: i64,
        pub author_name: String,
        pub nonce: String,
        #[sea_orm(column_type = "Text")]
        pub body: String,
        pub at: i64,
        #[sea_orm(column_type = "Text", nullable)]
        pub extra: Option<String>,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Whether they are written: none is if one is there under its nonce.
pub(super) async fn insert(db: &impl ConnectionTrait, rows: Vec<entry::Model>) -> Result<bool> {
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    match entry::Entity::insert_many(rows).exec_without_returning(db).await {
        Err(error) if db::is_taken(&error) => Ok(false),
        outcome => Ok(outcome.map(|_| true)?),
    }
}

/// What a row keeps in `extra`.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Extra {
    #[serde(flatten)]
    with: With,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<Changed>,
    /// Of an edit or a recall: the entry it changed. Its `body` is what that said before, for the audit.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<i64>,
    /// Of an edit: what the entry says since.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl Extra {
    fn written(&self) -> Result<Option<String>> {
        let nothing = self.with.is_empty() && self.changed.is_none() && self.of.is_none();
        (!nothing).then(|| serde_json::to_string(self)).transpose().map_err(Error::internal)
    }
}

pub(super) fn row(id: ConversationId, entry: &Entry, nonce: &Nonce) -> Result<entry::Model> {
    let mut extra = Extra { changed: entry.changed, ..Extra::default() };
    let (kind, body) = match &entry.content {
        Content::Text { body, with } => {
            extra.with = with.clone();
            ("text", body.clone())
        }
        Content::Note { body, with } => {
            extra.with = with.clone();
            ("note", body.clone())
        }
        Content::Event { what } => ("event", serde_json::to_string(what).map_err(Error::internal)?),
        Content::Edit { of, body, with, .. } => {
            (extra.of, extra.text) = (Some(*of), Some(body.clone()));
            extra.with = with.clone();
            ("edit", String::new())
        }
        Content::Recall { of, .. } => {
            extra.of = Some(*of);
            ("recall", String::new())
        }
    };
    let (author_kind, author_id) = key(&entry.author);
    Ok(entry::Model {
        conversation_id: id.0,
        seq: entry.seq,
        kind: kind.into(),
        audience: if entry.content.is_private() { "agents" } else { "both" }.into(),
        author_kind: author_kind.into(),
        author_id,
        author_name: entry.author.name().to_owned(),
        nonce: nonce.to_string(),
        body,
        at: db::micros(entry.at),
        extra: extra.written()?,
    })
}

/// An entry as it is now.
pub async fn find(db: &impl ConnectionTrait, id: ConversationId, seq: i64) -> Result<Entry> {
    let row = entry::Entity::find_by_id((id.0, seq)).one(db).await?.ok_or(Error::NotFound)?;
    read(row)
}

/// Writes what became of an entry; what it said before is kept with the entry that changed it.
pub async fn amend(
    db: &impl ConnectionTrait,
    id: ConversationId,
    (was, is): (&Entry, &Entry),
    by: &Entry,
) -> Result<()> {
    put(db, id, is).await?;
    let keep = entry::ActiveModel {
        conversation_id: Set(id.0),
        seq: Set(by.seq),
        body: Set(was.words().to_owned()),
        ..Default::default()
    };
    entry::Entity::update(keep).exec(db).await?;
    Ok(())
}

/// What an entry said until somebody changed it or took it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    pub until: Timestamp,
    pub by: Author,
    pub became: Changed,
    pub body: String,
}

/// More changes than two minutes have room for.
const AMENDMENTS: u64 = 500;

/// What an entry said before, the oldest first.
pub async fn earlier(
    db: &impl ConnectionTrait,
    id: ConversationId,
    seq: i64,
) -> Result<Vec<Earlier>> {
    let rows = of(id)
        .filter(entry::Column::Seq.gt(seq))
        .filter(entry::Column::Kind.is_in(["edit", "recall"]))
        .order_by_asc(entry::Column::Seq)
        .limit(AMENDMENTS)
        .all(db)
        .await?;
    let mut earlier = Vec::new();
    for row in rows {
        let body = row.body.clone();
        let by = read(row)?;
        if by.amends() == Some(seq) {
            let edited = matches!(by.content, Content::Edit { .. });
            let became = if edited { Changed::Edited } else { Changed::Recalled };
            earlier.push(Earlier { until: by.at, by: by.author, became, body });
        }
    }
    Ok(earlier)
}

/// Writes an entry's text and what comes with it anew.
pub async fn put(db: &impl ConnectionTrait, id: ConversationId, entry: &Entry) -> Result<()> {
    // The nonce stays as it is.
    let entry::Model { body, extra, .. } = row(id, entry, &Nonce::new())?;
    let new = entry::ActiveModel {
        conversation_id: Set(id.0),
        seq: Set(entry.seq),
        body: Set(body),
        extra: Set(extra),
        ..Default::default()
    };
    entry::Entity::update(new).exec(db).await?;
    Ok(())
}

/// What nonces of authors have already made, by conversation.
pub async fn made_by(
    db: &impl ConnectionTrait,
    appends: impl Iterator<Item = (ConversationId, &Append)>,
) -> Result<HashMap<ConversationId, Entry>> {
    let made = appends.map(|(id, append)| {
        let (author_kind, author_id) = key(&append.author);
        entry::Column::ConversationId
            .eq(id.0)
            .and(entry::Column::AuthorKind.eq(author_kind))
            .and(entry::Column::AuthorId.eq(author_id))
            .and(entry::Column::Nonce.eq(append.nonce.as_str()))
    });
    any_of(db, made).await
}

/// What visitors wrote in these conversations is from now on a contact's.
pub(super) async fn hand_over(
    db: &impl ConnectionTrait,
    conversations: &[i64],
    to: ContactId,
) -> Result<()> {
    entry::Entity::update_many()
        .col_expr(entry::Column::AuthorId, Expr::value(to.0))
        .filter(entry::Column::ConversationId.is_in(conversations.iter().copied()))
        .filter(entry::Column::AuthorKind.eq(side_word(Side::Visitor)))
        .exec(db)
        .await?;
    Ok(())
}

/// One entry of each conversation, by its number.
pub async fn at(
    db: &impl ConnectionTrait,
    places: impl Iterator<Item = (ConversationId, i64)>,
) -> Result<HashMap<ConversationId, Entry>> {
    let places = places
        .map(|(id, seq)| entry::Column::ConversationId.eq(id.0).and(entry::Column::Seq.eq(seq)));
    any_of(db, places).await
}

async fn any_of(
    db: &impl ConnectionTrait,
    each: impl Iterator<Item = SimpleExpr>,
) -> Result<HashMap<ConversationId, Entry>> {
    let any = each.fold(Condition::any(), Condition::add);
    if any.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = entry::Entity::find().filter(any).all(db).await?;
    rows.into_iter().map(|row| Ok((ConversationId(row.conversation_id), read(row)?))).collect()
}

/// A stretch of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The last entries.
    Latest(u64),
    /// The first entries after a number.
    After(i64, u64),
    /// The last entries before a number.
    Before(i64, u64),
    /// Those around a number: as many before it as after it.
    Around(i64, u64),
}

/// A stretch of a log in order, with what its first entries follow, so that it can be drawn as if the whole were there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub entries: Vec<Entry>,
    pub before_visitor: Option<Entry>,
    pub before_desk: Option<Entry>,
    /// What edits and recalls among them changed, as it is now.
    pub redrawn: Vec<Redrawn>,
}

/// What a reader is shown of one entry.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// Itself, with the one before it.
    Entry(&'a Entry, Option<&'a Entry>),
    /// What it changed; the number is its own.
    Redrawn(i64, &'a Redrawn),
}

impl History {
    /// What an audience is shown of these entries, in order.
    pub fn shown_to(&self, audience: Side) -> impl Iterator<Item = Shown<'_>> {
        let mut before = match audience {
            Side::Visitor => self.before_visitor.as_ref(),
            Side::Agent => self.before_desk.as_ref(),
        };
        let visible = self.entries.iter().filter(move |entry| entry.is_for(audience));
        visible.filter_map(move |entry| match entry.amends() {
            None => Some(Shown::Entry(entry, before.replace(entry))),
            Some(target) => self
                .redrawn
                .iter()
                .find(|redrawn| redrawn.entry.seq == target)
                .map(|redrawn| Shown::Redrawn(entry.seq, redrawn)),
        })
    }

    /// The entries that an audience sees in their own places, each with the one before it.
    pub fn seen_by(&self, audience: Side) -> impl Iterator<Item = (&Entry, Option<&Entry>)> {
        self.shown_to(audience).filter_map(|shown| match shown {
            Shown::Entry(entry, before) => Some((entry, before)),
            Shown::Redrawn(..) => None,
        })
    }

    pub fn first_seq(&self) -> i64 {
        self.entries.first().map_or(1, |entry| entry.seq)
    }
}

pub async fn history(
    db: &impl ConnectionTrait,
    id: ConversationId,
    range: Range,
) -> Result<History> {
    let range = match range {
        Range::Around(seq, limit) => {
            let before = i64::try_from(limit / 2).unwrap_or(i64::MAX);
            Range::After(seq.saturating_sub(before).saturating_sub(1), limit)
        }
        other => other,
    };
    let (query, backwards) = match range {
        Range::Latest(limit) => (of(id).order_by_desc(entry::Column::Seq).limit(limit), true),
        Range::After(seq, limit) | Range::Around(seq, limit) => (
            of(id).filter(entry::Column::Seq.gt(seq)).order_by_asc(entry::Column::Seq).limit(limit),
            false,
        ),
        Range::Before(seq, limit) => (
            of(id)
                .filter(entry::Column::Seq.lt(seq))
                .order_by_desc(entry::Column::Seq)
                .limit(limit),
            true,
        ),
    };
    let mut entries: Vec<Entry> =
        query.all(db).await?.into_iter().map(read).collect::<Result<_>>()?;
    if backwards {
        entries.reverse();
    }
    let Some(first) = entries.first().map(|entry| entry.seq) else {
        let (before_visitor, before_desk, redrawn) = Default::default();
        return Ok(History { entries, before_visitor, before_desk, redrawn });
    };
    let before_visitor = before(db, id, first, Side::Visitor).await?;
    let before_desk = before(db, id, first, Side::Agent).await?;
    let targets: BTreeSet<_> = entries.iter().filter_map(Entry::amends).collect();
    let mut redrawn = Vec::with_capacity(targets.len());
    for seq in targets {
        redrawn.push(redraw(db, id, find(db, id, seq).await?).await?);
    }
    Ok(History { entries, before_visitor, before_desk, redrawn })
}

/// An entry with what it is drawn after.
pub async fn redraw(
    db: &impl ConnectionTrait,
    id: ConversationId,
    entry: Entry,
) -> Result<Redrawn> {
    let before_visitor = before(db, id, entry.seq, Side::Visitor).await?;
    let before_desk = before(db, id, entry.seq, Side::Agent).await?;
    Ok(Redrawn { entry, before_visitor, before_desk })
}

/// The entry before a number that an audience sees in its place.
pub async fn before(
    db: &impl ConnectionTrait,
    id: ConversationId,
    seq: i64,
    audience: Side,
) -> Result<Option<Entry>> {
    if seq <= 1 {
        return Ok(None);
    }
    let row = of(id)
        .filter(entry::Column::Seq.lt(seq))
        .apply_if((audience == Side::Visitor).then_some(()), |query, ()| {
            query.filter(entry::Column::Audience.eq("both"))
        })
        .filter(entry::Column::Kind.is_not_in(["edit", "recall"]))
        .order_by_desc(entry::Column::Seq)
        .one(db)
        .await?;
    row.map(read).transpose()
}

/// Whether an entry is the last of what visitor and agents said to each other.
pub async fn is_last_said(
    db: &impl ConnectionTrait,
    id: ConversationId,
    entry: &Entry,
) -> Result<bool> {
    let Content::Text { .. } = entry.content else { return Ok(false) };
    let later =
        of(id).filter(entry::Column::Seq.gt(entry.seq)).filter(entry::Column::Kind.eq("text"));
    Ok(later.one(db).await?.is_none())
}

/// So far back a card is looked for, in entries: what was sent before is hardly what is spoken of now.
const CARDS: i64 = 500;

/// The order or product that the visitor sent last.
pub async fn last_card(
    db: &impl ConnectionTrait,
    id: ConversationId,
    last_seq: i64,
) -> Result<Option<Card>> {
    let last = of(id)
        .filter(entry::Column::Seq.gt(last_seq - CARDS))
        .filter(entry::Column::Kind.eq("text"))
        .filter(entry::Column::Extra.contains("\"card\""))
        .order_by_desc(entry::Column::Seq)
        .one(db)
        .await?;
    Ok(last.map(read).transpose()?.and_then(|entry| entry.content.card().cloned()))
}

pub(super) fn of(id: ConversationId) -> Select<entry::Entity> {
    entry::Entity::find().filter(entry::Column::ConversationId.eq(id.0))
}

pub(super) fn read(row: entry::Model) -> Result<Entry> {
    let extra: Extra = match &row.extra {
        Some(text) => serde_json::from_str(text).map_err(Error::internal)?,
        None => Extra::default(),
    };
    let private = row.audience == "agents";
    let (with, of) = (extra.with, extra.of.unwrap_or_default());
    let content = match row.kind.as_str() {
        "text" => Content::Text { body: row.body, with },
        "note" => Content::Note { body: row.body, with },
        "edit" => Content::Edit { of, body: extra.text.unwrap_or_default(), private, with },
        "recall" => Content::Recall { of, private },
        _ => Content::Event {
            what: serde_json::from_str::<Happening>(&row.body).map_err(Error::internal)?,
        },
    };
    let author = match side(&row.author_kind) {
        Side::Visitor => Author::Visitor { id: ContactId(row.author_id), name: row.author_name },
        Side::Agent => Author::Agent { id: AgentId(row.author_id), name: row.author_name },
    };
    Ok(Entry { seq: row.seq, author, content, at: db::timestamp(row.at), changed: extra.changed })
}
