//! An economy epoch by epoch: work as a flow.

use walras_des::{Digest, SimTime, Span, Streams};

use crate::demand::logit::Offer;
use crate::economy::customers::{Demand, Each};
use crate::economy::figures::Evidence;
use crate::economy::machines::Live;
use crate::economy::network::{Commons, Epoch, State};
use crate::economy::pool::{Party, Pool};
use crate::economy::roster::Roster;
use crate::economy::welfare::{self, Curve, Welfare};
use crate::economy::{Change, Economy, Fidelity};
use crate::ledger::Posting;
use crate::record::{Counts, Latencies, Nothing, Output};
use crate::series::{Column, Row, Series};
use crate::supply::orders::Orders;
use crate::world::Settings;

impl Economy {
    /// Simulates one replication; `None` if `stop` asked for it.
    ///
    /// # Panics
    /// If an invariant of the simulation is violated.
    #[must_use]
    pub fn simulate(
        &self,
        settings: &Settings,
        seed: u64,
        replication: u32,
        stop: &dyn Fn() -> bool,
    ) -> Option<Output> {
        let streams = Streams::new(seed, u64::from(replication));
        let mut run = Run::new(self, settings, &streams, false);
        run.go(settings, stop)?;
        Some(run.output())
    }

    /// Every movement of money of the first network in one replication; `None` if `stop` asked for it.
    ///
    /// # Panics
    /// As [`Economy::simulate`].
    #[must_use]
    pub fn journal(
        &self,
        settings: &Settings,
        seed: u64,
        replication: u32,
        stop: &dyn Fn() -> bool,
    ) -> Option<Vec<Posting>> {
        let streams = Streams::new(seed, u64::from(replication));
        let mut run = Run::new(self, settings, &streams, true);
        run.go(settings, stop)?;
        Some(run.networks[0].ledger.take_journal())
    }
}

/// One replication under way.
struct Run<'a> {
    economy: &'a Economy,
    demand: Demand,
    networks: Vec<State>,
    /// The machines of networks that work request by request.
    live: Vec<Option<Live<'a>>>,
    commons: Commons,
    /// Of demand, by shocks.
    factor: f64,
    next_shock: usize,
    days: f64,
    at_start: u32,
    /// All measured epochs, and those to keep.
    measured: Vec<Row>,
    series: Series,
    surplus: Option<f64>,
    welfare: Welfare,
    digest: Digest,
    steps: u64,
}

impl<'a> Run<'a> {
    fn new(economy: &'a Economy, settings: &Settings, streams: &Streams, journal: bool) -> Self {
        let days = economy.epoch.as_secs_f64() / Span::DAY.as_secs_f64();
        let mut commons = Commons {
            makers: economy.makers.iter().map(Orders::new).collect(),
            pools: (economy.pools.iter().enumerate())
                .map(|(index, plan)| {
                    // Not the entity of any network's own owners.
                    let entity = (1 << 32) | index as u64;
                    Pool::new(plan, None, index, days, streams, entity).shared()
                })
                .collect(),
        };
        let tastes = &economy.customers.tastes;
        let nests: Vec<_> = economy
            .networks
            .iter()
            .map(|network| network.nest)
            .collect();
        let networks: Vec<State> = (economy.networks.iter().enumerate())
            .map(|(index, network)| {
                State::new(network, index, days, streams, tastes, journal, &mut commons)
            })
            .collect();
        let (appeals, prices) = offers(&networks);
        let known: Vec<Offer> = (economy.networks.iter().map(|network| network.offer)).collect();
        let machines = economy.networks.iter().map(|network| {
            let machines = network.machines.as_ref();
            machines.filter(|_| economy.fidelity == Fidelity::Jobs)
        });
        Self {
            economy,
            live: machines
                .map(|machines| Some(Live::new(machines?, settings, streams, Nothing)))
                .collect(),
            demand: Demand::new(
                &economy.customers,
                &nests,
                &known,
                &appeals,
                &prices,
                streams,
            ),
            at_start: networks[0].roster().map_or(0, Roster::online),
            networks,
            commons,
            factor: 1.0,
            next_shock: 0,
            days,
            measured: Vec::new(),
            series: Series::default(),
            surplus: Some(0.0),
            welfare: Welfare::default(),
            digest: Digest::new(),
            steps: 0,
        }
    }

