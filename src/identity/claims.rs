//! What a page says of its visitor, and whether its server signed that. Tokens are JWTs (RFC 7519) of one kind, HS256; what is not
//! exactly that is refused.
use crate::{
    contact::{Attribute, Change, ContactEmail, ContactName, Phone, Subject, Told},
    error::Invalid,
    ids,
    site::Secret,
};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// The longest token, in bytes.
const LONGEST: usize = 4_096;
/// So many seconds clocks may differ.
const LEEWAY: i64 = 60;
/// So many seconds a token may last at most.
const LIFE: i64 = 3_600;

/// What is said of somebody. Whatever is no text where it should be one stays for `odd`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Said {
    pub name: Value,
    pub email: Value,
    pub phone: Value,
    pub attributes: Value,
}

/// By what somebody shows who they are.
#[derive(Clone, Debug)]
pub enum Proof {
    Token(String),
    /// A bare id with its hash, and what is only said.
    Hash {
        id: String,
        hash: String,
        said: Said,
    },
}

/// Whom a site's server signed.
#[derive(Clone, Debug)]
pub struct Person {
    pub subject: Subject,
    /// What was signed with it.
    pub signed: Said,
    /// What is only said.
    pub said: Said,
}

/// Whom a proof is about that one of these secrets signed for the site with this key.
pub fn person(
    proof: &Proof,
    site: &str,
    secrets: &[Secret],
    now: Timestamp,
) -> Result<Person, Invalid> {
    match proof {
        Proof::Token(token) => signed(token, site, secrets, now),
        Proof::Hash { id, hash, said } => {
            let subject = hashed(id, hash, secrets)?;
            Ok(Person { subject, signed: Said::default(), said: said.clone() })
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    /// What must be understood, and is not.
    #[serde(default)]
    crit: Option<Value>,
}

/// A name that comes twice is refused.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    aud: Value,
    sub: Value,
    exp: Value,
    nbf: Value,
    iat: Value,
    name: Value,
    email: Value,
    phone: Value,
    attributes: Value,
}

fn no(reason: &'static str) -> Invalid {
    Invalid { field: "jwt", reason }
}

/// Whom a token is about.
fn signed(token: &str, site: &str, secrets: &[Secret], now: Timestamp) -> Result<Person, Invalid> {
    if token.len() > LONGEST {
        return Err(no("invalid-identity-long"));
    }
    let form = || no("invalid-identity-form");
    let (signed, signature) = token.rsplit_once('.').ok_or_else(form)?;
    let (header, claims) = signed.split_once('.').ok_or_else(form)?;
    let part = |part: &str| ids::decode(part).filter(|part| !part.is_empty()).ok_or_else(form);
    let header: Header = object(&part(header)?).ok_or_else(form)?;
    let jwt = header.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("jwt"));
    if header.alg != "HS256" || !jwt || header.crit.is_some() {
        return Err(no("invalid-identity-alg"));
    }
    let (claims, signature) = (part(claims)?, ids::decode(signature).ok_or_else(form)?);
    // Each is tried, so that nobody learns by the time it takes which one it was.
    let genuine = secrets.iter().map(|secret| secret.signed(signed, &signature));
    if !genuine.fold(false, |any, this| any | this) {
        return Err(no("invalid-identity-signature"));
    }
    let claims: Claims = object(&claims).ok_or_else(form)?;
    let meant = match &claims.aud {
        Value::String(one) => one == site,
        Value::Array(all) => matches!(all.as_slice(), [Value::String(one)] if one == site),
        _ => false,
    };
    if !meant {
        return Err(no("invalid-identity-audience"));
    }
    in_time(&claims, now.as_second())?;
    let subject = claims.sub.as_str().ok_or(no("invalid-identity-subject"))?;
    let Claims { name, email, phone, attributes, .. } = &claims;
    let signed = Said {
        name: name.clone(),
        email: email.clone(),
        phone: phone.clone(),
        attributes: attributes.clone(),
    };
    Ok(Person { subject: Subject::parse(subject)?, signed, said: Said::default() })
}

