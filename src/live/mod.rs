//! One way to follow a log, several ways to send it. A reader subscribes, then reads the log after its cursor, then follows
//! the news; whenever a number is missing it goes back to the log. So news may be lost, doubled or late, entries may not.
mod desk;
mod follow;
mod fragments;
mod frames;
mod notice;
mod page;
mod poll;
mod reader;
mod seat;
mod socket;
mod sse;
mod ws;

pub use desk::{Cursor as DeskCursor, Page as DeskPage, follow as follow_desk};
pub use follow::{Piece, conversation as follow_conversation};
pub use page::live_page;
pub use poll::conversation_messages;
pub use socket::api_socket;
pub use sse::{conversation_events, desk_events};
pub use ws::{conversation_socket, desk_socket};
