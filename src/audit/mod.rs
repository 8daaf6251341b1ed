//! What was changed here, by whom, from where: written in the transaction that changes it, never changed afterwards.
mod changes;
mod model;
mod store;

pub use changes::Changes;
pub use model::{Deed, Doer, Record};
pub use store::{forget_before, page, record, tables};
