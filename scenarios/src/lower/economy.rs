//! Lowers economies: networks that compete for work, and the customers who choose between them.

use walras_des::{Dist, Span};
use walras_sim::demand::budget::{Budgets, Homing};
use walras_sim::demand::cloud::Menu;
use walras_sim::demand::logit::{Offer, Weights};
use walras_sim::economy::network::Following;
use walras_sim::economy::token::Holder;
use walras_sim::economy::{
    Allotment, Bond, Change, Contracts, Creators, Customers, Deals, Economy, Emission, Faults,
    Fidelity, Goodput, Machines, Membership, Moving, Network, Owners, Payment, Place, Reward, Rule,
    Segment, Seller, Sells, Shock, Staking, Supply, Timing, Token, Validators, Verification,
};
use walras_sim::market::base_fee::Eip1559;
use walras_sim::market::blob_fee::{self, BlobFee};
use walras_sim::market::first_price::FirstPrice;
use walras_sim::market::k_double::KDouble;
use walras_sim::market::mcafee::McAfee;
use walras_sim::market::order_book::DayOrders;
use walras_sim::market::posted::Posted;
use walras_sim::market::reverse_auction::ReverseAuction;
use walras_sim::market::surge::Surge;
use walras_sim::market::trade_reduction::TradeReduction;
use walras_sim::market::uniform::UniformPrice;
use walras_sim::market::vcg::Vcg;
use walras_sim::market::vickrey::Vickrey;
use walras_sim::market::{Market, Mechanism, Pricing};
use walras_sim::platform::{Settlement, Size};
use walras_sim::supply::orders::Maker;
use walras_sim::supply::owner::Machine;
use walras_sim::supply::power::{DayAhead, Tariff};
use walras_sim::token::emission::{Baseline, EthereumIssuance, Schedule};
use walras_sim::token::filecoin::pledge::Collateral;
use walras_sim::token::livepeer::{Minter, PERC_DIVISOR};
use walras_sim::token::price::{
    Exchange, Gbm, JumpDiffusion, OrderFlow, OrnsteinUhlenbeck, Outside, PresentValue, PriceModel,
    Traders,
};
use walras_sim::token::vesting::Vesting;
use walras_sim::token::yuma::{Bonds, Yuma};
use walras_sim::units::{Amount, Ppm};

use super::{Tables, positive, unknown};
use crate::plan::{Economies, Requests};
use crate::report::{At, Report};
use crate::spec::Named;
use crate::spec::economy::{
    AmountLaw, BondsSpec, ChangeSpec, CreatorsSpec, CustomersSpec, DealsSpec, Dissimilarity,
    DrawnAmount, EconomySpec, ElectricitySpec, EmissionSpec, FaultsSpec, FidelitySpec,
    HardwareSpec, HolderSpec, MakerSpec, MarketSpec, OwnersSpec, PaymentSpec, PledgeSpec,
    ProviderNetworkSpec, RewardSpec, SellerSpec, SellsSpec, ShockSpec, TokenPriceSpec, TokenSpec,
    ValidatorsSpec, VerificationSpec,
};
use crate::spec::economy::{BudgetSpec, HomingSpec, MovingSpec, SegmentSpec, WorthSpec};
use crate::spec::quantity::{Duration, Share};

/// [s]
const DAY: f64 = 86400.0;
const YEAR: f64 = 365.0 * DAY;

/// More tokens than any token has.
const MOST_TOKENS: f64 = 1e15;

/// The longest time between two steps.
const LONGEST_EPOCH: f64 = 31.0 * DAY;

/// What the parts of an economy refer to by name.
#[derive(Clone, Copy)]
struct Names<'a> {
    tables: &'a Tables,
    networks: &'a Named<ProviderNetworkSpec>,
    makers: &'a Named<MakerSpec>,
    pools: &'a Named<OwnersSpec>,
    /// Those of the customers.
    nests: &'a Named<Dissimilarity>,
    /// The platforms that machines may be of, and their requests.
    requests: Option<&'a Requests>,
    /// The reference price [USD per unit].
    reference: f64,
}

impl Names<'_> {
    /// The index of a maker.
    fn maker(&self, report: &mut Report, at: &At<'_>, name: &str) -> Option<usize> {
        index(report, at, "maker", name, self.makers)
    }
}

/// The place of a name among those that there are.
fn index<T>(
    report: &mut Report,
    at: &At<'_>,
    noun: &str,
    name: &str,
    all: &Named<T>,
) -> Option<usize> {
    let found = all.keys().position(|known| known == name);
    if found.is_none() {
        unknown(report, at, noun, name, all.keys().map(String::as_str));
    }
    found
}

pub(super) fn lower(
    report: &mut Report,
    tables: &Tables,
    spec: Option<&CustomersSpec>,
    economies: &[(String, Option<EconomySpec>)],
    requests: Option<&Requests>,
) -> Option<Economies> {
    let wants = spec;
    let customers = spec.and_then(|spec| customers(report, &At::root("customers"), spec));
    idle_platforms(report, economies, requests);
    let root = At::root("economies");
    let all: Vec<Option<Economy>> = (economies.iter())
        .map(|(name, spec)| {
            economy(
                report,
                tables,
                &root.key(name),
                name,
                spec.as_ref()?,
                wants.zip(customers.as_ref()),
                requests,
            )
        })
        .collect();
    let all: Option<Vec<Economy>> = all.into_iter().collect();
    Some(Economies { economies: all? })
}

fn days(duration: Duration) -> f64 {
    duration.0 / DAY
}

fn ppm(share: Share) -> Ppm {
    Ppm::from_fraction(share.0)
}

fn customers(report: &mut Report, at: &At<'_>, spec: &CustomersSpec) -> Option<Customers> {
    let whole: f64 = spec.segments.values().map(|segment| segment.share.0).sum();
    if !spec.segments.is_empty() && (whole - 1.0).abs() > 1e-9 {
        let message = format!("the segments are {:.6} % of all customers", 100.0 * whole);
        let hint = Some("let their shares sum to 100 %".to_owned());
        report.add_to_key(&at.key("segments"), message, hint);
        return None;
    }
    let segment = |(name, own): (&String, &SegmentSpec)| {
        let weight = own.price_weight.unwrap_or(spec.price_weight);
        Segment {
            name: name.clone(),
            share: own.share.0,
            elasticity: own.elasticity.unwrap_or(spec.elasticity),
            habit: days(own.habit.unwrap_or(spec.habit)),
            tastes: tastes(weight, own.worth.unwrap_or(spec.worth)),
            loyalty: weight * own.switching_cost.unwrap_or(spec.switching_cost),
            budgets: own.budget.or(spec.budget).map(budgets),
        }
    };
    Some(Customers {
        volume: spec.volume,
        reference_price: spec.reference_price,
        growth: spec.growth,
        volatility: spec.volatility,
        persistence: days(spec.persistence).max(1e-6),
        elasticity: spec.elasticity,
        habit: days(spec.habit),
        homing: match spec.homing {
            HomingSpec::Exclusive => Homing::Exclusive,
            HomingSpec::Overflow => Homing::Overflow,
            HomingSpec::Multi => Homing::Multi,
        },
        overflow_below: spec.overflow_below,
        tastes: tastes(spec.price_weight, spec.worth),
        nests: spec.nests.values().map(|nest| nest.0).collect(),
        loyalty: spec.price_weight * spec.switching_cost,
        budgets: spec.budget.map(budgets),
        segments: spec.segments.iter().map(segment).collect(),
    })
}

