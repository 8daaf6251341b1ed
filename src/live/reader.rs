//! A visitor who reads her conversation, by whatever way it comes.
use super::follow::{Holder, Watch};
use crate::{
    app::App,
    contact::CurrentVisitor,
    conversation::{self, Canvas, Seat},
    error::{Error, Result},
    event::Side,
    ids::PublicId,
    site, text,
    web::{
        limits::{Limits, StreamPlace},
        page::Viewer,
    },
};
use poem::{
    FromRequest, Request, RequestBody,
    web::{Data, Path},
};
use std::{sync::Arc, time::Duration};

#[derive(Debug)]
pub struct Reader<'a> {
    pub app: &'a App,
    limits: &'a Limits,
    pub request: &'a Request,
    pub viewer: Viewer,
    visitor: CurrentVisitor,
    /// By which the address names the conversation.
    pub cid: String,
}

impl<'a> FromRequest<'a> for Reader<'a> {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let Data(app) = <Data<&App>>::from_request(request, body).await?;
        let Data(limits) = <Data<&Arc<Limits>>>::from_request(request, body).await?;
        let viewer = Viewer::of(request);
        let visitor = CurrentVisitor::from_request(request, body).await?;
        let Path(cid) = Path::from_request(request, body).await?;
        Ok(Self { app, limits, request, viewer, visitor, cid })
    }
}

impl Reader<'_> {
    /// Her seat in her own conversation, and how that is drawn for her.
    pub async fn seat(&self) -> Result<(Seat, Canvas)> {
        let Self { app, viewer, visitor, cid, .. } = self;
        let public_id = PublicId::parse(cid).ok_or(Error::NotFound)?;
        let seat = Seat::Visitor { contact: visitor.contact, conversation: public_id };
        let found = conversation::find_for(app.db.read(), &seat).await?;
        let site = site::find(app.db.read(), found.site).await?;
        let canvas = Canvas {
            audience: Side::Visitor,
            lang: viewer.lang,
            zone: text::zone(&site.zone),
            conversation: found.id,
            files: format!("/c/{cid}/files/"),
            visitor: String::new(),
            acts: false,
            standing: site.look.standing(viewer.lang),
        };
        Ok((seat, canvas))
    }

    /// For one stream more, if she has not too many.
    pub fn place(&self) -> Result<StreamPlace> {
        self.limits.stream(self.visitor.token.name())
    }

    /// What ends it beside what it says.
    pub fn watch(&self, beat: Duration) -> Watch {
        Watch::new(self.app, Holder::Visitor { token: self.visitor.token.name() }, beat)
    }
}
