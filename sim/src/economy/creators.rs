//! Creators: whose models the work runs on, how they are paid, and who stays.
//!
//! Work names models in proportion to popularity times quality. Popularity has a Pareto tail, so that sorted by rank it is Zipf's law;
//! it fades with age. What creators get is a pot, by one of the rules of [`crate::token::rewards`], and a model may owe a share of it to
//! the one that it was built upon. Each model is a deed, which can be sold: who owns it earns with it, and its creator keeps a royalty.
//! A model goes offline when it earns less than it costs; others come while models earn more than they cost on average.

use walras_des::{Purpose, Stream, Streams, math};

use crate::ledger::deeds::{DeedId, Deeds, Kind};
use crate::ledger::{Account, Asset, Ledger, Reason};
use crate::token::concentration::Holdings;
use crate::token::rewards::{popularity, pro_rata, quadratic, retroactive, royalties};
use crate::units::{Amount, Ppm};

/// Who makes the models that a network's work names, and how they are paid.
#[derive(Clone, Debug, PartialEq)]
pub struct Creators {
    /// Models at the start.
    pub models: u32,
    /// Creators who could bring a new one [a day].
    pub arrivals: f64,
    /// Exponent of Zipf's law: popularity of the k-th over that of the first is k to minus this.
    pub popularity: f64,
    /// Standard deviation of the logarithm of quality, whose median is 1.
    pub quality: f64,
    /// Use is as popularity times this power of quality.
    pub care: f64,
    /// Time in which popularity halves [days]; infinite if it stays.
    pub fashion: f64,
    /// What keeping a model costs its owner [USD a day].
    pub upkeep: f64,
    /// Time for which a new model stays whatever it earns [days].
    pub trial: f64,
    /// Half-life of what owners remember of earnings [days].
    pub memory: f64,
    /// Share of what customers pay that is for creators.
    pub share: Ppm,
    /// How it is divided, with their share of new tokens.
    pub rule: Reward,
    /// Share of models that are built upon another.
    pub derived: f64,
    /// What these owe of their earnings to that one, and all deeds to their creator when they are sold or earn for another.
    pub royalty: Ppm,
    /// Rate at which a deed is sold, for what it earns in a year [by year].
    pub resale: f64,
    /// How much more customers like a network with e times the models, all alike [units of utility].
    pub variety: f64,
}

/// How a pot is divided between models.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reward {
    /// By use.
    Usage,
    /// By a power of use.
    Popularity {
        /// The power; zero pays all who were used the same.
        alpha: f64,
    },
    /// Kept, and divided by what a jury finds that the use since was worth: use times quality, with an error.
    Retroactive {
        /// Between two rounds [days].
        every: f64,
        /// Standard deviation of the logarithm of the jury's error.
        error: f64,
    },
    /// Kept, and added to what users give by quadratic funding.
    Quadratic {
        /// Between two rounds [days].
        every: f64,
        /// Users who give in a round; each picks a model as work does.
        givers: u32,
        /// What each gives [USD].
        gift: f64,
    },
}

/// A model on offer.
#[derive(Clone, Debug)]
struct Model {
    deed: DeedId,
    /// Popularity when it was new, times quality to the power of care.
    weight: f64,
    quality: f64,
    /// When it came [days].
    since: f64,
    /// The creators of what it was built upon, the nearest first; for a model that is gone nothing is owed.
    upon: Vec<usize>,
    /// What it is expected to earn for its owner [USD a day].
    expected: f64,
    /// Work since the pot was last divided [thousandths of a unit].
    used: u64,
}

/// What an epoch is worth to creators.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Harvest {
    /// Paid to creators [USD].
    pub paid: f64,
    /// Tokens sold for that.
    pub sold: Amount,
}

/// Creators at work. Persons are numbered as they come, and first of all they own the model that they made.
#[derive(Clone, Debug)]
pub(super) struct Guild {
    plan: Creators,
    models: Vec<Model>,
    deeds: Deeds,
    /// Income of each person [base units of USD].
    incomes: Vec<Amount>,
    /// All that was ever to be received.
    due: Amount,
    stream: Stream,
    jury: Stream,
    arrivals: f64,
    last_round: f64,
    /// Sum of weights at the start.
    first_weight: f64,
    /// Mean quality of work, by use.
    pub quality: f64,
    /// What variety adds to how much customers like the network [units of utility].
    pub appeal: f64,
}

/// The longest chain of royalties that is followed.
const CHAIN: usize = 8;

impl Guild {
    pub fn new(plan: &Creators, streams: &Streams, network: u64) -> Self {
        let mut guild = Self {
            plan: plan.clone(),
            models: Vec::new(),
            deeds: Deeds::default(),
            incomes: Vec::new(),
            due: Amount::ZERO,
            stream: streams.open(Purpose::new("models"), network),
            jury: streams.open(Purpose::new("jury of models"), network),
            arrivals: 0.0,
            last_round: 0.0,
            first_weight: 1.0,
            quality: 0.0,
            appeal: 0.0,
        };
        for _ in 0..plan.models {
            guild.publish(0.0, plan.upkeep);
        }
        guild.first_weight = guild.weights(0.0).iter().sum();
        guild
    }

