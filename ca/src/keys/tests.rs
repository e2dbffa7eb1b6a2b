//! Keys sealed, opened, used.
