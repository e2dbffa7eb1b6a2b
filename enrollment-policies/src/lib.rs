//! muster-enrollment-policies
