//! A visitor's way in, and who a token speaks for.
use super::{Limit, Tag};
use crate::{
    api::{
        caller::{Caller, Token},
        problem::Answer,
        shape::{SideName, moment},
        text::Text,
    },
    app::App,
    contact::VisitorToken,
    error::{Error, Invalid, Result},
    identity::{self, Introduction, Proof, Said},
    site::{self, Site},
    text::Lang,
    web::page::Viewer,
};
use jiff::SignedDuration;
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    payload::Json,
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// A visitor's token lives so long after its last use.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(180 * 24);

#[derive(Object)]
struct NewSession {
    /// The key of the site.
    site: Text,
    /// Who the visitor is, as `kefu('identify')` takes it: a token that your server signed (JWT, HS256), or `{id, hash, name?, email?,
    /// phone?, attributes?}`. Left out, nobody is known.
    identity: Option<Identity>,
}

/// Who a visitor is.
enum Identity {
    Token(Text),
    Hashed(HashedId),
}

/// A bare id, signed by its hash. The rest is only said: it fills what nobody knew.
#[derive(Object)]
struct HashedId {
    /// Your lasting id of the person: 1–128 characters.
    id: Text,
    /// HMAC-SHA256 of the id under the site's secret for bare ids, in 64 hexadecimal digits.
    hash: Text,
    /// At most 60 characters.
    name: Option<Text>,
    /// At most 254 characters.
    email: Option<Text>,
    /// Digits, spaces, `-` and a `+` in front: at most 32 characters.
    phone: Option<Text>,
    /// By their keys, as `/attributes` lists them.
    attributes: Option<BTreeMap<String, Value>>,
}

/// By hand, since it is one of two things.
impl Type for Identity {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string or object".into()
    }
    fn schema_ref() -> MetaSchemaRef {
        let one_of = vec![String::schema_ref(), HashedId::schema_ref()];
        MetaSchemaRef::Inline(Box::new(MetaSchema { one_of, ..MetaSchema::ANY }))
    }
    fn register(registry: &mut Registry) {
        HashedId::register(registry);
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for Identity {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value.unwrap_or_default() {
            Value::String(token) => Ok(Self::Token(token.into())),
            object @ Value::Object(_) => {
                let hashed = HashedId::parse_from_json(Some(object));
                hashed.map(Self::Hashed).map_err(ParseError::propagate)
            }
            other => Err(ParseError::expected_type(other)),
        }
    }
}

impl ToJSON for Identity {
    fn to_json(&self) -> Option<Value> {
        match self {
            Self::Token(token) => token.to_json(),
            Self::Hashed(hashed) => hashed.to_json(),
        }
    }
}

impl From<Identity> for Proof {
    fn from(identity: Identity) -> Self {
        match identity {
            Identity::Token(token) => Self::Token(token.into()),
            Identity::Hashed(HashedId { id, hash, name, email, phone, attributes }) => {
                let value = |text: Option<Text>| text.map(String::from).into();
                let said = Said {
                    name: value(name),
                    email: value(email),
                    phone: value(phone),
                    attributes: attributes
                        .map(|all| all.into_iter().collect::<serde_json::Map<_, _>>())
                        .into(),
                };
                Self::Hash { id: id.into(), hash: hash.into(), said }
            }
        }
    }
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Session {
    /// Show it as `Authorization: Bearer …`. Keep it: it is the only way back into the visitor's conversations.
    token: String,
    /// A name for this visitor.
    visitor: String,
    expires_at: String,
    /// What the identity says and does not fit, by field; only with one.
    left_out: Option<Vec<String>>,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Me {
    side: SideName,
    /// An agent's number.
    id: Option<i64>,
    name: Option<String>,
    role: Option<String>,
    /// What the token may: `read`, or `write` as well.
    scope: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// Makes a visitor's token.
    ///
    /// Nothing is stored until the visitor speaks, unless it says who that is: then the token is that person's, with whatever they
    /// said on another device.
    #[oai(
        path = "/visitor/sessions",
        method = "post",
        tag = "Tag::Session",
        operation_id = "make_session"
    )]
    async fn make_session(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        new: Json<NewSession>,
    ) -> Answer<Json<Session>> {
        limits.act(&format!("address {}", viewer.address))?;
        let NewSession { site, identity } = new.0;
        let site = site::addressed(app.db.read(), &site).await?;
        let token = VisitorToken::issue(&app.key);
        let left_out = match identity {
            Some(identity) => {
                // With those who say so on a page.
                limits.act(&format!("identify {}", viewer.address))?;
                Some(introduce(&app, &site, identity, &token, viewer.lang).await?)
            }
            None => None,
        };
        Ok(Json(Session {
            visitor: token.hash().name(),
            token: token.as_str().to_owned(),
            expires_at: moment(app.clock.now() + TOKEN_LIFE),
            left_out,
        }))
    }

    /// Who the token speaks for.
    #[oai(path = "/me", method = "get", tag = "Tag::Session", operation_id = "me")]
    async fn me(&self, Token(caller): Token) -> Answer<Json<Me>> {
        let side = caller.side().into();
        Ok(Json(match caller {
            Caller::Visitor { .. } => Me { side, id: None, name: None, role: None, scope: None },
            Caller::Agent { agent, scope, .. } => Me {
                side,
                id: Some(agent.id.0),
                role: Some(agent.role.word().into()),
                name: Some(agent.name),
                scope: Some(scope.word().into()),
            },
        }))
    }
}

/// A token that is nobody's becomes that of somebody known to a site; what was said of them and does not fit.
async fn introduce(
    app: &App,
    site: &Site,
    identity: Identity,
    token: &VisitorToken,
    lang: Lang,
) -> Result<Vec<String>> {
    let person = match identity::proven(app, site, &identity.into()).await {
        Err(Error::Invalid(invalid)) => {
            return Err(Invalid { field: "identity", ..invalid }.into());
        }
        person => person?,
    };
    let spare = VisitorToken::issue(&app.key).hash();
    let one = Introduction { site: site.id, person, token: token.hash(), spare, lang };
    Ok(identity::introduce(app, one).await?.left_out)
}
