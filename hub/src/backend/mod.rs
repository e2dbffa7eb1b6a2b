//! What service clients read: the events of the log.