fn tastes(price_weight: f64, worth: WorthSpec) -> Weights {
    let WorthSpec {
        latency,
        failure_risk,
        trust,
        privacy,
    } = worth;
    Weights::from_worth(price_weight, latency, failure_risk, trust, privacy)
}

fn budgets(spec: BudgetSpec) -> Budgets {
    Budgets {
        median: spec.median,
        sigma: spec.sigma,
    }
}

fn economy(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    name: &str,
    spec: &EconomySpec,
    customers: Option<(&CustomersSpec, &Customers)>,
    requests: Option<&Requests>,
) -> Option<Economy> {
    let epoch = positive(report, &at.key("epoch"), spec.epoch.0);
    if spec.epoch.0 > LONGEST_EPOCH {
        let hint = Some("an hour to a week, such as `1 d`".to_owned());
        report.add(&at.key("epoch"), "an epoch lasts 31 days at most", hint);
    }
    let networks_at = at.key("networks");
    if spec.networks.is_empty() {
        report.add(&networks_at, "an economy needs at least one network", None);
    }
    let no_nests = Named::new();
    let names = Names {
        tables,
        networks: &spec.networks,
        makers: &spec.makers,
        pools: &spec.pools,
        nests: customers.map_or(&no_nests, |(spec, _)| &spec.nests),
        requests,
        reference: customers.map_or(1.0, |(spec, _)| spec.reference_price),
    };
    let networks: Vec<Option<Network>> = (spec.networks.iter())
        .map(|(name, spec)| network(report, names, &networks_at.key(name), name, spec))
        .collect();
    let pools_at = at.key("pools");
    let pools: Vec<Option<Owners>> = (spec.pools.iter())
        .map(|(name, spec)| pool(report, names, &pools_at.key(name), spec))
        .collect();
    let makers_at = at.key("makers");
    let makers: Vec<Option<Maker>> = (spec.makers.iter())
        .map(|(name, spec)| maker(report, &makers_at.key(name), *spec))
        .collect();
    let fidelity = match spec.fidelity {
        FidelitySpec::Fluid => Fidelity::Fluid,
        FidelitySpec::Jobs => Fidelity::Jobs,
    };
    let has_machines = spec
        .networks
        .values()
        .any(|network| network.platform.is_some());
    if fidelity == Fidelity::Jobs && !has_machines {
        let message = "no network of this economy has machines that could serve requests";
        let hint = "give one a `platform`, or leave `fidelity` out";
        report.add(&at.key("fidelity"), message, Some(hint.to_owned()));
    }
    let is_multi = customers.is_some_and(|(spec, _)| matches!(spec.homing, HomingSpec::Multi));
    for (name, spec) in &spec.networks {
        let seller = spec.seller.as_ref();
        if is_multi && seller.is_some_and(|seller| seller.contracts.is_some()) {
            let network = networks_at.key(name);
            let seller = network.key("seller");
            let message = "customers who send each piece of work elsewhere sign no contracts";
            let hint = Some("choose another `customers.homing`, or no `contracts`".to_owned());
            report.add_to_key(&seller.key("contracts"), message, hint);
        }
    }
    let shocks_at = at.key("shocks");
    let mut shocks: Vec<Shock> = Vec::new();
    for (name, spec) in &spec.shocks {
        shocks.extend(shock(report, names, &shocks_at.key(name), spec));
    }
    shocks.sort_by(|a, b| a.at.total_cmp(&b.at));
    let networks: Option<Vec<Network>> = networks.into_iter().collect();
    let makers: Option<Vec<Maker>> = makers.into_iter().collect();
    let pools: Option<Vec<Owners>> = pools.into_iter().collect();
    Some(Economy {
        name: name.to_owned(),
        epoch: epoch?,
        customers: customers?.1.clone(),
        networks: networks?,
        makers: makers?,
        pools: pools?,
        shocks,
        fidelity,
    })
}

/// Tells of platforms that no network works on.
fn idle_platforms(
    report: &mut Report,
    economies: &[(String, Option<EconomySpec>)],
    requests: Option<&Requests>,
) {
    let specs = economies.iter().filter_map(|(_, spec)| spec.as_ref());
    let networks = specs.flat_map(|spec| spec.networks.values());
    let named: Vec<&str> = networks
        .filter_map(|network| network.platform.as_deref())
        .collect();
    for platform in requests.iter().flat_map(|requests| &requests.platforms) {
        if !named.contains(&platform.name.as_str()) {
            let root = At::root("platforms");
            let message = format!("no network works on `{}`", platform.name);
            let hint = format!("give one `platform: {}`, or remove it", platform.name);
            report.add_to_key(&root.key(&platform.name), message, Some(hint));
        }
    }
}

/// The machines of a network, if it names any.
fn machines(
    report: &mut Report,
    at: &At<'_>,
    spec: &ProviderNetworkSpec,
    requests: Option<&Requests>,
) -> Option<Machines> {
    let Some(name) = &spec.platform else {
        if spec.goodput.is_some() {
            let message = "a flow without machines has no goodput of its own";
            let hint = Some("name the `platform` that it was measured on, or remove it".to_owned());
            report.add_to_key(&at.key("goodput"), message, hint);
        }
        return None;
    };
    if spec.owners.is_none() {
        let message = "machines need owners";
        let hint = Some("give the network `owners` in the place of a `seller`".to_owned());
        report.add(&at.key("platform"), message, hint);
    }
    let known = requests.map_or(&[][..], |requests| &requests.platforms);
    let Some(platform) = known.iter().find(|platform| platform.name == *name) else {
        // Platforms that were found wrong are reported already.
        if report
            .tree
            .get("platforms")
            .and_then(|all| all.get(name))
            .is_none()
        {
            let names = known.iter().map(|platform| platform.name.as_str());
            unknown(report, &at.key("platform"), "platform", name, names);
        }
        return None;
    };
    let root = At::root("platforms");
    let its = root.key(name);
    let before = report.issues.len();
    if !matches!(platform.pricing, Pricing::Economy { .. }) {
        let message = "the price of a network's work is found by its market";
        let hint = "write `pricing: {economy: {prompt_weight: 0.25}}`";
        report.add(&its.key("pricing"), message, Some(hint.to_owned()));
    }
    let none = Settlement {
        token_price: None,
        take_rate: Ppm::default(),
        burn: Ppm::default(),
        stake: Amount::ZERO,
        slash: Ppm::default(),
    };
    if platform.settlement != none {
        let message = "the money of a network is settled by its economy";
        let hint = "write `settlement: null`; take rate, token and stake are keys of the network";
        report.add(&its.key("settlement"), message, Some(hint.to_owned()));
    }
    for fleet in &platform.fleets {
        if let Size::Autoscaled(_) = fleet.size {
            let all = its.key("fleets");
            let message = "owners decide which nodes there are";
            let hint = Some("give the fleet a fixed number of `nodes`".to_owned());
            report.add(&all.key(&fleet.name).key("autoscale"), message, hint);
        }
    }
    let goodput = match &spec.goodput {
        None => Goodput::default(),
        Some(points) => report.check(&at.key("goodput"), Goodput::through(points.clone()))?,
    };
    let workload = requests.expect("there is a platform").workload.clone();
    (report.issues.len() == before).then(|| Machines {
        platform: platform.clone(),
        workload,
        goodput,
    })
}

