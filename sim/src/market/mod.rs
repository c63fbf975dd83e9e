//! How a price is found: how platforms of the job-level world price, and the mechanisms that turn orders into trades.
//!
//! [`Pricing`] is what a platform does request by request. [`Market`] is one epoch of a market: orders in, trades out, for any good
//! that comes in whole units, such as GPU-seconds or GiB-months; there is one file for each mechanism, and [`Mechanism`] is any of
//! them. A constant-product [`pool`] and a bonding [`curve`] are no such markets: they trade two assets in base units with whoever
//! comes, against reserves of their own, so what is bought from them nobody sells; they have the interface that is natural to them.

mod clearing;
mod crossing;
mod mechanism;
mod procurement;
pub(crate) mod wide;

pub mod base_fee;
pub mod blob_fee;
pub mod posted;
pub mod surge;

pub mod k_double;
pub mod mcafee;
pub mod trade_reduction;
pub mod uniform;
pub mod vcg;

pub mod first_price;
pub mod reverse_auction;
pub mod vickrey;

pub mod order_book;
pub mod proportional;

pub mod curve;
pub mod pool;

pub mod efficiency;

pub use base_fee::{BaseFee, next_base_fee};
pub use clearing::{Clearing, Fill, Market, Order, Pair};
pub use mechanism::Mechanism;

use crate::hardware::Profile;
use crate::units::{Amount, Price};
use crate::workload::Sizes;

/// The pricing mechanism of a platform.
#[derive(Clone, Debug, PartialEq)]
pub enum Pricing {
    /// The platform's customers pay for instance time at the owner's posted hourly price, used or not.
    Rental,
    /// Owners ask a price per token; the scheduler chooses among the asks; the winner is paid what it asked.
    ReverseAuction,
    /// One price for the whole network, moved each epoch toward a target utilization; owners who ask more stand aside.
    BaseFee(BaseFee),
    /// One price for the whole network, which the economy around it finds; owners who ask more stand aside.
    Economy {
        /// Price of a prompt token relative to an output token.
        prompt_weight: f64,
    },
}

/// What a node asks for a million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// For a million prompt tokens [USD].
    pub prompt: Price,
    /// For a million output tokens [USD].
    pub output: Price,
}

impl Rates {
    /// The rates at which a machine of this profile earns `per_hour` while it serves batches of `batch` requests of mean size.
    ///
    /// An owner who wants `per_hour` for a busy machine divides it by the tokens that the machine then handles.
    #[must_use]
    pub fn earning(per_hour: f64, profile: &Profile, sizes: &Sizes, batch: u32) -> Self {
        let batch = batch.min(profile.max_batch);
        let context = sizes.mean_prompt + sizes.mean_output / 2.0;
        let (base, kv) = profile.decode(batch);
        let step = (base as f64 / f64::from(batch) + kv as f64 * context) / 1e12;
        let decode = step / profile.gain();
        let prompt = sizes.mean_prompt.round().max(1.0) as u32;
        let prefill = profile.prompt(prompt) as f64 / 1e12 / f64::from(prompt);
        let per_second = per_hour / 3600.0;
        Self {
            prompt: Price::from_f64(per_second * prefill * 1e6),
            output: Price::from_f64(per_second * decode * 1e6),
        }
    }

    /// The price of a job, rounded down to the base unit.
    #[must_use]
    pub fn price(&self, prompt_tokens: u32, output_tokens: u32) -> Amount {
        let of = |price: Price, tokens| price.amount().mul_floor(u64::from(tokens), 1_000_000);
        of(self.prompt, prompt_tokens) + of(self.output, output_tokens)
    }
}
