//! One way to follow a log, several ways to send it. A reader subscribes, then reads the log after its cursor, then follows
//! the news; whenever a number is missing it goes back to the log. So news may be lost, doubled or late, entries may not.
mod desk;
mod follow;
mod page;
mod sse;

pub use desk::desk_events;
pub use page::live_page;
pub use sse::conversation_events;
