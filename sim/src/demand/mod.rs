//! Demand: what customers want, from whom, and what a centralized seller answers.
//!
//! [`logit`] chooses between platforms, [`elastic`] says how much is wanted at a price, [`budget`] what customers can pay and
//! where they go when a platform is full; [`cloud`] is what a cloud offers and how it reacts, [`priority`] a queue in which
//! places are sold.

pub mod budget;
pub mod cloud;
pub mod elastic;
pub mod logit;
pub mod priority;
