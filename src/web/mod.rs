//! The HTTP kit: how requests are let in, and how answers and errors are shaped.
mod ahead;
pub mod assets;
pub mod compress;
pub mod endless;
pub mod errors;
pub mod headers;
pub mod limits;
pub mod origin;
pub mod page;
pub mod qr;
pub mod serve;
pub mod session;
pub mod session_store;
pub mod sse;
pub mod ws;
