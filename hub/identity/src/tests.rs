//! Facts about ids, rights, authentication and authorization.
