//! kefu for programs.
pub mod shape;
