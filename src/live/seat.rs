//! An agent at the desk, for as long as a stream of it is open: counted for colleagues, and for visitors as far as she
//! wants to be there for them.
use crate::{
    agent::{self, Agent, Availability, Standing},
    app::{App, aside},
    bus::Here,
    event::Present,
    ids::ConversationId,
};

#[derive(Debug)]
pub struct AtDesk {
    app: App,
    agent: Agent,
    _here: Here,
    /// For visitors who talk already, and for those who are new.
    answers: Option<Here>,
    receives: Option<Here>,
    /// The conversation that stands open on her page: for colleagues who have it open, too.
    shows: Option<(ConversationId, Here)>,
}

impl AtDesk {
    pub fn new(app: &App, agent: &Agent) -> Self {
        let _here = app.bus.enter(Present::Agent(agent.id));
        let (app, agent) = (app.clone(), agent.clone());
        let availability = agent.availability;
        let mut at_desk = Self { app, agent, _here, answers: None, receives: None, shows: None };
        at_desk.be(availability);
        at_desk
    }

    /// With what she chose last.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Takes note of what her page shows from now on.
    pub fn show(&mut self, conversation: Option<ConversationId>) {
        if self.shows() == conversation {
            return;
        }
        if let Some((_, left)) = self.shows.take() {
            left.leave();
        }
        let (bus, agent) = (&self.app.bus, &self.agent);
        self.shows = conversation.map(|id| (id, bus.view(agent.id, &agent.name, id)));
    }

    pub fn shows(&self) -> Option<ConversationId> {
        self.shows.as_ref().map(|(id, _)| *id)
    }

    /// Takes note of what she chose meanwhile.
    pub async fn ask_again(&mut self) {
        let (app, id) = (self.app.clone(), self.agent.id);
        match aside(async move { agent::standing(&app, id).await }).await {
            Ok(Standing::Online) => self.be(Availability::Online),
            Ok(Standing::Busy) => self.be(Availability::Busy),
            Ok(Standing::Offline) => self.be(Availability::Offline),
            Ok(Standing::Reconnecting) => {}
            Err(error) => tracing::warn!(%error, "cannot ask what an agent chose"),
        }
    }

    fn be(&mut self, availability: Availability) {
        self.agent.availability = availability;
        // Who only looks answers nobody.
        let answers = self.agent.role.may_act() && availability != Availability::Offline;
        let receives = self.agent.is_on_call();
        self.answers = answers.then(|| self.app.bus.enter(Present::Agents));
        self.receives = receives.then(|| self.app.bus.enter(Present::Receiving));
    }
}
