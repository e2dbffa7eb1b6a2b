//! What the transparency log promises: the tree alone, and the tree in a database.

mod certificates;
mod killed;
mod notes;
mod sequencer;
mod tree;

pub(crate) use certificates::certificate;
