//! What no single crate can prove: flows over sockets, hostile clients, crashes.