    /// A new person brings a new model.
    fn publish(&mut self, now: f64, expected: f64) {
        let plan = &self.plan;
        let stream = &mut self.stream;
        // Sorted by rank, draws of a Pareto law with shape 1/s follow Zipf's law with exponent s.
        let popularity = math::powf(1.0 - stream.uniform(), -plan.popularity);
        let quality = math::exp(plan.quality * stream.normal());
        let is_derived = stream.bernoulli(plan.derived);
        let at = stream.uniform();
        let weights = self.weights(now);
        let mut upon = Vec::new();
        if is_derived && let Some(parent) = pick(&weights, at) {
            let parent = &self.models[parent];
            upon.push(self.creator(parent));
            upon.extend(parent.upon.iter().take(CHAIN - 1));
        }
        let person = Account::owner(self.incomes.len());
        let deed = self.deeds.create(Kind::Model, person, self.plan.royalty);
        self.incomes.push(Amount::ZERO);
        self.models.push(Model {
            deed,
            weight: popularity * math::powf(quality, self.plan.care),
            quality,
            since: now,
            upon,
            expected,
            used: 0,
        });
    }

    /// How much each model attracts.
    fn weights(&self, now: f64) -> Vec<f64> {
        let fades = |model: &Model| math::powf(0.5, (now - model.since) / self.plan.fashion);
        (self.models.iter().map(|model| model.weight * fades(model))).collect()
    }

    /// Models on offer.
    pub fn len(&self) -> usize {
        self.models.len()
    }

    /// Holds the books of persons.
    ///
    /// # Panics
    /// If they did not receive all that they were paid.
    pub fn audit(&self) {
        let received = (self.incomes.iter()).fold(Amount::ZERO, |sum, &income| sum + income);
        assert_eq!(
            received, self.due,
            "what creators received is not what they were paid"
        );
    }

    /// Incomes of all who ever published [USD].
    pub fn incomes(&self) -> Option<Holdings> {
        let incomes: Vec<f64> = self.incomes.iter().map(|income| income.as_f64()).collect();
        Holdings::new(&incomes)
    }

    /// An epoch in which so much work was done [units]: it is shared out among models, creators are paid if it is time, and come and go.
    pub fn step(
        &mut self,
        now: f64,
        days: f64,
        served: f64,
        ledger: &mut Ledger,
        token_usd: Option<f64>,
    ) -> Harvest {
        let weights = self.weights(now);
        let total: f64 = weights.iter().sum();
        self.quality = 0.0;
        for (model, weight) in self.models.iter_mut().zip(&weights) {
            model.used += (served * 1e3 * weight / total) as u64;
            self.quality += model.quality * weight / total;
        }
        if self.plan.variety > 0.0 {
            self.appeal = self.plan.variety * math::ln((total / self.first_weight).max(1e-9));
        }
        let every = match self.plan.rule {
            Reward::Usage | Reward::Popularity { .. } => 0.0,
            Reward::Retroactive { every, .. } | Reward::Quadratic { every, .. } => every,
        };
        let since = now + days - self.last_round;
        let mut harvest = Harvest::default();
        if since >= every * (1.0 - 1e-9) {
            harvest = self.pay(since, &weights, ledger, token_usd);
            self.last_round = now + days;
        }
        self.trade_deeds(days);
        self.come_and_go(now + days, days);
        harvest
    }

    /// Divides what is in the pot.
    fn pay(
        &mut self,
        days: f64,
        weights: &[f64],
        ledger: &mut Ledger,
        token_usd: Option<f64>,
    ) -> Harvest {
        let mut sold = Amount::ZERO;
        if let Some(price) = token_usd {
            sold = ledger.balance(Asset::Token, Account::CREATORS);
            super::pool::sell(ledger, Account::CREATORS, sold, price);
        }
        let uses: Vec<u64> = self.models.iter().map(|model| model.used).collect();
        let pot = ledger.balance(Asset::Usd, Account::CREATORS);
        let shares = match self.plan.rule {
            Reward::Usage => pro_rata(pot, &uses),
            Reward::Popularity { alpha } => popularity(pot, &uses, alpha),
            Reward::Retroactive { error, .. } => {
                let score = |(model, &used): (&Model, &u64)| {
                    let noise = math::exp(error * self.jury.normal());
                    used as f64 * model.quality * noise
                };
                let scores: Vec<f64> = self.models.iter().zip(&uses).map(score).collect();
                retroactive(pot, &scores)
            }
            Reward::Quadratic { givers, gift, .. } => {
                self.fund(pot, givers, Amount::from_f64(gift), weights, ledger)
            }
        };
        let mut paid = Amount::ZERO;
        let mut earned = vec![Amount::ZERO; self.models.len()];
        let mut places = vec![None; self.incomes.len()];
        for (index, model) in self.models.iter().enumerate() {
            places[self.creator(model)] = Some(index);
        }
        for (index, &share) in shares.iter().enumerate() {
            paid += share;
            self.divide(index, share, &places, &mut earned);
        }
        ledger.burn(Asset::Usd, Account::CREATORS, paid, Reason::Spend);
        let weight = 1.0 - math::powf(0.5, days / self.plan.memory);
        for (model, earned) in self.models.iter_mut().zip(earned) {
            model.used = 0;
            model.expected += weight * (earned.as_f64() / days - model.expected);
        }
        Harvest {
            paid: paid.as_f64(),
            sold,
        }
    }

