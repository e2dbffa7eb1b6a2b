//! What the transparency log promises: the tree alone, and the tree in a database.

mod certificates;
mod sequencer;
mod tree;
