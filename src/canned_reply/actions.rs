//! What agents do with canned replies.
use super::{
    model::{CannedReply, Colleague, Names, Rights, Scope, Wording},
    sheet::{self, Column, Flaw, Saved, Sheet},
    store,
};
use crate::{
    agent::Agent,
    app::App,
    audit::{self, Changes, Deed, Doer},
    contact,
    conversation::{self, Seat},
    db,
    error::{Error, Invalid, Result},
    ids::{CannedReplyId, ConversationId},
    team::{self, Team},
    text::Lang,
};
use jiff::Timestamp;
use std::{
    collections::{HashMap, HashSet},
    io::Read,
};
use tempfile::NamedTempFile;

/// The most replies of one agent, of one team, and of all.
const REPLIES: u64 = 500;
/// The most that are offered at once.
const OFFERED: usize = 20;

/// An agent as somebody who works with the replies.
pub async fn colleague(app: &App, agent: &Agent) -> Result<Colleague> {
    let rights = match agent.role {
        role if role.may_manage() => Rights::Manage,
        role if role.may_act() => Rights::Act,
        _ => Rights::Look,
    };
    let teams = team::of_agent(app.db.read(), agent.id).await?;
    Ok(Colleague { id: agent.id, teams: teams.iter().map(|team| team.id).collect(), rights })
}

/// Everything that an agent sees, by short code.
pub async fn visible(app: &App, agent: &Agent) -> Result<Vec<CannedReply>> {
    store::visible(app.db.read(), &colleague(app, agent).await?).await
}

/// What an agent at work is offered for a query: her own before her teams' before those of all, the best first.
pub async fn offered(app: &App, agent: &Agent, query: &str) -> Result<Vec<CannedReply>> {
    // Who manages sees every team's; at work she is offered those of her own.
    let who = Colleague { rights: Rights::Look, ..colleague(app, agent).await? };
    let all = store::visible(app.db.read(), &who).await?;
    let mut found: Vec<_> =
        all.into_iter().filter_map(|reply| Some((reply.rank(query)?, reply))).collect();
    found.sort_by_key(|(rank, reply)| {
        let place = match reply.scope {
            Scope::Own(_) => 0,
            Scope::Team(_) => 1,
            Scope::All => 2,
        };
        (place, *rank)
    });
    Ok(found.into_iter().map(|(_, reply)| reply).take(OFFERED).collect())
}

/// Who and what an agent speaks of in a conversation.
pub async fn names(
    app: &App,
    agent: &Agent,
    lang: Lang,
    conversation: ConversationId,
) -> Result<Names> {
    let seat = Seat::Agent { id: agent.id, conversation };
    let found = conversation::find_for(app.db.read(), &seat).await?;
    let name = contact::name_of(app.db.read(), found.contact).await?;
    let card = conversation::last_card(app.db.read(), found.id, found.last_seq).await?;
    let order = card.map_or_else(String::new, |card| card.id);
    Ok(Names { order, ..Names::new(name, agent.name.clone(), conversation, lang) })
}

/// A reply as its agent says it.
pub async fn filled(app: &App, agent: &Agent, id: CannedReplyId, names: &Names) -> Result<String> {
    let who = colleague(app, agent).await?;
    Ok(store::find_for(app.db.read(), &who, id).await?.filled(names))
}

