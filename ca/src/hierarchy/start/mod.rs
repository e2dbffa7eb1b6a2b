//! What a start does: looks whether everything fits together, and makes the first authorities. And what time does.

mod load;
mod service;
