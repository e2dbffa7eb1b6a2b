//! Lists as authorities make them, and hostile ones.
