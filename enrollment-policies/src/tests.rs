//! What moves when hubs come, go or change weight.
