//! Enrollment as clients and operators meet it.
