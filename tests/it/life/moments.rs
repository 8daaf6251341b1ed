//! What a deed is made of. Most are one moment behind the door; but one that looks first and acts then (whether a colleague
//! works here, what somebody has, what is due) is several, and others may act in between. Each moment is whole.
use super::{
    model::{Account, Line, Nonce, PEOPLE, Refusal, Shop, State, Talk, Until, What, Who},
    script::{Act, Deed, Send},
};

/// How a send was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Done,
    /// So many conversations.
    Counted(usize),
    Refused(Refusal),
}

/// What was seen of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Of each send, in their order.
    pub answers: Vec<Outcome>,
    /// What was added to each log.
    pub added: Vec<Vec<Line>>,
    /// As they are afterwards.
    pub talks: Vec<Talk>,
    pub staff: [Account; PEOPLE.len()],
}

/// How far a deed is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum At {
    Door,
    Colleague,
    Tags,
    Act,
    /// It looks for what she has, from below a number.
    Look {
        below: usize,
        done: usize,
    },
    /// Each of these in the name of whoever had it.
    Each {
        left: Vec<(usize, usize)>,
        below: Option<usize>,
        done: usize,
    },
    /// She has nothing any more, and goes.
    Leave,
    End(Outcome),
}

/// One moment of a deed, and what it wrote.
pub struct Moment {
    pub shop: Shop,
    pub next: At,
    pub talk: usize,
    pub lines: Vec<Line>,
}

/// What may come next of a deed.
pub fn moments(shop: &Shop, send: &Send, at: &At) -> Vec<Moment> {
    let mut shop = shop.clone();
    let still = |shop: Shop, next| vec![Moment { shop, next, talk: 0, lines: Vec::new() }];
    let refused = |refusal| At::End(Outcome::Refused(refusal));
    match (at, &send.deed) {
        (At::Door, Deed::Agent { who, act, .. }) => {
            let next = match (shop.staff[*who].enabled, shop.may_act(*who)) {
                (false, _) => refused(Refusal::SignedOut),
                (true, false) => refused(Refusal::ReadOnly),
                (true, true) => match act {
                    Act::Transfer { .. } | Act::Invite(_) => At::Colleague,
                    Act::Close { tags: Some(_) } => At::Tags,
                    _ => At::Act,
                },
            };
            still(shop, next)
        }
        (At::Door, Deed::Release { who }) if !shop.staff[*who].enabled => {
            still(shop, refused(Refusal::SignedOut))
        }
        (At::Door, Deed::Release { .. } | Deed::SeatLost { .. }) => {
            still(shop, At::Look { below: usize::MAX, done: 0 })
        }
        (At::Door, Deed::WakeDue) => {
            let left = having(&shop, |talk| talk.snoozed.is_some_and(|until| until.due));
            still(shop, At::Each { left, below: None, done: 0 })
        }
        (At::Door, Deed::Tidy) => {
            let gone = |who: usize| !shop.staff[who].enabled;
            let left = having(&shop, |talk| {
                talk.state() == State::Open && talk.assignee.is_some_and(gone)
            });
            still(shop, At::Each { left, below: None, done: 0 })
        }
        (At::Door, Deed::Visitor { talk }) => {
            let nonce = Some(Nonce::Of(send.nonce));
            let wrote = shop.append(*talk, Who::Visitor, nonce, &[What::Text(send.nonce)]);
            ended(shop, *talk, wrote)
        }
        (At::Door, Deed::Disable { who }) => {
            shop.staff[*who].enabled = false;
            still(shop, At::End(Outcome::Done))
        }
        (At::Door, Deed::Promote { who, to }) => {
            shop.staff[*who].role = *to;
            still(shop, At::End(Outcome::Done))
        }
        (At::Colleague, Deed::Agent { act: Act::Transfer { to, .. } | Act::Invite(to), .. }) => {
            // Before it is asked what the nonce made: the form names nobody who works here.
            let next = if shop.may_act(*to) { At::Act } else { refused(Refusal::NoColleague) };
            still(shop, next)
        }
        (At::Tags, Deed::Agent { who, talk, act: Act::Close { tags: Some(tags) } }) => {
            match shop.retag(*talk, *who, Nonce::OfTags(send.nonce), tags) {
                Ok(lines) => vec![Moment { shop, next: At::Act, talk: *talk, lines }],
                // The closing says so, unless it was done before.
                Err(_) => still(shop, At::Act),
            }
        }
        (At::Act, Deed::Agent { who, talk, act: Act::Tag(tags) }) => {
            let wrote = shop.retag(*talk, *who, Nonce::Of(send.nonce), tags);
            ended(shop, *talk, wrote)
        }
        (At::Act, Deed::Agent { who, talk, act }) => {
            let nonce = Some(Nonce::Of(send.nonce));
            let wrote = shop.append(*talk, Who::Agent(*who), nonce, &lines(act, send.nonce));
            ended(shop, *talk, wrote)
        }
        (At::Look { below, done }, Deed::Release { who } | Deed::SeatLost { who }) => {
            let left: Vec<_> =
                having(&shop, |talk| talk.assignee == Some(*who) && talk.snoozed.is_none())
                    .into_iter()
                    .filter(|(talk, _)| talk < below && !shop.talks[*talk].closed)
                    .collect();
            let next = match left.iter().map(|(talk, _)| *talk).min() {
                Some(lowest) => At::Each { left, below: Some(lowest), done: *done },
                None => match &send.deed {
                    Deed::Release { .. } => At::Leave,
                    _ => At::End(Outcome::Counted(*done)),
                },
            };
            still(shop, next)
        }
        // Whatever she had, she is shown a page.
        (At::Leave, Deed::Release { who }) => {
            shop.staff[*who].seated = false;
            still(shop, At::End(Outcome::Done))
        }
        (At::Each { left, below, done }, _) if left.is_empty() => {
            let next = match below {
                Some(below) => At::Look { below: *below, done: *done },
                None => At::End(Outcome::Counted(*done)),
            };
            still(shop, next)
        }
        (At::Each { left, below, done }, deed) => {
            let each = left.iter().enumerate().map(|(place, (talk, had_it))| {
                let (mut shop, mut left) = (shop.clone(), left.clone());
                left.remove(place);
                let wrote = match (deed, &shop.talks[*talk]) {
                    // In the name of whoever has it now, who gets it back if she is there; put off once more, it is not due any more.
                    (Deed::WakeDue, Talk { assignee: Some(has_it), snoozed: Some(until), .. })
                        if until.due =>
                    {
                        let back =
                            if shop.is_there(*has_it) { What::Woken } else { What::Requeued };
                        let woken = shop.append(*talk, Who::Agent(*has_it), None, &[back]);
                        // It counts as unread that it is back.
                        shop.talks[*talk].unread = shop.talks[*talk].unread.max(1);
                        woken
                    }
                    (Deed::WakeDue, _) => Err(Refusal::NotSnoozed),
                    _ => shop.append(*talk, Who::Agent(*had_it), None, &[What::Requeued]),
                };
                let done = done + usize::from(wrote.is_ok());
                let next = At::Each { left, below: *below, done };
                Moment { shop, next, talk: *talk, lines: wrote.unwrap_or_default() }
            });
            each.collect()
        }
        (at, deed) => unreachable!("{deed:?} is never {at:?}"),
    }
}

