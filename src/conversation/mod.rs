//! A visitor and the company's agents: one append-only log of entries, and the visitor's window on it. Doors: `attachment`
//! (what messages bring), `contact` (who the visitor is), `site` (where the conversation takes place), `agent` and `team`
//! (who sees it).
mod actions;
mod amending;
mod card;
mod colleagues;
mod handling;
mod heads;
mod live;
mod model;
mod sight;
mod store;
pub mod web;
mod writer;

pub use actions::{
    AtWork, FirstMessage, all_planted, forget_closed_before, forget_silent_since, give_back,
    give_back_of, happen, mark_unread, must_be_heard, note, plant, read_as_agent, read_as_visitor,
    reply, say, start, tell_rows, turn_page, type_as_agent, type_as_visitor, wait_for_news,
};
pub use amending::{Change, amend};
pub use colleagues::{colleague, colleagues, team_to};
pub use handling::{
    Recipient, change_tags, close, invite, prioritize, retag, snooze, transfer, wake_due,
};
pub use live::{
    Canvas, EntryLine, FileLine, QuoteLine, drawn, last_said, lines, news, presence, read_marks,
    redraw, retell, seen_mark, sent, typing, upsert,
};
pub use model::{
    Append, BLOCKED, Beside, Body, Conversation, Seat, UNSIGNED, may_amend, mentions, quoted,
};
pub use sight::Sight;
pub use store::{
    Counts, Earlier, Filter, History, Lens, Log, Place, Positions, Range, Searched, Seen, Shown,
    Tab, Unread, circle, closed_page, counts, earlier, entries_after, entries_at, find_entry,
    find_for, hand_over, heads, held, history, is_any, known, last_card, list, newest, of_contact,
    only_known, page, positions, searched_after, seen, seen_by, seen_of_contact, sight, sight_of,
    summaries_of, tables, touched_since, touches_since, unread_by, unsearched_since,
};
pub use web::{asked_range, history_fragment};
pub use writer::Sent;