fn maker(report: &mut Report, at: &At<'_>, spec: MakerSpec) -> Option<Maker> {
    let weeks = |duration: Duration| days(duration) / 7.0;
    let transit = weeks(spec.transit);
    let quoted = spec.quoted.map_or(transit, weeks);
    if quoted < transit {
        let hint = Some("`quoted` is the whole time from order to delivery".to_owned());
        report.add(
            &at.key("quoted"),
            "a lead time cannot be shorter than the transit that is part of it",
            hint,
        );
        return None;
    }
    Some(Maker::quoting(quoted, transit, spec.output))
}

fn shock(report: &mut Report, names: Names<'_>, at: &At<'_>, spec: &ShockSpec) -> Option<Shock> {
    let network = match &spec.network {
        None => Some(0),
        Some(name) => index(report, &at.key("network"), "network", name, names.networks),
    };
    let is_of_maker = matches!(spec.change, ChangeSpec::Output(_) | ChangeSpec::Orders(_));
    if is_of_maker != spec.maker.is_some() {
        let message = if is_of_maker {
            "this changes a maker, and none is named"
        } else {
            "this does not change a maker"
        };
        let hint = Some("`maker` goes with `output` and `orders`".to_owned());
        report.add(at, message, hint);
        return None;
    }
    let maker = match &spec.maker {
        None => 0,
        Some(name) => names.maker(report, &at.key("maker"), name)?,
    };
    let change = match spec.change {
        ChangeSpec::Demand(factor) => Change::Demand(factor),
        ChangeSpec::TokenPrice(factor) => {
            let befallen = names.networks.values().nth(network?);
            let token = befallen.and_then(|network| network.token.as_ref());
            if token.is_some_and(|token| bond(&token.price).is_some()) {
                let message = "a bonding curve makes the price of this token";
                let hint = "shock `demand` or `emission`, or choose another `price`".to_owned();
                let at = at.key("change");
                report.add_to_key(&at.key("token-price"), message, Some(hint));
            }
            Change::TokenPrice(factor)
        }
        ChangeSpec::Price(factor) => Change::Price(factor),
        ChangeSpec::RunningCost(factor) => Change::RunningCost(factor),
        ChangeSpec::Electricity(factor) => electricity(report, names, at, spec, network?, factor)?,
        ChangeSpec::Output(factor) => Change::Output { maker, factor },
        ChangeSpec::Orders(units) => Change::Orders { maker, units },
        ChangeSpec::Emission(factor) => Change::Emission(factor),
        ChangeSpec::Appeal(more) => Change::Appeal(more),
        ChangeSpec::Open(is_open) => Change::Open(is_open),
    };
    if spec.region.is_some() && !matches!(change, Change::Electricity { .. }) {
        let hint = Some("`region` goes with `electricity`".to_owned());
        report.add(&at.key("region"), "this does not change a region", hint);
    }
    Some(Shock {
        at: days(spec.at),
        network: network?,
        change,
    })
}

/// A change of the price of electricity in a region, or in all.
fn electricity(
    report: &mut Report,
    names: Names<'_>,
    at: &At<'_>,
    spec: &ShockSpec,
    network: usize,
    factor: f64,
) -> Option<Change> {
    let (name, network) = names.networks.get_index(network)?;
    let pool = network.pool.as_ref();
    let pool = pool.and_then(|pool| names.pools.get(&pool.of));
    let owners = network.owners.as_ref().or(pool);
    let Some(electricity) = owners.and_then(|owners| owners.electricity.as_ref()) else {
        let message = format!("owners of `{name}` have electricity in their running cost");
        let hint = Some("change `running-cost`, or give them `electricity`".to_owned());
        report.add(at, message, hint);
        return None;
    };
    let mut place = None;
    if let Some(region) = &spec.region {
        let at = at.key("region");
        place = Some(index(report, &at, "region", region, &electricity.regions)?);
    }
    Some(Change::Electricity { factor, place })
}

fn network(
    report: &mut Report,
    names: Names<'_>,
    at: &At<'_>,
    name: &str,
    spec: &ProviderNetworkSpec,
) -> Option<Network> {
    let market = market(spec.market);
    let machines = machines(report, at, spec, names.requests);
    let needs_token = |report: &mut Report, at: &At<'_>, stake: f64| {
        if stake > 0.0 && spec.token.is_none() {
            let message = "a stake is locked in tokens, and the network has none";
            let hint = Some("give it a `token`, or remove `stake`".to_owned());
            report.add(&at.key("stake"), message, hint);
        }
    };
    let supply = match (&spec.owners, &spec.pool, &spec.seller) {
        (Some(owners), None, None) => {
            let at = at.key("owners");
            needs_token(report, &at, owners.stake);
            if owners.moving.is_some() {
                let message = "these owners know no other network";
                let hint = "write them under `pools`, and name them with `pool`".to_owned();
                report.add(&at.key("moving"), message, Some(hint));
            }
            let nodes = spec.platform.as_ref().map(|_| nodes(machines.as_ref()));
            self::owners(report, names, &at, owners, nodes).map(Supply::Owners)
        }
        (None, Some(pool), None) => {
            let at = at.key("pool");
            needs_token(report, &at, pool.stake);
            index(report, &at.key("of"), "pool", &pool.of, names.pools).map(|index| {
                Supply::Pool(Membership {
                    pool: index,
                    online: pool.online.0,
                    stake: pool.stake,
                    lock: days(pool.lock),
                })
            })
        }
        (None, None, Some(seller)) => {
            let at = at.key("seller");
            self::seller(report, names, &at, seller, spec.market).map(Supply::Seller)
        }
        (owners, pool, seller) => {
            let written = [owners.is_some(), pool.is_some(), seller.is_some()];
            let found = match written.iter().filter(|is_written| **is_written).count() {
                0 => "none",
                1 | 2 => "two",
                _ => "all",
            };
            let message = format!("expected one of `owners`, `pool` and `seller`, found {found}");
            report.add(at, message, None);
            None
        }
    };
    let token = match &spec.token {
        None => None,
        Some(spec) => Some(token(report, &at.key("token"), spec)?),
    };
    let verification = match &spec.verification {
        None => None,
        Some(verification) => {
            let at = at.key("verification");
            if spec.seller.is_some() {
                let message = "one seller has nobody who would cheat on the others";
                let hint = Some("`verification` is for networks with `owners`".to_owned());
                report.add(&at, message, hint);
            }
            positive(report, &at.key("memory"), verification.memory.0)?;
            Some(self::verification(verification))
        }
    };
    let creators = match &spec.creators {
        None => None,
        Some(creators) => Some(self::creators(report, &at.key("creators"), creators, spec)?),
    };
    let validators = match &spec.validators {
        None => None,
        Some(validators) => {
            let at = at.key("validators");
            Some(self::validators(report, &at, validators, spec)?)
        }
    };
    let deals = match &spec.deals {
        None => None,
        Some(deals) => Some(self::deals(report, &at.key("deals"), deals, spec)?),
    };
    let announced = market.quote().map(|quote| quote.as_f64() * 1e3);
    Some(Network {
        name: name.to_owned(),
        offer: Offer {
            price: 0.0,
            latency: spec.quality.latency.0,
            failure_risk: spec.quality.failure_risk.0,
            trust: spec.quality.trust.0,
            privacy: spec.quality.privacy.0,
            appeal: spec.appeal,
        },
        nest: match &spec.nest {
            None => None,
            Some(name) => Some(index(report, &at.key("nest"), "nest", name, names.nests)?),
        },
        is_open: spec.open,
        supply: supply?,
        initial_price: spec.initial_price.or(announced).unwrap_or(names.reference),
        market,
        take_rate: ppm(spec.take_rate),
        upkeep: spec.upkeep,
        treasury: spec.treasury,
        verification,
        creators,
        validators,
        deals,
        token,
        machines,
    })
}

