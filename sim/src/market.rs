//! How a price is found: rented by the hour at a posted price, asked per token in a reverse auction, or set by a base fee.

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

/// A base fee in the manner of EIP-1559: it rises while more than the target is used and falls while less is.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseFee {
    /// Price per million output tokens at the start [USD].
    pub initial: Amount,
    /// The price never falls below this [USD per million output tokens].
    pub floor: Amount,
    /// Price of a prompt token relative to an output token.
    pub prompt_weight: f64,
    /// Share of the willing nodes' slots in use at which the price rests.
    pub target: f64,
    /// Largest relative change in an epoch is one over this (8 in EIP-1559).
    pub denominator: u64,
    /// Length of an epoch.
    pub epoch: walras_des::Span,
}

/// The next base fee after an epoch in which `used` of a targeted `target` was used. Source: EIP-1559, `calc_base_fee`.
///
/// Integer division rounds down in both directions and a rise is at least one unit, as in the specification.
///
/// # Panics
/// If `target` or `denominator` is zero.
#[must_use]
pub fn next_base_fee(fee: i128, used: u64, target: u64, denominator: u64) -> i128 {
    assert!(
        target > 0 && denominator > 0,
        "a base fee needs a target and a denominator"
    );
    let (wide_target, wide_denominator) = (i128::from(target), i128::from(denominator));
    let step = |gap: u64| fee * i128::from(gap) / wide_target / wide_denominator;
    if used > target {
        fee + step(used - target).max(1)
    } else {
        fee - step(target - used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the table in go-ethereum's `TestCalcBaseFee` and of the EIP: base fee 10⁹, target 10 M gas.
    #[test]
    fn the_base_fee_follows_eip_1559() {
        assert_eq!(
            next_base_fee(1_000_000_000, 10_000_000, 10_000_000, 8),
            1_000_000_000
        );
        assert_eq!(
            next_base_fee(1_000_000_000, 9_000_000, 10_000_000, 8),
            987_500_000
        );
        assert_eq!(
            next_base_fee(1_000_000_000, 11_000_000, 10_000_000, 8),
            1_012_500_000
        );
        assert_eq!(
            next_base_fee(7, 0, 10_000_000, 8),
            7,
            "the fee sticks at 7 units with empty blocks"
        );
        assert_eq!(
            next_base_fee(7, 10_000_001, 10_000_000, 8),
            8,
            "a rise is at least one unit"
        );
    }
}
