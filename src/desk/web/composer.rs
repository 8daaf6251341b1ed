//! What stands in the composer before anything is typed: the draft, and a canned reply that was chosen on its page; and what
//! sends it.
use crate::{
    agent::{CurrentAgent, SendKey},
    app::App,
    canned_reply,
    draft::{self, DraftKind},
    error::{Error, Result},
    ids::{CannedReplyId, ConversationId},
};

#[derive(Debug, Default)]
pub struct Composer {
    pub note: bool,
    pub body: String,
    pub send_key: SendKey,
}

impl Composer {
    pub async fn of(app: &App, me: &CurrentAgent, id: ConversationId) -> Result<Self> {
        let send_key = me.agent.preferences.send_key;
        let draft = draft::of(app, me.agent.id, id).await?;
        Ok(match draft {
            Some(draft) => Self {
                note: draft.kind == DraftKind::Note,
                body: draft.body.as_str().into(),
                send_key,
            },
            None => Self { send_key, ..Self::default() },
        })
    }

    /// The key of what the empty box says where a keyboard is.
    pub fn hint(&self) -> &'static str {
        match self.send_key {
            SendKey::Enter => "reply-keys",
            SendKey::CtrlEnter => "reply-keys-ctrl",
        }
    }

    /// What sends, as a key beside the button.
    pub fn chord(&self) -> &'static str {
        match self.send_key {
            SendKey::Enter => "Enter",
            SendKey::CtrlEnter => "Ctrl Enter",
        }
    }

    /// Puts a canned reply after what is there; once, should the page be loaded again.
    pub async fn take_in(
        &mut self,
        app: &App,
        me: &CurrentAgent,
        conversation: ConversationId,
        reply: &str,
    ) -> Result<()> {
        let reply = CannedReplyId(reply.parse().map_err(|_| Error::NotFound)?);
        let names = canned_reply::names(app, &me.agent, me.lang, conversation).await?;
        let text = canned_reply::filled(app, &me.agent, reply, &names).await?;
        if !self.body.contains(&text) {
            let before = std::mem::take(&mut self.body);
            self.body = format!("{}\n{text}", before.trim_end()).trim_start().to_owned();
        }
        Ok(())
    }
}