    /// Users give to models as work picks them, and the pot adds to it.
    fn fund(
        &mut self,
        pot: Amount,
        givers: u32,
        gift: Amount,
        weights: &[f64],
        ledger: &mut Ledger,
    ) -> Vec<Amount> {
        let mut gifts = vec![Vec::new(); self.models.len()];
        let mut given = Amount::ZERO;
        let sums: Vec<f64> = weights
            .iter()
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        let total = sums.last().copied().unwrap_or(0.0);
        for _ in 0..givers {
            let at = self.jury.uniform() * total;
            if let Some(gifts) = gifts.get_mut(sums.partition_point(|&sum| sum <= at)) {
                gifts.push(gift);
                given += gift;
            }
        }
        ledger.mint(Asset::Usd, Account::CREATORS, given, Reason::Deposit);
        let funded = quadratic(pot, &gifts);
        funded
            .iter()
            .map(|project| project.contributed + project.matched)
            .collect()
    }

    /// What a model earned goes to its owner, its creator and those it was built upon.
    fn divide(
        &mut self,
        index: usize,
        pay: Amount,
        places: &[Option<usize>],
        earned: &mut [Amount],
    ) {
        self.due += pay;
        let upon = self.models[index].upon.iter();
        let alive: Vec<usize> = upon.filter_map(|&creator| places[creator]).collect();
        let parts = royalties(pay, &vec![self.plan.royalty; alive.len()]);
        for (to, part) in std::iter::once(index).chain(alive).zip(parts) {
            let deed = self
                .deeds
                .get(self.models[to].deed)
                .expect("a model has a deed");
            let royalty = if deed.owner == deed.creator {
                Amount::ZERO
            } else {
                part.share(deed.royalty)
            };
            let (creator, owner) = (deed.creator, deed.owner);
            self.receive(creator, royalty);
            self.receive(owner, part - royalty);
            earned[to] += part - royalty;
        }
    }

    /// The number of a model's creator, who made no other.
    fn creator(&self, model: &Model) -> usize {
        let deed = self.deeds.get(model.deed).expect("a model has a deed");
        deed.creator.owner_index().expect("persons are numbered")
    }

    fn receive(&mut self, person: Account, amount: Amount) {
        let person = person.owner_index().expect("persons are numbered");
        self.incomes[person] += amount;
    }

    /// Deeds change hands for a year's earnings. The price is the seller's income and not the buyer's loss: figures are about income.
    fn trade_deeds(&mut self, days: f64) {
        if self.plan.resale == 0.0 {
            return;
        }
        let chance = -math::exp_m1(-self.plan.resale * days / 365.0);
        for index in 0..self.models.len() {
            if !self.stream.bernoulli(chance) {
                continue;
            }
            let model = &self.models[index];
            let buyer = Account::owner(self.stream.below(self.incomes.len() as u64) as usize);
            let deed = self.deeds.get(model.deed).expect("a model has a deed");
            let (creator, owner) = (deed.creator, deed.owner);
            if buyer == owner {
                continue;
            }
            let price = Amount::from_f64((model.expected * 365.0).max(0.0));
            let (royalty, rest) =
                (self.deeds.sell(model.deed, owner, buyer, price)).expect("its owner sells it");
            self.due += price;
            self.receive(creator, royalty);
            self.receive(owner, rest);
        }
    }

    /// Models that do not pay go; new ones come while those that are there pay on average.
    fn come_and_go(&mut self, now: f64, days: f64) {
        let plan = &self.plan;
        let (upkeep, trial) = (plan.upkeep, plan.trial);
        self.models
            .retain(|model| model.expected >= upkeep || now - model.since < trial);
        self.arrivals += plan.arrivals * days;
        while self.arrivals >= 1.0 {
            self.arrivals -= 1.0;
            let count = self.models.len() as f64;
            let mean = self.models.iter().map(|model| model.expected).sum::<f64>();
            // With one more there is less for each.
            let expected = if count == 0.0 {
                f64::INFINITY
            } else {
                mean / (count + 1.0)
            };
            if expected > upkeep {
                self.publish(now, expected.min(upkeep * 1e3));
            }
        }
    }
}

/// The index at a share of the sum of weights; `None` if there are none.
fn pick(weights: &[f64], at: f64) -> Option<usize> {
    let mut left = at * weights.iter().sum::<f64>();
    let found = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    found.or(weights.len().checked_sub(1))
}
