//! Programs on this machine: those that are stopped with everything that they start themselves, and which one listens at a
//! port.

#[cfg(feature = "run")]
mod group;
mod listener;

#[cfg(feature = "run")]
pub(crate) use group::Group;
pub(crate) use listener::listener;