/// How many nodes machines have; one if they were found wrong.
fn nodes(machines: Option<&Machines>) -> u32 {
    let fleets = machines.map_or(&[][..], |machines| &machines.platform.fleets);
    fleets
        .iter()
        .map(|fleet| fleet.size.max())
        .sum::<u32>()
        .max(1)
}

fn creators(
    report: &mut Report,
    at: &At<'_>,
    spec: &CreatorsSpec,
    network: &ProviderNetworkSpec,
) -> Option<Creators> {
    positive(report, &at.key("memory"), spec.memory.0)?;
    if let Some(fashion) = spec.fashion {
        positive(report, &at.key("fashion"), fashion.0)?;
    }
    if spec.share.0 + network.take_rate.0 > 1.0 {
        let message = "creators and the protocol together keep more than all that is paid";
        let hint = Some("100 % at most, with `take_rate`".to_owned());
        report.add(&at.key("share"), message, hint);
        return None;
    }
    let payment = network.token.as_ref().map(|token| token.payment);
    if spec.share.0 > 0.0 && matches!(payment, Some(PaymentSpec::BurnAndMint { .. })) {
        let message = "what customers pay is burned, and nothing of it is left for creators";
        let hint = Some("`token.to_creators` gives them new tokens".to_owned());
        report.add(&at.key("share"), message, hint);
        return None;
    }
    let at = at.key("rule");
    let rule = match spec.rule {
        RewardSpec::Usage => Reward::Usage,
        RewardSpec::Popularity { alpha } => Reward::Popularity { alpha },
        RewardSpec::Retroactive { every, error } => {
            positive(report, &at.key("retroactive").key("every"), every.0)?;
            let every = days(every);
            Reward::Retroactive { every, error }
        }
        RewardSpec::Quadratic {
            every,
            givers,
            gift,
        } => {
            positive(report, &at.key("quadratic").key("every"), every.0)?;
            let every = days(every);
            Reward::Quadratic {
                every,
                givers,
                gift,
            }
        }
    };
    Some(Creators {
        models: spec.models,
        arrivals: spec.arrivals,
        popularity: spec.popularity,
        quality: spec.quality,
        care: spec.care,
        fashion: spec.fashion.map_or(f64::INFINITY, days),
        upkeep: spec.upkeep,
        trial: days(spec.trial),
        memory: days(spec.memory),
        share: ppm(spec.share),
        rule,
        derived: spec.derived.0,
        royalty: ppm(spec.royalty),
        resale: spec.resale,
        variety: spec.variety,
    })
}

/// A pledge for a thousandth of a unit that nobody could pay [base units].
const ANY_PLEDGE: u128 = 1 << 60;

fn deals(
    report: &mut Report,
    at: &At<'_>,
    spec: &DealsSpec,
    network: &ProviderNetworkSpec,
) -> Option<Deals> {
    let own = network.owners.as_ref().map(|owners| owners.stake);
    let stake = own.or(network.pool.as_ref().map(|pool| pool.stake));
    let problems = [
        (
            network.seller.is_some(),
            "deals are kept by owners who pledge for them",
            "give the network `owners` in the place of a `seller`",
        ),
        (
            network.token.is_none(),
            "pledges are locked in tokens, and the network has none",
            "give it a `token`, or remove `deals`",
        ),
        (
            network.platform.is_some(),
            "requests are no deals",
            "remove `deals` or `platform`",
        ),
        (
            network.validators.is_some(),
            "validators do not weigh what is kept by deals",
            "remove `deals` or `validators`",
        ),
        (
            stake.is_some_and(|stake| stake > 0.0),
            "the stake of these owners is the pledge of their deals",
            "remove `stake`, or set it to 0 if it is inherited",
        ),
    ];
    if let Some((_, message, hint)) = problems.into_iter().find(|(is_wrong, ..)| *is_wrong) {
        report.add(at, message, Some(hint.to_owned()));
        return None;
    }
    positive(report, &at.key("term"), spec.term.0)?;
    let FaultsSpec {
        probability,
        lasts,
        until,
        fee,
    } = spec.faults;
    if lasts.0 < DAY {
        let at = at.key("faults");
        let hint = Some("proofs are due once a day: `1 d` at least".to_owned());
        let message = "a fault cannot be over before the next proof";
        report.add(&at.key("lasts"), message, hint);
        return None;
    }
    let PledgeSpec {
        rewards,
        supply,
        most,
        terminated,
        least,
    } = spec.pledge;
    let permille = |share: Share| (share.0 * 1e3).round() as u64;
    Some(Deals {
        term: days(spec.term),
        collateral: Collateral {
            pledge_days: days(rewards).round() as u64,
            lock_target: permille(supply),
            per_byte: most.map_or(ANY_PLEDGE, |most| (most * 1e6) as u128),
            fault_hundredths: (days(fee) * 100.0).round() as u64,
            termination: permille(terminated),
            termination_least: permille(least),
            ..Collateral::default()
        },
        faults: Faults {
            probability: probability.0,
            lasts: days(lasts),
            until: days(until),
        },
    })
}

/// More weights than this take minutes a year.
const MOST_WEIGHTS: f64 = 1e7;

