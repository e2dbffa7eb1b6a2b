//! Certificates that break a rule.
