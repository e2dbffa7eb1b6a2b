//! Keys that are fit, and each way of being unfit.