fn validators(
    report: &mut Report,
    at: &At<'_>,
    spec: &ValidatorsSpec,
    network: &ProviderNetworkSpec,
) -> Option<Validators> {
    let Some(owners) = &network.owners else {
        let message = "validators divide what is for owners of this network alone";
        let hint = Some("give it `owners` in the place of a `pool` or `seller`".to_owned());
        report.add(at, message, hint);
        return None;
    };
    let Some(token) = &network.token else {
        let message = "validators divide new tokens, and the network has none";
        let hint = Some("give it a `token`, or remove `validators`".to_owned());
        report.add(at, message, hint);
        return None;
    };
    if token.staking.is_some() {
        let message = "what stake earns here is the dividends of validators";
        let hint = Some("remove `token.staking`, or set it to null if it is inherited".to_owned());
        report.add(at, message, hint);
        return None;
    }
    let potential = f64::from(owners.potential.unwrap_or(1));
    if f64::from(spec.count) * potential > MOST_WEIGHTS {
        let most = (MOST_WEIGHTS / potential).floor();
        let message = format!(
            "{} validators would weigh {potential} owners each",
            spec.count
        );
        let hint = Some(format!("{most} at most for so many owners"));
        report.add(&at.key("count"), message, hint);
        return None;
    }
    let colluding = spec.colluding.map_or(0.0, |some| some.stake.0);
    if spec.count == 1 && colluding > 0.0 && colluding < 1.0 {
        let message = "one validator cannot be both honest and not";
        let hint = Some("two at least, or all of the stake".to_owned());
        report.add(&at.key("count"), message, hint);
        return None;
    }
    positive(report, &at.key("every"), spec.every.0)?;
    let stakes = spec.stakes.unwrap_or(AmountLaw::Constant(1.0));
    let of_u16 = |share: Share| (share.0 * f64::from(u16::MAX)).floor() as u16;
    Some(Validators {
        count: spec.count,
        stakes: amounts(report, &at.key("stakes"), stakes)?,
        noise: spec.noise,
        colluding,
        allies: spec.colluding.map_or(0.0, |some| some.owners.0),
        dividends: ppm(spec.dividends),
        every: days(spec.every),
        rules: Yuma {
            kappa: of_u16(spec.kappa),
            bonds_penalty: of_u16(spec.bonds_penalty),
            bonds_kept: (spec.bonds_kept.0 * 1e6).round() as u32,
            bonds: match spec.bonds {
                BondsSpec::Shared => Bonds::Shared,
                BondsSpec::Own => Bonds::Own,
                BondsSpec::Liquid {
                    slow,
                    fast,
                    steepness,
                } => Bonds::Liquid {
                    low: of_u16(slow),
                    high: of_u16(fast),
                    steepness: (steepness * 100.0).round() as i16,
                },
            },
        },
    })
}

fn verification(spec: &VerificationSpec) -> Verification {
    Verification {
        opportunists: spec.opportunists.0,
        saves: spec.saves.0,
        job: spec.job,
        checked: spec.checked.0,
        finds: spec.finds.0,
        cost: spec.cost,
        slashed: ppm(spec.slashed),
        to_treasury: ppm(spec.to_treasury),
        barred: days(spec.barred),
        memory: days(spec.memory),
    }
}

fn amounts(report: &mut Report, at: &At<'_>, law: AmountLaw) -> Option<Dist> {
    let dist = match law {
        AmountLaw::Constant(value) => Dist::constant(value),
        AmountLaw::Drawn(DrawnAmount::Uniform { low, high }) => Dist::uniform(low, high),
        AmountLaw::Drawn(DrawnAmount::Lognormal { median, sigma }) => {
            Dist::lognormal(walras_des::math::ln(median), sigma)
        }
    };
    report.check(at, dist)
}

/// Owners, of whom there are as many as nodes if these are modelled.
fn owners(
    report: &mut Report,
    names: Names<'_>,
    at: &At<'_>,
    spec: &OwnersSpec,
    nodes: Option<u32>,
) -> Option<Owners> {
    let mut own = |key: &str, is_written: bool| {
        if nodes.is_some() && is_written {
            let message =
                format!("`{key}` of these owners is what the nodes of their platform make it");
            report.add_to_key(&at.key(key), message, Some("remove it".to_owned()));
        } else if nodes.is_none() && !is_written {
            let message = format!("missing key `{key}`");
            let hint = Some("give it, or the network a `platform`".to_owned());
            report.add(at, message, hint);
        }
    };
    own("potential", spec.potential.is_some());
    own("capacity", spec.capacity.is_some());
    own("running_cost", spec.running_cost.is_some());
    let nothing = AmountLaw::Constant(1.0);
    let capacity = spec.capacity.unwrap_or(nothing);
    let capacity = amounts(report, &at.key("capacity"), capacity);
    let running_cost = spec.running_cost.unwrap_or(nothing);
    let running_cost = amounts(report, &at.key("running_cost"), running_cost);
    let review = positive(report, &at.key("review"), spec.review.0);
    let memory = positive(report, &at.key("memory"), spec.memory.0);
    let hardware_at = at.key("hardware");
    let hardware = spec.hardware.as_ref();
    let (lead_time, maker) = match hardware {
        None => (0.0, None),
        Some(hardware) => {
            positive(report, &hardware_at.key("payback"), hardware.payback.0)?;
            if hardware.buyers.0 + hardware.idle_anyway.0 > 1.0 {
                let message = "buyers and owners whose machine is on anyway are more than all";
                let hint = Some("100 % at most, with `buyers`".to_owned());
                report.add(&hardware_at.key("idle_anyway"), message, hint);
            }
            let HardwareSpec {
                lead_time, maker, ..
            } = hardware;
            delivery(
                report,
                names,
                &hardware_at,
                *lead_time,
                maker.as_deref(),
                0.0,
            )?
        }
    };
    let places = match &spec.electricity {
        None => Some(Vec::new()),
        Some(spec) => places(report, names, &at.key("electricity"), spec),
    };
    let share = |of: fn(&HardwareSpec) -> Share| hardware.map_or(0.0, |hardware| of(hardware).0);
    let electricity = spec.electricity.as_ref();
    let in_days = |span: Span| span.as_secs_f64() / DAY;
    let moving = moving(report, &at.key("moving"), spec.moving);
    Some(Owners {
        potential: nodes.or(spec.potential).unwrap_or(1),
        online: spec.online.0,
        capacity: capacity?,
        running_cost: running_cost?,
        buyers: share(|hardware| hardware.buyers),
        idle_anyway: share(|hardware| hardware.idle_anyway),
        machine: Machine {
            price: hardware.map_or(0.0, |hardware| hardware.price),
            resale: share(|hardware| hardware.resale),
            depreciation: share(|hardware| hardware.depreciation),
            busy: electricity.map_or(0.0, |electricity| electricity.busy),
            idle: electricity.map_or(0.0, |electricity| electricity.idle),
        },
        payback: hardware.map_or(1.0, |hardware| days(hardware.payback)),
        lead_time,
        maker,
        places: places?,
        review: in_days(review?),
        memory: in_days(memory?),
        delay: days(spec.delay),
        timing: timing(report, at, spec)?,
        risk_aversion: spec.risk_aversion,
        sells: match spec.sells {
            SellsSpec::All => Sells::Share(1.0),
            SellsSpec::Bill => Sells::Bill,
            SellsSpec::Share(share) => Sells::Share(share.0),
        },
        stake: spec.stake,
        stake_return: spec.stake_return.0,
        lock: days(spec.lock),
        moving: moving?,
    })
}

