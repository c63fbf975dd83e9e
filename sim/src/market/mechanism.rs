//! Any of the mechanisms, so that a scenario can name one.

use walras_des::math;

use crate::units::Amount;

use super::base_fee::Eip1559;
use super::blob_fee::BlobFee;
use super::first_price::FirstPrice;
use super::k_double::KDouble;
use super::mcafee::McAfee;
use super::order_book::DayOrders;
use super::posted::Posted;
use super::proportional::Proportional;
use super::reverse_auction::ReverseAuction;
use super::surge::Surge;
use super::trade_reduction::TradeReduction;
use super::uniform::UniformPrice;
use super::vcg::{ProcurementVcg, Vcg};
use super::vickrey::Vickrey;
use super::{Clearing, Market, Order};

macro_rules! mechanisms {
    ($($variant:ident($type:ty) $name:literal,)*) => {
        /// A built-in mechanism with its parameters and state; what each is, its type says.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Mechanism {
            $(#[doc = concat!("`", $name, "`")] $variant($type),)*
        }

        impl Mechanism {
            /// The names of all mechanisms, as in scenarios.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The name in scenarios.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }
        }

        impl Market for Mechanism {
            fn quote(&self) -> Option<Amount> {
                match self {
                    $(Self::$variant(market) => market.quote(),)*
                }
            }

            fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
                match self {
                    $(Self::$variant(market) => market.clear(bids, asks, out),)*
                }
            }
        }

        $(impl From<$type> for Mechanism {
            fn from(market: $type) -> Self {
                Self::$variant(market)
            }
        })*
    };
}

mechanisms! {
    Posted(Posted) "posted",
    Surge(Surge) "surge",
    Eip1559(Eip1559) "base-fee",
    BlobFee(BlobFee) "blob-fee",
    UniformPrice(UniformPrice) "uniform-price",
    KDouble(KDouble) "k-double",
    McAfee(McAfee) "mcafee",
    TradeReduction(TradeReduction) "trade-reduction",
    Vcg(Vcg) "vcg",
    FirstPrice(FirstPrice) "first-price",
    Vickrey(Vickrey) "vickrey",
    ProcurementVcg(ProcurementVcg) "procurement-vcg",
    ReverseAuction(ReverseAuction) "reverse-auction",
    Proportional(Proportional) "proportional",
    DayOrders(DayOrders) "order-book",
}

impl Mechanism {
    /// Moves the price from which it starts by a factor, if the mechanism moves its price itself: a posted price is a rule, and an auction
    /// has no price before its first trade.
    pub fn start_from(&mut self, factor: f64) {
        let times = |price: Amount| Amount((price.0 as f64 * factor).round() as i128);
        match self {
            Self::Surge(market) => {
                market.price =
                    (market.price * factor).clamp(market.floor.0 as f64, market.ceiling.0 as f64);
            }
            Self::Eip1559(market) => market.fee = times(market.fee).max(market.floor),
            Self::BlobFee(market) => {
                // The fee is min_fee exp(excess / update_fraction).
                let moved = market.schedule.update_fraction as f64 * math::ln(factor);
                market.excess = (market.excess as f64 + moved).max(0.0) as u64;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::blob_fee::Schedule;
    use crate::units::Ppm;

    #[test]
    fn announced_prices_start_where_they_are_told_to() {
        let surge = Surge {
            price: 100.0,
            sensitivity: 1.0,
            target: 0.8,
            floor: Amount(50),
            ceiling: Amount(1_000),
        };
        let fee = Eip1559 {
            fee: Amount(100),
            floor: Amount(1),
            target: Ppm::from_fraction(0.5),
            denominator: 8,
            burn: Ppm::default(),
            tip: Amount::ZERO,
        };
        let blobs = BlobFee {
            schedule: Schedule::CANCUN,
            excess: 20 * Schedule::CANCUN.update_fraction,
            reserve: Amount::ZERO,
            burn: Ppm::default(),
        };
        let moved = |mechanism: Mechanism, factor: f64| {
            let mut moved = mechanism.clone();
            moved.start_from(factor);
            let price =
                |mechanism: &Mechanism| mechanism.quote().expect("it is announced").as_f64();
            price(&moved) / price(&mechanism)
        };
        assert!((moved(surge.clone().into(), 3.0) - 3.0).abs() < 1e-12);
        assert!(
            (moved(surge.into(), 0.1) - 0.5).abs() < 1e-12,
            "not below its floor"
        );
        assert!((moved(fee.into(), 3.0) - 3.0).abs() < 1e-12);
        for factor in [1.0 / 3.0, 3.0] {
            assert!((moved(blobs.clone().into(), factor) / factor - 1.0).abs() < 1e-6);
        }
        let posted = Posted { price: Amount(100) };
        assert!((moved(posted.into(), 3.0) - 1.0).abs() < 1e-12, "a rule");
    }
}
