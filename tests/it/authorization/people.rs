//! Who asks, and what they act on: made when it is first asked for, so that whoever is refused is refused what could be done.
use crate::{
    attachment::png,
    support::{Agent, Installation, Person, Visitor, installation, program::Program},
};
use jiff::{SignedDuration, Timestamp};
use kefu::{
    agent::{self, Role, Scope},
    audit::Doer,
    contact::VisitorToken,
    ids::{AgentId, Nonce},
    web::assets,
};
use poem::http::{HeaderMap, Method, StatusCode};
use std::{collections::BTreeMap, net::SocketAddr};
use tokio::sync::{Mutex, OnceCell};

/// Forms with a file.
pub const PICTURE: &str = "a picture";
pub const SHEET: &str = "a sheet";

pub struct People {
    pub site: Installation,
    walt: Visitor,
    pub vera: Visitor,
    rob: Agent,
    mei: Agent,
    pub ana: Agent,
    pub id: i64,
    pub contact: i64,
    /// By whose each is, and what it is called.
    things: Mutex<BTreeMap<(String, String), String>>,
    programs: Mutex<BTreeMap<String, Program>>,
    server: OnceCell<SocketAddr>,
}

pub async fn people() -> People {
    people_of(installation().await).await
}

pub async fn people_of(site: Installation) -> People {
    let (ana, rob) = (site.ana().await, site.agent("rob", Role::ReadOnly).await);
    let mei = site.agent("mei", Role::Agent).await;
    let walt = site.walt().await;
    let vera = site.vera().await;
    let id = ana.newest("queue").await;
    // The first team.
    ana.person.post("/desk/settings/teams", &[("name", "Returns")]).await.goes_to();
    // The first tag.
    ana.person.post("/desk/settings/tags", &[("name", "late")]).await.goes_to();
    // The first canned reply.
    let reply = [("title", "Hours"), ("short_code", "hours"), ("body", "9 to 6")];
    ana.person.post("/desk/settings/canned-replies", &reply).await.goes_to();
    let (things, programs, server) = Default::default();
    // The second contact is vera's, as the second conversation is.
    People { site, walt, vera, rob, mei, ana, id, contact: 2, things, programs, server }
}

/// Mei owns the place, and ana is an admin.
pub async fn people_with_another_owner() -> People {
    let people = people().await;
    people.site.change("UPDATE agent SET role = 'owner' WHERE name = 'mei'").await;
    people.site.change("UPDATE agent SET role = 'admin' WHERE name = 'ana'").await;
    people
}

impl People {
    pub fn person(&self, who: &str) -> Person {
        match who {
            "nobody" => self.site.stranger(),
            "walt" => self.walt.person.clone(),
            "vera" => self.vera.person.clone(),
            agent => self.agent(agent).person.clone(),
        }
    }

    fn agent(&self, who: &str) -> &Agent {
        match who {
            "rob" => &self.rob,
            "mei" => &self.mei,
            _ => &self.ana,
        }
    }

    /// Always the same one.
    pub async fn program(&self, who: &str) -> Program {
        let mut programs = self.programs.lock().await;
        if !programs.contains_key(who) {
            let program = match who {
                "walt" => self.site.holder(&self.walt.person.cookies()["kefu-v"]),
                "vera" => self.site.holder(&self.vera.person.cookies()["kefu-v"]),
                "nobody" => self.site.holder("kfa_nobody"),
                "reader" => self.site.agent_program("ana", Scope::Read).await,
                agent => self.site.agent_program(agent, Scope::Write).await,
            };
            programs.insert(who.to_owned(), program);
        }
        programs[who].clone()
    }

    /// For what needs a real connection.
    pub async fn server(&self) -> SocketAddr {
        *self.server.get_or_init(|| self.site.listening()).await
    }

    /// Sends a form, or asks for a page.
    pub async fn send(
        &self,
        person: &Person,
        method: &str,
        path: &str,
        form: &str,
    ) -> (StatusCode, HeaderMap) {
        let sheet = b"Title,Short code,Text\na,b,c";
        let (picture, sheet) = ([("x.png", &png()[..])], [("x.csv", &sheet[..])]);
        let answer = match form {
            PICTURE => person.bring(path, &picture, "text/html").await,
            SHEET => person.bring(path, &sheet, "text/html").await,
            form => {
                let method: Method = method.parse().unwrap();
                let kind = ("content-type", "application/x-www-form-urlencoded");
                let headers = [("sec-fetch-site", "same-origin"), kind];
                let headers = if method == Method::POST { &headers[..] } else { &headers[..1] };
                return person.head_of(method, path, headers, form).await;
            }
        };
        (answer.status, answer.headers)
    }

