//! What those who manage do with the accounts of others. Whoever acts is read again inside the transaction, and held: of two
//! owners who take each other's role away at once, one comes too late.
use super::{described, insert, link};
use crate::{
    agent::{
        model::{
            Account, AccountState, Agent, AgentName, Availability, Capacity, Email, Preferences,
            Role, Theme, Wish, may_change, may_invite,
        },
        store,
    },
    app::App,
    audit::{self, Deed, Doer},
    db::Tx,
    error::{Error, Invalid, Result},
    event::{Access, Event},
    ids::AgentId,
    web::session_store,
};

/// Somebody who shall work here.
#[derive(Clone, Debug)]
pub struct Colleague {
    pub email: Email,
    pub name: AgentName,
    pub role: Role,
}

/// What an account shall be like.
#[derive(Clone, Debug)]
pub struct Change {
    pub name: AgentName,
    pub role: Role,
    pub capacity: Capacity,
}

/// Makes an account without a password, and the token of the one-time link by which its agent chooses one.
pub async fn hire(app: &App, by: &Doer, new: Colleague) -> Result<(Agent, String)> {
    let agent = Agent {
        id: AgentId(0),
        email: new.email,
        name: new.name.as_str().to_owned(),
        role: new.role,
        lang: None,
        theme: Theme::Auto,
        capacity: Capacity::default(),
        availability: Availability::Online,
        preferences: Preferences::default(),
    };
    let tx = app.db.begin().await?;
    let held = store::hold(&tx, [by.agent, by.agent]).await?;
    may_invite(acting(&held, by)?.role, new.role)?;
    let agent = match insert(app, &tx, agent, None).await {
        Err(Error::Conflict(reason)) => return Err(Invalid { field: "email", reason }.into()),
        outcome => outcome?,
    };
    let token = link(app, &tx, agent.id).await?;
    let deed = Deed::new("agent-invited", &agent.name).with(described(&agent));
    audit::record(&tx, by, deed, app.clock.now()).await?;
    tx.commit().await?;
    Ok((agent, token))
}

/// A new link for somebody who never used the old one or forgot the password; older links end.
pub async fn renew_link(app: &App, by: &Doer, of: AgentId) -> Result<(Agent, String)> {
    let tx = app.db.begin().await?;
    let account = may(&tx, by, of, &[Wish::Link]).await?;
    store::remove_invitations(&tx, of).await?;
    let token = link(app, &tx, of).await?;
    let deed = Deed::new("agent-link-made", &account.agent.name).with(described(&account.agent));
    audit::record(&tx, by, deed, app.clock.now()).await?;
    tx.commit().await?;
    Ok((account.agent, token))
}

/// Changes name, role and capacity.
pub async fn change(app: &App, by: &Doer, of: AgentId, to: &Change) -> Result<()> {
    let at = app.db.now().await?;
    let tx = app.db.begin().await?;
    let account = may(&tx, by, of, &[Wish::Edit, Wish::Role(to.role)]).await?;
    let (agent, now) = (&account.agent, app.clock.now());
    store::set_account(&tx, of, &to.name, to.role, to.capacity).await?;
    let subject = to.name.as_str();
    if agent.name != subject {
        let deed = Deed::new("agent-renamed", subject).with(&agent.name);
        audit::record(&tx, by, deed, now).await?;
    }
    if agent.capacity != to.capacity {
        let detail = format!("{} → {}", agent.capacity.number(), to.capacity.number());
        let deed = Deed::new("agent-capacity-changed", subject).with(detail);
        audit::record(&tx, by, deed, now).await?;
    }
    let access = (agent.role != to.role).then_some(Access::Agent(of));
    if let Some(access) = &access {
        let detail = format!("{} → {}", agent.role.word(), to.role.word());
        let deed = Deed::new("agent-role-changed", subject).with(detail);
        audit::record(&tx, by, deed, now).await?;
        store::insert_revocation(&tx, access, at).await?;
    }
    tx.commit().await?;
    // What is open under the old role begins again under the new one.
    if let Some(access) = access {
        app.bus.publish(Event::AccessLost { access });
    }
    Ok(())
}

/// Ends whatever an agent holds: sessions, tokens, links, streams. What the agent wrote stays.
pub async fn disable(app: &App, by: &Doer, of: AgentId) -> Result<()> {
    let at = app.db.now().await?;
    let tx = app.db.begin().await?;
    let account = may(&tx, by, of, &[Wish::Disable]).await?;
    if account.state == AccountState::Disabled {
        return Ok(());
    }
    store::set_disabled(&tx, of, Some(at)).await?;
    forget_access(&tx, of).await?;
    let access = Access::Agent(of);
    store::insert_revocation(&tx, &access, at).await?;
    let deed = Deed::new("agent-disabled", &account.agent.name).with(described(&account.agent));
    audit::record(&tx, by, deed, app.clock.now()).await?;
    tx.commit().await?;
    app.bus.publish(Event::AccessLost { access });
    Ok(())
}

/// Lets an agent in again, with the password of before.
pub async fn enable(app: &App, by: &Doer, of: AgentId) -> Result<()> {
    let tx = app.db.begin().await?;
    let account = may(&tx, by, of, &[Wish::Enable]).await?;
    if account.state != AccountState::Disabled {
        return Ok(());
    }
    // Whoever was signing in while the account was disabled may have left something.
    forget_access(&tx, of).await?;
    store::set_disabled(&tx, of, None).await?;
    let deed = Deed::new("agent-enabled", &account.agent.name).with(described(&account.agent));
    audit::record(&tx, by, deed, app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// The account, held, if whoever acts may have all of these wishes of it.
async fn may(tx: &Tx, by: &Doer, of: AgentId, wishes: &[Wish]) -> Result<Account> {
    let held = store::hold(tx, [by.agent, of]).await?;
    let acting = acting(&held, by)?;
    let account = held.iter().find(|one| one.agent.id == of).ok_or(Error::NotFound)?;
    let others = held.iter().filter(|one| one.is_owner() && one.agent.id != of).count();
    for wish in wishes {
        may_change(acting, account, *wish, others)?;
    }
    Ok(account.clone())
}

/// Whoever acts, as the account is now.
fn acting<'a>(held: &'a [Account], by: &Doer) -> Result<&'a Agent> {
    held.iter()
        .find(|one| one.agent.id == by.agent && one.state == AccountState::Active)
        .map(|one| &one.agent)
        .ok_or(Error::Unauthenticated)
}

async fn forget_access(tx: &Tx, of: AgentId) -> Result<()> {
    session_store::revoke_all(tx, of.0).await?;
    store::remove_tokens(tx, of).await?;
    store::remove_invitations(tx, of).await?;
    Ok(())
}
