//! What is wrong with a spec, and how it is shown.
