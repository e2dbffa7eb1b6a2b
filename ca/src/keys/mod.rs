//! Private keys: made, sealed to disk, loaded; nothing else sees their bytes.
