//! The stored people behind visitors.
use super::{Limit, Tag};
use crate::{
    api::{
        acts::{Desk, Known},
        caller::{Caller, Token},
        problem::Answer,
        text::Text,
    },
    app::App,
    contact, conversation,
    ids::ContactId,
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json};

#[derive(Object)]
struct Contact {
    id: i64,
    /// Empty while nobody knows it; so are the phone and the e-mail.
    name: String,
    /// Masked, as in `138****8871`, for a role that may only read.
    phone: String,
    email: String,
    /// The language of the first message: `zh-CN` or `en`.
    language: String,
    /// Under the keys of `/desk/settings/attributes`; what is not known is left out.
    attributes: Vec<AttributeValue>,
    tags: Vec<String>,
    /// Whether what the contact sends is refused.
    blocked: bool,
}

#[derive(Object)]
struct AttributeValue {
    key: Text,
    value: Text,
}

/// What is left out stays as it is; an empty text takes away what was known.
#[derive(Object)]
struct ContactChange {
    /// At most 60 characters.
    name: Option<Text>,
    /// Digits, spaces, `-` and a `+` in front: at most 32 characters.
    phone: Option<Text>,
    /// At most 254 characters.
    email: Option<Text>,
    /// Those given are changed: at most 500 characters each.
    attributes: Option<Vec<AttributeValue>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// The stored person behind a visitor.
    #[oai(
        path = "/contacts/:contact",
        method = "get",
        tag = "Tag::People",
        operation_id = "get_contact"
    )]
    async fn contact(
        &self,
        app: Data<&App>,
        Token(caller): Token,
        /// One that was merged is found as whom it became.
        contact: Path<i64>,
    ) -> Answer<Json<Contact>> {
        Ok(Json(contact_shape(&app, &caller, contact.0).await?))
    }

    /// Changes what is known of a contact.
    #[oai(
        path = "/contacts/:contact",
        method = "post",
        tag = "Tag::People",
        operation_id = "change_contact"
    )]
    async fn change_contact(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        contact: Path<i64>,
        change: Json<ContactChange>,
    ) -> Answer<Json<Contact>> {
        let ContactChange { name, phone, email, attributes } = change.0;
        let attributes = attributes.unwrap_or_default().into_iter();
        let known = Known {
            name: name.map(String::from),
            phone: phone.map(String::from),
            email: email.map(String::from),
            attributes: attributes.map(|one| (one.key.into(), one.value.into())).collect(),
        };
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        desk.change_contact(contact.0, &known).await?;
        Ok(Json(contact_shape(&app, &caller, contact.0).await?))
    }
}

async fn contact_shape(app: &App, caller: &Caller, id: i64) -> Answer<Contact> {
    let agent = caller.agent()?;
    let db = app.db.read();
    let found = conversation::known(db, agent, ContactId(id)).await?;
    let mut values = contact::values(db, found.id).await?;
    let value = |one: contact::Attribute| {
        let value = values.remove(&one.id)?;
        Some(AttributeValue { key: one.key.into(), value: value.into() })
    };
    let attributes = contact::attributes(db).await?.into_iter().filter_map(value).collect();
    let phone = match agent.role.may_act() {
        true => found.phone,
        false => contact::masked(&found.phone),
    };
    Ok(Contact {
        id: found.id.0,
        name: found.name,
        phone,
        email: found.email,
        language: found.lang.code().into(),
        attributes,
        tags: contact::tags(db, found.id).await?,
        blocked: found.block.is_some(),
    })
}