/// Owners of a single network go nowhere else, whatever it costs.
fn moving(report: &mut Report, at: &At<'_>, spec: Option<MovingSpec>) -> Option<Moving> {
    let cost = match spec.and_then(|spec| spec.cost) {
        None => report.check(at, Dist::constant(0.0)),
        Some(cost) => amounts(report, &at.key("cost"), cost),
    };
    Some(Moving {
        cost: cost?,
        within: spec.map_or(1.0, |spec| days(spec.within)),
        downtime: spec.map_or(0.0, |spec| days(spec.downtime)),
    })
}

/// Owners whom several networks share.
fn pool(report: &mut Report, names: Names<'_>, at: &At<'_>, spec: &OwnersSpec) -> Option<Owners> {
    for (key, is_written) in [
        ("online", spec.online.0 > 0.0),
        ("stake", spec.stake > 0.0),
        ("lock", spec.lock.0 > 0.0),
    ] {
        if is_written {
            let message = format!("`{key}` differs between the networks that share a pool");
            let hint = Some(format!("write it there: `pool: {{of: …, {key}: …}}`"));
            report.add(&at.key(key), message, hint);
            return None;
        }
    }
    owners(report, names, at, spec, None)
}

fn timing(report: &mut Report, at: &At<'_>, spec: &OwnersSpec) -> Option<Timing> {
    let Some(dixit) = spec.dixit else {
        return Some(Timing::Factors {
            join_above: spec.join_above.unwrap_or(1.2),
            leave_below: spec.leave_below.map_or(0.8, |share| share.0),
        });
    };
    for (key, is_given) in [
        ("join_above", spec.join_above.is_some()),
        ("leave_below", spec.leave_below.is_some()),
    ] {
        if is_given {
            let message = format!("owners come and go by `dixit` or by `{key}`, not by both");
            let hint = Some(format!(
                "remove `{key}`, or set it to null if it is inherited"
            ));
            report.add(&at.key(key), message, hint);
            return None;
        }
    }
    if dixit.drift >= dixit.discount {
        let message =
            "earnings cannot be expected to grow as fast as they are discounted, or faster";
        let hint = Some(format!("a `drift` below {}", dixit.discount));
        report.add(&at.key("dixit").key("drift"), message, hint);
        return None;
    }
    Some(Timing::Dixit {
        discount: dixit.discount,
        drift: dixit.drift,
        volatility: dixit.volatility,
    })
}

/// Lead time and maker, of which one may be given.
fn delivery(
    report: &mut Report,
    names: Names<'_>,
    at: &At<'_>,
    lead_time: Option<Duration>,
    maker: Option<&str>,
    default: f64,
) -> Option<(f64, Option<usize>)> {
    let Some(maker) = maker else {
        return Some((lead_time.map_or(default, days), None));
    };
    if lead_time.is_some() {
        let message = "the maker's queue says when hardware comes";
        let hint = Some("remove `lead_time`, or set it to null if it is inherited".to_owned());
        report.add(&at.key("lead_time"), message, hint);
        return None;
    }
    let maker = names.maker(report, &at.key("maker"), maker)?;
    Some((0.0, Some(maker)))
}

fn places(
    report: &mut Report,
    names: Names<'_>,
    at: &At<'_>,
    spec: &ElectricitySpec,
) -> Option<Vec<Place>> {
    if spec.price.is_some() != spec.regions.is_empty() {
        let found = if spec.price.is_some() {
            "both"
        } else {
            "neither"
        };
        let message = format!("expected one of `price` and `regions`, found {found}");
        report.add(at, message, None);
        return None;
    }
    if let Some(price) = spec.price {
        if spec.exchange.0 > 0.0 {
            let hint = Some("give `regions` instead of `price`".to_owned());
            report.add(
                &at.key("exchange"),
                "there is no exchange without a region",
                hint,
            );
        }
        let tariff = Tariff::flat(price);
        return Some(vec![Place {
            weight: 1.0,
            tariff,
        }]);
    }
    let known = &names.tables.catalog.geography.regions;
    let at = at.key("regions");
    let mut places = Vec::new();
    for (name, weight) in &spec.regions {
        let region = index(report, &at.key(name), "region", name, known)?;
        let region = &known[region];
        let profile = match name.as_str() {
            "eu-central" => Some(DayAhead::GERMANY),
            "us-south" => Some(DayAhead::TEXAS),
            "ap-northeast" => Some(DayAhead::TOKYO),
            "ap-southeast" => Some(DayAhead::NEW_SOUTH_WALES),
            _ => None,
        };
        if profile.is_none() && spec.exchange.0 > 0.0 {
            let message = format!("no prices of an exchange are known for `{name}`");
            let hint = "known are those of eu-central, us-south, ap-northeast and ap-southeast";
            report.add(&at.key(name), message, Some(hint.to_owned()));
        }
        places.push(Place {
            weight: weight.0,
            tariff: Tariff {
                usd_per_kwh: region.electricity_usd_per_kwh,
                exchange_share: spec.exchange.0,
                profile: profile.unwrap_or(DayAhead::FLAT),
                utc_offset: region.utc_offset_h,
            },
        });
    }
    Some(places)
}

fn seller(
    report: &mut Report,
    names: Names<'_>,
    at: &At<'_>,
    spec: &SellerSpec,
    market: MarketSpec,
) -> Option<Seller> {
    if spec.target.0 <= 0.0 {
        let hint = Some("for example `70 %`".to_owned());
        report.add(
            &at.key("target"),
            "no hardware is enough to be used to 0 %",
            hint,
        );
        return None;
    }
    if spec.follows.is_some() && !matches!(market, MarketSpec::Posted { .. }) {
        let message = "only a posted price can follow others";
        let hint = Some("`market: {posted: {price: …}}`, or no `follows`".to_owned());
        report.add(&at.key("follows"), message, hint);
        return None;
    }
    let mut follows = None;
    if let Some(spec) = spec.follows {
        let at = at.key("follows");
        positive(report, &at.key("half_life"), spec.half_life.0)?;
        follows = Some(Following {
            multiple: spec.multiple,
            half_life: days(spec.half_life),
            floor: spec.floor,
        });
    }
    let mut contracts = None;
    if let Some(spec) = spec.contracts {
        let at = at.key("contracts");
        if !matches!(market, MarketSpec::Posted { .. }) {
            let message = "contracts need a posted price, of which they take a part off";
            let hint = Some("`market: {posted: {price: …}}`, or no `contracts`".to_owned());
            report.add_to_key(&at, message, hint);
            return None;
        }
        if spec.discount.0 >= 1.0 {
            let hint = Some("below 100 %".to_owned());
            report.add(
                &at.key("discount"),
                "everything would be reserved for nothing",
                hint,
            );
            return None;
        }
        positive(report, &at.key("term"), spec.term.0)?;
        contracts = Some(Contracts {
            menu: Menu {
                on_demand: 1.0,
                reserved_discount: spec.discount.0,
                term: spec.term.0 / YEAR,
                spot_floor: spec.spot_floor.0,
                spot_exponent: spec.spot_exponent,
            },
            variation: spec.variation,
            interruptible: spec.interruptible.0,
        });
    }
    let maker = spec.maker.as_deref();
    let (lead_time, maker) = delivery(report, names, at, spec.lead_time, maker, 182.0)?;
    Some(Seller {
        capacity: spec.capacity,
        cost: spec.cost,
        target: spec.target.0,
        lead_time,
        maker,
        follows,
        contracts,
    })
}

