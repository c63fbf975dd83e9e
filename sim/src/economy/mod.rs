//! Money over years: networks with owners, markets and tokens, and the customers who choose between them, in epochs.
//!
//! An economy is a handful of networks that compete for the same work. The cloud is one whose supply is a single seller; a
//! decentralized network is one whose supply is a population of owners, usually with a token. Work is a flow, in units such as
//! GPU-hours; money is the ledger's, to the last base unit. In each epoch customers choose at the prices of the last one, each network's
//! market clears, what was paid is settled, tokens are minted and burned as the rules say, owners look at what they have earned, and
//! prices move. The first network of an economy is the one that figures are about.

pub mod bond;
pub mod contracts;
pub mod creators;
pub mod customers;
pub mod deals;
pub mod figures;
pub mod fluid;
pub mod machines;
pub mod network;
pub mod owners;
pub mod pool;
pub mod roster;
pub mod stakes;
pub mod token;
pub mod validators;
mod welfare;

use walras_des::Span;

use crate::supply::orders::Maker;

pub use bond::Bond;
pub use contracts::Contracts;
pub use creators::{Creators, Reward};
pub use customers::{Customers, Segment};
pub use deals::{Deals, Faults};
pub use machines::{Fidelity, Goodput, Machines};
pub use network::{Network, Seller, Supply};
pub use owners::{Membership, Moving, Owners, Place, Sells, Timing};
pub use stakes::{Staking, Verification};
pub use token::{Allotment, Emission, Payment, Rule, Token};
pub use validators::Validators;

/// A world of networks that compete for work.
#[derive(Clone, Debug)]
pub struct Economy {
    /// Name in the scenario.
    pub name: String,
    /// Time between two steps.
    pub epoch: Span,
    /// Who wants work done.
    pub customers: Customers,
    /// Who does it; the first is the one that figures are about.
    pub networks: Vec<Network>,
    /// Owners who go to that network of several where they expect to earn most.
    pub pools: Vec<Owners>,
    /// Who makes hardware, if its queue matters.
    pub makers: Vec<Maker>,
    /// What happens at stated times, by time.
    pub shocks: Vec<Shock>,
    /// Whether the work of networks with machines is done request by request.
    pub fidelity: Fidelity,
}

/// A change at a stated time.
#[derive(Clone, Debug, PartialEq)]
pub struct Shock {
    /// When [days from the start].
    pub at: f64,
    /// Index of the network that it befalls; what befalls demand befalls all.
    pub network: usize,
    /// What changes.
    pub change: Change,
}

/// What a shock changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Demand at equal prices, times this.
    Demand(f64),
    /// The price of the token, times this.
    TokenPrice(f64),
    /// The seller's price, times this.
    Price(f64),
    /// Running cost of owners without electricity, or cost of the seller, times this.
    RunningCost(f64),
    /// What electricity costs owners, times this, at the place of an index or everywhere.
    Electricity {
        /// The factor.
        factor: f64,
        /// The place.
        place: Option<usize>,
    },
    /// Emission from here on, times this.
    Emission(f64),
    /// How much customers like the network, by so many units of utility more.
    Appeal(f64),
    /// Whether the network is open to customers, and to more owners.
    Open(bool),
    /// Output of the maker of an index, times this.
    Output {
        /// The maker.
        maker: usize,
        /// The factor.
        factor: f64,
    },
    /// Orders of others, at the end of a maker's queue.
    Orders {
        /// The maker.
        maker: usize,
        /// How much [units of capacity a day].
        units: f64,
    },
}