pub async fn add(
    app: &App,
    by: &Doer,
    who: &Colleague,
    scope: Scope,
    wording: &Wording,
) -> Result<()> {
    who.may_change(scope)?;
    must_be_there(app, scope).await?;
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    must_have_room(&tx, scope).await?;
    if !store::insert(&tx, scope, wording, now).await? {
        return Err(TAKEN.into());
    }
    record(&tx, by, "canned-reply-added", scope, wording, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Says it in other words, or gives it to others.
pub async fn change(
    app: &App,
    by: &Doer,
    who: &Colleague,
    id: CannedReplyId,
    scope: Scope,
    wording: &Wording,
) -> Result<()> {
    must_be_there(app, scope).await?;
    let teams = team::all(&app.db).await?;
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let held = store::lock(&tx, who, id).await?;
    who.may_change(held.scope)?;
    who.may_change(scope)?;
    if held.scope != scope {
        must_have_room(&tx, scope).await?;
    }
    if !store::update(&tx, id, scope, wording, now).await? {
        return Err(TAKEN.into());
    }
    let changes = changes(&held, scope, wording, &teams);
    if !changes.is_empty() {
        let known = if matches!(scope, Scope::Own(_)) { &held.wording } else { wording };
        let detail = format!("{}\n{changes}", known.short_code.as_str());
        let deed = Deed::new("canned-reply-changed", known.title.as_str()).with(detail);
        audit::record(&tx, by, deed, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

pub async fn remove(app: &App, by: &Doer, who: &Colleague, id: CannedReplyId) -> Result<()> {
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let held = store::lock(&tx, who, id).await?;
    who.may_change(held.scope)?;
    store::remove(&tx, id).await?;
    record(&tx, by, "canned-reply-removed", held.scope, &held.wording, now).await?;
    tx.commit().await?;
    Ok(())
}

/// How a sheet was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// So many were added, and so many changed, whose short code was there already.
    Done { added: usize, changed: usize },
    /// Nothing was taken.
    Refused(Vec<Flaw>),
}

/// The most a sheet may have that comes as a file, in bytes: 500 replies as long as they may be, in letters of three bytes.
pub const SHEET: u64 = 8_000_000;

/// What stands in a file that somebody brought.
pub async fn open(file: NamedTempFile) -> Result<Saved> {
    let reading = tokio::task::spawn_blocking(move || {
        let unreadable = |error: std::io::Error| Error::Unavailable(error.into());
        let mut bytes = Vec::new();
        file.reopen()
            .map_err(unreadable)?
            .take(SHEET + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > SHEET {
            return Err(Error::FileTooLarge { megabytes: SHEET / 1_000_000 });
        }
        Ok(Saved::read(&bytes)?)
    });
    reading.await.map_err(Error::internal)?
}

/// Takes all lines of a sheet, or none.
pub async fn import(app: &App, by: &Doer, who: &Colleague, text: &str) -> Result<Import> {
    let Sheet { lines, mut flaws } = sheet::read(text);
    let teams = team::all(&app.db).await?;
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let there = store::visible(&tx, who).await?;
    let mut room = HashMap::<Scope, u64>::new();
    for reply in &there {
        *room.entry(reply.scope).or_default() += 1;
    }
    let there: HashMap<_, _> = there
        .iter()
        .map(|reply| ((reply.scope, reply.wording.short_code.as_str()), reply.id))
        .collect();
    let (mut seen, mut planned) = (HashSet::new(), Vec::new());
    for line in &lines {
        let code = line.wording.short_code.as_str();
        let mut flaw = |key| flaws.push(Flaw::new(line.number, key));
        let Some(scope) = scope(&line.scope, who, &teams) else {
            flaw("canned-flaw-team");
            continue;
        };
        let known = there.get(&(scope, code)).copied();
        let filled = room.entry(scope).or_default();
        *filled += u64::from(known.is_none());
        match who.may_change(scope) {
            Err(Error::Forbidden(why)) => flaw(why),
            Err(_) => flaw("canned-flaw-team"),
            Ok(()) if !seen.insert((scope, code)) => flaw("canned-flaw-twice"),
            Ok(()) if *filled > REPLIES => flaw(FULL.reason),
            Ok(()) => planned.push((known, scope, &line.wording)),
        }
    }
    if !flaws.is_empty() {
        flaws.sort_by_key(|flaw| flaw.line);
        return Ok(Import::Refused(flaws));
    }
    let changed = planned.iter().filter(|(known, ..)| known.is_some()).count();
    for (known, scope, wording) in &planned {
        let taken = match known {
            Some(id) => store::update(&tx, *id, *scope, wording, now).await?,
            None => store::insert(&tx, *scope, wording, now).await?,
        };
        // Somebody else added it a moment ago.
        if !taken {
            return Err(Error::Conflict(TAKEN.reason));
        }
    }
    let shared: Vec<_> =
        planned.iter().filter(|(_, scope, _)| !matches!(scope, Scope::Own(_))).collect();
    if !shared.is_empty() {
        let codes: Vec<_> =
            shared.iter().map(|(_, _, wording)| wording.short_code.as_str()).collect();
        let deed = Deed::new("canned-replies-imported", shared.len().to_string());
        audit::record(&tx, by, deed.with(codes.join(" · ")), now).await?;
    }
    tx.commit().await?;
    Ok(Import::Done { added: planned.len() - changed, changed })
}

/// Everything that somebody sees as a sheet, in the order of the offers.
pub async fn export(app: &App, agent: &Agent, lang: Lang) -> Result<String> {
    let mut replies = visible(app, agent).await?;
    replies.sort_by_key(|reply| reply.scope);
    let teams = team::all(&app.db).await?;
    let named = replies.into_iter().map(|reply| {
        let name = team_name(reply.scope, &teams);
        (reply, name)
    });
    Ok(sheet::write(&named.collect::<Vec<_>>(), lang))
}

/// The name of the team that a reply is for; empty if it is for no team.
pub fn team_name(scope: Scope, teams: &[Team]) -> String {
    let Scope::Team(id) = scope else { return String::new() };
    teams.iter().find(|team| team.id == id).map(|team| team.name.clone()).unwrap_or_default()
}

fn scope(column: &Column, who: &Colleague, teams: &[Team]) -> Option<Scope> {
    match column {
        Column::Own => Some(Scope::Own(who.id)),
        Column::All => Some(Scope::All),
        Column::Team(name) => {
            let team = teams.iter().find(|team| team.name == *name)?;
            who.sees(Scope::Team(team.id)).then_some(Scope::Team(team.id))
        }
    }
}

const TAKEN: Invalid = Invalid { field: "short_code", reason: "conflict-canned-code" };
const FULL: Invalid = Invalid { field: "scope", reason: "invalid-canned-count" };

/// A team that does not exist has no replies.
async fn must_be_there(app: &App, scope: Scope) -> Result<()> {
    let Scope::Team(id) = scope else { return Ok(()) };
    let there = team::all(&app.db).await?.iter().any(|team| team.id == id);
    if there { Ok(()) } else { Err(Error::NotFound) }
}

async fn must_have_room(tx: &db::Tx, scope: Scope) -> Result<()> {
    if store::count(tx, scope).await? >= REPLIES { Err(FULL.into()) } else { Ok(()) }
}

/// What is only somebody's own is nobody's business, and so is what it was before others had it, or became since.
fn changes(before: &CannedReply, scope: Scope, wording: &Wording, teams: &[Team]) -> Changes {
    let is_own = |scope: Scope| matches!(scope, Scope::Own(_));
    let called = |scope: Scope| format!("{} {}", scope.word(), team_name(scope, teams));
    let (then, now) = (called(before.scope), called(scope));
    let changes = Changes::default().value("scope", then.trim_end(), now.trim_end());
    if is_own(before.scope) || is_own(scope) {
        return changes;
    }
    let Wording { title, short_code, body } = &before.wording;
    changes
        .value("title", title.as_str(), wording.title.as_str())
        .value("code", short_code.as_str(), wording.short_code.as_str())
        .unsaid("body", body, &wording.body)
}

/// What is only somebody's own is nobody's business.
async fn record(
    tx: &db::Tx,
    by: &Doer,
    action: &'static str,
    scope: Scope,
    wording: &Wording,
    at: Timestamp,
) -> Result<()> {
    if matches!(scope, Scope::Own(_)) {
        return Ok(());
    }
    let deed = Deed::new(action, wording.title.as_str()).with(wording.short_code.as_str());
    audit::record(tx, by, deed, at).await
}