/// Base units for a thousandth of a unit, which is what markets trade.
fn money(usd: f64) -> Amount {
    Amount(((usd * 1e6).round() as i128).max(1))
}

fn market(spec: MarketSpec) -> Mechanism {
    match spec {
        MarketSpec::Posted { price } => Posted {
            price: money(price),
        }
        .into(),
        MarketSpec::Surge {
            initial,
            sensitivity,
            target,
            floor,
            ceiling,
        } => Surge {
            price: initial * 1e6,
            sensitivity,
            target: target.0,
            floor: money(floor),
            ceiling: money(ceiling.max(floor)),
        }
        .into(),
        MarketSpec::BaseFee {
            initial,
            target,
            denominator,
            floor,
            burn,
        } => Eip1559 {
            fee: money(initial),
            floor: money(floor),
            target: ppm(target),
            denominator,
            burn: ppm(burn),
            tip: Amount::ZERO,
        }
        .into(),
        MarketSpec::BlobFee {
            initial,
            target,
            rise,
        } => {
            let target = (target * 1e3).round().max(1.0);
            // A day with twice the target raises the excess by one target, and the fee by e^(target / fraction).
            let fraction = (target / walras_des::math::ln_1p(rise.0.max(1e-6))).round();
            let excess = fraction * walras_des::math::ln(money(initial).0 as f64);
            BlobFee {
                schedule: blob_fee::Schedule {
                    gas_per_unit: 1,
                    target: target as u64,
                    max: u64::MAX,
                    update_fraction: fraction as u64,
                    min_fee: 1,
                },
                excess: excess as u64,
                reserve: Amount::ZERO,
                burn: Ppm::default(),
            }
            .into()
        }
        MarketSpec::UniformPrice => UniformPrice::default().into(),
        MarketSpec::KDouble { k } => KDouble { k: ppm(k) }.into(),
        MarketSpec::Mcafee => McAfee.into(),
        MarketSpec::TradeReduction => TradeReduction.into(),
        MarketSpec::Vcg => Vcg.into(),
        MarketSpec::FirstPrice => FirstPrice.into(),
        MarketSpec::Vickrey => Vickrey.into(),
        MarketSpec::ReverseAuction => ReverseAuction {
            most_bids: usize::MAX,
            ..ReverseAuction::default()
        }
        .into(),
        MarketSpec::OrderBook => DayOrders.into(),
    }
}

/// What sets the number of new tokens of a day. Schedules count in whole days.
fn emission(report: &mut Report, at: &At<'_>, spec: &EmissionSpec) -> Option<Rule> {
    let whole = |report: &mut Report, at: &At<'_>, duration: Duration| {
        let days = days(duration).round();
        if days < 1.0 {
            let hint = Some("for example `1 y`".to_owned());
            report.add(at, "a schedule counts in whole days", hint);
            return None;
        }
        Some(days as u64)
    };
    let schedule = match *spec {
        EmissionSpec::None => Schedule::Fixed(Amount::ZERO),
        EmissionSpec::Constant { per_day } => Schedule::Fixed(Amount::from_f64(per_day)),
        EmissionSpec::Halving { per_day, every } => Schedule::Halving {
            initial: Amount::from_f64(per_day),
            every: whole(report, &at.key("halving").key("every"), every)?,
        },
        EmissionSpec::Decay { per_day, half_life } => {
            let at = at.key("decay");
            let half_life = whole(report, &at.key("half_life"), half_life)?;
            // The rate at the start, over ln 2 / half-life.
            let total = per_day * half_life as f64 / std::f64::consts::LN_2;
            if total > MOST_TOKENS {
                let message = format!("this mints {total:.1e} tokens in all, more than 1e15");
                let hint = Some("fewer a day, or a shorter half-life".to_owned());
                report.add(&at.key("per_day"), &message, hint);
                return None;
            }
            Schedule::Exponential {
                total: Amount::from_f64(total),
                half_life,
            }
        }
        EmissionSpec::Exponential { total, half_life } => Schedule::Exponential {
            total: Amount::from_f64(total),
            half_life: whole(report, &at.key("exponential").key("half_life"), half_life)?,
        },
        EmissionSpec::Steps {
            per_day,
            keep,
            every,
        } => Schedule::Decay {
            initial: Amount::from_f64(per_day),
            keep: ((keep.0 * 1e6).round() as u64, 1_000_000),
            every: whole(report, &at.key("steps").key("every"), every)?,
        },
        EmissionSpec::Table { ref years } => {
            let table = at.key("table");
            let at = table.key("years");
            let is_right = |tokens: &f64| (0.0..=MOST_TOKENS).contains(tokens);
            if let Some(wrong) = years.iter().find(|tokens| !is_right(tokens)) {
                let message = format!("expected tokens from 0 to 1e15, found {wrong}");
                report.add(&at, &message, None);
                return None;
            }
            Schedule::Table {
                years: years.iter().map(|&year| Amount::from_f64(year)).collect(),
                periods: 365,
            }
        }
        EmissionSpec::Baseline {
            simple,
            baseline,
            half_life,
            initial,
            doubling,
        } => {
            let at = at.key("baseline");
            let half_life = whole(report, &at.key("half_life"), half_life)?;
            let doubling = whole(report, &at.key("doubling"), doubling)?;
            let simple = Schedule::Exponential {
                total: Amount::from_f64(simple),
                half_life,
            };
            let baseline = Baseline {
                total: Amount::from_f64(baseline),
                half_life,
                initial,
                growth: std::f64::consts::LN_2 / doubling as f64,
                realized: 0.0,
            };
            return Some(Rule::Baseline(simple, baseline));
        }
        EmissionSpec::Stake { factor } => {
            return Some(Rule::Stake(EthereumIssuance {
                factor,
                ..EthereumIssuance::default()
            }));
        }
        EmissionSpec::Bonding {
            inflation,
            change,
            target,
        } => {
            let parts = |share: Share| (share.0 * PERC_DIVISOR as f64).round() as u64;
            return Some(Rule::Bonding(Minter {
                inflation: parts(inflation),
                change: parts(change),
                target: parts(target),
            }));
        }
        EmissionSpec::Cap { per_day, tokens } => {
            return Some(Rule::Cap {
                initial: Amount::from_f64(per_day),
                cap: Amount::from_f64(tokens),
            });
        }
    };
    Some(Rule::Schedule(schedule))
}

