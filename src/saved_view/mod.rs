//! Views of the lists that agents come back to, own and everybody's. Doors: `agent` (whose they are).
mod actions;
mod model;
mod store;
pub mod web;

pub use model::SavedView;
pub use store::{for_agent, tables};
pub use web::KeepForm;
