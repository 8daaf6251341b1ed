//! Changing and taking back what was said: an entry of its own says that it happened, and the one it changed is written anew
//! in the same transaction, with what quotes it.
use super::{
    actions::{AtWork, strangers},
    colleagues::colleagues,
    model::{self, Append, Body, mentions},
    store::{self, Range},
    writer::{self, Sent},
};
use crate::{
    app::{App, to_the_end},
    attachment,
    db::Tx,
    error::Result,
    event::{Content, Entry, Mention, Redrawn, With},
    ids::{ConversationId, FileId, Nonce},
};

/// What becomes of an own message.
#[derive(Clone, Debug)]
pub enum Change {
    Edit(Body),
    Recall,
}

/// Entries after a message among which those that quote it are looked for: it was written two minutes ago at most.
const QUOTING: u64 = 500;

/// Changes or takes back an own message or note; what it said before is kept.
pub async fn amend(app: &App, by: AtWork, nonce: Nonce, of: i64, change: Change) -> Result<Sent> {
    let app = app.clone();
    to_the_end(async move {
        let sent = try_amend(&app, &by, nonce, of, change).await?;
        writer::tell(&app, &sent);
        Ok(sent)
    })
    .await
}

async fn try_amend(app: &App, by: &AtWork, nonce: Nonce, of: i64, change: Change) -> Result<Sent> {
    let called = match &change {
        Change::Edit(body) => Called::by(app, by, body).await?,
        Change::Recall => Called::default(),
    };
    let at = app.clock.now();
    let tx = app.db.begin().await?;
    let mut held = store::lock(&tx, &by.seat()).await?;
    let id = held.conversation.id;
    let target = store::find_entry(&tx, id, of).await?;
    let private = target.content.is_private();
    let content = match change {
        Change::Edit(body) => {
            let with = called.besides(&target);
            Content::Edit { of, body: body.into(), private, with }
        }
        Change::Recall => Content::Recall { of, private },
    };
    let append = Append { author: by.author(), nonce, content, seen: None };
    let now = model::amended(&target, &append.author, &append.content, at);
    if let Ok(now) = &now
        && store::is_last_said(&tx, id, now).await?
    {
        held.conversation.retell(now);
    }
    let mut sent = writer::write(app, &tx, held, &append, at).await?;
    if sent.duplicate {
        sent.appended.redrawn = vec![store::redraw(&tx, id, target).await?];
        return Ok(sent);
    }
    let now = now?;
    store::amend(&tx, id, (&target, &now), &sent.appended.entry).await?;
    if now.content.attachments().is_empty() {
        let files = target.content.attachments().iter();
        let files: Vec<_> = files.filter_map(|file| FileId::parse(&file.id)).collect();
        attachment::forget(&tx, &files).await?;
    }
    sent.appended.redrawn = quoting(&tx, id, &now).await?;
    sent.appended.redrawn.insert(0, store::redraw(&tx, id, now).await?);
    tx.commit().await?;
    Ok(sent)
}

/// Whom a text calls if it is a note, and who of them does not see the conversation, by name.
#[derive(Default)]
struct Called {
    all: Vec<Mention>,
    strangers: Vec<String>,
}

impl Called {
    async fn by(app: &App, by: &AtWork, body: &Body) -> Result<Self> {
        let all = mentions(body.as_str(), &colleagues(app).await?);
        let strangers = strangers(app, by, &all).await?;
        Ok(Self { all, strangers })
    }

    /// Those whom a note did not call before.
    fn besides(self, note: &Entry) -> With {
        let Content::Note { with, .. } = &note.content else { return With::default() };
        let mentions: Vec<_> =
            self.all.into_iter().filter(|one| !with.mentions.contains(one)).collect();
        let is_new = |name: &String| mentions.iter().any(|one| one.name == *name);
        let let_in = self.strangers.into_iter().filter(is_new).collect();
        With { mentions, let_in, ..With::default() }
    }
}

/// What quotes an entry shows what that says now.
async fn quoting(tx: &Tx, id: ConversationId, of: &Entry) -> Result<Vec<Redrawn>> {
    let mut redrawn = Vec::new();
    for mut entry in store::history(tx, id, Range::After(of.seq, QUOTING)).await?.entries {
        let (Content::Text { with, .. } | Content::Note { with, .. }) = &mut entry.content else {
            continue;
        };
        if let Some(quote) = with.quote.as_mut().filter(|quote| quote.seq == of.seq) {
            let again = model::quoted(of, true);
            quote.excerpt = again.map_or_else(String::new, |quote| quote.excerpt);
            store::put(tx, id, &entry).await?;
            redrawn.push(store::redraw(tx, id, entry).await?);
        }
    }
    Ok(redrawn)
}
