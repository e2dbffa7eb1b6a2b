//! From what is prepared to what is issued: recorded, signed, recorded again. Whoever asks again gets the same.

mod service;

use crate::{hierarchy::Authority, keys::KeyRef};

/// Who signs. A root signs itself before it is an authority of the tree.
pub(crate) struct Signing<'a> {
    pub(crate) authority: &'a Authority,
    pub(crate) key: &'a KeyRef,
    pub(crate) profile: &'static str,
}
