//! What people do, over HTTP, against a real database. `KEFU_TEST_DATABASE_URL` names a PostgreSQL or MySQL server in which
//! every test makes a database of its own; without it each has an SQLite file.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agent;
mod agent_state;
mod amending;
mod api;
mod attachment;
mod audit;
mod authorization;
mod bulk;
mod canned_reply;
mod card;
mod contact;
mod deploy;
mod desk;
mod draft;
mod examples;
mod faults;
mod fuzz;
mod handling;
mod history;
mod install;
mod life;
mod lists;
mod log;
mod nemesis;
mod nodes;
mod notification;
mod outbound;
mod plans;
mod process;
mod program;
mod retention;
mod schema;
mod search;
mod security;
mod setup;
mod sign_in;
mod support;
mod team;
mod texts;
mod transports;
mod visibility;
mod visitor;
mod websocket;
mod widget;