    /// An address or a form, with what stands in it in braces.
    pub async fn filled(&self, who: &str, text: &str) -> String {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            filled = filled + before + &self.thing(who, name).await;
            rest = after;
        }
        filled + rest
    }

    pub async fn thing(&self, who: &str, name: &str) -> String {
        match name {
            "id" => self.id.to_string(),
            "cid" => self.vera.cid.clone(),
            "contact" => self.contact.to_string(),
            "team" | "tag" | "reply" => "1".to_owned(),
            "asset" => assets::ICONS_SVG.to_owned(),
            "nonce" => Nonce::new().to_string(),
            "visitor" => VisitorToken::issue(&self.site.app.key).as_str().to_owned(),
            "soon" => in_an_hour().as_second().to_string(),
            "colleague" => self.number(if who == "ana" { "mei" } else { "ana" }).await.to_string(),
            // It is good once.
            "invitation" => {
                self.kept(who, "newcomer").await;
                let (ana, neil) = (self.number("ana").await, self.number("neil").await);
                let by = Doer { agent: ana, ..Doer::command_line() };
                agent::renew_link(&self.site.app, &by, neil).await.unwrap().1
            }
            name => self.kept(who, name).await,
        }
    }

    async fn number(&self, name: &str) -> AgentId {
        let accounts = agent::accounts(&self.site.app.db).await.unwrap();
        let email = format!("{name}@shop.example");
        accounts.iter().find(|one| one.agent.email.as_str() == email).unwrap().agent.id
    }

    async fn kept(&self, who: &str, name: &str) -> String {
        let owner = match (who, name) {
            ("mei", "said" | "note") | ("rob" | "mei", "view" | "session" | "token") => who,
            _ => "ana",
        };
        let (key, mut things) = ((owner.to_owned(), name.to_owned()), self.things.lock().await);
        if !things.contains_key(&key) {
            things.insert(key.clone(), self.make(owner, name).await);
        }
        things[&key].clone()
    }

    async fn make(&self, owner: &str, name: &str) -> String {
        let agent = self.agent(owner);
        let done = async |path: &str, form: &str| {
            let (status, _) = self.send(&agent.person, "POST", path, form).await;
            assert!(status.as_u16() < 400, "{owner}: {path} {form} {status}");
        };
        let last = async |path: &str, mark: &str| {
            let page = agent.person.get(&path.replace("{id}", &self.id.to_string())).await;
            let number = |rest: String| rest.split('/').next().and_then(|id| id.parse().ok());
            let numbers = page.all(mark).into_iter().filter_map(number);
            numbers.max().unwrap_or_else(|| panic!("no {mark} in {}", page.body))
        };
        let number: i64 = match name {
            // What vera sent, and the link to it.
            "file" => return self.file().await.0,
            "link" => return self.file().await.1,
            "attribute" => {
                let form = "key=x1&kind=text&label_zh=x&label_en=x";
                done("/desk/settings/attributes", form).await;
                last("/desk/settings/attributes", "/desk/settings/attributes/").await
            }
            // Who was invited, and has not come yet.
            "newcomer" => {
                let form = "name=neil&email=neil%40shop.example&role=agent";
                done("/desk/settings/agents", form).await;
                self.number("neil").await.0
            }
            "said" => self.note(agent).await,
            "amended" => {
                let seq = self.note(agent).await;
                let form = format!("nonce={}&body=other", Nonce::new());
                done(&format!("/desk/c/{}/m/{seq}/edit", self.id), &form).await;
                seq
            }
            "note" => {
                let form = format!("nonce={}&body=noted", Nonce::new());
                done(&format!("/desk/c/{}/side/notes", self.id), &form).await;
                last("/desk/c/{id}/side", "name=\"note\" value=\"").await
            }
            "view" => {
                done("/desk/views", "name=own&asks=tab%3Dqueue").await;
                last("/desk/filter", "/desk/views/").await
            }
            "token" => {
                done("/desk/me/tokens", "name=own&scope=read&lifetime=30").await;
                last("/desk/me", "name=\"token\" value=\"").await
            }
            // Of another browser of hers.
            "session" => {
                Agent::sign_in(self.site.stranger(), owner).await;
                return agent.person.get("/desk/me").await.field("session");
            }
            _ => panic!("there is no {name}"),
        };
        number.to_string()
    }

    async fn note(&self, agent: &Agent) -> i64 {
        let note = agent.write(self.id, "note", "noted").await;
        let seqs = note.all(&format!("m-{}-", self.id));
        seqs.iter().find_map(|seq| seq.parse().ok()).unwrap_or_else(|| panic!("{}", note.body))
    }

    async fn file(&self) -> (String, String) {
        let file = self.vera.has("x.png", &png()).await;
        self.vera.sends(&Nonce::new(), "", &[&file]).await.must(StatusCode::OK);
        let link = self.vera.person.get(&self.vera.path(&format!("/files/{file}"))).await.goes_to();
        (file, link)
    }
}

pub fn in_an_hour() -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(1)
}