/// The model of a token's price.
fn price(report: &mut Report, at: &At<'_>, spec: &TokenPriceSpec) -> Option<PriceModel> {
    let mut is_right = true;
    let mut needs = |report: &mut Report, at: &At<'_>, duration: Duration| {
        is_right &= positive(report, at, duration.0).is_some();
    };
    let model = match *spec {
        TokenPriceSpec::Fixed => PriceModel::Fixed,
        TokenPriceSpec::Gbm { drift, volatility } => PriceModel::Gbm(Gbm { drift, volatility }),
        TokenPriceSpec::JumpDiffusion {
            drift,
            volatility,
            rate,
            jump_mean,
            jump_deviation,
        } => PriceModel::JumpDiffusion(JumpDiffusion {
            drift,
            volatility,
            rate,
            jump_mean,
            jump_deviation,
        }),
        TokenPriceSpec::OrnsteinUhlenbeck {
            level,
            half_life,
            volatility,
        } => {
            let at = at.key("ornstein-uhlenbeck");
            needs(report, &at.key("half_life"), half_life);
            PriceModel::OrnsteinUhlenbeck(OrnsteinUhlenbeck {
                level,
                half_life: half_life.0 / YEAR,
                volatility,
            })
        }
        TokenPriceSpec::PresentValue {
            discount,
            horizon,
            captured,
            memory,
            most_growth,
            emission_half_life,
        } => {
            let at = at.key("present-value");
            needs(report, &at.key("horizon"), horizon);
            needs(report, &at.key("memory"), memory);
            let falls = emission_half_life.map(|time| {
                needs(report, &at.key("emission_half_life"), time);
                time.0 / YEAR
            });
            PriceModel::PresentValue(PresentValue {
                discount,
                horizon: horizon.0 / YEAR,
                captured: captured.0,
                memory: memory.0 / YEAR,
                most_growth,
                emission_half_life: falls.unwrap_or(f64::INFINITY),
            })
        }
        TokenPriceSpec::Traders {
            value_volatility,
            noise,
            depth,
        } => {
            let usual = Traders::default();
            PriceModel::Traders(Box::new(Traders {
                fundamental: PriceModel::Gbm(Gbm {
                    drift: 0.0,
                    volatility: value_volatility,
                }),
                noise: usual.noise.map(|usual| usual * noise),
                depth: depth.unwrap_or(f64::INFINITY),
                ..usual
            }))
        }
        TokenPriceSpec::Exchange {
            holding,
            memory,
            response,
        } => {
            let at = at.key("exchange");
            needs(report, &at.key("holding"), holding);
            needs(report, &at.key("memory"), memory);
            PriceModel::Exchange(Exchange {
                holding: holding.0 / YEAR,
                memory: memory.0 / YEAR,
                response,
            })
        }
        TokenPriceSpec::OrderFlow {
            depth,
            fee,
            average,
            ref outside,
        } => {
            let at = at.key("order-flow");
            let at = at.key("outside");
            let there = outside.as_ref().map(|spec| {
                let model = price(report, &at.key("price"), &spec.price)?;
                let is_moved = matches!(spec.price, TokenPriceSpec::OrderFlow { .. });
                if is_moved || matches!(spec.price, TokenPriceSpec::BondingCurve { .. }) {
                    let hint = Some("for example `{gbm: {volatility: 0.8}}`".to_owned());
                    let message = "the network would move this market, too";
                    report.add(&at.key("price"), message, hint);
                    return None;
                }
                Some(Box::new(Outside {
                    model,
                    fee: spec.fee.0,
                    half_life: spec.half_life.0 / YEAR,
                }))
            });
            PriceModel::OrderFlow(OrderFlow {
                depth,
                fee: fee.0,
                average: average.0 / YEAR,
                outside: match there {
                    None => None,
                    Some(outside) => Some(outside?),
                },
            })
        }
        // The curve makes it.
        TokenPriceSpec::BondingCurve { reserve_ratio, .. } => {
            if reserve_ratio.0 <= 0.0 {
                let at = at.key("bonding-curve");
                let message = "nothing would stand behind the token";
                let hint = Some("above zero, for example `20 %`".to_owned());
                report.add(&at.key("reserve_ratio"), message, hint);
                return None;
            }
            PriceModel::Fixed
        }
    };
    is_right.then_some(model)
}

/// The curve that issues a token, if one does.
fn bond(spec: &TokenPriceSpec) -> Option<Bond> {
    match *spec {
        TokenPriceSpec::BondingCurve {
            reserve_ratio,
            entry,
            exit,
        } => Some(Bond {
            weight: reserve_ratio.0,
            entry: ppm(entry),
            exit: ppm(exit),
        }),
        _ => None,
    }
}

fn token(report: &mut Report, at: &At<'_>, spec: &TokenSpec) -> Option<Token> {
    let mut is_right = true;
    let mut needs = |report: &mut Report, at: &At<'_>, duration: Duration| {
        is_right &= positive(report, at, duration.0).is_some();
        days(duration)
    };
    let emission = emission(report, &at.key("emission"), &spec.emission);
    let price = price(report, &at.key("price"), &spec.price);
    let genesis_at = at.key("genesis");
    let mut genesis = Vec::new();
    for (name, spec) in &spec.genesis {
        let at = genesis_at.key(name);
        let step = spec.step.unwrap_or(Duration(1.0));
        needs(report, &at.key("step"), step);
        genesis.push(Allotment {
            holder: match spec.holder {
                HolderSpec::Public => Holder::Public,
                HolderSpec::Insiders => Holder::Insiders,
                HolderSpec::Treasury => Holder::Treasury,
            },
            tokens: Amount::from_f64(spec.tokens),
            cliff: spec.cliff.0.round() as u64,
            vesting: Vesting {
                cliff: 0,
                period: spec.vesting.0.round() as u64,
                step: (step.0.round() as u64).max(1),
            },
            sold: ppm(spec.sold),
        });
    }
    if spec.to_treasury.0 + spec.to_creators.0 > 1.0 {
        let message = "treasury and creators together get more than all new tokens";
        report.add(
            &at.key("to_creators"),
            message,
            Some("100 % at most, with `to_treasury`".to_owned()),
        );
        return None;
    }
    let mut staking = None;
    if let Some(spec) = &spec.staking {
        let at = at.key("staking");
        needs(report, &at.key("response"), spec.response);
        if spec.wanted_yield.0 <= 0.0 {
            let message = "who wants nothing delegates all there is";
            let hint = Some("for example `5 %`".to_owned());
            report.add(&at.key("wanted_yield"), message, hint);
            return None;
        }
        staking = Some(Staking {
            rewards: ppm(spec.rewards),
            delegated: ppm(spec.delegated),
            wanted: spec.wanted_yield.0,
            response: days(spec.response),
            commission: ppm(spec.commission),
        });
    }
    let (emission, price) = (emission?, price?);
    is_right.then(|| Token {
        initial_price: spec.initial_price,
        price,
        bond: bond(&spec.price),
        genesis,
        emission: Emission {
            rule: emission,
            least: Amount::from_f64(spec.tail),
        },
        to_treasury: ppm(spec.to_treasury),
        to_creators: ppm(spec.to_creators),
        staking,
        payment: match spec.payment {
            PaymentSpec::Dollars => Payment::Dollars,
            PaymentSpec::Tokens => Payment::Tokens,
            PaymentSpec::BurnAndMint {
                burned,
                minted_again,
            } => Payment::BurnAndMint {
                burned: ppm(burned),
                minted_again: Amount::from_f64(minted_again),
            },
        },
        buy_back: ppm(spec.buy_back),
    })
}
