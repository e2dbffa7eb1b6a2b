//! What the transparency log promises: the tree alone, and the tree in a database.

mod certificates;
mod interrupted;
mod killed;
mod notes;
mod sequencer;
mod service;
mod tree;

pub(crate) use certificates::certificate;
