//! Any of the mechanisms, so that a scenario can name one.

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