    fn go(&mut self, settings: &Settings, stop: &dyn Fn() -> bool) -> Option<()> {
        let epochs = settings.horizon.as_nanos() / self.economy.epoch.as_nanos();
        let keep = (settings.sample_every.as_nanos() / self.economy.epoch.as_nanos()).max(1);
        let warm_up = settings.warm_up.as_secs_f64() / Span::DAY.as_secs_f64();
        for index in 0..epochs {
            if index % 64 == 0 && stop() {
                return None;
            }
            let epoch = Epoch {
                index: u32::try_from(index).expect("epochs fit 32 bits"),
                now: SimTime::ZERO + self.economy.epoch * index,
                start: index as f64 * self.days,
                days: self.days,
                length: self.economy.epoch,
            };
            let row = self.step(epoch);
            if epoch.start >= warm_up {
                self.measured.push(row);
            }
            if (index + 1) % keep == 0 {
                self.series.days.push(epoch.start + epoch.days);
                self.series.rows.push(row);
                for (index, (name, share)) in self.demand.segments().enumerate() {
                    if self.series.segments.len() <= index {
                        self.series.segments.push((name.to_owned(), Vec::new()));
                    }
                    self.series.segments[index].1.push(share);
                }
            }
            if index % 256 == 255 {
                self.audit();
            }
        }
        self.audit();
        Some(())
    }

    fn audit(&self) {
        for network in &self.networks {
            network.audit(&self.commons);
        }
    }

    fn step(&mut self, epoch: Epoch) -> Row {
        while let Some(shock) = self
            .economy
            .shocks
            .get(self.next_shock)
            .filter(|shock| shock.at <= epoch.start)
        {
            self.next_shock += 1;
            match shock.change {
                Change::Demand(factor) => self.factor *= factor,
                Change::Output { maker, factor } => {
                    let maker = &mut self.commons.makers[maker];
                    maker.set_output(maker.output() * factor);
                }
                Change::Orders { maker, units } => {
                    self.commons.makers[maker].order_elsewhere(units);
                }
                change => self.networks[shock.network].change(change, &mut self.commons),
            }
        }
        self.deliver(epoch);
        let years = epoch.start / 365.0;
        let (appeals, prices) = offers(&self.networks);
        let (total, mut wanted) = self.demand.step(years, epoch.days, &appeals, &prices);
        for wanted in &mut wanted {
            *wanted *= self.factor;
        }
        if let Some(surplus) = &mut self.surplus {
            match self.demand.surplus(years, &appeals, &prices) {
                Some(more) => *surplus += more * self.factor,
                None => self.surplus = None,
            }
        }
        for (network, &wanted) in self.networks.iter_mut().zip(&wanted) {
            network.sought = wanted;
        }
        self.bind(epoch, &mut wanted);
        self.overflow(&mut wanted, &prices);
        let asked: Each = self.networks.iter().map(State::asked).collect();
        // The planner looks at the same day before anything has happened on it.
        let quarter = |days: f64| (days / QUARTER).floor();
        let is_due = quarter(epoch.start + epoch.days) > quarter(epoch.start);
        // Owners of a pool could serve one network or another, which curves of their own do not say.
        let rosters = self.networks.iter().filter_map(State::roster).count();
        let are_apart = rosters == self.commons.pools.len();
        let planned = self.surplus.filter(|_| is_due && are_apart).map(|_| {
            let curves: Vec<Curve> = {
                let networks = self.networks.iter();
                networks
                    .map(|network| network.curve(&self.commons))
                    .collect()
            };
            let demand = |prices: &[f64]| {
                self.demand
                    .at(years, &appeals, prices)
                    .1
                    .iter()
                    .map(|q| q * self.factor)
                    .collect()
            };
            let gained = |prices: &[f64]| {
                self.demand.surplus(years, &appeals, prices).unwrap_or(0.0) * self.factor
            };
            (welfare::best(&curves, demand, gained), gained(&prices))
        });
        let mut gain = 0.0;
        let mut first = Row::default();
        let mut served = 0.0;
        let demand = &self.demand;
        for (index, (network, live)) in self.networks.iter_mut().zip(&mut self.live).enumerate() {
            let others = asked
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            let rival = others
                .map(|(_, price)| *price)
                .fold(f64::INFINITY, f64::min);
            // What would be wanted at another price, in proportion to what is: habit and overflow are the same at all prices.
            let reckoned = network.effective(1.0);
            let at = |price: f64| {
                let now = demand.at(years, &appeals, &prices).1[index];
                let scale = if now > 0.0 { wanted[index] / now } else { 0.0 };
                let mut prices = prices.clone();
                prices[index] = price * reckoned;
                demand.at(years, &appeals, &prices).1[index] * scale
            };
            let commons = &mut self.commons;
            let row = network.step(epoch, wanted[index], at, rival, live.as_mut(), commons);
            served += row[Column::Served];
            gain += network.gain(&row);
            for (column, value) in Column::ALL.iter().zip(row.0) {
                // Columns of what few networks have came later, and are part of the history of these alone.
                if value == 0.0 && *column > Column::Unpaid {
                    continue;
                }
                self.digest.event(epoch.now, index as u8, value.to_bits());
            }
            self.steps += 1;
            if index == 0 {
                first = row;
            }
        }
        if let Some((best, gained)) = planned {
            self.welfare.best += best;
            self.welfare.market += gained + gain;
            self.welfare.days += 1;
        }
        first[Column::Demand] = total * self.factor;
        first[Column::Share] = if served > 0.0 {
            first[Column::Served] / served
        } else {
            0.0
        };
        first
    }