/// The last moment of a deed. What is refused changes nothing.
fn ended(shop: Shop, talk: usize, wrote: Result<Vec<Line>, Refusal>) -> Vec<Moment> {
    let (outcome, lines) = match wrote {
        Ok(lines) => (Outcome::Done, lines),
        Err(refusal) => (Outcome::Refused(refusal), Vec::new()),
    };
    vec![Moment { shop, next: At::End(outcome), talk, lines }]
}

/// What somebody has, with who that is.
fn having(shop: &Shop, which: impl Fn(&Talk) -> bool) -> Vec<(usize, usize)> {
    let all = shop.talks.iter().enumerate().filter(|(_, talk)| which(talk));
    all.filter_map(|(number, talk)| Some((number, talk.assignee?))).collect()
}

fn lines(act: &Act, nonce: u64) -> Vec<What> {
    let with = |what, note: &bool| {
        let mut lines = vec![what];
        lines.extend(note.then_some(What::Note(nonce)));
        lines
    };
    match act {
        Act::Claim => vec![What::Claimed],
        Act::Reopen => vec![What::Reopened],
        Act::Wake => vec![What::Woken],
        Act::Reply => vec![What::Text(nonce)],
        Act::Close { .. } => vec![What::Closed],
        Act::Transfer { to, note } => with(What::Transferred(*to), note),
        Act::ToTeam { team, note } => with(What::ToTeam(*team), note),
        Act::Invite(agent) => vec![What::Invited(*agent)],
        Act::Snooze { due } => vec![What::Snoozed(Until { due: *due, send: nonce })],
        Act::Prioritize(priority) => vec![What::Prioritized(*priority)],
        Act::Tag(_) => unreachable!("tags are compared first"),
    }
}

/// A step as the model itself would play it: whoever is drawn has the next moment.
pub fn play(shop: &mut Shop, sends: &[Send], draw: &mut impl FnMut(usize) -> usize) -> Seen {
    let mut at = vec![At::Door; sends.len()];
    let mut added = vec![Vec::new(); shop.talks.len()];
    loop {
        let on: Vec<_> = (0..at.len()).filter(|one| !matches!(at[*one], At::End(_))).collect();
        if on.is_empty() {
            break;
        }
        let one = on[draw(on.len())];
        let mut all = moments(shop, &sends[one], &at[one]);
        let moment = all.swap_remove(draw(all.len()));
        (*shop, at[one]) = (moment.shop, moment.next);
        added[moment.talk].extend(moment.lines);
    }
    let answers = at.into_iter().filter_map(|at| match at {
        At::End(outcome) => Some(outcome),
        _ => None,
    });
    Seen { answers: answers.collect(), added, talks: shop.talks.clone(), staff: shop.staff }
}
