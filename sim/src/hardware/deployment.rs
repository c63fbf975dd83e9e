//! How a model is put on devices: weights, parallelism, and the limits of a batch.

use super::format::Format;
use super::model::Model;

/// A model as one node serves it.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// The model.
    pub model: Model,
    /// How its weights are stored.
    pub format: Format,
    /// Devices of one host that share every layer; at least one.
    pub tensor: u32,
    /// Hosts that hold consecutive layers, if more than one.
    pub pipeline: Option<Pipeline>,
    /// Largest number of sequences in a batch; at least one.
    pub max_batch: u32,
    /// Most tokens in one step: decoding sequences first, prompts in what is left. At least `max_batch`, times one more than is
    /// drafted.
    pub token_budget: u32,
    /// Drafts that are checked in one step.
    pub speculation: Option<Speculation>,
    /// Whether blocks of shared beginnings of prompts are kept for later requests.
    pub prefix_caching: bool,
}

impl Deployment {
    /// Largest number of tokens in one step that vLLM allows by default on consumer cards.
    pub const TOKEN_BUDGET: u32 = 2048;

    /// `model` on one device.
    #[must_use]
    pub fn single(model: Model, format: Format, max_batch: u32) -> Self {
        Self {
            model,
            format,
            tensor: 1,
            pipeline: None,
            max_batch,
            token_budget: Self::TOKEN_BUDGET.max(max_batch),
            speculation: None,
            prefix_caching: false,
        }
    }

    /// Hosts of a node.
    #[must_use]
    pub fn stages(&self) -> u32 {
        self.pipeline.map_or(1, |pipeline| pipeline.stages)
    }

    /// Devices of a node.
    #[must_use]
    pub fn devices(&self) -> u32 {
        self.tensor * self.stages()
    }
}

/// Hosts in a row, each with its share of the layers, connected by a network.
///
/// Activations travel from the client, who embeds and samples, through all stages and back: `stages + 1` hops
/// (Borzunov et al., Petals, arXiv:2209.01188).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pipeline {
    /// Hosts; at least two.
    pub stages: u32,
    /// Round trip between neighbours [s].
    pub round_trip: f64,
    /// Rate of the slowest link [B/s].
    pub bandwidth: f64,
}

impl Pipeline {
    /// Time on the network of a step with `tokens` tokens of `hidden` 16-bit activations [s].
    #[must_use]
    pub fn network(&self, tokens: f64, hidden: f64) -> f64 {
        let hops = f64::from(self.stages + 1);
        hops * (self.round_trip / 2.0 + 2.0 * tokens * hidden / self.bandwidth)
    }
}

/// Speculative decoding: a draft model proposes tokens, one step of the model checks them (Leviathan et al., ICML 2023).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speculation {
    /// Tokens proposed per step; at least one.
    pub drafted: u32,
    /// Probability that a proposed token is accepted, each independently; in `[0, 1)`.
    pub acceptance: f64,
    /// Time of drafting one token relative to a decode step of the model.
    pub cost: f64,
}

impl Speculation {
    /// Expected tokens per step, `(1 − α^(γ+1)) / (1 − α)`.
    #[must_use]
    pub fn tokens_per_step(&self) -> f64 {
        let checked = i32::try_from(self.drafted + 1).unwrap_or(i32::MAX);
        let powers = walras_des::math::powi(self.acceptance, checked);
        (1.0 - powers) / (1.0 - self.acceptance)
    }

    /// The same in 1/65536, for servers that count in integers.
    pub(super) fn in_fixed_point(self) -> u64 {
        ((self.tokens_per_step() * 65536.0).round() as u64).max(1 << 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leviathan et al. (2023), figure 2: α = 0.8 with five drafted tokens gives 3.69 per step; nothing accepted gives one.
    #[test]
    fn accepted_drafts_follow_the_geometric_sum() {
        let of = |acceptance, drafted| {
            Speculation {
                drafted,
                acceptance,
                cost: 0.0,
            }
            .tokens_per_step()
        };
        assert!((of(0.8, 5) - 3.689_28).abs() < 1e-9);
        assert_eq!(of(0.0, 3), 1.0);
    }
}