    /// What makers have made and shipped since the last epoch reaches those who have ordered it.
    fn deliver(&mut self, epoch: Epoch) {
        let mut came = Vec::new();
        for maker in &mut self.commons.makers {
            if epoch.index > 0 {
                maker.advance(epoch.days / 7.0, &mut came);
            }
        }
        for delivery in came {
            match delivery.party {
                Party::Owner { pool, owner } => {
                    self.commons.pools[pool].deliver(owner, epoch.index);
                }
                Party::Seller(network) => self.networks[network].deliver(delivery.units),
            }
        }
    }

    /// Customers who are bound to a network by deals or contracts and would be elsewhere are not there yet; what deals keep is in their book.
    fn bind(&self, epoch: Epoch, wanted: &mut [f64]) {
        for (index, network) in self.networks.iter().enumerate() {
            let apart = wanted[index] - network.bound(epoch, wanted[index]);
            let others = wanted.iter().sum::<f64>() - wanted[index];
            if apart == 0.0 || others <= 0.0 {
                continue;
            }
            let factor = ((others + apart) / others).max(0.0);
            if network.has_contracts() {
                wanted[index] += others * (1.0 - factor);
            }
            for (_, wanted) in wanted
                .iter_mut()
                .enumerate()
                .filter(|(other, _)| *other != index)
            {
                *wanted *= factor;
            }
        }
    }

    /// What cannot be served where it is wanted goes to others with room whose price is not too high, the cheapest first.
    fn overflow(&self, wanted: &mut [f64], prices: &[f64]) {
        let customers = &self.economy.customers;
        let limit = customers.overflow_below * customers.reference_price;
        let room: Each = self.networks.iter().map(State::capacity).collect();
        customers.homing.send(wanted, &room, prices, limit);
    }

    fn output(self) -> Output {
        let owners =
            (self.networks[0].roster()).map(|roster| (roster, &self.commons.pools[roster.pool]));
        let plan = owners.map(|(_, pool)| pool.plan());
        let hardware_price = plan.filter(|plan| plan.buyers > 0.0);
        let hardware_price = hardware_price.map(|plan| plan.machine.price);
        let evidence = Evidence {
            rows: &self.measured,
            days: self.days,
            at_start: self.at_start,
            owners,
            hardware_price,
            surplus: self.surplus,
            welfare: self.welfare,
            creators: self.networks[0].guild(),
            watched: self.economy.networks[0].verification.is_some(),
            has_deals: self.economy.networks[0].deals.is_some(),
            colluding: (self.economy.networks[0].validators.as_ref()).map(|plan| plan.colluding),
        };
        let mut digest = self.digest;
        for network in &self.networks {
            for asset in crate::ledger::Asset::ALL {
                digest.fold(network.ledger.supply(asset).0 as u64);
            }
        }
        let mut events = self.steps;
        for live in self.live.iter().flatten() {
            digest.fold(live.digest().as_u64());
            events += live.events();
        }
        Output {
            digest,
            events,
            counts: Counts::default(),
            metrics: evidence.metrics(),
            latencies: Latencies::default(),
            sections: Vec::new(),
            samples: Vec::new(),
            lorenz: Vec::new(),
            jobs: Vec::new(),
            batch_jobs: Vec::new(),
            refusals: Vec::new(),
            batch_refusals: Vec::new(),
            series: self.series,
        }
    }
}

/// How much customers like each network, and what they expect to pay; a closed one they do not consider.
fn offers(networks: &[State]) -> (Each, Each) {
    let appeal = |network: &State| {
        if network.is_open {
            network.appeal()
        } else {
            CLOSED
        }
    };
    (
        networks.iter().map(appeal).collect(),
        networks
            .iter()
            .map(|network| network.effective(network.price))
            .collect(),
    )
}

/// Days between two looks of the planner.
const QUARTER: f64 = 91.0;

/// The appeal of a network that is closed: a share of e^−60 is no customer.
const CLOSED: f64 = -60.0;
