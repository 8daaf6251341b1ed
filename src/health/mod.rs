//! Alive? Ready? For whoever watches the process. Uses no other feature.
pub mod web;
