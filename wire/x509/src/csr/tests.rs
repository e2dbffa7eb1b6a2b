//! Requests as clients make them, and hostile ones.
