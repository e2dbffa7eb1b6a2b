//! What tokens and keys of real clients must do here.
