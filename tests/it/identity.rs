//! Who a visitor is: signed by the site's server, joined on the device, and nobody else.
use crate::support::{
    Agent, Answer, Installation, Person, Visitor, installation,
    program::{Program, value},
};
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use kefu::ids::{Nonce, encode};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use std::{path::Path, process::Command};

const PAGE: &str = "/desk/settings/sites/demo/identity";

fn mac(key: &str, message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Three parts, of whatever the first two say.
fn raw(secret: &str, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let signature = encode(&mac(secret, &signed));
    format!("{signed}.{signature}")
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

struct Shop {
    site: Installation,
    ana: Agent,
    secret: String,
    /// For bare ids.
    ids: String,
}

async fn act(ana: &Agent, act: &str) -> Answer {
    ana.person.post(PAGE, &[("act", act)]).await
}

async fn shown(ana: &Agent, kind: &str) -> Vec<String> {
    let page = act(ana, "show").await.must(StatusCode::OK);
    let keys = page.all(&format!("value=\"{kind}_"));
    keys.iter().map(|key| format!("{kind}_{}", key.split('"').next().unwrap())).collect()
}

async fn shop() -> Shop {
    let site = installation().await;
    let ana = site.ana().await;
    act(&ana, "make").await.goes_to();
    let (secret, ids) = (shown(&ana, "kfs").await.remove(0), shown(&ana, "kfh").await.remove(0));
    Shop { site, ana, secret, ids }
}

impl Shop {
    fn now(&self) -> i64 {
        self.site.app.clock.now().as_second()
    }

    fn claims(&self, more: &[(&str, Value)]) -> Value {
        let mut claims = json!({ "aud": "demo", "sub": "u-1", "exp": self.now() + 600 });
        for (name, value) in more {
            claims[*name] = value.clone();
        }
        claims
    }

    fn token(&self, more: &[(&str, Value)]) -> String {
        raw(&self.secret, HEADER, &self.claims(more).to_string())
    }

    async fn as_user(&self, person: &Person, user: &str) -> Value {
        let answer = tell(person, &[("jwt", &self.token(&[("sub", json!(user))]))]).await;
        serde_json::from_str(&answer.must(StatusCode::OK).body).unwrap()
    }
}

async fn tell(person: &Person, fields: &[(&str, &str)]) -> Answer {
    person.post("/w/demo/identify", fields).await
}

#[tokio::test]
async fn a_token_that_is_not_exactly_right_is_refused_in_words() {
    let shop = shop().await;
    let person = shop.site.stranger();
    let good = shop.token(&[]);
    tell(&person, &[("jwt", &good)]).await.must(StatusCode::OK);
    let listed = shop.token(&[("aud", json!(["demo"]))]);
    tell(&person, &[("jwt", &listed)]).await.must(StatusCode::OK);

    let claims = shop.claims(&[]).to_string();
    let signed = |header: &str| raw(&shop.secret, header, &claims);
    let with = |name: &str, value: Value| shop.token(&[(name, value)]);
    let now = shop.now();
    let parts: Vec<&str> = good.split('.').collect();
    let without = |name: &str| {
        let mut claims = shop.claims(&[]);
        claims.as_object_mut().unwrap().remove(name);
        raw(&shop.secret, HEADER, &claims.to_string())
    };
    let twice = format!(r#"{{"aud":"demo","sub":"u-1","sub":"u-2","exp":{}}}"#, now + 60);
    let (form, alg, wrong) = ("This is no token", "with HS256", "signature is not right");
    let forged = [
        ("x".to_owned(), form),
        ("..".into(), form),
        (format!("{}.{}", parts[0], parts[1]), form),
        (format!("{good}.{}", parts[2]), form),
        (format!("{good}="), form),
        (format!("{}.{}.", parts[0], parts[1]), wrong),
        (format!("{}.{}.{}", parts[0], parts[1], &parts[2][..20]), wrong),
        (
            format!(
                "{}.{}.{}",
                parts[0],
                encode(claims.replace("u-1", "u-2").as_bytes()),
                parts[2]
            ),
            wrong,
        ),
        (raw("", HEADER, &claims), wrong),
        (raw("kfs_another", HEADER, &claims), wrong),
        (raw(&shop.ids, HEADER, &claims), wrong),
        (signed(r#"{"alg":"none"}"#), alg),
        (format!("{}.{}.", encode(br#"{"alg":"none"}"#), parts[1]), alg),
        (signed(r#"{"alg":"None","typ":"JWT"}"#), alg),
        (signed(r#"{"alg":"hs256"}"#), alg),
        (signed(r#"{"alg":"RS256","typ":"JWT"}"#), alg),
        (signed(r#"{"alg":"HS512"}"#), alg),
        (signed(r#"{"alg":"HS256","typ":"at+jwt"}"#), alg),
        (signed(r#"{"alg":"HS256","crit":["exp"]}"#), alg),
        (signed(r#"{"alg":"HS256","alg":"none"}"#), form),
        (signed(r#"{"typ":"JWT"}"#), form),
        (signed("[]"), form),
        (raw(&shop.secret, HEADER, "null"), form),
        (raw(&shop.secret, HEADER, &twice), form),
        (with("aud", json!("other")), "another site"),
        (with("aud", json!(["demo", "other"])), "another site"),
        (with("aud", json!("Demo")), "another site"),
        (without("aud"), "another site"),
        (without("exp"), "needs exp"),
        (with("exp", json!("soon")), "needs exp"),
        (with("exp", json!(1.5)), "needs exp"),
        (with("exp", json!(now - 61)), "has expired"),
        (with("exp", json!(i64::MIN)), "has expired"),
        (with("exp", json!(now + 3_600 + 120)), "lasts too long"),
        (with("exp", json!(i64::MAX)), "lasts too long"),
        (with("nbf", json!(now + 600)), "not valid yet"),
        (with("nbf", json!("now")), "not valid yet"),
        (with("iat", json!(now + 600)), "not valid yet"),
        (without("sub"), "needs sub"),
        (with("sub", json!(7)), "needs sub"),
        (with("sub", json!("")), "needs sub"),
        (with("sub", json!("u-1 ")), "needs sub"),
        (with("sub", json!("undefined")), "needs sub"),
        (with("sub", json!("a\u{0}b")), "needs sub"),
        (with("sub", json!("x".repeat(129))), "needs sub"),
        (with("name", json!("x".repeat(4_000))), "too long"),
    ];
    for (token, words) in &forged {
        let stranger = shop.site.stranger();
        let refused = tell(&stranger, &[("jwt", token)]).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says(words);
        assert!(stranger.cookies().is_empty(), "{token}");
    }
    // The clocks of two servers may differ.
    let now = shop.now();
    for more in [("exp", now - 30), ("nbf", now + 30), ("iat", now + 30)] {
        let late = shop.token(&[(more.0, json!(more.1))]);
        tell(&person, &[("jwt", &late)]).await.must(StatusCode::OK);
    }
}

#[tokio::test]
async fn a_bare_id_is_believed_with_its_hash_and_its_hash_signs_nothing_else() {
    let shop = shop().await;
    let person = shop.site.stranger();
    let hash = hex(&mac(&shop.ids, "u-1"));
    tell(&person, &[("id", "u-1"), ("hash", &hash)]).await.must(StatusCode::OK);
    let other = hex(&mac(&shop.secret, "u-1"));
    for (id, hash) in [("u-2", hash.as_str()), ("u-1", &hash[..62]), ("u-1", &other), ("u-1", "é")]
    {
        let refused = tell(&shop.site.stranger(), &[("id", id), ("hash", hash)]).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("hash is not right");
    }
    // Somebody who may choose an id chooses the first parts of a token.
    let signed = format!(
        "{}.{}",
        encode(HEADER.as_bytes()),
        encode(shop.claims(&[("sub", json!("boss"))]).to_string().as_bytes())
    );
    let forged = format!("{signed}.{}", encode(&mac(&shop.ids, &signed)));
    let refused = tell(&shop.site.stranger(), &[("jwt", &forged)]).await;
    refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("signature is not right");
}

#[tokio::test]
async fn one_person_is_one_contact_on_every_device_and_nobody_elses() {
    let shop = shop().await;
    let vera = Visitor::arrive(shop.site.stranger(), "Before I signed in").await;
    shop.as_user(&vera.person, "u-1").await;
    vera.page().await.says("Before I signed in");
    vera.say("After").await.must(StatusCode::OK);
    let side = shop.ana.person.get("/desk/c/1/side").await;
    side.says("Verified as").says("u-1");

    // Another device of hers: the same conversation. What was said there by nobody joins.
    let phone = Visitor::arrive(shop.site.stranger(), "From my phone").await;
    phone.person.get(&vera.path("")).await.must(StatusCode::NOT_FOUND);
    let met = shop.as_user(&phone.person, "u-1").await;
    assert_eq!((&met["moved"], &met["token"]), (&json!(false), &Value::Null));
    phone.person.get(&vera.path("")).await.must(StatusCode::OK).says("After");
    vera.person.get(&phone.path("")).await.must(StatusCode::OK).says("From my phone");
    let tablet = shop.site.stranger();
    assert!(shop.as_user(&tablet, "u-1").await["token"].is_string());
    tablet.get(&vera.path("")).await.must(StatusCode::OK);

    // Somebody else, on a device of their own and on hers, who did not sign out.
    let walt = shop.site.stranger();
    shop.as_user(&walt, "u-2").await;
    walt.get(&vera.path("")).await.must(StatusCode::NOT_FOUND);
    let old = vera.person.twin();
    let met = shop.as_user(&vera.person, "u-2").await;
    assert_eq!(met["moved"], json!(true));
    vera.person.get(&vera.path("")).await.must(StatusCode::NOT_FOUND);
    old.get(&vera.path("")).await.must(StatusCode::NOT_FOUND);
    tablet.get(&vera.path("")).await.must(StatusCode::OK);

    // Two whom the site tells apart are not made one by an agent.
    let other = Visitor::arrive(walt, "I am another").await;
    other.page().await.says("I am another");
    let id = shop.ana.newest("all").await;
    let contact = kefu::contact::token_state(&shop.site.app, &shop.site.token_of(&other)).await;
    let kefu::contact::TokenState::Known(contact) = contact.unwrap() else { panic!("not known") };
    let with = contact.to_string();
    let merge = shop.ana.person.post("/desk/c/1/side/merge", &[("with", &with)]).await;
    assert_eq!(merge.status, StatusCode::CONFLICT, "{id}");
}

#[tokio::test]
async fn who_signs_out_is_forgotten_on_the_device_alone() {
    let shop = shop().await;
    let vera = Visitor::arrive(shop.site.stranger(), "Mine").await;
    shop.as_user(&vera.person, "u-1").await;
    let phone = shop.site.stranger();
    shop.as_user(&phone, "u-1").await;
    let kept = vera.person.twin();
    vera.person.post("/w/demo/forget", &[]).await;
    for gone in [&vera.person, &kept] {
        gone.get(&vera.path("")).await.must(StatusCode::NOT_FOUND);
    }
    phone.get(&vera.path("")).await.must(StatusCode::OK);
    shop.as_user(&vera.person, "u-1").await;
    vera.page().await.says("Mine");
}

#[tokio::test]
async fn secrets_are_replaced_without_a_gap_and_leave_no_trace() {
    let shop = shop().await;
    let person = shop.site.stranger();
    let old = shop.token(&[]);
    act(&shop.ana, "drop_older").await.must(StatusCode::CONFLICT).says("no older secret");
    act(&shop.ana, "make").await.goes_to();
    act(&shop.ana, "make").await.must(StatusCode::CONFLICT).says("two secrets already");
    let secrets = shown(&shop.ana, "kfs").await;
    assert_eq!((secrets.len(), &secrets[1]), (2, &shop.secret));
    let new = raw(&secrets[0], HEADER, &shop.claims(&[]).to_string());
    for token in [&old, &new] {
        tell(&person, &[("jwt", token)]).await.must(StatusCode::OK);
    }
    act(&shop.ana, "drop_older").await.goes_to();
    tell(&person, &[("jwt", &old)]).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    tell(&person, &[("jwt", &new)]).await.must(StatusCode::OK);

    for path in [PAGE, "/desk/settings/sites/demo", "/desk/settings/audit"] {
        let page = shop.ana.person.get(path).await.must(StatusCode::OK);
        page.says_not("kfs_").says_not("kfh_");
    }
    let audit = shop.ana.person.get("/desk/settings/audit").await;
    audit.says("made a secret").says("looked at the secret").says("dropped the older secret");
    let ben = shop.site.ben().await;
    act(&ben, "show").await.must(StatusCode::FORBIDDEN).says_not("kfs_");
}

#[tokio::test]
async fn where_only_the_signed_are_heard_nobody_else_is() {
    let site = installation().await;
    let ana = site.ana().await;
    act(&ana, "hear_signed").await.must(StatusCode::CONFLICT).says("no secret yet");
    let nobody = tell(&site.stranger(), &[("jwt", "a.b.c")]).await;
    nobody.must(StatusCode::CONFLICT).says("no secret yet");
    act(&ana, "make").await.goes_to();
    let secret = shown(&ana, "kfs").await.remove(0);
    let ids = shown(&ana, "kfh").await.remove(0);
    let shop = Shop { site, ana, secret, ids };
    let vera = Visitor::arrive(shop.site.stranger(), "Heard").await;
    act(&shop.ana, "hear_signed").await.goes_to();

    let refused = vera.say("Not heard").await.must(StatusCode::FORBIDDEN);
    refused.says("Only signed-in customers");
    vera.page().await.says("Heard").says_not("Not heard");
    let said = tell(&vera.person, &[("said", r#"{"name":"Vera"}"#)]).await;
    said.must(StatusCode::FORBIDDEN);
    let person = shop.site.stranger();
    let page = person.get("/w/demo").await;
    page.says("from where you are signed in");
    let fields =
        |body| [("visitor", page.field("visitor")), ("nonce", page.field("nonce")), ("body", body)];
    let start = async |person: &Person| {
        let fields = fields("Typed & kept".to_owned());
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        person.post("/w/demo/start", &fields).await
    };
    start(&person).await.must(StatusCode::FORBIDDEN).says("Typed &#38; kept");
    let program = shop.site.holder(&page.field("visitor"));
    let new = json!({ "site": "demo", "nonce": "n", "body": "x" });
    let answer = program.ask(Method::POST, "/conversations", Some(&new)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);

    let visitor = page.field("visitor");
    let token = shop.token(&[("sub", json!("u-2"))]);
    let frame = "/w/demo?mode=embed";
    person.get(frame).await.says("from where you are signed in").says_not("data-known");
    tell(&person, &[("jwt", &token), ("visitor", &visitor)]).await.must(StatusCode::OK);
    person.get(frame).await.says("data-known").says_not("from where you are signed in");
    start(&person).await.goes_to();
    shop.as_user(&vera.person, "u-1").await;
    vera.say("Heard again").await.must(StatusCode::OK);
    act(&shop.ana, "hear_all").await.goes_to();
    Visitor::arrive(shop.site.stranger(), "Everybody is heard").await;
}

/// A program that brings a file.
async fn brings(program: &Program, conversation: &str) -> Answer {
    let path = format!("/conversations/{conversation}/files?name=x.txt");
    program.ask(Method::POST, &path, Some(&json!("a file"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_only_the_signed_are_heard_nobody_else_types_brings_files_or_tells_pages() {
    let shop = shop().await;
    let (vera, walt) = (
        Visitor::arrive(shop.site.stranger(), "I am signed").await,
        Visitor::arrive(shop.site.stranger(), "I am not").await,
    );
    shop.as_user(&vera.person, "u-1").await;
    act(&shop.ana, "hear_signed").await.goes_to();
    let server = shop.site.listening().await;
    for (visitor, heard) in [(&vera, true), (&walt, false)] {
        let is = |status: StatusCode| if heard { status } else { StatusCode::FORBIDDEN };
        let refused = |answer: &Answer| {
            let told = answer.body.contains("Only signed-in customers");
            assert_eq!(told, !heard, "{} {}", answer.status, heard);
        };
        // Forms, as scripts and browsers send them.
        let pages = [("pages", r#"[{"ago":1,"url":"https://shop.example/tea"}]"#)];
        for (what, fields) in [("/typing", &[][..]), ("/pages", &pages)] {
            let answer = visitor.person.post(&visitor.path(what), fields).await;
            refused(&answer.must(is(StatusCode::NO_CONTENT)));
        }
        let files: [(&str, &[u8]); 1] = [("x.txt", b"a file")];
        let json = "application/json";
        let answer = visitor.person.bring(&visitor.path("/files"), &files, json).await;
        refused(&answer.must(is(StatusCode::OK)));
        let nonce = Nonce::new();
        for back in ["", "compose"] {
            let said = [("nonce", nonce.as_str()), ("body", "with a file"), ("back", back)];
            let answer = visitor.person.fill(&visitor.path("/messages"), &said, &files).await;
            refused(&answer.must(is(StatusCode::SEE_OTHER)));
        }
        // REST.
        let program = shop.site.holder(&visitor.person.cookies()["kefu-v"]);
        let typing = format!("/conversations/{}/typing", visitor.cid);
        let answer = program.post(&typing, &json!({})).await;
        refused(&answer.must(is(StatusCode::NO_CONTENT)));
        refused(&brings(&program, &visitor.cid).await.must(is(StatusCode::CREATED)));
        // The socket.
        let mut line = program.connect(server).await.unwrap();
        line.until("hello").await;
        let typing = json!({ "type": "typing", "ref": "t", "conversation": visitor.cid });
        line.say(typing).await;
        line.say(json!({ "type": "ping", "ref": "after" })).await;
        let told = line.hear().await.unwrap();
        if heard {
            assert_eq!(told["type"], "pong", "{told}");
        } else {
            assert_eq!((&told["ref"], &told["code"]), (&json!("t"), &json!("forbidden")));
            assert!(told["message"].as_str().unwrap().contains("已登录"), "{told}");
        }
        // What was said before can be read all the same.
        let seen = json!({ "type": "read", "conversation": visitor.cid, "seq": 1 });
        assert_eq!(line.request(seen).await["type"], "ok");
        visitor.page().await.says(if heard { "I am signed" } else { "I am not" });
    }
    shop.ana.person.get("/desk/c/1/side").await.says("shop.example/tea");
    shop.ana.person.get("/desk/c/2/side").await.says_not("shop.example/tea");
    // Of what was refused nothing is kept.
    assert_eq!(shop.site.count("attachment").await, 4);
    act(&shop.ana, "hear_all").await.goes_to();
    walt.person.post(&walt.path("/typing"), &[]).await.must(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_app_says_who_its_visitor_is_when_it_asks_for_a_token() {
    let shop = shop().await;
    act(&shop.ana, "hear_signed").await.goes_to();
    let session = async |identity: Value| {
        let new = json!({ "site": "demo", "identity": identity });
        let answer = shop.site.holder("").post("/visitor/sessions", &new).await;
        value(&answer.must(StatusCode::OK))
    };
    let start = async |session: &Value, body: &str| {
        let program = shop.site.holder(session["token"].as_str().unwrap());
        let new = json!({ "site": "demo", "nonce": "n", "body": body });
        (program.post("/conversations", &new).await, program)
    };
    let signed = json!(shop.token(&[("name", json!("陈女士")), ("email", json!("nobody"))]));
    let phone = session(signed.clone()).await;
    assert_eq!(phone["left_out"], json!(["email"]));
    let (started, phone) = start(&phone, "From my phone").await;
    let cid = value(&started.must(StatusCode::CREATED))["conversation"].clone();
    let side = shop.ana.person.get("/desk/c/1/side").await;
    side.says("陈女士").says("Verified as").says("u-1");
    let program = shop.site.agent_program("ana", kefu::agent::Scope::Read).await;
    let known = value(&program.get("/contacts/1").await);
    assert_eq!(known["identities"], json!([{ "site": 1, "subject": "u-1" }]));

    // The same person on another device, by the other kind of proof, and with what is only said.
    let hash = hex(&mac(&shop.ids, "u-1"));
    let hashed = json!({ "id": "u-1", "hash": hash, "name": "Otherwise", "phone": "138",
        "attributes": { "nothing": 1 } });
    let tablet = session(hashed).await;
    assert_eq!(tablet["left_out"], json!(["attributes.nothing"]));
    let tablet = shop.site.holder(tablet["token"].as_str().unwrap());
    let path = format!("/conversations/{}/entries", cid.as_str().unwrap());
    tablet.get(&path).await.must(StatusCode::OK).says("From my phone");
    let entry = json!({ "nonce": "t", "body": "From my tablet" });
    tablet.post(&path, &entry).await.must(StatusCode::CREATED);
    phone.get(&path).await.says("From my tablet");
    let side = shop.ana.person.get("/desk/c/1/side").await;
    side.says("陈女士").says("138").says_not("Otherwise");

    // Somebody else is somebody else, and nobody is nobody, who is not heard here.
    let other = session(json!(shop.token(&[("sub", json!("u-2"))]))).await;
    let (_, other) = start(&other, "I am another").await;
    other.get(&path).await.must(StatusCode::NOT_FOUND);
    let nobody =
        value(&shop.site.holder("").post("/visitor/sessions", &json!({ "site": "demo" })).await);
    assert_eq!(nobody["left_out"], Value::Null);
    let (refused, nobody) = start(&nobody, "I am nobody").await;
    refused.must(StatusCode::FORBIDDEN).says("Only signed-in customers");
    nobody.get(&path).await.must(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_identity_that_is_not_right_gets_no_token_and_leaves_no_trace() {
    let shop = shop().await;
    let hash = hex(&mac(&shop.ids, "u-1"));
    let ask = async |identity: &Value| {
        let new = json!({ "site": "demo", "identity": identity });
        shop.site.holder("").post("/visitor/sessions", &new).await
    };
    ask(&json!(shop.token(&[]))).await.must(StatusCode::OK);
    ask(&json!({ "id": "u-1", "hash": hash })).await.must(StatusCode::OK);
    let before = (shop.site.count("contact").await, shop.site.count("visitor_token").await);

    let now = shop.now();
    let with = |name: &str, value: Value| json!(shop.token(&[(name, value)]));
    let claims = shop.claims(&[]).to_string();
    for (identity, words) in [
        (json!(""), "This is no token"),
        (json!("a.b.c"), "This is no token"),
        (json!("x".repeat(4_097)), "at most 4,096 bytes"),
        (json!(raw("kfs_another", HEADER, &claims)), "signature is not right"),
        (json!(raw(&shop.ids, HEADER, &claims)), "signature is not right"),
        (json!(raw(&shop.secret, r#"{"alg":"none"}"#, &claims)), "with HS256"),
        (with("aud", json!("another")), "for another site"),
        (with("sub", json!("")), "needs sub"),
        (with("sub", json!("undefined")), "needs sub"),
        (with("exp", json!(now - 61)), "has expired"),
        (with("exp", json!(now + 7_200)), "lasts too long"),
        (with("nbf", json!(now + 600)), "not valid yet"),
        (json!({ "id": "u-2", "hash": hash }), "hash is not right"),
        (json!({ "id": "u-1", "hash": "" }), "hash is not right"),
        (json!({ "id": "u-1", "hash": hash.to_uppercase() + "0" }), "hash is not right"),
        (json!({ "id": "null", "hash": hex(&mac(&shop.ids, "null")) }), "needs sub"),
        (json!({ "id": "u-1' OR 1=1", "hash": hash }), "hash is not right"),
    ] {
        let refused = value(&ask(&identity).await.must(StatusCode::UNPROCESSABLE_ENTITY));
        let error = &refused["error"];
        assert_eq!(error["field"], "identity", "{identity}: {error}");
        assert!(error["message"].as_str().unwrap().contains(words), "{identity}: {error}");
    }
    for identity in [
        json!(1),
        json!(true),
        json!([]),
        json!({}),
        json!({ "id": "u-1" }),
        json!({ "hash": hash }),
        json!({ "id": 1, "hash": hash }),
        json!({ "id": "u-1", "hash": hash, "name": ["x"] }),
        json!({ "id": "u-1", "hash": hash, "attributes": "x" }),
        json!({ "jwt": shop.token(&[]) }),
    ] {
        let refused = ask(&identity).await.must(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(value(&refused)["error"]["code"], "invalid", "{identity}");
    }
    let after = (shop.site.count("contact").await, shop.site.count("visitor_token").await);
    assert_eq!(after, before);

    let site = installation().await;
    let new = json!({ "site": "demo", "identity": "a.b.c" });
    let refused = site.holder("").post("/visitor/sessions", &new).await;
    refused.must(StatusCode::CONFLICT).says("no secret yet");
    let new = json!({ "site": "nowhere", "identity": shop.token(&[]) });
    let refused = shop.site.holder("").post("/visitor/sessions", &new).await;
    refused.must(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_signed_stands_what_is_only_said_fills_and_what_is_odd_is_left_out() {
    let shop = shop().await;
    let attribute = [("label_zh", "x"), ("label_en", "Rank"), ("key", "rank"), ("kind", "number")];
    shop.ana.person.post("/desk/settings/attributes", &attribute).await.goes_to();
    let vera = Visitor::arrive(shop.site.stranger(), "Hello").await;
    let said = async |said: Value| tell(&vera.person, &[("said", &said.to_string())]).await;
    let side = async || shop.ana.person.get("/desk/c/1/side").await.must(StatusCode::OK);
    said(json!({ "name": "Said", "email": "x" })).await.must(StatusCode::OK).says("email");
    said(json!({ "name": "Otherwise", "phone": "138" })).await.must(StatusCode::OK);
    side().await.says("Said").says("138").says_not("Otherwise").says_not("Verified as");
    said(json!([])).await.must(StatusCode::UNPROCESSABLE_ENTITY);

    let signed = async |more: &[(&str, Value)]| {
        let answer = tell(&vera.person, &[("jwt", &shop.token(more))]).await;
        serde_json::from_str::<Value>(&answer.must(StatusCode::OK).body).unwrap()
    };
    let hostile = [
        ("name", json!("<img src=x onerror=alert(1)>")),
        ("email", json!({ "a": 1 })),
        ("phone", json!("139'; DROP TABLE contact")),
        ("attributes", json!({ "rank": "high", "nothing": 1, "__proto__": [] })),
        ("role", json!("owner")),
    ];
    let met = signed(&hostile).await;
    let odd = ["email", "phone", "attributes.__proto__", "attributes.nothing", "attributes.rank"];
    assert_eq!(met["left_out"], json!(odd));
    side().await.says("&#60;img src=x").says("138").says_not("<img src=x").says_not("DROP");
    signed(&[("name", json!("陈女士")), ("attributes", json!({ "rank": 7 }))]).await;
    side().await.says("陈女士").says(">7<");
    // An agent knows better, until the site says something new.
    let fields = [("field", "name"), ("value", "陈太太")];
    shop.ana.person.post("/desk/c/1/side/fields", &fields).await.goes_to();
    signed(&[("name", json!("陈女士"))]).await;
    side().await.says("陈太太");
    signed(&[("name", json!("Ms Chen"))]).await;
    side().await.says("Ms Chen");
    said(json!({ "email": "v@a.example" })).await.must(StatusCode::FORBIDDEN);
    side().await.says_not("v@a.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_that_say_it_at_once_lose_and_double_nothing() {
    let shop = shop().await;
    let vera = Visitor::arrive(shop.site.stranger(), "First").await;
    let known = shop.site.stranger();
    shop.as_user(&known, "u-1").await;
    let tabs: Vec<_> = (0..6).map(|_| vera.person.twin()).collect();
    let strangers: Vec<_> = (0..6).map(|_| shop.site.stranger()).collect();
    let words: Vec<_> = (0..6).map(|n| format!("word {n}")).collect();
    let meets = join_all(tabs.iter().map(|tab| shop.as_user(tab, "u-1")));
    let new = join_all(strangers.iter().map(|one| shop.as_user(one, "u-new")));
    let says = join_all(words.iter().map(|word| vera.say(word)));
    let (_, _, said) = futures_util::join!(meets, new, says);
    for answer in said {
        answer.must(StatusCode::OK);
    }
    let page = known.get(&vera.path("")).await.must(StatusCode::OK);
    for word in &words {
        assert_eq!(page.body.matches(&format!(">{word}<")).count(), 1, "{word}");
    }
    // One new person, whichever of them was first.
    let first = Visitor::arrive(strangers[0].clone(), "Hello").await;
    for one in &strangers {
        one.get(&first.path("")).await.must(StatusCode::OK);
    }
}

#[tokio::test]
async fn whom_a_site_signed_and_who_never_spoke_is_forgotten_in_the_end() {
    let shop = shop().await;
    let vera = Visitor::arrive(shop.site.stranger(), "I spoke").await;
    shop.as_user(&vera.person, "u-1").await;
    shop.as_user(&shop.site.stranger(), "u-2").await;
    let later = shop.site.app.clock.now() + jiff::SignedDuration::from_secs(60);
    let forgotten = kefu::conversation::forget_silent_since(&shop.site.app, later).await.unwrap();
    assert_eq!(forgotten, 1);
    vera.page().await.says("I spoke");
}

/// The file, what runs it, and what it takes to print a token of what is said on the command line.
const SIGNERS: [(&str, &str, &str); 5] = [
    ("sign.php", "php", "echo kefu_token($argv[1], $argv[2]);"),
    ("sign.mjs", "node", "console.log(kefuToken(process.argv[2], process.argv[3]));"),
    ("sign.py", "python3", "import sys; print(kefu_token(sys.argv[1], sys.argv[2]))"),
    (
        "KefuToken.java",
        "java",
        "final class Main { public static void main(String[] said) throws Exception { new java.io.PrintStream(System.out, true, UTF_8).println(KefuToken.of(said[0], said[1])); } }",
    ),
    (
        "sign.go",
        "go",
        "func main() { token, err := Token(os.Args[1], os.Args[2]); if err != nil { panic(err) }; os.Stdout.WriteString(token) }",
    ),
];

/// What a program of these lines prints, or what it complains of; `None` where its language is not installed.
fn sign(
    folder: &Path,
    (file, program, call): (&str, &str, &str),
    secret: &str,
    said: [&str; 2],
) -> Option<Result<String, String>> {
    let text = std::fs::read_to_string(format!("examples/identity/{file}")).unwrap();
    let page = include_str!("../../docs/widget.md");
    assert!(page.contains(&text), "{file} is not what docs/widget.md says");
    // Whoever starts a program in Java from its source means the first class.
    let (before, after) = if program == "java" {
        let imports = text.find("public final class").unwrap();
        (format!("{}{call}\n", &text[..imports]), text[imports..].replace("public final", "final"))
    } else {
        (text.replace("package kefu", "package main"), format!("\n{call}\n"))
    };
    let path = folder.join(file);
    std::fs::write(&path, (before + &after).replace("KEY", "demo")).unwrap();
    let mut command = Command::new(program);
    if program == "go" {
        command.arg("run");
    }
    // Java takes what stands on its command line for what the locale says.
    command.arg(&path).args(said).envs([("KEFU_SECRET", secret), ("LC_ALL", "C.UTF-8")]);
    let output = command.output().ok()?;
    let [said, complained] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    Some(if output.status.success() { Ok(said.trim().to_owned()) } else { Err(said + &complained) })
}

#[tokio::test]
async fn what_the_documentation_says_signs() {
    let shop = shop().await;
    let folder = tempfile::tempdir().unwrap();
    let page = shop.ana.person.get(PAGE).await.must(StatusCode::OK);
    for signer in SIGNERS {
        page.says(&format!("id=\"sign-{}\"", signer.1.trim_end_matches('3')));
        let said = [r#"u "1" \ é"#, "陈女士 <b> \"&\" '\\"];
        let Some(token) = sign(folder.path(), signer, &shop.secret, said) else {
            // What tests/run installs is here.
            let wanted = std::env::var("KEFU_SIGNERS").unwrap_or_default();
            assert!(!wanted.split(' ').any(|one| one == signer.1), "{} is missing", signer.1);
            println!("{} is not here", signer.1);
            continue;
        };
        let token = token.unwrap_or_else(|complaint| panic!("{}: {complaint}", signer.0));
        // Whoever forgot the secret hears of it, and signs nothing.
        let complaint = sign(folder.path(), signer, "", said).unwrap().expect_err(signer.0);
        assert!(complaint.contains("KEFU_SECRET is not set"), "{}: {complaint}", signer.0);
        let vera = Visitor::arrive(shop.site.stranger(), signer.0).await;
        tell(&vera.person, &[("jwt", &token)]).await.must(StatusCode::OK);
        let contact = kefu::contact::token_state(&shop.site.app, &shop.site.token_of(&vera)).await;
        let kefu::contact::TokenState::Known(contact) = contact.unwrap() else {
            panic!("not known")
        };
        let contact = kefu::contact::find(shop.site.app.db.read(), contact).await.unwrap();
        assert_eq!(contact.name, said[1], "{}", signer.0);
    }
}