/// What is a JSON object; a list of its values would be taken for one, too.
fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    let is_one = json.trim_ascii_start().starts_with(b"{");
    serde_json::from_slice(json).ok().filter(|_| is_one)
}

/// In whole seconds since 1970.
fn in_time(claims: &Claims, now: i64) -> Result<(), Invalid> {
    let exp = claims.exp.as_i64().ok_or(no("invalid-identity-exp"))?;
    if exp <= now.saturating_sub(LEEWAY) {
        return Err(no("invalid-identity-expired"));
    }
    if exp > now + LIFE + LEEWAY {
        return Err(no("invalid-identity-life"));
    }
    for moment in [&claims.nbf, &claims.iat] {
        let early = match moment {
            Value::Null => false,
            moment => moment.as_i64().is_none_or(|moment| moment > now + LEEWAY),
        };
        if early {
            return Err(no("invalid-identity-early"));
        }
    }
    Ok(())
}

/// Whom a bare id is about; its hash is the HMAC-SHA256 in hexadecimal digits.
fn hashed(id: &str, hash: &str, secrets: &[Secret]) -> Result<Subject, Invalid> {
    let wrong = Invalid { field: "hash", reason: "invalid-identity-hash" };
    let subject = Subject::parse(id)?;
    let digits = hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    let pairs = (0..64).step_by(2).filter(|_| digits);
    let hash: Vec<u8> =
        pairs.filter_map(|at| u8::from_str_radix(&hash[at..at + 2], 16).ok()).collect();
    let genuine = secrets.iter().map(|secret| secret.signed_id(id, &hash));
    if genuine.fold(false, |any, this| any | this) { Ok(subject) } else { Err(wrong) }
}

impl Said {
    /// What a page only says, as JSON.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = Invalid { field: "said", reason: "invalid-identity-form" };
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        object(text.as_bytes()).ok_or(invalid)
    }

    /// What is said, by field, as far as a contact has room for it; and the fields that do not fit. What is empty is not said.
    pub fn changes(&self, known: &[Attribute]) -> (Vec<(String, String, Change)>, Vec<String>) {
        let (mut changes, mut odd) = (Vec::new(), Vec::new());
        let mut add = |field: String, value: &Value, parse: &dyn Fn(&str) -> Option<Change>| {
            match text(value) {
                None => odd.push(field),
                Some(text) if text.trim().is_empty() => {}
                Some(text) => match parse(&text) {
                    Some(change) => changes.push((field, text, change)),
                    None => odd.push(field),
                },
            }
        };
        add("name".into(), &self.name, &|text| ContactName::parse(text).ok().map(Change::Name));
        add("email".into(), &self.email, &|text| ContactEmail::parse(text).ok().map(Change::Email));
        add("phone".into(), &self.phone, &|text| Phone::parse(text).ok().map(Change::Phone));
        let none = Map::new();
        let attributes = match &self.attributes {
            Value::Object(attributes) => attributes,
            Value::Null => &none,
            _ => {
                add("attributes".into(), &self.attributes, &|_| None);
                &none
            }
        };
        for (key, value) in attributes {
            let known = known.iter().find(|known| known.key == *key);
            // What nobody asked for is not repeated, however long it is.
            let key: String = key.chars().take(40).collect();
            add(format!("attributes.{key}"), value, &|text| {
                let known = known?;
                Some(Change::Attribute(known.id, known.value(text).ok()?))
            });
        }
        odd.truncate(50);
        (changes, odd)
    }
}

/// A value as text; `None` for what is no value.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Of what was said those that were said otherwise, or not at all, the last time; and all of it, for the next time.
pub fn news(said: Vec<(String, String, Change)>, before: &Told) -> (Vec<Change>, Told) {
    let mut told = before.clone();
    let mut news = Vec::new();
    for (field, text, change) in said {
        if before.get(&field) != Some(&text) {
            news.push(change);
        }
        told.insert(field, text);
    }
    (news, told)
}
