//! Who may sign, for whom, and which keys: what stands against a certificate whoever asks for it.

mod service;
